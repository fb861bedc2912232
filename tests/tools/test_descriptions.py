"""What stands beside a type in words, in each place where people write it, is told to the model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, NotRequired

import pytest
from pydantic import BaseModel, Field
from typing_extensions import Doc, TypedDict

from deepseek_v4_sdk import DeepSeekV4, tool
from deepseek_v4_sdk.chat import ToolCall
from deepseek_v4_sdk.testing import MockProvider, script

GeneratedOutput = Annotated[str, "In words."]


class Model(BaseModel):
    place: Annotated[str, Field(alias="placeName"), "In words."]


class Keys(TypedDict):
    place: NotRequired[Annotated[str, Doc("In words.")]]


class Point(NamedTuple):
    x: int
    place: GeneratedOutput = "here"


@dataclass
class Data:
    places: list[GeneratedOutput]
    late: str = field(init=False, default="")


@pytest.mark.parametrize(
    "annotation",
    [
        GeneratedOutput,
        Annotated[str, Doc("In words.")],
        Annotated[str, Field(max_length=3), "In words."],
        Annotated[str, 17, "In words.", "Other words."],
        GeneratedOutput | None,
        list[GeneratedOutput],
        Sequence[GeneratedOutput],
        dict[str, GeneratedOutput],
        tuple[int, GeneratedOutput],
        tuple[GeneratedOutput, ...],
        Model,
        Keys,
        Point,
        Data,
        list[Data | None],
    ],
    ids=str,
)
def test_it_is_told(annotation: object) -> None:
    def take(value: Any) -> None: ...

    take.__annotations__["value"] = annotation
    told = json.dumps(tool(take).parameters)
    assert told.count('"description": "In words."') == 1
    assert "Other" not in told


def test_fields_own_words_win_and_the_docstrings_come_last() -> None:
    @tool
    def take(
        one: Annotated[str, "beside", Field(description="field")],
        two: Annotated[str, "beside"],
        three: str,
        four: Annotated[str, "  "],
    ) -> None:
        """Take.

        Args:
            one: docstring
            two: docstring
            three: docstring
            four: docstring
        """

    properties: Any = take.parameters["properties"]
    assert [item["description"] for item in properties.values()] == ["field", "beside", "docstring", "docstring"]


def test_a_named_tuple_is_an_object_with_its_names() -> None:
    @tool
    def go(to: Point, stops: tuple[Point, ...] = (Point(1, "a"),)) -> None: ...

    point: Any = {
        "type": "object",
        "properties": {
            "x": {"type": "integer"},
            "place": {"type": "string", "description": "In words.", "default": "here"},
        },
        "required": ["x"],
        "additionalProperties": False,
    }
    properties: Any = go.parameters["properties"]
    assert properties["to"] == point
    assert properties["stops"] == {"type": "array", "items": point, "default": [{"x": 1, "place": "a"}]}
    assert go.bind(ToolCall("c", "go", '{"to": {"x": 2.0}}')) == {"to": Point(2, "here")}
    answer = script.text('{"x": 1, "place": "there"}')
    assert DeepSeekV4(MockProvider(answer)).parse("x", Point, retries=0).value == Point(1, "there")


def test_a_field_that_nobody_may_give_is_not_offered() -> None:
    @tool
    def take(data: Data) -> None: ...

    properties: Any = take.parameters["properties"]
    assert list(properties["data"]["properties"]) == ["places"]
    assert take.bind(ToolCall("c", "take", '{"data": {"places": []}}')) == {"data": Data([])}


def test_whole_numbers_as_keys_are_told() -> None:
    def take(by: dict[int, str]) -> None: ...

    by: Any = tool(take).parameters["properties"]["by"]  # type: ignore[index,call-overload]
    assert by["propertyNames"] == {"pattern": r"^-?\d+$"}
