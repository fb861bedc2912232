"""Custom tools of Responses, which take one text: offered to the model as functions, and returned as custom calls."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from pydantic_core import from_json

from deepseek_v4_sdk.chat.openai_form import is_mapping

__all__ = ["InputReader", "arguments_of", "as_function", "input_of"]

_BEFORE = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_MAY_BE = re.compile(r'\s*(\{\s*("(i(n(p(u(t("\s*(:\s*)?)?)?)?)?)?)?)?)?')
# A surrogate pair is one character; half of one at the end waits for the other half.
_PIECE = re.compile(
    r'[^"\\]+|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}'
    r'|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|\\["\\/bfnrt]'
)


def as_function(tool: Mapping[str, object]) -> dict[str, object]:
    """A custom tool as a function of one text argument; its description includes the grammar of the text."""
    described = [tool["description"]] if isinstance(tool.get("description"), str) else []
    form = tool.get("format")
    if is_mapping(form) and isinstance(form.get("definition"), str):
        described.append(f"The input follows this grammar ({form.get('syntax', 'lark')}):\n{form['definition']}")
    argument = {"type": "string", "description": "The whole input of the tool, as plain text."}
    parameters = {"type": "object", "properties": {"input": argument}, "required": ["input"]}
    function: dict[str, object] = {"name": tool.get("name"), "parameters": parameters}
    if described:
        function["description"] = "\n\n".join(map(str, described))
    return {"type": "function", "function": function}


def arguments_of(text: object) -> str:
    """The arguments of the function for a custom tool's text."""
    return json.dumps({"input": text if isinstance(text, str) else ""}, ensure_ascii=False)


def input_of(arguments: str) -> str:
    """The text of a custom tool in the arguments of its function; arguments of another form are the text themselves."""
    try:
        value: object = from_json(arguments)
    except ValueError:
        return arguments
    text = value.get("input") if is_mapping(value) else None
    return text if isinstance(text, str) else arguments


class InputReader:
    """Reads the text of a custom tool while the arguments of its function arrive. Each character is looked at once."""

    def __init__(self) -> None:
        self._raw = ""
        self._inside: bool | None = False  # None: the rest comes at the end
        self._returned: list[str] = []

    def feed(self, piece: str) -> str:
        """The text that a piece of the arguments adds."""
        if self._inside is None:
            return ""
        self._raw += piece
        if not self._inside:
            found = _BEFORE.match(self._raw)
            if found is None:
                if not _MAY_BE.fullmatch(self._raw):
                    self._inside = None
                return ""
            self._inside, self._raw = True, self._raw[found.end() :]
        place, read = 0, list[str]()
        while (part := _PIECE.match(self._raw, place)) is not None:
            text = part[0]
            read.append(json.loads(f'"{text}"') if text.startswith("\\") else text)
            place = part.end()
        if self._raw.startswith('"', place):
            self._inside = None
        self._raw = self._raw[place:]
        added = "".join(read)
        self._returned.append(added)
        return added

    def rest(self, arguments: str) -> str:
        """The part of the text that `feed` has not returned, now that the arguments are whole."""
        whole, returned = input_of(arguments), "".join(self._returned)
        return whole.removeprefix(returned) if whole.startswith(returned) else ""
