"""The arguments of a client as a mapping, for profiles, fallbacks and `with_options`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, cast

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.catalogue.models import Catalogue
from deepseek_v4_sdk.chat import ControlTokens, OnInterrupt, Overflow, Thinking, Timeouts, is_mapping, nearest
from deepseek_v4_sdk.config.settings import ApiKey, LimitsChoice, TransportName
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.providers import Provider
from deepseek_v4_sdk.traffic.replicas import Balance

if TYPE_CHECKING:
    from deepseek_v4_sdk.catalogue.prices import PriceTable
    from deepseek_v4_sdk.chat.hooks import Hooks
    from deepseek_v4_sdk.client.async_client import AsyncDeepSeekV4
    from deepseek_v4_sdk.client.sync_client import DeepSeekV4
    from deepseek_v4_sdk.traffic.spend import Spend
    from deepseek_v4_sdk.transport.http_clients import AsyncHttpClient, HttpClient
else:
    PriceTable = late_type("deepseek_v4_sdk.catalogue.prices", "PriceTable")
    Hooks = late_type("deepseek_v4_sdk.chat.hooks", "Hooks")
    Spend = late_type("deepseek_v4_sdk.traffic.spend", "Spend")
    AsyncHttpClient = late_type("deepseek_v4_sdk.transport.http_clients", "AsyncHttpClient")
    HttpClient = late_type("deepseek_v4_sdk.transport.http_clients", "HttpClient")
    AsyncDeepSeekV4 = late_type("deepseek_v4_sdk.client.async_client", "AsyncDeepSeekV4")
    DeepSeekV4 = late_type("deepseek_v4_sdk.client.sync_client", "DeepSeekV4")

__all__ = ["ClientArguments", "Fallback", "fallback_arguments"]


class ClientArguments(TypedDict, total=False):
    """The arguments of a client, as `from_profile` and `with_options` take them."""

    provider: str | Provider
    base_url: str | None
    api_key: ApiKey | None
    model: str | None
    thinking: Thinking
    control_tokens: ControlTokens
    on_interrupt: OnInterrupt
    window: int | None
    overflow: Overflow | None
    spend: Spend | Sequence[Spend] | None
    timeout: float | Timeouts | None
    max_retries: int
    default_headers: Mapping[str, str] | None
    proxy: str | None
    ca_bundle: str | None
    transport: TransportName
    http_client: HttpClient | AsyncHttpClient | None
    catalogue: Catalogue | None
    prices: PriceTable | None
    hooks: Sequence[Hooks]
    strict_model: bool
    server_version: str | None
    endpoints: Sequence[str | Provider]
    balance: Balance
    session_affinity: bool
    limits: LimitsChoice
    fallback: Sequence[Fallback]


Fallback: TypeAlias = str | Provider | ClientArguments | DeepSeekV4 | AsyncDeepSeekV4
"""The server that takes over: the name of a provider, a provider object, the arguments of a client, or a client."""


def fallback_arguments(where: str, given: object) -> dict[str, Any]:
    """Check what was given as a fallback, and return the arguments of its client.

    Args:
        where: Its place, for errors.
        given: The name of a provider, a provider, or arguments.

    Raises:
        ConfigurationError: It has an argument that clients do not have, or no provider.
    """
    arguments = cast("dict[str, Any]", given if is_mapping(given) else {"provider": given})
    known = ClientArguments.__annotations__
    for name in arguments:
        if name not in known:
            raise ConfigurationError(
                f"{where} has {name!r}, which is not an argument of a client{nearest(name, known)}"
            )
    if "provider" not in arguments:
        raise ConfigurationError(f"{where} has no provider: name one, such as 'vllm'")
    return arguments
