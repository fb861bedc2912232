"""What is asked of each way from a framework to a server, and what counts as kept."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.testing.faults.fault import Fault
from deepseek_v4_sdk.testing.server import MockServer
from tests.integrations.model import FLAVORS
from tests.integrations.paths import RAN, Joke, Way, run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from deepseek_v4_sdk.testing.answer import ServerAnswer
    from deepseek_v4_sdk.testing.flavors.base import Flavor

__all__ = ["CASES", "KEPT", "verdict"]

KEPT = "✓"
CALL = script.think("I need the weather.") + script.tool_call("weather", {"city": "Zürich"})
ANSWER = script.think("Now I know.") + script.text("It rains.")
JOKE = '{"setup": "Why?", "punchline": "Because."}'
CUT = script.turn(script.think("I look.") + script.tool_call("weather", '{"city": "Zür'), finish_reason="length")


def mock_of(flavor: str, *steps: Any, **arguments: Any) -> MockProvider:
    return MockProvider(*steps, flavor=FLAVORS[flavor](), **arguments)


def way_to(flavor: str, url: str, ours: bool) -> Way:
    return Way(flavor=flavor, url=url, ours=ours)


def thinks_hardest(served: MockProvider) -> bool:
    """Whether the server understood the level "max" in each request."""
    return all(request.thinking == "max" for request in served.requests)


async def two_rounds(framework: str, flavor: str, ours: bool, stream: bool = False) -> str:
    served = mock_of(flavor, CALL, default=ANSWER)
    with MockServer(served) as server:
        said = await run(framework, way_to(flavor, server.url, ours), "Hi", stream=stream)
    if said != "It rains.":
        return f"{said!r}"
    turns = [each for each in served.requests[-1].messages if each["role"] == "assistant"]
    if "I need the weather." not in {turns[0].get("reasoning"), turns[0].get("reasoning_content")}:
        return "reasoning lost"
    return KEPT if thinks_hardest(served) else "level lost"


async def streamed(framework: str, flavor: str, ours: bool) -> str:
    return await two_rounds(framework, flavor, ours, stream=True)


async def cut(framework: str, flavor: str, ours: bool) -> str:
    served = mock_of(flavor, default=CUT)
    found = ""
    with MockServer(served) as server:
        try:
            await run(framework, way_to(flavor, server.url, ours), "Hi", stream=True)
        except Exception as error:  # noqa: BLE001  # any of a framework's
            found = type(error).__name__
    if RAN:
        return f"ran, asked {len(served.requests)} times"
    if len(served.requests) > 1:
        return f"asked {len(served.requests)} times"
    return KEPT if found else "no error"


class _JustEnds(Fault):
    """The stream ends in the middle of the text, with no error, no finish reason and no `[DONE]`."""

    def on_answer(self, answer: ServerAnswer, flavor: Flavor) -> ServerAnswer:
        del flavor
        last = next(index for index, part in enumerate(answer.parts) if isinstance(part, bytes) and b'" rains"' in part)
        return replace(answer, parts=answer.parts[: last + 1])


async def just_ends(framework: str, flavor: str, ours: bool) -> str:
    served = mock_of(flavor, default=ANSWER | _JustEnds())
    found = await _fails(framework, flavor, ours, served, lambda error: True)
    return "taken for whole" if found == "'It rains'" else found


async def error_event(framework: str, flavor: str, ours: bool) -> str:
    served = mock_of(flavor, default=ANSWER | faults.error_event(500, "it broke", after=4))
    return await _fails(framework, flavor, ours, served, lambda error: True)


async def too_many(framework: str, flavor: str, ours: bool) -> str:
    served = mock_of(flavor, default=ANSWER | faults.rate_limited(3))
    return await _fails(framework, flavor, ours, served, lambda error: getattr(error, "retry_after", None) == 3)


async def overflow(framework: str, flavor: str, ours: bool) -> str:
    names = {"ContextOverflowError", "ModelContextWindowExceededError", "ContextLengthExceededError"}
    served = mock_of(flavor, default=ANSWER, window=2000)

    def is_one(error: Exception) -> bool:
        return bool(names & {kind.__name__ for kind in type(error).__mro__})

    return await _fails(framework, flavor, ours, served, is_one, question="word " * 3000)


async def _fails(
    framework: str,
    flavor: str,
    ours: bool,
    served: MockProvider,
    right: Callable[[Exception], bool],
    question: str = "Hi",
) -> str:
    with MockServer(served) as server:
        try:
            said = await run(framework, way_to(flavor, server.url, ours), question, stream=True, tools=False)
        except Exception as error:  # noqa: BLE001  # any of a framework's
            return KEPT if right(error) else type(error).__name__
    return f"{said!r}"


async def structured(framework: str, flavor: str, ours: bool) -> str:
    def says(request: Any) -> Any:
        tools = [tool["function"]["name"] for tool in request.body.get("tools", [])]
        shapes = [name for name in tools if name in {"Joke", "final_result"}]
        thought = script.think("A joke.")
        return thought + (script.tool_call(shapes[0], JOKE) if shapes else script.text(JOKE))

    served = mock_of(flavor, default=script.from_function(says))
    with MockServer(served) as server:
        try:
            said = await run(framework, way_to(flavor, server.url, ours), "A joke", shape=True)
        except Exception as error:  # noqa: BLE001  # any of a framework's
            return type(error).__name__
    if said != Joke(setup="Why?", punchline="Because."):
        return f"{said!r}"
    return KEPT if thinks_hardest(served) else "level lost"


async def cancelled(framework: str, flavor: str, ours: bool) -> str:
    for _ in range(1 if ours else 3):  # a verdict on others must not depend on a moment
        if await _server_learns(framework, flavor, ours):
            return KEPT
    return "the server goes on"


async def _server_learns(framework: str, flavor: str, ours: bool) -> bool:
    """Whether the server learns within about two seconds that a stream was cancelled."""
    served = mock_of(flavor, default=ANSWER | faults.stall(after=3, seconds=60))
    with MockServer(served) as server:
        task = asyncio.create_task(run(framework, way_to(flavor, server.url, ours), "Hi", stream=True))
        while not served.requests and not task.done():  # noqa: ASYNC110  # the server is in another thread
            await asyncio.sleep(0.01)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task
        for _ in range(200):
            if server.disconnects:
                return True
            await asyncio.sleep(0.01)
    return False


CASES: dict[str, Callable[[str, str, bool], Awaitable[str]]] = {
    "two rounds": two_rounds,
    "streamed": streamed,
    "cut call": cut,
    "just ends": just_ends,
    "error event": error_event,
    "429": too_many,
    "overflow": overflow,
    "structured": structured,
    "cancelled": cancelled,
}


def verdict(case: str, framework: str, flavor: str, *, ours: bool) -> str:
    """What came of a case, in a few words."""
    RAN.clear()
    try:
        return asyncio.run(CASES[case](framework, flavor, ours))
    except Exception as error:  # noqa: BLE001  # any of a framework's
        status = getattr(error, "status_code", None)
        return f"{type(error).__name__}" + (f" {status}" if status else "")
