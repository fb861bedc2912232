"""The problems of a conversation, found in one walk that resumes when messages are added."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Literal, TypeAlias

from deepseek_v4_sdk.chat.messages import (
    AssistantMessage,
    Message,
    ReminderMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)

__all__ = ["History", "HistoryRules", "Problem", "ProblemKind", "first_fatal"]

ProblemKind: TypeAlias = Literal[
    "orphan_result",
    "second_result",
    "missing_result",
    "foreign_message",
    "duplicate_id",
    "bad_arguments",
    "missing_reasoning",
    "late_system",
    "reminder",
    "developer",
]
"""The kind of a problem, in a word that programs can compare."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a conversation.

    Attributes:
        index: The index of its message.
        kind: Its kind.
        text: Its description and place, and the remedy.
        fatal: Whether the server refuses a request with it; else it is only worth knowing.
    """

    index: int
    kind: ProblemKind
    text: str
    fatal: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRules:
    """The rules of a server that differ from those of others.

    Attributes:
        late_system: The treatment of a system message that is not at the front.
        reminders: Whether the role `latest_reminder` exists.
        needs_reasoning: Whether a tool-calling turn since the last user message must carry its reasoning while
            thinking is on.
    """

    late_system: str = "it is rendered differently by every server"
    reminders: bool = True
    needs_reasoning: bool = False


_ANY = HistoryRules()


class History:
    """The findings of a walk over a conversation. Added messages are walked over once.

    Args:
        messages: The messages so far. The walk happens at the first question: counting needs none.
    """

    def __init__(self, messages: Iterable[Message] = ()) -> None:
        self.length = 0
        self._found: list[Problem] = []
        self._ids: dict[str, int] = {}  # every call id, and the message of the call
        self._open: dict[str, int] = {}  # calls of the last turn that wait for their results
        self._answered: set[str] = set()  # calls of the last turn that have theirs
        self._between: list[int] = []  # other messages since that turn
        self._in_front = True  # only system messages so far
        self._late_systems: list[int] = []
        self._reminders: list[int] = []
        self._developers: list[int] = []
        self._without_reasoning: list[int] = []  # tool-calling turns without reasoning since the last user message
        self._waiting: Iterable[Message] = messages

    def extend(self, messages: Iterable[Message]) -> None:
        """Walk over further messages."""
        self._catch_up()
        self._walk(messages)

    def _catch_up(self) -> None:
        waiting, self._waiting = self._waiting, ()
        self._walk(waiting)

    def _walk(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._see(self.length, message)
            self.length += 1

    def snapshot(self) -> History:
        """Copy the findings; the copy stays unchanged when the conversation grows."""
        self._catch_up()
        taken = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, list | dict | set):
                setattr(taken, name, value.copy())
        return taken

    def problems(self, rules: HistoryRules | None = None, *, thinking: bool = True) -> list[Problem]:
        """List every problem, by index.

        Args:
            rules: The rules of the server; None names differences between servers without details.
            thinking: Whether thinking is on.
        """
        self._catch_up()
        known = rules or _ANY
        lists = (self._found, self._open, self._late_systems, self._reminders, self._developers)
        if not any(lists) and not self._without_reasoning:
            return []
        found = list(self._found)
        found += [_missing(index, call_id) for call_id, index in self._open.items()]
        found += [
            Problem(
                index,
                "late_system",
                f"messages[{index}] is a system message after others: {known.late_system}; put it first, make it a "
                "latest_reminder, or say SystemMessage(..., late=True)",
            )
            for index in self._late_systems
        ]
        found += [self._reminder(index, known) for index in self._reminders]
        found += [
            Problem(index, "developer", f"messages[{index}] has the role developer and goes out as system", fatal=False)
            for index in self._developers
        ]
        if known.needs_reasoning and thinking:
            found += [
                Problem(
                    index,
                    "missing_reasoning",
                    f"messages[{index}] calls tools and lacks its reasoning, which must be sent back: "
                    "add the reply itself to the conversation",
                )
                for index in self._without_reasoning
            ]
        return sorted(found, key=lambda problem: problem.index)

    def _reminder(self, index: int, rules: HistoryRules) -> Problem:
        if not rules.reminders:
            text = f"messages[{index}] is a latest_reminder, a role that does not exist here: make it a user message"
            return Problem(index, "reminder", text)
        where = "last: it would follow the opening of the answer" if index == self.length - 1 else "there"
        text = f"messages[{index}] is a latest_reminder, and {where}; its place is before the last user message"
        return Problem(index, "reminder", text, fatal=False)

    def _see(self, index: int, message: Message) -> None:
        if isinstance(message, ToolMessage):
            self._see_result(index, message)
            return
        if isinstance(message, AssistantMessage):
            self._see_answer(index, message)
        elif self._open:
            self._between.append(index)
        if isinstance(message, SystemMessage):
            if not self._in_front and not message.late:
                self._late_systems.append(index)
            if message.developer:
                self._developers.append(index)
            return
        if isinstance(message, ReminderMessage):
            self._reminders.append(index)
        if isinstance(message, UserMessage):
            self._without_reasoning.clear()
        self._in_front = False

    def _see_answer(self, index: int, message: AssistantMessage) -> None:
        self._found += [_missing(asked, call_id) for call_id, asked in self._open.items()]
        self._open, self._answered, self._between = {}, set(), []
        for place, call in enumerate(message.tool_calls):
            where = f"messages[{index}].tool_calls[{place}]"
            if call.id in self._ids:
                other = self._ids[call.id]
                text = f"{where} has the id {call.id!r}, which messages[{other}] has too"
                here = other == index  # a result could belong to either
                what = "ids must differ" if here else "it goes out under another"
                self._found.append(Problem(index, "duplicate_id", f"{text}: {what}", fatal=here))
            if not call.is_object:
                text = (
                    f"{where} has arguments that are not a JSON object; they are sent as one argument named 'arguments'"
                )
                self._found.append(Problem(index, "bad_arguments", text, fatal=False))
            self._ids[call.id] = index
            self._open[call.id] = index
        if message.tool_calls and message.reasoning is None:
            self._without_reasoning.append(index)

    def _see_result(self, index: int, message: ToolMessage) -> None:
        call_id = message.tool_call_id
        if call_id in self._open:
            for foreign in self._between:
                text = (
                    f"messages[{foreign}] is between the tool calls of messages[{self._open[call_id]}] and their "
                    f"results: put it after messages[{index}]"
                )
                self._found.append(Problem(foreign, "foreign_message", text))
            self._between = []
            del self._open[call_id]
            self._answered.add(call_id)
        elif call_id in self._answered:
            text = f"messages[{index}] is a second result for the call {call_id!r}: leave one out"
            self._found.append(Problem(index, "second_result", text))
        else:
            text = f"messages[{index}] is a result for {call_id!r}, a call that no assistant message before it has made"
            self._found.append(Problem(index, "orphan_result", text))
        self._in_front = False


def _missing(index: int, call_id: str) -> Problem:
    return Problem(
        index,
        "missing_result",
        f"messages[{index}] calls a tool ({call_id!r}) that has no result: add a tool message for it right after",
    )


def first_fatal(problems: Sequence[Problem]) -> str | None:
    """The text of the first problem that makes the server refuse a request, with the number of the others."""
    fatal = [problem for problem in problems if problem.fatal]
    if not fatal:
        return None
    more = f" (and {len(fatal) - 1} more: see Conversation.validate())" if len(fatal) > 1 else ""
    return fatal[0].text + more
