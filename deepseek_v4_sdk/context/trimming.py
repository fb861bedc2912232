"""Fitting a conversation into its room: in one large step, and then not again for a long time."""

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

__all__ = ["FitPlan", "TrimMemory", "fit_messages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitPlan:
    """A conversation that fits, and what it took.

    Attributes:
        messages: What to send; the conversation that was given when it fits as it is.
        dropped: The messages that were left out, by index in the conversation given.
        clipped: Those whose text was clipped in the middle.
        tokens_before: The tokens of the prompt with the conversation as it was given.
        tokens_after: Those of the prompt with what is to be sent.
        kept_prefix_tokens: Those at the beginning that are as they were in the request before: what a server can
            have in its prefix cache.
        lost_cache_tokens: Those that are sent again behind the first change, and have to be read anew.
        is_new: Whether the conversation was cut now; else it fits, as it is or by a cut that was made before.
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
        """Whether anything is left out, clipped or summarised."""
        return bool(self.dropped or self.clipped)

    def __str__(self) -> str:
        if not self.changed:
            return f"fits as it is: {self.tokens_before:,} tokens"
        done = [
            f"{len(places):,} {what}{'s' if len(places) > 1 else ''} {verb}"
            for places, what, verb in ((self.dropped, "message", "dropped"), (self.clipped, "result", "clipped"))
            if places
        ]
        return f"{', '.join(done)}: {self.tokens_after:,} tokens instead of {self.tokens_before:,}"


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """A cut that was made: of which beginning of a conversation, and what is left of it."""

    key: object
    given: tuple[Message, ...]
    left: tuple[Item, ...]
    saved: int  # the tokens that it has saved, and those before it


class TrimMemory:
    """The cuts of the latest conversations: a conversation that has grown is cut where it was cut before.

    Args:
        entries: How many are kept at most; their messages are kept alive as long.
    """

    def __init__(self, entries: int = 32) -> None:
        self._most = entries
        self._made: list[_Cut] = []  # the latest first
        self._lock = new_lock()

    def of(self, key: object, messages: tuple[Message, ...]) -> _Cut | None:
        """The latest cut of the longest beginning of a conversation."""
        with self._lock:
            made = [cut for cut in self._made if cut.key == key and cut.given == messages[: len(cut.given)]]
        return max(made, key=lambda cut: len(cut.given), default=None)

    def add(self, cut: _Cut) -> None:
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
    """Fit a conversation into a room.

    Args:
        messages: The conversation, one that is valid.
        form: How it is rendered.
        strategies: What may be done to it, in order.
        trim_memory: The cuts that were made before.
        available_tokens: How many tokens its prompt may have.
        low_water: How many are to be left once it must be cut.

    Raises:
        BudgetError: It does not fit whatever is done; `excess` says by how much.
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
    trim_memory.add(_Cut(key, messages, left, saved))
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
    """What is left, and its tokens."""
    from deepseek_v4_sdk.tokens.edited import count_edited

    draft = TrimDraft(items, known, available_tokens=available_tokens, target=low_water)
    left: tuple[Item, ...] = ()
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
        f"the conversation does not fit: what has to stay has {count.total:,} tokens, {excess:,} more than the room of "
        f"{available_tokens:,}: reserve less, offer fewer tools, or shorten the last turn"
    )
    error.excess = excess
    raise error


def _cache(left: Sequence[Item], source: tuple[Message, ...], known: PromptCount) -> tuple[int, int]:
    """The tokens at the beginning that are as they were, and those behind that were there and are sent anew."""
    shares = [*known.per_message]
    shares[-1] -= known.closing
    same = next((at for at, item in enumerate(left) if item.place != at), len(left))
    kept = sum(shares[:same]) or known.opening
    # What the user's side says at the end was in no request before.
    told = next((at for at in range(len(source), 0, -1) if isinstance(source[at - 1], AssistantMessage)), 0)
    lost = sum(shares[item.place] for item in left[same:] if item.place is not None and item.place < told)
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
