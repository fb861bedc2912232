"""deepseek-recipe 0.2.0's reading of a body: field by field in their order, and its words at the first error.

SGLang 0.5.23 and DeepSeek's own API read bodies with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from deepseek_v4_sdk.chat import JsonValue

__all__ = ["BODY", "UnreadableError", "read_body"]


class UnreadableError(ValueError):
    """A body is not of the form; the text is that of the encoder."""


Reader: TypeAlias = Callable[[JsonValue], None]
"""Raises an `UnreadableError` for what it cannot read."""


def read_body(body: dict[str, JsonValue]) -> None:
    """Read a body of Chat Completions.

    Raises:
        UnreadableError: It is not of the form.
    """
    BODY(body)


def _shown(value: JsonValue) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean `{str(value).lower()}`"
    if isinstance(value, int):
        return f"integer `{value}`"
    if isinstance(value, float):
        return f"floating point `{value}`"
    if isinstance(value, str):
        return f"string {json.dumps(value, ensure_ascii=False)}"
    return "sequence" if isinstance(value, list) else "map"


def _wrong(value: JsonValue, expected: str) -> UnreadableError:
    return UnreadableError(f"invalid type: {_shown(value)}, expected {expected}")


def _whole(name: str, most: int) -> Reader:
    def read(value: JsonValue) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong(value, name)
        if not 0 <= value <= most:
            raise UnreadableError(f"invalid value: {_shown(value)}, expected {name}")

    return read


def _number(value: JsonValue) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(value, "f32")


def _flag(value: JsonValue) -> None:
    if not isinstance(value, bool):
        raise _wrong(value, "a boolean")


def _text(value: JsonValue) -> None:
    if not isinstance(value, str):
        raise _wrong(value, "a string")


def _anything(value: JsonValue) -> None:
    del value


def _optional(inner: Reader) -> Reader:
    def read(value: JsonValue) -> None:
        if value is not None:
            inner(value)

    return read


def _list(inner: Reader) -> Reader:
    def read(value: JsonValue) -> None:
        if not isinstance(value, list):
            raise _wrong(value, "a sequence")
        for item in value:
            inner(item)

    return read


def _struct(name: str, fields: Mapping[str, Reader], required: tuple[str, ...] = ()) -> Reader:
    def read(value: JsonValue) -> None:
        if not isinstance(value, dict):
            raise _wrong(value, f"struct {name}")
        for key, item in value.items():
            if key in fields:
                fields[key](item)
        for key in required:
            if key not in value:
                raise UnreadableError(f"missing field `{key}`")

    return read


def _word(*words: str) -> Reader:
    def read(value: JsonValue) -> None:
        if isinstance(value, dict) and len(value) == 1:
            value = next(iter(value))
        elif not isinstance(value, str):
            raise _wrong(value, "string or map")
        if value not in words:
            raise UnreadableError(f"unknown variant `{value}`, expected {_choices(words)}")

    return read


def _choices(words: tuple[str, ...]) -> str:
    quoted = [f"`{word}`" for word in words]
    return quoted[0] if len(quoted) == 1 else f"one of {', '.join(quoted)}"


def _tagged(name: str, tag: str, kinds: Mapping[str, Reader]) -> Reader:
    """A mapping with its kind in one of its fields."""

    def read(value: JsonValue) -> None:
        if not isinstance(value, dict):
            raise _wrong(value, f"internally tagged enum {name}")
        if tag not in value:
            raise UnreadableError(f"missing field `{tag}`")
        kind = value[tag]
        if not isinstance(kind, str):
            raise _wrong(kind, "variant identifier")
        if kind not in kinds:
            raise UnreadableError(f"unknown variant `{kind}`, expected {_choices(tuple(kinds))}")
        kinds[kind](value)

    return read


def _stop(value: JsonValue) -> None:
    if isinstance(value, list):
        _list(_text)(value)
    elif not isinstance(value, str):
        raise UnreadableError("expected a string or a list")


def _content(value: JsonValue) -> None:
    if isinstance(value, list):
        _list(_PART)(value)
    elif not isinstance(value, str):
        raise UnreadableError("content should be a string or a list")


def _choice(value: JsonValue) -> None:
    if isinstance(value, str) and value in {"none", "auto", "required"}:
        return
    if not isinstance(value, dict) or "type" not in value:
        raise UnreadableError("expected one of `none`, `auto`, `required` or a tool")
    try:
        _word("function")(value["type"])
    except UnreadableError as error:
        raise UnreadableError(f"field `type`: {error}") from None
    try:
        _struct("ChatCompletionToolChoiceFunction", {"name": _text}, ("name",))(value.get("function"))
    except UnreadableError as error:
        raise UnreadableError(f"field `function`: {error}") from None


_IMAGE: Final = _struct("", {"image_url": _anything}, ("image_url",))
_PART: Final = _tagged(
    "ChatCompletionRequestContentBlock",
    "type",
    {"text": _struct("", {"text": _text}, ("text",)), "image_url": _IMAGE, "file": _anything},
)
_CALL: Final = _struct(
    "ChatCompletionRequestToolCall",
    {
        "id": _text,
        "type": _word("function"),
        "function": _struct("ToolCallFunction", {"name": _text, "arguments": _text}, ("name", "arguments")),
    },
    ("id", "type", "function"),
)
_NAMED: Final[Mapping[str, Reader]] = {"content": _content, "name": _optional(_text)}
_MESSAGE: Final = _tagged(
    "ChatCompletionRequestMessage",
    "role",
    {
        "system": _struct("", _NAMED, ("content",)),
        "user": _struct("", _NAMED, ("content",)),
        "assistant": _struct(
            "",
            {
                "content": _optional(_content),
                "name": _optional(_text),
                "prefix": _optional(_flag),
                "reasoning_content": _optional(_text),
                "tool_calls": _optional(_list(_CALL)),
            },
        ),
        "tool": _struct("", {"content": _content, "tool_call_id": _text}, ("content", "tool_call_id")),
        "latest_reminder": _struct("", _NAMED, ("content",)),
    },
)
_TOOL: Final = _struct(
    "ChatCompletionTool",
    {
        "type": _word("function"),
        "function": _struct(
            "ChatCompletionFunction",
            {
                "name": _text,
                "description": _optional(_text),
                "parameters": _anything,
                "strict": _optional(_flag),
            },
            ("name",),
        ),
    },
    ("type", "function"),
)
_SCHEMA: Final = _struct("ChatCompletionJsonSchema", {"schema": _anything}, ("schema",))
_FORMAT: Final = _tagged(
    "ChatCompletionResponseFormat",
    "type",
    {
        "json_object": _anything,
        "json_schema": _struct("", {"json_schema": _SCHEMA}, ("json_schema",)),
        "regex": _struct("", {"regex": _text}, ("regex",)),
        "text": _anything,
    },
)
BODY: Final = _struct(
    "ChatCompletionRequest",
    {
        "messages": _list(_MESSAGE),
        "model": _text,
        "frequency_penalty": _optional(_number),
        "logprobs": _optional(_flag),
        "top_logprobs": _optional(_whole("u8", 255)),
        "max_tokens": _optional(_whole("u32", 2**32 - 1)),
        "n": _optional(_whole("u8", 255)),
        "presence_penalty": _optional(_number),
        "response_format": _optional(_FORMAT),
        "seed": _optional(_whole("u64", 2**64 - 1)),
        "stop": _optional(_stop),
        "stream": _optional(_flag),
        "stream_options": _optional(_struct("ChatCompletionStreamOptions", {"include_usage": _optional(_flag)})),
        "temperature": _optional(_number),
        "top_p": _optional(_number),
        "tools": _optional(_list(_TOOL)),
        "tool_choice": _optional(_choice),
        "parallel_tool_calls": _optional(_flag),
        "thinking": _optional(
            _struct("ChatCompletionThinking", {"type": _word("adaptive", "enabled", "disabled")}, ("type",))
        ),
        "reasoning_effort": _optional(
            _word("none", "minimal", "low", "medium", "high", "xhigh", "ultra", "max"),
        ),
    },
    ("messages", "model"),
)
