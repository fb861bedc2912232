"""The prose of this repository: docstrings, comments, messages and pages, as passages of one line with line numbers."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from markdown_it import MarkdownIt

from tests.support.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from markdown_it.token import Token

Kind = Literal["head", "docstring", "entry", "comment", "message", "markdown", "heading"]

# A docstring's sections in Google's style; their titles are not sentences.
_SECTION = re.compile(r"(Args|Raises|Returns|Yields|Attributes|Examples?|Notes?|Warning|Warnings):$")
_ENTRY = re.compile(r"\*{0,2}\w[\w.]*(?:, \*{0,2}\w[\w.]*)*(?: \([^)]*\))?: +")
_BULLET = re.compile(r"(?:[-*+]|\d+[.)]) +|\| *")
_DIRECTIVE = re.compile(r"#[:!]?\s*(?:(?:noqa|type|pyright|mypy|pragma|ruff|fmt)\b[^#]*(?:#\s*)?)?")
_WORDS = re.compile(r"[A-Za-z]{2,}[ ,]+[a-z]+[ ,]+[A-Za-z]+")
_SENTENCE_END = re.compile(r"[.!?][\"')\]*]* +(?=[\"'(\[*]*[A-Z`{0-9…])")
# What nobody reads as prose: code, addresses, and the words of somebody else.
_NOT_PROSE = re.compile(
    r"``[^`]+``|`[^`]+`|\{[^{}]*\}|https?://[^\s)>]+"
    r"|\"[^\"]{1,300}\"|“[^”]{1,300}”|(?<![\w'])'[^']{1,120}'(?![\w'])"
)


@dataclass(frozen=True)
class Passage:
    """One paragraph, list item, table cell, comment or message, with its blanks and line ends made one space."""

    kind: Kind
    text: str
    starts: tuple[tuple[int, int], ...]
    """Where each line begins: its offset in the text, and its number in the file."""

    @property
    def prose(self) -> str:
        """The text with a sign in place of each character that is not prose, so that offsets stay."""
        return _NOT_PROSE.sub(lambda found: "·" * len(found.group()), self.text)

    def line(self, offset: int) -> int:
        """Return the number of the line that a character is on."""
        return self.starts[max(bisect_right(self.starts, (offset, 10**9)) - 1, 0)][1]

    def sentence(self, offset: int) -> str:
        """Return the sentence that holds a character."""
        ends = [0, *(found.end() for found in _SENTENCE_END.finditer(self.prose)), len(self.text)]
        end = next((each for each in ends if each > offset), len(self.text))
        return self.text[ends[ends.index(end) - 1] : end].strip()


def passages(path: Path) -> Iterator[Passage]:
    """Yield the passages of a Python file or of a page in Markdown."""
    source = path.read_text("utf-8")
    yield from of_markdown(source) if path.suffix == ".md" else of_python(source)


def prose_files(paths: Iterable[Path] = ()) -> list[Path]:
    """Return the files whose prose is checked, below some paths or below all that have any."""
    roots = [ROOT / name for name in ("deepseek_v4_sdk", "examples", "benchmarks", "docs")]
    known = [file for root in roots for file in root.rglob("*") if file.suffix in {".py", ".md"}]
    known += [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    chosen = [path.resolve() for path in paths] or [ROOT]
    return sorted(file for file in known if any(file == each or each in file.parents for each in chosen))


def of_python(source: str) -> Iterator[Passage]:
    """Yield the docstrings, the comments, and the texts of at least three words."""
    yield from _of_comments(source)
    yield from _of_texts(ast.parse(source))


def of_markdown(source: str) -> Iterator[Passage]:
    """Yield the paragraphs, list items, headings and table cells of a page, without code and HTML."""
    tokens = _markdown().parse(source)
    for before, token in pairwise(tokens):
        if token.type == "inline" and token.map:
            heading = before.type in {"heading_open", "th_open"}
            passage = _joined("heading" if heading else "markdown", _lines_of(token))
            if passage:
                yield passage


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


def _lines_of(token: Token) -> Iterator[tuple[int, str]]:
    line = (token.map or [0])[0] + 1
    text = ""
    for child in token.children or ():
        if child.type in {"softbreak", "hardbreak"}:
            yield line, text
            line, text = line + 1, ""
        elif child.type == "code_inline":
            text += f"`{child.content}`"
        elif child.type in {"text", "image"}:
            text += child.content
    yield line, text


def _of_docstring(text: str, first: int) -> Iterator[Passage]:
    kind: Kind = "head"
    lines: list[tuple[int, str]] = []
    fenced = sections = False
    for number, raw in enumerate(text.splitlines(), first):
        line = raw.strip()
        if line.startswith("```"):
            fenced = not fenced
        entry = _ENTRY.match(line) if sections else None
        bullet = _BULLET.match(line)
        skipped = fenced or not line or line.startswith(("```", ">>>", "...")) or bool(_SECTION.match(line))
        if skipped or entry or bullet:
            yield from _some(_joined(kind, lines))
            kind, lines = ("docstring", []) if lines or skipped else (kind, [])
        sections = sections or bool(_SECTION.match(line))
        if entry:
            kind, line = "entry", line[entry.end() :]
        elif bullet:
            kind, line = "docstring", line[bullet.end() :]
        if not skipped:
            lines.append((number, line))
    yield from _some(_joined(kind, lines))


def _of_comments(source: str) -> Iterator[Passage]:
    lines: list[tuple[int, str]] = []
    last = (0, 0)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        row, column = token.start
        own_line = not token.line[:column].strip()
        if not own_line or last != (row - 1, column):
            yield from _some(_joined("comment", lines))
            lines = []
        directive = _DIRECTIVE.match(token.string)
        lines.append((row, token.string[directive.end() if directive else 1 :]))
        last = (row, column) if own_line else (0, 0)
    yield from _some(_joined("comment", lines))


def _of_texts(node: ast.AST) -> Iterator[Passage]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        if isinstance(node.value.value, str):
            yield from _of_docstring(node.value.value, node.lineno)
        return
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str) and _WORDS.search(node.value):
            yield from _of_message(node, node.value)
        return
    if isinstance(node, ast.JoinedStr):
        text = "".join(str(each.value) if isinstance(each, ast.Constant) else "{…}" for each in node.values)
        if _WORDS.search(text):
            yield from _of_message(node, text)
        for each in node.values:
            if isinstance(each, ast.FormattedValue):
                yield from _of_texts(each.value)
        return
    for child in ast.iter_child_nodes(node):
        yield from _of_texts(child)


def _of_message(node: ast.expr, text: str) -> Iterator[Passage]:
    lines = text.split("\n")
    spread = (node.end_lineno or node.lineno) - node.lineno >= len(lines) - 1
    for number, line in enumerate(lines):
        yield from _some(_joined("message", [(node.lineno + number * spread, line)]))


def _some(passage: Passage | None) -> Iterator[Passage]:
    if passage:
        yield passage


def _joined(kind: Kind, lines: Iterable[tuple[int, str]]) -> Passage | None:
    text = ""
    starts: list[tuple[int, int]] = []
    for number, line in lines:
        words = " ".join(line.split())
        if words:
            starts.append((len(text) + bool(text), number))
            text += f" {words}" if text else words
    return Passage(kind, text, tuple(starts)) if re.search(r"[A-Za-z]{2}", text) else None
