"""The chats of a probe: small, and any model answers them in a few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["TOOL", "WORD", "Question", "cached", "forced_tool", "plain", "structured", "thinking", "tool"]

WORD = "heron"
"""The value of the structured answer; no model says it unless forced to."""

TOOL = "get_weather"
"""The tool that is offered."""

_QUESTION = "How many legs do three herons have? Answer with the number alone."
_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": TOOL,
            "description": "The weather of a city, now.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]
_SCHEMA = {
    "type": "object",
    "properties": {"word": {"type": "string", "enum": [WORD]}},
    "required": ["word"],
    "additionalProperties": False,
}
# Caches keep whole blocks of up to 256 tokens (vLLM's recipes, SGLang's pages for V4): the common part of two prompts
# must be longer than two of them.
_LONG = " ".join(f"Rule {number}: a heron by the water stands still and waits." for number in range(1, 49))


@dataclass(frozen=True, slots=True)
class Question:
    """A chat.

    Attributes:
        about: Its purpose, in a few words.
        messages: Its messages.
        options: Its options. Markup stays unchanged, so that the server's treatment of it shows.
    """

    about: str
    messages: Sequence[Mapping[str, object]]
    options: Mapping[str, object]


def plain() -> Question:
    """Without thinking."""
    return _chat("an answer without thinking", _QUESTION, thinking="off", max_tokens=32)


def thinking() -> Question:
    """The same with thinking; the limit is enough for a model to end it."""
    return _chat("an answer with thinking", _QUESTION, thinking="high", max_tokens=1024)


def tool() -> Question:
    """A tool that the model may call."""
    return _chat(
        "a tool call", "What is the weather in Paris? Look it up.", tools=_TOOLS, max_tokens=256, temperature=0
    )


def forced_tool() -> Question:
    """A tool that the model must call."""
    asked = tool()
    return Question("a forced tool call", asked.messages, {**asked.options, "tool_choice": "required"})


def structured(*, held: bool) -> Question:
    """A request for an answer of a certain shape. A server that holds answers to a schema gets no description of it."""
    if held:
        text, shape = "Name a bird, in JSON.", {"name": "bird", "schema": _SCHEMA}
        asked: Mapping[str, object] = {"type": "json_schema", "json_schema": shape}
    else:
        text, asked = f'Answer with this JSON: {{"word": "{WORD}"}}', {"type": "json_object"}
    messages = ({"role": "system", "content": _LONG}, {"role": "user", "content": text})
    options = {"thinking": "off", "max_tokens": 64, "temperature": 0, "dsml": "off", "response_format": asked}
    return Question("structured output", messages, options)


def cached(*, held: bool) -> Question:
    """The same prompt again, which is now in the server's cache."""
    asked = structured(held=held)
    return Question("the same prompt again", asked.messages, asked.options)


def _chat(about: str, text: str, **options: object) -> Question:
    return Question(about, ({"role": "user", "content": text},), {"thinking": "off", "dsml": "off", **options})
