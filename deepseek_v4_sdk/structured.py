"""Structured answers: ask for JSON in the way this server has, read it wherever it landed, and check it here."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar, cast

from deepseek_v4_sdk.chat import (
    Conversation,
    JsonValue,
    Repair,
    Reply,
    SystemMessage,
    content_json,
    is_mapping,
    read_json,
    read_messages,
    write_json,
)
from deepseek_v4_sdk.errors import ConfigurationError, EmptyTurnError, SchemaViolationError

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import Message, MessagesInput
    from deepseek_v4_sdk.providers import Renderer

__all__ = ["Mechanism", "Parsed", "Question", "Shape", "parse_steps"]

T = TypeVar("T")

Mechanism: TypeAlias = Literal["json_schema", "json_object"]
"""How the server was held to the schema: by a grammar of it, or to a JSON object with the schema in the prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed(Generic[T]):
    """A structured answer.

    Attributes:
        value: The value, checked.
        reply: The reply it was read from.
        mechanism: How the server was held to the schema.
    """

    value: T
    reply: Reply
    mechanism: Mechanism


@dataclass(frozen=True, slots=True)
class Question:
    """Ask the model; the answer is its `Reply`, or the `EmptyTurnError` that came instead.

    Attributes:
        messages: The conversation.
        response_format: What to ask for.
    """

    messages: Conversation
    response_format: Mapping[str, object]


class Shape(Generic[T]):
    """What an answer must look like.

    Args:
        schema: A pydantic model, a dataclass, a `TypedDict`, any type that pydantic knows, or a JSON Schema.

    Raises:
        ConfigurationError: There is no schema for it.
    """

    def __init__(self, schema: type[T] | Mapping[str, object]) -> None:
        from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter

        from deepseek_v4_sdk.tools.handwritten import fault_of
        from deepseek_v4_sdk.tools.schema import PlainSchema, compact

        self._adapter: TypeAdapter[T] | None = None
        if is_mapping(schema):
            if fault := fault_of(schema):
                raise ConfigurationError(f"the schema is no JSON Schema: {fault}")
            self.name = str(schema.get("title", "answer"))
            self.schema = cast("dict[str, JsonValue]", dict(schema))
            return
        self.name = re.sub(r"\W", "_", getattr(schema, "__name__", "answer"))
        try:
            self._adapter = TypeAdapter(cast("type[T]", schema))
            raw = self._adapter.json_schema(schema_generator=PlainSchema)
        except (PydanticSchemaGenerationError, PydanticUserError) as error:
            first = str(error).splitlines()[0]
            raise ConfigurationError(f"there is no JSON Schema for {self.name}: {first}") from None
        self.schema = compact(raw, {}, require_all=False)

    def read(self, value: JsonValue, text: str) -> T:
        """The value in the type asked for.

        Raises:
            SchemaViolationError: It does not match; `path` says where.
        """
        from deepseek_v4_sdk.tools.refusal import path_of

        if self._adapter is None:
            from deepseek_v4_sdk.tools.handwritten import mistake_in

            mistake = mistake_in(value, self.schema)
            if mistake is None:
                return cast("T", value)
            place, said = mistake
            raise _violation(path_of(place), said, text)
        from pydantic import ValidationError

        try:
            return self._adapter.validate_json(write_json(value))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise _violation(path_of(first["loc"]), str(first["msg"]), text) from None


def parse_steps(
    messages: MessagesInput, shape: Shape[T], renderer: Renderer, retries: int
) -> Generator[Question, Reply | EmptyTurnError, Parsed[T]]:
    """Ask, read and check; ask again with what was wrong, as often as allowed.

    The schema always stands where the model can read it: vLLM and Dynamo hold the answer to it, and do not show it.

    Raises:
        SchemaViolationError: No answer matched.
    """
    mechanism: Mechanism = "json_schema" if renderer.holds_schema else "json_object"
    shown = renderer.shows_format and mechanism == "json_schema"
    conversation = Conversation(list(messages) if isinstance(messages, Conversation) else read_messages(messages))
    if not shown:
        _instruct(conversation, shape.schema)
    asked: Mapping[str, object] = {"type": "json_object"}
    if mechanism == "json_schema":
        asked = {"type": "json_schema", "json_schema": {"name": shape.name, "schema": shape.schema}}
    while True:
        reply, found, repairs = yield from _answer(conversation, asked)
        try:
            if found is None:
                raise _violation("", "the answer is no JSON", reply.text)
            value = shape.read(found, reply.text)
        except SchemaViolationError as error:
            if retries < 1:
                error.about(partial=reply, attempts=reply.attempts, request_id=reply.request_id)
                raise
            retries -= 1
            conversation.add(reply)
            conversation.user(f"That does not match the schema: {error}. Answer again, with the JSON alone.")
        else:
            reply = replace(reply, repairs=(*reply.repairs, *repairs))
            return Parsed(value=value, reply=reply, mechanism=mechanism)


def _answer(
    conversation: Conversation, asked: Mapping[str, object]
) -> Generator[Question, Reply | EmptyTurnError, tuple[Reply, JsonValue, list[Repair]]]:
    """Ask, and find the JSON in the answer: the text itself, inside a fence or prose, or left in the reasoning."""
    reply = yield Question(conversation, asked)
    if isinstance(reply, EmptyTurnError):
        # vLLM 0.20 put the JSON into the reasoning.
        partial = reply.partial
        value = None if partial is None else _json_in(partial.reasoning or "")
        if partial is None or value is None:
            raise reply
        return partial, value, [Repair("json_in_reasoning", "the JSON was left in the reasoning")]
    try:
        return reply, read_json(reply.text), []
    except ValueError:
        value = _json_in(reply.text)
    note = Repair("json_in_text", "the JSON stood inside other text")
    return reply, value, [] if value is None else [note]


_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL)


def _json_in(text: str) -> JsonValue:
    """The JSON object or list inside a text, or None."""
    candidates = [match[1] for match in _FENCE.finditer(text)]
    for opening, closing in (("{", "}"), ("[", "]")):
        start, end = text.find(opening), text.rfind(closing)
        if 0 <= start < end:
            candidates.append(text[start : end + 1])
    for candidate in candidates:
        try:
            value = read_json(candidate)
        except ValueError:
            continue
        if isinstance(value, dict | list):
            return value
    return None


def _instruct(conversation: Conversation, schema: Mapping[str, JsonValue]) -> None:
    """Put the schema into the system text, at its end: what stands before it stays as it was for the prefix cache."""
    text = f"Answer with JSON that matches this schema, and with nothing else:\n{write_json(schema).decode()}"
    first: Message | None = conversation[0] if len(conversation) else None
    if isinstance(first, SystemMessage):
        given = content_json(first.content)
        parts = (given,) if isinstance(given, str) else cast("tuple[str, ...]", first.content)
        conversation[0] = replace(first, content="\n\n".join((*parts, text)))
    else:
        conversation.insert(0, SystemMessage(text))


def _violation(path: str, said: str, text: str) -> SchemaViolationError:
    where = f" at {path}" if path else ""
    return SchemaViolationError(f"the answer is wrong{where}: {said}", path=path, text=text)
