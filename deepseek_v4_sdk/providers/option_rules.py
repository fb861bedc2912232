"""Combinations that servers refuse or misread, checked before anything is sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk.chat import AssistantMessage, is_mapping, nearest, write_json
from deepseek_v4_sdk.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepseek_v4_sdk.chat import ChatRequest, JsonValue
    from deepseek_v4_sdk.providers.provider import Rule

__all__ = [
    "cache_salt_is_plain",
    "format_is_known",
    "json_is_mentioned",
    "known_keys",
    "limit",
    "no_answer_at_the_end",
    "no_format_with_forced_call",
    "no_prefill",
    "no_prefix",
    "priority_has_a_negative",
    "stops",
    "strict_schema_is_an_object",
    "strict_tools_are_closed",
    "tools_can_be_printed",
]


def limit(option: str, high: float) -> Rule:
    """An option with an upper bound."""

    def rule(request: ChatRequest) -> str | None:
        value = getattr(request, option)
        return f"{option} is {value}: it goes up to {high} here" if value is not None and value > high else None

    return rule


def stops(most: int) -> Rule:
    """The most stop texts."""

    def rule(request: ChatRequest) -> str | None:
        count = len(request.stop or ())
        return f"stop has {count} texts: at most {most} here" if count > most else None

    return rule


def no_answer_at_the_end(request: ChatRequest) -> str | None:
    """A conversation that ends with the assistant: vLLM closes that turn, SGLang makes user text of it."""
    if isinstance(request.messages[-1], AssistantMessage) and not request.extra_body.get("continue_final_message"):
        return (
            f"messages[{len(request.messages) - 1}] is an assistant message and the last: the model would not go on "
            "with it; end with a user message or a tool result"
        )
    return None


def no_prefill(request: ChatRequest) -> str | None:
    """The same, and no option changes it: vLLM closes that turn even with `continue_final_message`."""
    if isinstance(request.messages[-1], AssistantMessage):
        return (
            f"messages[{len(request.messages) - 1}] is an assistant message and the last: the model cannot go on "
            "with it here; end with a user message or a tool result"
        )
    return None


def _format(request: ChatRequest) -> tuple[object, Mapping[str, object]]:
    asked = request.response_format
    if asked is None:
        return None, {}
    inner = asked.get("json_schema")
    return asked.get("type"), inner if is_mapping(inner) else {}


def format_is_known(request: ChatRequest) -> str | None:
    """A response format has one of the known types, and a schema where it needs one."""
    if request.response_format is None:
        return None
    kind, inner = _format(request)
    if not isinstance(kind, str) or kind not in {"text", "json_object", "json_schema", "structural_tag"}:
        return f"response_format.type is {kind!r}: one of text, json_object, json_schema, structural_tag"
    if kind == "json_schema" and not is_mapping(inner.get("schema")):
        return "response_format.json_schema.schema is missing: give {'name': ..., 'schema': {...}}"
    if kind == "json_schema" and not isinstance(inner.get("name"), str):
        return "response_format.json_schema.name is missing: give {'name': ..., 'schema': {...}}"
    return None


def no_format_with_forced_call(request: ChatRequest) -> str | None:
    """A response format with a forced tool call: vLLM silently drops the format, SGLang answers 400."""
    kind, _ = _format(request)
    if kind is not None and kind != "text" and request.forces_a_call:
        return f"tool_choice={request.tool_choice!r} leaves no place for a response_format: give one of the two"
    return None


def json_is_mentioned(request: ChatRequest) -> str | None:
    """`json_object` needs the word json in the prompt (SGLang 0.5.23, DeepSeek's API)."""
    kind, _ = _format(request)
    if kind == "json_object":
        prompt = write_json([message.to_dict() for message in request.messages])
        if b"json" not in prompt.lower():
            return "response_format json_object needs the word 'json' somewhere in the messages: say that you want JSON"
    return None


def strict_schema_is_an_object(request: ChatRequest) -> str | None:
    """A strict schema is an object with at least one property at its top (SGLang 0.5.23)."""
    kind, inner = _format(request)
    schema = inner.get("schema")
    if kind != "json_schema" or not is_mapping(schema):
        return None
    strict = inner.get("strict")
    if strict is not None and not isinstance(strict, bool):
        return f"response_format.json_schema.strict is {strict!r}: give True or False"
    if strict and (schema.get("type") != "object" or not schema.get("properties")):
        return "a strict response_format needs an object with at least one property at the top of its schema"
    return None


_SALT = re.compile(r"[^@/\\\0]{1,128}")


def cache_salt_is_plain(request: ChatRequest) -> str | None:
    r"""A cache salt as vLLM takes it: at most 128 characters, none of them `@`, `/`, `\` or NUL."""
    if request.cache_salt is not None and not _SALT.fullmatch(request.cache_salt):
        return "cache_salt is not usable: at most 128 characters, and none of @ / \\ NUL"
    return None


def priority_has_a_negative(request: ChatRequest) -> str | None:
    """The smallest 64-bit number has no negative in 64 bits, and vLLM gets the negative."""
    if request.priority == -(2**63):
        return f"priority is {-(2**63)}: from {1 - 2**63} here"
    return None


def no_prefix(request: ChatRequest) -> str | None:
    """`prefix` on a message exists only on DeepSeek's own API."""
    for index, message in enumerate(request.messages):
        if "prefix" in message.extra:
            return f"messages[{index}] has prefix, which only DeepSeek's own API reads: leave it out"
    return None


def strict_tools_are_closed(request: ChatRequest) -> str | None:
    """A strict tool says `additionalProperties: false` (NVIDIA Dynamo 1.6.1)."""
    for index, tool in enumerate(request.tools):
        if tool.strict and (tool.parameters or {}).get("additionalProperties") is not False:
            return f"tools[{index}] is strict, and its parameters lack additionalProperties: false"
    return None


def tools_can_be_printed(request: ChatRequest) -> str | None:
    """The vendor's encoder takes objects as parameters, and of strict tools what it knows (SGLang 0.5.23)."""
    objects = [(tool.parameters or {}).get("type") == "object" for tool in request.tools]
    if all(objects) and not any(tool.strict for tool in request.tools):
        return None
    from deepseek_v4_sdk.prompt.definitions import recipe_tools  # counting uses the same

    listed: list[dict[str, JsonValue]] = [
        cast("dict[str, JsonValue]", tool.to_dict()["function"]) for tool in request.tools
    ]
    try:
        recipe_tools(listed, None)
    except InvalidRequestError as error:
        return str(error)
    return None


def known_keys(path: tuple[str, ...], known: frozenset[str], where: str) -> Rule:
    """An object that the caller puts into `extra_body` has only keys from a closed set."""

    def rule(request: ChatRequest) -> str | None:
        value: object = request.extra_body
        for key in path:
            value = value.get(key) if is_mapping(value) else None
        if not is_mapping(value):
            return None
        unknown = sorted(value.keys() - known)
        if not unknown:
            return None
        hint = nearest(unknown[0], known)
        place = ".".join(("extra_body", *path))
        return f"{place} has {', '.join(unknown)}{hint}, which {where} refuses; known: {', '.join(sorted(known))}"

    return rule
