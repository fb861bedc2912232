"""The calls of a reply are checked against the tools that were offered, through both clients and on the wire."""

from __future__ import annotations

import asyncio
import copy
import pickle
from dataclasses import asdict, replace

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, InvalidToolArgumentsError, ToolCall, ToolCallReady, tool
from deepseek_v4_sdk.errors import TruncatedToolCallError
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.tools import as_spec
from tests.tools.samples import Station, weather

WRITTEN = {"name": "count", "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}}}


def two_calls() -> MockProvider:
    return MockProvider(
        script.tool_call("weather", city="Paris", days="many") + script.tool_call("count", n=3),
        flavor="vllm",
    )


def check(calls: tuple[ToolCall, ...]) -> None:
    bad, good = calls
    with pytest.raises(InvalidToolArgumentsError) as caught:
        _ = bad.parsed
    assert caught.value.path == "days"
    assert bad.error is not None
    assert good.parsed == {"n": 3}
    assert good.error is None


def test_sync() -> None:
    mock = two_calls()
    reply = DeepSeekV4(mock).chat("Hello", tools=[weather, WRITTEN])
    check(reply.tool_calls)
    sent = mock.requests[0].body["tools"]
    assert sent == [as_spec(weather).to_dict(), {"type": "function", "function": WRITTEN}]


def test_async() -> None:
    async def ask() -> None:
        reply = await AsyncDeepSeekV4(two_calls()).chat("Hello", tools=[tool(weather), WRITTEN])
        check(reply.tool_calls)

    asyncio.run(ask())


def test_events_and_a_bound_method() -> None:
    mock = MockProvider(script.tool_call("measure", where="here"), flavor="sglang")
    with DeepSeekV4(mock).stream("Hello", tools=[Station("N").measure]) as stream:
        ready = [event.call for event in stream if isinstance(event, ToolCallReady)]
    assert ready[0].error is not None
    assert ready[0].error.path == "what"


def test_a_tool_that_was_not_offered_is_not_checked() -> None:
    mock = MockProvider(script.tool_call("other", x=1))
    (call,) = DeepSeekV4(mock).chat("Hello", tools=[weather]).tool_calls
    assert call.parsed == {"x": 1}


def test_whether_a_call_was_cut_is_asked_of_json_alone() -> None:
    whole = MockProvider(script.turn(script.tool_call("weather", days="many"), finish_reason="length"), flavor="sglang")
    reply = DeepSeekV4(whole).chat("Hello", tools=[weather])
    assert reply.tool_calls[0].error is not None
    cut = MockProvider(
        script.turn(script.tool_call("weather", '{"city": "Pa'), finish_reason="length"), flavor="sglang"
    )
    with pytest.raises(TruncatedToolCallError):
        DeepSeekV4(cut).chat("Hello", tools=[weather])


def test_the_check_is_no_part_of_a_call() -> None:
    plain = ToolCall("c", "weather", '{"days": "many"}')
    checked = plain.checked_by(as_spec(weather).check)
    assert (checked.error is None, plain.error is None) == (False, True)
    assert checked == plain
    assert hash(checked) == hash(plain)
    assert repr(checked) == repr(plain)
    assert asdict(checked) == asdict(plain)
    loaded = pickle.loads(pickle.dumps(checked))
    assert loaded == plain
    assert loaded.check is None
    assert copy.copy(checked).check is copy.deepcopy([checked])[0].check is checked.check
    assert replace(checked, id="d").check is None


def test_the_check_is_no_part_of_a_spec() -> None:
    spec = as_spec(weather)
    plain = replace(spec)
    assert plain.check is None
    assert plain == spec
    assert repr(plain) == repr(spec)
    assert "check" not in asdict(spec)
    assert pickle.loads(pickle.dumps(spec)).check is None


def test_an_error_of_a_checked_call_can_be_pickled() -> None:
    error = ToolCall("c", "weather", "{}").checked_by(as_spec(weather).check).error
    assert error is not None
    loaded = pickle.loads(pickle.dumps(error))
    assert (loaded.path, str(loaded)) == (error.path, str(error))


def test_a_request_with_tools_loads_no_schema_library_and_no_docstring_parser() -> None:
    from tests.house.test_imports import loaded

    modules = loaded("from deepseek_v4_sdk import *; DeepSeekV4('mock').chat('Hello', tools=[{'name': 'f'}])")
    assert not {name.partition(".")[0] for name in modules} & {"jsonschema", "docstring_parser"}
    assert not {"pydantic", "docstring_parser", "jsonschema"} & loaded("from deepseek_v4_sdk import tool")
