"""An answer that is cut anywhere and goes on is the unbroken one; where it cannot go on, the error has the part.

The suite cuts at some bytes of each answer. `make resume` goes through all of them: bytes after which an exchange holds
the same part of the answer are one case, of which it cuts at the first and at the last.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, Reply
from deepseek_v4_sdk.call import chat_call
from deepseek_v4_sdk.chat import write_json
from deepseek_v4_sdk.errors import DeepSeekV4Error, StreamInterruptedError
from deepseek_v4_sdk.exchange import ChatExchange
from deepseek_v4_sdk.exchange.http_exchange import ResponseHead
from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.testing.flavors.deepseek import DeepSeekFlavor
from tests.exchange.raw_cases import CASES, RawCase
from tests.exchange.test_raw_text import FLAVORS, meaning
from tests.support.profiles import NIGHTLY

EVERY = os.environ.get("RESUME_EVERY_BYTE") == "1"
PLACES = 40 if NIGHTLY else 2
# DeepSeek's API goes on in a chat, and without tools.
SERVERS: dict[str, Any] = {**FLAVORS, "deepseek": DeepSeekFlavor()}
PAIRS = [
    (name, server) for name in CASES for server in SERVERS if server in FLAVORS or "tools" not in CASES[name].options
]
QUESTION = "Hi"
MODEL = "pro"


@dataclass
class Received:
    """What a caller got of an answer."""

    events: list[Any] = field(default_factory=list)
    reply: Reply | None = None
    error: DeepSeekV4Error | None = None


def ask(mock: MockProvider, case: RawCase, **options: Any) -> Received:
    received = Received()
    with DeepSeekV4(mock, model=MODEL, max_retries=4) as client:
        try:
            with client.stream(QUESTION, **{**case.options, **options}) as stream:
                received.events += stream
                received.reply = stream.reply()
        except DeepSeekV4Error as error:
            received.error = error
    return received


async def ask_async(mock: MockProvider, case: RawCase, **options: Any) -> Received:
    received = Received()
    async with AsyncDeepSeekV4(mock, model=MODEL, max_retries=4) as client:
        try:
            async with client.stream(QUESTION, **{**case.options, **options}) as stream:
                received.events += [event async for event in stream]
                received.reply = await stream.reply()
        except DeepSeekV4Error as error:
            received.error = error
    return received


def unbroken(case: RawCase, flavor: Any) -> tuple[Reply, int]:
    """An unbroken answer, and its size."""
    step = script.raw_model_output(case.output)
    mock = MockProvider(step, step, flavor=flavor)
    whole = ask(mock, case)
    assert whole.reply is not None
    request = mock.requests[0]
    headers = {"content-type": "application/json"}
    parts = mock.handle("POST", request.path, headers, write_json(request.body)).parts
    return whole.reply, sum(len(part) for part in parts if isinstance(part, bytes))


def joined_deltas(received: Received) -> tuple[str, str, list[tuple[str, str]]]:
    """What the deltas say: reasoning, text and calls."""
    reasoning = "".join(event.text for event in received.events if event.type == "reasoning_delta")
    text = "".join(event.text for event in received.events if event.type == "text_delta")
    calls: list[tuple[str, str]] = []
    for event in received.events:
        if event.type == "tool_call_started":
            assert event.index == len(calls)
            calls.append((event.name, ""))
        elif event.type == "tool_call_delta":
            name, arguments = calls[event.index]
            calls[event.index] = name, arguments + event.arguments
    return reasoning, text, calls


def check(received: Received, whole: Reply, where: object) -> None:
    """Compare with the unbroken answer; or see that the error has the part."""
    reasoning, text, calls = joined_deltas(received)
    if received.error is not None:
        assert isinstance(received.error, StreamInterruptedError), (where, received.error)
        assert "inside the call" in str(getattr(received.error, "__notes__", "")), (where, received.error)
        partial = received.error.partial
        assert partial is not None
        assert (whole.reasoning or "").startswith(partial.reasoning or ""), where
        assert whole.text.startswith(partial.text), where
        assert calls, where
        return
    reply = received.reply
    assert reply is not None
    assert meaning(reply) == meaning(whole), where
    assert (reasoning, text) == (reply.reasoning or "", reply.text), where
    assert calls == [(call.name, call.arguments) for call in reply.tool_calls], where
    ready = [event.call.name for event in received.events if event.type == "tool_call_ready"]
    assert ready == [call.name for call in reply.tool_calls], where
    assert received.events[-1].type == "finished"
    assert len([call.id for call in reply.tool_calls]) == len({call.id for call in reply.tool_calls})


def places(case: RawCase, flavor: Any, size: int, seed: object) -> list[int]:
    if EVERY:
        return edges(case, flavor, size)
    return sorted(random.Random(str(seed)).sample(range(1, size + 1), min(PLACES, size)))


def edges(case: RawCase, flavor: Any, size: int) -> list[int]:
    """The first and the last of the bytes after which an exchange holds the same part of an answer."""
    step, made = script.raw_model_output(case.output), list[tuple[tuple[Any, ...], dict[str, Any]]]()

    class Recorded(ChatExchange):
        def __init__(self, *args: Any, **options: Any) -> None:
            made.append((args, options))
            super().__init__(*args, **options)

    mock = MockProvider(step, step, flavor=flavor)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chat_call, "ChatExchange", Recorded)
        ask(mock, case)
    request = mock.requests[0]
    headers = {"content-type": "application/json"}
    answer = mock.handle("POST", request.path, headers, write_json(request.body))
    body = b"".join(part for part in answer.parts if isinstance(part, bytes))
    assert len(body) == size
    (args, options) = made[0]
    exchange = ChatExchange(*args, **options)
    exchange.stays_open = True
    exchange.opened(ResponseHead(200, {"content-type": "text/event-stream"}), 0.0)
    found, before = set[int](), None
    for count in range(1, size + 1):
        exchange.received(body[count - 1 : count], 0.0)
        state = (exchange.part(), exchange.answering, exchange.payload_complete)
        if state != before:
            found |= {count, max(1, count - 1)}
        before = state
    return sorted({*found, size})


@pytest.mark.parametrize(("name", "flavor"), PAIRS)
def test_cut_anywhere_and_resumed_it_is_the_unbroken_answer(name: str, flavor: str) -> None:
    case, server = CASES[name], SERVERS[flavor]
    whole, size = unbroken(case, server)
    step = script.raw_model_output(case.output)
    outcomes: Counter[str] = Counter()
    for place in places(case, server, size, (name, flavor)):
        received = ask(
            MockProvider(step | faults.cut(after_bytes=place), default=step, flavor=server), case, on_interrupt="resume"
        )
        check(received, whole, (name, flavor, place))
        outcomes["raised inside a call" if received.error is not None else "whole"] += 1
    print(f"{name}, {flavor}: {size} bytes, {outcomes.total()} cuts, {dict(outcomes)}")


@pytest.mark.parametrize(("name", "flavor"), PAIRS)
def test_three_breaks(name: str, flavor: str) -> None:
    """The second and the third are on the other route."""
    case, server = CASES[name], SERVERS[flavor]
    whole, size = unbroken(case, server)
    step = script.raw_model_output(case.output)
    dice, outcomes = random.Random(f"{name} {flavor}"), Counter[str]()
    for place in places(case, server, size, (flavor, name)):
        cuts = [step | faults.cut(after_bytes=each) for each in (place, dice.randint(1, 1500), dice.randint(1, 1500))]
        received = ask(MockProvider(*cuts, default=step, flavor=server), case, on_interrupt="resume")
        check(received, whole, (name, flavor, place))
        outcomes["raised inside a call" if received.error is not None else "whole"] += 1
    print(f"{name}, {flavor}: {size} bytes, {outcomes.total()} times three breaks, {dict(outcomes)}")


@pytest.mark.parametrize("flavor", FLAVORS, ids=str)
def test_async(flavor: str) -> None:
    case, server = CASES["calls"], FLAVORS[flavor]
    whole, size = unbroken(case, server)
    step = script.raw_model_output(case.output)
    for place in (size // 4, size // 2):
        mock = MockProvider(step | faults.cut(after_bytes=place), default=step, flavor=server)
        check(asyncio.run(ask_async(mock, case, on_interrupt="resume")), whole, (flavor, place))
