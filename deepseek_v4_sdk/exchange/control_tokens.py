"""V4's control tokens at the end of a text: held back while it may be the end, and cut off when it is."""

from __future__ import annotations

from deepseek_v4_sdk.chat import CONTROL_TOKENS

__all__ = ["Tail", "without_tokens"]

_TOKENS = frozenset(CONTROL_TOKENS)
_LONGEST = max(map(len, CONTROL_TOKENS))
_BEGINNINGS = frozenset(token[:size] for token in CONTROL_TOKENS for size in range(1, len(token)))


class Tail:
    """The end of a growing text: whole control tokens with the blanks after them, and the beginning of one.

    Attributes:
        held: Whether something is held back.
    """

    __slots__ = ("_begun", "_run", "held")

    def __init__(self) -> None:
        self.held = False
        self._run: list[str] = []  # tokens, and the blanks after them
        self._begun = ""  # a possible beginning of one more

    @property
    def text(self) -> str:
        """The text that is held back."""
        return "".join(self._run) + self._begun

    def feed(self, text: str) -> str:
        """Take more of the text; return the part that can no longer be its end."""
        text = self._begun + text
        whole = _end_of_text(text, in_run=bool(self._run))
        begun = _begun_at(text)
        out = text[:whole]
        if whole:
            out = "".join(self._run) + out
            self._run.clear()
        if whole < begun:
            self._run.append(text[whole:begun])
        self._begun = text[begun:]
        self.held = bool(self._run or self._begun)
        return out

    def end(self) -> tuple[str, int]:
        """Note that the text has ended: return the rest without control tokens, and the number of those cut off."""
        left, cut = without_tokens("".join(self._run))
        left += self._begun
        self._run, self._begun, self.held = [], "", False
        return left, cut


def without_tokens(text: str) -> tuple[str, int]:
    """Remove the control tokens at the end of a text, and return their number. Blanks between and after them stay."""
    end = _end_of_text(text, in_run=False)
    rest, cut = text[end:], 0
    for token in CONTROL_TOKENS:
        if token in rest:
            cut += rest.count(token)
            rest = rest.replace(token, "")
    return text[:end] + rest, cut


def _begun_at(text: str) -> int:
    """The index at which a text's last characters begin a token; its length when they do not."""
    at = text.rfind("<", max(0, len(text) - _LONGEST))
    return at if at >= 0 and text[at:] in _BEGINNINGS else len(text)


def _end_of_text(text: str, *, in_run: bool) -> int:
    """The index at which a text's last tokens begin, with blanks and the beginning of one more after them.

    Args:
        text: The text.
        in_run: Whether tokens precede it, so that blanks at its front belong to them.
    """
    end = _begun_at(text)
    while True:
        at = end
        while at and text[at - 1].isspace():
            at -= 1
        if not at:
            return 0 if in_run else end
        opened = text.rfind("<", max(0, at - _LONGEST), at)
        if opened < 0 or text[opened:at] not in _TOKENS:
            return end
        end = opened
