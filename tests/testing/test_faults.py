"""Every fault on every wire, sync and async, in process and on a socket: its bytes, and what the client makes of it."""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING, Literal

import pytest

from deepseek_v4_sdk import (
    Attempt,
    ContextLengthExceededError,
    DeepSeekV4,
    DeepSeekV4Error,
    OverloadedError,
    PhaseTimeoutError,
    Reply,
    ServerError,
    Timeouts,
    TruncatedToolCallError,
)
from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.testing.faults import __all__ as names
from tests.support.profiles import sampled
from tests.testing.cases import CASES, REASONING, TEXT, TURN, is_prefix
from tests.testing.places import FLAVORS, MODES, PLACES, TOOL, Mode, Place, ask, fetch, request_body

if TYPE_CHECKING:
    from deepseek_v4_sdk.testing.model_markup import Style
    from deepseek_v4_sdk.testing.server import MockServer

everywhere = [
    pytest.mark.parametrize("flavor", FLAVORS),
    pytest.mark.parametrize("mode", MODES),
    pytest.mark.parametrize("place", PLACES),
]


def on_every_wire(test):  # type: ignore[no-untyped-def]
    for mark in everywhere:
        test = mark(test)
    return test


# Every case on every wire; which place and mode it is played in goes round. At night each is played in all of them.
each_case = pytest.mark.parametrize(
    ("name", "flavor", "place", "mode"), sampled(product(CASES, FLAVORS, PLACES, MODES), 3)
)


def chats(got: Reply | DeepSeekV4Error) -> list[Attempt]:
    """The requests for an answer; some servers are asked for their models before."""
    return [attempt for attempt in got.attempts if not attempt.url.endswith("/models")]


def _clean(flavor: str, server: MockServer) -> list[bytes]:
    return fetch(server, "process", "sync", MockProvider(TURN, flavor=flavor), request_body(flavor)).events


@each_case
def test_bytes(name: str, place: Place, mode: Mode, flavor: str, server: MockServer) -> None:
    case = CASES[name]
    fault = case.make(600.0)
    with MockProvider(TURN | fault, flavor=flavor) as mock:
        read = 0.75 if case.silent and place == "socket" else 20.0  # a busy machine takes a while for the head
        seen = fetch(server, place, mode, mock, request_body(flavor), read=read)
    case.wire(flavor, seen, _clean(flavor, server))


@each_case
def test_what_the_client_makes_of_it(name: str, place: Place, mode: Mode, flavor: str, server: MockServer) -> None:
    case = CASES[name]
    mock = MockProvider(default=TURN | case.make(600.0), flavor=flavor)
    timers = Timeouts(first_event=1.5 if name == "slow_prefill" else 20, idle=0.5) if case.silent else None
    if place == "process" and case.silent:
        timers = Timeouts(first_event=60, idle=30)
    retries = 2 if place == "process" else 0
    got = ask(server, place, mode, mock, flavor, max_retries=retries, timeout=timers)
    assert [attempt.status for attempt in chats(got)] == list(case.statuses[: retries + 1])
    assert len(mock.requests) == len(chats(got))
    if case.error is None:
        assert isinstance(got, Reply)
        assert (got.reasoning, got.text, got.finish_reason) == (REASONING, TEXT, "stop")
        assert (got.usage.total_tokens is None) is (name == "no_usage")
        return
    assert type(got) is case.error, repr(got)
    if case.statuses[0] != 200:
        assert got.partial is None
        return
    assert got.partial is not None
    assert is_prefix(got.partial.reasoning, got.partial.text)
    if case.error is not PhaseTimeoutError or name == "stall":
        assert bool(got.partial.reasoning) is (len(case.statuses) == 1)
    if isinstance(got, PhaseTimeoutError):
        assert got.phase == {"stall": "idle", "slow_prefill": "first_event"}[name]


