"""vLLM's refusals of a chat before it renders it, in its words (0.32 and 0.33)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import JsonValue
from deepseek_v4_sdk.testing.flavors.base import JSON, refusal
from deepseek_v4_sdk.testing.flavors.fields import NO_OBJECT, Wrong, wrong_fields, wrong_message
from deepseek_v4_sdk.testing.flavors.grammar import pattern_fault, schema_fault
from deepseek_v4_sdk.testing.script import Error

if TYPE_CHECKING:
    from deepseek_v4_sdk.testing.script import Raw

__all__ = ["bad_request", "bad_value", "check_chat", "check_detokenize", "check_tokenize", "not_json", "without_parser"]

_KINDS = {400: "BadRequestError", 404: "NotFoundError"}
_NO_CONSTRAINT = (
    "You must use one kind of structured outputs constraint but none are specified: {'json': None, 'regex': None, "
    "'choice': None, 'grammar': None, 'json_object': None, 'disable_any_whitespace': False, "
    "'disable_additional_properties': False, 'whitespace_pattern': None, 'structural_tag': None, '_backend': None, "
    "'_backend_was_auto': False}"
)
_CONSTRAINTS = ("json", "regex", "choice", "grammar", "json_object", "structural_tag")
_ROLES = frozenset({"system", "user", "assistant", "tool", "developer", "latest_reminder"})


def bad_value(message: str, parameter: str | None = None, value: object = None, *, status: int = 400) -> Raw:
    """A refusal of a value, with the parameter's name and the value."""
    detail = (
        "" if parameter is None else f" (parameter={parameter}" + ("" if value is None else f", value={value}") + ")"
    )
    error: JsonValue = {"message": message + detail, "type": _KINDS[status], "param": parameter, "code": status}
    return refusal(status, {"error": error})


def bad_request(wrong: list[Wrong]) -> Raw:
    """A refusal of fields that are of another type."""
    lines = [_line_of(each) for each in wrong[:10]]
    param = _place(wrong[0].place)
    plural = "" if len(wrong) == 1 else "s"
    message = "\n".join([f"{len(wrong)} validation error{plural}:", *(f"  {line}" for line in lines)])
    return refusal(400, {"error": {"message": message, "type": "Bad Request", "param": param, "code": 400}})


def not_json(body: bytes, content_type: str = JSON, ways: int = 1) -> Raw:
    """A refusal of a body that is not a JSON object, or not declared as JSON; the route reads so many kinds."""
    if content_type.partition(";")[0].strip() != JSON:
        detail = "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed"
        return refusal(400, {"error": {"message": detail, "type": "Bad Request", "param": None, "code": 400}})
    if not body:
        return bad_request([Wrong("missing", (), "Field required", None)])
    try:
        decoded = json.loads(body)
    except ValueError as error:
        reason = {"error": getattr(error, "msg", str(error))}
        return bad_request([Wrong("json_invalid", (getattr(error, "pos", 0),), "JSON decode error", {}, reason)])
    if decoded is None:
        return bad_request([Wrong("missing", (), "Field required", None)])
    return bad_request([Wrong("model_attributes_type", (), NO_OBJECT, decoded)] * ways)


def bad_value_of_model(model: str, served: tuple[str, ...]) -> Raw:
    """The refusal of a model that is not served."""
    message = f"The model `{model}` does not exist. Valid aliases: {', '.join(served)}."
    return refusal(404, {"error": {"message": message, "type": "NotFoundError", "param": "model", "code": 404}})


def check_tokenize(body: dict[str, JsonValue], *, served: tuple[str, ...]) -> Raw | None:
    """Refusals of a request for a count."""
    model = body.get("model")
    if "prompt" not in body and not isinstance(body.get("messages"), list):
        places = [name for name in ("prompt", "messages") if name not in body] or ["messages"]
        return bad_request([Wrong("missing", (name,), "Field required", body) for name in places])
    prompt = body.get("prompt")
    if "prompt" in body and not isinstance(prompt, str) and "messages" not in body:
        detail = Wrong("string_type", ("prompt",), "Input should be a valid string", prompt)
        return bad_request([detail, Wrong("missing", ("messages",), "Field required", body)])
    if isinstance(model, str) and model and served and model not in served:
        return bad_value_of_model(model, served)
    return None


