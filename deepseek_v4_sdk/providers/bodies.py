"""Writing bodies: messages, tools and switches of a request in the form that a server's data requires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from deepseek_v4_sdk.chat import (
    AssistantMessage,
    CallIds,
    ChatRequest,
    Content,
    JsonValue,
    Message,
    OfferedTools,
    Repair,
    Thinking,
    ToolCall,
    ToolMessage,
    UserMessage,
    is_mapping,
    mark_tokens,
    spaced_json,
    spelled_token,
    write_json,
)
from deepseek_v4_sdk.errors import InvalidRequestError, UnsupportedOptionError
from deepseek_v4_sdk.providers.provider import ProviderData

__all__ = [
    "check_thinking",
    "encoded",
    "marked_tokens",
    "merge",
    "messages_as_rendered",
    "messages_body",
    "thinking_body",
    "thinking_level",
    "tool_choice_body",
]

_BLANK_LINE = "\n\n"
"""The separator of a text's parts, and of a text and its block of calls."""

_LEVELS: tuple[Thinking, ...] = ("off", "low", "high", "max")


def messages_body(data: ProviderData, request: ChatRequest) -> list[JsonValue]:
    """Write messages in a server's form. Calls get sortable ids where its prompt sorts by them; results follow.

    Raises:
        InvalidRequestError: A text spells a control token, and `control_tokens` is "refuse".
    """
    body: list[JsonValue] = []
    for message in _as_sent(data, request, always=True):
        item = message.to_dict()
        if isinstance(message, AssistantMessage):
            if message.content is None and not message.tool_calls:
                item["content"] = ""
            reasoning = message.reasoning
            if reasoning is None and message.tool_calls and data.fills_reasoning:
                reasoning = ""
            if reasoning is not None:
                item.pop("reasoning", None)
                for key in data.reasoning_keys:
                    item[key] = reasoning
        body.append(item)
    return body


def messages_as_rendered(data: ProviderData, request: ChatRequest) -> tuple[Message, ...]:
    """Return messages that render like those in the body. Ids do not show in a prompt, so most are the same objects.

    Raises:
        InvalidRequestError: As `messages_body`.
    """
    return tuple(_as_sent(data, request, always=False))


def marked_tokens(request: ChatRequest) -> tuple[Repair, ...]:
    """Return a note for each message in which control tokens are marked."""
    if request.control_tokens != "mark":
        return ()
    notes: list[Repair] = []
    for index, message in enumerate(request.messages):
        if isinstance(message, UserMessage | ToolMessage) and (count := mark_tokens(_joined(message.content))[1]):
            note = f"messages[{index}] spells {count} control token(s) of V4's: their bars were sent as broken ones"
            notes.append(Repair("marked_tokens", note))
    return tuple(notes)


def _as_sent(data: ProviderData, request: ChatRequest, *, always: bool) -> Iterator[Message]:
    """The messages of the request; without `always` ids change only where they would reorder."""
    wire_ids: dict[str, str] = {}
    ids = CallIds()
    for index, given in enumerate(request.messages):
        message = _with_sent_text(data, request, given, index)
        if isinstance(message, AssistantMessage) and message.tool_calls:
            wire_ids = _wire_ids(data, message, ids, always=always)
            calls = tuple(_sent_call(call, wire_ids.get(call.id, call.id)) for call in message.tool_calls)
            changed = any(new is not old for new, old in zip(calls, message.tool_calls, strict=True))
            yield replace(message, tool_calls=calls) if changed else message
        elif isinstance(message, ToolMessage) and message.tool_call_id in wire_ids:
            yield replace(message, tool_call_id=wire_ids[message.tool_call_id])
        else:
            yield message


def _with_sent_text(data: ProviderData, request: ChatRequest, message: Message, index: int) -> Message:
    """A message with the text that is sent; most are the same."""
    content = message.content
    if content is None:
        return message
    # Some servers join parts with a blank line, some with nothing (facts/vllm-0.33 2): all read one text alike.
    text = _joined(content)
    if isinstance(message, AssistantMessage):
        if message.tool_calls and data.renderer.dialect == "vllm":
            # vLLM's parser leaves the blank line before a call in the text, and its encoder writes one itself.
            text = text.removesuffix(_BLANK_LINE)
    elif request.control_tokens != "send" and isinstance(message, UserMessage | ToolMessage):
        if request.control_tokens == "mark":
            text, _ = mark_tokens(text)
        elif (token := spelled_token(text)) is not None:
            raise InvalidRequestError(
                f"{data.name}: messages[{index}] spells {token!r}, a control token of V4's, and control_tokens is "
                "'refuse': take it out, or give control_tokens='mark'"
            )
    return message if text is content else replace(message, content=text)


def _joined(content: Content) -> str:
    return content if isinstance(content, str) else _BLANK_LINE.join(content)


def _wire_ids(data: ProviderData, message: AssistantMessage, ids: CallIds, *, always: bool) -> dict[str, str]:
    """New ids for those calls of a turn that need them: sortable where the server sorts, and of one call each."""
    given = [call.id for call in message.tool_calls]
    if not always:
        return {} if not data.sorts_calls_by_id or given == sorted(given) else _sortable_ids(message)
    sortable = _sortable_ids(message) if data.sorts_calls_by_id else {}
    own = {each: ids.own(sortable.get(each, each)) for each in given}
    return {old: new for old, new in own.items() if new != old}


