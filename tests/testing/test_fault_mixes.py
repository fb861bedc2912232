"""Faults together, on plain answers and at random: each takes what the one before has left, whatever the order."""

from __future__ import annotations

import json

import pytest

from deepseek_v4_sdk import DeepSeekV4Error, Reply, StreamInterruptedError, Timeouts
from deepseek_v4_sdk.testing import Chaos, MockProvider, faults, script
from deepseek_v4_sdk.testing.faults import Fault
from deepseek_v4_sdk.testing.server import MockServer
from tests.support.profiles import NIGHTLY
from tests.testing.cases import TEXT, TURN, is_prefix
from tests.testing.places import FLAVORS, PLACES, Place, Seen, ask, fetch, request_body

on_each_flavor = pytest.mark.parametrize("flavor", FLAVORS)
in_each_place = pytest.mark.parametrize("place", PLACES)

COMMENT = b": keep-alive\n\n"


def see(server: MockServer, *faults_of_it: Fault, flavor: str = "vllm", place: Place = "process") -> Seen:
    step = TURN
    for fault in faults_of_it:
        step = step | fault  # type: ignore[assignment]
    return fetch(server, place, "sync", MockProvider(step, flavor=flavor), request_body(flavor), read=700)


@in_each_place
@on_each_flavor
def test_a_cut_of_a_split_answer(flavor: str, place: Place, server: MockServer) -> None:
    clean = see(server, flavor=flavor).body
    seen = see(server, faults.split(every=7), faults.cut(after_bytes=1000), flavor=flavor, place=place)
    assert (seen.body, seen.ended) == (clean[:1000], "cut")
    assert max(len(block) for block in seen.blocks) == 7


def test_the_order_of_split_and_cut_does_not_matter(server: MockServer) -> None:
    one = see(server, faults.cut(after_bytes=1000), faults.split(every=7))
    assert one == see(server, faults.split(every=7), faults.cut(after_bytes=1000))


def test_events_are_counted_and_silences_are_not(server: MockServer) -> None:
    """An error event behind two events is behind two events, though the answer came late and with comments."""
    late = see(server, faults.slow_prefill(60), faults.keepalive(every=20), faults.error_event(after=2))
    prompt = see(server, faults.error_event(after=2))
    assert late.body == COMMENT * 2 + prompt.body
    stalls = [faults.stall(after=1, seconds=30), faults.stall(after=3, seconds=30), faults.keepalive(every=15)]
    first, *others = see(server).events
    twice = see(server, *stalls)
    assert twice.body == first + COMMENT + b"".join(others[:2]) + COMMENT + b"".join(others[2:])
    noisy = see(server, faults.slow_prefill(60), faults.garbage(after=1))
    assert noisy.body == see(server, faults.garbage(after=1)).body


def test_a_stall_in_the_middle_of_an_event(server: MockServer) -> None:
    """Behind a split the blocks are what is counted."""
    seen = see(server, faults.split(every=10), faults.stall(after=2, seconds=60), faults.keepalive(every=30))
    assert seen.blocks[2] == COMMENT
    assert seen.body.replace(COMMENT, b"") == see(server).body


@pytest.mark.parametrize("every", [1, 7, 40, 1000])
def test_what_looks_at_events_leaves_pieces_of_events_alone(every: int, server: MockServer) -> None:
    clean = see(server)
    for fault in (faults.no_usage(), faults.no_done()):
        assert see(server, fault, faults.split(every=every)).body == see(server, fault).body != clean.body
        assert see(server, faults.split(every=every), fault).status == 200


@on_each_flavor
def test_without_usage_and_without_end(flavor: str, server: MockServer) -> None:
    got = ask(
        server, "process", "sync", MockProvider(TURN | faults.no_usage() | faults.no_done(), flavor=flavor), flavor
    )
    assert isinstance(got, Reply)
    assert (got.text, got.usage.total_tokens) == (TEXT, None)


def test_a_refusal_that_was_accepted_first(server: MockServer) -> None:
    both = TURN | faults.status(400, "no") | faults.accepted_then(polls=2)
    got = ask(server, "process", "sync", MockProvider(both), "vllm")
    assert isinstance(got, DeepSeekV4Error)
    assert [attempt.status for attempt in got.attempts] == [202, 202, 400]


@pytest.mark.parametrize("fault", [faults.hang_after_done(), faults.stall(), faults.cut(after_bytes=10**6)], ids=repr)
@in_each_place
@on_each_flavor
def test_a_plain_answer_ends_where_its_length_says(flavor: str, place: Place, fault: Fault, server: MockServer) -> None:
    """What would come behind that is waited for by no client, so the mock does not send it."""
    body = request_body(flavor, stream=False)
    clean = fetch(server, "process", "sync", MockProvider(TURN, flavor=flavor), body)
    seen = fetch(server, place, "sync", MockProvider(TURN | fault, flavor=flavor), body, read=2)
    assert (seen.body, seen.ended) == (clean.body, "whole")


