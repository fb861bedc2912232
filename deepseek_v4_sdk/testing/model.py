"""The model behind the mock when it has no script: it answers from its input, and thinks, reads and calls like one."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import read_json
from deepseek_v4_sdk.testing.requests import message_text
from deepseek_v4_sdk.testing.script import Turn, text, think, tool_call

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.testing.requests import MockRequest

__all__ = ["answer"]

_WORD = re.compile(r"\w[\w'-]*")
_COMMON_WORDS = """
the a an and or of to in on for with is are was were be it this that what which who how do does did can will i you we
they from at by as about one two please tell me my your its into not no
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def answer(request: MockRequest) -> Turn:
    """One turn that fits the request: a tool call where a tool fits the question, else a text about it."""
    results, question = _results(request), request.text
    if results:
        return think(f"The tools have answered {len(results)} call(s). I will say what they said.") + text(
            "According to the tools: " + "; ".join(results) + "."
        )
    called = _call(question, request.body)
    if called is not None:
        return called
    if (schema := _schema(request.body)) is not None:
        return think("The answer is to be JSON.") + text(json.dumps(_arguments(schema, question), ensure_ascii=False))
    words = _WORD.findall(question)
    topics = [word for word in dict.fromkeys(word.lower() for word in words) if word not in _COMMON][:5]
    reasoning = f"The user wrote {len(words)} words. " + (f"They are about {', '.join(topics)}." if topics else "")
    first = next((line.strip() for line in question.splitlines() if line.strip()), "nothing")
    return think(reasoning) + text(
        f"You wrote {len(words)} words, beginning with “{first[:80]}”. "
        + (f"The words that stand out are: {', '.join(topics)}." if topics else "Ask me anything.")
    )


def _results(request: MockRequest) -> list[str]:
    """The tool results at the end of the conversation."""
    results: list[str] = []
    for message in reversed(request.messages):
        if message.get("role") != "tool":
            break
        results.append(message_text(message))
    return results[::-1]


def _call(question: str, body: dict[str, JsonValue]) -> Turn | None:
    """A call of the first offered tool that has a word in common with the question, or of the forced one."""
    tools, choice = body.get("tools"), body.get("tool_choice")
    if not isinstance(tools, list) or choice == "none":
        return None
    forced = choice["function"] if isinstance(choice, dict) else None
    asked = {word.lower() for word in _WORD.findall(question)}
    for tool in tools:
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict):
            continue
        name = str(function.get("name"))
        known = {word.lower() for word in _WORD.findall(name.replace("_", " "))} - _COMMON
        if (isinstance(forced, dict) and forced.get("name") == name) or choice == "required" or known & asked:
            arguments = _arguments(function.get("parameters"), question)
            return think(f"The tool {name} fits this question.") + tool_call(name, arguments)
    return None


def _schema(body: dict[str, JsonValue]) -> JsonValue:
    """The schema that the answer is held to: an empty one for any JSON object; None without a format."""
    asked = body.get("response_format")
    kind = asked.get("type") if isinstance(asked, dict) else None
    if not isinstance(asked, dict) or kind not in {"json_object", "json_schema"}:
        return None
    inner = asked.get("json_schema")
    return inner.get("schema") if isinstance(inner, dict) else _described(body)


def _described(body: dict[str, JsonValue]) -> JsonValue:
    """The schema that ends the system text, as a model that is held to no schema reads it there."""
    messages = body.get("messages")
    first = messages[0] if isinstance(messages, list) and messages else None
    generated = first.get("content") if isinstance(first, dict) and first.get("role") == "system" else None
    try:
        return read_json(generated.splitlines()[-1]) if isinstance(generated, str) and generated else {}
    except ValueError:
        return {}


def _arguments(schema: JsonValue, question: str) -> dict[str, object]:
    """Arguments that a schema accepts, taken from the question where it has something of the kind."""
    if not isinstance(schema, dict):
        return {}
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict):
        return {}
    names = re.findall(r"(?<!^)(?<![.!?] )\b[A-Z]\w+", question)
    numbers = re.findall(r"-?\d+", question)
    arguments: dict[str, object] = {}
    for key, shape in properties.items():
        if not isinstance(shape, dict) or not (isinstance(required, list) and key in required):
            continue
        options, kind = shape.get("enum"), shape.get("type")
        if isinstance(options, list) and options:
            arguments[key] = next((item for item in options if str(item).lower() in question.lower()), options[0])
        elif kind in {"integer", "number"}:
            arguments[key] = int(numbers.pop(0)) if numbers else 1
        elif kind == "boolean":
            arguments[key] = True
        elif kind == "array":
            arguments[key] = []
        elif kind == "object":
            arguments[key] = _arguments(shape, question)
        else:
            arguments[key] = names.pop(0) if names else question[:80]
    return arguments