def test_no_fault_is_forgotten() -> None:
    """Those that are missing in the table have tests of their own below, and `ALL` and `Chaos` elsewhere."""
    own = {"accepted_then", "cut_call", "Fault", "Chaos", "ALL"}
    assert set(names) - own <= set(CASES)


@on_every_wire
def test_accepted_then(place: Place, mode: Mode, flavor: str, server: MockServer) -> None:
    """202 with an id to ask for; the third time of asking has the answer."""
    clean = b"".join(_clean(flavor, server))
    with MockProvider(TURN | faults.accepted_then(polls=3), flavor=flavor) as mock:
        first = fetch(server, place, mode, mock, request_body(flavor))
        assert (first.status, first.body) == (202, b"")
        path = f"/v2/nvcf/pexec/status/{first.headers['nvcf-reqid']}"
        polls = [fetch(server, place, mode, mock, method="GET", path=path) for _ in range(4)]
    assert [poll.status for poll in polls] == [202, 202, 200, 404]
    assert polls[2].body == clean
    assert len(mock.requests) == 1  # asking again is no request of a chat


@on_every_wire
def test_the_client_asks_again_for_what_was_accepted(place: Place, mode: Mode, flavor: str, server: MockServer) -> None:
    polls = 3 if place == "process" else 1  # a pause between two is half a second
    got = ask(server, place, mode, MockProvider(TURN | faults.accepted_then(polls), flavor=flavor), flavor)
    assert isinstance(got, Reply)
    assert (got.text, [attempt.status for attempt in chats(got)]) == (TEXT, [202] * polls + [200])


@on_every_wire
def test_keepalive(place: Place, mode: Mode, flavor: str, server: MockServer) -> None:
    """A silence is cut into pieces with a comment between them; nothing else changes."""
    seconds = 600.0 if place == "process" else 0.0625  # a quarter of it is exact too
    fault = TURN | faults.slow_prefill(seconds) | faults.keepalive(every=seconds / 4)
    seen = fetch(server, place, mode, MockProvider(fault, flavor=flavor), request_body(flavor), read=seconds + 20)
    assert seen.body == b": keep-alive\n\n" * 3 + b"".join(_clean(flavor, server))


_OPENERS = {
    "full_width": "<\N{FULLWIDTH VERTICAL LINE}DSML\N{FULLWIDTH VERTICAL LINE}tool_calls>",
    "ascii": "<|DSML|tool_calls>",
    "doubled": "<" + "\N{FULLWIDTH VERTICAL LINE}" * 2 + "DSML" + "\N{FULLWIDTH VERTICAL LINE}" * 2 + "tool_calls>",
}


@pytest.mark.parametrize("style", _OPENERS)
@pytest.mark.parametrize("where", ["text", "reasoning"])
@pytest.mark.parametrize("flavor", FLAVORS)
def test_leak_dsml(flavor: str, where: Literal["text", "reasoning"], style: Style, server: MockServer) -> None:
    """The call is gone, its markup stands at the end of the text or of the reasoning, and the reason is stop."""
    turn = TURN + script.tool_call("get_weather", city="Paris", days=3)
    fault = faults.leak_dsml(style, where)
    plain = request_body(flavor, stream=False, tools=[TOOL])
    for place in PLACES:
        seen = fetch(server, place, "sync", MockProvider(turn | fault, flavor=flavor), plain)
        choice = json.loads(seen.body)["choices"][0]
        message = choice["message"]
        assert (message.get("tool_calls"), choice["finish_reason"]) == (None, "stop")
        reasoning, text = message.get("reasoning") or message.get("reasoning_content"), message["content"]
        begin, leaked = (REASONING, reasoning) if where == "reasoning" else (TEXT, text)
        assert leaked.startswith(f"{begin}\n\n{_OPENERS[style]}\n")
        assert 'name="city" string="true">Paris</' in leaked
        assert 'name="days" string="false">3</' in leaked
        assert (text if where == "reasoning" else reasoning) == (TEXT if where == "reasoning" else REASONING)


