"""A client in the form that LangChain asks for: sync where it blocks, async where it awaits."""

from __future__ import annotations

from typing import cast

from deepseek_v4_sdk import AsyncDeepSeekV4, ConfigurationError, DeepSeekV4

__all__ = ["awaited", "blocking"]


def blocking(client: DeepSeekV4 | AsyncDeepSeekV4) -> DeepSeekV4:
    """The sync client, or the twin of an async one.

    Raises:
        ConfigurationError: The client is async and has no twin.
    """
    if isinstance(client, DeepSeekV4):
        return client
    make = getattr(client, "as_sync", None)
    if make is None:
        raise ConfigurationError("LangChain asks without await, and the client is async: give a DeepSeekV4")
    return cast("DeepSeekV4", make())


def awaited(client: DeepSeekV4 | AsyncDeepSeekV4) -> AsyncDeepSeekV4 | None:
    """The async client, or the twin of a sync one; None where it has none, and a thread has to wait for it."""
    if isinstance(client, AsyncDeepSeekV4):
        return client
    make = getattr(client, "as_async", None)
    return None if make is None else cast("AsyncDeepSeekV4", make())
