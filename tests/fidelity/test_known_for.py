"""What the servers are known for and no recording shows: switches of thinking, shapes of errors, odd refusals."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk.testing import faults, script
from deepseek_v4_sdk.testing.flavors.dynamo import DynamoFlavor
from deepseek_v4_sdk.testing.flavors.nim import NimFlavor
from deepseek_v4_sdk.testing.flavors.nvidia import NvidiaFlavor
from deepseek_v4_sdk.testing.flavors.sglang import SGLangFlavor
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from tests.fidelity.test_switches import HOSTED, PRO, TOOLS, TURN, Server

DEVELOPER = {"role": "developer", "content": "Be an owl."}
USER = {"role": "user", "content": "Hi"}
NAMED = {"type": "function", "function": {"name": "f"}}
THINKS: dict[str, Any] = {"chat_template_kwargs": {"thinking": True}}
BROKEN = {"type": "objct"}


def kwargs(**given: Any) -> dict[str, Any]:
    return {"chat_template_kwargs": given}


def choice_of(server: Server, **body: Any) -> Any:
    return server.ask(**body).json()["choices"][0]


def test_names_of_one_model_at_vllm() -> None:
    server = Server(VLLMFlavor(models=("a", "b")))
    assert [(card["id"], card["root"]) for card in server.http.get("/v1/models").json()["data"]] == [
        ("a", "a"),
        ("b", "a"),
    ]
    assert server.ask(model="b").json()["model"] == "a"
    assert "Valid aliases: a, b." in server.ask(model="c").json()["error"]["message"]


def test_fields_of_other_servers_do_nothing_at_vllm() -> None:
    other = {"guided_json": BROKEN, "guided_regex": "(", "thinking": {"type": "disabled"}, "nvext": {"x": 1}}
    assert choice_of(Server("vllm"), **other)["message"]["reasoning"] == "Hm."


@pytest.mark.parametrize(
    ("body", "there"),
    [({}, False), (kwargs(thinking=False), True), ({"tools": TOOLS}, True)],
)
def test_developers_are_dropped_at_vllm(body: Any, there: bool) -> None:
    """While it thinks and has no tools, and a user comes after them; otherwise they are a turn of the user's."""
    server = Server("vllm")
    counted = server.ask(messages=[DEVELOPER, USER], **body).json()["usage"]["prompt_tokens"]
    assert ("<｜User｜>Be an owl.<｜User｜>Hi" in server.mock.requests[-1].prompt) is there
    alone = server.ask(messages=[USER], **body).json()["usage"]["prompt_tokens"]
    assert (counted > alone) is there
    asked = {"messages": [DEVELOPER, USER], **body}
    assert server.http.post("/tokenize", json=asked).json()["count"] == counted


@pytest.mark.parametrize(("choice", "reason"), [("auto", "tool_calls"), ("required", "tool_calls"), (NAMED, "stop")])
def test_the_reason_hangs_on_the_choice_at_vllm(choice: Any, reason: str) -> None:
    body: Any = {"tools": TOOLS, "tool_choice": choice}
    assert choice_of(Server("vllm"), **body)["finish_reason"] == reason
    events = Server("vllm").events(**body)
    assert [event["choices"][0]["finish_reason"] for event in events if event["choices"]][-1] == reason


@pytest.mark.parametrize("flavor", ["vllm", "sglang"])
def test_an_answer_that_somebody_else_aborted(flavor: str) -> None:
    turn = script.turn(script.text("Once upon"), finish_reason="abort")
    choice = choice_of(Server(flavor, turn))
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Once upon", "abort")
    events = Server(flavor, turn).events()
    assert [event["choices"][0]["finish_reason"] for event in events if event["choices"]][-1] == "abort"


