"""The schema of a function: exact, compact, and the same bytes in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from deepseek_v4_sdk import tool
from deepseek_v4_sdk.chat import write_json
from deepseek_v4_sdk.tools import as_spec
from tests.tools.samples import Cat, Color, Item, Node, Pet, Place, Range, everything

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
NOTHING = {"type": "null"}
CAT = {
    "type": "object",
    "properties": {"kind": {"type": "string", "enum": ["cat"]}, "lives": WHOLE},
    "required": ["kind", "lives"],
    "additionalProperties": False,
}
DOG = {
    "type": "object",
    "properties": {"kind": {"type": "string", "enum": ["dog"]}, "good": {"type": "boolean"}},
    "required": ["kind", "good"],
    "additionalProperties": False,
}
ITEM = {
    "type": "object",
    "description": "Something to buy.",
    "properties": {
        "name": TEXT,
        "count": {"type": "integer", "minimum": 1, "default": 1},
        "tags": {"type": "array", "uniqueItems": True, "items": TEXT, "default": ["a", "b", "c", "d", "e"]},
    },
    "required": ["name"],
    "additionalProperties": False,
}
PLACE = {
    "type": "object",
    "properties": {"city": TEXT, "country": {"type": "string", "default": "France"}},
    "required": ["city"],
    "additionalProperties": False,
}
RANGE = {"type": "object", "properties": {"low": WHOLE, "high": WHOLE}, "additionalProperties": False}


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (str, TEXT),
        (bool, {"type": "boolean"}),
        (float, {"type": "number"}),
        (object, {}),
        (Any, {}),
        (None, NOTHING),
        (list[int], {"type": "array", "items": WHOLE}),
        (set[str], {"type": "array", "uniqueItems": True, "items": TEXT}),
        (dict[str, int], {"type": "object", "additionalProperties": WHOLE}),
        (tuple[int, str], {"type": "array", "maxItems": 2, "minItems": 2, "prefixItems": [WHOLE, TEXT]}),
        (Literal["b", "a"], {"type": "string", "enum": ["b", "a"]}),
        (Literal["only"], {"type": "string", "enum": ["only"]}),
        (Color, {"type": "string", "enum": ["red", "blue"]}),
        (int | None, {"anyOf": [WHOLE, NOTHING]}),
        (int | str | list[int], {"anyOf": [WHOLE, TEXT, {"type": "array", "items": WHOLE}]}),
        (Annotated[int, Field(ge=1, lt=10)], {"type": "integer", "exclusiveMaximum": 10, "minimum": 1}),
        (Annotated[str, Field(description="Of a city.")], {"type": "string", "description": "Of a city."}),
        (Annotated[str, Field(title="T", pattern="^a$")], {"type": "string", "pattern": "^a$"}),
        (Place, PLACE),
        (Item, ITEM),
        (Range, RANGE),
        (Pet, {"anyOf": [CAT, DOG]}),
        (Pet | None, {"anyOf": [CAT, DOG, NOTHING]}),
        (list[Item | Cat], {"type": "array", "items": {"anyOf": [ITEM, CAT]}}),
    ],
    ids=str,
)
def test_a_type(annotation: object, schema: object) -> None:
    def function(value: Any) -> None: ...

    function.__annotations__["value"] = annotation
    made = tool(function)
    assert made.parameters["properties"] == {"value": schema}
    assert made.parameters["required"] == ["value"]
    assert made.parameters["additionalProperties"] is False


def test_recursion_keeps_its_definition() -> None:
    @tool
    def walk(tree: Node, other: Node | None = None) -> None: ...

    node = {
        "type": "object",
        "properties": {
            "value": WHOLE,
            "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}, "default": []},
        },
        "required": ["value"],
        "additionalProperties": False,
    }
    assert walk.parameters == {
        "type": "object",
        "properties": {
            "tree": {"$ref": "#/$defs/Node"},
            "other": {"anyOf": [{"$ref": "#/$defs/Node"}, NOTHING]},
        },
        "required": ["tree"],
        "additionalProperties": False,
        "$defs": {"Node": node},
    }


def test_nothing_to_fill() -> None:
    @tool
    def now() -> None: ...

    assert now.parameters == {"type": "object", "properties": {}, "additionalProperties": False}


def test_strict_requires_everything() -> None:
    @tool(strict=True)
    def buy(item: Item, place: Place | None = None, count: int = 1) -> None: ...

    assert buy.strict is True
    assert buy.parameters["required"] == ["item", "place", "count"]
    assert '"required":["name","count","tags"]' in write_json(buy.parameters).decode()


def test_a_property_may_be_called_title_or_default() -> None:
    class Book(BaseModel):
        title: str
        default: str = "none"

    def read(book: Any, title: str, model_config: str, schema: int = 1) -> None: ...

    read.__annotations__["book"] = Book
    parameters = tool(read).parameters
    assert list(parameters["properties"]) == ["book", "title", "model_config", "schema"]  # type: ignore[arg-type]
    assert parameters["properties"]["book"]["required"] == ["title"]  # type: ignore[index, call-overload]


def test_a_model_that_takes_more_says_so() -> None:
    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")
        name: str

    def take(value: Any) -> None: ...

    take.__annotations__["value"] = Open
    assert tool(take).parameters["properties"]["value"]["additionalProperties"] is True  # type: ignore[index, call-overload]


def test_a_default_that_is_no_json_is_not_shown() -> None:
    def take(a: float = float("inf"), b: object = object(), c: int | None = None) -> None: ...

    parameters = tool(take).parameters
    assert "default" not in write_json(parameters).decode()
    assert "required" not in parameters


def test_changing_what_was_given_out_changes_nothing() -> None:
    everything.parameters.clear()
    assert everything.parameters["type"] == "object"


_PROGRAM = """
import sys
from deepseek_v4_sdk.chat import write_json
from tests.tools.samples import everything
sys.stdout.buffer.write(write_json(everything.tool_spec().to_dict()))
"""


def test_same_bytes_in_every_process() -> None:
    here = write_json(as_spec(everything).to_dict())
    for seed in ("0", "1", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
            timeout=60,
        )
        assert done.stdout == here
