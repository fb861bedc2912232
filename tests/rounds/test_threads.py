"""Plain functions run on threads of their own: none waits for another, and none keeps a program from ending."""

from __future__ import annotations

import contextvars
from collections.abc import Generator

import pytest

from deepseek_v4_sdk.testing import script
from tests.rounds.play import Kind, Play, each_kind, results
from tests.support.forked import run_forked

Pauses = Generator[float, None, object]
WHO: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")

STUCK = """
import asyncio, threading
from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4
from deepseek_v4_sdk.testing import MockProvider, script

def hang() -> str:
    "Never returns."
    threading.Event().wait()
    return ""

mock = MockProvider(script.tool_call("hang"), script.text("It hangs."))
{ask}
print(run.rounds[0].results[0].error, run.text)
"""
ASKED = {
    "sync": "run = DeepSeekV4(mock).run_tools('Go.', [hang], tool_timeout=0.05)",
    "threads": "run = asyncio.run(AsyncDeepSeekV4(mock).run_tools('Go.', [hang], tool_timeout=0.05))",
}


@pytest.mark.parametrize("kind", ASKED)
def test_a_function_that_never_returns_does_not_keep_the_program(kind: str) -> None:
    program = STUCK.format(ask=ASKED[kind])
    done = run_forked(program)
    assert (done.stdout, done.stderr) == ("hang did not end within 0.05 s It hangs.\n", "")


INTERRUPTED = """
import signal, threading, time
from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.testing import MockProvider, script

def step(n: int) -> int:
    "A step; the user presses Ctrl+C in the second."
    if n == 2:
        time.sleep(0.2)  # until the main thread waits
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        threading.Event().wait()
    return n

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin without it
client = DeepSeekV4(MockProvider(script.tool_call("step", n=1), script.tool_call("step", n=2), script.text("On.")))
with client.tool_rounds("Go.", [step]) as rounds:
    try:
        for each in rounds:
            print(each.results[0].content)
    except KeyboardInterrupt:
        print([message.role for message in rounds.messages], rounds.messages.validate(client))
print(client.chat(rounds.messages).text)
"""


def test_an_interrupt_in_the_middle_of_a_function_leaves_the_rounds_before() -> None:
    done = run_forked(INTERRUPTED)
    assert (done.stdout, done.stderr) == ("1\n['user', 'assistant', 'tool'] []\nOn.\n", "")


@each_kind
def test_so_many_at_once_as_was_said(kind: Kind) -> None:
    """However few processors the machine has."""
    inside: set[int] = set()

    def meet(n: int) -> Pauses:
        """Waits for the others."""
        inside.add(n)
        for _ in range(5000):
            if len(inside) == 40:
                return n
            yield 0.001
        raise AssertionError("the others never came")

    turn = sum((script.tool_call("meet", n=n) for n in range(1, 40)), script.tool_call("meet", n=0))
    play = Play(kind, turn)
    assert results(play.run([play.tool(meet)], parallel=40)) == [str(n) for n in range(40)]


@each_kind
def test_a_tool_sees_the_context_of_its_caller(kind: Kind) -> None:
    """As tracing needs it."""

    def who() -> Pauses:
        """Tells for whom it runs."""
        yield 0
        return WHO.get()

    def main() -> list[str]:
        WHO.set("Ann")
        play = Play(kind, script.tool_call("who"))
        return results(play.run([play.tool(who)]))

    assert contextvars.copy_context().run(main) == ["Ann"]