def test_overload_and_failure_at_vllm() -> None:
    for stream in (False, True):
        busy = Server("vllm", script.error(503, "The engine is currently busy")).ask(stream=stream)
        assert (busy.status_code, busy.json()["error"]["type"]) == (503, "Service Unavailable")
        assert "retry-after" not in busy.headers
    for after in (0, 3):
        failed = Server("vllm", TURN | faults.error_event(503, "paused", after=after)).ask(stream=True)
        *before, event, done = failed.text.strip().split("\n\n")
        assert (failed.status_code, len(before), done) == (200, after, "data: [DONE]")
        assert '"type":"InternalServerError","param":null,"code":503' in event


@pytest.mark.parametrize(
    ("body", "level"),
    [
        ({}, "off"),
        (THINKS, "high"),
        ({"reasoning_effort": "low"}, "low"),
        ({"reasoning_effort": "max"}, "max"),
        ({"reasoning_effort": "none"}, "off"),
        (kwargs(reasoning_effort="max"), "off"),
        (kwargs(thinking=True, reasoning_effort="max"), "max"),
        ({"reasoning_effort": "max", **kwargs(thinking=False)}, "off"),
        ({"reasoning_effort": "low", **kwargs(thinking=True, reasoning_effort="max")}, "max"),
        ({"thinking": {"type": "enabled"}}, "off"),
    ],
)
def test_thinking_at_sglang(body: Any, level: str) -> None:
    server = Server("sglang")
    message = choice_of(server, **body)["message"]
    assert (server.mock.requests[0].thinking, message["reasoning_content"]) == (
        level,
        None if level == "off" else "Hm.",
    )


@pytest.mark.parametrize(("reasons", "calls"), [(True, True), (True, False), (False, True), (False, False)])
def test_what_sglang_leaves_in_the_text_without_its_parsers(reasons: bool, calls: bool) -> None:
    server = Server(SGLangFlavor(reasoning_parser=reasons, tool_call_parser=calls))
    message = choice_of(server, tools=TOOLS, **THINKS)["message"]
    assert (message["reasoning_content"] == "Hm.", "tool_calls" in message) == (reasons, calls)
    assert ("DSML" in message["content"]) is not calls
    begin = "Look." if reasons else "Hm.Look." if calls else "Hm.</think>Look."
    assert message["content"].startswith(begin)


def test_errors_of_sglang() -> None:
    for status, kind in ((400, "BadRequestError"), (500, "InternalServerError"), (503, "503")):
        told = Server("sglang", script.error(status, "m")).ask().json()
        assert told == {"object": "error", "message": "m", "type": kind, "param": None, "code": status}
    for status, kind in ((500, "INTERNAL_SERVER_ERROR"), (503, "SERVICE_UNAVAILABLE")):
        for after in (0, 2):
            failed = Server("sglang", TURN | faults.error_event(status, "m", after=after)).ask(stream=True)
            *before, event, done = failed.text.strip().split("\n\n")
            assert (failed.status_code, len(before), done) == (200, after, "data: [DONE]")
            assert event.startswith('data: {"error":{"object":"error"')
            assert f'"type":"{kind}"' in event


def test_routes_of_sglang() -> None:
    server = Server(SGLangFlavor(model="m", cache_report=True), window=5_000)
    assert [server.http.get(path).content for path in ("/health", "/ready")] == [b"", b""]
    for path in ("/model_info", "/get_model_info"):
        told = server.http.get(path).json()
        assert (told["model_path"], told["reasoning_parser"]) == ("m", "deepseek-v4")
    for path in ("/server_info", "/get_server_info"):
        told = server.http.get(path).json()
        assert (told["context_length"], told["enable_cache_report"], told["version"]) == (5_000, True, "0.5.23")


@pytest.mark.parametrize(
    ("body", "level"),
    [
        ({}, "high"),
        (kwargs(thinking=False), "off"),
        (kwargs(enable_thinking=False), "off"),
        (kwargs(thinking_mode="chat"), "off"),
        ({"reasoning_effort": "none"}, "off"),
        (kwargs(reasoning_effort="none"), "off"),
        ({"thinking": {"type": "disabled"}, "reasoning_effort": "max"}, "off"),
        ({"reasoning_effort": "minimal"}, "low"),
        ({"reasoning_effort": "medium"}, "high"),
        ({"reasoning_effort": "xhigh"}, "high"),
        ({"reasoning_effort": "max"}, "max"),
        (kwargs(reasoning_effort="odd"), "high"),
        ({"reasoning_effort": "low", **kwargs(reasoning_effort="max")}, "low"),
        ({"thinking": {"type": "adaptive"}}, "high"),
    ],
)
def test_thinking_at_dynamo(body: Any, level: str) -> None:
    server = Server("dynamo")
    message = choice_of(server, **body)["message"]
    assert (server.mock.requests[0].thinking, message.get("reasoning_content")) == (
        level,
        None if level == "off" else "Hm.",
    )


