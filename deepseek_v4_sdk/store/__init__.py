"""Conversations that last: kept in SQLite, or in what else implements the protocol."""

from deepseek_v4_sdk.store.protocol import ConflictError, KeptConversation, Store, StoreError
from deepseek_v4_sdk.store.sqlite import ConversationStore

__all__ = ["ConflictError", "ConversationStore", "KeptConversation", "Store", "StoreError"]
