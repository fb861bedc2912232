"""The mock of DeepSeek's API takes and refuses what the vendor's own validator does, text for text."""

from __future__ import annotations

import json
from typing import Any

import deepseek_recipe as recipe
import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from deepseek_v4_sdk.testing import MockProvider, script
from tests.support.profiles import examples

MODELS = {
    "deepseek-flash": recipe.ModelVersion.DeepseekV41Flash,
    "deepseek-v4-pro": recipe.ModelVersion.DeepseekV4Pro,
}
USER: Any = {"role": "user", "content": "hi"}
CALL: Any = {"id": "c1", "type": "function", "function": {"name": "now", "arguments": "{}"}}
OTHER: Any = {**CALL, "id": "c2"}
TOOL: Any = {"type": "function", "function": {"name": "now"}}
ABSENT = object()


def result(call_id: str) -> Any:
    return {"role": "tool", "tool_call_id": call_id, "content": "a"}


def said(**more: Any) -> Any:
    return {"role": "assistant", "content": None, "reasoning_content": "", **more}


def offered(**function: Any) -> Any:
    return [{"type": "function", "function": {"name": "a", **function}}]


def strict(**shape: Any) -> Any:
    inner = {"type": "object", "properties": {"b": shape}, "required": ["b"]}
    return offered(strict=True, parameters=inner)


def named(name: str) -> Any:
    return {"type": "function", "function": {"name": name}}


def parameters(**schema: Any) -> Any:
    return offered(strict=True, parameters={"type": "object", "properties": {"b": {"type": "string"}}, **schema})


