"""Structured answers: LangChain's schemas, the mechanism that each method means, and what a chain then gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

from langchain_core.runnables import Runnable, RunnableLambda, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel

from deepseek_v4_sdk import InvalidRequestError, SchemaViolationError
from deepseek_v4_sdk.integrations.langchain.errors import as_langchain
from deepseek_v4_sdk.integrations.langchain.messages import ai_message

if TYPE_CHECKING:
    from langchain_core.language_models import LanguageModelInput
    from langchain_core.messages import AIMessage

    from deepseek_v4_sdk import Parsed, Reply

__all__ = [
    "Shape",
    "StructuredMethod",
    "failed_message",
    "mechanism_of",
    "parsed_message",
    "read_shape",
    "structured_chain",
]

StructuredMethod: TypeAlias = Literal["auto", "json_schema", "function_calling", "json_mode"]
"""LangChain's words for how an answer is held to a schema; "auto" takes the best one that the server has."""

_PARSED = "parsed"
_ERROR = "parsing_error"


@dataclass(frozen=True)
class Shape:
    """The shape of an answer, as it travels with the arguments of a call.

    Attributes:
        schema: A type or a JSON Schema, as the SDK's `parse` takes it.
        model: A pydantic model of version 1, which its values become; else None.
        method: The way the answer is held to it.
        retries: Number of further requests that may follow a wrong answer; each has the error in its prompt.
    """

    schema: Any
    model: Any = None
    method: StructuredMethod = "auto"
    retries: int = 0


def read_shape(schema: object, method: StructuredMethod, retries: int) -> Shape:
    """Read a schema in any form that LangChain knows.

    Raises:
        InvalidRequestError: There is none, and the method needs one.
    """
    if method not in (known := get_args(StructuredMethod)):
        raise InvalidRequestError(f"method is {method!r}: one of {', '.join(map(repr, known))}")
    if schema is None:
        if method != "json_mode":
            raise InvalidRequestError(f"schema is missing: method={method!r} needs one")
        return Shape({"title": "answer", "type": "object"}, None, method, retries)
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        if issubclass(schema, BaseModel):
            return Shape(schema, None, method, retries)
        return Shape(convert_to_json_schema(schema), schema, method, retries)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(schema, Mapping):
        return Shape(convert_to_json_schema(cast("dict[str, Any]", schema)), None, method, retries)
    return Shape(schema, None, method, retries)


def mechanism_of(
    method: StructuredMethod, *, holds_schema: bool
) -> Literal["auto", "json_schema", "json_object", "tool"]:
    """The SDK's mechanism for a method.

    A server that cannot hold an answer to a schema, as DeepSeek's own API, gets the schema in the prompt; the answer is
    checked here in each case.
    """
    if method == "function_calling":
        return "tool"
    if method == "json_mode" or (method == "json_schema" and not holds_schema):
        return "json_object"
    return "auto" if method == "auto" else "json_schema"


def parsed_message(parsed: Parsed[Any], shape: Shape) -> AIMessage:
    """A structured answer as a message that carries its value."""
    message = ai_message(parsed.reply)
    value = parsed.value if shape.model is None else shape.model.parse_obj(parsed.value)
    message.additional_kwargs[_PARSED] = value
    return message


def failed_message(error: SchemaViolationError) -> AIMessage:
    """An answer that does not match, as a message that carries the error."""
    message = ai_message(cast("Reply", error.partial))
    message.additional_kwargs[_ERROR] = as_langchain(error)
    return message


def structured_chain(bound: Runnable[Any, Any], *, include_raw: bool) -> Runnable[LanguageModelInput, Any]:
    """The model and what reads the value of its messages."""
    if not include_raw:
        return bound | RunnableLambda(_value, name="StructuredValue")
    raw = itemgetter("raw")
    return RunnableMap(raw=bound) | RunnablePassthrough.assign(
        parsed=raw | RunnableLambda(_value_or_none), parsing_error=raw | RunnableLambda(_failure)
    )


def _value(message: AIMessage) -> object:
    if (error := _failure(message)) is not None:
        raise error
    return message.additional_kwargs[_PARSED]


def _value_or_none(message: AIMessage) -> object:
    return message.additional_kwargs.get(_PARSED)


def _failure(message: AIMessage) -> Exception | None:
    return cast("Exception | None", message.additional_kwargs.get(_ERROR))
