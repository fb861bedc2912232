"""An answer that is cut anywhere and goes on is the unbroken one; where it cannot go on, the error has the part.

The suite cuts at some bytes of each answer. `make resume` cuts at every byte.
"""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, Reply
from deepseek_v4_sdk.chat import write_json
from deepseek_v4_sdk.errors import DeepSeekV4Error, StreamInterruptedError
from deepseek_v4_sdk.testing import MockProvider, faults, script
from tests.exchange.raw_cases import CASES, RawCase
from tests.exchange.test_raw_text import FLAVORS, meaning

EVERY = os.environ.get("RESUME_EVERY_BYTE") == "1"
PLACES = 5
QUESTION = "Hi"


@dataclass
class Heard:
    """What a caller got of an answer."""

    events: list[Any] = field(default_factory=list)
    reply: Reply | None = None
    error: DeepSeekV4Error | None = None


def hear(mock: MockProvider, case: RawCase, **options: Any) -> Heard:
    heard = Heard()
    with DeepSeekV4(mock, max_retries=4) as client:
        try:
            with client.stream(QUESTION, **{**case.options, **options}) as stream:
                heard.events += stream
                heard.reply = stream.reply()
        except DeepSeekV4Error as error:
            heard.error = error
    return heard


async def hear_async(mock: MockProvider, case: RawCase, **options: Any) -> Heard:
    heard = Heard()
    async with AsyncDeepSeekV4(mock, max_retries=4) as client:
        try:
            async with client.stream(QUESTION, **{**case.options, **options}) as stream:
                heard.events += [event async for event in stream]
                heard.reply = await stream.reply()
        except DeepSeekV4Error as error:
            heard.error = error
    return heard


def sent(case: RawCase, flavor: Any) -> tuple[Reply, int]:
    """An unbroken answer, and its size."""
    step = script.raw_model_output(case.output)
    mock = MockProvider(step, step, flavor=flavor)
    whole = hear(mock, case)
    assert whole.reply is not None
    request = mock.requests[0]
    headers = {"content-type": "application/json"}
    parts = mock.handle("POST", request.path, headers, write_json(request.body)).parts
    return whole.reply, sum(len(part) for part in parts if isinstance(part, bytes))


def told(heard: Heard) -> tuple[str, str, list[tuple[str, str]]]:
    """What the deltas say: reasoning, text and calls."""
    reasoning = "".join(event.text for event in heard.events if event.type == "reasoning_delta")
    text = "".join(event.text for event in heard.events if event.type == "text_delta")
    calls: list[tuple[str, str]] = []
    for event in heard.events:
        if event.type == "tool_call_started":
            assert event.index == len(calls)
            calls.append((event.name, ""))
        elif event.type == "tool_call_delta":
            name, arguments = calls[event.index]
            calls[event.index] = name, arguments + event.arguments
    return reasoning, text, calls


def check(heard: Heard, whole: Reply, where: object) -> None:
    """Compare with the unbroken answer; or see that the error has the part."""
    reasoning, text, calls = told(heard)
    if heard.error is not None:
        assert isinstance(heard.error, StreamInterruptedError), (where, heard.error)
        assert "inside the call" in str(getattr(heard.error, "__notes__", "")), (where, heard.error)
        partial = heard.error.partial
        assert partial is not None
        assert (whole.reasoning or "").startswith(partial.reasoning or ""), where
        assert whole.text.startswith(partial.text), where
        assert calls, where
        return
    reply = heard.reply
    assert reply is not None
    assert meaning(reply) == meaning(whole), where
    assert (reasoning, text) == (reply.reasoning or "", reply.text), where
    assert calls == [(call.name, call.arguments) for call in reply.tool_calls], where
    ready = [event.call.name for event in heard.events if event.type == "tool_call_ready"]
    assert ready == [call.name for call in reply.tool_calls], where
    assert heard.events[-1].type == "finished"
    assert len([call.id for call in reply.tool_calls]) == len({call.id for call in reply.tool_calls})


def places(size: int, seed: object) -> list[int]:
    if EVERY:
        return list(range(1, size + 1))
    return sorted(random.Random(str(seed)).sample(range(1, size + 1), min(PLACES, size)))


@pytest.mark.parametrize("flavor", FLAVORS, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_cut_anywhere_and_resumed_it_is_the_unbroken_answer(name: str, flavor: str) -> None:
    case, server = CASES[name], FLAVORS[flavor]
    whole, size = sent(case, server)
    step = script.raw_model_output(case.output)
    for place in places(size, (name, flavor)):
        heard = hear(
            MockProvider(step | faults.cut(after_bytes=place), default=step, flavor=server), case, on_interrupt="resume"
        )
        check(heard, whole, (name, flavor, place))


@pytest.mark.parametrize("flavor", FLAVORS, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_three_breaks(name: str, flavor: str) -> None:
    """The second and the third are on the other route."""
    case, server = CASES[name], FLAVORS[flavor]
    whole, size = sent(case, server)
    step = script.raw_model_output(case.output)
    dice = random.Random(f"{name} {flavor}")
    for place in places(size, (flavor, name)):
        cuts = [step | faults.cut(after_bytes=each) for each in (place, dice.randint(1, 1500), dice.randint(1, 1500))]
        heard = hear(MockProvider(*cuts, default=step, flavor=server), case, on_interrupt="resume")
        check(heard, whole, (name, flavor, place))


@pytest.mark.parametrize("flavor", FLAVORS, ids=str)
def test_async(flavor: str) -> None:
    case, server = CASES["calls"], FLAVORS[flavor]
    whole, size = sent(case, server)
    step = script.raw_model_output(case.output)
    for place in (size // 4, size // 2):
        mock = MockProvider(step | faults.cut(after_bytes=place), default=step, flavor=server)
        check(asyncio.run(hear_async(mock, case, on_interrupt="resume")), whole, (flavor, place))
