"""The grammar of event streams, held against a reference that reads whole streams in the plainest way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk.exchange.sse import EventTooLargeError, SSEDecoder

if TYPE_CHECKING:
    from collections.abc import Iterable

Events = list[tuple[str, bytes]]
BOM = b"\xef\xbb\xbf"


def reference(stream: bytes) -> Events:
    """The events of a whole stream: the rules of the HTML standard, and two of ours.

    Ours: the last event needs no blank line, and `[DONE]` is an event as soon as its line has ended.
    """
    events: Events = []
    name, data = b"", []
    for line in [*re.split(rb"\r\n|\r|\n", stream.removeprefix(BOM)), b""]:
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
        if data and (not line or data == [b"[DONE]"]):
            events.append((name.decode("utf-8", "replace"), b"\n".join(data)))
            data = []
            name = b""
        if not line:
            name = b""
    return events


def decode(blocks: Iterable[bytes], limit: int | None = None) -> Events:
    decoder = SSEDecoder() if limit is None else SSEDecoder(limit)
    events = [event for block in blocks for event in decoder.feed(block)]
    return events + decoder.finish()


def bytewise(stream: bytes) -> list[bytes]:
    return [stream[place : place + 1] for place in range(len(stream))]


GRAMMAR: dict[str, tuple[bytes, Events]] = {
    "one event": (b"data: a\n\n", [("", b"a")]),
    "two events": (b"data: a\n\ndata: b\n\n", [("", b"a"), ("", b"b")]),
    "carriage returns": (b"data: a\r\rdata: b\r\r", [("", b"a"), ("", b"b")]),
    "both": (b"data: a\r\n\r\ndata: b\r\n\r\n", [("", b"a"), ("", b"b")]),
    "mixed ends": (b"data: a\r\n\ndata: b\n\rdata: c\r\r\n", [("", b"a"), ("", b"b"), ("", b"c")]),
    "no blank line at the end": (b"data: a\n\ndata: b\n", [("", b"a"), ("", b"b")]),
    "no line end at the end": (b"data: a\n\ndata: b", [("", b"a"), ("", b"b")]),
    "several data lines": (b"data: a\ndata: b\ndata:\ndata: c\n\n", [("", b"a\nb\n\nc")]),
    "comments alone": (b": keep-alive\n\n:\n\n", []),
    "comment before data": (b": keep-alive\ndata: a\n\n", [("", b"a")]),
    "comment between data lines": (b"data: a\n: x\ndata: b\n\n", [("", b"a\nb")]),
    "comment and blank line between events": (b"data: a\n\n: x\n\ndata: b\n\n", [("", b"a"), ("", b"b")]),
    "named": (b"event: error\ndata: {}\n\n", [("error", b"{}")]),
    "name after data": (b"data: {}\nevent: error\n\n", [("error", b"{}")]),
    "a name holds for one event": (b"event: e\ndata: a\n\ndata: b\n\n", [("e", b"a"), ("", b"b")]),
    "a name without data": (b"event: e\n\ndata: b\n\n", [("", b"b")]),
    "name and comment": (b"event: e\n: c\ndata: a\n\n", [("e", b"a")]),
    "id and retry": (b"id: 7\nretry: 100\ndata: a\n\n", [("", b"a")]),
    "no blank after the colon": (b"data:a\n\n", [("", b"a")]),
    "two blanks after the colon": (b"data:  a\n\n", [("", b" a")]),
    "field without colon": (b"data\n\n", [("", b"")]),
    "empty data": (b"data:\n\ndata: \n\n", [("", b""), ("", b"")]),
    "another field that begins alike": (b"database: x\ndata : y\n\n", []),
    "colons in the data": (b"data: a: b:c\n\n", [("", b"a: b:c")]),
    "byte-order mark": (BOM + b"data: a\n\n", [("", b"a")]),
    "byte-order mark alone": (BOM, []),
    "byte-order mark that was cut": (BOM[:2], []),
    "byte-order mark later": (b"data: a\n\n" + BOM + b"data: b\n\n", [("", b"a")]),
    "byte-order mark and no line end": (BOM + b"data: a", [("", b"a")]),
    "done": (b"data: a\n\ndata: [DONE]\n\n", [("", b"a"), ("", b"[DONE]")]),
    "done without blank line": (b"data: [DONE]\n", [("", b"[DONE]")]),
    "done without line end": (b"data: [DONE]", [("", b"[DONE]")]),
    "done with carriage returns": (b"data: [DONE]\r\n\r\n", [("", b"[DONE]")]),
    "something after done": (b"data: [DONE]\ndata: a\n\n", [("", b"[DONE]"), ("", b"a")]),
    "done in a text": (b"data: a\ndata: [DONE]\n\n", [("", b"a\n[DONE]")]),
    "characters of four bytes": ("data: 🐋é漢\n\n".encode(), [("", "🐋é漢".encode())]),
    "nothing": (b"", []),
    "blank lines alone": (b"\n\n\r\n\r\r\n", []),
}


@pytest.mark.parametrize("case", GRAMMAR)
def test_grammar(case: str) -> None:
    stream, events = GRAMMAR[case]
    assert reference(stream) == events
    assert decode([stream]) == events
    assert decode(bytewise(stream)) == events


@pytest.mark.parametrize("case", GRAMMAR)
def test_any_cut_in_two(case: str) -> None:
    stream, events = GRAMMAR[case]
    for place in range(len(stream) + 1):
        assert decode([stream[:place], b"", stream[place:]]) == events, place


def test_done_is_told_before_its_blank_line() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: {}\n\ndata: [DONE]\n") == [("", b"{}"), ("", b"[DONE]")]


def test_an_event_is_told_with_its_blank_line_and_not_later() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: a\r\n\r") == [("", b"a")]
    assert decoder.feed(b"\ndata: b\n") == []
    assert decoder.feed(b"\n") == [("", b"b")]


PIECES = st.sampled_from(
    (
        *(b"data: ", b"data:", b"data", b"event: ", b"id: 1", b":", b" ", b"[DONE]", b"data: [DONE]", BOM, BOM[:1]),
        *(b"\n", b"\n\n", b"\r", b"\r\n", b"\r\n\r\n", b"a", '{"a": "é🐋"}'.encode(), b"\xff", b"\x00"),
    )
)


@given(st.lists(PIECES | st.binary(max_size=5), max_size=40).map(b"".join), st.data())
def test_any_bytes_in_any_split(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    blocks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert decode(blocks) == decode([stream]) == decode(bytewise(stream)) == reference(stream)


class Counted(list[bytes]):
    """A list that counts how many of its items were looked at."""

    looked_at = 0

    def __iter__(self):  # type: ignore[no-untyped-def]
        for item in super().__iter__():
            Counted.looked_at += 1
            yield item


def work(lines: int) -> int:
    """How many held pieces are looked at while one event of so many data lines arrives in halves of lines."""
    Counted.looked_at = 0
    decoder = SSEDecoder()
    decoder._data = Counted()
    for _ in range(lines):
        assert decoder.feed(b"data: some") == []
        assert decoder.feed(b" thing\n") == []
    assert len(decoder.feed(b"\n")) == 1
    return Counted.looked_at


def test_work_grows_with_the_bytes_and_no_faster() -> None:
    assert work(2_000) <= 15 * max(work(200), 200)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("line", [b"x" * 2_000_000, b"\ndata: ".join([b"x" * 10] * 120_000)], ids=["long", "many"])
def test_a_large_event_in_small_blocks(line: bytes) -> None:
    stream = b"data: " + line + b"\n\n"
    blocks = [stream[start : start + 16] for start in range(0, len(stream), 16)]
    assert decode(blocks) == [("", line.replace(b"\ndata: ", b"\n"))]


LIMITED = {
    "one line": (b"data: " + b"x" * 100 + b"\n\n", True),
    "many lines": (b"data: xxxx\n" * 30 + b"\n", True),
    "empty lines": (b"data\n" * 101 + b"\n", True),
    "a line that does not end": (b"x" * 101, True),
    "a comment": (b":" + b"x" * 100 + b"\n", True),
    "many events": (b"data: " + b"x" * 50 + b"\n\n" + b"data: " + b"y" * 90 + b"\n\n" + b": " + b"c" * 90, False),
    "as much as fits": (b"data: " + b"x" * 94 + b"\n\n", False),
}


@pytest.mark.parametrize("case", LIMITED)
@pytest.mark.parametrize("size", [1, 7, 60, 10_000])
def test_limit_holds_in_any_split(case: str, size: int) -> None:
    stream, too_large = LIMITED[case]
    blocks = [stream[start : start + size] for start in range(0, len(stream), size)]
    if too_large:
        with pytest.raises(EventTooLargeError, match="100 bytes"):
            decode(blocks, 100)
    else:
        assert decode(blocks, 100) == reference(stream)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_what_came_before_a_too_large_event_is_not_lost(size: int) -> None:
    stream = b"data: a\n\ndata: b\n\ndata: " + b"x" * 200
    decoder = SSEDecoder(100)
    events: Events = []
    try:
        for start in range(0, len(stream), size):
            events += decoder.feed(stream[start : start + size])
    except EventTooLargeError as error:
        events += error.events
    else:
        pytest.fail("the event was taken")
    assert events == [("", b"a"), ("", b"b")]
