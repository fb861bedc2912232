"""The protocol of a store of conversations, and its errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from deepseek_v4_sdk.chat import Conversation, MessagesInput
from deepseek_v4_sdk.errors import DeepSeekV4Error

__all__ = ["ConflictError", "KeptConversation", "Store", "StoreError"]


class StoreError(DeepSeekV4Error):
    """A store cannot be read or written; the text names it and the cause."""


class ConflictError(StoreError):
    """Somebody else, such as another tab, has gone on with the conversation. Nothing was written.

    Load it again, and decide what of your messages still fits.

    Attributes:
        id: The conversation.
        expected: The version that `append` was given.
        found: The version that the store has; 0 where it has no such conversation.
    """

    def __init__(self, message: str, *, id: str, expected: int, found: int) -> None:
        super().__init__(message)
        self.id = id
        self.expected = expected
        self.found = found


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptConversation:
    """A conversation in a list of them.

    Attributes:
        id: Its id.
        version: Its version.
        messages: How many messages it has.
        updated: When it was written last, in UTC.
    """

    id: str
    version: int
    messages: int
    updated: datetime


class Store(Protocol):
    """A store of conversations. It may be used from several threads and processes at once.

    The messages of a conversation come back unchanged: a request that is made of them has the same bytes, so that
    the server's prefix cache hits.
    """

    def load(self, id: str) -> tuple[Conversation, int]:
        """A conversation and its version; an empty one and 0 where there is none of this id.

        Raises:
            StoreError: It cannot be read.
        """
        ...

    def append(self, id: str, messages: MessagesInput, version: int) -> int:
        """Add messages at the end of a conversation, all or none.

        Args:
            id: The conversation.
            messages: The messages to add.
            version: The version that was loaded; 0 begins a conversation.

        Returns:
            The new version, which is greater and was never that of another state of this conversation.

        Raises:
            ConflictError: The conversation has another version by now.
            InvalidRequestError: One of the messages is wrong.
            StoreError: It cannot be written.
        """
        ...

    def list(self) -> Sequence[KeptConversation]:
        """All conversations, the one written last first.

        Raises:
            StoreError: They cannot be read.
        """
        ...

    def delete(self, id: str) -> None:
        """Remove a conversation, if there is one of this id.

        Raises:
            StoreError: It cannot be written.
        """
        ...
