"""A conversation: a list of messages that can grow, be checked, mended and saved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableSequence
from typing import Protocol, Self, cast, overload

from deepseek_v4_sdk.chat.checks import is_iterable
from deepseek_v4_sdk.chat.history import History, HistoryRules, Problem
from deepseek_v4_sdk.chat.json_value import JsonValue, carried_text, read_json, write_json
from deepseek_v4_sdk.chat.mending import mend
from deepseek_v4_sdk.chat.messages import (
    AssistantMessage,
    Message,
    MessagesInput,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from deepseek_v4_sdk.chat.model_field import ModelField
from deepseek_v4_sdk.chat.reading import read_message, read_messages
from deepseek_v4_sdk.chat.reply import Reply
from deepseek_v4_sdk.chat.results import result_text
from deepseek_v4_sdk.chat.tool_call import ToolCall
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.support.decoding import decoded
from deepseek_v4_sdk.support.redaction import never_raises

__all__ = ["Conversation", "HasHistoryRules", "stored"]


class HasHistoryRules(Protocol):
    """A client or a provider, or any object with the rules of a server."""

    @property
    def history_rules(self) -> HistoryRules:
        """The server's rules for a conversation."""
        ...


class Conversation(ModelField, MutableSequence["Message"]):
    """A list of messages. The model's output is kept unchanged, and goes back to any provider without loss.

    Args:
        messages: Messages in any form that `chat` accepts: a text, one message, mappings in OpenAI's form, or a
            sequence.

    Raises:
        InvalidRequestError: One of them is wrong; the text names the place.
    """

    def __init__(self, messages: MessagesInput | Iterable[Message] = ()) -> None:
        taken = list(messages) if is_iterable(messages) and not hasattr(messages, "model_dump") else messages
        self._messages: list[Message] = [] if taken == [] else list(read_messages(taken))
        self._history = History()

    def system(self, text: str) -> Self:
        """Add instructions."""
        return self.add(SystemMessage(text))

    def user(self, text: str) -> Self:
        """Add a message of the user."""
        return self.add(UserMessage(text))

    def add(self, message: Reply | Message | Mapping[str, object]) -> Self:
        """Add a reply, as the assistant's turn, or any message."""
        if isinstance(message, Reply):
            return self._added(message.message)
        return self._added(read_message(message, f"messages[{len(self)}]"))

    def add_tool_result(self, call: ToolCall | str, value: object) -> Self:
        """Add the result of a tool call.

        Args:
            call: The call, or its id.
            value: A text, which is sent unchanged; anything else as JSON. Characters that UTF-8 cannot encode become
                U+FFFD.

        Raises:
            InvalidRequestError: The value cannot be written as JSON.
        """
        call_id = call.id if isinstance(call, ToolCall) else call
        return self.add(ToolMessage(carried_text(result_text(value))[0], call_id))

    def validate(self, provider: HasHistoryRules | None = None, *, thinking: bool = True) -> list[Problem]:
        """Every problem of the conversation, by index; none are raised.

        Args:
            provider: A client or a provider, for problems that its server refuses or renders differently; None for
                problems everywhere.
            thinking: Whether thinking will be on.
        """
        return self.history.problems(None if provider is None else provider.history_rules, thinking=thinking)

    def repair(self, provider: HasHistoryRules | None = None, *, thinking: bool = True) -> list[str]:
        """Mend the problems that can be mended without inventing content.

        Messages between calls and their results move after the results, calls without a result and results without a
        call are removed, repeated ids are made unique, and missing reasoning that a server requires becomes empty.

        Returns:
            The changes, in order; empty when there were none. `validate` finds the remaining problems.
        """
        rules = None if provider is None else provider.history_rules
        self._messages, done = mend(self._messages, needs_reasoning=bool(rules and rules.needs_reasoning and thinking))
        self._history = History()
        return done

    @property
    def history(self) -> History:
        """The walk over the messages, up to date."""
        if self._history.length < len(self._messages):
            self._history.extend(self._messages[self._history.length :])
        return self._history

    def copy(self) -> Conversation:
        """Return a conversation with the same messages, which grows separately."""
        return Conversation(self._messages)

    __copy__ = copy

    def to_json(self) -> str:
        """Write the conversation as JSON; the same conversation becomes the same bytes each time.

        Raises:
            InvalidRequestError: A message holds what JSON cannot express.
        """
        try:
            return write_json([stored(message) for message in self._messages]).decode()
        except (ValueError, TypeError) as error:
            raise InvalidRequestError(f"the conversation cannot be written as JSON: {error}") from None

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a conversation from the output of `to_json`, or from messages in OpenAI's form.

        Raises:
            InvalidRequestError: It is not JSON, or one of the messages is wrong.
        """
        try:
            value: JsonValue = read_json((decoded(text) if isinstance(text, bytes) else text).removeprefix("\ufeff"))
        except ValueError as error:
            raise InvalidRequestError(f"the conversation is not JSON: {error}") from None
        if not isinstance(value, list):
            raise InvalidRequestError("the conversation is not a list of messages")
        return cls(read_messages(value) if value else ())

    def insert(self, index: int, value: Message) -> None:
        """Insert a message before another."""
        self._messages.insert(index, read_message(value, f"messages[{index}]"))
        if index < self._history.length:
            self._history = History()

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> Conversation: ...
    def __getitem__(self, index: int | slice) -> Message | Conversation:
        if isinstance(index, int):
            return self._messages[index]
        return Conversation(self._messages[index])

    @overload
    def __setitem__(self, index: int, value: Message) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[Message]) -> None: ...
    def __setitem__(self, index: int | slice, value: Message | Iterable[Message]) -> None:
        if isinstance(index, int):
            self._messages[index] = read_message(value, f"messages[{index}]")
        else:
            taken = list(cast("Iterable[Message]", value))
            self._messages[index] = read_messages(taken) if taken else []
        self._history = History()

    def __delitem__(self, index: int | slice) -> None:
        del self._messages[index]
        self._history = History()

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[Message]:
        return iter(self._messages)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Conversation) and self._messages == other._messages

    __hash__ = None  # type: ignore[assignment]  # it can change

    @never_raises
    def __repr__(self) -> str:
        roles = ", ".join(message.role for message in self._messages[-8:])
        return f"Conversation({len(self)} messages{': … ' if len(self) > 8 else ': '}{roles})"

    def _added(self, message: Message) -> Self:
        self._messages.append(message)
        return self


def stored(message: Message) -> dict[str, JsonValue]:
    """A message in the neutral form, with what is known about it and no server hears."""
    if isinstance(message, AssistantMessage) and any(call.recovered for call in message.tool_calls):
        stored = message.to_dict()
        entries = cast("list[dict[str, JsonValue]]", stored["tool_calls"])
        for entry, call in zip(entries, message.tool_calls, strict=True):
            entry.update({"bars": call.bars} if call.recovered else {})
        return stored
    if not isinstance(message, SystemMessage):
        return message.to_dict()
    role: dict[str, JsonValue] = {"role": "developer"} if message.developer else {}
    return {**message.to_dict(), **role, **({"late": True} if message.late else {})}
