"""Laws of what is handed out: beginnings of the final value, whatever the type and the cuts; and what that costs."""

from __future__ import annotations

import copy
import json
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk.chat import TextDelta, read_json
from deepseek_v4_sdk.structured import ItemsShape, Shape, watcher_of
from deepseek_v4_sdk.structured.json_reader import JsonReader
from deepseek_v4_sdk.structured.outline import Outline
from tests.structured.streaming import begins, paths_in
from tests.support.profiles import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

ANYTHING = Outline([{}], {})
texts = st.text(st.characters(codec="utf-8"), max_size=12)
keys = st.text(st.sampled_from("abcxyz_"), min_size=1, max_size=4)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    leaves, lambda it: st.lists(it, max_size=4) | st.dictionaries(keys, it, max_size=4), max_leaves=12
)
containers = st.lists(values, max_size=5) | st.dictionaries(keys, values, max_size=5)


@st.composite
def typed(draw: st.DrawFn, depth: int = 0) -> tuple[dict[str, Any], st.SearchStrategy[Any]]:
    """A schema, and the values of it."""
    kinds = ["string", "enum", "date", "integer", "number", "boolean", "null"]
    kind = draw(st.sampled_from(kinds if depth > 2 else [*kinds, "object", "object", "array", "array", "either"]))
    if kind == "enum":
        choices = draw(st.lists(texts, min_size=1, max_size=3, unique=True))
        return {"enum": choices}, st.sampled_from(choices)
    if kind == "date":
        return {"type": "string", "format": "date"}, st.dates().map(str)
    if kind == "object":
        fields = {name: draw(typed(depth + 1)) for name in draw(st.lists(keys, min_size=1, max_size=4, unique=True))}
        schema = {"type": "object", "properties": {name: field[0] for name, field in fields.items()}}
        schema |= {"required": list(fields), "additionalProperties": False}
        return schema, st.fixed_dictionaries({name: field[1] for name, field in fields.items()})
    if kind == "array":
        schema, items = draw(typed(depth + 1))
        return {"type": "array", "items": schema}, st.lists(items, max_size=4)
    if kind == "either":
        one, other = draw(typed(depth + 1)), draw(typed(depth + 1))
        return {"anyOf": [one[0], other[0]]}, one[1] | other[1]
    plain = {
        "string": texts,
        "integer": st.integers(-(2**60), 2**60),
        "number": st.floats(allow_nan=False, allow_infinity=False),
        "boolean": st.booleans(),
        "null": st.none(),
    }
    return {"type": kind}, plain[kind]


def pieces(text: str, cuts: list[int]) -> Iterator[str]:
    """A text in pieces of these lengths, used over and over."""
    place, number = 0, 0
    while place < len(text):
        size = cuts[number % len(cuts)]
        yield text[place : place + size]
        place, number = place + size, number + 1


lengths = st.lists(st.integers(1, 12), min_size=1, max_size=5)
ascii_only = st.booleans()
indents = st.sampled_from([None, 0, 2])


@examples(40)
@given(st.data(), lengths, ascii_only, indents)
def test_states_are_beginnings_of_the_value(data: st.DataObject, cuts: list[int], plain: bool, indent: Any) -> None:
    schema, of_it = data.draw(typed())
    value = data.draw(of_it)
    shape: Shape[Any] = Shape(schema)
    whole = {"value": value} if shape.wrapped else value
    watcher = watcher_of(shape, by_call=False)
    watcher.begin()
    seen: list[tuple[Any, list[str]]] = []
    for piece in pieces(json.dumps(whole, ensure_ascii=plain, indent=indent), cuts):
        for partial in watcher.saw(TextDelta(piece)):
            watcher.given = True
            state: Any = copy.deepcopy(partial.value)
            paths = list(partial.complete_paths)
            assert begins(state, value), (state, value)
            assert set(paths) <= set(paths_in(value))
            seen.append((state, paths))
    seen += [(partial.value, list(partial.complete_paths)) for partial in watcher.rest(whole)]
    assert seen[-1] == (value, list(paths_in(value)))
    for (_, before), (_, after) in pairwise(seen):
        assert after[: len(before)] == before


@examples(40)
@given(st.data(), lengths, ascii_only)
def test_each_item_once_and_in_order(data: st.DataObject, cuts: list[int], plain: bool) -> None:
    schema, of_it = data.draw(typed(depth=1))
    items = data.draw(st.lists(of_it, max_size=5))
    whole = {"value": items} if data.draw(st.booleans()) else items
    shape: Shape[Any] = ItemsShape(schema)
    watcher = watcher_of(shape, by_call=False)
    watcher.begin()
    handed: list[Any] = []
    for piece in pieces(json.dumps(whole, ensure_ascii=plain), cuts):
        for item in watcher.saw(TextDelta(piece)):
            watcher.given = True
            handed.append(item)
            assert handed == items[: len(handed)]
    shape.read(read_json(json.dumps(whole)))
    handed += watcher.rest(whole)
    assert handed == items


