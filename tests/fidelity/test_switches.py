"""What a server is like by its version, its flags and its operator: each switch of a flavor changes what is seen."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.testing.flavors.deepseek import DeepSeekFlavor
from deepseek_v4_sdk.testing.flavors.dynamo import DynamoFlavor
from deepseek_v4_sdk.testing.flavors.nim import NimFlavor
from deepseek_v4_sdk.testing.flavors.nvidia import NvidiaFlavor
from deepseek_v4_sdk.testing.flavors.sglang import SGLangFlavor
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor

TURN = script.think("Hm.") + script.text("Look.") + script.tool_call("f", a="x > y", b=3)
TOOLS = [{"type": "function", "function": {"name": "f"}}]
PRO, HOSTED = "deepseek-v4-pro", "deepseek-ai/deepseek-v4-pro-0813"


class Server:
    """A mock asked with plain HTTP."""

    def __init__(self, flavor: Any, *steps: Any, **arguments: Any) -> None:
        self.mock = MockProvider(*steps, flavor=flavor, default=TURN, **arguments)
        self.http = httpx.Client(transport=self.mock.transport, base_url="http://mock")

    def ask(self, headers: Any = None, path: str = "/v1/chat/completions", **body: Any) -> httpx.Response:
        body = {"messages": [{"role": "user", "content": "Hi"}], **body}
        return self.http.post(path, json=body, headers=headers)

    def events(self, **body: Any) -> list[Any]:
        text = self.ask(stream=True, stream_options={"include_usage": True}, **body).text
        return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]


@pytest.mark.parametrize(
    ("version", "kwargs", "effort", "thinking", "tokens"),
    [
        ("0.33.0", {}, None, "high", 84),
        ("0.33.0", {"thinking": False}, None, "off", 5),
        ("0.33.0", {"thinking": False}, "low", "low", 5),  # the effort adds a switch, and the two are ORed
        ("0.33.0", {"enable_thinking": False}, "low", "off", 5),
        ("0.33.0", {"thinking": True}, "max", "max", 97),
        ("0.28.0", {}, None, "high", 84),
        ("0.27.1", {}, None, "off", 5),
        ("0.25.1", {"thinking": True}, None, "high", 5),
        ("0.25.1", {"thinking": True, "reasoning_effort": "max"}, None, "max", 84),
        ("0.25.1", {"thinking": True, "reasoning_effort": "xhigh"}, None, "max", 84),
        ("0.20.0", {"thinking": True, "reasoning_effort": "xhigh"}, None, "high", 5),
    ],
)
def test_thinking_by_the_version_of_vllm(version: str, kwargs: Any, effort: Any, thinking: str, tokens: int) -> None:
    server = Server(VLLMFlavor(version=version))
    given = {} if effort is None else {"reasoning_effort": effort}
    answer = server.ask(chat_template_kwargs=kwargs, **given).json()
    assert (server.mock.requests[0].thinking, answer["usage"]["prompt_tokens"]) == (thinking, tokens)
    assert server.http.get("/version").json() == {"version": version}
    assert ("completion_tokens_details" in answer["usage"]) is (version >= "0.28")
    assert version in answer["system_fingerprint"]


def test_the_oldest_vllm_knows_fewer_efforts() -> None:
    assert Server(VLLMFlavor(version="0.20.0")).ask(reasoning_effort="max").status_code == 400
    assert Server(VLLMFlavor(version="0.21.0")).ask(reasoning_effort="max").status_code == 200


def test_flags_of_vllm() -> None:
    kwargs = {"chat_template_kwargs": {"thinking": True}}
    flagged = Server(VLLMFlavor(reasoning_parser=False)).ask(**kwargs).json()
    assert flagged["choices"][0]["message"]["content"].startswith("Hm.</think>Look.")
    assert Server(VLLMFlavor(reasoning_parser=False)).ask(thinking_token_budget=5).status_code == 400
    assert "--enable-auto-tool-choice" in Server(VLLMFlavor(tool_call_parser=False)).ask(tools=TOOLS).text
    assert Server(VLLMFlavor(default_thinking=False)).ask().json()["choices"][0]["message"]["reasoning"] is None
    always = Server(VLLMFlavor(streams_usage="always")).ask(stream=True).text
    assert all('"usage"' in line for line in always.splitlines() if line.startswith("data: {"))
    named = Server(VLLMFlavor(request_id_headers=True)).ask({"X-Request-Id": "r-7"})
    assert (named.headers["x-request-id"], named.json()["id"]) == ("r-7", "chatcmpl-r-7")
    assert "x-request-id" not in Server("vllm").ask({"X-Request-Id": "r-7"}).headers


def test_keys_guard_some_paths() -> None:
    right = {"authorization": "bearer k"}
    for flavor, guarded, opened in (
        (VLLMFlavor(api_key="k"), "/v1/models", ("/health", "/version", "/metrics")),
        (SGLangFlavor(api_key="k"), "/ping", ("/health", "/ready")),
        (DeepSeekFlavor(api_key="k"), "/models", ()),
    ):
        server = Server(flavor)
        assert server.http.get(guarded).status_code == 401
        assert server.http.get(guarded, headers=right).status_code == 200
        assert [server.http.get(path).status_code for path in opened] == [200] * len(opened)
    assert Server(VLLMFlavor(api_key="k")).ask().json() == {"error": "Unauthorized"}


def test_reasoning_that_is_not_included_is_counted() -> None:
    answer = Server("vllm").ask(include_reasoning=False).json()
    assert answer["choices"][0]["message"]["reasoning"] is None
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0


def test_limits_beyond_the_room_are_cut() -> None:
    server = Server("vllm", script.text("word " * 200), window=100)
    answer = server.ask(max_tokens=100, chat_template_kwargs={"thinking": False}).json()
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["total_tokens"] == 100


@pytest.mark.parametrize(
    ("flavor", "streamed"),
    [
        (VLLMFlavor(version="0.32.0"), {"completion_tokens_details"}),
        (VLLMFlavor(version="0.33.0"), {"completion_tokens_details"}),
        (VLLMFlavor(version="0.33.0", reasoning_parser=False), set()),
        (VLLMFlavor(version="0.20.0"), set()),
        (
            VLLMFlavor(version="0.33.0", prompt_tokens_details=True),
            {"prompt_tokens_details", "completion_tokens_details"},
        ),
        (VLLMFlavor(version="0.33.0", frontend="rust"), {"prompt_tokens_details", "completion_tokens_details"}),
    ],
)
def test_a_streamed_count_of_vllm_has_no_nulls_but_behind_its_rust_front_end(flavor: Any, streamed: set[str]) -> None:
    counts = {"prompt_tokens", "completion_tokens", "total_tokens"}
    server = Server(flavor)
    assert server.events()[-1]["usage"].keys() == counts | streamed
    assert "prompt_tokens_details" in server.ask().json()["usage"]


def test_measures_of_vllm() -> None:
    server = Server(VLLMFlavor(prompt_tokens_details=True, block_size=16))
    with server.http.stream("POST", "/v1/chat/completions", json={"messages": [{"role": "user", "content": "Hi"}]}):
        assert 'vllm:num_requests_running{engine="0"' in server.http.get("/metrics").text
        assert "num_requests_running" in server.http.get("/metrics").text
        running = [line for line in server.http.get("/metrics").text.splitlines() if "requests_running" in line]
        assert running[0].endswith(" 1.0")
    server.ask()
    told = dict(line.rsplit(" ", 1) for line in server.http.get("/metrics").text.splitlines())
    by_name = {name.partition("{")[0]: float(value) for name, value in told.items()}
    assert by_name["vllm:num_requests_running"] == 0  # a closed answer is no running one
    assert by_name["vllm:prefix_cache_queries_total"] == 168
    assert by_name["vllm:prefix_cache_hits_total"] == 80
    assert by_name["vllm:prompt_tokens_total"] == 168


@pytest.mark.parametrize(
    ("version", "pieces"), [("0.5.23", True), ("0.5.22", False), ("0.5.21", False), ("0.5.20", True)]
)
def test_calls_by_the_version_of_sglang(version: str, pieces: bool) -> None:
    events = Server(SGLangFlavor(version=version)).events(tools=TOOLS)
    calls = [call for event in events for choice in event["choices"] for call in choice["delta"].get("tool_calls", [])]
    assert (len(calls) > 1) is pieces
    assert "".join(call["function"]["arguments"] for call in calls) == '{"a": "x > y", "b": 3}'
    assert ("completion_tokens_details" in events[-1]["usage"]) is (version >= "0.5.23")


def test_options_of_sglang() -> None:
    on = {"chat_template_kwargs": {"thinking": True}}
    joined = Server("sglang").ask(separate_reasoning=False, **on).json()["choices"][0]["message"]
    assert (joined["content"], joined["reasoning_content"]) == ("Hm.Look.", None)
    held = Server("sglang", script.think("One two three.") + script.text("x")).events(stream_reasoning=False, **on)
    thoughts = [event["choices"][0]["delta"].get("reasoning_content") for event in held if event["choices"]]
    assert [each for each in thoughts if each] == ["One two three."]
    assert Server("sglang").ask(rid="my-own").json()["id"] == "my-own"
    assert Server("sglang").ask(reasoning={"enabled": True}).json()["choices"][0]["message"]["reasoning_content"]
    default = Server(SGLangFlavor(default_thinking=True)).ask().json()
    assert default["choices"][0]["message"]["reasoning_content"] == "Hm."
    assert default["usage"]["reasoning_tokens"] == 0  # the engine does not know of it
    unknown = Server("sglang").http.get("/v1/models/nobody")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize(
    ("more", "ends"), [({}, "Go on<｜Assistant｜></think>"), ({"continue_final_message": True}, "Go on")]
)
def test_a_last_word_of_the_assistant_at_sglang(more: Any, ends: str) -> None:
    server = Server("sglang")
    server.ask(messages=[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Go on"}], **more)
    assert server.mock.requests[0].prompt.endswith(ends)


def test_reports_of_the_cache() -> None:
    messages = [{"role": "user", "content": "word " * 600}]
    for flavor, told in (
        (VLLMFlavor(prompt_tokens_details=True), 512),
        (VLLMFlavor(), None),
        (SGLangFlavor(cache_report=True), 512),
        (SGLangFlavor(), None),
        (DynamoFlavor(), 512),
    ):
        server = Server(flavor)
        for salt, expected in (("a", 0), ("a", told), ("b", 0)):
            details = server.ask(messages=messages, cache_salt=salt).json()["usage"]["prompt_tokens_details"]
            assert (details or {}).get("cached_tokens") == (None if told is None else expected)


def test_the_cache_of_deepseek_keeps_ends() -> None:
    server = Server("deepseek")
    first = [{"role": "user", "content": "word " * 100}]
    before = server.ask(model=PRO, messages=first, thinking={"type": "disabled"}).json()["usage"]
    more = [*first, {"role": "assistant", "content": "Look."}, {"role": "user", "content": "And?"}]
    after = server.ask(model=PRO, messages=more, thinking={"type": "disabled"}).json()["usage"]
    assert before["prompt_cache_hit_tokens"] == 0
    assert after["prompt_cache_hit_tokens"] == before["prompt_tokens"]
    assert after["prompt_cache_hit_tokens"] + after["prompt_cache_miss_tokens"] == after["prompt_tokens"]
    other = server.ask(model=PRO, messages=more, thinking={"type": "disabled"}, user_id="other").json()["usage"]
    assert other["prompt_cache_hit_tokens"] == 0


def test_flash_is_another_format_at_deepseek() -> None:
    server = Server("deepseek")
    for model, effort in (("deepseek-v4-pro", "Reasoning Effort: Absolute maximum"), ("deepseek-flash", "75")):
        server.ask(model=model)
        assert effort in server.mock.requests[-1].prompt
    client = DeepSeekV4(MockProvider(default=TURN, flavor="deepseek"), model="flash")
    assert client.chat("Hi").usage.prompt_tokens == client.count_tokens("Hi").total


def test_containers() -> None:
    waits = Server(NimFlavor(ready=False))
    assert [waits.http.get(f"/v1/health/{kind}").status_code for kind in ("live", "ready")] == [200, 503]
    assert waits.ask(model=HOSTED).status_code == 502
    server = Server(NimFlavor("vllm", adapter="mine"))
    cards = server.http.get("/v1/models").json()["data"]
    assert [(card["id"], card["root"] == card["id"]) for card in cards] == [(HOSTED, True), ("mine", False)]
    for path in ("/v1/metadata", "/v1/version", "/v1/license", "/v1/manifest", "/v1/metrics"):
        assert server.http.get(path).status_code == 200
    guided = {"nvext": {"guided_json": {"type": "object"}}}
    assert server.ask(model=HOSTED, **guided).json()["choices"][0]["message"]["content"] == "Look."  # passed over
    assert Server(NimFlavor("sglang")).ask(model=HOSTED, tools=[], temperature=-1).json()["object"] == "error"
    older = Server(NimFlavor("1.x")).ask(model=HOSTED, thinking={"type": "enabled"})
    assert (older.status_code, "extra_forbidden" in older.json()["error"]) == (400, True)
    assert Server(NimFlavor("vllm", api_key="k")).ask(model=HOSTED).status_code == 401


def test_the_hosted_gateway() -> None:
    keys = Server(NvidiaFlavor(api_key="good", forbidden="registry"))
    tokens = ("good", "registry", "bad")
    statuses = [keys.ask({"authorization": f"Bearer {key}"}, model=HOSTED).status_code for key in tokens]
    assert statuses == [200, 403, 401]
    assert keys.http.get("/v1/models").status_code == 200
    assert "Not found for account" in Server(NvidiaFlavor(not_yours=HOSTED)).ask(model=HOSTED).json()["detail"]
    few = Server(NvidiaFlavor(requests_per_minute=2))
    answers = [few.ask(model=HOSTED) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert (answers[2].json(), "retry-after" in answers[2].headers) == (
        {"status": 429, "title": "Too Many Requests"},
        False,
    )
    for flavor, status in ((NvidiaFlavor(), 400), (NvidiaFlavor(accepts_newer_keys=True), 200)):
        assert Server(flavor).ask(model=HOSTED, prompt_cache_key="k").status_code == status
    wrapped = Server(NvidiaFlavor(wraps_errors=True)).ask(model=HOSTED, thinking={})
    assert wrapped.json()["error"]["message"] == "Validation: Unsupported parameter(s): thinking"
    assert Server(NvidiaFlavor(max_tokens=16_384)).ask(model=HOSTED, max_tokens=16_385).status_code == 400
    assert Server("nvidia").ask(model=HOSTED, reasoning_effort="low").status_code == 400
    answer = Server("nvidia").ask(model=HOSTED)
    assert (answer.headers["nvcf-status"], bool(answer.headers["nvcf-reqid"])) == ("fulfilled", True)
    listed = [card["id"] for card in Server(NvidiaFlavor(lists_twice=True)).http.get("/v1/models").json()["data"]]
    assert len(listed) > len(set(listed))
    for default, reasons in ((False, False), (True, True)):
        message = Server(NvidiaFlavor(default_thinking=default)).ask(model=HOSTED).json()["choices"][0]["message"]
        assert ("reasoning_content" in message) is reasons


def test_dynamo() -> None:
    server = Server("dynamo")
    model = server.http.get("/v1/models").json()["data"][0]["id"]
    assert server.http.get(f"/v1/models/{model}/ready").json()["ready"] is True
    assert server.http.get("/v1/health/ready").json()["message"] == "Route not found: GET /v1/health/ready"
    for extension in ({"guided_json": {}}, {"agent_hints": {"prefix_id": "x"}}):
        assert server.ask(nvext=extension).status_code == 400
    taken = server.ask({"X-Request-Id": "r-9"}, nvext={"agent_hints": {"osl": 9}, "extra_fields": ["worker_id"]})
    assert taken.headers["x-request-id"] == "r-9"
    assert taken.json()["nvext"]["worker_id"]["decode_worker_id"] > 2**53
    assert "x-request-id" not in server.ask().headers
    noted = server.ask(stream=True, nvext={"annotations": ["request_id"]}).text
    assert noted.startswith("event: request_id\n: ")
    for body in ({"temperature": 3}, {"max_tokens": 0}, {"messages": []}, {"stream_options": {}}):
        assert server.ask(**body).json()["type"] == "Bad Request"
    assert Server(DynamoFlavor(ready=False)).ask().status_code == 503
    named = Server(DynamoFlavor(reasoning_field="reasoning")).ask().json()["choices"][0]["message"]
    assert (named["reasoning"], "reasoning_content" in named) == ("Hm.", False)
    assert "reasoning_content" not in Server(DynamoFlavor(default_thinking=False)).ask().json()["choices"][0]["message"]
    broken = Server("dynamo", TURN | faults.error_event(503, after=2)).ask(stream=True).text
    assert '"type":"service_unavailable"' in broken.replace(" ", "")


def test_what_tools_look_like_in_vllms_prompt() -> None:
    """It writes out what a tool does not have; asked of a real 0.32 with `return_prompt_text`."""
    mock = MockProvider(default=TURN)
    client = DeepSeekV4(mock)
    usage = client.chat("Hi", tools=[{"name": "now"}]).usage
    assert (
        '\n{"name": "now", "description": null, "parameters": {"type": "object", "properties": {}}}\n'
        in mock.requests[0].prompt
    )
    assert usage.prompt_tokens == client.count_tokens("Hi", [{"name": "now"}]).total


def test_a_large_prompt_is_counted_off_the_event_loop() -> None:
    import asyncio
    import threading

    mock = MockProvider(default=script.text("Hi"))
    backend: Any = mock._backend
    counted: list[bool] = []
    count = backend._prompts.count

    def noted(body: Any) -> Any:
        counted.append(threading.current_thread() is threading.main_thread())
        return count(body)

    backend._prompts.count = noted

    async def run() -> None:
        async with httpx.AsyncClient(transport=mock.transport, base_url="http://mock") as client:
            for size in (10, 20_000):
                body = {"messages": [{"role": "user", "content": "word " * size}]}
                await client.post("/v1/chat/completions", json=body)

    asyncio.run(run())
    assert counted == [True, False]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"messages": [{"role": "root", "content": "x"}]}, "unknown variant `root`"),
        ({"reasoning_effort": "huge"}, "reasoning_effort must be one of none, minimal, low, medium, high, xhigh, max"),
    ],
)
def test_what_dynamo_refuses_flatly(body: Any, told: str) -> None:
    refused = Server("dynamo").ask(**body)
    assert (refused.status_code, refused.json()["type"]) == (400, "Bad Request")
    assert told in refused.json()["message"]


def test_routes_of_one_model_and_measures_of_dynamo() -> None:
    server = Server("dynamo")
    (entry,) = server.http.get("/v1/models").json()["data"]
    assert server.http.get(f"/v1/models/{entry['id']}").json() == entry
    spent = server.ask().json()["usage"]["completion_tokens"]
    lines = [line.rsplit(" ", 1) for line in server.http.get("/metrics").text.splitlines()]
    told = {name.partition("{")[0]: float(value) for name, value in lines}
    assert told["dynamo_frontend_output_tokens_total"] == spent
    assert told["dynamo_frontend_inflight_requests"] == 0


def test_dynamo_counts_while_it_streams_when_it_is_asked_to() -> None:
    text = Server("dynamo").ask(stream=True, stream_options={"continuous_usage_stats": True}).text
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    counts = [event["usage"]["completion_tokens"] for event in events if event["choices"]]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


@pytest.mark.parametrize(
    ("body", "pieces"), [({}, 4), ({"stream_reasoning": True}, 4), ({"stream_reasoning": False}, 1)]
)
@pytest.mark.parametrize("more", [None, script.text("Look.")])
def test_reasoning_in_one_piece_at_sglang(body: Any, pieces: int, more: Any) -> None:
    thought = script.think("One two three.")
    server = Server("sglang", thought if more is None else thought + more)
    events = server.events(chat_template_kwargs={"thinking": True}, **body)
    deltas = [event["choices"][0]["delta"].get("reasoning_content") for event in events if event["choices"]]
    thoughts = [delta for delta in deltas if delta]
    assert ("".join(thoughts), len(thoughts)) == ("One two three.", pieces)


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("auto", '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),
        ("required", 'tool_choice="required" requires --tool-call-parser to be set'),
        (
            {"type": "function", "function": {"name": "f"}},
            'tool_choice=function "f" requires --tool-call-parser to be set',
        ),
    ],
)
def test_tools_without_a_parser_at_vllm(choice: Any, told: str) -> None:
    refused = Server(VLLMFlavor(tool_call_parser=False)).ask(tools=TOOLS, tool_choice=choice)
    assert (refused.status_code, refused.json()["error"]["message"]) == (400, told)


CALLS = [{"id": name, "type": "function", "function": {"name": "f", "arguments": "{}"}} for name in "ab"]
HALF_ANSWERED = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "", "tool_calls": CALLS},
    {"role": "tool", "tool_call_id": "a", "content": "x"},
    {"role": "user", "content": "And?"},
]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"top_logprobs": 3}, "logprobs must be set to true if top_logprobs is used."),
        ({"logprobs": True, "top_logprobs": 30}, "the valid range of top_logprobs is [0, 20]."),
        (
            {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "g"}}},
            "no function named 'g' was specified in the 'tools' parameter.",
        ),
        ({"messages": HALF_ANSWERED}, "(insufficient tool messages following tool_calls message)"),
    ],
)
def test_what_deepseek_refuses(body: Any, told: str) -> None:
    refused = Server("deepseek").ask(path="/chat/completions", model=PRO, **body)
    assert refused.status_code == 400
    assert refused.json()["error"]["message"].endswith(told)


def test_the_word_json_may_stand_in_a_part_at_deepseek() -> None:
    shape = {"response_format": {"type": "json_object"}, "model": PRO}
    for text, status in (("as JSON", 200), ("as XML", 400)):
        messages = [{"role": "user", "content": [{"type": "text", "text": text}]}]
        assert Server("deepseek").ask(path="/chat/completions", messages=messages, **shape).status_code == status
