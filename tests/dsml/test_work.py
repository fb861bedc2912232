"""The scanner's work is linear in the text, however hostile the text and however it is cut."""

from __future__ import annotations

from time import process_time

import pytest

from deepseek_v4_sdk.dsml import Scanner, without_markup
from tests.dsml.leaks import MARK, block, invoke, parameter, read
from tests.support.profiles import NIGHTLY

SIZE = 5_000_000 if NIGHTLY else 1_000_000
SMALL = 1_000_000, 50
"""A megabyte in blocks of so many characters."""
HOSTILE = {
    "less than": "<",
    "marks": f"<{MARK}",
    "marks on lines": f"\n<{MARK}",
    "openings on lines": f"\n<{MARK}tool_calls>",
    "unknown calls on lines": f'\n<{MARK}invoke name="other">',
    "openings in a line": f'<{MARK}tool_calls><{MARK}invoke name="now">',
    "line ends": "\n",
    "back-ticks": "`",
    "back-ticks on lines": "`\n",
    "fences": "```\n",
    "words": "word ",
}


@pytest.mark.parametrize(("total", "size"), [(SIZE, SIZE), SMALL])
@pytest.mark.parametrize("kind", HOSTILE)
def test_megabytes_of_prose(kind: str, total: int, size: int) -> None:
    unit = HOSTILE[kind]
    text = "~" + unit * (total // len(unit))  # what is no start of a line is no opening
    scanner, got = Scanner(["now"]), 0
    began = process_time()
    for start in range(0, len(text), size):
        got += sum(len(piece.text) for piece in scanner.feed(text[start : start + size]))  # type: ignore[union-attr]
    got += sum(len(piece.text) for piece in scanner.finish())  # type: ignore[union-attr]
    assert process_time() - began < 15  # a tenth of it is usual; quadratic work would take hours
    assert (got, scanner.calls, scanner.lost) == (len(text), 0, [])


CALL = invoke("now", parameter("a", "x" * 50))
INSIDE = {
    "line ends in a block": (f"<{MARK}tool_calls>\n{CALL}", "\n", f"</{MARK}tool_calls>"),
    "line ends behind a call": (f"{CALL}", "\n", "."),
    "less than in a value": (f'<{MARK}invoke name="now">{parameter("a", "")[:-13]}', "<", ""),
    "closing marks in a value": (f'<{MARK}invoke name="now"><{MARK}parameter name="a">', f"</{MARK}", ""),
    "json in a call": (f'<{MARK}invoke name="now">{{"a": "', "</", ""),
    "calls": (f"<{MARK}tool_calls>", f"{CALL}\n", f"</{MARK}tool_calls>"),
    "blocks": ("", f"\n\n{block(CALL)}\n", ""),
}


@pytest.mark.parametrize(("total", "size"), [(SIZE, SIZE), SMALL])
@pytest.mark.parametrize("kind", INSIDE)
def test_megabytes_of_markup(kind: str, total: int, size: int) -> None:
    before, unit, behind = INSIDE[kind]
    text = before + unit * (total // len(unit)) + behind
    scanner = Scanner(["now"])
    began = process_time()
    for start in range(0, len(text), size):
        scanner.feed(text[start : start + size])
    scanner.finish()
    assert process_time() - began < 15
    assert scanner.calls or scanner.lost


def test_a_megabyte_of_tags_behind_arguments() -> None:
    began = process_time()
    assert without_markup('{"a": "' + f"</{MARK}parameter>" * 60_000) is None
    assert without_markup('{"a": 1}' + f"</{MARK}parameter>" * 60_000) == '{"a": 1}'
    assert process_time() - began < 5


def test_many_blocks_are_all_found() -> None:
    text = f"\n\n{block(CALL)}\n" * 500
    assert len(read([text]).calls) == 500
    assert read([text]) == read(text[start : start + 999] for start in range(0, len(text), 999))
