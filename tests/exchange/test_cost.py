"""What an answer of many tool calls costs: twice as many take twice as long, however they come."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import pytest

from tests.exchange.hearing import TOOLS
from tests.support.replay import JSON, answer, ask
from tests.support.wire import DONE, call, chunk, finish, plain, reason, say

pytestmark = pytest.mark.usefixtures("small_heap")

LEAK = '<｜DSML｜invoke name="now">\n</｜DSML｜invoke>\n'
OPEN, CLOSE = "<｜DSML｜tool_calls>\n", "</｜DSML｜tool_calls>\n"

ANSWERS: dict[str, Callable[[int], list[bytes]]] = {
    "by index": lambda n: [call(at, f"c{at}", "now", "{}") for at in range(n)],
    "by id": lambda n: [call(id=f"c{at}", name="now", arguments="{}") for at in range(n)],
    "by order": lambda n: [call(name="now", arguments="{}") for _ in range(n)],
    "all under one id": lambda n: [call(at, "c", "now", "{}") for at in range(n)],
    "all names first, then all arguments": lambda n: [
        *(call(at, f"c{at}", "now") for at in range(n)),
        *(call(at, arguments="{}") for at in range(n)),
    ],
    "all ids first, then all arguments": lambda n: [
        *(call(id=f"c{at}", name="now") for at in range(n)),
        *(call(id=f"c{at}", arguments="{}") for at in range(n)),
    ],
    "in one event": lambda n: [
        chunk({"tool_calls": [{"index": at, "id": f"c{at}", "function": {"name": "now"}} for at in range(n)]})
    ],
    "left in the text": lambda n: [say(OPEN), *[say(LEAK)] * n, say(CLOSE)],
    "left in the text at once": lambda n: [say(OPEN + LEAK * n + CLOSE)],
    "left in many blocks": lambda n: [say(OPEN + LEAK + CLOSE)] * n,
    "left in the reasoning": lambda n: [reason("Hm.\n\n" + OPEN + LEAK * n + CLOSE)],
}


def seconds(ask_for: Callable[[int], int], count: int) -> float:
    """CPU time for so many calls, all of which must arrive."""
    gc.collect()
    started = time.process_time()
    assert ask_for(count) == count
    return time.process_time() - started


def assert_linear(ask_for: Callable[[int], int]) -> None:
    """Eight times as many take about eight times as long; a search of all others for each takes 64 times."""
    few = min(seconds(ask_for, 500) for _ in range(3))
    assert seconds(ask_for, 4_000) < 24 * few


@pytest.mark.parametrize("how", ANSWERS)
def test_streamed(how: str) -> None:
    def made(count: int) -> int:
        streamed = answer(b"".join([*ANSWERS[how](count), finish("tool_calls"), DONE]))
        return len(ask(streamed, tools=TOOLS).answered.tool_calls)

    assert_linear(made)


@pytest.mark.parametrize("ids", ["one each", "one for all", "none"])
def test_plain(ids: str) -> None:
    def made(count: int) -> int:
        names = [{"one each": {"id": f"c{at}"}, "one for all": {"id": "c"}, "none": {}}[ids] for at in range(count)]
        body = plain("tool_calls", [{**name, "name": "now", "arguments": "{}"} for name in names])
        return len(ask(answer(body, headers=JSON), wire="plain", tools=TOOLS).answered.tool_calls)

    assert_linear(made)
