"""Encoding a chat for a provider by name, with nothing around it: no client, no network, no environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from deepseek_v4_sdk.chat import ChatRequest
from deepseek_v4_sdk.providers import HttpCall, Target, find_provider

if TYPE_CHECKING:
    from collections.abc import Mapping


BASE_URL = "http://localhost:8000"


def target(base_url: str = BASE_URL, headers: Mapping[str, str] | None = None) -> Target:
    """A server that needs no key."""
    return Target(base_url, lambda: None, headers or {})


def call_of(provider: str, messages: object, /, **options: object) -> HttpCall:
    """The HTTP request that a chat becomes."""
    return find_provider(provider).encode(ChatRequest.build(messages, options, {}), target()).call


def body_of(provider: str, messages: object = "Say JSON", /, **options: object) -> dict[str, Any]:
    """The body that a chat becomes."""
    body: dict[str, Any] = json.loads(call_of(provider, messages, **options).body or b"")
    return body


def messages_of(provider: str, *messages: object) -> list[Any]:
    """The messages of a body."""
    sent: list[Any] = body_of(provider, list(messages))["messages"]
    return sent
