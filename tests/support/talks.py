"""Conversations with one thing wrong in each, and ways to make messages."""

from __future__ import annotations

from deepseek_v4_sdk.chat import (
    AssistantMessage,
    Message,
    ReminderMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)

__all__ = ["PROVIDERS", "WRONG", "asks", "late", "result", "user"]

PROVIDERS = ("nvidia", "nim", "vllm", "sglang", "deepseek", "dynamo")


def user(text: str = "Go.") -> Message:
    return UserMessage(text)


def asks(*ids: str, arguments: str = '{"city": "Paris"}', reasoning: str | None = "Hm.") -> AssistantMessage:
    """A turn that calls tools."""
    return AssistantMessage(None, reasoning, tuple(ToolCall(name, "get_weather", arguments) for name in ids))


def result(call_id: str, text: str = "21") -> Message:
    return ToolMessage(text, call_id)


def late() -> Message:
    return SystemMessage("Now be brief.")


WRONG: dict[str, tuple[list[Message], list[tuple[int, str, bool]]]] = {
    "nothing": ([SystemMessage("s"), user(), asks("a", "b"), result("b"), result("a"), user()], []),
    "calls of two turns": ([user(), asks("a"), result("a"), asks("b"), result("b")], []),
    "two system messages in front": ([SystemMessage("s"), SystemMessage("t"), user()], []),
    "a system message that may be late": ([user(), SystemMessage("s", late=True)], []),
    "an orphan": ([user(), result("a")], [(1, "orphan_result", True)]),
    "an orphan with another id": (
        [user(), asks("a"), result("b"), result("a")],
        [(2, "orphan_result", True)],
    ),
    "a result of a call long answered": (
        [user(), asks("a"), result("a"), asks("b"), result("b"), result("a")],
        [(5, "orphan_result", True)],
    ),
    "a second result": ([user(), asks("a"), result("a"), result("a")], [(3, "second_result", True)]),
    "no result": ([user(), asks("a")], [(1, "missing_result", True)]),
    "no result, and the user goes on": ([user(), asks("a"), user()], [(1, "missing_result", True)]),
    "one result of two": ([user(), asks("a", "b"), result("b"), user()], [(1, "missing_result", True)]),
    "no result, and the model goes on": (
        [user(), asks("a"), AssistantMessage("x"), user()],
        [(1, "missing_result", True)],
    ),
    "a user message between": ([user(), asks("a"), user(), result("a")], [(2, "foreign_message", True)]),
    "a system message between": (
        [user(), asks("a"), late(), result("a")],
        [(2, "foreign_message", True), (2, "late_system", True)],
    ),
    "a reminder between": (
        [user(), asks("a", "b"), result("a"), ReminderMessage("r"), result("b")],
        [(3, "foreign_message", True), (3, "reminder", False)],
    ),
    "an id in two turns": (
        [user(), asks("a"), result("a"), asks("a"), result("a")],
        [(3, "duplicate_id", False)],
    ),
    "an id twice in a turn": ([user(), asks("a", "a"), result("a")], [(1, "duplicate_id", True)]),
    "arguments that are a list": (
        [user(), asks("a", arguments="[1]"), result("a")],
        [(1, "bad_arguments", False)],
    ),
    "arguments that were cut": (
        [user(), asks("a", arguments='{"city": "Pa'), result("a")],
        [(1, "bad_arguments", False)],
    ),
    "a late system message": ([user(), late(), user()], [(1, "late_system", True)]),
    "a system message behind an answer": (
        [SystemMessage("s"), user(), AssistantMessage("x"), late()],
        [(3, "late_system", True)],
    ),
    "a reminder": ([user(), ReminderMessage("r"), user()], [(1, "reminder", False)]),
    "a reminder at the end": ([user(), ReminderMessage("r")], [(1, "reminder", False)]),
    "a developer": ([SystemMessage("d", developer=True), user()], [(0, "developer", False)]),
    "several": (
        [user(), result("x"), asks("a"), result("a"), late(), asks("a")],
        [(1, "orphan_result", True), (4, "late_system", True), (5, "duplicate_id", False), (5, "missing_result", True)],
    ),
}
"""Messages, and the index, kind and weight of each problem that every server has with them."""
