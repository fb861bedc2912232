"""The traps of the two servers, one test for each: what goes wrong there, and how the body avoids it."""

from __future__ import annotations

import json

import pytest

from deepseek_v4_sdk import AssistantMessage, SystemMessage, ToolCall, ToolMessage, UserMessage
from deepseek_v4_sdk.chat import ChatRequest
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.providers import find_provider
from deepseek_v4_sdk.tokens.vocabulary import VOCABULARY_SIZE
from tests.providers.encoding import body_of, call_of, messages_of, target

BOTH = ("vllm", "sglang")
LEVELS = ("off", "low", "high", "max")
TOOLS = [{"name": "f"}, {"name": "g"}]
HEAD = {"model", "messages", "tools", "chat_template_kwargs", "stream", "stream_options"}


@pytest.mark.parametrize("provider", BOTH)
@pytest.mark.parametrize("level", LEVELS)
def test_the_thinking_switch_is_always_sent_and_only_inside_the_kwargs(provider: str, level: str) -> None:
    # SGLang is off and vLLM on by default; at the root an effort would switch thinking on, and `thinking` is ignored.
    body = body_of(provider, thinking=level, tools=TOOLS)
    assert body["chat_template_kwargs"]["thinking"] is (level != "off")
    assert body.keys() <= HEAD
    assert body["chat_template_kwargs"].get("reasoning_effort") == (None if level == "off" else level)


@pytest.mark.parametrize("level", LEVELS)
def test_vllm_gets_both_names_of_the_switch_alike(level: str) -> None:
    # vLLM ORs them over the server's defaults: one alone cannot switch off what the other leaves on.
    switch = body_of("vllm", thinking=level)["chat_template_kwargs"]
    assert switch["thinking"] is switch["enable_thinking"] is (level != "off")


def test_sglang_gets_no_name_that_it_does_not_read() -> None:
    assert "enable_thinking" not in body_of("sglang", thinking="high")["chat_template_kwargs"]


@pytest.mark.parametrize(("provider", "sent"), [("vllm", -5), ("sglang", 5)])
def test_higher_priority_is_more_urgent_everywhere(provider: str, sent: int) -> None:
    assert body_of(provider, priority=5)["priority"] == sent


@pytest.mark.parametrize(("provider", "sent"), [("vllm", 0), ("sglang", -1)])
def test_top_k_0_means_all_everywhere(provider: str, sent: int) -> None:
    assert body_of(provider, top_k=0)["top_k"] == sent  # SGLang answers 400 to a 0


@pytest.mark.parametrize("provider", ["vllm", "sglang", "nim", "dynamo", "nvidia"])
@pytest.mark.parametrize("count", [VOCABULARY_SIZE, VOCABULARY_SIZE + 1, 2**31, 2**63 - 1])
def test_top_k_beyond_the_vocabulary_is_all(provider: str, count: int) -> None:
    """2**31 ends the scheduler of SGLang, for everybody; 2**40 is a 400 of vLLM's Rust front end."""
    body = body_of(provider, top_k=count, model="pro" if provider == "nvidia" else None)
    assert body["top_k"] == (count if count == VOCABULARY_SIZE else -1)


def test_the_least_priority_has_no_negative_to_send() -> None:
    with pytest.raises(InvalidRequestError, match=f"priority is {-(2**63)}: from {1 - 2**63} here"):
        body_of("vllm", priority=-(2**63))
    assert body_of("vllm", priority=1 - 2**63)["priority"] == 2**63 - 1
    assert body_of("sglang", priority=-(2**63))["priority"] == -(2**63)


@pytest.mark.parametrize("provider", BOTH)
@pytest.mark.parametrize("nothing", [[], (), None])
def test_an_empty_list_of_tools_never_leaves(provider: str, nothing: object) -> None:
    body = body_of(provider, tools=nothing, tool_choice="none")  # vLLM answers 400 to `tools: []`
    assert body.keys().isdisjoint({"tools", "tool_choice"})


@pytest.mark.parametrize("provider", BOTH)
def test_tool_choice_auto_is_left_out_and_none_is_not(provider: str) -> None:
    assert "tool_choice" not in body_of(provider, tools=TOOLS, tool_choice="auto")
    body = body_of(provider, tools=TOOLS, tool_choice="none")
    # Without the tools the head of the prompt would change, and the prefix cache miss.
    assert body["tool_choice"] == "none"
    assert [tool["function"]["name"] for tool in body["tools"]] == ["f", "g"]


@pytest.mark.parametrize("provider", BOTH)
def test_a_tool_is_chosen_by_name(provider: str) -> None:
    by_name = body_of(provider, tools=TOOLS, tool_choice="g")["tool_choice"]
    assert by_name == {"type": "function", "function": {"name": "g"}}
    assert body_of(provider, tools=TOOLS, tool_choice=by_name)["tool_choice"] == by_name


