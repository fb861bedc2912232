"""Fitting a conversation into the available tokens: in one large step, and then not again for a long time."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import AssistantMessage, Conversation, Message
from deepseek_v4_sdk.context.trim_draft import Item, TrimDraft
from deepseek_v4_sdk.errors import BudgetError
from deepseek_v4_sdk.support.forks import new_lock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepseek_v4_sdk.context.strategies import Strategy
    from deepseek_v4_sdk.tokens.prompts import PromptCount, PromptForm

__all__ = ["FitPlan", "TrimMemory", "TrimmedPrefix", "fit_messages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitPlan:
    """A conversation that fits, and the changes it needed.

    Attributes:
        messages: The messages to send; the given conversation if it fits unchanged.
        dropped: The messages that were left out, by index in the conversation given.
        clipped: The messages whose text was clipped in the middle, by index.
        tokens_before: The tokens of the prompt with the conversation as it was given.
        tokens_after: The tokens of the prompt with the new conversation.
        kept_prefix_tokens: The tokens at the beginning that are unchanged from the request before: a server can have
            them in its prefix cache.
        lost_cache_tokens: The tokens after the first change that are sent again, and have to be computed again.
        is_new: Whether the conversation was cut now; else it fits, unchanged or by an earlier cut.
    """

    messages: Conversation
    dropped: tuple[int, ...]
    clipped: tuple[int, ...]
    tokens_before: int
    tokens_after: int
    kept_prefix_tokens: int
    lost_cache_tokens: int
    is_new: bool = False

    @property
    def changed(self) -> bool:
        """Whether anything is left out, clipped or summarized."""
        return bool(self.dropped or self.clipped)

    def __str__(self) -> str:
        if not self.changed:
            return f"fits unchanged: {self.tokens_before:,} tokens"
        done = [
            f"{len(places):,} {what}{'s' if len(places) > 1 else ''} {verb}"
            for places, what, verb in ((self.dropped, "message", "dropped"), (self.clipped, "result", "clipped"))
            if places
        ]
        return f"{', '.join(done)}: {self.tokens_after:,} tokens instead of {self.tokens_before:,}"


@dataclass(frozen=True, slots=True, eq=False)
class TrimmedPrefix:
    """A cut that was made: the beginning of a conversation, and its shorter form."""

    key: object
    given: tuple[Message, ...]
    left: tuple[Item, ...]
    saved: int  # the tokens that it has saved, and those before it


class TrimMemory:
    """The cuts of the latest conversations: a conversation that has grown is cut where it was cut before.

    Args:
        entries: The largest number of kept cuts; their messages are kept alive as long.
    """

    def __init__(self, entries: int = 32) -> None:
        self._most = entries
        self._made: list[TrimmedPrefix] = []  # the latest first
        self._lock = new_lock()

    def of(self, key: object, messages: tuple[Message, ...]) -> TrimmedPrefix | None:
        """Find the latest cut of the longest beginning of a conversation."""
        with self._lock:
            made = [cut for cut in self._made if cut.key == key and cut.given == messages[: len(cut.given)]]
        return max(made, key=lambda cut: len(cut.given), default=None)

    def add(self, cut: TrimmedPrefix) -> None:
        """Remember a cut."""
        with self._lock:
            self._made.insert(0, cut)
            del self._made[self._most :]


def fit_messages(
    messages: tuple[Message, ...],
    form: PromptForm,
    strategies: tuple[Strategy, ...],
    trim_memory: TrimMemory,
    *,
    available_tokens: int,
    low_water: int,
) -> FitPlan:
    """Fit a conversation into the available tokens.

    Args:
        messages: The conversation, one that is valid.
        form: The form in which it is rendered.
        strategies: The allowed changes, in order.
        trim_memory: The cuts that were made before.
        available_tokens: Number of tokens that its prompt may have.
        low_water: Number of tokens to keep once it must be cut.

    Raises:
        BudgetError: It does not fit after all changes; `excess` is the number of tokens above the limit.
        InvalidRequestError: The server's encoder would refuse the conversation.
    """
    from deepseek_v4_sdk.tokens.prompts import count_prompt

    key = (form.key, available_tokens, low_water, strategies)
    cut = trim_memory.of(key, messages)
    size, items, saved = (len(cut.given), cut.left, cut.saved) if cut is not None else (0, (), 0)
    items = (*items, *(Item(message, 0, place) for place, message in enumerate(messages[size:], size)))
    source = tuple(item.message for item in items)
    known = count_prompt(source, form)
    if known.total <= available_tokens:
        return _plan(messages, items, known, known.total + saved, kept=known.total, lost=0)
    left, count = _cut(items, source, known, form, strategies, available_tokens, low_water)
    saved += known.total - count.total
    trim_memory.add(TrimmedPrefix(key, messages, left, saved))
    kept, lost = _cache(left, source, known)
    kept = min(kept, count.total)  # the messages that are left may be rendered shorter than they were
    lost = min(lost, count.total - kept)
    return _plan(messages, left, count, count.total + saved, kept=kept, lost=lost, is_new=True)


def _cut(
    items: Sequence[Item],
    source: tuple[Message, ...],
    known: PromptCount,
    form: PromptForm,
    strategies: tuple[Strategy, ...],
    available_tokens: int,
    low_water: int,
) -> tuple[tuple[Item, ...], PromptCount]:
    """The shortened conversation, and its tokens."""
    from deepseek_v4_sdk.tokens.edited import count_edited

    draft = TrimDraft(items, known, available_tokens=available_tokens, target=low_water)
    left: tuple[Item, ...] = ()
    count = known
    while True:
        for strategy in strategies:
            strategy.apply(draft)
        if left == (left := tuple(draft.items)) and draft.last_resort:
            break  # nothing more can go
        texts = [item.message for item in left]
        whole = len(texts) == len(source) and all(map(operator.is_, texts, source))
        count = known if whole else count_edited(texts, [item.place for item in left], source, known, form)
        draft.tokens = count.total  # exact, in place of the estimate
        if count.total <= available_tokens:
            return left, count
        draft.last_resort = True
    excess = count.total - available_tokens
    error = BudgetError(
        f"the conversation does not fit: the part that has to stay has {count.total:,} tokens, "
        f"{excess:,} more than the available {available_tokens:,}: reserve less, offer fewer tools, "
        "or shorten the last turn"
    )
    error.excess = excess
    raise error


def _cache(left: Sequence[Item], source: tuple[Message, ...], known: PromptCount) -> tuple[int, int]:
    """The tokens at the beginning that are unchanged, and those after it that existed and are sent again."""
    shares = [*known.per_message]
    shares[-1] -= known.closing
    same = next((at for at, item in enumerate(left) if item.place != at), len(left))
    kept = sum(shares[:same]) or known.opening
    # The user's messages at the end were in no earlier request.
    answered = next((at for at in range(len(source), 0, -1) if isinstance(source[at - 1], AssistantMessage)), 0)
    lost = sum(shares[item.place] for item in left[same:] if item.place is not None and item.place < answered)
    return kept, lost


def _plan(
    messages: tuple[Message, ...],
    left: Sequence[Item],
    count: PromptCount,
    before: int,
    *,
    kept: int,
    lost: int,
    is_new: bool = False,
) -> FitPlan:
    there = {item.origin for item in left}
    return FitPlan(
        messages=Conversation([item.message for item in left]),
        dropped=tuple(place for place in range(len(messages)) if place not in there),
        clipped=tuple(item.origin for item in left if item.clipped and item.origin is not None),
        tokens_before=before,
        tokens_after=count.total,
        kept_prefix_tokens=kept,
        lost_cache_tokens=lost,
        is_new=is_new,
    )