FIELDS: dict[str, list[Any]] = {
    "model": [ABSENT, "deepseek-flash", "x", None, 3],
    "max_tokens": [0, 1, 393_216, 393_217, -1, 1.5, "a", None, 2**33],
    "temperature": [-1, 0, 2, 2.1, "x", None, True],
    "top_p": [0, 0.5, 1, 1.1, "x"],
    "presence_penalty": [-2, 3, "x"],
    "frequency_penalty": [-3, 2],
    "n": [0, 1, 2, None, 1.5, "x"],
    "logprobs": [True, False, None, 3],
    "top_logprobs": [0, 2, 20, 21, -1, None],
    "stop": ["", "a", [], ["a"], ["a"] * 16, ["a"] * 17, ["a", ""], 3, [3], None],
    "seed": [-1, 0, "a", 1.0],
    "stream_options": [{}, {"include_usage": True}, None, "x", {"include_usage": "x"}],
    "thinking": [
        {"type": "enabled"},
        {"type": "disabled"},
        {"type": "adaptive"},
        {"type": "x"},
        {},
        True,
        None,
        {"type": None},
    ],
    "reasoning_effort": ["none", "minimal", "low", "high", "xhigh", "max", "huge", 3, None, {"a": 1}],
    "response_format": [
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema"},
        {"type": "json_schema", "json_schema": {"name": "x"}},
        {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "objekt"}}},
        {"type": "regex", "regex": "a"},
        {"type": "regex"},
        {"type": "xml"},
        {},
        "json",
        None,
    ],
    "tools": [
        [],
        None,
        "x",
        ["x"],
        [TOOL],
        [TOOL, TOOL],
        [{"type": "function"}],
        [{"type": "x", "function": {"name": "a"}}],
        [{"function": {"name": "a"}}],
        offered(name="a b"),
        offered(name=""),
        offered(name="a" * 65),
        offered(name=3),
        offered(description=3),
        offered(strict="x"),
        offered(parameters=None),
        offered(parameters="x"),
        offered(parameters={"type": "objekt"}),
        offered(parameters={"type": "string"}),
        offered(parameters={"type": "object", "required": "a"}),
        offered(parameters={"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}}}),
        offered(strict=True),
        offered(strict=True, parameters={"type": "string"}),
        [TOOL, *offered(strict=True)],
        parameters(),
        parameters(required=[]),
        parameters(required=["b"], additionalProperties=True),
        parameters(required=["b"], additionalProperties=False),
        strict(type="object", properties={}),
        strict(type="string", minLength=2),
        strict(type="string", format="zz"),
        strict(type="string", format="email"),
        strict(type="array"),
        strict(type="array", items={"type": "integer"}),
        strict(anyOf=[{"type": "string"}, {"type": "null"}]),
    ],
    "tool_choice": [
        "auto",
        "none",
        "required",
        "any",
        None,
        3,
        named("now"),
        named("x"),
        {"type": "function"},
        {"type": "x", "function": {"name": "now"}},
        {"function": {"name": "now"}},
    ],
    "parallel_tool_calls": [True, "x"],
    "stream": ["x", None, False],
    "user_id": ["a b", 3],
    "max_completion_tokens": [0],
    "chat_template_kwargs": [{"thinking": False}],
    "messages": [
        ABSENT,
        [],
        "x",
        ["x"],
        [{"content": "x"}],
        [{"role": "developer", "content": "x"}],
        [{"role": "function", "content": "x"}],
        [{"role": 3, "content": "x"}],
        [{"role": None, "content": "x"}],
        [{"role": "user"}],
        [{"role": "user", "content": None}],
        [{"role": "user", "content": 3}],
        [{"role": "user", "content": ""}],
        [{"role": "user", "content": []}],
        [{"role": "user", "content": ["x"]}],
        [{"role": "user", "content": [{"type": "x"}]}],
        [{"role": "user", "content": [{"type": "text"}]}],
        [{"role": "user", "content": [{"text": "x"}]}],
        [{"role": "user", "content": [{"type": "text", "text": "Give JSON"}]}],
        [{"role": "user", "content": "x", "name": 3}],
        [{"role": "user", "content": "x", "prefix": True}],
        [{"role": "system", "content": None}, USER],
        [{"role": "system", "content": "json"}, USER],
        [{"role": "latest_reminder", "content": "x"}, USER],
        [USER, {"role": "assistant"}],
        [USER, {"role": "assistant", "content": None}],
        [USER, {"role": "assistant", "content": ""}],
        [USER, {"role": "assistant", "content": None, "reasoning_content": "x"}],
        [USER, {"role": "assistant", "content": "x", "reasoning_content": 3}],
        [USER, {"role": "assistant", "content": "x", "tool_calls": "x"}],
        [USER, {"role": "assistant", "content": "x", "tool_calls": ["x"]}],
        [USER, said(tool_calls=[])],
        [USER, said(content="x", prefix="x")],
        [USER, said(content="x", prefix=True)],
        [USER, said(content="x", prefix=True), USER],
        [USER, said(tool_calls=[CALL]), result("c1"), said(content="x", prefix=True)],
        [USER, said(tool_calls=[CALL])],
        [USER, said(tool_calls=[CALL]), USER],
        [USER, said(tool_calls=[CALL]), result("c1")],
        [USER, said(tool_calls=[CALL]), result("x")],
        [USER, said(tool_calls=[CALL]), result("c1"), result("c1")],
        [USER, said(tool_calls=[CALL, OTHER]), result("c2"), result("c1")],
        [USER, said(tool_calls=[CALL, OTHER]), result("c1")],
        [USER, said(tool_calls=[CALL, OTHER]), result("x"), result("y")],
        [USER, said(tool_calls=[CALL, CALL]), result("c1"), result("c1")],
        [USER, said(tool_calls=[{**CALL, "function": {"name": "now", "arguments": "{a"}}]), result("c1")],
        [USER, said(tool_calls=[{**CALL, "function": {"name": "now", "arguments": {}}}]), result("c1")],
        [USER, said(tool_calls=[{"type": "function", "function": {"name": "now", "arguments": "{}"}}])],
        [USER, said(tool_calls=[{**CALL, "function": {"name": "now"}}])],
        [USER, {"role": "assistant", "content": "x", "tool_calls": [CALL]}, result("c1")],
        [USER, {"role": "assistant", "content": "x", "tool_calls": [CALL]}, result("c1"), USER],
        [USER, result("x")],
        [USER, {"role": "tool", "content": "x"}],
        [USER, {"role": "tool", "content": "x", "tool_call_id": 3}],
    ],
}
"""Values of each field: those of the vendor's table of refusals, those at its borders, and those of other types."""

CASES = [(name, value) for name, values in FIELDS.items() for value in values]


def body_of(chosen: dict[str, Any]) -> dict[str, Any]:
    whole = {"model": "deepseek-v4-pro", "messages": [USER], **chosen}
    return {key: value for key, value in whole.items() if value is not ABSENT}


def judged(body: dict[str, Any]) -> str | None:
    """What the vendor's validator says; None when it takes the body."""
    options = recipe.ConversionOptions().with_reasoning_content_behavior(recipe.ReasoningContentBehavior.Reject)
    try:
        recipe.ChatCompletionRequest(json.dumps(body)).convert(options.with_model_versions_by_name(MODELS))
    except recipe.ConversionError as error:
        return str(json.loads(error.body)["error"]["message"])
    except ValueError as error:
        return str(error)
    return None


_MOCK = MockProvider(default=script.text("ok"), flavor="deepseek", count_tokens=False)
_CLIENT = httpx.Client(transport=_MOCK.transport, base_url="http://mock")


def answered(body: dict[str, Any]) -> str | None:
    """What the mock says."""
    answer = _CLIENT.post("/chat/completions", json=body)
    if answer.status_code == 200:
        return None
    error = answer.json()["error"]
    shape = (answer.status_code, error["type"], error["param"], error["code"])
    assert shape == (400, "invalid_request_error", None, "invalid_request_error")
    return str(error["message"])


@pytest.mark.parametrize(("name", "value"), CASES, ids=lambda value: "absent" if value is ABSENT else repr(value)[:60])
def test_one_field(name: str, value: Any) -> None:
    body = body_of({name: value})
    assert answered(body) == judged(body)


@given(st.lists(st.sampled_from(CASES), min_size=2, max_size=4, unique_by=lambda case: case[0]))
@examples(60, suppress_health_check=list(HealthCheck))
def test_many_fields(chosen: list[tuple[str, Any]]) -> None:
    """Of several wrong ones both name the same first."""
    body = body_of(dict(chosen))
    assert answered(body) == judged(body)


def resolved(request: Any, prompt: int, window: int) -> int | str:
    """How many tokens the vendor's code lets an answer have, or why it has none."""
    try:
        return int(request.resolve_max_tokens(prompt, window))
    except recipe.ConversionError as error:
        return str(json.loads(error.body)["error"]["message"])


@pytest.mark.parametrize("stated", [None, 100, 1])
@pytest.mark.parametrize("thinking", ["enabled", "disabled"])
def test_the_limit_of_an_answer(stated: int | None, thinking: str) -> None:
    """A prompt, or a prompt and what was asked for, beyond the window is refused in the same words."""
    body = body_of({"messages": [{"role": "user", "content": "word " * 100}], "thinking": {"type": thinking}})
    body |= {} if stated is None else {"max_tokens": stated}
    size = MockProvider(default=script.text("x"), flavor="deepseek")
    with httpx.Client(transport=size.transport, base_url="http://mock") as client:
        prompt = client.post("/chat/completions", json=body).json()["usage"]["prompt_tokens"]
    options = recipe.ConversionOptions().with_model_versions_by_name(MODELS)
    for window in (prompt - 1, prompt, prompt + 1, prompt + 99, prompt + 100):
        request = recipe.ChatCompletionRequest(json.dumps(body)).convert(options)
        mock = MockProvider(default=script.text("word " * 300), flavor="deepseek", window=window)
        with httpx.Client(transport=mock.transport, base_url="http://mock") as client:
            answer = client.post("/chat/completions", json=body).json()
        found = answer["usage"]["completion_tokens"] if "usage" in answer else answer["error"]["message"]
        assert found == resolved(request, prompt, window)