def check_detokenize(body: dict[str, JsonValue]) -> Raw | None:
    """Refusals of tokens that are to become a text."""
    tokens = body.get("tokens")
    wrong = [
        Wrong("int_type", ("tokens", index), "Input should be a valid integer", token)
        for index, token in enumerate(tokens if isinstance(tokens, list) else [])
        if not isinstance(token, int)
    ]
    return bad_request(wrong) if wrong else None


def check_chat(body: JsonValue, *, served: tuple[str, ...], window: int, oldest: bool) -> Raw | None:
    """The first thing that is wrong with a chat's body; None when nothing is.

    Args:
        body: The body.
        served: The names of the model; empty takes any.
        window: The context window, in tokens.
        oldest: Whether it is vLLM 0.20, which knows fewer efforts.
    """
    if not isinstance(body, dict):
        return bad_request([Wrong("model_attributes_type", (), NO_OBJECT, body)])
    for found in chain(_before_types(body), _types(body, oldest=oldest), _values(body, served, window)):
        if found is not None:
            return found
    return None


def _types(body: dict[str, JsonValue], *, oldest: bool) -> Iterator[Raw | None]:
    wrong = wrong_fields("vllm", body)
    messages = body.get("messages")
    for index, item in enumerate(messages if isinstance(messages, list) else []):
        wrong += wrong_message(index, item)
    yield bad_request(wrong) if wrong else None
    if oldest and body.get("reasoning_effort") not in {None, "none", "low", "medium", "high"}:
        expected = "'none', 'low', 'medium' or 'high'"
        detail = f"Input should be {expected}"
        given = body.get("reasoning_effort")
        yield bad_request([Wrong("literal_error", ("reasoning_effort",), detail, given, {"expected": expected})])


def _before_types(body: dict[str, JsonValue]) -> Iterator[Raw | None]:
    if body.get("stream_options") is not None and not body.get("stream"):
        yield bad_value("Stream options can only be defined when `stream=True`.", "stream_options")
    if body.get("tools") == []:
        detail = "`tools` must not be an empty array. Either provide at least one tool or omit the field entirely."
        yield bad_value(detail, "tools")
    yield _tool_choice(body)
    if body.get("prompt_logprobs") and body.get("stream"):
        yield bad_value("`prompt_logprobs` are not available when `stream=True`.", "prompt_logprobs")
    if body.get("top_logprobs") and not body.get("logprobs"):
        yield bad_value("when using `top_logprobs`, `logprobs` must be set to true.", "top_logprobs")
    salt = body.get("cache_salt")
    if salt == "":
        yield bad_value("Parameter 'cache_salt' must be a non-empty string if provided.", "cache_salt")
    if isinstance(salt, str) and (len(salt) > 128 or set(salt) & set("@/\\\0")):
        detail = "must be at most 128 characters and must not contain '@', '/', '\\\\', or NUL."
        yield bad_value(f"Parameter 'cache_salt' {detail}", "cache_salt")
    asked = body.get("response_format")
    if isinstance(asked, dict) and asked.get("type") == "json_schema" and asked.get("json_schema") is None:
        detail = "When response_format type is 'json_schema', the 'json_schema' field must be provided."
        yield bad_value(detail, "response_format")
    budget = body.get("thinking_token_budget")
    if budget is not None and (isinstance(budget, bool) or not isinstance(budget, int) or budget < -1):
        detail = "`thinking_token_budget` must be a non-negative integer or -1 for unlimited."
        yield bad_value(detail, "thinking_token_budget", budget)
    given = body.get("structured_outputs")
    if isinstance(given, dict):
        count = sum(given.get(name) is not None for name in _CONSTRAINTS)
        if count > 1:
            kinds = "('json', 'regex' or 'choice')"
            yield bad_value(f"You can only use one kind of constraints for structured outputs {kinds}.")
        if not count:
            yield bad_value(_NO_CONSTRAINT)