def test_answers_of_dynamo() -> None:
    for flavor, model in (("dynamo", "pro"), ("nvidia", HOSTED)):
        answer = Server(flavor).ask(model=model, tools=TOOLS, **THINKS).json()
        message = answer["choices"][0]["message"]
        assert (message["content"], message["refusal"], message["reasoning_content"]) == ("Look.", None, "Hm.")
        assert "system_fingerprint" not in answer
        empty = Server(flavor, script.tool_call("f")).ask(model=model, tools=TOOLS, **kwargs(thinking=False))
        message = empty.json()["choices"][0]["message"]
        assert (message["content"], "reasoning_content" in message) == (None, False)
        assert "completion_tokens_details" not in empty.json()["usage"]
        first, *_, last, usage = Server(flavor).events(model=model, tools=TOOLS, **THINKS)
        assert first["choices"][0]["delta"]["role"] == "assistant"
        assert "Hm.".startswith(first["choices"][0]["delta"]["reasoning_content"])
        (call,) = last["choices"][0]["delta"]["tool_calls"]
        assert (call["function"]["arguments"], last["choices"][0]["finish_reason"]) == (
            '{"a": "x > y", "b": 3}',
            "tool_calls",
        )
        assert (usage["choices"], usage["usage"]["total_tokens"] > 0) == ([], True)
    lost = Server(DynamoFlavor(ready=False)).ask()
    assert (lost.json()["code"], "retry-after" in lost.headers) == (503, False)
    assert "not ready to serve requests yet" in lost.json()["message"]
    page = Server("dynamo").http.get("/v1/models").json()["data"][0]
    assert (page["owned_by"], page["context_window"]) == ("nvidia", 1_048_576)
    assert [Server("dynamo").http.get(path).json()["status"] for path in ("/health", "/live")] == ["healthy", "live"]


def test_models_of_the_hosted_gateway() -> None:
    server = Server("nvidia")
    unknown = server.ask(model="nobody/nothing")
    assert (unknown.status_code, unknown.text, unknown.headers["content-type"]) == (
        404,
        "404 page not found\n",
        "text/plain; charset=utf-8",
    )
    ended = "deepseek-ai/deepseek-v4-pro"
    assert "has reached its end of life on 2026-08-07" in server.ask(model=ended).json()["detail"]
    assert ended in [card["id"] for card in server.http.get("/v1/models").json()["data"]]
    for effort, level in ((None, "off"), ("none", "off"), ("high", "high"), ("max", "max")):
        server.ask(model=HOSTED, **({} if effort is None else {"reasoning_effort": effort}))
        assert server.mock.requests[-1].thinking == level
    named = Server(NvidiaFlavor(reasoning_field="reasoning")).ask(model=HOSTED, **THINKS).json()["choices"][0]
    assert (named["message"]["reasoning"], "reasoning_content" in named["message"]) == ("Hm.", False)
    for limit, status in ((1_048_576, 200), (1_048_577, 400)):
        assert server.ask(model=HOSTED, max_tokens=limit).status_code == status
    for step, status in ((script.error(503, "Service temporarily overloaded"), 503), (script.raw(status=504), 504)):
        overloaded = Server("nvidia", step).ask(model=HOSTED)
        assert (overloaded.status_code, "retry-after" in overloaded.headers) == (status, False)


