"""SGLang 0.5.23's refusals of a chat before it generates, layer by layer, in its words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from deepseek_v4_sdk.chat import JsonValue
from deepseek_v4_sdk.testing.flavors.base import JSON, refusal, wanted
from deepseek_v4_sdk.testing.flavors.fields import NO_OBJECT, Wrong, wrong_fields
from deepseek_v4_sdk.testing.flavors.grammar import sglang_fault, sglang_pattern_fault
from deepseek_v4_sdk.testing.flavors.json_schema import python_fault
from deepseek_v4_sdk.testing.flavors.recipe_checks import (
    conversation_faults,
    format_fault,
    name_faults,
    tool_faults,
    word_fault,
)
from deepseek_v4_sdk.testing.flavors.recipe_types import UnreadableError, read_body
from deepseek_v4_sdk.testing.script import Raw

__all__ = ["bad_request", "check_chat", "not_json", "refused", "too_long"]

_ROLES = ("system", "assistant", "tool", "function", "developer", "latest_reminder", "root")
_MEDIA = frozenset({"image_url", "video_url", "audio_url", "input_audio"})
_FORCED_AND_FORMAT = (
    "tool_choice 'required' or a named tool cannot be combined with response_format, regex, or ebnf: the tool-call "
    "constraint and the output constraint cannot both be honored."
)


def refused(message: str, layer: str = "BadRequestError", status: int = 400) -> Raw:
    """A refusal; its type shows the layer it comes from."""
    return refusal(status, {"object": "error", "message": message, "type": layer, "param": None, "code": status})


def bad_request(wrong: list[Wrong], path: str = "/v1/chat/completions") -> Raw:
    """A refusal of fields that are of another type, with the place in the server's source."""
    shown = [_shown(each) for each in wrong]
    plural = "" if len(wrong) == 1 else "s"
    lines = "\n".join([f"{len(wrong)} validation error{plural}:", *(f"  {each}" for each in shown)])
    line, function = (1906, "openai_v1_tokenize") if "tokenize" in path else (1870, "openai_v1_chat_completions")
    source = "/usr/lib/python3/dist-packages/sglang/srt/entrypoints/http_server.py"
    where = f'  File "{source}", line {line}, in {function}\n    POST {path}'
    return refused(f"{lines}\n\n{where} {shown}", "Bad Request")


def not_json(body: bytes, content_type: str, path: str = "/v1/chat/completions") -> Raw:
    """A refusal of a body that is not a JSON object, or not declared as JSON."""
    if content_type.partition(";")[0].strip() != JSON:
        detail = "Unsupported Media Type: Only 'application/json' is allowed"
        each = {"loc": ["header", "content-type"], "msg": detail, "type": "value_error"}
        return refused(f"1 validation error:\n  {each} [{each}]", "Bad Request")
    if not body:
        return bad_request([Wrong("missing", (), "Field required", None)], path)
    try:
        decoded = json.loads(body)
    except ValueError as error:
        place, reason = _broken_at(body.decode(errors="replace"), getattr(error, "pos", 0))
        return bad_request([Wrong("json_invalid", (place,), "JSON decode error", {}, {"error": reason})], path)
    if "tokenize" in path:
        return bad_request([Wrong("model_attributes_type", (), NO_OBJECT, decoded)], path)
    return Raw((b"Internal Server Error",), 500, {"content-type": "text/plain; charset=utf-8"})


def _broken_at(text: str, place: int) -> tuple[int, str]:
    """The place and the reason of its reader's error for a text that is not JSON."""
    before = text[:place].rstrip()
    if text[place : place + 1] in {"}", "]"} and before.endswith(","):
        return len(before) - 1, "trailing comma is not allowed"
    if text[place : place + 1] == "," and text[place + 1 :].lstrip()[:1] in {"}", "]"}:
        return place, "trailing comma is not allowed"
    if place < len(text) and text[place] not in '"{[':
        return place, "unexpected character, expected a JSON value"
    return place, "unexpected end of data"


