"""The result of rendering: a prompt in segments, with its control tokens separate from its text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from deepseek_v4_sdk.prompt.literals import EFFORTS, Piece

__all__ = ["RenderedPrompt", "Segment"]


@dataclass(frozen=True, slots=True)
class Segment:
    """One turn of a prompt, with the tokens that frame it.

    Attributes:
        pieces: Text and control tokens in turn: each piece is its text and whether the format wrote it as a control
            token. A server that reads spellings of control tokens inside user text as plain text (`recipe`) counts each
            control piece as one token and each other piece separately as plain text; one that does not (`vllm`) counts
            the whole text.
        message_indices: The messages rendered here, by their index, ascending; empty for a segment of no message.
    """

    pieces: tuple[Piece, ...]
    message_indices: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """The pieces, joined again at each call."""
        return "".join(text for text, _ in self.pieces)

    @property
    def message_index(self) -> int | None:
        """The first of the messages rendered here, or None."""
        return self.message_indices[0] if self.message_indices else None


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """A conversation in the form that the model reads.

    Attributes:
        segments: The head (text of no message: begin of sentence, effort text, tools where there is no system message),
            the turns, and at the end the header of the answer. They meet only where no token can reach
            across: at a control token, or after the line ends of the effort text. So the token counts of the segments
            add up to the count of the whole.
    """

    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """The whole prompt, joined again at each call."""
        return "".join(text for segment in self.segments for text, _ in segment.pieces)


@dataclass(slots=True)
class SegmentDraft:
    """A segment in progress; its pieces may be empty, and plain pieces may follow each other."""

    pieces: list[Piece]
    message_indices: Sequence[int] = ()


def finished(drafts: Iterable[SegmentDraft]) -> RenderedPrompt:
    """Finish segments, and join neighbours that a token could span."""
    segments: list[Segment] = []
    pieces: list[Piece] = []
    indices: list[int] = []
    joined = False
    for draft in drafts:
        added = _tidied(draft.pieces)
        if not added:
            continue
        parted = len(pieces) if not pieces or _parted(pieces[-1], added[0]) else 0
        if not parted and not indices:  # the head stays apart, up to its last control token
            parted = max((place + 1 for place, (_, control) in enumerate(pieces) if control), default=0)
        if parted:
            segments.append(_segment(pieces[:parted], indices, joined=joined))
            pieces, indices, joined = pieces[parted:], [], False
        joined = joined or bool(pieces)
        pieces += added
        indices += draft.message_indices
    if pieces:
        segments.append(_segment(pieces, indices, joined=joined))
    return RenderedPrompt(tuple(segments))


def _segment(pieces: list[Piece], indices: list[int], *, joined: bool) -> Segment:
    return Segment(tuple(_tidied(pieces) if joined else pieces), tuple(sorted(indices)))


def _tidied(pieces: list[Piece]) -> list[Piece]:
    """Remove empty pieces, and join runs of plain text."""
    tidy: list[Piece] = []
    run: list[str] | None = None
    for piece in pieces:
        text, control = piece
        if not text:
            continue
        if control or not tidy or tidy[-1][1]:
            if run:
                tidy[-1] = ("".join(run), False)
                run = None
            tidy.append(piece)
        elif run:
            run.append(text)
        else:
            run = [tidy[-1][0], text]
    if run:
        tidy[-1] = ("".join(run), False)
    return tidy


def _parted(before: Piece, after: Piece) -> bool:
    if before[1] or after[1]:
        return True
    # The tokenizer takes a full stop or bracket and all line ends after it as one word, whatever follows. Of the
    # possible texts here, only the effort text is sure to end like this.
    return before[0] in _EFFORT_TEXTS and after[0][0] not in "\r\n"


_EFFORT_TEXTS: Final = frozenset(text for texts in EFFORTS.values() for text in texts.values())
