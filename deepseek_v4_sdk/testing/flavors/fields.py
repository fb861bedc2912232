"""The types of a body's fields, checked as the servers check them: with pydantic, whose words are in their refusals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, ValidationError

from deepseek_v4_sdk.chat import JsonValue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_core import ErrorDetails

__all__ = ["NO_OBJECT", "Wrong", "wrong_fields", "wrong_message"]


@dataclass(frozen=True, slots=True)
class Wrong:
    """A field that is not of its type.

    Attributes:
        kind: pydantic's name of what is wrong.
        place: The place in the body.
        message: The error text.
        given: The given value.
        context: More of what was expected.
    """

    kind: str
    place: tuple[str | int, ...]
    message: str
    given: JsonValue
    context: Mapping[str, Any] | None = None


def wrong_fields(server: Literal["vllm", "sglang"], body: JsonValue) -> list[Wrong]:
    """The errors in the types of a body's fields; nothing when all are right."""
    try:
        _model_of(server).model_validate(body)
    except ValidationError as error:
        return [_wrong(each) for each in error.errors(include_url=False)]
    return []


NO_OBJECT = "Input should be a valid dictionary or object to extract fields from"
"""The error text for a missing mapping."""


def wrong_message(index: int, item: JsonValue) -> list[Wrong]:
    """Errors of vLLM in a message's form. It names each kind of message it tried; this shows the user's."""
    where = ("messages", index, "ChatCompletionUserMessageParam")
    if not isinstance(item, dict):
        return [Wrong("dict_type", where, "Input should be a valid dictionary", item)]
    if "role" not in item:
        return [Wrong("missing", (*where, "role"), "Field required", item)]
    content = item.get("content")
    if not isinstance(content, str | list) and not (content is None and item.get("role") != "user"):
        return [Wrong("string_type", (*where, "content"), "Input should be a valid string", content)]
    calls = item.get("tool_calls")
    return [wrong for place, call in enumerate(calls if isinstance(calls, list) else []) for wrong in _of(place, call)]


def _of(place: int, call: JsonValue) -> Iterator[Wrong]:
    """Its errors in a call whose arguments are not a text. It tries both kinds of calls."""
    function = call.get("function") if isinstance(call, dict) else None
    arguments = function.get("arguments", "") if isinstance(function, dict) else ""
    if isinstance(call, dict) and not isinstance(arguments, str):
        custom = (place, "ChatCompletionMessageCustomToolCallParam")
        called = (place, "ChatCompletionMessageFunctionToolCallParam", "function")
        yield Wrong("string_type", called, "Input should be a valid string", arguments)
        yield Wrong("missing", (*custom, "custom"), "Field required", call)
        detail = {"expected": "'custom'"}
        yield Wrong("literal_error", (*custom, "type"), "Input should be 'custom'", call.get("type"), detail)


def _wrong(each: ErrorDetails) -> Wrong:
    context = {key: value for key, value in each.get("ctx", {}).items() if key != "error"} or None
    return Wrong(each["type"], tuple(each["loc"]), each["msg"], each["input"], context)


@cache
def _model_of(server: Literal["vllm", "sglang"]) -> type[BaseModel]:
    """The fields that the server's own model has, in its order; built when a body is first looked at."""

    class Schema(BaseModel):
        model_config = ConfigDict(extra="allow")

        schema_: dict[str, Any] | None = Field(None, alias="schema")
        strict: bool | None = None if server == "vllm" else Field(None, strict=True)

    class Format(BaseModel):
        model_config = ConfigDict(extra="allow")

        type: Literal["text", "json_object", "json_schema", "structural_tag"]
        json_schema: Schema | None = None

    class Function(BaseModel):
        name: str
        description: str | None = None
        parameters: dict[str, Any] | None = None

    class Tool(BaseModel):
        function: Function

    class Shared(BaseModel):
        model_config = ConfigDict(extra="allow")

        messages: list[Any]
        frequency_penalty: float | None = 0.0
        logit_bias: dict[str, float] | None = None
        logprobs: bool | None = False
        max_tokens: int | None = None
        max_completion_tokens: int | None = None
        n: int | None = 1
        presence_penalty: float | None = 0.0
        response_format: Format | None = None
        seed: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] | None = None
        stream: bool | None = False
        stream_options: dict[str, Any] | None = None
        temperature: float | None = None
        top_p: float | None = None
        user: str | None = None
        tools: list[Tool] | None = None
        tool_choice: SkipValidation[Any] = None
        parallel_tool_calls: bool | None = True
        top_k: int | None = None
        min_p: float | None = None
        repetition_penalty: float | None = None
        chat_template_kwargs: dict[str, Any] | None = None
        cache_salt: str | None = None
        priority: int | None = None

    if server == "vllm":

        class VLLMFields(Shared):
            model: str | None = None
            top_logprobs: int | None = 0
            stop: str | Annotated[list[str], Field(max_length=4)] | None = None
            reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
            include_reasoning: bool = True

        return VLLMFields

    class SGLangFields(Shared):
        model: str = "default"
        top_logprobs: int | None = None
        task: Literal["action", "query", "authority", "domain", "title", "read_url"] | None = None

    return SGLangFields