def check_chat(body: JsonValue, *, most: int | None, encodes: bool) -> Raw | None:
    """The first thing that is wrong with a chat's body; None when nothing is.

    Args:
        body: The body.
        most: The most tokens that an answer may have; None without a limit in the request.
        encodes: Whether the server knows V4's prompt format, and so reads the conversation with the vendor's encoder.
    """
    if not isinstance(body, dict):
        return not_json(b"[]", JSON)
    if (wrong := _wrong_types(body)) is not None:
        return wrong
    for message in _request_faults(body, most):
        return refused(message)
    if encodes:
        for message in _conversion_faults(body):
            return refused(message, "BadRequest")
    return next((refused(message) for message in _engine_faults(body)), None)


def _wrong_types(body: dict[str, JsonValue]) -> Raw | None:
    wrong = wrong_fields("sglang", body)
    stop, choice, effort = body.get("stop"), body.get("tool_choice"), body.get("reasoning_effort")
    if not isinstance(stop, list | str | None):
        wrong.append(Wrong("list_type", ("stop", "list[str]"), "Input should be a valid list", stop))
        wrong.append(Wrong("string_type", ("stop", "str"), "Input should be a valid string", stop))
    if isinstance(choice, str) and choice not in {"auto", "required", "none"}:
        expected = "'auto', 'required' or 'none'"
        wrong.append(Wrong("model_attributes_type", ("tool_choice", "ToolChoice"), NO_OBJECT, choice))
        place = ("tool_choice", "literal['auto','required','none']")
        wrong.append(Wrong("literal_error", place, f"Input should be {expected}", choice, {"expected": expected}))
    if isinstance(effort, bool):
        detail = "reasoning_effort must not be a boolean"
        wrong.append(Wrong("value_error", ("reasoning_effort",), f"Value error, {detail}", effort))
    elif isinstance(effort, str) and effort not in _EFFORTS:
        expected = f"{', '.join(repr(each) for each in _EFFORTS[:-1])} or {_EFFORTS[-1]!r}"
        literal = f"literal[{','.join(repr(each) for each in _EFFORTS)}]"
        wrong.append(
            Wrong(
                "literal_error",
                ("reasoning_effort", literal),
                f"Input should be {expected}",
                effort,
                {"expected": expected},
            )
        )
        detail = "Input should be a valid number, unable to parse string as a number"
        wrong.append(Wrong("float_parsing", ("reasoning_effort", "constrained-float"), detail, effort))
    messages = body.get("messages")
    for index, item in enumerate(messages if isinstance(messages, list) else []):
        wrong += _wrong_message(index, item)
    return bad_request(wrong) if wrong else None


_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "ultra", "max")
_GENERIC = "function-after[validate_thinking_parts_role(), ChatCompletionMessageGenericParam]"
_USER = "function-after[validate_thinking_parts_role(), ChatCompletionMessageUserParam]"


def _wrong_message(index: int, item: JsonValue) -> list[Wrong]:
    where: tuple[str | int, ...] = ("messages", index)
    if not isinstance(item, dict):
        return [Wrong("model_attributes_type", (*where, each), NO_OBJECT, item) for each in (_GENERIC, _USER)]
    if "role" not in item:
        return [Wrong("missing", (*where, each, "role"), "Field required", item) for each in (_GENERIC, _USER)]
    role, content = item["role"], item.get("content")
    if role == "user" and not isinstance(content, str | list):
        detail = "Input should be a valid string"
        return [Wrong("string_type", (*where, _USER, "content", "str"), detail, content)]
    if role == "user" or (isinstance(role, str) and role.lower() in _ROLES):
        return []
    known = ", ".join(repr(each) for each in _ROLES)
    detail = f"'role' must be one of {known} (case-insensitive)."
    return [
        Wrong("value_error", (*where, _GENERIC, "role"), f"Value error, {detail}", role),
        Wrong("literal_error", (*where, _USER, "role"), "Input should be 'user'", role, {"expected": "'user'"}),
    ]


