"""What a turn looks like, on a terminal that is emulated in the process and in a pipe."""

from __future__ import annotations

import io
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from deepseek_v4_sdk import (
    AssistantMessage,
    ChatEvent,
    Conversation,
    DeepSeekV4,
    ReasoningDelta,
    Reply,
    TextDelta,
    count_text,
)
from deepseek_v4_sdk.cli import screen
from deepseek_v4_sdk.cli.chat_session import ChatSession
from deepseek_v4_sdk.cli.facts import facts_of
from deepseek_v4_sdk.cli.screen import LiveScreen, PlainScreen
from deepseek_v4_sdk.testing import MockProvider, faults, script

if TYPE_CHECKING:
    from deepseek_v4_sdk.cli.screen import Reasoning, Screen
    from deepseek_v4_sdk.testing.script import Step

pyte = pytest.importorskip("pyte")

CALL = script.think("A tool helps.") + script.text("Let me see.") + script.tool_call("get_weather", city="Paris")


class Terminal:
    """A console of 80 columns, and what a person sees on it."""

    def __init__(self) -> None:
        self.written = io.StringIO()
        self.console = Console(
            file=self.written, force_terminal=True, width=80, height=30, highlight=False, legacy_windows=False
        )

    @property
    def lines(self) -> list[str]:
        shown = pyte.HistoryScreen(80, 30, history=1000)
        pyte.Stream(shown).feed(self.written.getvalue().replace("\n", "\r\n"))
        above = ["".join(line[column].data for column in sorted(line)) for line in shown.history.top]
        return [line.rstrip() for line in (*above, *shown.display) if line.strip()]

    def until(self, text: str) -> list[str]:
        """The lines, when one of them holds that text."""
        for _ in range(5000):
            lines = self.lines
            if any(text in line for line in lines):
                return lines
            time.sleep(0.002)
        raise AssertionError(self.lines)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "_PAUSE", 0.001)


def get_weather(city: str) -> str:
    """The weather in a city."""
    if city == "Atlantis":
        raise ValueError("there is no such city")
    return f"18 degrees in {city}"


def ask(shown: Screen, *steps: Step) -> None:
    """A turn with a tool."""
    talk = ChatSession(DeepSeekV4(MockProvider(*steps)), Conversation(), [get_weather], {}, shown)
    talk.ask("What is the weather?")


def test_a_call_and_its_result_stand_between_the_texts() -> None:
    terminal = Terminal()
    ask(LiveScreen(terminal.console, "folded"), CALL, script.text("It is warm."))
    *lines, facts = terminal.lines
    assert lines == [
        "reasoning: 0 s, 3 words",
        "Let me see.",
        '-> get_weather {"city": "Paris"}',
        "<- 18 degrees in Paris",
        "It is warm.",
    ]
    assert facts.startswith("stop, ")
    assert "\x1b[31m" not in terminal.written.getvalue()


def test_a_tool_that_fails_is_red() -> None:
    terminal = Terminal()
    ask(
        LiveScreen(terminal.console, "folded"),
        script.tool_call("get_weather", city="Atlantis"),
        script.text("There is none."),
    )
    assert any(line.startswith("<- ") and "there is no such city" in line for line in terminal.lines)
    assert "\x1b[31m<- " in terminal.written.getvalue()


def test_in_a_pipe_calls_are_no_part_of_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    ask(PlainScreen("live"), CALL, script.text("It is warm."))
    shown = capsys.readouterr()
    assert shown.out == "Let me see.\nIt is warm.\n"
    assert shown.err == 'A tool helps.\n-> get_weather {"city": "Paris"}\n<- 18 degrees in Paris\n'


def test_a_call_that_is_being_written_is_told() -> None:
    terminal = Terminal()
    live = LiveScreen(terminal.console, "folded")
    live.begin()
    with DeepSeekV4(MockProvider(CALL)) as client, client.stream("x", tools=[get_weather]) as stream:
        for event in stream:
            if event.type == "tool_call_ready":
                break
            live.show(event)
    assert terminal.until("calling get_weather 0 s")[:2] == ["reasoning: 0 s, 3 words", "Let me see."]
    live.end()
    assert terminal.lines == ["reasoning: 0 s, 3 words", "Let me see."]


