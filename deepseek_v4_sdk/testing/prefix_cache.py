"""The prefix cache of a server: how much of a prompt it has seen before, in the blocks in which it keeps that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deepseek_v4_sdk.support.forks import new_lock

__all__ = ["CacheRule", "PrefixCache"]


@dataclass(frozen=True, slots=True)
class CacheRule:
    """A server's way of caching prefixes.

    Attributes:
        block: Tokens in a block. A block counts when it, and all before it, are the same.
        ends: Whether the ends of prompts and of answers are kept too, wherever in a block they fall.
    """

    block: int
    ends: bool = False


class PrefixCache:
    """The prefixes that a server has computed. It never forgets; real ones do when their memory is full.

    Args:
        rule: How it keeps it.

    Attributes:
        queries: The tokens of all prompts that were looked up.
        hits: The tokens that were found.
    """

    def __init__(self, rule: CacheRule) -> None:
        self.rule = rule
        self.queries = 0
        self.hits = 0
        self._known: set[int] = set()
        self._tails: dict[int, set[tuple[int, ...]]] = {}
        self._lock = new_lock()

    def look_up(self, tokens: Sequence[int], salt: str = "") -> int:
        """The number of cached tokens of a prompt. The last one is always computed: it makes the first answer token.

        Args:
            tokens: The prompt.
            salt: Prompts of different salts share nothing.
        """
        found, before = 0, hash(salt)
        with self._lock:
            for chain, end in self._chains(tokens[:-1], salt):
                if chain not in self._known:
                    break
                found, before = end, chain
            if self.rule.ends:
                rest = tokens[found:-1]
                tails = (tail for tail in self._tails.get(before, ()) if tuple(rest[: len(tail)]) == tail)
                found += max(map(len, tails), default=0)
            self.queries += len(tokens)
            self.hits += found
        return found

    def keep(self, tokens: Sequence[int], salt: str = "") -> None:
        """Keep a prompt, or a prompt and its answer."""
        with self._lock:
            last, end = hash(salt), 0
            for chain, place in self._chains(tokens, salt):
                self._known.add(chain)
                last, end = chain, place
            if self.rule.ends and end < len(tokens):
                self._tails.setdefault(last, set()).add(tuple(tokens[end:]))

    def _chains(self, tokens: Sequence[int], salt: str) -> Iterator[tuple[int, int]]:
        """The key of each whole block and all before it, and the block's end."""
        chain, block = hash(salt), self.rule.block
        for end in range(block, len(tokens) + 1, block):
            chain = hash((chain, tuple(tokens[end - block : end])))
            yield chain, end
