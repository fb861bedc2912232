"""The timers of a call by phase, and the moments of an answer, on a clock that only waits make go."""

from __future__ import annotations

import httpx
import pytest

from deepseek_v4_sdk import InvalidRequestError, PhaseTimeoutError, ReasoningExhaustedError, Timeouts
from tests.support.modes import connect, in_both_modes
from tests.support.replay import JSON, Mode, Part, Replay, ServerAnswer, Wait, answer
from tests.support.wire import DONE, call, chunk, finish, plain, reason, say, usage

END = [finish("stop"), DONE]
COMMENT = b": keep-alive\n\n"

SLOW: dict[str, tuple[list[Part], str, float, str]] = {
    "no event": ([Wait(601), say("Hi"), *END], "first_event", 600, ""),
    "comments and no event": ([*[COMMENT, Wait(100)] * 7, say("Hi"), *END], "first_event", 600, ""),
    "silence in the text": ([say("Hi"), Wait(121), say("!"), *END], "idle", 120, "Hi"),
    "silence in an event": ([say("Hi"), say("!")[:9], Wait(121), say("!")[9:], *END], "idle", 120, "Hi"),
    "silence in a call": ([call(0, "a", "f"), Wait(901), call(0, arguments="{}"), *END], "idle", 900, ""),
    "without end": ([*[say("Hi"), Wait(110)] * 300, *END], "total", 21600, "Hi" * 197),
}


@in_both_modes
@pytest.mark.parametrize("case", SLOW)
def test_too_slow(case: str, mode: Mode) -> None:
    parts, phase, seconds, said = SLOW[case]
    with pytest.raises(PhaseTimeoutError, match=rf"timeout\.{phase}") as caught:
        connect(mode, Replay(answer(*parts))).chat("x")
    assert caught.value.phase == phase
    assert caught.value.seconds == pytest.approx(seconds, abs=1)
    assert caught.value.partial is not None
    assert caught.value.partial.text == said
    assert caught.value.attempts[0].seconds == pytest.approx(
        sum(part.seconds for part in parts if isinstance(part, Wait)), rel=1
    )


PATIENT: dict[str, list[Part]] = {
    "a long prompt": [Wait(599), say("Hi"), *END],
    "comments before the first event": [*[COMMENT, Wait(100)] * 5, say("Hi"), *END],
    "comments inside the answer": [say("H"), *[Wait(110), COMMENT] * 9, say("i"), *END],
    "silence inside a call": [say("Hi"), call(0, "a", "f"), Wait(890), call(0, arguments="{}"), *END],
    "a server that forgets the end": [say("Hi"), finish("stop"), Wait(9999), DONE],
    "a connection that breaks behind the finish reason": [say("Hi"), finish("stop"), httpx.ReadError("reset")],
    "a count that comes late": [say("Hi"), finish("stop"), Wait(5), usage(1, 2), DONE],
}


@in_both_modes
@pytest.mark.parametrize("case", PATIENT)
def test_slow_enough_is_no_error(case: str, mode: Mode) -> None:
    replay = Replay(answer(*PATIENT[case]))
    reply = connect(mode, replay).chat("x")
    assert (reply.text, reply.raw_finish_reason) == ("Hi", "stop")
    assert reply.usage.completion_tokens == (2 if "count" in case else None)
    assert replay.open == 0


@in_both_modes
def test_behind_the_finish_reason_nobody_waits_long(mode: Mode) -> None:
    reply = connect(mode, Replay(answer(say("Hi"), finish("stop"), Wait(9999), DONE))).chat("x")
    assert reply.timing.total <= 10


GIVEN: dict[str, tuple[Timeouts, list[Part], str, float]] = {
    "first_event": (Timeouts(first_event=5), [Wait(6), say("Hi"), *END], "first_event", 5),
    "idle": (Timeouts(idle=5), [say("Hi"), Wait(6), *END], "idle", 5),
    "idle in a call": (Timeouts(idle=5), [call(0, "a", "f"), Wait(6), *END], "idle", 5),
    "total before the first event": (Timeouts(total=5), [Wait(6), say("Hi"), *END], "total", 5),
    "total in the text": (Timeouts(total=5), [*[say("Hi"), Wait(1)] * 9, *END], "total", 5),
}


