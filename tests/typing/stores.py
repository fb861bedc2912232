"""Stores of conversations as users write and implement them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import assert_type

from deepseek_v4_sdk import Conversation, Reply
from deepseek_v4_sdk.chat import MessagesInput
from deepseek_v4_sdk.store import ConflictError, ConversationStore, KeptConversation, Store


class Memory:
    """A store of somebody's own."""

    def load(self, id: str) -> tuple[Conversation, int]:
        return Conversation(), 0

    def append(self, id: str, messages: MessagesInput, version: int) -> int:
        return version + 1

    def list(self) -> Sequence[KeptConversation]:
        return []

    def delete(self, id: str) -> None:
        return None


class Lacking:
    def load(self, id: str) -> tuple[Conversation, int]:
        return Conversation(), 0


def kept(store: Store, reply: Reply) -> int:
    talk, version = store.load("a")
    assert_type(talk, Conversation)
    assert_type(version, int)
    try:
        version = store.append("a", talk.add(reply), version)
    except ConflictError as error:
        assert_type(error.found, int)
    for each in store.list():
        assert_type(each.updated, datetime)
    store.delete("a")
    return version


def stores(reply: Reply) -> None:
    kept(ConversationStore("sqlite:///chats.db"), reply)
    kept(Memory(), reply)
    kept(Lacking(), reply)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ConversationStore("sqlite:///:memory:").append("a", reply, 0)
    ConversationStore("sqlite:///chats.db").append("a", 7, 0)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