def test_engines_in_a_container() -> None:
    off = Server(NimFlavor(VLLMFlavor(tool_call_parser=False))).ask(model=HOSTED, tools=TOOLS)
    assert "--enable-auto-tool-choice" in off.json()["error"]["message"]
    leak = Server(NimFlavor(SGLangFlavor(tool_call_parser=False))).ask(model=HOSTED, tools=TOOLS)
    assert "DSML" in leak.json()["choices"][0]["message"]["content"]
    broken = {"type": "json_schema", "json_schema": {"name": "n", "schema": BROKEN}}
    for engine in ("vllm", "sglang"):
        server = Server(NimFlavor(engine))  # type: ignore[arg-type]
        assert server.ask(model=HOSTED, response_format=broken).status_code == 400
        assert {server.ask(model=HOSTED).status_code for _ in range(60)} == {200}  # nobody counts requests here
    assert Server(NimFlavor("vllm")).http.post("/tokenize", json={"prompt": "Hi"}).json()["count"] == 1
    thinks = [
        Server(NimFlavor(engine)).ask(model=HOSTED).json()["choices"][0]["message"]  # type: ignore[arg-type]
        for engine in ("vllm", "sglang")
    ]
    assert (thinks[0]["reasoning"], thinks[1]["reasoning_content"]) == ("Hm.", None)
    long = [{"role": "user", "content": "word " * 50}]
    for engine in ("vllm", "sglang"):
        refused = Server(NimFlavor(engine), window=40).ask(model=HOSTED, messages=long)  # type: ignore[arg-type]
        assert (refused.status_code, "context length" in refused.text) == (400, True)


@pytest.mark.parametrize(
    ("guide", "told"),
    [
        ({"guided_json": BROKEN}, "Invalid type: objct"),
        ({"guided_regex": "("}, "invalid regex"),
        ({"guided_regex": "a", "guided_json": {"type": "object"}}, "only use one kind of constraints"),
    ],
)
def test_guides_of_an_older_container(guide: Any, told: str) -> None:
    """They are read there as vLLM reads its own, and passed over in a container of today."""
    older = Server(NimFlavor("1.x")).ask(model=HOSTED, nvext=guide)
    assert (older.status_code, told in older.json()["error"]["message"]) == (400, True)
    assert Server(NimFlavor("vllm")).ask(model=HOSTED, nvext=guide).status_code == 200
    good = {"guided_json": {"type": "object", "properties": {"a": {"type": "string"}}}, "top_k": 5}
    assert Server(NimFlavor("1.x")).ask(model=HOSTED, nvext=good).status_code == 200


def test_shapes_of_deepseek() -> None:
    server = Server("deepseek")
    answer = server.ask(model=PRO, max_completion_tokens=1).json()
    choice, usage = answer["choices"][0], answer["usage"]
    assert choice["finish_reason"] == "tool_calls"  # the limit of that name is lost
    assert choice["message"]["reasoning_content"] == "Hm."
    assert usage["prompt_cache_hit_tokens"] + usage["prompt_cache_miss_tokens"] == usage["prompt_tokens"]
    assert usage["completion_tokens_details"]["reasoning_tokens"] > 0
    off = server.ask(model=PRO, thinking={"type": "disabled"}).json()
    assert "completion_tokens_details" not in off["usage"]
    assert "reasoning_content" not in off["choices"][0]["message"]
    silent = Server("deepseek", script.tool_call("f")).ask(model=PRO, tools=TOOLS).json()["choices"][0]["message"]
    assert silent["content"] == ""
    first, *between, last = server.events(model=PRO)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": None, "reasoning_content": ""}
    assert {event["usage"] for event in between} == {None}
    assert (last["choices"][0]["finish_reason"], last["usage"]["total_tokens"] > 0) == ("tool_calls", True)
    unasked = server.ask(model=PRO, stream=True).text.strip().split("\n\n")
    assert ['"usage"' in event for event in unasked[-3:]] == [False, True, False]
    for reason in ("content_filter", "insufficient_system_resource"):
        turn = script.turn(script.text("No"), finish_reason=reason)
        assert choice_of(Server("deepseek", turn), model=PRO)["finish_reason"] == reason
