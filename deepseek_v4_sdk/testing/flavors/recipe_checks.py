"""Refusals of deepseek-recipe 0.2.0 for a chat that it could read, in its order and in its words.

SGLang 0.5.23 hands it a converted request; DeepSeek's own API runs it directly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from deepseek_v4_sdk.chat import JsonValue, is_mapping
from deepseek_v4_sdk.testing.flavors.json_schema import rust_fault

if TYPE_CHECKING:
    pass

__all__ = [
    "conversation_faults",
    "format_fault",
    "name_faults",
    "option_faults",
    "prefix_faults",
    "stop_faults",
    "too_long",
    "tool_faults",
    "word_fault",
]

_MAX_TOKENS: Final = 393_216

_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_FOLLOW = "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'"
_EMPTY = "empty string. Expected a string with minimum length 1, but got an empty string instead."


def option_faults(body: Mapping[str, JsonValue]) -> Iterator[str]:
    """Errors in the options, except stop strings and the format."""
    offered = [] if body.get("tool_choice") == "none" else _functions(body)
    if len({function.get("strict") is True for function in offered}) > 1:
        yield "Cannot use strict tool with non-strict tool in the same request"
    if body.get("response_format") is not None and any(function.get("strict") is True for function in offered):
        yield "response_format should not be used with tools"
    if body.get("n") not in {None, 1}:
        yield "Invalid n value (currently only n = 1 is supported)"
    for name, low, high in (("presence_penalty", -2, 2), ("frequency_penalty", -2, 2), ("temperature", 0, 2)):
        value = body.get(name)
        if isinstance(value, int | float) and not low <= value <= high:
            yield f"Invalid {name} value, the valid range of {name} is [{low}, {high}]"
    top_p, count, limit = body.get("top_p"), body.get("top_logprobs"), body.get("max_tokens")
    if isinstance(top_p, int | float) and not 0 < top_p <= 1:
        yield "Invalid top_p value, the valid range of top_p is (0, 1.0]"
    if count is not None and not body.get("logprobs"):
        yield "Invalid top_logprobs and logprobs value, logprobs must be set to true if top_logprobs is used."
    if isinstance(count, int) and not 0 <= count <= 20:
        yield "Invalid top_logprobs value, the valid range of top_logprobs is [0, 20]."
    if isinstance(limit, int) and not 1 <= limit <= _MAX_TOKENS:
        yield f"Invalid max_tokens value, the valid range of max_tokens is [1, {_MAX_TOKENS}]"


def stop_faults(body: Mapping[str, JsonValue]) -> Iterator[str]:
    """Errors in the stop strings."""
    stop = body.get("stop")
    if stop == "":
        yield f"Invalid 'stop': {_EMPTY}"
    if isinstance(stop, list):
        if len(stop) > 16:
            yield f"Stop string array too long: {len(stop)}"
        yield from (f"Invalid 'stop[{index}]': {_EMPTY}" for index, text in enumerate(stop) if text == "")


def name_faults(body: Mapping[str, JsonValue]) -> Iterator[str]:
    """Errors in the names of the tools."""
    for index, function in enumerate(_functions(body)):
        name, where = str(function.get("name")), f"Invalid 'tools[{index}].function.name'"
        if not name:
            yield f"{where}: {_EMPTY}"
        elif not _NAME.fullmatch(name):
            detail = "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
            yield f"{where}: string does not match pattern. {detail}"


def tool_faults(body: Mapping[str, JsonValue], *, thinks: bool) -> Iterator[str]:
    """Errors in the tools and the choice among them."""
    functions = [] if body.get("tool_choice") == "none" else _functions(body)
    names = [str(function.get("name")) for function in functions]
    for name, function in zip(names, functions, strict=True):
        schema = function.get("parameters")
        if schema is not None:
            yield from schema_faults(name, schema, strict=function.get("strict") is True)
    if len(set(names)) < len(names):
        yield "Tool names must be unique."
    if not functions:
        return
    choice = body.get("tool_choice")
    wanted = choice.get("function") if isinstance(choice, dict) else None
    if isinstance(wanted, dict) and wanted.get("name") not in names:
        yield (
            f"Invalid value for 'tool_call': no function named '{wanted.get('name')}' was specified in the 'tools' "
            "parameter."
        )
    if thinks and (isinstance(choice, dict) or choice == "required"):
        yield "Thinking mode does not support this tool_choice"


def schema_faults(name: str, schema: JsonValue, *, strict: bool) -> Iterator[str]:
    """Errors in the parameters of a tool."""
    fault = rust_fault(schema)
    if fault is not None:
        yield f"Invalid schema for function '{name}': {fault}"
    kind = schema.get("type") if isinstance(schema, dict) else None
    if strict:
        if kind != "object":
            yield "The top level of the function parameters schema must be an object."
        yield from _strict_faults(schema, top=True)
    elif kind != "object":
        detail = "null" if kind is None else f'"{kind}"'
        wanted = "schema must be a JSON Schema of 'type: \"object\"'"
        yield f"Invalid schema for function '{name}': {wanted}, got 'type: {detail}'."


_TYPES = ("object", "string", "number", "integer", "boolean", "array", "null")
_FORMATS = ("email", "hostname", "ipv4", "ipv6", "uuid")
_READ = "Invalid tool parameters schema :"


def _strict_faults(schema: JsonValue, *, top: bool = False) -> Iterator[str]:
    """Errors in a strict schema, outside in."""
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    if isinstance(kind, str) and kind not in _TYPES:
        yield f"{_READ} unknown variant `{kind}`, expected one of {_either(_TYPES)}"
    shape = schema.get("format")
    if kind == "string" and isinstance(shape, str) and shape not in _FORMATS:
        yield f"{_READ} unknown variant `{shape}`, expected one of {_either(_FORMATS)}"
    if kind == "array" and "items" not in schema:
        yield f"{_READ} missing field `items`"
    properties = schema.get("properties")
    inner: list[JsonValue] = [*properties.values()] if isinstance(properties, dict) else []
    choices = schema.get("anyOf")
    inner += [schema["items"]] if "items" in schema else []
    inner += choices if isinstance(choices, list) else []
    if kind == "object":
        yield from _object_faults(schema, properties if isinstance(properties, dict) else {}, top=top)
    for each in inner:
        yield from _strict_faults(each)


def _object_faults(schema: Mapping[str, JsonValue], properties: Mapping[str, JsonValue], *, top: bool) -> Iterator[str]:
    if not properties and not top:
        yield "An object with no properties is not allowed."
    if schema.get("additionalProperties") is True:
        yield "additionalProperties should not be true"
    required = schema.get("required")
    if isinstance(required, list) and {str(key) for key in required} != set(properties):
        yield "Required properties must match all properties in the object"


def _either(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def word_fault(body: Mapping[str, JsonValue], messages: Sequence[Mapping[str, JsonValue]]) -> str | None:
    """The error when a request wants JSON and no message mentions it."""
    asked = body.get("response_format")
    if not isinstance(asked, dict) or asked.get("type") != "json_object" or any(map(_says_json, messages)):
        return None
    return "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'."


def format_fault(body: Mapping[str, JsonValue]) -> str | None:
    """Errors in the schema of the answer."""
    asked = body.get("response_format")
    inner = asked.get("json_schema") if isinstance(asked, dict) else None
    if not isinstance(asked, dict) or asked.get("type") != "json_schema" or not isinstance(inner, dict):
        return None
    schema = inner.get("schema")
    if (fault := rust_fault(schema)) is not None:
        return f"Invalid json schema: {fault}"
    if inner.get("strict") is True and isinstance(schema, dict):
        if schema.get("type") != "object":
            return "The top level of the json schema must be an object."
        if not schema.get("properties"):
            return "An object with no properties is not allowed."
        return next(_strict_faults(schema), None)
    return None


def conversation_faults(
    messages: Sequence[Mapping[str, JsonValue]], *, offers_tools: bool, thinks: bool, rejects: bool
) -> Iterator[str]:
    """Errors in the messages.

    Args:
        messages: They.
        offers_tools: Whether tools are offered.
        thinks: Whether the model will think.
        rejects: Whether it refuses calls whose reasoning was not sent back, as DeepSeek's API does.
    """
    open_ids: list[str] = []
    caller = -1
    answered = 0
    for index, item in enumerate(messages):
        if item.get("role") == "tool":
            if answered >= len(open_ids):
                yield "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'"
            answered += 1
            continue
        yield from _unanswered(messages, caller, open_ids, answered)
        open_ids, answered, caller = [], 0, index
        if item.get("role") == "assistant":
            calls = item.get("tool_calls")
            if calls == []:
                detail = "Expected an array with minimum length 1, but got an empty array instead."
                yield f"Invalid 'messages[{index}].tool_calls': empty array. {detail}"
            if item.get("content") is None and not calls:
                yield "Invalid assistant message: content or tool_calls must be set"
            open_ids = (
                [str(call.get("id")) for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
            )
    yield from _unanswered(messages, caller, open_ids, answered)
    if any(item.get("role") == "assistant" and item.get("prefix") is True for item in messages[:-1]):
        yield (
            "Invalid completion message: prefix set true with message which is not final message or message role is "
            "not assistant"
        )
    if thinks and rejects:
        yield from _lost_reasoning(messages, offers_tools=offers_tools)


def _unanswered(
    messages: Sequence[Mapping[str, JsonValue]], caller: int, open_ids: list[str], answered: int
) -> Iterator[str]:
    if not open_ids:
        return
    if answered < len(open_ids):
        yield f"{_FOLLOW}. (insufficient tool messages following tool_calls message)"
        return
    given = [str(item.get("tool_call_id")) for item in messages[caller + 1 : caller + 1 + answered]]
    doubled = next((each for place, each in enumerate(open_ids) if each in open_ids[:place]), None)
    if doubled is not None:
        yield f"Duplicate value for 'tool_call_id' of {doubled} in message[{caller}]"
    for each in given:
        if each not in open_ids:
            yield f"{_FOLLOW}, The following tool_call_ids did not have response messages: {each}"


def prefix_faults(body: Mapping[str, JsonValue], messages: Sequence[Mapping[str, JsonValue]]) -> Iterator[str]:
    """Errors in a message that is to be continued."""
    last: Mapping[str, JsonValue] = messages[-1] if messages else {}
    if last.get("role") != "assistant" or last.get("prefix") is not True:
        return
    if body.get("tools") or any(item.get("tool_calls") for item in messages):
        yield "Function call should not be used with prefix"
    asked = body.get("response_format")
    if isinstance(asked, dict) and asked.get("type") == "json_object":
        yield "response_format json_object should not be used with prefix"


def _lost_reasoning(messages: Sequence[Mapping[str, JsonValue]], *, offers_tools: bool) -> Iterator[str]:
    asked = max((index for index, item in enumerate(messages) if item.get("role") == "user"), default=-1)
    for item in messages[asked + 1 :]:
        needs = item.get("tool_calls") or (offers_tools and item.get("role") == "assistant")
        if needs and item.get("reasoning_content") is None:
            yield "The `reasoning_content` in the thinking mode must be passed back to the API."


def too_long(window: int, prompt: int, answer: int) -> str | None:
    """Its error for a prompt, or a prompt and its answer, that exceed the window."""
    if prompt + answer <= window:
        return None
    return (
        f"This model's maximum context length is {window} tokens. However, you requested {prompt + answer} tokens "
        f"({prompt} in the messages, {answer} in the completion). Please reduce the length of the messages or "
        "completion."
    )


def _functions(body: Mapping[str, JsonValue]) -> list[dict[str, JsonValue]]:
    tools = body.get("tools")
    found = [tool.get("function") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    return [function for function in found if isinstance(function, dict)]


def _says_json(item: Mapping[str, JsonValue]) -> bool:
    content = item.get("content")
    texts = [content] if isinstance(content, str) else []
    if isinstance(content, list):
        texts = [text for part in content if is_mapping(part) and isinstance(text := part.get("text"), str)]
    return any("json" in text.lower() for text in texts)
