"""Mending a conversation without inventing content: moving, removing, making ids unique."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deepseek_v4_sdk.chat.call_ids import CallIds
from deepseek_v4_sdk.chat.messages import AssistantMessage, Message, ToolMessage, UserMessage
from deepseek_v4_sdk.chat.tool_call import ToolCall

__all__ = ["mend"]


def mend(messages: Sequence[Message], *, needs_reasoning: bool) -> tuple[list[Message], list[str]]:
    """Mend messages, and return them with the changes; indexes are those of the messages given.

    Args:
        messages: The conversation.
        needs_reasoning: Whether tool-calling turns since the last user message must carry reasoning.
    """
    done: list[str] = []
    mended: list[tuple[int, Message]] = []
    used = CallIds()
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
            mended.append((index, message))
        index += 1
    if needs_reasoning:
        _add_reasoning(mended, done)
    return [message for _, message in mended], done


def _mend_turn(
    messages: Sequence[Message],
    turn: AssistantMessage,
    start: int,
    used: CallIds,
    mended: list[tuple[int, Message]],
    done: list[str],
) -> int:
    """Mend a turn with calls and its results; return the index after it."""
    waiting: dict[str, list[int]] = {}  # the places of the calls that wait for a result, by id
    for place, call in enumerate(turn.tool_calls):
        waiting.setdefault(call.id, []).append(place)
    results: dict[int, tuple[int, ToolMessage]] = {}  # by the place of the call, in the order of the results
    foreign: list[tuple[int, Message]] = []
    end = start + 1
    while end < len(messages) and not isinstance(message := messages[end], AssistantMessage):
        if not isinstance(message, ToolMessage):
            foreign.append((end, message))
        elif places := waiting.get(message.tool_call_id):
            results[places.pop(0)] = (end, message)
        else:
            done.append(f"messages[{end}], a result for {message.tool_call_id!r} too many, was taken out")
        end += 1
    calls: list[ToolCall] = []
    for place, call in enumerate(turn.tool_calls):
        if place not in results:
            done.append(f"messages[{start}]: the call {call.id!r} of {call.name!r} without a result was taken out")
            continue
        new_id = used.own(call.id)
        if new_id != call.id:
            done.append(f"messages[{start}]: the id {call.id!r}, which an earlier call has too, became {new_id!r}")
            index, result = results[place]
            results[place] = (index, replace(result, tool_call_id=new_id))
        calls.append(replace(call, id=new_id).checked_by(call.check))
    kept = replace(turn, tool_calls=tuple(calls))
    if kept.tool_calls or kept.content or kept.reasoning:
        mended.append((start, kept))
    else:
        done.append(f"messages[{start}], of which nothing was left, was taken out")
    mended += results.values()
    last_result = max((index for index, _ in results.values()), default=start)
    done += [f"messages[{index}] was moved after the results" for index, _ in foreign if index < last_result]
    mended += foreign
    return end


def _add_reasoning(mended: list[tuple[int, Message]], done: list[str]) -> None:
    for place in range(len(mended) - 1, -1, -1):
        index, message = mended[place]
        if isinstance(message, UserMessage):
            return
        if isinstance(message, AssistantMessage) and message.tool_calls and message.reasoning is None:
            mended[place] = (index, replace(message, reasoning=""))
            done.append(f"messages[{index}] had no reasoning, which must be sent back: it became empty")
