"""Arguments against the tool's own schema: what fits, and where it does not."""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BeforeValidator

from deepseek_v4_sdk import InvalidToolArgumentsError, ToolCall, ToolSpec, tool
from deepseek_v4_sdk.tools import as_spec, as_tool, validate_arguments
from tests.tools.samples import Cat, Color, Item, Node, Place, Range, everything, weather

LEAST = {"items": [], "color": "red", "day": "2026-11-21"}
WRITTEN = as_spec({"name": "everything", "parameters": everything.parameters})


def call(**arguments: object) -> ToolCall:
    return ToolCall("c1", "everything", json.dumps(LEAST | arguments))


def refused(given: ToolCall, tool: object) -> InvalidToolArgumentsError:
    with pytest.raises(InvalidToolArgumentsError) as caught:
        validate_arguments(given, tool)
    assert caught.value.call is given
    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)
    return caught.value


def test_bound_in_the_types_of_the_function() -> None:
    given = call(
        items=[{"name": "pen", "tags": ["x"]}],
        place={"city": "Paris"},
        span={"low": 1},
        tree={"value": 1, "children": [{"value": 2}]},
        pet={"kind": "cat", "lives": 9},
        pair=[2, "y"],
        words=["a"],
        limits={"a b": 1},
        either=[1],
    )
    assert everything.bind(given) == {
        "items": [Item(name="pen", tags=frozenset({"x"}))],
        "color": Color.RED,
        "day": dt.date(2026, 11, 21),
        "place": Place("Paris"),
        "span": Range(low=1),
        "tree": Node(value=1, children=[Node(value=2)]),
        "pet": Cat(kind="cat", lives=9),
        "pair": (2, "y"),
        "words": frozenset({"a"}),
        "limits": {"a b": 1.0},
        "either": [1],
    }
    assert everything.check(given) == json.loads(given.arguments)
    assert everything.bind(call()).keys() == LEAST.keys()


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"items": [{"name": 1}]}, "items[0].name"),
        ({"items": [{"name": "a"}, {}]}, "items[1].name"),
        ({"items": [{"name": "a", "count": 0}]}, "items[0].count"),
        ({"items": {}}, "items"),
        ({"color": "green"}, "color"),
        ({"place": {"country": "x"}}, "place.city"),
        ({"tree": {"value": 1, "children": [{"value": 1, "children": [{"value": "x"}]}]}},) * 1
        + ("tree.children[0].children[0].value",),
        ({"pair": ["x", "x"]}, "pair[0]"),
        ({"limits": {"a b": "x"}}, 'limits["a b"]'),
        ({"either": [1, "x"]}, "either[1]"),
        ({"either": {}}, "either"),
        ({"mode": "medium"}, "mode"),
        ({"colour": "red"}, "colour"),
        ({"day": None}, "day"),
    ],
    ids=str,
)
def test_both_ways_name_the_same_place(arguments: dict[str, object], path: str) -> None:
    given = call(**arguments)
    by_types, by_schema = refused(given, everything), refused(given, WRITTEN)
    if path != "either[1]":  # a union: pydantic names the union where no branch fits
        assert by_types.path == path
    assert by_schema.path == path
    assert f"at {by_types.path}: " in str(by_types)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"place": {}}, "at place.city: it is required, and missing"),
        ({"colour": "red"}, 'at colour: there is no such argument; it is "red"'),
        ({"items": "x" * 500}, f'it is "{"x" * 60}"... (500 characters)'),
        ({"items": 10**30}, "it is a huge number"),
        ({"items": {f"key{index}": 1 for index in range(99)}}, "it is an object with key0, key1, key10"),
        ({"color": [1, 2, 3]}, "it is a list of 3"),
        ({"color": None}, "it is null"),
    ],
    ids=str,
)
def test_what_is_expected_and_what_came(arguments: dict[str, object], text: str) -> None:
    for by in (everything, WRITTEN):
        assert text in str(refused(call(**arguments), by))


