"""What cannot be a tool is refused in one plain sentence that names the function and the parameter."""

from __future__ import annotations

import functools
from typing import Annotated, Any

import pytest
from pydantic import Field
from typing_extensions import TypedDict

from deepseek_v4_sdk import ConfigurationError, DeepSeekV4, InvalidRequestError, tool
from deepseek_v4_sdk.tools import as_spec, as_specs, as_tool
from tests.tools.samples import Station


class Socket:
    pass


def no_annotation(city, days: int = 1) -> None: ...  # type: ignore[no-untyped-def]
def stars(city: str, *rest: str) -> None: ...
def double_stars(city: str, **rest: str) -> None: ...
def positional(city: str, /) -> None: ...
def a_class_of_ones_own(where: Socket) -> None: ...
def deep_inside(where: list[dict[str, Socket]]) -> None: ...
def a_field_as_default(x: int = Field(description="One.")) -> None: ...
def an_alias(x: Annotated[int, Field(alias="y")]) -> None: ...
def a_default_inside(x: Annotated[int, Field(default=3)]) -> None: ...
def broken(x: int) -> None: ...
def not_a_type(x: int) -> None: ...
def naïve(x: int) -> None: ...


broken.__annotations__["x"] = "1 +"
not_a_type.__annotations__["x"] = "1 | 'a'"


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (no_annotation, ["'no_annotation'", "'city'", "has no annotation"]),
        (stars, ["'stars'", "*rest", "list the parameters by name"]),
        (double_stars, ["'double_stars'", "**rest", "list the parameters by name"]),
        (positional, ["'positional'", "'city'", "takes no name"]),
        (a_class_of_ones_own, ["'a_class_of_ones_own'", "'where'", "Socket"]),
        (deep_inside, ["'deep_inside'", "'where'", "Socket"]),
        (a_field_as_default, ["'a_field_as_default'", "'x'", "Annotated"]),
        (an_alias, ["'an_alias'", "'x'", "alias"]),
        (a_default_inside, ["'a_default_inside'", "'x'", "signature"]),
        (broken, ["'broken'", "'x'", "cannot be read"]),
        (not_a_type, ["'not_a_type'", "'x'", "cannot be read"]),
        (naïve, ["'naïve'", "use letters, digits"]),
        (lambda: None, ["<lambda>", "use letters, digits"]),
        (Socket, ["Socket", "not a function"]),
        (42, ["int", "not a function"]),
        (staticmethod(stars), ["@staticmethod", "below"]),
        (functools.partial(stars, "x"), ["'stars'", "*rest"]),
        (dict.fromkeys, ["'fromkeys'"]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_function(function: Any, words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        tool(function)
    text = str(caught.value)
    assert all(word in text for word in words), text
    assert "\n" not in text
    assert "errors.pydantic.dev" not in text


def unresolved(city: str, where: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821


def test_a_name_that_is_never_found() -> None:
    made = tool(unresolved)
    with pytest.raises(ConfigurationError, match=r"'where' of 'unresolved' names 'Nowhere'"):
        made.tool_spec()


def test_typed_dicts_of_typing_are_explained_where_pydantic_lacks_them() -> None:
    class Right(TypedDict):
        x: int

    def right(value: Any) -> None: ...

    right.__annotations__["value"] = Right
    assert tool(right).parameters["required"] == ["value"]


def test_a_method_without_its_object() -> None:
    with pytest.raises(ConfigurationError, match=r"'Station.plain' is a method without its object"):
        as_tool(Station.plain)


def test_in_a_request_the_place_is_named() -> None:
    with pytest.raises(InvalidRequestError, match=r"tools\[1\]: 'stars' takes \*rest"):
        as_specs([positional_is_fine, stars])
    with pytest.raises(InvalidRequestError, match=r"tools\[0\]: the parameter 'city' of 'no_annotation'"):
        DeepSeekV4("mock").chat("Hello", tools=[no_annotation])


def positional_is_fine(city: str) -> None: ...


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, r"the tool is int: give a function, or a mapping"),
        (None, r"the tool is NoneType"),
        ({"name": "a b"}, r"the tool\.name is 'a b'"),
        ({"name": "f", "parameters": [1]}, r"the tool\.parameters is list"),
        ({"name": "f", "inputSchema": 3}, r"the tool\.parameters is int"),
        ({"inputSchema": {}}, r"the tool\.name is None"),
        ({"name": "f", "arguments": {}}, r"the tool\.arguments is not a field"),
    ],
)
def test_other_forms(value: object, text: str) -> None:
    with pytest.raises(InvalidRequestError, match=text):
        as_tool(value)


def test_no_list_of_tools() -> None:
    with pytest.raises(InvalidRequestError, match="tools is function: give a list"):
        as_specs(stars)
    with pytest.raises(InvalidRequestError, match="are both named 'positional_is_fine'"):
        DeepSeekV4("mock").chat("Hello", tools=[positional_is_fine, {"name": "positional_is_fine"}])


def test_a_schema_without_a_function_cannot_be_run() -> None:
    with pytest.raises(ConfigurationError, match="'f' is a schema without a function"):
        as_tool({"name": "f"})()
    assert as_spec({"name": "f"}).parameters == {"type": "object", "properties": {}}
