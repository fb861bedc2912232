"""What the offered schema allows the check accepts, and the other way round: both are held to JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import field, make_dataclass
from decimal import Decimal
from enum import Enum, IntEnum
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import Field, create_model
from typing_extensions import TypedDict

from deepseek_v4_sdk import InvalidToolArgumentsError, tool
from deepseek_v4_sdk.chat import JsonValue, ToolCall, reading_notes
from deepseek_v4_sdk.tools import as_spec
from tests.support.profiles import examples

Draw = Callable[[st.SearchStrategy[Any]], Any]


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


LEAVES: list[Any] = [
    *(str, int, float, bool, None, Color, Size, Decimal),
    *(Literal["a", "b"], Literal[1, 2], Literal["x", 1] | None, Literal[True]),
    *(Annotated[int, Field(ge=0, lt=10)], Annotated[str, Field(min_length=1, max_length=3)], Annotated[str, "A text."]),
]
NAMES = ("one", "two", "three")
NOTHING = object()
PLAIN: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, False, 0, 1, 2, 3.0, 2.5, -1, 12, 1e3, "", "a", "red", "3", "x1", "2.50", [], {}, [1], {"one": 1}]
)


def _fields(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, tuple[Any, Any]]]:
    """Names, each with a type, and None as its default or none."""
    return st.dictionaries(
        st.sampled_from(NAMES), st.tuples(inner, st.sampled_from([NOTHING, None])), min_size=1, max_size=3
    )


def _model(fields: dict[str, tuple[Any, Any]]) -> Any:
    given: dict[str, Any] = {
        name: (kind, ... if default is NOTHING else None) for name, (kind, default) in fields.items()
    }
    return create_model("Model", **given)


def _dataclass(fields: dict[str, tuple[Any, Any]]) -> Any:
    given = [
        (name, kind, field() if default is NOTHING else field(default=None)) for name, (kind, default) in fields.items()
    ]
    return make_dataclass("Data", [*given, ("seen", int, field(init=False, default=0))], kw_only=True)


def _typed_dict(fields: dict[str, tuple[Any, Any]]) -> Any:
    return TypedDict("Typed", {name: kind for name, (kind, _) in fields.items()}, total="one" in fields)  # type: ignore[operator]


def _named_tuple(fields: dict[str, tuple[Any, Any]]) -> Any:
    ordered = sorted(fields.items(), key=lambda item: item[1][1] is None)  # what has a default comes last
    made = NamedTuple("Named", [(name, kind) for name, (kind, _) in ordered])  # type: ignore[misc]
    count = sum(default is None for _, default in fields.values())
    made.__new__.__defaults__ = (None,) * count
    made._field_defaults = {name: None for name, (_, default) in ordered if default is None}
    return made


def _wider(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        inner.map(lambda kind: list[kind]),  # type: ignore[valid-type]
        inner.map(lambda kind: tuple[kind, ...]),  # type: ignore[valid-type]
        inner.map(lambda kind: dict[str, kind]),  # type: ignore[valid-type]
        inner.map(lambda kind: dict[int, kind]),  # type: ignore[valid-type]
        inner.map(lambda kind: kind | None if kind is not None else list[int]),
        several.map(lambda kinds: tuple[tuple(kinds)]),  # type: ignore[misc]
        several.map(lambda kinds: reduce(or_, kinds, str)),
        st.sampled_from([str, int, float, Color, Literal["a", "b"]]).map(lambda kind: set[kind]),  # type: ignore[valid-type]
        _fields(inner).map(_model),
        _fields(inner).map(_dataclass),
        _fields(inner).map(_typed_dict),
        _fields(inner).map(_named_tuple),
    )


TYPES = st.recursive(st.sampled_from(LEAVES), _wider, max_leaves=6)


def _value(draw: Draw, schema: Any) -> Any:
    """A value that the schema may well allow; now and then another one."""
    if not isinstance(schema, dict) or draw(st.integers(0, 9)) == 0:
        return draw(PLAIN)
    if "anyOf" in schema:
        return _value(draw, draw(st.sampled_from(schema["anyOf"])))
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    match schema.get("type"):
        case "object":
            found = {
                name: _value(draw, inner)
                for name, inner in schema.get("properties", {}).items()
                if name in schema.get("required", ()) or draw(st.booleans())
            }
            more = schema.get("additionalProperties")
            if more is not False or draw(st.integers(0, 9)) == 0:
                found |= {
                    key: _value(draw, more) for key in draw(st.lists(st.sampled_from(["1", "-20", "k"]), max_size=2))
                }
            return found
        case "array":
            parts = schema.get("prefixItems", [schema.get("items")] * draw(st.integers(0, 3)))
            return [_value(draw, part) for part in parts]
        case _:
            return draw(PLAIN)


@st.composite
def _cases(draw: Draw) -> tuple[Any, JsonValue]:
    def function(value: Any) -> None: ...

    kind, default = draw(TYPES), draw(st.sampled_from([NOTHING, None]))
    function.__annotations__["value"] = kind
    function.__defaults__ = None if default is NOTHING else (None,)
    made = tool(function)
    return made, _value(draw, made.parameters)


@examples(30, suppress_health_check=list(HealthCheck))
@given(_cases())
def test_the_schema_and_the_check_say_the_same(case: tuple[Any, Any]) -> None:
    made, value = case
    call = ToolCall("c", "function", json.dumps(value)).checked_by(made.tool_spec().check)
    allowed = Draft202012Validator(made.parameters).is_valid(value)
    for check in (made.bind, made.check, as_spec({"name": "function", "parameters": made.parameters}).check):
        assert check is not None
        refused = None
        try:
            check(call)
        except InvalidToolArgumentsError as error:
            refused = str(error)
        if allowed:
            assert refused is None, (made.parameters, value)
        else:
            assert refused or reading_notes(call), (made.parameters, value)


def price(amount: Annotated[float, Field(multiple_of=0.01)]) -> None:
    """Set a price."""


WRITTEN = {
    "name": "price",
    "parameters": {"type": "object", "properties": {"amount": {"type": "number", "multipleOf": 0.01}}},
}


@pytest.mark.parametrize("offered", [price, WRITTEN])
def test_a_multiple_is_one_by_its_digits(offered: Any) -> None:
    """As floats, 19.99 divided by 0.01 is not a whole number."""
    for amount in ("19.99", "0.07", "1.1", "3", "1e300", "-0.29"):
        as_spec(offered).check(ToolCall("1", "price", f'{{"amount": {amount}}}'))  # type: ignore[misc]
    with pytest.raises(InvalidToolArgumentsError):
        as_spec(offered).check(ToolCall("1", "price", '{"amount": 0.015}'))  # type: ignore[misc]
