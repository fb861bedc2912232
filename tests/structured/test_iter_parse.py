"""The items of a list as each closes: once, in order, checked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import AfterValidator, TypeAdapter

from deepseek_v4_sdk import (
    AsyncDeepSeekV4,
    DeepSeekV4,
    IncompleteReplyError,
    SchemaViolationError,
    StreamClosedError,
    StreamInterruptedError,
)
from deepseek_v4_sdk.chat import write_json
from deepseek_v4_sdk.testing import MockProvider, faults, script
from tests.structured.cases import HOW, ResponseStream, said
from tests.structured.streaming import cut, read
from tests.support.modes import in_both_modes

if TYPE_CHECKING:
    from deepseek_v4_sdk.structured import Mechanism
    from tests.support.replay import Mode

ROWS = [{"what": "Tea", "cents": 300}, {"what": "Milk", "cents": 80}, {"what": "Bread", "cents": 250}]
LINES = [ResponseStream.model_validate(row) for row in ROWS]
WHOLE = write_json({"value": ROWS}).decode()


@in_both_modes
@pytest.mark.parametrize(("flavor", "mechanism"), HOW)
def test_every_server_and_mechanism(mode: Mode, flavor: str, mechanism: Mechanism) -> None:
    step = script.turn(said(mechanism, {"value": ROWS}), cuts=4)
    seen = read(mode, "iter_parse", ResponseStream, step, flavor=flavor, mechanism=mechanism)
    assert seen.error is None
    assert seen.given == seen.parsed.value == LINES
    assert all(one is other for one, other in zip(seen.given, seen.parsed.value, strict=True))
    assert seen.parsed.mechanism == mechanism


@in_both_modes
def test_each_comes_as_soon_as_it_has_closed(mode: Mode) -> None:
    """The connection is lost inside the second item: the first was handed out."""
    seen = read(mode, "iter_parse", ResponseStream, cut(WHOLE, 3) | faults.cut(after_bytes=6000))
    assert isinstance(seen.error, StreamInterruptedError)
    assert 1 <= len(seen.given) < 3
    assert seen.given == LINES[: len(seen.given)]


@in_both_modes
def test_cut_by_the_limit(mode: Mode) -> None:
    step = script.turn(script.text(WHOLE[:70]), cuts=3, finish_reason="length")
    seen = read(mode, "iter_parse", ResponseStream, step)
    assert isinstance(seen.error, IncompleteReplyError)
    assert seen.given == LINES[:2]


@dataclass
class Node:
    name: str
    children: list[Node]


TREE = {"name": "a", "children": [{"name": "b", "children": []}]}


@pytest.mark.parametrize(
    ("item", "values", "expected"),
    [
        (int, [1, 22, 333], [1, 22, 333]),
        (str, ["a", "", "\U0001f600 \\ \" \u00e9"], ["a", "", "\U0001f600 \\ \" \u00e9"]),
        (TypeAdapter(int | None), [1, None], [1, None]),
        (list[bool], [[True], [], [False, True]], [[True], [], [False, True]]),
        ({"type": "object", "properties": {"x": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"type": "integer"}}},
         [{"x": 1}], [{"x": 1}]),
        ({"type": "object", "properties": {"next": {"$ref": "#"}}}, [{"next": {"next": {}}}], [{"next": {"next": {}}}]),
        (Node, [TREE, TREE], [Node("a", [Node("b", [])])] * 2),
        (ResponseStream | int, [ROWS[0], 5], [LINES[0], 5]),
        (ResponseStream, [], []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["wrapped", "bare", "fenced"])
def test_items_of_any_type(item: Any, values: list[Any], expected: list[Any], form: str) -> None:
    text = write_json({"value": values} if form == "wrapped" else values).decode()
    seen = read("sync", "iter_parse", item, cut(f"So:\n```json\n{text}\n```" if form == "fenced" else text, 2))
    assert seen.error is None
    assert seen.given == seen.parsed.value == expected


def test_the_schema_asks_for_a_list() -> None:
    seen = read("sync", "iter_parse", ResponseStream, cut(WHOLE, 3))
    schema = seen.mock.requests[0].body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["value"]["type"] == "array"
    assert schema["properties"]["value"]["items"]["required"] == ["what", "cents"]


@in_both_modes
def test_asked_again_while_none_was_handed_out(mode: Mode) -> None:
    wrong = write_json({"value": [{"what": "Tea", "cents": "much"}, ROWS[1]]}).decode()
    seen = read(mode, "iter_parse", ResponseStream, script.text("None."), cut(wrong, 3), cut(WHOLE, 3), retries=2)
    assert seen.given == LINES
    assert "[0].cents" in seen.mock.requests[2].body["messages"][-1]["content"]


@in_both_modes
def test_not_asked_again_afterwards(mode: Mode) -> None:
    """The answer is left at the wrong item: the rest of it costs nothing."""
    wrong = write_json({"value": [ROWS[0], {"what": "Milk", "cents": "little"}, *ROWS * 50]}).decode()
    seen = read(mode, "iter_parse", ResponseStream, cut(wrong, 3), cut(WHOLE, 3))
    assert seen.given == LINES[:1]
    assert isinstance(seen.error, SchemaViolationError)
    assert (seen.error.path, seen.error.text) == ("[1].cents", '{"what":"Milk","cents":"little"}')
    assert seen.error.partial is not None
    assert len(seen.error.partial.text) < 200
    assert len(seen.mock.requests) == 1


def test_each_item_is_checked_once() -> None:
    checked: list[int] = []

    def note(value: int) -> int:
        checked.append(value)
        return value

    seen = read("sync", "iter_parse", Annotated[int, AfterValidator(note)], cut('{"value": [4, 5, 6]}', 2))
    assert seen.parsed.value == checked == [4, 5, 6]


def test_texts_that_are_read_as_numbers() -> None:
    seen = read("sync", "iter_parse", ResponseStream, cut(WHOLE.replace("300", '"300"'), 3))
    assert seen.given == LINES
    assert [repair.kind for repair in seen.parsed.reply.repairs] == ["read_value"]


def test_another_list_than_the_one_handed_out_is_an_error() -> None:
    seen = read("sync", "iter_parse", int, cut('[1, 2, "x"] or rather [3, 4]', 2))
    assert isinstance(seen.error, SchemaViolationError)
    assert seen.given in ([1], [1, 2])


@in_both_modes
@pytest.mark.parametrize(("after", "asked"), [(1300, 2), (6000, 1)])
def test_begun_anew_only_while_none_was_handed_out(mode: Mode, after: int, asked: int) -> None:
    step = cut(WHOLE, 3) | faults.cut(after_bytes=after)
    seen = read(mode, "iter_parse", ResponseStream, step, cut(WHOLE, 3), on_interrupt="restart")
    assert len(seen.mock.requests) == asked
    assert seen.given == (LINES if asked == 2 else LINES[:1])


def test_without_a_block() -> None:
    client = DeepSeekV4(MockProvider(cut(WHOLE, 3)))
    assert list(client.iter_parse("x", ResponseStream)) == LINES

    async def loop() -> list[ResponseStream]:
        client = AsyncDeepSeekV4(MockProvider(cut(WHOLE, 3)))
        return [line async for line in client.iter_parse("x", ResponseStream)]

    assert asyncio.run(loop()) == LINES


def test_leaving_early_ends_the_answer() -> None:
    with DeepSeekV4(MockProvider(cut(WHOLE, 3))).iter_parse("x", ResponseStream) as lines:
        for line in lines:
            assert line == LINES[0]
            break
    assert len(lines.partial.text) < len(WHOLE)
    with pytest.raises(StreamClosedError):
        lines.parsed()
