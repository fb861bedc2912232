"""One turn of `deepseek-v4 chat`: a question, its answer on a screen, and the part of it that is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deepseek_v4_sdk import (
    AssistantMessage,
    ChatEvent,
    Conversation,
    DeepSeekV4,
    DeepSeekV4Error,
    ReasoningDelta,
    Reply,
    TextDelta,
)
from deepseek_v4_sdk.cli.facts import facts_of, facts_of_part, facts_of_run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deepseek_v4_sdk import ChatOptions, ChatStream, ToolCall, ToolRounds
    from deepseek_v4_sdk.cli.screen import Screen

__all__ = ["ChatTurn", "take"]


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """The result of a question.

    Attributes:
        messages: The conversation to continue: with the answer, or with its arrived part. When nothing had arrived, the
            question is not in it either.
        reply: The answer; None when it was stopped or has failed.
        error: The error.
        note: A note for the user; empty when there is none.
        alarms: Changes by the client that a person may want to hear of.
    """

    messages: Conversation
    reply: Reply | None = None
    error: DeepSeekV4Error | None = None
    note: str = ""
    alarms: tuple[str, ...] = ()

    @property
    def stopped(self) -> bool:
        """Whether the user stopped it."""
        return self.reply is None and self.error is None

    @property
    def remark(self) -> str:
        """A remark about it in one line; empty when all is well."""
        what = "stopped" if self.stopped else str(self.error or "")
        return "; ".join(part for part in (what, self.note, *self.alarms) if part)


@dataclass(slots=True)
class _Arrived:
    """The arrived part of the model's running turn."""

    screen: Screen
    text: list[str] = field(default_factory=list[str])
    reasoning: list[str] = field(default_factory=list[str])

    def event(self, event: ChatEvent) -> None:
        match event:
            case TextDelta(text):
                self.text.append(text)
            case ReasoningDelta(text):
                self.reasoning.append(text)
            case _:
                pass
        self.screen.show(event)

    def message(self) -> AssistantMessage:
        return AssistantMessage("".join(self.text), "".join(self.reasoning) or None)

    def clear(self) -> None:
        self.text, self.reasoning = [], []


def take(
    client: DeepSeekV4,
    asked: Conversation,
    tools: Sequence[object],
    screen: Screen,
    options: ChatOptions,
    approve: Callable[[ToolCall], bool] | None = None,
) -> ChatTurn:
    """Send the question, show the answer as it arrives, and keep its arrived part. Ctrl-C stops it.

    Args:
        client: The client.
        asked: The conversation, with the question at its end.
        tools: Functions that the model may call.
        screen: The display of the answer.
        options: The options of the chat.
        approve: Decides about each call; None runs all of them.
    """
    arrived = _Arrived(screen)
    messages, note, reply, error = asked.copy(), "", None, None
    facts = ""
    replies: list[Reply] = []
    partial: Reply | None = None
    stream: ChatStream | None = None
    rounds: ToolRounds | None = None
    screen.begin()
    try:
        if tools:
            loop: Any = {**options, "approve": approve}
            with client.tool_rounds(asked, tools, on_event=arrived.event, **loop) as rounds:
                messages = rounds.messages
                for each in rounds:
                    arrived.clear()
                    replies.append(each.reply)
                    for result in each.results:
                        screen.result(result)
            reply = rounds.run.reply
            note = _NOTES.get(rounds.run.stopped, "")
            facts = facts_of_run(rounds.run)
        else:
            with client.stream(asked, **options) as stream:
                for event in stream:
                    arrived.event(event)
                reply = stream.reply()
            facts = facts_of(reply)
            replies.append(reply)
            messages.add(reply)
    except KeyboardInterrupt:
        partial = stream.partial if stream is not None else None
    except DeepSeekV4Error as failed:
        error, partial = failed, failed.partial
        replies += [partial] if partial is not None else []
    finally:
        if reply is None and (arrived.text or arrived.reasoning):
            so_far = rounds.run if rounds is not None else partial
            sent = rounds.messages if rounds is not None else asked
            if so_far is not None:
                end = "stopped" if error is None else "broken off"
                facts = facts_of_part(client, sent, tools, arrived.message(), so_far, end)
        screen.end(facts)
    if reply is None:
        messages, note = _kept(messages, len(asked), arrived)
    alarms = dict.fromkeys(repair.detail for each in replies for repair in each.alarms)
    return ChatTurn(messages, reply, error, note, tuple(alarms))


_NOTES = {
    "no_call": "the model announced a call and made none; say: go on",
    "max_rounds": "so many turns with tools were allowed; ask again to go on",
    "pending": "a tool without a function was called",
}


def _kept(messages: Conversation, asked: int, arrived: _Arrived) -> tuple[Conversation, str]:
    """The conversation after an answer that is not whole: its arrived part stays."""
    if "".join(arrived.text).strip():
        messages.add(arrived.message())
        return messages, "the arrived part of the answer is kept"
    if len(messages) > asked:
        return messages, "the calls that were run are kept"
    return messages[: asked - 1], "nothing had arrived: the question is taken back"
