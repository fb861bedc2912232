"""Reading a docstring: what it says about the function, and about each parameter."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Docstring", "read_docstring"]


@dataclass(frozen=True, slots=True)
class Docstring:
    """A docstring, taken apart.

    Attributes:
        description: The summary and what follows it, without the sections; None when there is nothing.
        parameters: What it says about parameters, by name.
    """

    description: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])


def read_docstring(text: str | None) -> Docstring:
    """Take a docstring apart, in whichever of Google's, NumPy's and Sphinx's styles it says most.

    Without a parameter or section in any of them it is prose, and stays as it is.
    """
    if not text or not text.strip():
        return Docstring()
    from docstring_parser import DocstringStyle, ParseError, parse  # not before a tool is made

    text = inspect.cleandoc(text)
    most, description = 0, text
    parameters: dict[str, str] = {}
    for style in (DocstringStyle.GOOGLE, DocstringStyle.NUMPYDOC, DocstringStyle.REST):
        try:
            parsed = parse(f"\n{text}", style)  # a first line of its own: its indentation is not counted otherwise
        except (ParseError, ValueError, LookupError):  # not all that a broken docstring raises is a ParseError
            continue
        if len(parsed.meta) > most:
            most, description = len(parsed.meta), (parsed.description or "").strip()
            parameters = {
                item.arg_name: " ".join(item.description.split()) for item in parsed.params if item.description
            }
    return Docstring(description or None, parameters)