@in_both_modes
@pytest.mark.parametrize("case", GIVEN)
def test_timers_of_a_call_and_of_a_client(case: str, mode: Mode) -> None:
    timeouts, parts, phase, seconds = GIVEN[case]
    with pytest.raises(PhaseTimeoutError) as of_client:
        connect(mode, Replay(answer(*parts)), timeout=timeouts).chat("x")
    with pytest.raises(PhaseTimeoutError) as of_call:
        connect(mode, Replay(answer(*parts)), timeout=Timeouts(first_event=99, idle=99, total=99)).chat(
            "x", timeout=timeouts
        )
    for caught in (of_client, of_call):
        assert (caught.value.phase, caught.value.seconds) == (phase, seconds)


@in_both_modes
def test_a_number_is_the_total(mode: Mode) -> None:
    with pytest.raises(PhaseTimeoutError) as caught:
        connect(mode, Replay(answer(Wait(3), say("Hi"), *END))).chat("x", timeout=2)
    assert caught.value.phase == "total"


@in_both_modes
def test_a_long_request_may_take_longer_to_its_first_event(mode: Mode) -> None:
    reply = connect(mode, Replay(answer(Wait(1500), say("Hi"), *END))).chat("word " * 600_000)
    assert reply.timing.first_event == 1500


@in_both_modes
def test_a_plain_answer_has_the_timers_too(mode: Mode) -> None:
    served = answer(Wait(601), plain("stop", content="Hi"), headers=JSON)
    with pytest.raises(PhaseTimeoutError) as caught:
        connect(mode, Replay(served)).chat("x", wire="plain")
    assert caught.value.phase == "first_event"


def test_the_callers_own_time_is_no_silence() -> None:
    replay = Replay(answer(say("H"), say("i"), *END))
    client = connect("sync", replay)
    with client.stream("x") as stream:
        for _ in stream:
            stream._call.call_settings.clock.sleep(500)
        assert stream.reply().text == "Hi"


def timed() -> ServerAnswer:
    return answer(
        Wait(2),
        chunk({"role": "assistant", "content": ""}),
        Wait(1),
        reason("Hm."),
        Wait(1),
        reason("So."),
        Wait(1),
        say("Hi"),
        Wait(2),
        say("!"),
        Wait(1),
        finish("stop"),
        usage(10, 5),
        Wait(1),
        DONE,
    )


@in_both_modes
def test_moments(mode: Mode) -> None:
    timing = connect(mode, Replay(timed())).chat("x").timing
    assert (timing.first_event, timing.first_token, timing.first_answer_token) == (2, 3, 5)
    assert (timing.last_token, timing.total) == (7, 9)
    assert timing.inter_token_latency == 1  # from 3 to 7, four tokens after the first
    assert timing.tokens_per_second == 1


@in_both_modes
def test_moments_count_from_the_attempt_that_succeeded(mode: Mode) -> None:
    refused = answer(Wait(4), b"{}", status=503, headers={**JSON, "retry-after": "7"})
    reply = connect(mode, Replay(refused, timed())).chat("x")
    assert (reply.timing.first_event, reply.timing.total) == (2, 9)
    assert [(attempt.waited, attempt.seconds) for attempt in reply.attempts] == [(0, 4), (7, 9)]


@in_both_modes
def test_a_call_is_an_answer_and_no_count_gives_no_rate(mode: Mode) -> None:
    parts = [Wait(1), reason("Hm."), Wait(1), call(0, "a", "f"), Wait(1), call(0, arguments="{}"), finish("stop")]
    timing = connect(mode, Replay(answer(*parts))).chat("x").timing
    assert (timing.first_token, timing.first_answer_token, timing.last_token) == (1, 2, 3)
    assert (timing.inter_token_latency, timing.tokens_per_second) == (None, None)


THOUGHT = "one two three four five six seven eight nine ten "


@in_both_modes
def test_an_endless_thought_is_ended(mode: Mode) -> None:
    replay = Replay(answer(*[reason(THOUGHT)] * 50, say("Hi"), *END))
    with pytest.raises(ReasoningExhaustedError, match="max_reasoning_tokens=25") as caught:
        connect(mode, replay).chat("x", max_reasoning_tokens=25)
    assert caught.value.partial is not None
    assert caught.value.partial.reasoning == THOUGHT * 3
    assert replay.open == 0


@in_both_modes
def test_a_thought_within_its_limit_is_none_of_it(mode: Mode) -> None:
    reply = connect(mode, Replay(answer(*[reason(THOUGHT)] * 2, say("Hi"), *END))).chat("x", max_reasoning_tokens=25)
    assert reply.reasoning == THOUGHT * 2


@in_both_modes
def test_a_thought_cannot_be_ended_in_a_plain_answer(mode: Mode) -> None:
    with pytest.raises(InvalidRequestError, match="wire='stream'"):
        connect(mode, Replay()).chat("x", max_reasoning_tokens=25, wire="plain")
