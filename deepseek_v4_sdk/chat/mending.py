"""Mending a conversation without inventing content: moving, taking out, telling apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deepseek_v4_sdk.chat.messages import AssistantMessage, Message, ToolMessage, UserMessage
from deepseek_v4_sdk.chat.tool_call import ToolCall

__all__ = ["mend"]


def mend(messages: Sequence[Message], *, needs_reasoning: bool) -> tuple[list[Message], list[str]]:
    """The messages, mended, and what was done; indexes are those of the messages given.

    Args:
        messages: The conversation.
        needs_reasoning: Whether tool-calling turns since the last user message must carry reasoning.
    """
    done: list[str] = []
    mended: list[Message] = []
    used: set[str] = set()
    index = 0
    while index < len(messages):
        message = messages[index]
        if isinstance(message, AssistantMessage) and message.tool_calls:
            index = _mend_turn(messages, message, index, used, mended, done)
            continue
        if isinstance(message, ToolMessage):
            done.append(
                f"messages[{index}], a result for {message.tool_call_id!r} that no call waits for, was taken out"
            )
        else:
            mended.append(message)
        index += 1
    if needs_reasoning:
        _add_reasoning(mended, done)
    return mended, done


def _mend_turn(
    messages: Sequence[Message],
    turn: AssistantMessage,
    start: int,
    used: set[str],
    mended: list[Message],
    done: list[str],
) -> int:
    """Mend a turn with calls and what belongs to it; gives the index behind it."""
    results: dict[str, ToolMessage] = {}
    foreign: list[tuple[int, Message]] = []
    end = start + 1
    last_result = start
    for index in range(start + 1, len(messages)):
        message = messages[index]
        if isinstance(message, AssistantMessage):
            break
        if isinstance(message, ToolMessage):
            if message.tool_call_id in results or message.tool_call_id not in {call.id for call in turn.tool_calls}:
                done.append(f"messages[{index}], a result for {message.tool_call_id!r} too many, was taken out")
            else:
                results[message.tool_call_id] = message
                last_result = index
        else:
            foreign.append((index, message))
        end = index + 1
    calls: list[tuple[str, ToolCall]] = []
    for call in turn.tool_calls:
        if call.id not in results:
            done.append(f"messages[{start}]: the call {call.id!r} of {call.name!r} without a result was taken out")
            continue
        new_id = call.id
        while new_id in used:
            new_id += "_"
        used.add(new_id)
        if new_id != call.id:
            done.append(f"messages[{start}]: the id {call.id!r}, which an earlier call has too, became {new_id!r}")
            results[call.id] = replace(results[call.id], tool_call_id=new_id)
        calls.append((call.id, replace(call, id=new_id)))
    kept = replace(turn, tool_calls=tuple(call for _, call in calls))
    if kept.tool_calls or kept.content or kept.reasoning:
        mended.append(kept)
    else:
        done.append(f"messages[{start}], of which nothing was left, was taken out")
    mended += [results[call_id] for call_id, _ in calls]
    done += [f"messages[{index}] was moved behind the results" for index, _ in foreign if index < last_result]
    mended += [message for _, message in foreign]
    return end


def _add_reasoning(mended: list[Message], done: list[str]) -> None:
    for index in range(len(mended) - 1, -1, -1):
        message = mended[index]
        if isinstance(message, UserMessage):
            return
        if isinstance(message, AssistantMessage) and message.tool_calls and message.reasoning is None:
            mended[index] = replace(message, reasoning="")
            done.append(f"messages[{index}] had no reasoning, which must be sent back: it became empty")
