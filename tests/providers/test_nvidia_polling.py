"""Status 202: an answer that was accepted is asked for until it is there, wherever and whenever that is allowed."""

from __future__ import annotations

import asyncio

import pytest

from deepseek_v4_sdk import RateLimits, Timeouts
from deepseek_v4_sdk.errors import (
    LocalLimitError,
    ModelNotFoundError,
    PhaseTimeoutError,
    ServerError,
    StreamInterruptedError,
)
from deepseek_v4_sdk.providers import HttpCall, find_provider
from deepseek_v4_sdk.testing import faults, script
from tests.providers.hosted import KEY, KINDS, Network, Talk, nvidia

URL = "https://integrate.api.nvidia.com/v1/chat/completions"
WIRES = ("stream", "plain")


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("kind", KINDS)
class TestPolling:
    def test_the_answer_is_asked_for_until_it_is_there(self, kind: str, wire: str) -> None:
        talk, network = nvidia(kind, (script.think("Hm.") + script.text("Hello")) | faults.accepted_then(3))
        reply = talk.chat(wire=wire)
        assert (reply.text, reply.reasoning, reply.finish_reason) == ("Hello", "Hm.", "stop")
        assert [attempt.status for attempt in reply.attempts] == [202, 202, 202, 200]
        assert [attempt.number for attempt in reply.attempts] == [1, 2, 3, 4]
        assert all(attempt.error is None for attempt in reply.attempts)
        assert [attempt.waited for attempt in reply.attempts] == [0.0, 0.5, 1.0, 2.0]
        ids = [attempt.request_id for attempt in reply.attempts[:3]]
        assert ids == [network.urls[1].rpartition("/")[2]] * 3

    def test_at_the_hosted_address_another_host_is_asked_with_the_key(self, kind: str, wire: str) -> None:
        talk, network = nvidia(kind, script.text("Hello") | faults.accepted_then(2))
        request_id = talk.chat(wire=wire).attempts[0].request_id
        poll = f"GET https://api.nvcf.nvidia.com/v2/nvcf/pexec/status/{request_id}"
        assert network.urls == [f"POST {URL}", poll, poll]
        for request in network.asked:
            assert request.headers["authorization"] == f"Bearer {KEY}"
        accepted = [request.headers["accept"] for request in network.asked]
        assert accepted == [{"stream": "text/event-stream", "plain": "application/json"}[wire]] * 3
        assert "content-type" not in network.asked[1].headers
        assert network.asked[1].read() == b""

    def test_under_a_given_address_that_address_is_asked(self, kind: str, wire: str) -> None:
        step = script.text("Hello") | faults.accepted_then(1)
        talk, network = nvidia(kind, step, base_url="http://localhost:9000/v1")
        request_id = talk.chat(wire=wire).attempts[0].request_id
        assert network.urls[1:] == [f"GET http://localhost:9000/v2/nvcf/pexec/status/{request_id}"]

    def test_an_answer_that_never_comes_ends_at_the_deadline_of_the_first_event(self, kind: str, wire: str) -> None:
        timeout = Timeouts(first_event=20.0, total=600.0)
        talk, network = nvidia(kind, script.text("Hello") | faults.accepted_then(10_000), timeout=timeout)
        with pytest.raises(PhaseTimeoutError, match=r"timeout\.first_event") as raised:
            talk.chat(wire=wire)
        assert (raised.value.phase, raised.value.seconds) == ("first_event", 20.0)
        assert {attempt.status for attempt in raised.value.attempts} == {202}
        assert [attempt.error for attempt in raised.value.attempts[-2:]] == [None, "PhaseTimeoutError"]
        assert len(raised.value.attempts) == 8  # after 0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5 and 19.5 s
        assert len(network.asked) == len(raised.value.attempts)

    def test_the_pause_grows_and_has_an_end(self, kind: str, wire: str) -> None:
        timeout = Timeouts(first_event=300.0, total=600.0)
        talk, _ = nvidia(kind, script.text("Hello") | faults.accepted_then(20), timeout=timeout)
        waits = [attempt.waited for attempt in talk.chat(wire=wire).attempts]
        assert waits == [0.0, 0.5, 1.0, 2.0, *[4.0] * 17]

    def test_an_answer_that_takes_a_minute_leaves_half_of_its_requests_to_others(self, kind: str, wire: str) -> None:
        timeout = Timeouts(first_event=60.0, total=600.0)
        talk, network = nvidia(kind, script.text("Hello") | faults.accepted_then(10_000), timeout=timeout)
        with pytest.raises(PhaseTimeoutError):
            talk.chat(wire=wire)
        assert len(network.asked) < 20

    def test_the_whole_call_may_end_before(self, kind: str, wire: str) -> None:
        talk, _ = nvidia(kind, script.text("Hello") | faults.accepted_then(10_000), timeout=Timeouts(total=5.0))
        with pytest.raises(PhaseTimeoutError) as raised:
            talk.chat(wire=wire)
        assert (raised.value.phase, raised.value.seconds) == ("total", 5.0)

    def test_an_answer_that_fails_after_all_is_that_error(self, kind: str, wire: str) -> None:
        talk, _ = nvidia(kind, script.error(404, "Function gone") | faults.accepted_then(1))
        with pytest.raises(ModelNotFoundError) as raised:
            talk.chat(wire=wire)
        assert [attempt.status for attempt in raised.value.attempts] == [202, 404]

    @pytest.mark.parametrize("given", [{}, {"nvcf-reqid": ""}, {"nvcf-reqid": "../../secrets"}, {"nvcf-reqid": ".."}])
    def test_without_a_usable_id_nothing_is_asked(self, kind: str, wire: str, given: dict[str, str]) -> None:
        step = script.raw("", status=202, content_type="application/json", headers=given)
        talk, network = nvidia(kind, step)
        with pytest.raises(ServerError, match="accepted and is not ready, and there is no usable id") as raised:
            talk.chat(wire=wire)
        assert raised.value.status_code == 202
        assert network.urls == [f"POST {URL}"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_stream_that_was_only_accepted_is_no_answer(kind: str) -> None:
    talk, _ = nvidia(kind, default := script.raw("", status=202), default, default)
    with pytest.raises(StreamInterruptedError):
        talk.chat()


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_retry_the_waits_are_told_where_they_were(kind: str) -> None:
    busy = script.error(503, "Service temporarily overloaded", headers={"retry-after": "4"})
    talk, _ = nvidia(kind, busy, script.text("Hello") | faults.accepted_then(1))
    attempts = talk.chat().attempts
    assert [(attempt.status, attempt.waited) for attempt in attempts] == [(503, 0.0), (202, 4.0), (200, 0.5)]


HOSTILE = ("..", ".", "../x", "a/b", "a\\b", "a\nb", "a b", "a?b", "a#b", "%2e%2e", "x" * 129, "", "é", "a@b", "-", "_")


@pytest.mark.parametrize("request_id", HOSTILE)
def test_an_id_that_would_change_the_address_is_not_used(request_id: str) -> None:
    call = HttpCall("POST", URL, (("authorization", f"Bearer {KEY}"),), b"{}")
    assert find_provider("nvidia").poll(202, {"nvcf-reqid": request_id}, call) is None


@pytest.mark.parametrize("status", [200, 201, 204, 302, 404])
def test_only_202_is_asked_again(status: int) -> None:
    call = HttpCall("POST", URL, (), b"{}")
    assert find_provider("nvidia").poll(status, {"nvcf-reqid": "a-1"}, call) is None
    assert find_provider("nvidia").poll(202, {"nvcf-reqid": "a-1"}, call) is not None


@pytest.mark.parametrize("base", ["http://gw", "http://gw:1/a/b", "https://integrate.api.nvidia.com.evil.example"])
def test_a_path_before_the_api_is_kept_and_the_poll_host_is_not_for_others(base: str) -> None:
    call = HttpCall("POST", f"{base}/v1/chat/completions", (), b"{}", successors=("m",))
    poll = find_provider("nvidia").poll(202, {"nvcf-reqid": "a-1"}, call)
    assert poll is not None
    assert (poll.method, poll.url, poll.body) == ("GET", f"{base}/v2/nvcf/pexec/status/a-1", None)
    assert poll.successors == ("m",)


def test_what_is_read_and_no_chat_is_not_asked_again() -> None:
    network = Network(flavor="nvidia")
    Talk("sync", "nvidia", network, api_key=KEY).models()
    call = HttpCall("GET", "https://integrate.api.nvidia.com/v1/models")
    assert find_provider("nvidia").poll(202, {"nvcf-reqid": "a-1"}, call) is None


@pytest.mark.parametrize("kind", KINDS)
class TestLimits:
    """Each time it is asked is a request of its own to the limits of the client, and no further answer at once."""

    def test_each_counts_among_the_requests_of_a_minute(self, kind: str) -> None:
        step = script.text("Hello") | faults.accepted_then(5)
        keeps = RateLimits(requests_per_minute=4, concurrency=1)
        talk, network = nvidia(kind, step, limits=keeps, timeout=Timeouts(first_event=200.0))
        reply = talk.chat()
        assert [attempt.status for attempt in reply.attempts] == [202] * 5 + [200]
        waits = [attempt.waited for attempt in reply.attempts]
        assert waits[:4] == [0.0, 0.5, 1.0, 2.0]
        assert 58.0 <= sum(waits[1:5]) <= 66.0
        assert len(network.asked) == 6

    def test_the_next_chat_finds_them_counted(self, kind: str) -> None:
        keeps = RateLimits(requests_per_minute=4)
        steps = (script.text("One") | faults.accepted_then(3), script.text("Two"))
        talk, _ = nvidia(kind, *steps, limits=keeps)
        assert talk.chat().attempts[-1].number == 4
        (attempt,) = talk.chat().attempts
        assert 55.0 <= attempt.waited <= 66.0

    def test_where_the_deadline_comes_first_it_says_so(self, kind: str) -> None:
        step = script.text("Hello") | faults.accepted_then(5)
        timeout = Timeouts(first_event=20.0)
        talk, network = nvidia(kind, step, limits=RateLimits(requests_per_minute=2), timeout=timeout)
        with pytest.raises(LocalLimitError, match="no room within the time of the call") as raised:
            talk.chat()
        assert [attempt.status for attempt in raised.value.attempts] == [202, 202]
        assert raised.value.attempts[-1].error == "LocalLimitError"
        assert len(network.asked) == 2

    def test_without_limits_nothing_waits(self, kind: str) -> None:
        talk, _ = nvidia(kind, script.text("Hello") | faults.accepted_then(20), limits="off")
        assert sum(attempt.waited for attempt in talk.chat().attempts) == 0.5 + 1.0 + 2.0 + 17 * 4.0


def test_it_does_not_stand_behind_who_waits_for_its_place() -> None:
    steps = [script.text(text) | faults.accepted_then(4) for text in ("One", "Two", "Three")]
    keeps = RateLimits(requests_per_minute=100, concurrency=1)
    talk, network = nvidia("async", *steps, limits=keeps)

    async def work() -> list[str]:
        replies = await asyncio.gather(*(talk.client.chat("Hi") for _ in steps))
        return [reply.text for reply in replies]

    assert asyncio.run(work()) == ["One", "Two", "Three"]
    assert [request.method for request in network.asked] == ["POST", *["GET"] * 4] * 3
