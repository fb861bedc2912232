"""Messages in the form of the encoders: roles that V4 knows, texts joined, tool results folded into user turns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

from deepseek_v4_sdk.chat import (
    AssistantMessage,
    Content,
    JsonValue,
    MessagesInput,
    ReminderMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
    is_mapping,
    read_message,
    read_messages,
)
from deepseek_v4_sdk.chat.checks import is_iterable
from deepseek_v4_sdk.prompt.literals import BLANK_LINE, RESULT_CLOSE, RESULT_OPEN

Role: TypeAlias = Literal["system", "developer", "user", "tool", "assistant", "latest_reminder"]


@dataclass(slots=True)
class UserBlock:
    """A part of a user turn: a text of the user, or the result of the call with that id."""

    text: str
    call_id: str | None = None


@dataclass(slots=True)
class RenderTurn:
    """A message, or several that are rendered as one turn.

    Attributes:
        role: Its role. After folding there is no "tool".
        indices: The messages in it.
        text: The text; that of a user turn is in its blocks.
        blocks: The parts of a user turn.
        reasoning: Of an assistant turn.
        calls: Of an assistant turn, in the model's order.
        call_id: Of a tool result.
        fields: The message's further fields.
    """

    role: Role
    indices: list[int]
    text: str = ""
    blocks: list[UserBlock] = field(default_factory=list[UserBlock])
    reasoning: str = ""
    calls: Sequence[ToolCall] = ()
    call_id: str = ""
    fields: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])

    @property
    def where(self) -> str:
        """The name of its first message, for an error."""
        return f"messages[{self.indices[0]}]" if self.indices else "messages"

    @property
    def task(self) -> JsonValue:
        """The internal task it asks for, or None."""
        return self.fields.get("task")


def read_turns(messages: MessagesInput, *, null_is_empty: bool) -> list[RenderTurn]:
    """Return one turn for each message, in any form.

    Args:
        messages: Messages as `read_messages` accepts them. Two more things are kept: a mapping may have the role
            `developer`, and arguments of calls that are not JSON.
        null_is_empty: Whether a user message may have null as its content.

    Raises:
        InvalidRequestError: A message is wrong; the text names it.
    """
    items: Iterable[object]
    items = [messages] if is_mapping(messages) else messages if is_iterable(messages) else read_messages(messages)
    turns = [_turn(item, index, null_is_empty=null_is_empty) for index, item in enumerate(items)]
    if not turns:
        read_messages(())  # raises
    return turns


def _turn(item: object, index: int, *, null_is_empty: bool) -> RenderTurn:
    indices = [index]
    role = None
    if is_mapping(item):
        role = item.get("role")
        if role == "assistant":
            item = _with_calls(item)
        elif role == "user" and null_is_empty and item.get("content") is None:
            item = {**item, "content": ""}
    message = read_message(item, f"messages[{index}]")
    text = _text(message.content)
    match message:
        case UserMessage():
            return RenderTurn("user", indices, blocks=[UserBlock(text)], fields=message.extra)
        case ToolMessage():
            return RenderTurn("tool", indices, text, call_id=message.tool_call_id)
        case AssistantMessage():
            return RenderTurn(
                "assistant",
                indices,
                text,
                reasoning=message.reasoning or "",
                calls=message.tool_calls,
                fields=message.extra,
            )
        case SystemMessage():
            return RenderTurn("developer" if role == "developer" else "system", indices, text, fields=message.extra)
        case ReminderMessage():
            return RenderTurn("latest_reminder", indices, text, fields=message.extra)


def _text(content: Content | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return BLANK_LINE.join(content)


def _with_calls(item: Mapping[str, object]) -> Mapping[str, object]:
    """An assistant mapping whose calls are objects, so that their arguments are not checked."""
    calls = item.get("tool_calls")
    if not isinstance(calls, list | tuple):
        return item
    return {**item, "tool_calls": [_call(call) for call in cast("list[object]", calls)]}


def _call(call: object) -> object:
    function = call.get("function") if is_mapping(call) else None
    if is_mapping(call) and is_mapping(function):
        parts = call.get("id"), function.get("name"), function.get("arguments", "")
        if all(isinstance(part, str) for part in parts):
            return ToolCall(*cast("tuple[str, str, str]", parts))
    return call


def folded(turns: Iterable[RenderTurn]) -> list[RenderTurn]:
    """Fold tool results and neighbouring user messages into one user turn each.

    A text that follows a message with a task starts a separate turn. Of several messages in one turn, the fields of the
    first count.
    """
    fold: list[RenderTurn] = []
    for turn in turns:
        if turn.role not in {"user", "tool"}:
            fold.append(turn)
            continue
        blocks = turn.blocks if turn.role == "user" else [UserBlock(turn.text, turn.call_id)]
        before = fold[-1] if fold else None
        if before is not None and before.role == "user" and (turn.role == "tool" or before.task is None):
            before.blocks.extend(blocks)
            before.indices += turn.indices
        else:
            fold.append(RenderTurn("user", turn.indices, blocks=blocks, fields=turn.fields))
    return fold


def sort_results(turn: RenderTurn, order: Mapping[str, int]) -> None:
    """Sort the results of a user turn in the order of their calls; texts keep their places.

    An id that is not among the calls sorts like the first one (vLLM 0.33).
    """
    places = [place for place, block in enumerate(turn.blocks) if block.call_id is not None]
    if len(places) > 1:
        results = sorted((turn.blocks[place] for place in places), key=lambda block: order.get(block.call_id or "", 0))
        for place, block in zip(places, results, strict=True):
            turn.blocks[place] = block


def user_text(blocks: Iterable[UserBlock]) -> str:
    """Join the blocks of a user turn."""
    texts = [block.text if block.call_id is None else f"{RESULT_OPEN}{block.text}{RESULT_CLOSE}" for block in blocks]
    return texts[0] if len(texts) == 1 else BLANK_LINE.join(texts)
