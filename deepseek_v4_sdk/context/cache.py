"""The prefix cache: the common part of two requests, their divergence, volatile texts in a prompt's head, and hits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, takewhile, zip_longest
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from deepseek_v4_sdk.chat import AssistantMessage, Message, MessagesInput, Reply, SystemMessage, is_mapping, write_json
from deepseek_v4_sdk.context.budget import ContextBudget
from deepseek_v4_sdk.context.prompt_counter import PromptCounter

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import ChatRequest
    from deepseek_v4_sdk.prompt import Segment
    from deepseek_v4_sdk.tokens.prompts import PromptForm

__all__ = [
    "CacheReport",
    "CacheUse",
    "Divergence",
    "DivergenceField",
    "PromptRequest",
    "RenderedRequest",
    "cache_report",
    "cache_use",
    "compared",
    "counter_of",
]

PromptRequest: TypeAlias = MessagesInput | Mapping[str, object]
"""A request as far as its prompt goes: messages, or a mapping with `messages` and options of a chat (`tools`, ...)."""

DivergenceField: TypeAlias = Literal[
    "thinking", "tools", "tool_choice", "response_format", "role", "content", "reasoning", "tool_calls", "removed"
]
"""The difference at which two prompts diverge."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """The place where two prompts diverge.

    Attributes:
        message: The message, by its index in the later request; None for text before all messages.
        field: The part of it that differs.
        why: The description, in a sentence.
        token: Number of tokens before it.
    """

    message: int | None
    field: DivergenceField
    why: str
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheReport:
    """The tokens that a later prompt can take from the prefix cache after an earlier one.

    Attributes:
        before: The earlier prompt.
        after: The later prompt.
        common: Number of tokens in common, from the beginning.
        block: The server keeps whole blocks of so many tokens; None where that is not known.
        divergence: The place where they diverge; None when the later one only continues.
    """

    before: int
    after: int
    common: int
    block: int | None
    divergence: Divergence | None

    @property
    def lost(self) -> int:
        """Tokens of the earlier prompt that are useless to the later one."""
        return self.before - self.common

    @property
    def cached(self) -> int:
        """Tokens from the cache at best: whole blocks, and never the last token, which is always computed."""
        return min(self.common, self.after - 1) // (self.block or 1) * (self.block or 1)

    def __str__(self) -> str:
        detail = f"{self.common:,} of {self.after:,} tokens in common, {self.cached:,} of them cached at best"
        if self.block:
            detail += f" (blocks of {self.block})"
        return detail if self.divergence is None else f"{detail}, {self.lost:,} lost: {self.divergence.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheUse:
    """Hits of the prefix cache over one or several answers.

    Numbers are tokens, of the answers whose server reported them.

    Attributes:
        hit: Prompt tokens that came from the cache.
        miss: The other prompt tokens.
        reported: Number of answers whose server reported hits.
        unreported: Number of answers whose server did not, which may have been all hits or none.
    """

    hit: int = 0
    miss: int = 0
    reported: int = 0
    unreported: int = 0

    @property
    def rate(self) -> float | None:
        """The share that hit, from 0 to 1; None where nothing is known."""
        return self.hit / (self.hit + self.miss) if self.hit + self.miss else None

    def __add__(self, other: CacheUse) -> CacheUse:
        return CacheUse(
            hit=self.hit + other.hit,
            miss=self.miss + other.miss,
            reported=self.reported + other.reported,
            unreported=self.unreported + other.unreported,
        )


def cache_use(replies: Reply | Iterable[Reply]) -> CacheUse:
    """Add up the hits of one answer, or of those of a conversation."""
    use = CacheUse()
    for reply in [replies] if isinstance(replies, Reply) else replies:
        hit, miss = reply.usage.cached_tokens, reply.usage.missed_tokens
        use += CacheUse(unreported=1) if hit is None or miss is None else CacheUse(hit=hit, miss=miss, reported=1)
    return use


def cache_report(
    before: PromptRequest, after: PromptRequest, budget: ContextBudget | PromptCounter | None = None
) -> CacheReport:
    """Compare two requests token by token, as the server's own encoder renders them.

    Args:
        before: The earlier request.
        after: The later one.
        budget: The budget of the endpoint (`client.budget()`). Without one, prompts are rendered as by vLLM.

    Raises:
        InvalidRequestError: Something is wrong with a request.
        ConfigurationError: The vocabulary is not installed.
    """
    counter = counter_of(budget)
    return compared(RenderedRequest.of(before, counter), RenderedRequest.of(after, counter), counter.cache_block)


def counter_of(budget: ContextBudget | PromptCounter | None) -> PromptCounter:
    """The counter that renders and counts."""
    if budget is None:
        return PromptCounter.rendering("vllm")
    return budget if isinstance(budget, PromptCounter) else budget.counter


@dataclass(frozen=True, slots=True)
class RenderedRequest:
    """A request with its prompt."""

    request: ChatRequest
    form: PromptForm
    segments: Sequence[Segment]

    @classmethod
    def of(cls, given: PromptRequest, counter: PromptCounter) -> RenderedRequest:
        """Read and render a caller's request.

        Raises:
            InvalidRequestError: Something is wrong with it.
        """
        if is_mapping(given) and "messages" in given:
            options = {name: value for name, value in given.items() if name != "messages"}
            request = counter.request(cast("MessagesInput", given["messages"]), options)
        else:
            request = counter.request(given, {})
        form = counter.form(request)
        return cls(request, form, form.render(request.messages).segments)

    def encode(self, segments: Iterable[Segment]) -> list[list[int]]:
        """Encode some of its segments."""
        from deepseek_v4_sdk.tokens.segments import encode_segment  # the vocabulary is loaded with the first one

        return [encode_segment(segment, self.form.dialect) for segment in segments]


def compared(before: RenderedRequest, after: RenderedRequest, block: int | None) -> CacheReport:
    """Compare two requests token by token."""
    pairs = zip(before.segments, after.segments, strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0].pieces == pair[1].pieces, pairs))
    shared = sum(map(len, after.encode(after.segments[:same])))
    # The next segments may still begin alike, and may be divided differently.
    old, new = before.encode(before.segments[same:]), after.encode(after.segments[same:])
    sizes = sum(map(len, old)), sum(map(len, new))
    tokens = zip(chain.from_iterable(old), chain.from_iterable(new), strict=False)
    alike = next((place for place, (one, other) in enumerate(tokens) if one != other), min(sizes))
    divergence = None
    if alike < sizes[0]:
        ends = accumulate(map(len, new))
        place = next((same + place for place, end in enumerate(ends) if alike < end), None)
        divergence = _divergence(before, after, place, shared + alike)
    return CacheReport(
        before=shared + sizes[0], after=shared + sizes[1], common=shared + alike, block=block, divergence=divergence
    )


def _divergence(before: RenderedRequest, after: RenderedRequest, place: int | None, token: int) -> Divergence:
    """Describe the place where two prompts diverge, by the difference of the requests near the segment."""
    first, second = before.request, after.request
    if place is None:
        return Divergence(len(second.messages), "removed", "the later request ends sooner", token)
    indices = after.segments[place].message_indices
    # The head holds the effort text, and the tools where no system message has them.
    changed = Divergence(None, "thinking", f"thinking went from {first.thinking!r} to {second.thinking!r}", token)
    if first.thinking != second.thinking and not indices:
        return changed
    for index in indices:
        if index >= len(first.messages):
            return _gone_on(second, index, token)
        if field := _differs(first.messages[index], second.messages[index]):
            return Divergence(index, field, f"messages[{index}]: its {field} differs", token)
    where = next((index for index in indices if isinstance(second.messages[index], SystemMessage)), None)
    if (where is not None or not indices) and (found := _head_differs(first, second)):
        return Divergence(where, found[0], found[1], token)
    if first.thinking != second.thinking:
        return changed
    if not indices:
        return Divergence(
            len(second.messages), "removed", "the later request ends where the earlier one went on", token
        )
    index = indices[0]
    if isinstance(second.messages[index], AssistantMessage):
        return _gone_on(second, index, token)
    return Divergence(index, "role", f"messages[{index}] joins the text before or after it differently", token)


def _gone_on(request: ChatRequest, index: int, token: int) -> Divergence:
    """Describe an answer that is rendered differently in the history: without its reasoning, most often."""
    if request.thinking != "off" and not request.tools:
        why = f"messages[{index}]: without tools the format leaves the reasoning of earlier turns out"
        return Divergence(index, "reasoning", why, token)
    return Divergence(index, "role", f"messages[{index}]: the earlier request expected something else here", token)


def _differs(first: Message, second: Message) -> DivergenceField | None:
    """The first part of a message, in the order of the prompt, that differs."""
    if first.role != second.role:
        return "role"
    for name in ("reasoning", "content", "tool_calls"):
        if getattr(first, name, None) != getattr(second, name, None):
            return name
    return None


def _head_differs(first: ChatRequest, second: ChatRequest) -> tuple[DivergenceField, str] | None:
    """The first of the definitions at the head that differs."""
    one, other = ([write_json(tool.to_dict()) for tool in request.tools] for request in (first, second))
    if one != other:
        if sorted(one) == sorted(other):
            return "tools", "the tools are the same in another order: keep one order"
        index = next(place for place, (here, there) in enumerate(zip_longest(one, other)) if here != there)
        return "tools", f"tools[{index}] differs"
    if first.tool_choice != second.tool_choice:
        return "tool_choice", f"tool_choice went from {first.tool_choice!r} to {second.tool_choice!r}"
    if first.response_format != second.response_format:
        return "response_format", "response_format differs"
    return None
