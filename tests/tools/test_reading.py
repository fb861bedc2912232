"""Arguments are read as their schema means them, and what was read as something else is told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, InvalidToolArgumentsError, Reply, tool
from deepseek_v4_sdk.chat import ToolCall, reading_notes
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.tools import as_spec, validate_arguments


class Box(BaseModel):
    width: int
    label: str = None  # type: ignore[assignment]


class Ball(BaseModel):
    radius: float


@dataclass
class Order:
    boxes: list[Box] = field(default_factory=list[Box])
    total: float = 0.0
    seen: int = field(init=False, default=7)


@tool
def ship(
    count: int = 1,
    price: float = 1.0,
    fast: bool = False,
    note: str = "",
    things: list[int] | None = None,
    thing: Box | Ball | None = None,
    order: Order | None = None,
    size: Literal[1, 2] = 1,
    either: int | str = 0,
    names: list[str] = None,  # type: ignore[assignment]  # noqa: RUF013
) -> None:
    """Ship something."""


WRITTEN = as_spec({"name": "ship", "parameters": ship.parameters})


def call(**arguments: object) -> ToolCall:
    return ToolCall("c1", "ship", json.dumps(arguments))


@pytest.mark.parametrize(
    ("given", "read", "kinds"),
    [
        ({"count": "3"}, {"count": 3}, ["a whole number"]),
        ({"count": " 3 "}, {"count": 3}, ["a whole number"]),
        ({"count": "3.0"}, {"count": 3}, ["a whole number"]),
        ({"price": "2"}, {"price": 2}, ["a number"]),
        ({"price": "-2.50"}, {"price": -2.5}, ["a number"]),
        ({"fast": "true"}, {"fast": True}, ["true or false"]),
        ({"things": "[1, 2.0]"}, {"things": [1, 2]}, ["a list"]),
        ({"things": ["1", 2]}, {"things": [1, 2]}, ["a whole number"]),
        ({"things": "null"}, {"things": None}, ["null"]),
        ({"thing": '{"width": "2"}'}, {"thing": {"width": 2}}, ["an object", "a whole number"]),
        ({"thing": {"radius": "0.5"}}, {"thing": {"radius": 0.5}}, ["a number"]),
        ({"order": '{"boxes": [{"width": 1}]}'}, {"order": {"boxes": [{"width": 1}]}}, ["an object"]),
        ({"size": "2"}, {"size": 2}, ["a whole number"]),
    ],
    ids=str,
)
def test_json_inside_of_a_text(given: dict[str, Any], read: dict[str, Any], kinds: list[str]) -> None:
    for spec in (ship.tool_spec(), WRITTEN):
        made = call(**given).checked_by(spec.check)
        assert made.parsed == read
        assert [note.partition("was read as ")[2] for note in reading_notes(made)] == kinds
    assert json.loads(made.arguments) == given  # as it came


@pytest.mark.parametrize(
    "given",
    [
        {"count": "three"},
        {"count": "3.5"},
        {"count": "03"},
        {"count": ""},
        {"count": "3 boxes"},
        {"count": "[3]"},
        {"fast": "True"},
        {"fast": "1"},
        {"price": "NaN"},
        {"price": "1e999"},
        {"price": "0.12345678901234567890123"},
        {"things": "[1, 2"},
        {"things": "1, 2"},
        {"order": '{"total": 1, "total": 2}'},
        {"order": '{"weight": 1}'},
        {"size": "3"},
    ],
    ids=str,
)
def test_what_is_not_of_the_type_or_would_lose_something_is_refused_as_it_came(given: dict[str, Any]) -> None:
    for by in (ship, WRITTEN):
        made = call(**given)
        with pytest.raises(InvalidToolArgumentsError) as caught:
            validate_arguments(made, by)
        assert caught.value.path.startswith(next(iter(given)))
        assert not reading_notes(made.checked_by(as_spec(by).check))


@pytest.mark.parametrize("given", [{"note": "3"}, {"note": "null"}, {"either": "3"}, {"names": ["true"]}], ids=str)
def test_a_text_stays_one_where_the_schema_allows_texts(given: dict[str, Any]) -> None:
    for spec in (ship.tool_spec(), WRITTEN):
        made = call(**given).checked_by(spec.check)
        assert made.parsed == given
        assert not reading_notes(made)


def test_the_function_gets_what_was_read() -> None:
    bound = ship.bind(call(count="4", thing='{"width": 2.0}', order={"boxes": [{"width": "1", "label": None}]}))
    assert bound == {"count": 4, "thing": Box(width=2), "order": Order(boxes=[Box(width=1)])}
    assert type(bound["count"]) is int


def test_arguments_that_came_as_one_text() -> None:
    made = ToolCall("c1", "ship", json.dumps(json.dumps({"count": 2})))
    for spec in (ship.tool_spec(), WRITTEN):
        checked = made.checked_by(spec.check)
        assert checked.parsed == {"count": 2}
        assert "came as one text" in reading_notes(checked)[0]
    for text in ('"[1]"', '"3"', '"{"', '"\\"{}\\""'):
        with pytest.raises(InvalidToolArgumentsError, match="not a JSON object"):
            validate_arguments(ToolCall("c1", "ship", text), ship)


@pytest.mark.parametrize("text", ["3.0", "1e3", "-0.0", "1e23", "100000000000000000000"])
def test_a_number_without_a_fraction_is_a_whole_one(text: str) -> None:
    bound = ship.bind(ToolCall("c1", "ship", f'{{"count": {text}}}'))
    assert bound == {"count": int(Decimal(text))}
    assert type(bound["count"]) is int


def test_a_null_that_means_nothing_was_given() -> None:
    @tool(strict=True)
    def look(city: str, unit: str = None, box: Box | None = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013

    assert look.parameters["properties"]["unit"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}  # type: ignore[index,call-overload]
    assert look.parameters["required"] == ["city", "unit", "box"]
    made = ToolCall("c", "look", '{"city": "x", "unit": null, "box": null}')
    assert look.bind(made) == {"city": "x", "box": None}  # a null of the type's own is given
    with pytest.raises(InvalidToolArgumentsError, match="at city"):
        look.bind(ToolCall("c", "look", '{"city": null}'))


def test_validators_of_ones_own_see_what_the_model_wrote() -> None:
    def minutes(value: object) -> object:
        return int(value.removesuffix("m")) if isinstance(value, str) else value

    def wait(
        time: Annotated[int, BeforeValidator(minutes)] = 0,
        word: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2)] = "",
        latin: Annotated[str, Field(pattern=r"^[[:alpha:]]+$")] = "a",
    ) -> None: ...

    made = ToolCall("c", "wait", '{"time": "5m", "word": "  ab ", "latin": "xyz"}')
    assert tool(wait).bind(made) == {"time": 5, "word": "ab", "latin": "xyz"}


SHIP = script.tool_call("ship", '{"count": "2", "things": ["1"]}')


def _noted(reply: Reply) -> None:
    assert reply.tool_calls[0].parsed == {"count": 2, "things": [1]}
    assert reply.tool_calls[0].arguments == '{"count": "2", "things": ["1"]}'
    notes = [repair.detail for repair in reply.repairs if repair.kind == "read_arguments"]
    assert len(notes) == 2
    assert "'ship'" in notes[0]
    assert "the text at things[0] was read as a whole number" in notes[1]


@pytest.mark.parametrize("wire", ["stream", "plain"])
@pytest.mark.parametrize("flavor", ["vllm", "sglang", "nvidia", "nim", "deepseek", "dynamo"])
def test_every_provider_notes_it(flavor: str, wire: Any) -> None:
    client = DeepSeekV4(MockProvider(SHIP, flavor=flavor), model="pro")
    _noted(client.chat("x", tools=[ship], wire=wire))


async def _ask() -> Reply:
    async with AsyncDeepSeekV4(MockProvider(SHIP)) as client, client.stream("x", tools=[WRITTEN]) as stream:
        repaired = [event.repair.kind async for event in stream if event.type == "repaired"]
        assert repaired == ["read_arguments", "read_arguments"]
        return await stream.reply()


def test_a_stream_tells_it_before_it_is_finished() -> None:
    import asyncio

    _noted(asyncio.run(_ask()))


def test_parse_reads_answers_so_too() -> None:
    answer = {"boxes": '[{"width": 1, "label": null}]', "total": 3}
    parsed = DeepSeekV4(MockProvider(script.text(json.dumps(answer)))).parse("x", Order, retries=0)
    assert parsed.value == Order(boxes=[Box(width=1)], total=3.0)
    assert [repair.kind for repair in parsed.reply.repairs] == ["read_value"]