def _tool_choice(body: dict[str, JsonValue]) -> Raw | None:
    choice, tools = body.get("tool_choice"), body.get("tools")
    if choice is None or choice == "none":
        return None
    if not tools:
        return bad_value("When using `tool_choice`, `tools` must be set.", "tool_choice")
    if isinstance(choice, str):
        if choice in {"auto", "required"}:
            return None
        detail = 'Only named tools, "none", "auto" or "required" are supported.'
        return bad_value(f"Invalid value for `tool_choice`: {choice}! {detail}", "tool_choice")
    function = choice.get("function") if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    offered = [tool.get("function") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    if any(isinstance(each, dict) and each.get("name") == name for each in offered):
        return None
    detail = "The tool specified in `tool_choice` does not match any of the specified `tools`"
    return bad_value(detail, "tool_choice")


_RANGES: tuple[tuple[str, float, float, str], ...] = (
    ("top_k", 0, 10**9, "top_k must be 0 (disable), or at least 1, got {}."),
    ("min_p", 0, 1, "min_p must be in [0, 1], got {}."),
    ("presence_penalty", -2, 2, "presence_penalty must be in [-2, 2], got {}."),
    ("frequency_penalty", -2, 2, "frequency_penalty must be in [-2, 2], got {}."),
    ("repetition_penalty", 1e-9, 10**9, "repetition_penalty must be greater than zero, got {}."),
    ("n", 1, 16384, "n must be at least 1, got {}."),
)


def _values(body: dict[str, JsonValue], served: tuple[str, ...], window: int) -> Iterator[Raw | None]:
    model = body.get("model")
    if isinstance(model, str) and model and served and model not in served:
        yield bad_value_of_model(model, served)
    yield from _templates(body)
    yield from _messages(body, served)
    for name in ("max_completion_tokens", "max_tokens"):
        limit = body.get(name)
        if not isinstance(limit, int):
            continue
        if limit > window:
            detail = (
                f"{name}={limit} cannot be greater than max_model_len={window}. Please request fewer output tokens."
            )
            yield bad_value(detail, name, limit)
        if limit < 1:
            yield bad_value(f"max_tokens must be at least 1, got {limit}.", "max_tokens", limit)
        break
    temperature, top_p = _number(body, "temperature"), _number(body, "top_p")
    if temperature is not None and temperature < 0:
        yield bad_value(f"temperature must be non-negative, got {temperature}.", "temperature", temperature)
    if temperature is not None and temperature > 2:
        yield bad_value(f"temperature must be in [0, 2], got {temperature}.", "temperature", temperature)
    if top_p is not None and not 0 < top_p <= 1:
        yield bad_value(f"top_p must be in (0, 1], got {top_p}.", "top_p", top_p)
    for name, low, high, detail in _RANGES:
        value = body.get(name)
        if isinstance(value, int | float) and not low <= value <= high and not (name == "top_k" and value == -1):
            yield bad_value(detail.format(value if name in {"n", "top_k"} else float(value)))
    if body.get("stop") == "" or (isinstance(stops := body.get("stop"), list) and "" in stops):
        yield bad_value("stop cannot contain an empty string.")
    count = body.get("top_logprobs")
    if isinstance(count, int) and count > 20:
        detail = f"Requested sample logprobs of {count}, which is greater than max allowed: 20"
        yield bad_value(detail, "logprobs", count)
    biases = body.get("logit_bias")
    odd = [key for key in biases if not key.lstrip("-").isdecimal()] if isinstance(biases, dict) else []
    if odd:
        detail = "logit_bias contains key(s) that cannot be converted to integer token IDs:"
        yield bad_value(f"{detail} {odd}", "logit_bias", odd)
    yield from _grammar(body)


def _templates(body: dict[str, JsonValue]) -> Iterator[Raw | None]:
    kwargs = body.get("chat_template_kwargs")
    if body.get("chat_template") or (isinstance(kwargs, dict) and kwargs.get("chat_template")):
        detail = "Refused request with untrusted chat template."
        flag = "--trust-request-chat-template"
        yield bad_value(f"Chat template is passed with request, but {flag} is not set. {detail}")
    if body.get("continue_final_message") and body.get("add_generation_prompt", True):
        yield bad_value("Cannot set both `continue_final_message` and `add_generation_prompt` to True.")


def _messages(body: dict[str, JsonValue], served: tuple[str, ...]) -> Iterator[Raw | None]:
    messages = body["messages"]
    for item in messages if isinstance(messages, list) else []:
        if not isinstance(item, dict):
            continue
        parts = item.get("content")
        kinds = [part.get("type") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
        if any(kind in {"image_url", "video_url", "audio_url", "input_audio"} for kind in kinds):
            model = served[0] if served else body.get("model")
            yield bad_value(f"{model} is not a multimodal model")
        for kind in kinds:
            if kind not in {"text", "refusal", "thinking"}:
                yield bad_value(f"content part of an unknown type: {kind}")
        if isinstance(role := item.get("role"), str) and role not in _ROLES:
            yield bad_value(f"Invalid role: {role}")


def _grammar(body: dict[str, JsonValue]) -> Iterator[Raw | None]:
    asked, given = body.get("response_format"), body.get("structured_outputs")
    schema: JsonValue = given.get("json") if isinstance(given, dict) else None
    pattern = given.get("regex") if isinstance(given, dict) else None
    if isinstance(asked, dict) and asked.get("type") == "json_schema":
        inner = asked.get("json_schema")
        schema = inner.get("schema") if isinstance(inner, dict) else None
        if schema is None:
            yield bad_value(_NO_CONSTRAINT)
    if isinstance(schema, dict) and (fault := schema_fault(schema)) is not None:
        yield bad_value(f"Grammar error: {fault}") if fault else refusal(500, _BROKEN)
    if isinstance(pattern, str) and (fault := pattern_fault(pattern)) is not None:
        where = f'at 1(8): invalid regex "{pattern}" (in regex):'
        yield bad_value(f"Grammar error: {where} {fault}\n   1 | start: /{pattern}/\n              ^")
    tools = body.get("tools")
    for tool in tools if isinstance(tools, list) else []:
        function = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(function, dict) and function.get("strict") and _is_beyond(function.get("parameters")):
            yield bad_value("Invalid grammar specification: 'triggers'")


_BROKEN: JsonValue = {
    "error": {"message": "Internal server error", "type": "InternalServerError", "param": None, "code": 500}
}


def _is_beyond(schema: JsonValue) -> bool:
    """Whether a strict tool's schema is beyond the grammar: what it only passes over, it takes there."""
    fault = schema_fault(schema) if isinstance(schema, dict) else None
    passed = ('Unimplemented keys: ["uniqueItems"]', 'Unimplemented keys: ["contains"]', "Unknown format", "email")
    if fault is None or fault.startswith(passed) or fault == 'Unimplemented keys: ["propertyNames"]':
        return False
    return "is unsatisfiable" not in fault or '"format"' not in json.dumps(schema)


def _number(body: dict[str, JsonValue], name: str) -> float | None:
    value = body.get(name)
    return float(value) if isinstance(value, int | float) else None


def _line_of(each: Wrong) -> str:
    shown = {"type": each.kind, "loc": _place(each.place), "msg": each.message, "input": _given(each.given)}
    return str(shown | ({"ctx": dict(each.context)} if each.context else {}))


def _place(place: tuple[str | int, ...]) -> str:
    # Of a union only the field is named, not the branch.
    return ".".join(
        [
            "body",
            *(str(part) for part in place if not str(part).startswith(("constrained-", "list[")) and part != "str"),
        ]
    )


def _given(value: JsonValue) -> str:
    if isinstance(value, dict):
        return f"<dict of {len(value)} items>"
    return f"<list of {len(value)} items>" if isinstance(value, list) else str(value)


def without_parser(body: dict[str, JsonValue]) -> Error | None:
    """The refusal of tools by a server that was started without the flags for them."""
    choice = body.get("tool_choice", "auto")
    if not body.get("tools") or choice == "none":
        return None
    if choice == "auto":
        flags = "--enable-auto-tool-choice and --tool-call-parser to be set"
        return Error(400, f'"auto" tool choice requires {flags}')
    function = choice.get("function") if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    asked = f'tool_choice="{choice}"' if name is None else f'tool_choice=function "{name}"'
    return Error(400, f"{asked} requires --tool-call-parser to be set")