@in_each_place
@on_each_flavor
def test_garbage_in_place_of_a_plain_answer(flavor: str, place: Place, server: MockServer) -> None:
    mock = MockProvider(TURN | faults.garbage(), flavor=flavor)
    seen = fetch(server, place, "sync", mock, request_body(flavor, stream=False))
    assert (len(seen.body), seen.ended) == (64, "whole")
    with pytest.raises(ValueError):
        json.loads(seen.body)


@in_each_place
def test_a_plain_answer_that_is_cut(place: Place, server: MockServer) -> None:
    body = request_body("vllm", stream=False)
    clean = fetch(server, "process", "sync", MockProvider(TURN), body)
    seen = fetch(server, place, "sync", MockProvider(TURN | faults.cut(after_bytes=100)), body)
    assert (seen.body, seen.ended) == (clean.body[:100], "cut")


@on_each_flavor
def test_an_error_event_of_a_plain_answer_is_a_refusal(flavor: str, server: MockServer) -> None:
    mock = MockProvider(TURN | faults.error_event(503, "busy"), flavor=flavor)
    seen = fetch(server, "process", "sync", mock, request_body(flavor, stream=False))
    refused = MockProvider(TURN | faults.status(503, "busy"), flavor=flavor)
    assert (seen.status, seen.body) == (503, fetch(server, "process", "sync", refused, request_body(flavor)).body)


@pytest.mark.parametrize("seed", range(20))
def test_garbage_of_any_seed_is_one_event_and_no_json(seed: int, server: MockServer) -> None:
    seen = see(server, faults.garbage(after=2, seed=seed))
    assert seen.body == see(server, faults.garbage(after=2, seed=seed)).body
    assert len(seen.body.splitlines()) == len(see(server).body.splitlines())
    got = ask(server, "process", "sync", MockProvider(TURN | faults.garbage(after=2, seed=seed)), "vllm")
    assert type(got) is StreamInterruptedError


def test_a_fault_says_what_it_is() -> None:
    said = [repr(fault) for fault in faults.ALL]
    assert said[4:8] == [
        "stall(after=2, seconds=600.0)",
        "slow_prefill(seconds=30.0)",
        "cut(after_bytes=700)",
        "reset(after_bytes=0)",
    ]
    assert {"html_502()", "no_done()", "no_usage()", "empty_turn()", "split(every=1)"} <= set(said)
    step = script.think("Hm.") + script.text("Hello")
    assert repr(step | faults.no_done() | faults.gone())[:53] == "Turn(reasoning='Hm.', text='Hello') | no_done() | sta"


@pytest.mark.parametrize("every", [0, -1])
def test_pieces_of_nothing_are_refused(every: int) -> None:
    with pytest.raises(ValueError, match="every is"):
        faults.split(every=every)
    with pytest.raises(ValueError, match="every is"):
        faults.keepalive(every=every)


def _names(chaos: Chaos, requests: int = 400) -> list[str]:
    return [repr(fault) for number in range(1, requests + 1) for fault in chaos.draw(number)]


def test_chaos_is_the_same_for_the_same_seed() -> None:
    assert _names(Chaos(seed=7, rate=0.5)) == _names(Chaos(seed=7, rate=0.5))
    assert _names(Chaos(seed=7, rate=0.5)) != _names(Chaos(seed=8, rate=0.5))


def test_chaos_keeps_its_rate_and_leaves_no_fault_out() -> None:
    """Of 400 requests; six standard deviations to each side."""
    for rate in (0.0, 0.1, 0.5, 1.0):
        spread = 6 * (400 * rate * (1 - rate)) ** 0.5
        assert abs(len(_names(Chaos(seed=7, rate=rate))) - 400 * rate) <= spread
    assert set(_names(Chaos(seed=7, rate=1.0))) == {repr(fault) for fault in faults.ALL}
    assert set(_names(Chaos(seed=7, rate=1.0, faults=[faults.gone()]))) == {repr(faults.gone())}


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_is_a_share(rate: float) -> None:
    with pytest.raises(ValueError, match="rate is"):
        Chaos(seed=1, rate=rate)


@on_each_flavor
def test_every_reply_under_chaos_is_whole(flavor: str, server: MockServer) -> None:
    """A client gets either everything, or an error with the beginning of it; never less that looks like all."""
    outcomes: list[list[str]] = []
    for _ in range(2):
        mock = MockProvider(default=TURN, flavor=flavor, chaos=Chaos(seed=3, rate=0.6))
        told: list[str] = []
        for _ in range(200 if NIGHTLY else 30):
            got = ask(server, "process", "sync", mock, flavor, max_retries=0, timeout=Timeouts(first_event=20))
            if isinstance(got, Reply):
                assert got.text == TEXT
            elif got.partial is not None:
                assert is_prefix(got.partial.reasoning, got.partial.text)
            told.append(type(got).__name__)
        outcomes.append(told)
    assert outcomes[0] == outcomes[1]
    assert "Reply" in outcomes[0]
    assert len(set(outcomes[0])) >= 4