@examples(50)
@given(containers, lengths, ascii_only, indents)
def test_any_json_in_any_pieces(value: Any, cuts: list[int], plain: bool, indent: Any) -> None:
    reader = JsonReader(ANYTHING)
    for piece in pieces(json.dumps(value, ensure_ascii=plain, indent=indent), cuts):
        assert reader.feed(piece) == len(piece)
        assert begins(reader.value, value) or not reader.has_value
    assert reader.done
    assert reader.value == value


@examples(60)
@given(st.text(st.sampled_from('{}[]",: \n\\u0d8ctrue-1.e'), max_size=60), lengths)
def test_only_json_is_read_to_the_end(text: str, cuts: list[int]) -> None:
    """What the reader takes for whole is what the decoder of whole answers takes for JSON, and the same."""
    reader, read = JsonReader(ANYTHING), 0
    for piece in pieces(text, cuts):
        read += reader.feed(piece)
        if reader.over:
            break
    if reader.done:
        assert read_json(text[:read]) == reader.value
    else:
        assert not isinstance(_decoded(text), dict | list)


def _decoded(text: str) -> Any:
    try:
        return read_json(text)
    except ValueError:
        return None


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1,}', "[1,]", '{"a" 1}', "{1: 2}", "[1 2]", '["\\ud800"]', '["\\ud800\\u0041"]', '["\x01"]', "[nul]",
        "[1e999]", "[NaN]", "[01]", '{"a": }', "[" * 300, '["\\x"]', "{]", "[}",
    ],
)  # fmt: skip
def test_what_is_no_json_ends_it(text: str) -> None:
    reader = JsonReader(ANYTHING)
    reader.feed(text)
    assert reader.over
    assert not reader.done


# What it costs, by the number of functions that run, and of bytes that texts take when they are joined.


class Work:
    """Counts the calls of functions, ours and the interpreter's."""

    def __init__(self) -> None:
        self.calls = 0

    def __enter__(self) -> Self:
        self._before = sys.getprofile()
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self._before)

    def _count(self, frame: object, event: str, argument: object) -> None:
        self.calls += event in {"call", "c_call"}


def work(rows: int, *, reading: bool, items: bool) -> int:
    row = {"what": "A cup of tea", "cents": 300, "day": "2026-11-30", "tags": ["hot", "green"]}
    schema = {"type": "object", "properties": {"what": {"type": "string"}, "cents": {"type": "integer"}}}
    shape: Shape[Any] = ItemsShape(schema) if items else Shape({"type": "array", "items": schema})
    watcher = watcher_of(shape, by_call=False)
    watcher.begin()
    events = [TextDelta(piece) for piece in pieces("Here:\n" + json.dumps({"value": [row] * rows}), [4])]
    with Work() as counted:
        for event in events:
            for found in watcher.saw(event):
                watcher.given = True
                if reading and not items:
                    assert found.value
                    assert "[0]" in found.complete_paths or found.complete_paths is not None
    return counted.calls


@pytest.mark.parametrize(("reading", "items"), [(True, False), (False, False), (False, True)])
def test_the_work_grows_as_the_answer_does(*, reading: bool, items: bool) -> None:
    work(5, reading=reading, items=items)
    once, twice, fourfold = (work(125 * factor, reading=reading, items=items) for factor in (1, 2, 4))
    assert 1.9 < twice / once < 2.1
    assert 3.8 < fourfold / once < 4.2


@pytest.mark.parametrize("text", ["words " * 2000, "a [1] " * 2000, "{ " * 2000, "```\n" * 2000, '{"other": ' * 2000])
def test_looking_for_json_in_prose_grows_as_the_prose_does(text: str) -> None:
    def looked(text: str) -> int:
        watcher = watcher_of(Shape({"type": "object", "properties": {"a": {}}}), by_call=False)
        watcher.begin()
        events = [TextDelta(piece) for piece in pieces(text, [4])]
        with Work() as counted:
            for event in events:
                assert list(watcher.saw(event)) == []
        return counted.calls

    looked(text)
    once, fourfold = looked(text[: len(text) // 4]), looked(text)
    assert fourfold < 4.4 * once


def test_an_open_text_is_joined_once_for_each_piece() -> None:
    """Reading a text at each of its pieces joins the new pieces alone: it is not built anew from its beginning."""
    reader = JsonReader(ANYTHING)
    reader.feed('{"text": "')
    joined: list[int] = []
    for _ in range(500):
        reader.feed("four")
        reader.feed("five5")
        joined.append(sum(map(len, reader._pieces)))
        assert reader.value
    assert set(joined) == {9}
    assert reader.value == {"text": "fourfive5" * 500}
