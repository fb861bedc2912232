"""The limit of `max_reasoning_tokens`: it ends endless reasoning, and counts only when it may be exceeded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.errors import ReasoningExhaustedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ReasoningLimit"]


class ReasoningLimit:
    """Watches the pieces of reasoning of one answer. A token is at least one byte, so counting can wait.

    Args:
        tokens: The most tokens of reasoning.
        count: Counts the tokens of a text.
        url: The URL of the request, for the error.
    """

    __slots__ = ("_bytes", "_count", "_next_count", "_pieces", "_tokens", "_url")

    def __init__(self, tokens: int, count: Callable[[str], int], url: str) -> None:
        self._tokens = tokens
        self._count = count
        self._url = url
        self._pieces = 0  # the number of checked pieces, and of their bytes
        self._bytes = 0
        self._next_count = tokens

    def check(self, pieces: Sequence[str]) -> None:
        """Check the new pieces.

        Args:
            pieces: All pieces so far.

        Raises:
            ReasoningExhaustedError: They have more tokens than the limit.
        """
        for piece in pieces[self._pieces :]:
            self._bytes += len(piece.encode("utf-8", "surrogatepass"))
        self._pieces = len(pieces)
        if self._bytes <= self._next_count:
            return
        tokens = self._count("".join(pieces))
        if tokens > self._tokens:
            raise ReasoningExhaustedError(
                f"the reasoning has more than max_reasoning_tokens={self._tokens} tokens ({self._url})"
            )
        self._next_count = self._bytes + self._tokens - tokens
