"""Laws of the scanner over any text: nothing lost, invented or reordered, nothing held back for long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk.dsml import Scanner, Text
from tests.dsml.leaks import MARK, MARKS, TOOLS, block, invoke, parameter, read
from tests.support.profiles import examples

steady = examples(50)

WORDS = st.sampled_from(
    ["a", " ", "\n", "\n\n", "`", "```", "```\n", "~~~\n", "<", "</", "|", "DSML", '"', ">", "天", "👩", "\r\n", "    "]
    + [f"<{mark}" for mark in MARKS.values()]
    + [f"<{MARK}tool_calls>", f"<{MARK}calls>\n", f"</{MARK}tool_calls>", f"</{MARK}invoke>", f"</{MARK}parameter>"]
    + [f'<{MARK}invoke name="now">', f'<{MARK}invoke name="other">', f'<{MARK}parameter name="a" string="true">']
    + [block(invoke("now")), invoke("get_weather", parameter("city", "Paris")), '{"a": 1}']
)  # fmt: skip
TEXTS = st.lists(WORDS, max_size=14).map("".join)


@st.composite
def in_pieces(draw: st.DrawFn) -> list[str]:
    """A text, cut anywhere."""
    text = draw(TEXTS)
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    return [text[start:end] for start, end in zip([0, *places], [*places, None], strict=True)]


@steady
@given(in_pieces())
def test_cuts_change_nothing(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = read(pieces)
    assert found == read([text]) == read(list(text))
    if not found.calls and not found.lost:
        assert found.text == text
    assert all(lost in text for lost in found.lost)


@steady
@given(in_pieces())
def test_what_is_text_comes_in_its_order(pieces: list[str]) -> None:
    """The text is the input with whole stretches taken out: each of its characters is found, in order."""
    left = iter("".join(pieces))
    assert all(letter in left for letter in read(pieces).text)


@steady
@given(st.lists(st.tuples(TEXTS.map(lambda text: text.replace("<", "(")), st.booleans()), max_size=4), st.data())
def test_only_blocks_are_taken_out(parts: list[tuple[str, bool]], data: st.DataObject) -> None:
    """Between texts without an opening stand blocks: what stays are the texts, less the empty line before a block."""
    text, expected, calls = "", "", 0
    for words, called in parts:
        text += words
        expected += words
        if called:
            # A line that closes what back-ticks or a fence may have opened would be a part of the text: not here.
            if any(tick in text for tick in "`~"):
                continue
            text += "\n\n\n" + block(invoke("now")) + "\n"
            expected = f"{expected}\n\n\n"[:-2] + "\n"
            calls += 1
    place = data.draw(st.integers(0, len(text)))
    found = read([text[:place], text[place:]])
    assert (found.text, len(found.calls), found.lost) == (expected, calls, [])


@steady
@given(TEXTS, st.integers(1, 9))
def test_little_is_held_back(text: str, size: int) -> None:
    scanner, given_out = Scanner(TOOLS), 0
    for end in range(size, len(text) + size, size):
        given_out += sum(len(piece.text) for piece in scanner.feed(text[end - size : end]) if isinstance(piece, Text))
        if scanner.in_block or scanner.calls or scanner.lost:
            return
        assert min(end, len(text)) - given_out <= 128 + max(map(len, TOOLS)) + 2
