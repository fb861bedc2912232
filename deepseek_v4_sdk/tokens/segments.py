"""Counting one segment of a prompt: its tokens, their messages, and the texts that spell control tokens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from deepseek_v4_sdk.chat import AssistantMessage, Content, Message, ToolMessage, UserMessage
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.prompt.literals import BLANK_LINE, RESULT_CLOSE, RESULT_OPEN, THINK_CLOSE
from deepseek_v4_sdk.tokens.parallel import count_large
from deepseek_v4_sdk.tokens.texts import count_text, encode, may_spell_special, spells_special
from deepseek_v4_sdk.tokens.vocabulary import load_vocabulary

if TYPE_CHECKING:
    from deepseek_v4_sdk.prompt import Dialect, Segment
    from deepseek_v4_sdk.tokens.texts import SpecialText

__all__ = ["Counted", "count_segment", "encode_segment"]


class Counted(NamedTuple):
    """The tokens of a segment by message, the messages that spell control tokens (both by index), and its reasoning."""

    shares: list[tuple[int, int]]
    special: list[int]
    reasoning: int


def count_segment(segment: Segment, messages: Sequence[Message], indices: tuple[int, ...], dialect: Dialect) -> Counted:
    """Count a segment.

    Where a turn consists of several messages, each has its text's tokens; the first also has those around them, and all
    of them where the encoder changed the texts.

    Args:
        segment: The segment.
        messages: The conversation.
        indices: The messages in the segment.
        dialect: The dialect that rendered it. vLLM reads the whole prompt with the added vocabulary, the vendor's
            encoder each text separately.

    Raises:
        InvalidRequestError: A text holds a surrogate; the error names the message.
    """
    try:
        return _counted(segment, messages, indices, "control" if dialect == "vllm" else "plain")
    except InvalidRequestError as error:
        raise _named(error, messages, indices) from None


def encode_segment(segment: Segment, dialect: Dialect) -> list[int]:
    """Return the tokens of a segment, one by one; `dialect` rendered it.

    Raises:
        InvalidRequestError: A text holds a surrogate.
    """
    if dialect == "vllm":
        return encode(segment.text)
    return [
        token for text, control in segment.pieces for token in encode(text, special="control" if control else "plain")
    ]


def _counted(segment: Segment, messages: Sequence[Message], indices: tuple[int, ...], special: SpecialText) -> Counted:
    first = indices[0]
    shares: list[tuple[int, int]] = []
    spelling: list[int] = []
    tokens = reasoning = last = 0
    answer = bool(segment.message_indices) and isinstance(messages[first], AssistantMessage)
    for text, control in segment.pieces:
        if control:
            tokens += 1
            if answer and text == THINK_CLOSE[0]:
                reasoning, last = last, 0  # the text before the end of thinking is reasoning
            else:
                last = 0
            continue
        if len(text) <= _SHORT and len(indices) == 1 and not may_spell_special(text):
            load_vocabulary()  # or its error, even where the text was counted before
            last = _count_short(text)
            tokens += last
            continue
        spells = may_spell_special(text)
        reading: SpecialText = special if spells else "plain"  # equal where there is none
        blocks = _blocks(text, messages, indices) if len(indices) > 1 else None
        if blocks is None:
            last = count_large(text, special=reading)
            tokens += last
        else:
            shares += [(index, count_large(block, special=reading)) for index, block in blocks]
        if spells and spells_special(text):
            spelling += [index for index in indices if any(map(spells_special, _texts(messages[index])))] or [first]
    return Counted([(first, tokens), *shares], spelling, reasoning)


_SHORT: Final = 32  # characters


@lru_cache(maxsize=1024)
def _count_short(text: str) -> int:
    """The tokens of a short text: most are markup of the format, the same in each message that calls tools."""
    return count_text(text, special="plain")


def _blocks(text: str, messages: Sequence[Message], indices: tuple[int, ...]) -> list[tuple[int, str]] | None:
    """Split the text of a user's turn into the texts of its messages, in any order; None if that is not possible.

    No token spans the blank line between two of them when neither begins with a blank.
    """
    blocks: list[tuple[int, str]] = []
    for index in indices:
        message = messages[index]
        if isinstance(message, ToolMessage):
            block = f"{RESULT_OPEN}{_joined(message.content)}{RESULT_CLOSE}"
        elif isinstance(message, UserMessage):
            block = _joined(message.content)
        else:
            return None
        if not block or block[0].isspace():
            return None
        blocks.append((index, block))
    if len(text) != sum(len(block) for _, block in blocks) + len(BLANK_LINE) * (len(blocks) - 1):
        return None
    last = next((place for place, (_, block) in enumerate(reversed(blocks)) if text.endswith(block)), None)
    if last is None:
        return None
    last = len(blocks) - 1 - last
    return [(index, block if place == last else block + BLANK_LINE) for place, (index, block) in enumerate(blocks)]


def _joined(content: Content) -> str:
    return content if isinstance(content, str) else BLANK_LINE.join(content)


def _texts(message: Message) -> list[str]:
    texts = [_joined(message.content or "")]
    if isinstance(message, AssistantMessage):
        texts += [message.reasoning or "", *(call.arguments for call in message.tool_calls)]
    return texts


def _named(error: InvalidRequestError, messages: Sequence[Message], indices: tuple[int, ...]) -> InvalidRequestError:
    """The error of the faulty text, with the place of its message."""
    for index in indices:
        for text in _texts(messages[index]):
            try:
                count_text(text)
            except InvalidRequestError as found:
                return InvalidRequestError(f"messages[{index}]: {found}")
    return error
