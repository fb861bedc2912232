"""JSON inside other text is found whole, and never invented."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk.structured.json_search import json_at_the_end, json_in
from tests.support.profiles import examples

_leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
_values = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
objects = st.dictionaries(st.text(max_size=8), _values, max_size=5)
lists = st.lists(_values, max_size=5)
prose = st.text(st.characters(exclude_characters="{}[]"), max_size=60)
indents = st.sampled_from([None, 0, 2])


@examples(30)
@given(st.one_of(objects, lists), prose, prose, indents, st.booleans())
def test_in_prose(value: Any, before: str, after: str, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    if not _encodes(text):
        return
    assert json_in(before + text + after) == [value]


@examples(25)
@given(objects, prose, st.sampled_from(["json", "", "JSON"]), indents)
def test_in_a_fence(value: Any, before: str, language: str, indent: int | None) -> None:
    text = f"{before}\n```{language}\n{json.dumps(value, indent=indent)}\n```\n"
    assert json_in(text) == [value]
    assert json_at_the_end(text) == [value]
    assert json_at_the_end(f"{text} Or not.") == []


@examples(30)
@given(st.lists(objects, min_size=2, max_size=4), prose)
def test_several(values: list[Any], between: str) -> None:
    text = between.join(json.dumps(value) for value in values)
    assert json_in(text) == values


@examples(50)
@given(st.text(st.sampled_from('{}[]",: \n\\abt1-.e`ntrufalse'), max_size=80))
def test_nothing_is_invented(text: str) -> None:
    """Each value that is found stands in the text, as it is, between two brackets."""
    spans = {
        json.dumps(value)
        for start, opening in enumerate(text)
        if opening in "{["
        for end, closing in enumerate(text[start:], start + 1)
        if closing in "}]" and (value := _read(text[start:end])) is not None
    }
    assert {json.dumps(value) for value in json_in(text)} <= spans


@examples(40)
@given(objects.filter(lambda value: any(isinstance(item, dict | list) and item for item in value.values())), st.data())
def test_a_piece_of_something_broken_is_no_value(value: Any, data: st.DataObject) -> None:
    """What was cut has whole pieces inside; none of them is the answer."""
    text = json.dumps(value)
    assert json_in(text[: data.draw(st.integers(2, len(text) - 1))]) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no JSON at all", []),
        ("{see below} then {}", [{}]),
        ('{"a": 1,}', []),
        ('{"items": [{"a": 1}, {"a": 2}', []),
        ("{'a': 1}", []),
        ('{"a": NaN}', []),
        ('{"a": 1e999}', []),
        ("as in [1], it is [2, 3]", [[1], [2, 3]]),
        ('a set {1, 2} and {"a": 1}', [{"a": 1}]),
        ('{"a": "}```{"}', [{"a": "}```{"}]),
    ],
)
def test_examples(text: str, found: list[Any]) -> None:
    assert json_in(text) == found


@pytest.mark.parametrize("text", ["{" * 200_000, "[" * 200_000, "[ " * 200_000, "{x" * 200_000, '{"a":' * 100_000])
def test_hostile_texts_take_no_time(text: str) -> None:
    began = time.process_time()
    assert json_in(text) == []
    assert time.process_time() - began < 2


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
