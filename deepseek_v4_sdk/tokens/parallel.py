"""Counting large texts on several threads, cut where cutting changes no token."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from deepseek_v4_sdk.tokens.runs import cut_between_words
from deepseek_v4_sdk.tokens.texts import count_text

if TYPE_CHECKING:
    from deepseek_v4_sdk.tokens.texts import SpecialText

__all__ = ["count_large"]

# Below this one thread has counted before others have begun.
_LARGE = 200_000
# Pieces are counted as threads come free, so that one that is dear does not hold the others up.
_PIECES_PER_THREAD = 8


def count_large(text: str, *, special: SpecialText = "control") -> int:
    """The number of tokens of a text, the same as `count_text` gives; large texts are counted on several threads.

    Raises:
        InvalidRequestError: As `count_text`.
        ConfigurationError: As `count_text`.
    """
    if len(text) < _LARGE or (threads := min(os.cpu_count() or 1, 8)) == 1:
        return count_text(text, special=special)
    pieces = cut_between_words(text, len(text) // (threads * _PIECES_PER_THREAD))
    with ThreadPoolExecutor(threads, thread_name_prefix="deepseek-v4-count") as pool:
        return sum(pool.map(partial(count_text, special=special), pieces))
