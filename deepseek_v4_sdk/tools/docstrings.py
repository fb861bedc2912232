"""Reading a docstring: the texts about the function, and about each parameter."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Docstring", "read_docstring"]


@dataclass(frozen=True, slots=True)
class Docstring:
    """A docstring, split into parts.

    Attributes:
        description: The summary and what follows it, without the sections; None when there is nothing.
        parameters: The texts about parameters, by name.
    """

    description: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])


def read_docstring(text: str | None) -> Docstring:
    """Split a docstring by the style that explains most of it: Google's, NumPy's or Sphinx's.

    Without a parameter or section in any of them it is prose, and stays unchanged.
    """
    if not text or not text.strip():
        return Docstring()
    from docstring_parser import DocstringStyle, ParseError, parse  # not before a tool is made

    text = inspect.cleandoc(text)
    most, description = 0, text
    parameters: dict[str, str] = {}
    for style in (DocstringStyle.GOOGLE, DocstringStyle.NUMPYDOC, DocstringStyle.REST):
        try:
            parsed = parse(f"\n{text}", style)  # an empty first line: otherwise its indentation is not counted
        except (ParseError, ValueError, LookupError):  # a broken docstring raises other errors than ParseError, too
            continue
        if len(parsed.meta) > most:
            most, description = len(parsed.meta), (parsed.description or "").strip()
            parameters = {
                item.arg_name: " ".join(item.description.split()) for item in parsed.params if item.description
            }
    return Docstring(description or None, parameters)
