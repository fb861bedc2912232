"""The API of each server. A provider is data first; its module is loaded when a program names it."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from deepseek_v4_sdk.chat import nearest
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.providers.answers import ForeignEventError, InexactNumberError
from deepseek_v4_sdk.providers.bodies import thinking_level
from deepseek_v4_sdk.providers.completions import Completions, RenderedRequest, read_completion
from deepseek_v4_sdk.providers.http_call import EncodedChat, HttpCall, Target, ascii_host, read_base_url
from deepseek_v4_sdk.providers.learned_limits import LEARNED, learned_through
from deepseek_v4_sdk.providers.provider import OwnTransport, Provider, ProviderData, Renderer, Sink, WrapsTransport
from deepseek_v4_sdk.providers.refusals import headers_without_secrets, request_id_of, secrets_in, without_secrets

__all__ = [
    "LEARNED",
    "PROVIDER_NAMES",
    "Completions",
    "EncodedChat",
    "ForeignEventError",
    "HttpCall",
    "InexactNumberError",
    "OwnTransport",
    "Provider",
    "ProviderData",
    "RenderedRequest",
    "Renderer",
    "Sink",
    "Target",
    "WrapsTransport",
    "ascii_host",
    "find_provider",
    "headers_without_secrets",
    "learned_through",
    "read_base_url",
    "read_completion",
    "request_id_of",
    "secrets_in",
    "thinking_level",
    "without_secrets",
]

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