def thinking_level(data: ProviderData, request: ChatRequest) -> Thinking:
    """The thinking level of a request.

    Raises:
        UnsupportedOptionError: The server lacks the level, and the caller did not allow the nearest.
    """
    table, wanted = data.thinking, request.thinking
    if wanted in table:
        return wanted
    offered: list[Thinking] = [level for level in _LEVELS if level in table]
    if request.on_unsupported != "nearest":
        raise UnsupportedOptionError(
            f"{data.name} has no thinking={wanted!r}; it has {', '.join(offered)}: "
            "choose one, or give on_unsupported='nearest'",
            option="thinking",
            provider=data.name,
        )

    def distance(level: Thinking) -> int:
        return abs(_LEVELS.index(level) - _LEVELS.index(wanted))

    # "off" is never replaced by a level, nor a level by "off".
    thinking: list[Thinking] = [level for level in offered if level != "off"]
    return min(thinking, key=distance)


def thinking_body(data: ProviderData, request: ChatRequest) -> tuple[dict[str, JsonValue], tuple[Repair, ...]]:
    """Return the thinking switch, and a note when another level had to be taken.

    Raises:
        UnsupportedOptionError: As `thinking_level`.
    """
    wanted, taken = request.thinking, thinking_level(data, request)
    notes: tuple[Repair, ...] = ()
    if taken != wanted:
        notes = (Repair("thinking_level", f"{data.name} has no thinking={wanted!r}; {taken!r} was sent"),)
    return _copied(data.thinking[taken]), notes


def check_thinking(request: ChatRequest, thinking: Mapping[str, JsonValue]) -> None:
    """Refuse an `extra_body` that contradicts the thinking level.

    Servers have several switches and combine them differently: vLLM thinks when one of two is on (facts/vllm 2.3).

    Args:
        request: The request.
        thinking: The switch that will be sent.

    Raises:
        InvalidRequestError: It contradicts the level; the text names the place and the level to give instead.
    """
    efforts = [part["reasoning_effort"] for part in _with_kwargs(thinking) if "reasoning_effort" in part]
    for part, where in zip(_with_kwargs(request.extra_body), ("extra_body", f"extra_body.{_KWARGS}"), strict=False):
        for key in ("thinking", "enable_thinking", "reasoning_effort"):
            given = part.get(key)
            value = given.get("type") if is_mapping(given) else given
            off = value in ("none", "off", "disabled") if isinstance(value, str) else value is False
            if given is None or (off and request.thinking == "off"):
                continue
            effort = key == "reasoning_effort" and not off
            if off or request.thinking == "off" or (effort and efforts and value not in efforts):
                level = "off" if off else value if effort and value in _LEVELS else "high"
                raise InvalidRequestError(
                    f"{where}.{key} is {given!r}, and thinking is {request.thinking!r}: leave it out of extra_body and "
                    f"give thinking={level!r}, which is translated for every server"
                )


_KWARGS = "chat_template_kwargs"


def _with_kwargs(body: Mapping[str, object]) -> tuple[Mapping[str, object], ...]:
    """Split a body, and the part of it that goes to the chat template."""
    inner = body.get(_KWARGS)
    return (body, inner) if is_mapping(inner) else (body,)


def tool_choice_body(request: ChatRequest) -> JsonValue:
    """The tool choice, or None where it is the server's default."""
    choice = request.tool_choice
    if choice is None or not request.tools or choice == "auto":
        return None  # some servers accept auto, some want it absent
    if choice in {"none", "required"}:
        return choice
    return {"type": "function", "function": {"name": choice}}


def merge(body: dict[str, JsonValue], extra: Mapping[str, JsonValue]) -> None:
    """Merge the caller's own fields into a body; objects are merged, everything else is replaced."""
    for key, value in extra.items():
        present = body.get(key)
        if isinstance(present, dict) and isinstance(value, Mapping):
            merge(present, value)
        else:
            body[key] = value


def encoded(body: Mapping[str, JsonValue]) -> bytes:
    """Encode a body as bytes.

    Raises:
        InvalidRequestError: It holds something that JSON cannot express.
    """
    tools = body.get("tools")
    try:
        if not isinstance(tools, OfferedTools):
            return write_json(body)
        pieces = [b"{"]
        for name, value in body.items():
            pieces += (write_json(name), b":", tools.written if value is tools else write_json(value), b",")
    except (ValueError, TypeError) as error:
        raise InvalidRequestError(f"the request cannot be written as JSON: {error}") from None
    pieces[-1] = b"}"
    return b"".join(pieces)


def _sent_call(call: ToolCall, wire_id: str) -> ToolCall:
    arguments = call.arguments if call.arguments.strip() else "{}"
    if not call.is_object:
        # The vendor's encoder shows broken arguments to the model as one text of this name. vLLM would drop them.
        arguments = spaced_json({"arguments": call.arguments})
    return call if (wire_id, arguments) == (call.id, call.arguments) else ToolCall(wire_id, call.name, arguments)


def _sortable_ids(message: AssistantMessage) -> dict[str, str]:
    width = max(2, len(str(len(message.tool_calls) - 1)))
    return {call.id: f"call_{place:0{width}d}_{call.id}" for place, call in enumerate(message.tool_calls)}


def _copied(value: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {key: _copied(item) if isinstance(item, dict) else item for key, item in value.items()}
