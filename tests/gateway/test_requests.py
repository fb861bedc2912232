"""What becomes of a request's fields: levels, notes, ignored and refused ones, histories of other programs."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk.gateway import Gateway
from deepseek_v4_sdk.testing import script
from tests.gateway.serving import (
    ASK,
    PATHS,
    SCHEMA,
    TOOL,
    client_of,
    events_of,
    inside,
    mock_of,
    question,
    sent,
    words,
)

pytestmark = pytest.mark.anyio
HELLO = script.think("Hm.") + script.text("Hello")


async def post(gateway: Gateway, route: str, **fields: Any) -> Any:
    async with inside(gateway) as http:
        return await http.post(PATHS[route], json=question(route, **fields))


LEVELS: list[tuple[str, dict[str, Any], str]] = [
    ("chat", {"reasoning_effort": "medium"}, "high"),
    ("chat", {"reasoning_effort": "none"}, "off"),
    ("chat", {"enable_thinking": False, "reasoning_effort": "max"}, "off"),
    ("chat", {"chat_template_kwargs": {"thinking": True, "reasoning_effort": "max"}}, "max"),
    ("chat", {"reasoning": {"enabled": False}}, "off"),
    ("chat", {"reasoning": {"enabled": True, "effort": "low"}}, "low"),
    ("responses", {"reasoning": {"effort": "xhigh", "summary": "auto"}}, "high"),
    ("responses", {"reasoning": {"effort": "minimal"}}, "low"),
    ("responses", {"reasoning": {"summary": "auto"}}, "high"),
    ("messages", {"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}, "off"),
    ("messages", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, "max"),
    ("messages", {"thinking": {"type": "adaptive"}}, "high"),
    ("messages", {"thinking": {"type": "enabled", "budget_tokens": 2000}}, "high"),
]


@pytest.mark.parametrize(("route", "fields", "level"), LEVELS)
async def test_levels(route: str, fields: dict[str, Any], level: str) -> None:
    client = client_of(HELLO)
    assert (await post(Gateway(client), route, **fields)).status_code == 200
    assert mock_of(client).requests[0].thinking == level


@pytest.mark.parametrize(
    ("route", "fields"),
    [
        ("chat", {"reasoning_effort": "huge"}),
        ("responses", {"reasoning": {"effort": "huge"}}),
        ("messages", {"output_config": {"effort": "huge"}}),
    ],
)
async def test_an_unknown_effort_is_named_and_nothing_is_sent(route: str, fields: dict[str, Any]) -> None:
    client = client_of(HELLO)
    answer = await post(Gateway(client), route, **fields)
    assert answer.status_code == 400
    assert "'huge'" in answer.json()["error"]["message"]
    assert mock_of(client).requests == []


async def test_another_map_of_efforts() -> None:
    client = client_of(HELLO)
    await post(Gateway(client, efforts={"xhigh": "max"}), "chat", reasoning_effort="xhigh")
    assert mock_of(client).requests[0].thinking == "max"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_level_that_the_server_lacks_is_the_nearest_and_named(stream: bool) -> None:
    answer = await post(Gateway(client_of(HELLO, flavor="nvidia")), "chat", reasoning_effort="low", stream=stream)
    assert answer.status_code == 200
    assert "'high' was sent" in answer.headers["x-deepseek-v4-notes"]


IGNORED: list[tuple[str, dict[str, Any]]] = [
    ("chat", {"store": True, "metadata": {"a": "b"}, "service_tier": "auto", "prompt_cache_key": "k", "user": "u"}),
    ("messages", {"metadata": {"user_id": "u"}, "context_management": {"edits": []}, "service_tier": "auto"}),
    ("responses", {"store": False, "include": ["reasoning.encrypted_content"], "prompt_cache_key": "k", "user": "u"}),
]


@pytest.mark.parametrize(("route", "fields"), IGNORED)
async def test_fields_without_effect(route: str, fields: dict[str, Any]) -> None:
    client = client_of(HELLO)
    answer = await post(Gateway(client), route, **fields, colour="red")
    assert answer.status_code == 200
    assert answer.headers["x-deepseek-v4-ignored"] == "colour"
    assert not set(fields) & set(sent(client))


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("chat", {"n": 2}),
    ("chat", {"suffix": "x"}),
    ("chat", {"web_search_options": {"a": 1}}),
    ("chat", {"audio": {"voice": "x"}}),
    ("chat", {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]}),
    ("messages", {"messages": [{"role": "user", "content": [{"type": "image"}]}, {"role": "system", "content": "s"}]}),
    ("chat", {"messages": None}),
    ("chat", {"temperature": "warm"}),
    ("messages", {"mcp_servers": [{"url": "x"}]}),
    ("messages", {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "base64"}}]}]}),
    ("messages", {"messages": None}),
    ("responses", {"previous_response_id": "resp_1"}),
    ("responses", {"background": True}),
    ("responses", {"input": [{"type": "item_reference", "id": "rs_1"}]}),
    ("responses", {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:"}]}]}),
    ("responses", {"input": None}),
]


@pytest.mark.parametrize(("route", "fields"), REFUSED)
async def test_what_would_change_the_answer_is_a_400(route: str, fields: dict[str, Any]) -> None:
    client = client_of(HELLO)
    answer = await post(Gateway(client), route, **fields)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"]
    assert mock_of(client).requests == []


@pytest.mark.parametrize(("flavor", "status"), [("vllm", 200), ("sglang", 200), ("deepseek", 400), ("nvidia", 400)])
async def test_logit_bias_goes_where_it_is_meant(flavor: str, status: int) -> None:
    client = client_of(HELLO, flavor=flavor)
    answer = await post(Gateway(client), "chat", logit_bias={"5": 1.0})
    assert answer.status_code == status
    if status == 200:
        assert sent(client)["logit_bias"] == {"5": 1.0}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"3", b'{"a": NaN}', b"[" * 2000, b"\xff\xfe", b'{"messages": "\\ud800"}']
)
@pytest.mark.parametrize("route", PATHS)
async def test_bodies_that_are_no_object(route: str, body: bytes) -> None:
    async with inside(Gateway(client_of(HELLO))) as http:
        answer = await http.post(PATHS[route], content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


async def test_a_body_that_is_too_large() -> None:
    async with inside(Gateway(client_of(HELLO), max_body=1000)) as http:
        answer = await http.post(PATHS["chat"], json=question("chat", user="x" * 2000))
    assert answer.status_code == 413


async def test_usage_of_a_stream_comes_only_when_asked_for() -> None:
    client = client_of(default=HELLO)
    bare = events_of((await post(Gateway(client), "chat", stream=True)).text)
    assert not any("usage" in event.data for event in bare[:-1])
    told = events_of((await post(Gateway(client), "chat", stream=True, stream_options={"include_usage": True})).text)
    assert told[-2].data["choices"] == []
    assert told[-2].data["usage"]["completion_tokens"] > 0


async def test_both_names_of_reasoning() -> None:
    client = client_of(default=HELLO)
    gateway = Gateway(client, both_reasoning_keys=True)
    message = (await post(gateway, "chat")).json()["choices"][0]["message"]
    assert message["reasoning"] == message["reasoning_content"] == "Hm."
    events = events_of((await post(gateway, "chat", stream=True)).text)
    assert words(events[:-1], "choices", "0", "delta", "reasoning") == "Hm."


@pytest.mark.parametrize("role", ["system", "developer"])
async def test_a_later_instruction_keeps_its_place(role: str) -> None:
    late = [*ASK, {"role": role, "content": "Be brief."}, *ASK]
    for route, fields in (
        ("chat", {"messages": late}),
        ("messages", {"messages": late}),
        ("responses", {"input": late}),
    ):
        client = client_of(HELLO)
        assert (await post(Gateway(client), route, **fields)).status_code == 200
        assert [message["role"] for message in sent(client)["messages"]] == ["user", "system", "user"]


async def test_calls_beyond_the_first_are_left_out_where_they_cannot_be_forbidden() -> None:
    two = script.tool_call("weather", city="Rome") + script.tool_call("weather", city="Oslo")
    client = client_of(two, two, flavor="deepseek")
    asked: dict[str, Any] = {"tools": [TOOL], "parallel_tool_calls": False}
    plain = await post(Gateway(client), "chat", **asked)
    assert len(plain.json()["choices"][0]["message"]["tool_calls"]) == 1
    assert "calls beyond the first" in plain.headers["x-deepseek-v4-notes"]
    stream = await post(Gateway(client), "chat", **asked, stream=True)
    calls = [event.data["choices"][0]["delta"].get("tool_calls") for event in events_of(stream.text)[:-1]]
    assert "".join(each[0]["function"]["arguments"] for each in calls if each) == '{"city": "Rome"}'


async def test_tools_of_unknown_kinds_are_skipped_and_named() -> None:
    client = client_of(HELLO, HELLO)
    tools = [
        {"type": "web_search"},
        {"type": "namespace", "name": "n"},
        {"type": "function", "name": "f", "parameters": SCHEMA},
    ]
    answer = await post(Gateway(client), "responses", tools=tools)
    assert answer.headers["x-deepseek-v4-ignored"] == "tools[].web_search, tools[].namespace"
    assert [tool["function"]["name"] for tool in sent(client)["tools"]] == ["f"]
    answer = await post(Gateway(client), "messages", tools=[{"type": "web_search_20250305", "name": "web_search"}])
    assert answer.headers["x-deepseek-v4-ignored"] == "tools[].web_search_20250305"


async def test_a_screenshot_in_the_history_becomes_a_text() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}}
    result = {"type": "tool_result", "tool_use_id": "c", "content": [{"type": "text", "text": "Done"}, image]}
    talk = [
        *ASK,
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "weather", "input": {"city": "x"}}]},
        {"role": "user", "content": [result]},
    ]
    client = client_of(HELLO)
    answer = await post(Gateway(client), "messages", messages=talk, tools=[{"name": "weather", "input_schema": SCHEMA}])
    assert answer.status_code == 200
    assert "that this model cannot read was removed" in sent(client)["messages"][2]["content"]


NULLS: dict[str, dict[str, Any]] = {
    "chat": {
        "messages": [
            *ASK,
            {"role": "assistant", "content": None, "reasoning_content": None, "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "look", "arguments": None}}
            ]},
            {"role": "tool", "tool_call_id": "c", "content": None},
        ],
        "tools": [{"type": "function", "function": {"name": "look", "description": None, "parameters": None}}],
        "stop": [],
        "functions": [],
        "response_format": None,
    },
    "messages": {
        "messages": [
            *ASK,
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": None, "signature": None},
                {"type": "text", "text": None},
                {"type": "tool_use", "id": "c", "name": "look", "input": None},
            ]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": None}]},
        ],
        "tools": [{"name": "look", "description": None, "input_schema": {"type": "object"}}],
        "system": [],
        "mcp_servers": [],
        "thinking": None,
    },
    "responses": {
        "input": [
            *ASK,
            {"type": "reasoning", "summary": [], "content": None, "encrypted_content": None},
            {"type": "message", "role": "assistant", "content": None},
            {"type": "function_call", "call_id": "c", "name": "look", "arguments": None},
            {"type": "function_call_output", "call_id": "c", "output": None},
        ],
        "tools": [{"type": "function", "name": "look", "description": None, "parameters": None}],
        "text": {},
        "conversation": None,
    },
}  # fmt: skip


@pytest.mark.parametrize("route", PATHS)
async def test_nulls_and_empty_lists_say_nothing(route: str) -> None:
    client = client_of(HELLO)
    answer = await post(Gateway(client), route, **NULLS[route])
    assert answer.status_code == 200, answer.text
    assert "x-deepseek-v4-ignored" not in answer.headers
    (call,) = sent(client)["messages"][1]["tool_calls"]
    assert call["function"]["arguments"] == "{}"


async def test_reasoning_between_two_calls_belongs_to_their_turn() -> None:
    calls: list[Any] = [
        {"type": "function_call", "call_id": each, "name": "weather", "arguments": "{}"} for each in ("a", "b")
    ]
    thinks: list[Any] = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": each}]} for each in ("One. ", "Two.")
    ]
    results = [{"type": "function_call_output", "call_id": each, "output": "sun"} for each in ("a", "b")]
    client = client_of(HELLO, flavor="deepseek")
    given = [*ASK, thinks[0], calls[0], thinks[1], calls[1], *results]
    function = {"type": "function", "name": "weather", "parameters": SCHEMA}
    answer = await post(Gateway(client), "responses", input=given, tools=[function])
    assert answer.status_code == 200, answer.text
    turn = sent(client)["messages"][1]
    assert (turn["reasoning_content"], len(turn["tool_calls"])) == ("One. Two.", 2)


async def test_logprobs_that_responses_lack_are_named() -> None:
    answer = await post(Gateway(client_of(HELLO)), "responses", include=["message.output_text.logprobs"])
    assert answer.headers["x-deepseek-v4-ignored"] == "include[].message.output_text.logprobs"


async def test_stop_sequences_and_their_reason() -> None:
    client = client_of(script.text("one two three"))
    answer = (await post(Gateway(client), "messages", stop_sequences=["two"], thinking={"type": "disabled"})).json()
    assert (answer["stop_reason"], answer["stop_sequence"]) == ("stop_sequence", "two")


async def test_input_tokens_of_messages_leave_the_cached_ones_out() -> None:
    client = client_of(default=HELLO, flavor="deepseek")
    usage = (await post(Gateway(client), "messages")).json()["usage"]
    assert usage["input_tokens"] + usage["cache_read_input_tokens"] > 0


@pytest.mark.parametrize(("flavor", "kept"), [("vllm", True), ("deepseek", False), ("nvidia", False)])
async def test_strict_tools_that_a_server_would_refuse(flavor: str, kept: bool) -> None:
    strict: dict[str, Any] = {"name": "strict", "strict": True, "parameters": {"type": "object", "properties": {}}}
    client = client_of(HELLO, flavor=flavor)
    answer = await post(Gateway(client), "chat", tools=[TOOL, {"type": "function", "function": strict}])
    assert answer.status_code == 200, answer.text
    assert ("strict" in sent(client)["tools"][1]["function"]) == kept
    assert ("strict taken from 1 tool(s)" in answer.headers.get("x-deepseek-v4-notes", "")) == (not kept)


async def test_a_plain_answer_names_its_repairs() -> None:
    leaked = '</think>\n\n<｜｜DSML｜｜tool_calls>\n<｜｜DSML｜｜invoke name="weather">\n'
    leaked += '<｜｜DSML｜｜parameter name="city" string="true">Rome</｜｜DSML｜｜parameter>\n'
    leaked += "</｜｜DSML｜｜invoke>\n</｜｜DSML｜｜tool_calls>"
    client = client_of(script.raw_model_output(leaked))
    answer = await post(Gateway(client), "chat", tools=[TOOL])
    assert answer.status_code == 200, answer.text
    (call,) = answer.json()["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "weather"
    assert answer.headers["x-deepseek-v4-notes"]
