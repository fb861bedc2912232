"""Counting large texts on several threads, divided where that changes no token."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.tokens.runs import cut_between_words
from deepseek_v4_sdk.tokens.texts import PIECE, count_text

if TYPE_CHECKING:
    from deepseek_v4_sdk.tokens.texts import SpecialText

__all__ = ["count_large"]

# Below this, one thread finishes before others have begun.
_LARGE = 200_000
# Free threads take the next piece, so that a slow one does not hold the others up.
_PIECES_PER_THREAD = 8


def count_large(text: str, *, special: SpecialText = "control") -> int:
    """Count the tokens of a text like `count_text`, on several threads where it is large.

    Raises:
        InvalidRequestError: As `count_text`.
        ConfigurationError: As `count_text`.
    """
    if len(text) < _LARGE or (threads := min(os.cpu_count() or 1, 8)) == 1:
        return count_text(text, special=special)
    pieces = cut_between_words(text, min(PIECE, len(text) // (threads * _PIECES_PER_THREAD)))
    try:
        with ThreadPoolExecutor(threads, thread_name_prefix="deepseek-v4-count") as pool:
            return sum(pool.map(partial(count_text, special=special), pieces))
    except InvalidRequestError:
        return count_text(text, special=special)  # the error names the place in the whole text