def test_words_of_a_union_and_of_a_tag() -> None:
    text = str(refused(call(either={}), everything))
    assert "valid integer; or input should be a valid string; or input should be a valid array" in text
    assert refused(call(pet={"kind": "dog"}), everything).path == "pet.good"
    assert "'cat', 'dog'" in str(refused(call(pet={"kind": "cow"}), everything))


@pytest.mark.parametrize(
    "text", ['{"days": "3 days", "city": "x"}', '{"days": true, "city": "x"}', '{"days": 2.5, "city": "x"}']
)
def test_types_are_held_as_json_has_them(text: str) -> None:
    assert refused(ToolCall("c", "weather", text), weather).path == "days"
    assert refused(ToolCall("c", "weather", text), as_spec(weather)).path == "days"


def test_a_parameter_may_be_lenient() -> None:
    @tool
    def wait(seconds: Annotated[int, BeforeValidator(int)]) -> None: ...

    assert wait.bind(ToolCall("c", "wait", '{"seconds": "3"}')) == {"seconds": 3}


def test_a_validator_of_ones_own_speaks() -> None:
    def even(value: int) -> int:
        if value % 2:
            raise ValueError("it must be even")
        return value

    def take(value: Any) -> None: ...

    take.__annotations__["value"] = Annotated[int, AfterValidator(even)]
    error = refused(ToolCall("c", "take", '{"value": 3}'), take)
    assert error.path == "value"
    assert "it must be even; it is 3" in str(error)


@pytest.mark.parametrize("text", ["", "  \n"])
def test_nothing_is_an_empty_object_only_where_nothing_is_required(text: str) -> None:
    for required in (weather, as_spec({"name": "weather", "parameters": as_tool(weather).parameters})):
        error = refused(ToolCall("c", "weather", text), required)
        assert (error.path, "there are none at all" in str(error)) == ("city", True)

    @tool
    def now(zone: str = "UTC") -> None: ...

    assert validate_arguments(ToolCall("c", "now", text), now) == now.bind(ToolCall("c", "now", text)) == {}
    assert validate_arguments(ToolCall("c", "f", text), {"name": "f", "parameters": now.parameters}) == {}
    assert validate_arguments(ToolCall("c", "f", text), ToolSpec("f")) == {}


@pytest.mark.parametrize(
    "text", ["{", "[1]", '"x"', "null", '{"city": NaN}', '{"city": "x"}}', '{"city": "x"}</｜DSML｜invoke>']
)
def test_no_object(text: str) -> None:
    for by in (weather, {"name": "weather"}):
        assert refused(ToolCall("c", "weather", text), by).path == ""


def test_schemas_that_are_none_are_told_apart_from_bad_arguments() -> None:
    given = ToolCall("c", "f", '{"x": 1}')
    for parameters in (
        {"type": "objekt"},
        {"properties": {"x": {"pattern": 3}}},
        {"properties": {"x": {"$ref": "#/$defs/missing"}}},
        {"$ref": "#"},
    ):
        error = refused(given, {"name": "f", "parameters": parameters})
        assert "cannot be checked: the schema of the tool is wrong" in str(error)


def test_older_drafts_are_read_as_what_they_say() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {"x": {"items": [{"type": "string"}]}},
    }
    assert refused(ToolCall("c", "f", '{"x": [1]}'), {"name": "f", "parameters": schema}).path == "x[0]"


def test_siblings_are_checked_each_by_its_own_tool() -> None:
    first = ToolCall("1", "a", '{"x": 1}').checked_by(as_spec({"name": "a", "parameters": _taking("integer")}).check)
    second = ToolCall("2", "b", '{"x": 1}').checked_by(as_spec({"name": "b", "parameters": _taking("string")}).check)
    assert first.parsed == {"x": 1}
    assert first.error is None
    assert second.error is not None
    assert (second.error.path, second.error.call) == ("x", second)


def _taking(kind: str) -> dict[str, object]:
    return {"type": "object", "properties": {"x": {"type": kind}}}