@pytest.mark.parametrize(("provider", "key"), [("vllm", "reasoning"), ("sglang", "reasoning_content")])
@pytest.mark.parametrize("given", ["reasoning", "reasoning_content"])
def test_reasoning_goes_back_under_the_name_the_server_reads(provider: str, key: str, given: str) -> None:
    # vLLM 0.20 reads only the one, SGLang ignores it; a missing text becomes an empty thought in a tool loop.
    turn = messages_of(provider, UserMessage("1"), {"role": "assistant", "content": "2", given: "thought"}, _user())[1]
    assert turn == {"role": "assistant", "content": "2", key: "thought"}


@pytest.mark.parametrize("provider", BOTH)
def test_reasoning_goes_back_on_every_turn_that_has_it(provider: str) -> None:
    turns = [AssistantMessage("a", "r1"), _user(), AssistantMessage("b", ""), _user(), AssistantMessage("c"), _user()]
    sent = messages_of(provider, _user(), *turns)
    key = "reasoning" if provider == "vllm" else "reasoning_content"
    assert [turn.get(key) for turn in sent if turn["role"] == "assistant"] == ["r1", "", None]


def _user() -> UserMessage:
    return UserMessage("go on")


def _two_calls(first: str, second: str) -> AssistantMessage:
    return AssistantMessage(None, None, (ToolCall(first, "f", "{}"), ToolCall(second, "g", "{}")))


def test_sglang_gets_ids_that_sort_in_the_order_of_the_calls() -> None:
    # 0.5.23 orders calls and results by id, compared as strings; the servers' own ids are random.
    sent = messages_of("sglang", _user(), _two_calls("zz", "aa"), ToolMessage("2", "aa"), ToolMessage("1", "zz"))
    ids = [call["id"] for call in sent[1]["tool_calls"]]
    assert ids == sorted(ids) == ["call_00_zz", "call_01_aa"]
    assert [(message["tool_call_id"], message["content"]) for message in sent[2:]] == [
        ("call_01_aa", "2"),
        ("call_00_zz", "1"),
    ]


def test_a_hundred_and_one_calls_still_sort() -> None:
    calls = tuple(ToolCall(f"id{number}", "f", "{}") for number in range(101))
    results = [ToolMessage("r", call.id) for call in calls]
    ids = [call["id"] for call in messages_of("sglang", AssistantMessage(None, None, calls), *results)[0]["tool_calls"]]
    assert ids == sorted(ids)


def test_vllm_gets_the_ids_as_they_are() -> None:
    sent = messages_of("vllm", _user(), _two_calls("zz", "aa"), ToolMessage("1", "zz"), ToolMessage("2", "aa"))
    assert [call["id"] for call in sent[1]["tool_calls"]] == ["zz", "aa"]  # it orders results by the calls


@pytest.mark.parametrize("provider", BOTH)
def test_developer_becomes_system(provider: str) -> None:
    # vLLM drops a developer message without notice when thinking is on and there are no tools.
    assert messages_of(provider, {"role": "developer", "content": "Be brief."}, _user())[0] == {
        "role": "system",
        "content": "Be brief.",
    }
    assert messages_of(provider, SystemMessage("Be brief."), _user())[0]["role"] == "system"


@pytest.mark.parametrize("provider", BOTH)
def test_a_turn_without_a_text_is_sent_with_an_empty_one(provider: str) -> None:
    assert messages_of(provider, _user(), AssistantMessage(None, "thought"), _user())[1]["content"] == ""


@pytest.mark.parametrize("provider", BOTH)
def test_extra_body_is_merged_in_at_the_end_and_wins(provider: str) -> None:
    extra = {
        "temperature": 0.1,
        "chat_template_kwargs": {"thinking": True, "mine": {"deep": 1}},
        "stream_options": {"continuous_usage_stats": True},
        "stop": ["b"],
        "unknown": None,
    }
    body = body_of(provider, temperature=1.0, stop=["a"], thinking="max", extra_body=extra)
    assert body["temperature"] == 0.1
    assert body["chat_template_kwargs"]["reasoning_effort"] == "max"
    assert body["chat_template_kwargs"]["mine"] == {"deep": 1}
    assert body["stream_options"] == {"include_usage": True, "continuous_usage_stats": True}
    assert body["stop"] == ["b"]
    assert body["unknown"] is None


KWARGS = "chat_template_kwargs"


@pytest.mark.parametrize("provider", ["vllm", "sglang", "nvidia", "nim", "deepseek", "dynamo"])
@pytest.mark.parametrize(
    ("level", "extra", "text"),
    [
        ("high", {KWARGS: {"thinking": False}}, f"extra_body.{KWARGS}.thinking is False.*give thinking='off'"),
        ("max", {KWARGS: {"thinking": False, "enable_thinking": False}}, "give thinking='off'"),
        ("high", {KWARGS: {"enable_thinking": False}}, f"extra_body.{KWARGS}.enable_thinking is False"),
        ("off", {KWARGS: {"thinking": True}}, "thinking is True, and thinking is 'off'"),
        ("off", {"reasoning_effort": "low"}, "extra_body.reasoning_effort is 'low'.*give thinking='low'"),
        ("high", {"reasoning_effort": "none"}, "give thinking='off'"),
        ("high", {"reasoning_effort": "max"}, "give thinking='max'"),
        ("high", {KWARGS: {"reasoning_effort": "low"}}, "give thinking='low'"),
        ("high", {"thinking": {"type": "disabled"}}, "extra_body.thinking is {'type': 'disabled'}"),
        ("off", {"thinking": {"type": "enabled"}}, "give thinking='high'"),
        ("high", {"thinking": False}, "give thinking='off'"),
    ],
)
def test_extra_body_does_not_contradict_the_thinking_level(
    provider: str, level: str, extra: dict[str, object], text: str
) -> None:
    """Servers join several switches, each in its own way, so that none of them wins everywhere."""
    with pytest.raises(InvalidRequestError, match=text):
        body_of(provider, model="pro", thinking=level, extra_body=extra)


