"""What can be a tool: functions of every kind, which stay what they are."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable

import pytest

from deepseek_v4_sdk import tool
from deepseek_v4_sdk.chat import ToolCall
from deepseek_v4_sdk.tools import Tool, as_spec, as_tool
from tests.tools.samples import Station, weather


def names(made: Tool[..., object]) -> list[str]:
    properties = made.parameters["properties"]
    assert isinstance(properties, dict)
    return list(properties)


def call(made: Tool[..., object], arguments: str) -> ToolCall:
    return ToolCall("c1", made.name, arguments)


def test_bare() -> None:
    made = tool(weather)
    assert (made.name, made.description, made.strict, made.is_async) == ("weather", "The weather.", None, False)
    assert made("Paris", days=2) == "Paris 2"
    assert made.__name__ == "weather"  # type: ignore[attr-defined]
    assert made.__doc__ == weather.__doc__
    assert inspect.signature(made) == inspect.signature(weather)
    assert repr(made) == "<Tool weather>"
    assert as_spec(made).to_dict() == {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Where."},
                    "days": {"type": "integer", "description": "How many days.", "default": 1},
                },
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }


def test_with_arguments() -> None:
    made = tool(name="forecast", description="What comes.", strict=False)(weather)
    assert (made.name, made.description, made.strict) == ("forecast", "What comes.", False)
    again = tool(made, name="other")
    assert (again.name, again.description, again.function) == ("other", "The weather.", weather)


def test_async() -> None:
    @tool
    async def fetch(city: str) -> str:
        """Fetch."""
        return city.upper()

    assert fetch.is_async
    assert asyncio.run(fetch(city="Rome")) == "ROME"


def test_a_method_is_bound_like_any_other() -> None:
    station = Station("North")
    assert names(Station.measure) == names(station.measure) == ["what"]
    assert station.measure("wind") == Station.measure(station, "wind") == "North: wind"
    assert station.measure(**station.measure.bind(call(station.measure, '{"what": "rain"}'))) == "North: rain"  # type: ignore[arg-type]
    assert as_tool(station.measure).name == "measure"


def test_class_and_static_methods() -> None:
    known = as_tool(Station.known)
    assert names(known) == ["region"]
    assert known(region="Alps") == "Station Alps"
    assert as_tool(Station.convert)(100.0) == 212.0
    assert names(as_tool(Station.convert)) == ["celsius"]


def test_a_plain_bound_method_and_an_object_with_call() -> None:
    station = Station("South")
    plain = as_tool(station.plain)
    assert (plain.name, names(plain), plain.description) == ("plain", ["what"], "Not decorated.")
    assert plain(what="sun") == "South, plainly: sun"
    called = as_tool(station)
    assert (called.name, names(called), called.description) == ("Station", ["station"], "Call a station.")


def test_a_partial_offers_what_is_left() -> None:
    keyword = as_tool(functools.partial(weather, days=3))
    assert (keyword.name, keyword.description, names(keyword)) == ("weather", "The weather.", ["city"])
    assert keyword(city="Oslo") == "Oslo 3"
    positional = as_tool(functools.partial(functools.partial(weather, days=3), "Oslo"))
    assert names(positional) == []
    assert as_tool(functools.partial(tool(weather), days=2))(city="Bonn") == "Bonn 2"

    async def later(x: int) -> int:
        return x

    assert as_tool(functools.partial(later)).is_async


def test_a_wrapped_function_keeps_its_signature() -> None:
    def logged(function: Callable[..., object]) -> Callable[..., object]:
        @functools.wraps(function)
        def wrapper(*args: object, **kwargs: object) -> object:
            return function(*args, **kwargs)

        return wrapper

    assert names(as_tool(logged(weather))) == ["city", "days"]


def test_keyword_only_and_names_that_models_of_pydantic_have() -> None:
    @tool
    def save(copy: str, *, json: int = 0, _hidden: bool = True) -> None: ...

    assert names(save) == ["copy", "json", "_hidden"]
    assert save.bind(call(save, '{"copy": "x", "_hidden": false}')) == {"copy": "x", "_hidden": False}


def test_what_returns_or_stands_beside_may_be_unknown() -> None:
    def function(x: int) -> Unknown: ...  # type: ignore[name-defined]  # noqa: F821

    assert names(tool(function)) == ["x"]


def test_a_type_that_comes_later_is_found_at_the_first_use() -> None:
    scope: dict[str, object] = {"tool": tool}
    exec("@tool\ndef walk(tree: 'Tree') -> None: ...", scope)
    made = scope["walk"]
    assert isinstance(made, Tool)
    exec("from pydantic import BaseModel\nclass Tree(BaseModel):\n    leaf: int", scope)
    assert names(made) == ["tree"]


def test_undecorated_functions_are_read_once() -> None:
    first, second = as_tool(weather), as_tool(weather)
    assert first.tool_spec().parameters is second.tool_spec().parameters


@pytest.mark.parametrize("described", [None, "", "   "])
def test_no_docstring(described: str | None) -> None:
    def quiet(x: int) -> None: ...

    quiet.__doc__ = described
    assert "description" not in tool(quiet).tool_spec().to_dict()["function"]  # type: ignore[operator]
