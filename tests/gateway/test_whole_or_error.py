"""An answer is whole, cut by tokens and told so, or an error in the shape of the API."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk.gateway import Gateway
from deepseek_v4_sdk.testing import faults, script
from tests.gateway.serving import FLAVORS, PATHS, SCHEMA, TOOL, Event, client_of, events_of, inside, question, words

pytestmark = pytest.mark.anyio
ROUTES = tuple(PATHS)
TOOLS: dict[str, list[dict[str, Any]]] = {
    "chat": [TOOL],
    "messages": [{"name": "weather", "input_schema": SCHEMA}],
    "responses": [{"type": "function", "name": "weather", "parameters": SCHEMA}],
}
SAID = script.think("Hm, what to say.") + script.text("It is sunny in Rome today.")
BROKEN = {
    "cut": SAID | faults.cut(after_bytes=1600),
    "reset": SAID | faults.reset(after_bytes=1600),
    "garbage": SAID | faults.garbage(after=6),
    "error event": SAID | faults.error_event(after=6),
    "no end": script.raw('data: {"choices": [{"index": 0, "delta": {"content": "Hello"}}]}\n\ndata: [DONE]\n\n'),
    "html": script.text("Hi") | faults.html_502(),
    "abort": script.turn(script.text("It is"), finish_reason="abort"),
    "empty": script.text("x") | faults.empty_turn(),
    "lost call": script.raw_model_output("</think>\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name="),
}


def shaped(route: str, body: Any) -> bool:
    """Whether a body is an error in the shape of the API."""
    if route == "messages":
        return body["type"] == "error" and bool(body["error"]["message"])
    return bool(body["error"]["message"]) and "code" in body["error"]


def ended_badly(route: str, events: list[Event]) -> bool:
    """Whether a stream says that it failed, as its last word."""
    last = events[-1]
    if route == "chat":
        return last.data != "[DONE]" and shaped(route, last.data)
    if route == "messages":
        return last.name == "error" and shaped(route, last.data)
    return last.name == "response.failed" and last.data["response"]["status"] == "failed"


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("route", ROUTES)
async def test_what_is_not_whole_is_an_error(route: str, kind: str) -> None:
    client = client_of(BROKEN[kind], BROKEN[kind])
    async with inside(Gateway(client)) as http:
        plain = await http.post(PATHS[route], json=question(route, tools=TOOLS[route]))
        assert plain.status_code >= 500
        assert shaped(route, plain.json())
        stream = await http.post(PATHS[route], json=question(route, tools=TOOLS[route], stream=True))
    if stream.status_code == 200:
        assert ended_badly(route, events_of(stream.text))
    else:
        assert stream.status_code >= 500
        assert shaped(route, stream.json())


SPOKEN = "response.output_text.delta"
TEXT = {"chat": ("choices", "0", "delta", "content"), "messages": ("delta", "text"), "responses": ("delta",)}


@pytest.mark.parametrize("route", ROUTES)
async def test_an_answer_that_was_found_in_the_reasoning_is_streamed_as_the_answer(route: str) -> None:
    client = client_of(script.think("Hm.</think>It is 21."))
    async with inside(Gateway(client)) as http:
        stream = await http.post(PATHS[route], json=question(route, stream=True))
    events = [event for event in events_of(stream.text) if route != "responses" or event.name == SPOKEN]
    assert words(events, *TEXT[route]) == "It is 21."


def finish(route: str, body: Any) -> str:
    if route == "chat":
        return str(body["choices"][0]["finish_reason"])
    return str(body["stop_reason"] if route == "messages" else body["status"])


CUT = {"chat": "length", "messages": "max_tokens", "responses": "incomplete"}


@pytest.mark.parametrize("flavor", FLAVORS)
@pytest.mark.parametrize("route", ROUTES)
async def test_a_limit_inside_reasoning_is_a_cut_answer(route: str, flavor: str) -> None:
    long = script.think("Hm. " * 50) + script.text("Never said.")
    client = client_of(long, long, flavor=flavor)
    limit = {"max_output_tokens": 16} if route == "responses" else {"max_tokens": 16}
    async with inside(Gateway(client)) as http:
        plain = await http.post(PATHS[route], json=question(route, **limit))
        assert plain.status_code == 200, plain.text
        assert finish(route, plain.json()) == CUT[route]
        stream = await http.post(PATHS[route], json=question(route, stream=True, **limit))
    found = events_of(stream.text)
    if route == "chat":
        assert found[-2].data["choices"][0]["finish_reason"] == "length"
        assert found[-1].data == "[DONE]"
    elif route == "messages":
        assert found[-2].data["delta"]["stop_reason"] == "max_tokens"
    else:
        assert found[-1].data["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


@pytest.mark.parametrize("flavor", FLAVORS)
@pytest.mark.parametrize("route", ROUTES)
async def test_a_cut_call_never_looks_whole(route: str, flavor: str) -> None:
    cut = script.tool_call("weather", city="Rome " * 60)
    client = client_of(cut, cut, flavor=flavor)
    limit = {"max_output_tokens": 30} if route == "responses" else {"max_tokens": 30}
    asked = question(route, tools=TOOLS[route], **limit)
    async with inside(Gateway(client)) as http:
        plain = (await http.post(PATHS[route], json=asked)).json()
        stream = await http.post(PATHS[route], json={**asked, "stream": True})
    assert finish(route, plain) == CUT[route]
    assert "weather" not in str(plain.get("choices") or plain.get("content") or plain.get("output"))
    found = events_of(stream.text)
    if route == "responses":
        assert found[-1].data["response"]["status"] == "incomplete"
        assert not any(event.name == "response.function_call_arguments.done" for event in found)
        assert "function_call" not in str(found[-1].data["response"]["output"])
    elif route == "messages":
        assert found[-2].data["delta"]["stop_reason"] == "max_tokens"
    else:
        assert found[-2].data["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 500, 503])
@pytest.mark.parametrize("route", ROUTES)
async def test_upstream_errors_keep_status_and_text(route: str, status: int) -> None:
    refused = script.error(status, "the reason", headers={"retry-after": "3"})
    async with inside(Gateway(client_of(refused, refused))) as http:
        for stream in (False, True):
            answer = await http.post(PATHS[route], json=question(route, stream=stream))
            assert answer.status_code == status
            assert shaped(route, answer.json())
            assert ("Unauthorized" if status == 401 else "the reason") in answer.text  # vLLM says no more of a key
            if status in (429, 503):
                assert answer.headers["retry-after"] == "3"


@pytest.mark.parametrize("route", ROUTES)
async def test_a_prompt_that_is_too_long_says_so(route: str) -> None:
    text = (
        "This model's maximum context length is 1000 tokens. However, you requested 100 output tokens and your prompt "
        "contains at least 1200 input tokens, for a total of at least 1300 tokens."
    )
    async with inside(Gateway(client_of(script.error(400, text)))) as http:
        answer = await http.post(PATHS[route], json=question(route))
    assert answer.status_code == 400
    if route == "messages":
        assert answer.json()["error"]["message"].startswith("prompt is too long")
    else:
        assert answer.json()["error"]["code"] == "context_length_exceeded"


ASCII = (
    '</think>\n\n<|DSML|tool_calls>\n<|DSML|invoke name="weather">\n'
    '<|DSML|parameter name="city" string="true">Rome</|DSML|parameter>\n</|DSML|invoke>\n</|DSML|tool_calls>'
)


@pytest.mark.parametrize("route", ROUTES)
async def test_a_call_in_ascii_bars_is_an_error_unless_it_may_run(route: str) -> None:
    step = script.raw_model_output(ASCII)
    asked = question(route, tools=TOOLS[route])
    async with inside(Gateway(client_of(step, step))) as http:
        plain = await http.post(PATHS[route], json=asked)
        assert plain.status_code == 502
        stream = await http.post(PATHS[route], json={**asked, "stream": True})
        assert ended_badly(route, events_of(stream.text)) if stream.status_code == 200 else stream.status_code == 502
    async with inside(Gateway(client_of(step), recovered="run")) as http:
        assert (await http.post(PATHS[route], json=asked)).status_code == 200


async def test_a_call_whose_arguments_are_no_object_is_an_error_of_messages() -> None:
    step = script.tool_call("weather", "not json")
    asked = question("messages", tools=TOOLS["messages"])
    async with inside(Gateway(client_of(step, step, flavor="deepseek"))) as http:
        plain = await http.post(PATHS["messages"], json=asked)
        assert plain.status_code == 502
        stream = await http.post(PATHS["messages"], json={**asked, "stream": True})
    assert stream.status_code == 502 or ended_badly("messages", events_of(stream.text))


@pytest.mark.parametrize("path", ["/v1/unknown", "/", "/v1/messages/unknown", "/v1/chat/completions"])
async def test_unknown_paths_and_methods_are_json(path: str) -> None:
    async with inside(Gateway(client_of())) as http:
        answer = await http.request("DELETE" if path in ("/", "/v1/chat/completions") else "GET", path)
    assert answer.status_code in (404, 405)
    assert answer.json()["error"]["message"]
