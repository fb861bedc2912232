"""Conversations for fitting: valid ones of any shape, and one that grows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from deepseek_v4_sdk.chat import (
    AssistantMessage,
    Conversation,
    Message,
    ReminderMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tests.prompt.conversations import texts

TOOL: dict[str, Any] = {"name": "look", "description": "Look it up.", "parameters": {"type": "object"}}
_sizes = st.sampled_from((0, 1, 5, 20, 60, 200))


@st.composite
def _texts(draw: st.DrawFn) -> str:
    return draw(texts) + "word " * draw(_sizes) + draw(texts)


@st.composite
def talks(draw: st.DrawFn) -> list[Message]:
    """A valid conversation: instructions, turns of the user, answers, rounds of calls, late instructions, reminders."""
    messages: list[Message] = [SystemMessage(draw(_texts())) for _ in range(draw(st.integers(0, 2)))]
    number = 0
    for _ in range(draw(st.integers(1, 6))):
        if draw(st.integers(0, 9)) == 0:
            messages.append(SystemMessage(draw(_texts()), late=True))
        if draw(st.integers(0, 9)) == 0:
            messages.append(ReminderMessage(draw(_texts())))
        messages += [UserMessage(draw(_texts())) for _ in range(draw(st.sampled_from((1, 1, 1, 2))))]
        for _ in range(draw(st.sampled_from((0, 1, 1, 2, 4)))):
            ids = [f"{draw(st.sampled_from('zab'))}{number + place}" for place in range(draw(st.integers(1, 3)))]
            number += len(ids)
            calls = tuple(ToolCall(call_id, "look", '{"q": "x"}') for call_id in ids)
            messages.append(AssistantMessage(draw(_texts()), draw(_texts()), calls))
            messages += [ToolMessage(draw(_texts()), call_id) for call_id in draw(st.permutations(ids))]
        if draw(st.booleans()):
            messages.append(AssistantMessage(draw(_texts()), draw(st.one_of(st.none(), _texts()))))
    if isinstance(messages[-1], AssistantMessage) and draw(st.booleans()):
        messages.append(UserMessage(draw(_texts())))
    return messages


def growing(rounds: int, *, turn: int = 5, result: int = 100) -> Iterator[Conversation]:
    """A conversation as it is at each request of an agent, which answers the user after so many rounds."""
    conversation = Conversation().system("You look things up. " * 5)
    for number in range(rounds):
        if number % turn == 0:
            if number:
                conversation.add(AssistantMessage(f"That was turn {number // turn}.", "Enough."))
            conversation.user(f"Question {number}: " + "why " * 20)
        yield conversation
        call = ToolCall(f"c{number}", "look", f'{{"page": {number}}}')
        conversation.add(AssistantMessage(None, f"I look at page {number}.", (call,)))
        conversation.add(ToolMessage(f"Page {number}: " + "line\n" * (result + number % 7), f"c{number}"))
        yield conversation
