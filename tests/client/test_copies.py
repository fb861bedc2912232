"""Structures with objects of this package in them can be copied; what cannot be pickled says so."""

from __future__ import annotations

import copy
import dataclasses
import functools
import pickle
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, Ledger, ToolCall, ToolSpec, tool
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.tools import Tool, as_tool


@tool
def add(a: int, b: int = 1) -> int:
    """Add."""
    return a + b


def times(a: int, b: int) -> int:
    """Multiply."""
    return a * b


product = tool(times, name="product", description="Of two numbers.")
ten_times = tool(functools.partial(times, b=10), name="ten_times")


class Shop:
    """Has tools of its own."""

    def __init__(self, price: int) -> None:
        self.price = price
        self.tools = [self.sell]

    @tool
    def sell(self, number: int) -> int:
        """Sell."""
        return number * self.price

    @staticmethod
    @tool
    def greet(name: str) -> str:
        """Greet."""
        return f"Hello {name}"


@dataclasses.dataclass
class Agent:
    """As frameworks have it."""

    client: object
    tools: list[object]


class State(BaseModel):
    """As frameworks have it, too."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    client: Any
    ledger: Ledger


def pickled(value: object) -> object:
    return pickle.loads(pickle.dumps(value))


LIVING: list[Any] = [
    lambda: DeepSeekV4("mock"),
    lambda: DeepSeekV4("vllm", base_url="http://127.0.0.1:9", api_key="geheim-1234567890"),
    lambda: AsyncDeepSeekV4("mock"),
    lambda: MockProvider(script.text("Hello")),
    lambda: DeepSeekV4("mock").budget(window=1_000_000),
    lambda: DeepSeekV4("mock").stream("Hello"),
    lambda: DeepSeekV4("mock").tool_rounds("Hello", [add]),
    Ledger,
]


@pytest.mark.parametrize("make", LIVING)
def test_what_lives_is_shared_by_copies_and_not_pickled(make: Any) -> None:
    living = make()
    held = {"agents": [(living, "prompt")]}
    assert copy.deepcopy(held)["agents"][0][0] is living
    assert copy.copy(living) is living
    with pytest.raises(TypeError, match=f"^{type(living).__name__} cannot be pickled.*make one where it is needed"):
        pickle.dumps(held)


def test_agents_and_states_are_copied_and_go_on() -> None:
    mock = MockProvider(default=script.text("Hello"))
    client, ledger = DeepSeekV4(mock), Ledger()
    agent = dataclasses.asdict(Agent(client, [add]))
    state = State(client=client, ledger=ledger).model_copy(deep=True)
    assert agent["client"].chat("Hi").text == state.client.chat("Hi").text == "Hello"
    assert agent["tools"][0] is add
    assert state.ledger is ledger
    client.close()


TOOLS: list[tuple[Any, dict[str, int], int]] = [
    (add, {"a": 1, "b": 2}, 3),
    (product, {"a": 2, "b": 3}, 6),
    (ten_times, {"a": 2}, 20),
    (as_tool(times), {"a": 2, "b": 3}, 6),
    (Shop(5).sell, {"number": 3}, 15),
    (Shop(7).tools[0], {"number": 3}, 21),
]


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, pickled])
@pytest.mark.parametrize(("original", "arguments", "result"), TOOLS)
def test_a_tool_is_copied_with_all_that_it_is(original: Any, arguments: dict[str, int], result: int, how: Any) -> None:
    made: Tool[..., int] = how([original])[0]
    assert isinstance(made, Tool)
    assert made(**arguments) == result
    assert made.tool_spec() == original.tool_spec()
    assert repr(made) == repr(original)
    call = ToolCall("a", made.name, "{}")
    with pytest.raises(Exception, match="it is required, and missing"):
        made.bind(call)


def test_by_name_a_tool_stays_the_one_of_its_module() -> None:
    for one in (add, Shop.sell, Shop.greet):
        assert pickle.loads(pickle.dumps(one)) is one


def test_the_tools_of_a_copied_object_are_bound_to_the_copy() -> None:
    shop = Shop(5)
    for other in (copy.deepcopy(shop), pickle.loads(pickle.dumps(shop))):
        other.price = 6
        assert [each(1) for each in other.tools] == [6]
        assert shop.tools[0](1) == 5


@pytest.mark.parametrize("how", [copy.deepcopy, pickled])
def test_a_schema_without_a_function_is_copied_too(how: Any) -> None:
    schema = {"type": "object", "properties": {"euros": {"type": "number"}}, "required": ["euros"]}
    for written in ({"name": "pay", "parameters": schema}, ToolSpec("pay", None, schema)):
        made = how(as_tool(written))
        assert (made.name, made.runs, made.parameters) == ("pay", False, schema)
        with pytest.raises(Exception, match="it is required, and missing"):
            made.check(ToolCall("a", "pay", "{}"))


def test_a_tool_of_a_function_that_no_module_has_says_so() -> None:
    @tool
    def local(a: int) -> int:
        """Do."""
        return a

    assert copy.deepcopy(local) is local
    with pytest.raises((AttributeError, pickle.PicklingError), match="local"):
        pickle.dumps(local)