@pytest.mark.parametrize("flavor", FLAVORS)
@pytest.mark.parametrize("place", PLACES)
def test_the_client_keeps_leaked_markup_where_no_tool_was_offered(
    place: Place, flavor: str, server: MockServer
) -> None:
    turn = TURN + script.tool_call("get_weather", city="Paris")
    got = ask(server, place, "sync", MockProvider(turn | faults.leak_dsml("ascii"), flavor=flavor), flavor)
    assert isinstance(got, Reply)
    assert got.text.startswith(f"{TEXT}\n\n<|DSML|tool_calls>")
    assert got.tool_calls == ()


@pytest.mark.parametrize("style", _OPENERS)
@on_every_wire
def test_the_client_recovers_the_call_of_an_offered_tool(
    style: Style, place: Place, mode: Mode, flavor: str, server: MockServer
) -> None:
    turn = TURN + script.tool_call("get_weather", city="Paris", days=3)
    mock = MockProvider(turn | faults.leak_dsml(style), flavor=flavor)
    got = ask(server, place, mode, mock, flavor, {"tools": [TOOL]})
    assert isinstance(got, Reply)
    assert (got.text.rstrip("\n"), got.finish_reason) == (TEXT, "tool_calls")
    assert [(call.name, call.parsed) for call in got.tool_calls] == [("get_weather", {"city": "Paris", "days": 3})]
    assert len(got.repairs) == 1


@pytest.mark.parametrize("flavor", [flavor for flavor in FLAVORS if flavor != "deepseek"])
@pytest.mark.parametrize("mode", MODES)
def test_an_error_event_before_any_other_is_tried_again(mode: Mode, flavor: str, server: MockServer) -> None:
    """An event of DeepSeek's API says no status, so that nothing tells whether to try again."""
    bad = TURN | faults.error_event(503, "overloaded", after=0)
    with MockProvider(bad, bad, TURN, flavor=flavor) as mock:
        got = ask(server, "process", mode, mock, flavor)
    assert isinstance(got, Reply)
    assert [attempt.error for attempt in chats(got)] == ["OverloadedError", "OverloadedError", None]


def test_an_error_event_says_its_status(server: MockServer) -> None:
    for flavor in FLAVORS:
        got = ask(server, "process", "sync", MockProvider(TURN | faults.error_event(503), flavor=flavor), flavor)
        assert type(got) is (ServerError if flavor == "deepseek" else OverloadedError)


def test_a_status_with_a_known_text_is_what_the_text_says(server: MockServer) -> None:
    message = "This model's maximum context length is 4096 tokens. However, your prompt contains 5000 input tokens."
    got = ask(server, "process", "sync", MockProvider(faults.status(400, message)), "vllm")
    assert isinstance(got, ContextLengthExceededError)
    assert (got.limit, got.prompt_tokens) == (4096, 5000)


def test_a_fault_alone_goes_wrong_with_a_short_answer(server: MockServer) -> None:
    got = ask(server, "process", "sync", MockProvider(faults.no_done()), "vllm")
    assert isinstance(got, Reply)
    assert (got.reasoning, got.text) == ("Let me see.", "Here I am.")
    refused = ask(server, "process", "sync", MockProvider(default=faults.status(400)), "vllm")
    assert isinstance(refused, DeepSeekV4Error)


@pytest.mark.parametrize("flavor", ["vllm", "sglang", "deepseek"])
def test_a_call_that_is_cut_is_an_error_that_has_it(flavor: str) -> None:
    mock = MockProvider(script.tool_call("get_weather", city="Paris") | faults.cut_call(), flavor=flavor)
    tools = [{"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}]
    with pytest.raises(TruncatedToolCallError) as caught:
        DeepSeekV4(mock, model="pro").chat("How is it?", tools=tools)
    assert caught.value.partial is not None
    assert not caught.value.partial.tool_calls
