"""The API of each server. A provider is data first; its module is loaded when a program names it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk._late_types import late_names
from deepseek_v4_sdk.chat import ChatRequest, History, nearest
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.providers.answers import ForeignEventError, InexactNumberError
from deepseek_v4_sdk.providers.completions import Completions, RenderedRequest
from deepseek_v4_sdk.providers.grammar import Grammar
from deepseek_v4_sdk.providers.http_call import EncodedChat, HttpCall, Target
from deepseek_v4_sdk.providers.learned_limits import LearnedLimits, ServerLimits
from deepseek_v4_sdk.providers.provider import (
    Lacks,
    Note,
    OptionRule,
    OwnTransport,
    Provider,
    ProviderData,
    Refused,
    Renderer,
    Rule,
    SchemaLint,
    Sink,
    WrapsTransport,
)

if TYPE_CHECKING:
    from deepseek_v4_sdk.providers.chat_completions import COMMON_OPTIONS, ChatCompletions, as_key
    from deepseek_v4_sdk.providers.nim import NIM, NIMEngine

__all__ = [
    "COMMON_OPTIONS",
    "NIM",
    "PROVIDER_NAMES",
    "ChatCompletions",
    "ChatRequest",
    "Completions",
    "EncodedChat",
    "ForeignEventError",
    "Grammar",
    "History",
    "HttpCall",
    "InexactNumberError",
    "Lacks",
    "LearnedLimits",
    "NIMEngine",
    "Note",
    "OptionRule",
    "OwnTransport",
    "Provider",
    "ProviderData",
    "Refused",
    "RenderedRequest",
    "Renderer",
    "Rule",
    "SchemaLint",
    "ServerLimits",
    "Sink",
    "Target",
    "WrapsTransport",
    "as_key",
    "find_provider",
]

# The names that those who add a provider use: a client of a provider that ships does without some of their modules.
_LATE = {
    "COMMON_OPTIONS": "chat_completions",
    "ChatCompletions": "chat_completions",
    "as_key": "chat_completions",
    "NIM": "nim",
    "NIMEngine": "nim",
}

if not TYPE_CHECKING:  # type checkers read the imports above
    __getattr__ = late_names(__name__, _LATE)


PROVIDER_NAMES = ("nvidia", "nim", "vllm", "sglang", "deepseek", "dynamo")
"""The providers that have a module here; the mock comes from `deepseek_v4_sdk.testing`."""


def find_provider(name: str) -> Provider:
    """Return the provider of that name.

    Raises:
        ConfigurationError: There is none.
    """
    if name not in PROVIDER_NAMES:
        known = (*PROVIDER_NAMES, "mock")
        raise ConfigurationError(f"there is no provider {name!r}{nearest(name, known)}; known: {', '.join(known)}")
    return cast("Provider", import_module(f"{__name__}.{name}").PROVIDER)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