@pytest.mark.parametrize("provider", BOTH)
@pytest.mark.parametrize(
    ("level", "extra"),
    [
        ("off", {KWARGS: {"thinking": False, "enable_thinking": False}}),
        ("off", {"thinking": {"type": "disabled"}, "reasoning_effort": "none"}),
        ("high", {KWARGS: {"thinking": True, "reasoning_effort": "high"}}),
        ("max", {"thinking": {"type": "enabled"}, "reasoning_effort": "max"}),
        ("high", {KWARGS: {"drop_thinking": False, "thinking": None}}),
    ],
)
def test_extra_body_may_say_the_same(provider: str, level: str, extra: dict[str, object]) -> None:
    body = body_of(provider, thinking=level, extra_body=extra)
    for key, value in extra.items():
        assert body[key] == value if not isinstance(value, dict) else value.items() <= body[key].items()


def test_extra_body_leaves_the_callers_own_mapping_alone() -> None:
    mine: dict[str, object] = {"type": "json_object"}
    body = body_of("vllm", response_format=mine, extra_body={"response_format": {"strict": True}})
    assert body["response_format"] == {"type": "json_object", "strict": True}
    assert mine == {"type": "json_object"}


@pytest.mark.parametrize("provider", BOTH)
@pytest.mark.parametrize(
    ("extra", "text"),
    [
        ({"stream": False}, "a mapping without 'stream', which the client itself writes"),
        ({"messages": []}, "a mapping without 'messages', which the client itself writes"),
        ({"n": 2}, "one call gives one choice; call again for more"),
    ],
)
def test_extra_body_cannot_change_what_the_client_relies_on(provider: str, extra: dict[str, object], text: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        body_of(provider, extra_body=extra)
    assert text in str(caught.value)
    assert body_of(provider, extra_body={"n": 1})["n"] == 1


def test_vllm_cannot_go_on_with_an_answer_and_sglang_can_when_told() -> None:
    messages = [_user(), AssistantMessage("The answer is")]
    for provider in BOTH:
        with pytest.raises(InvalidRequestError, match=r"messages\[1\] is an assistant message and the last"):
            body_of(provider, messages)
    flag = {"continue_final_message": True}
    assert body_of("sglang", messages, extra_body=flag)["continue_final_message"] is True
    with pytest.raises(InvalidRequestError, match=r"messages\[1\] .* end with a user message or a tool result"):
        body_of("vllm", messages, extra_body=flag)  # it closes the turn all the same


@pytest.mark.parametrize("provider", BOTH)
@pytest.mark.parametrize(("wire", "accept"), [("stream", "text/event-stream"), ("plain", "application/json")])
def test_headers(provider: str, wire: str, accept: str) -> None:
    headers = dict(call_of(provider, "Hi", wire=wire, extra_headers={"X-Trace": "1"}).headers)
    assert headers["accept"] == accept
    assert headers["content-type"] == "application/json"  # anything else is a 400
    assert headers["accept-encoding"] == "identity"
    assert headers["x-trace"] == "1"
    assert "authorization" not in headers


@pytest.mark.parametrize("provider", BOTH)
def test_a_header_of_the_call_wins_over_one_of_the_client(provider: str) -> None:
    request = ChatRequest.build("Hi", {"extra_headers": {"X-A": "call"}}, {})
    client = target(headers={"x-a": "client", "x-b": "client"})
    headers = dict(find_provider(provider).encode(request, client).call.headers)
    assert (headers["x-a"], headers["x-b"]) == ("call", "client")


@pytest.mark.parametrize("provider", BOTH)
def test_tools_are_the_same_bytes_each_time(provider: str) -> None:
    tools = [
        {
            "type": "function",
            "function": {"parameters": {"type": "object", "b": 1, "a": 2}, "description": "d", "name": "z"},
        }
    ]
    bodies = {call_of(provider, "Hi", tools=list(tools)).body for _ in range(3)}
    assert len(bodies) == 1
    assert list(json.loads(bodies.pop() or b"")["tools"][0]["function"]) == ["name", "description", "parameters"]


@pytest.mark.parametrize("provider", BOTH)
@pytest.mark.parametrize("level", LEVELS)
def test_the_nearest_level_changes_nothing_where_all_exist(provider: str, level: str) -> None:
    assert body_of(provider, thinking=level, on_unsupported="nearest") == body_of(provider, thinking=level)
