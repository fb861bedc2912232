"""Every type that can be asked for: its schema has an object at the top, and its value comes in the type."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator
from typing_extensions import TypedDict

from deepseek_v4_sdk import ConfigurationError, SchemaViolationError
from deepseek_v4_sdk.structured import Shape
from deepseek_v4_sdk.testing import script
from tests.structured.cases import client_of, prompt_of
from tests.support.modes import in_both_modes

if TYPE_CHECKING:
    from tests.support.replay import Mode

T = TypeVar("T")


@dataclass
class Point:
    x: int
    y: int = 0


class Movie(TypedDict, total=False):
    title: str
    year: int


class Node(BaseModel):
    name: str
    children: list[Node] = []


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str]


class Page(BaseModel, Generic[T]):
    items: list[T]


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Named(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    day: date = Field(alias="on day")
    price: Decimal
    id: UUID


class Range(BaseModel):
    low: int
    high: int

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]
ID = "4b2f2a1e-8f0c-4a51-9b7a-0d6f9e0b1c2d"
LIST_SCHEMA = {
    "title": "Some numbers",
    "type": "array",
    "items": {"$ref": "#/$defs/n"},
    "$defs": {"n": {"type": "integer"}},
}
TREE_SCHEMA = {"type": "array", "items": {"$ref": "#"}}
OBJECT_SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}

# A type, the JSON of a value of it, and the value. What is no object stands under one key.
CASES: list[tuple[str, object, object, object]] = [
    ("dataclass", Point, {"x": 1, "y": 2}, Point(1, 2)),
    ("a default", Point, {"x": 1}, Point(1)),
    ("TypedDict", Movie, {"title": "Alien"}, {"title": "Alien"}),
    ("nested", Node, {"name": "a", "children": [{"name": "b"}]}, Node(name="a", children=[Node(name="b")])),
    ("generic", Page[Point], {"items": [{"x": 1}]}, Page[Point](items=[Point(1)])),
    ("an alias", Named, {"on day": "2026-11-21", "price": "1.50", "id": ID}, None),
    ("map", dict[str, int], {"a": 1}, {"a": 1}),
    ("list", list[int], {"value": [1, 2]}, [1, 2]),
    ("list of models", list[Node], {"value": [{"name": "a"}]}, [Node(name="a")]),
    ("tuple", tuple[int, str], {"value": [1, "a"]}, (1, "a")),
    ("words", Literal["yes", "no"], {"value": "yes"}, "yes"),
    ("enum", Colour, {"value": "blue"}, Colour.BLUE),
    ("union", int | str, {"value": "a"}, "a"),
    ("union of models", Cat | Dog, {"value": {"kind": "cat", "lives": 9}}, Cat(kind="cat", lives=9)),
    ("tagged union", Pet, {"value": {"kind": "dog", "tricks": []}}, Dog(kind="dog", tricks=[])),
    ("nothing or a model", Point | None, {"value": None}, None),
    ("number", float, {"value": 1.5}, 1.5),
    ("truth", bool, {"value": True}, True),
    ("adapter", TypeAdapter(list[Point]), {"value": [{"x": 1}]}, [Point(1)]),
    ("JSON Schema of an object", OBJECT_SCHEMA, {"a": 1}, {"a": 1}),
    ("JSON Schema of a list", LIST_SCHEMA, {"value": [1]}, [1]),
    ("JSON Schema that holds itself", TREE_SCHEMA, {"value": [[], [[]]]}, [[], [[]]]),
]
every_type = pytest.mark.parametrize(("schema", "answer", "value"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])


@every_type
def test_the_schema_takes_the_answer(schema: object, answer: object, value: object) -> None:
    """It has an object at the top, names nothing that is not there, and is the same each time."""
    shape: Shape[Any] = Shape(schema)
    assert shape.schema["type"] == "object"
    Draft202012Validator.check_schema(shape.schema)
    validator = Draft202012Validator(shape.schema)
    assert validator.is_valid(answer)
    assert not validator.is_valid([answer])
    assert json.dumps(shape.schema) == json.dumps(Shape[Any](schema).schema)
    assert not shape.name.strip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


@in_both_modes
@every_type
@pytest.mark.parametrize("flavor", ["vllm", "deepseek"])
def test_the_value(mode: Mode, flavor: str, schema: object, answer: object, value: object) -> None:
    mock, client = client_of(mode, flavor, script.text(json.dumps(answer)))
    parsed = client.parse("Give me one", schema)
    if schema is Named:
        value = Named(day=date(2026, 11, 21), price=Decimal("1.50"), id=UUID(ID))
    assert parsed.value == value
    assert type(parsed.value) is type(value)
    assert not [repair for repair in parsed.reply.repairs if repair.kind != "model_alias"]
    sent = json.dumps(Shape[Any](schema).schema, separators=(",", ":"), ensure_ascii=False)
    assert sent in prompt_of(mock.requests[-1].body)


@in_both_modes
@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        (list[int], "[1, 2]", [1, 2]),
        (Colour, '"red"', Colour.RED),
        (int, "The answer: [7]", None),
        (LIST_SCHEMA, "[1]", [1]),
    ],
)
def test_a_value_without_its_object(mode: Mode, schema: object, text: str, value: object) -> None:
    """A server that ignores the schema lets the model answer so; what fits is taken, and what does not is not."""
    _, client = client_of(mode, "vllm", script.text(text))
    if value is None:
        with pytest.raises(SchemaViolationError, match="the one key 'value'"):
            client.parse("Give me one", schema, retries=0)
        return
    parsed = client.parse("Give me one", schema)
    assert parsed.value == value
    assert [repair.kind for repair in parsed.reply.repairs] == ["bare_value"]


@in_both_modes
@pytest.mark.parametrize(
    ("schema", "answer", "path", "said"),
    [
        (Point, {"y": 1}, "x", "it is required, and missing"),
        (Page[Point], {"items": [{"x": 1}, {"x": "b"}]}, "items[1].x", "valid integer"),
        (list[int], {"value": [1, "b"]}, "[1]", "valid integer"),
        (Cat | Dog, {"value": {"kind": "cat"}}, "lives", "it is required, and missing"),
        (Range, {"low": 2, "high": 1}, "", "low is above high"),
        (OBJECT_SCHEMA, {"a": "b"}, "a", "a whole number"),
        (LIST_SCHEMA, {"value": [1, "b"]}, "[1]", "a whole number"),
        ({**OBJECT_SCHEMA, "additionalProperties": False}, {"a": 1, "b": 2}, "b", "no such field"),
    ],
)
def test_the_path_is_that_of_the_value(mode: Mode, schema: object, answer: object, path: str, said: str) -> None:
    _, client = client_of(mode, "vllm", script.text(json.dumps(answer)))
    with pytest.raises(SchemaViolationError, match=said) as caught:
        client.parse("Give me one", schema, retries=0)
    assert caught.value.path == path


class Opaque:
    """No type that pydantic knows."""


@in_both_modes
@pytest.mark.parametrize(
    "schema",
    [
        Opaque,
        Callable[[], int],
        list["Nowhere"],  # type: ignore[name-defined]  # noqa: F821
        5,
        {"type": "decimal"},
        {"type": "object", "properties": 3},
        {"type": object()},
    ],
)
def test_no_schema(mode: Mode, schema: object) -> None:
    mock, client = client_of(mode, "vllm")
    with pytest.raises(ConfigurationError, match=r"(no|not a) JSON Schema"):
        client.parse("Give me one", schema)
    assert not mock.requests


@in_both_modes
def test_a_reference_that_leads_nowhere(mode: Mode) -> None:
    _, client = client_of(mode, "deepseek", script.text('{"a": 1}'))
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}}
    with pytest.raises(ConfigurationError, match="not a JSON Schema"):
        client.parse("Give me one", schema)
