"""Counting a conversation that was made from a counted one, by leaving out and replacing: only the new parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import AssistantMessage, Message, ReminderMessage, SystemMessage, ToolMessage, UserMessage
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.tokens.prompts import PromptCount, PromptSums, count_prompt, keep_stable_prefix
from deepseek_v4_sdk.tokens.segments import count_segment
from deepseek_v4_sdk.tokens.stable_prefix import has_system

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepseek_v4_sdk.tokens.prompts import PromptForm

__all__ = ["count_edited"]


def count_edited(
    messages: Sequence[Message],
    places: Sequence[int | None],
    source: Sequence[Message],
    known: PromptCount,
    form: PromptForm,
) -> PromptCount:
    """Count the tokens of a conversation that was made from another one, exactly like `count_prompt`.

    The tokens of an answer, and of consecutive messages of the user's side, depend on nothing else in the conversation
    than the kind of message before it, and on whether the user's side continues after it. So where that is unchanged,
    they are not counted again; messages after the last change are not even rendered.

    Args:
        messages: The conversation.
        places: The index of each message in the other one; None for a new message.
        source: The other conversation.
        known: The tokens of the other one.
        form: The form of both.

    Raises:
        InvalidRequestError: As `count_prompt`.
        UnsupportedOptionError: As `count_prompt`.
    """
    taken, before = tuple(messages), tuple(source)
    head = _head(taken)
    late = head != _head(before) or has_system(taken[head:]) or has_system(before[head:])
    if late or (taken and "prefix" in taken[-1].extra):
        return count_prompt(taken, form)  # system messages may move, and take tools with them
    tail = _tail(places, taken, len(before))
    end = next((at for at in range(tail, len(taken)) if isinstance(taken[at], AssistantMessage)), len(taken))
    try:
        counted = _counted(taken[:end], places, before, known, form)
    except InvalidRequestError:
        return count_prompt(taken, form)  # a word that the format needs may be in the rest, or it names the message
    if tail < len(taken):
        start = len(before) - (len(taken) - tail)
        counted = PromptCount(
            (*counted.per_message[:tail], *known.per_message[start:]),
            (
                *(at for at in counted.special_in_text if at < tail),
                *(at - start + tail for at in known.special_in_text if at >= start),
            ),
            (*counted.reasoning[:tail], *known.reasoning[start:]),
            counted.opening,
            known.closing,
        )
    keep_stable_prefix(form.key, form.renderer_id, taken, counted)
    return counted


def _head(messages: Sequence[Message]) -> int:
    return next((at for at, message in enumerate(messages) if not isinstance(message, SystemMessage)), len(messages))


def _tail(places: Sequence[int | None], messages: tuple[Message, ...], size: int) -> int:
    """The index, after the last change, at which the user or a tool responds to an answer that was there before."""
    last = len(messages)
    first = last
    while first and places[first - 1] == size - (last - first) - 1:
        first -= 1
    for at in range(first + 1, last):
        if isinstance(messages[at - 1], AssistantMessage) and isinstance(messages[at], UserMessage | ToolMessage):
            return at
    return last


def _counted(
    messages: tuple[Message, ...],
    places: Sequence[int | None],
    source: tuple[Message, ...],
    known: PromptCount,
    form: PromptForm,
) -> PromptCount:
    shares = [*known.per_message]
    shares[0] -= known.opening
    shares[-1] -= known.closing
    same = _same(messages, places, source)
    spelling = set(known.special_in_text)
    sums = PromptSums([0] * len(messages), [0] * len(messages), [])
    opening, index = 0, -1
    for segment in form.render(messages).segments:
        indices = segment.message_indices
        if indices and all(same[at] for at in indices):
            for at in indices:
                place = places[at] or 0
                sums.counts[at] += shares[place]
                sums.reasoning[at] += known.reasoning[place]
                sums.special += [at] if place in spelling else []
            sums.unowned = 0
        else:
            counted = count_segment(segment, messages, indices or (max(index, 0),), form.dialect)
            tokens = sums.add(counted, own=bool(indices))
            if index < 0 and not indices:
                opening += tokens
        index = indices[-1] if indices else index
    return sums.result(opening)


def _same(messages: tuple[Message, ...], places: Sequence[int | None], source: tuple[Message, ...]) -> list[bool]:
    """Whether each message is rendered unchanged."""
    same = [False] * len(messages)
    spoken, spoken_before = _spoken(messages), _spoken(source)
    at = 0
    while at < len(messages):
        start, place = at, places[at]
        at += 1
        if _of_user(messages[start]):
            while at < len(messages) and _of_user(messages[at]):
                at += 1
            if place is None or any(places[index] != place + index - start for index in range(start, at)):
                continue
            ends = (source[max(place - 1, 0) : place], source[place + at - start : place + at - start + 1])
            if any(_of_user(message) for end in ends for message in end):
                continue  # it was a part of a larger turn
            # Results are put in the order of the calls before them.
            results = any(isinstance(message, ToolMessage) for message in messages[start:at])
            if not results or (start > 0 and places[start - 1] == place - 1):
                same[start:at] = [True] * (at - start)
        elif isinstance(messages[start], AssistantMessage) and place is not None:
            open_before, open_now = place > spoken_before, start > spoken
            same[start] = not open_before and not open_now and _follows_alike(messages, start, source, place)
    return same


def _spoken(messages: tuple[Message, ...]) -> int:
    """The index of the user's last message, or of a tool's last result; -1 for none.

    Reasoning after it may be shown.
    """
    return next(
        (at for at in range(len(messages) - 1, -1, -1) if isinstance(messages[at], UserMessage | ToolMessage)), -1
    )


def _follows_alike(messages: tuple[Message, ...], at: int, source: tuple[Message, ...], place: int) -> bool:
    if at == 0 or place == 0:
        return at == place
    now, before = messages[at - 1], source[place - 1]
    return now is before or (_of_user(now) and _plain(now) and _of_user(before) and _plain(before))


def _plain(message: Message) -> bool:
    return not message.extra and not isinstance(message, ReminderMessage)


def _of_user(message: Message) -> bool:
    return not isinstance(message, AssistantMessage | SystemMessage)
