"""One prompt to render: the arguments, checked and in one form, before any dialect's rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NoReturn, TypeAlias, cast

from deepseek_v4_sdk.chat import JsonValue, MessagesInput, Thinking, ToolChoice, check_options, is_mapping
from deepseek_v4_sdk.chat.json_value import plain_json
from deepseek_v4_sdk.errors import InvalidRequestError, UnsupportedOptionError
from deepseek_v4_sdk.prompt.definitions import ToolObject
from deepseek_v4_sdk.prompt.literals import EFFORTS, Generation

Dialect: TypeAlias = Literal["vllm", "recipe"]
"""The two families of encoders: vLLM's, and DeepSeek's own deepseek-recipe, which SGLang and DeepSeek's API run."""

DIALECTS: Final[tuple[Dialect, ...]] = ("vllm", "recipe")


@dataclass(frozen=True, slots=True)
class AnswerFormat:
    """The format that the prompt requires of the answer: a JSON Schema, or (None) any JSON object."""

    schema: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderJob:
    """A prompt to render.

    Attributes:
        messages: The given messages.
        tools: The tools' `function` objects, unchanged.
        thinking: The amount of reasoning.
        generation: The format.
        dialect: The encoder.
        drop_thinking: Whether reasoning of earlier turns is left out where no tools are offered.
        answer_format: The answer's format in the prompt, or None.
        add_bos: Whether it begins with the token that begins a sentence.
        tool_choice: A keyword or the name of a tool.
    """

    messages: MessagesInput
    tools: list[ToolObject]
    thinking: Thinking
    generation: Generation
    dialect: Dialect
    drop_thinking: bool
    answer_format: AnswerFormat | None
    add_bos: bool
    tool_choice: str

    def __post_init__(self) -> None:
        for name, known in (
            ("dialect", DIALECTS),
            ("generation", tuple(EFFORTS)),
            ("thinking", tuple(EFFORTS["2026-08"])),
            ("drop_thinking", (True, False)),
            ("add_bos", (True, False)),
        ):
            value: object = getattr(self, name)
            if value not in known:
                raise InvalidRequestError(f"{name} is {value!r}: give {' or '.join(map(repr, known))}")

    @property
    def thinks(self) -> bool:
        """Whether the model thinks at all."""
        return self.thinking != "off"

    @property
    def effort(self) -> str:
        """The text about how much to think."""
        return EFFORTS[self.generation][self.thinking]

    def lacks(self, option: str, hint: str) -> NoReturn:
        """Refuse an option that the dialect does not support.

        Raises:
            UnsupportedOptionError: Always.
        """
        raise UnsupportedOptionError(
            f"the prompt format of {self.dialect!r} has no {option}: {hint}", option=option, provider=self.dialect
        )


def read_choice(choice: ToolChoice | None) -> str:
    """Return a tool choice as a keyword or a name; none is "auto"."""
    return cast("str", check_options({"tool_choice": choice}).get("tool_choice", "auto"))


def read_answer_format(value: Mapping[str, object] | None) -> AnswerFormat | None:
    """Read a response format as far as prompts show it.

    Raises:
        InvalidRequestError: It is neither a response format nor a schema.
    """
    if value is None:
        return None
    if not is_mapping(value):
        raise InvalidRequestError(f"response_format is {type(value).__name__}: give OpenAI's mapping or a JSON Schema")
    kind = value.get("type")
    if kind in _GRAMMAR_ONLY:
        return None
    if kind == "json_object":
        return AnswerFormat(None)
    if kind == "json_schema":
        inner = value.get("json_schema")
        schema = inner.get("schema") if is_mapping(inner) else None
        if not is_mapping(schema):
            raise InvalidRequestError("response_format.json_schema.schema is missing: give the JSON Schema")
        return AnswerFormat(plain_json(schema, "response_format.json_schema.schema"))
    return AnswerFormat(plain_json(value, "response_format"))


_GRAMMAR_ONLY: Final = frozenset({"text", "regex", "structural_tag"})
"""Formats that no encoder writes into a prompt."""