def _request_faults(body: dict[str, JsonValue], most: int | None) -> Iterator[str]:
    if not body["messages"]:
        yield "Messages cannot be empty."
    tools, choice = body.get("tools"), body.get("tool_choice")
    offered = [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    functions = [function for tool in offered if isinstance(function := tool.get("function"), dict)]
    if isinstance(choice, dict) or choice == "required":
        function = choice.get("function") if isinstance(choice, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not functions:
            detail = "required" if name is None else "a specific tool"
            yield f"Tools cannot be empty if tool choice is set to {detail}."
        if name is not None and all(function.get("name") != name for function in functions):
            yield f"Tool '{name}' not found in tools list."
    for index, function in enumerate(functions):
        schema = function.get("parameters")
        if schema is not None and (fault := python_fault(schema)) is not None:
            yield f"Tool {index} function has invalid 'parameters' schema: {fault}"
    asked = body.get("response_format")
    if isinstance(asked, dict) and asked.get("type") == "json_schema":
        inner = asked.get("json_schema")
        if not (isinstance(inner, dict) and "schema" in inner) and "schema" not in asked:
            yield "schema_ is required for json_schema response format request."
    limit = wanted(body, "max_completion_tokens", "max_tokens")
    if limit is not None and most is not None and limit > most:
        detail = f"This model supports at most {most} completion tokens."
        yield f"max_completion_tokens is too large: {limit}.{detail}"
    kwargs = body.get("chat_template_kwargs")
    if isinstance(kwargs, dict) and kwargs.get("chat_template"):
        detail = "Start the server with --trust-request-chat-template to permit it."
        yield f"Request-supplied chat_template is not allowed. {detail}"
    for item in _messages(body):
        parts = item.get("content")
        for part in parts if isinstance(parts, list) else []:
            if isinstance(part, dict) and part.get("type") in _MEDIA:
                yield f"Model only supports text input; received unsupported content type '{part.get('type')}'."


def _conversion_faults(body: dict[str, JsonValue]) -> Iterator[str]:
    if body.get("stream"):
        for name in ("return_prompt_token_ids", "return_token_ids", "return_meta_info"):
            if body.get(name):
                detail = f"Please set stream=false when using {name}=true."
                yield f"{name} is not supported with streaming on /v1/chat/completions. {detail}"
    kwargs = body.get("chat_template_kwargs")
    given = kwargs if isinstance(kwargs, dict) else {}
    effort = given.get("reasoning_effort", body.get("reasoning_effort"))
    if isinstance(effort, int | float) and not isinstance(effort, bool):
        yield f"DeepSeek-V4 reasoning_effort must be a named tier, got {effort}"
    messages = as_conversation(body)
    if len(messages) > 1 and messages[-1]["role"] == "assistant" and not messages[-1]["content"]:
        messages = messages[:-1]  # an answer without a text at the end is left out
    read: dict[str, JsonValue] = {"messages": [*messages], "model": "m"}
    if isinstance(effort, str):
        read["reasoning_effort"] = effort
    try:
        read_body(read)
    except UnreadableError as error:
        yield f"invalid request body: {error}"
    forced = isinstance(body.get("tool_choice"), dict) or body.get("tool_choice") == "required"
    if body.get("tool_choice") != "none":
        yield from name_faults(body)
        yield from tool_faults({**body, "tool_choice": "auto"}, thinks=False)
    asked = body.get("response_format")
    constrained = isinstance(asked, dict) and asked.get("type") not in {None, "text"}
    yield from conversation_faults(messages, offers_tools=bool(body.get("tools")), thinks=False, rejects=False)
    fault = word_fault(body, messages) or format_fault(body)
    if fault is not None and not (forced and constrained):
        yield fault
    if forced and (constrained or body.get("regex") or body.get("ebnf")):
        yield _FORCED_AND_FORMAT
    if body.get("n") == 0:
        yield "range() arg 3 must not be zero"


_RANGES: tuple[tuple[str, float, float, str], ...] = (
    ("temperature", 0, float("inf"), "temperature must be a non-negative finite number, got {}."),
    ("top_p", 1e-300, 1, "top_p must be in (0, 1], got {}."),
    ("min_p", 0, 1, "min_p must be in [0, 1], got {}."),
    ("presence_penalty", -2, 2, "presence_penalty must be in [-2, 2], got {}."),
    ("frequency_penalty", -2, 2, "frequency_penalty must be in [-2, 2], got {}."),
    ("repetition_penalty", 1e-300, 2, "repetition_penalty must be in (0, 2] (1.0 = no penalty), got {}."),
)


def _engine_faults(body: dict[str, JsonValue]) -> Iterator[str]:
    for name, low, high, detail in _RANGES:
        value = body.get(name)
        if isinstance(value, int | float) and not low <= value <= high:
            yield detail.format(float(value))
    top_k, limit = body.get("top_k"), wanted(body, "max_completion_tokens", "max_tokens")
    if isinstance(top_k, int) and top_k != -1 and top_k < 1:
        yield f"top_k must be -1 (disable) or at least 1, got {top_k}."
    if limit is not None and limit < 0:
        yield f"max_new_tokens must be at least 0, got {limit}."
    biases = body.get("logit_bias")
    for key in biases if isinstance(biases, dict) else ():
        if not key.lstrip("-").isdecimal():
            yield f"invalid literal for int() with base 10: {key!r}"
    asked = body.get("response_format")
    inner = asked.get("json_schema") if isinstance(asked, dict) else None
    schema = inner.get("schema") if isinstance(inner, dict) else None
    if sum(bool(given) for given in (schema, body.get("regex"), body.get("ebnf"))) > 1:
        yield "Only one of json_schema, regex, ebnf, or structural_tag can be set."
    pattern = body.get("regex")
    if isinstance(pattern, str) and (fault := sglang_pattern_fault(pattern)) is not None:
        yield f"Failed to compile regex grammar: {fault}"
    if isinstance(schema, dict) and (fault := sglang_fault(schema)) is not None:
        yield f"Failed to compile json grammar: {fault}"


_KEPT = ("content", "reasoning_content", "tool_calls", "tool_call_id")


def as_conversation(body: Mapping[str, JsonValue]) -> list[dict[str, JsonValue]]:
    """The messages as the server hands them to the vendor's encoder."""
    messages: list[dict[str, JsonValue]] = []
    for item in _messages(body):
        role = str(item.get("role")).lower()
        kept: dict[str, JsonValue] = {key: value for key in _KEPT if (value := item.get(key)) is not None}
        kept.setdefault("content", "")
        if isinstance(calls := kept.get("tool_calls"), list):
            kept["tool_calls"] = [_as_call(call) for call in calls]
            if not calls:
                del kept["tool_calls"]
        messages.append({"role": "system" if role == "developer" else role, **kept})
    return messages


def _as_call(call: JsonValue) -> JsonValue:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict):
        return call
    arguments = function.get("arguments")
    if isinstance(arguments, dict):
        function = {**function, "arguments": json.dumps(arguments, ensure_ascii=False)}
    return {"type": "function", **call, "function": function}


def _messages(body: Mapping[str, JsonValue]) -> list[dict[str, JsonValue]]:
    messages = body.get("messages")
    return [item for item in messages if isinstance(item, dict)] if isinstance(messages, list) else []


def _shown(each: Wrong) -> dict[str, object]:
    place = ("body", *each.place)
    given = each.given
    if place[-2:] == ("function", "name") and isinstance(given, dict):
        given = {**given, "key_order": [*given]}  # it notes the order of a function's keys
    shown: dict[str, object] = {"type": each.kind, "loc": place, "msg": each.message, "input": given}
    if each.kind == "value_error":
        return shown | {"ctx": {"error": ValueError(each.message.removeprefix("Value error, "))}}
    return shown | ({"ctx": dict(each.context)} if each.context else {})


def too_long(prompt: int, answer: int, window: int) -> str | None:
    """Its error for a prompt beyond the window, or for prompt and answer together; None where they fit."""
    if prompt >= window:
        return f"The input ({prompt} tokens) is longer than the model's context length ({window} tokens)."
    if prompt + answer <= window:
        return None
    return (
        f"Requested token count exceeds the model's maximum context length of {window} tokens. You requested a "
        f"total of {prompt + answer} tokens: {prompt} tokens from the input messages and {answer} tokens for "
        "the completion. Please reduce the number of tokens in the input messages or the completion to fit "
        "within the limit."
    )
