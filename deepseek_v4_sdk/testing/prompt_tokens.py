"""Prompts on the server's side: what the flavor's encoder makes of a request's body, and how many tokens that is."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import JsonValue, Message, SystemMessage, Thinking, read_messages, read_tools
from deepseek_v4_sdk.tokens import encode
from deepseek_v4_sdk.tokens.vocabulary import byte_alphabet, load_vocabulary

if TYPE_CHECKING:
    from deepseek_v4_sdk.prompt import Dialect, Generation, Segment
    from deepseek_v4_sdk.tokens.prompts import PromptForm
else:
    Dialect = late_type("deepseek_v4_sdk.prompt", "Dialect")
    Generation = late_type("deepseek_v4_sdk.prompt", "Generation")
    Segment = late_type("deepseek_v4_sdk.prompt", "Segment")
    PromptForm = late_type("deepseek_v4_sdk.tokens.prompts", "PromptForm")

__all__ = ["Rendering", "as_tokenized", "count_body", "encode_body", "render_body", "token_ends", "token_spellings"]

# Servers pass over what they do not know on a message; we read what they read.
_READ = frozenset(
    {"role", "content", "reasoning", "reasoning_content", "tool_calls", "tool_call_id", "task", "wo_eos", "prefix"}
)


@dataclass(frozen=True, slots=True)
class Rendering:
    """A server's way of making a prompt of a body.

    Attributes:
        dialect: Its encoder.
        generation: The format.
        thinking: The level that the body asks for.
        grammar: Whether the server forces a call by a grammar, which does not show in the prompt.
    """

    dialect: Dialect
    generation: Generation
    thinking: str
    grammar: bool = True


def render_body(body: dict[str, JsonValue], rendering: Rendering) -> str:
    """The prompt that a body becomes.

    Raises:
        InvalidRequestError: The encoder refuses it.
    """
    messages, form = _read(body, rendering)
    return form.render(messages).text


def count_body(body: dict[str, JsonValue], rendering: Rendering) -> int:
    """The tokens of that prompt.

    Raises:
        InvalidRequestError: The encoder refuses it.
    """
    from deepseek_v4_sdk.tokens.prompts import count_prompt  # loaded when something is counted

    messages, form = _read(body, rendering)
    return count_prompt(messages, form).total


def encode_body(body: dict[str, JsonValue], rendering: Rendering) -> list[int]:
    """The tokens of that prompt, one by one. Texts that were met before are not encoded again.

    Raises:
        InvalidRequestError: The encoder refuses it.
    """
    messages, form = _read(body, rendering)
    segments = form.render(messages).segments
    return [token for segment in segments for token in _encoded(segment, rendering.dialect)]


@lru_cache(maxsize=4096)
def _encoded(segment: Segment, dialect: Dialect) -> tuple[int, ...]:
    from deepseek_v4_sdk.tokens.segments import encode_segment  # loaded when something is counted

    return tuple(encode_segment(segment, dialect))


def token_ends(text: str) -> list[int]:
    """The ends of the tokens of a model's output, in characters; one that ends inside a character is held back."""
    ends: list[int] = []
    decoder = getincrementaldecoder("utf-8")()
    at = 0
    for piece in load_vocabulary().encoding.decode_tokens_bytes(encode(text)):
        at += len(decoder.decode(piece))
        ends.append(at if not decoder.getstate()[0] else ends[-1] if ends else 0)
    return ends


def token_spellings(ids: Sequence[int]) -> list[str]:
    """Tokens as the vocabulary's file spells them: a letter for each byte."""
    letters = {byte: letter for letter, byte in byte_alphabet().items()}
    pieces = load_vocabulary().encoding.decode_tokens_bytes(list(ids))
    return ["".join(chr(letters[byte]) for byte in piece) for piece in pieces]


def as_tokenized(body: dict[str, JsonValue], dialect: Dialect) -> dict[str, JsonValue]:
    """The part of a chat's body that the routes that count tokens see (vLLM 0.33, SGLang 0.5.23)."""
    if dialect == "recipe":  # it reads the effort only at the root
        kwargs = body.get("chat_template_kwargs")
        if isinstance(kwargs, dict):
            kwargs = {key: value for key, value in kwargs.items() if key != "reasoning_effort"}
        return {**body, "chat_template_kwargs": kwargs}
    # Neither the effort at the root is read, nor reasoning under its other name.
    seen = {key: value for key, value in body.items() if key not in {"reasoning_effort", "tool_choice"}}
    seen["messages"] = [
        {key: value for key, value in item.items() if key != "reasoning_content"} if isinstance(item, dict) else item
        for item in cast("list[JsonValue]", body["messages"])
    ]
    return seen


def _read(body: dict[str, JsonValue], rendering: Rendering) -> tuple[tuple[Message, ...], PromptForm]:
    from deepseek_v4_sdk.tokens.prompts import PromptForm

    given = cast("list[JsonValue]", body["messages"])
    messages = read_messages(
        [
            {key: value for key, value in item.items() if key in _READ} if isinstance(item, dict) else item
            for item in given
        ]
    )
    choice = body.get("tool_choice")
    function = choice.get("function") if isinstance(choice, dict) else None
    chosen = function.get("name") if isinstance(function, dict) else choice
    tools = read_tools(body.get("tools"))
    dialect = rendering.dialect
    if rendering.grammar and chosen not in {None, "auto", "none"}:
        # SGLang's server forces a call by a grammar, and renders the prompt as for "auto", with only the chosen tool.
        if dialect == "recipe" and chosen != "required":
            tools = tuple(tool for tool in tools if tool.name == chosen)
        chosen = None
    form = PromptForm(
        dialect=dialect,
        generation=rendering.generation,
        thinking=cast("Thinking", rendering.thinking),
        tools=tools,
        response_format=cast("dict[str, object] | None", body.get("response_format")) if dialect == "recipe" else None,
        tool_choice=cast("str | None", chosen),
    )
    if dialect == "vllm" and any(isinstance(message, SystemMessage) and message.developer for message in messages):
        form = replace(form, as_sent=_with_developers, renderer_id=object())  # no count of another is taken for it
    return messages, form


def _with_developers(messages: tuple[Message, ...]) -> list[Message | Mapping[str, object]]:
    """Keep developers: vLLM's encoder does not treat them as system."""
    return [
        {"role": "developer", "content": message.to_dict()["content"]}
        if isinstance(message, SystemMessage) and message.developer
        else message
        for message in messages
    ]