@pytest.mark.parametrize(
    ("reasoning", "painted", "left"),
    [
        ("folded", "thinking 0 s, 4 words", ["reasoning: 0 s, 4 words"]),
        ("hidden", "thinking 0 s", []),
        ("live", "Second li", ["First line.", "Second li"]),
    ],
)
def test_thinking_that_is_stopped(reasoning: Reasoning, painted: str, left: list[str]) -> None:
    terminal = Terminal()
    live = LiveScreen(terminal.console, reasoning)
    live.begin()
    live.show(ReasoningDelta("First line.\nSecond li" if reasoning == "live" else "one two three four"))
    terminal.until(painted)
    live.end()
    assert terminal.lines == left


def test_of_a_long_block_the_end_is_shown_while_it_grows_and_all_of_it_when_it_is_there() -> None:
    terminal = Terminal()
    words = " ".join(f"word{number}" for number in range(1000))
    live = LiveScreen(terminal.console, "folded")
    live.begin()
    live.show(TextDelta(words))
    assert "word0" not in " ".join(terminal.until("word999")).split()
    live.end()
    assert " ".join(terminal.lines).split() == words.split()


def test_it_ends_also_where_it_has_not_begun() -> None:
    terminal = Terminal()
    LiveScreen(terminal.console, "folded").end()
    assert terminal.lines == []


class Stopping(PlainScreen):
    """The user presses Ctrl-C at an event; the facts are kept."""

    def __init__(self, after: int) -> None:
        super().__init__("hidden")
        self.left, self.facts = after, ""

    def show(self, event: ChatEvent) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt

    def end(self, facts: str = "") -> None:
        self.facts = facts


ANSWER = script.think("Let me see.") + script.text("One two three four five.")


def test_the_facts_of_an_answer_that_was_stopped() -> None:
    shown = Stopping(after=8)
    client = DeepSeekV4(MockProvider(ANSWER, flavor="deepseek", at=datetime(2026, 11, 21, tzinfo=UTC)), model="pro")
    turn = ChatSession(client, Conversation(), [], {}, shown).ask("Hi")
    assert turn.messages[-1] == AssistantMessage("One two three four", "Let me see.")
    prompt, reasoning = client.count_tokens("Hi").total, count_text("Let me see.")
    answer = count_text("One two three four") + reasoning
    assert shown.facts.startswith(
        f"stopped, about {prompt} tokens in, {answer} out ({reasoning} reasoning), at most 0.0"
    )
    assert " USD, first after 0." in shown.facts


def test_the_facts_of_an_answer_with_tools_that_was_stopped() -> None:
    """The first round is the server's count, the stopped one is counted here."""
    shown = Stopping(after=18)
    client = DeepSeekV4(MockProvider(CALL, script.text("It is quite warm there.")))
    turn = ChatSession(client, Conversation(), [get_weather], {}, shown).ask("What is the weather?")
    assert turn.stopped
    first = client.count_tokens("What is the weather?", [get_weather]).total
    found = re.fullmatch(r"stopped, about (\d+) tokens in, (\d+) out \(\d+ reasoning\)", shown.facts)
    assert found is not None
    assert int(found[1]) > 2 * first


def reply_to(step: Step) -> Reply:
    with DeepSeekV4(MockProvider(step)) as client:
        return client.chat("Hi", thinking="high")


@pytest.mark.parametrize(
    ("step", "facts"),
    [
        (
            script.think("Hm.") + script.text("Hi"),
            r"stop, \d+ tokens in, \d+ out \(\d+ reasoning\), first after \d.* s",
        ),
        (script.text("Hi") | faults.no_usage(), r"stop, first after \d\.\d\d s"),
        (script.text("Hi", finish_reason="length"), r"length, \d+ tokens in, \d+ out, first after \d\.\d\d s"),
    ],
    ids=["thinking", "no usage", "length"],
)
def test_facts_leave_out_what_nobody_told(step: Any, facts: str) -> None:
    assert re.fullmatch(facts, facts_of(reply_to(step)))
