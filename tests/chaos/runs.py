"""One run under chaos: what is asked, what the server would say, and the judgement on what came of it."""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import dataclass, field
from typing import Any

from deepseek_v4_sdk import (
    DeepSeekV4Error,
    Finished,
    ReasoningDelta,
    Reply,
    StreamRestarted,
    TextDelta,
    Timeouts,
)
from deepseek_v4_sdk.chat import ChatEvent
from deepseek_v4_sdk.testing import script
from deepseek_v4_sdk.testing.requests import MockRequest
from deepseek_v4_sdk.testing.script import Turn
from tests.chaos.plans import draw_plan
from tests.chaos.proxy import MARK

__all__ = ["LONGEST", "Received", "Run", "answer_to", "draw_run", "name_of", "names_in", "turn_of"]

LONGEST = 1.0
"""The total timer of a run, in seconds."""
_WORDS = ("owl", "night", "wing", "Eule", "猫头鹰", "🦉", "naïve", "{", '"', "\\", "\n", "</b>", "data: x", "§§")
_NAME = re.compile(r"owl-[0-9a-f]{12}(?![0-9a-f])")
_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {"type": "object", "properties": {"where": {"type": "string"}, "far": {"type": "integer"}}},
    },
}


@dataclass(frozen=True)
class Run:
    """One run: how it is asked, and with which options."""

    number: int
    way: str
    options: dict[str, Any]

    @property
    def question(self) -> str:
        """It names the run, so that the server can answer each in its own way."""
        return f"Question {self.number}: what do owls see?"


def draw_run(seed: int, number: int) -> Run:
    """The run of that number."""
    dice = random.Random(f"run:{seed}:{number}")
    way = dice.choice(("stream", "stream", "chat", "plain", "left"))
    timeouts = Timeouts(connect=0.2, first_event=0.2, idle=dice.choice((0.05, 0.1, 0.2)), total=LONGEST)
    options: dict[str, Any] = {"timeout": timeouts, "extra_headers": {MARK: str(number)}, "tools": [_TOOL]}
    if way == "plain":
        options["wire"] = "plain"
    elif way != "left" and dice.random() < 0.3:
        options["on_interrupt"] = "restart"
    return Run(number, way, options)


def name_of(number: int) -> str:
    """The name of that run, in every part of its answer. Doubled bytes make no other run's name of it."""
    return f"owl-{hashlib.sha256(b'run %d' % number).hexdigest()[:12]}"


def names_in(text: str) -> set[str]:
    """The names of runs in a text."""
    return set(_NAME.findall(text))


def turn_of(number: int) -> Turn:
    """What the server says in the run of that number."""
    dice, name = random.Random(f"turn:{number}"), name_of(number)

    def words(most: int) -> str:
        said = [dice.choice(_WORDS) for _ in range(dice.randint(3, most))]
        return " ".join([name, *said[: len(said) // 2], name, *said[len(said) // 2 :]])

    parts = [script.think(words(30)), script.text(f"Answer {number}: {words(40)}")]
    parts += [script.tool_call("look", where=words(6), far=place) for place in range(dice.choice((0, 0, 1, 2)))]
    return script.turn(*parts)


def answer_to(request: MockRequest) -> Turn:
    """The same, from the request."""
    found = re.search(r"Question (\d+):", request.text)
    assert found is not None
    return turn_of(int(found[1]))


@dataclass
class Received:
    """What a run came to."""

    events: list[ChatEvent] = field(default_factory=list)
    reply: Reply | None = None
    error: BaseException | None = None
    seconds: float = 0.0

    def check_completeness(self, run: Run, seed: int, retries: int) -> str:
        """The outcome in words; an outcome that must not be fails."""
        said = turn_of(run.number)
        # Doubled bytes may make a stream that is whole and says something twice: nobody can notice that.
        told = all(draw_plan(seed, run.number, attempt).kind != "duplicate" for attempt in range(1, retries + 2))
        assert self.seconds < LONGEST + 10, run
        assert self.names() <= {name_of(run.number)}, f"{run} was given another's answer"
        if self.error is not None:
            assert isinstance(self.error, DeepSeekV4Error), (run, repr(self.error))
            if told and self.error.partial is not None:
                check_prefix(self.error.partial, said)
            return type(self.error).__name__
        if run.way == "left":
            return "left early"
        assert self.reply is not None
        if told:
            assert calls_of(self.reply) == [(call.name, call.arguments) for call in said.calls], run
            assert (self.reply.text, self.reply.reasoning or "") == (said.text, said.reasoning), run
        if run.way == "stream":
            self._check_events()
        if any(isinstance(event, StreamRestarted) for event in self.events):
            return "complete, begun anew"
        return "complete, tried again" if len(self.reply.attempts) > 1 else "complete"

    def names(self) -> set[str]:
        """The names of runs in all that was heard, whole or not."""
        replies = [self.reply, getattr(self.error, "partial", None)]
        texts = [repr(event) for event in self.events] + [str(self.error)]
        texts += [repr(reply.to_dict()) for reply in replies if reply is not None]
        return set().union(*map(names_in, texts))

    def _check_events(self) -> None:
        """The events since the last new beginning say what the reply says."""
        assert self.reply is not None
        starts = [place for place, event in enumerate(self.events) if isinstance(event, StreamRestarted)]
        events = self.events[starts[-1] + 1 if starts else 0 :]
        assert isinstance(events[-1], Finished)
        assert "".join(event.text for event in events if isinstance(event, TextDelta)) == self.reply.text
        thought = "".join(event.text for event in events if isinstance(event, ReasoningDelta))
        assert thought == (self.reply.reasoning or "")


def calls_of(reply: Reply) -> list[tuple[str, str]]:
    return [(call.name, call.arguments) for call in reply.tool_calls]


def check_prefix(partial: Reply, said: Turn) -> None:
    """What had arrived is a beginning of what the server would have said."""
    assert said.text.startswith(partial.text)
    assert said.reasoning.startswith(partial.reasoning or "")
    whole = [(call.name, call.arguments) for call in said.calls]
    arrived = calls_of(partial)
    assert arrived == whole[: len(arrived)]
    for call, scripted in zip(partial.partial_tool_calls, whole[len(arrived) :], strict=False):
        assert scripted[0].startswith(call.name)
        assert scripted[1].startswith(call.arguments)
