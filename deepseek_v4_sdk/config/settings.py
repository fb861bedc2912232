"""Settings: the resolved arguments of a client and the provider's defaults, checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, cast, get_args
from urllib.parse import urlsplit

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.catalogue.models import Catalogue
from deepseek_v4_sdk.chat import RateLimits, Timeouts, as_timeouts, check_options, is_list
from deepseek_v4_sdk.errors import ConfigurationError, InvalidRequestError
from deepseek_v4_sdk.providers import PROVIDER_NAMES, Provider, Target, find_provider
from deepseek_v4_sdk.providers.http_call import read_base_url
from deepseek_v4_sdk.providers.learned_limits import LEARNED, learned_through
from deepseek_v4_sdk.providers.provider import own_transport
from deepseek_v4_sdk.support.installed import install_command
from deepseek_v4_sdk.traffic.registry import SharedLimits
from deepseek_v4_sdk.traffic.replicas import Balance

if TYPE_CHECKING:
    from pydantic import SecretStr

    from deepseek_v4_sdk.catalogue.prices import PriceTable
    from deepseek_v4_sdk.limits import RedisLimits
    from deepseek_v4_sdk.providers import ProviderData
    from deepseek_v4_sdk.traffic.spend import Spend
else:
    SecretStr = late_type("pydantic", "SecretStr")
    RedisLimits = late_type("deepseek_v4_sdk.limits", "RedisLimits")
    Spend = late_type("deepseek_v4_sdk.traffic.spend", "Spend")

__all__ = [
    "ApiKey",
    "LimitsChoice",
    "Settings",
    "TransportName",
    "check_balance",
    "check_session_affinity",
    "check_spends",
    "check_transport",
    "find_limits",
    "make_settings",
]

ApiKey: TypeAlias = str | SecretStr | Callable[[], str | SecretStr]
"""A key, or a function that gives it at each request."""

TransportName: TypeAlias = Literal["httpx", "aiohttp"]
"""The HTTP library, where the user brings no client."""
LimitsChoice: TypeAlias = Literal["provider", "off"] | RateLimits | RedisLimits
"""The limits that a client obeys: the known ones of its provider, none, given ones, or shared ones."""


@dataclass(slots=True, eq=False, kw_only=True)
class Settings:
    """The settings of a client, resolved. Its servers are apart: each endpoint holds its own.

    Attributes:
        defaults: Options for calls that do not set their own.
        timeouts: The timers.
        max_retries: Number of HTTP requests that may follow the first.
        proxy: The URL of a proxy, or None.
        ca_bundle: A file of certificates to trust, or None.
        key_origin: The source of the key: "argument", a variable of the environment, or "default" without one.
    """

    defaults: Mapping[str, object] = field(default_factory=dict[str, object])
    timeouts: Timeouts = field(default_factory=Timeouts)
    max_retries: int = 2
    proxy: str | None = field(default=None, repr=False)
    ca_bundle: str | None = None
    key_origin: str = "default"


def make_settings(
    provider: str | Provider,
    *,
    base_url: str | None,
    api_key: ApiKey | None,
    defaults: Mapping[str, object],
    timeout: float | Timeouts | None,
    max_retries: int,
    default_headers: Mapping[str, str] | None,
    proxy: str | None,
    ca_bundle: str | None,
    catalogue: Catalogue | None,
    prices: PriceTable | None,
    server_version: str | None,
    endpoints: Sequence[str | Provider] = (),
) -> tuple[Settings, tuple[tuple[Provider, Target], ...]]:
    """Check the arguments of a client and resolve them.

    Returns:
        The settings, and the provider and target of each replica.

    Raises:
        ConfigurationError: Something is wrong; the text names it and the remedy.
    """
    found = _provider(provider)
    speakers = _replica_targets(found, base_url, endpoints)
    bases = [
        _base_url(provider_there, url, needed=own_transport(provider_there) is None) for provider_there, url in speakers
    ]
    if type(max_retries) is not int or max_retries < 0:
        raise ConfigurationError(f"max_retries is {max_retries!r}: give a whole number from 0")
    if prices is not None:
        _check_prices(prices)
    if ca_bundle is not None and not _is_file(ca_bundle):
        raise ConfigurationError(f"ca_bundle is {ca_bundle!r}: there is no such file")
    if proxy is not None:
        _check_proxy(proxy)
    try:
        checked = check_options({**defaults, "extra_headers": default_headers or {}})
        timeouts = as_timeouts(timeout)
    except InvalidRequestError as error:
        raise ConfigurationError(str(error).replace("extra_headers", "default_headers")) from None
    headers = cast("dict[str, str]", checked.pop("extra_headers"))
    replicas: list[tuple[Provider, Target]] = []
    origins: list[str] = []
    for (provider_there, url), base in zip(speakers, bases, strict=True):
        transport = own_transport(provider_there)
        key, origin = _key_source(provider_there, base, api_key, required=found.data.needs_key and transport is None)
        origins.append(origin)
        target = Target(
            base,
            key,
            headers,
            catalogue or Catalogue(),
            prices,
            server_version=server_version,
            limits=learned_through(transport) if transport is not None and url is None else LEARNED,
        )
        replicas.append((provider_there, target))
    settings = Settings(
        defaults=checked,
        timeouts=timeouts,
        max_retries=max_retries,
        proxy=proxy,
        ca_bundle=ca_bundle,
        key_origin=origins[0],
    )
    return settings, tuple(replicas)


def _check_prices(prices: object) -> None:
    from deepseek_v4_sdk.catalogue.prices import PriceTable  # loaded for given prices

    if not isinstance(prices, PriceTable):
        raise ConfigurationError(f"prices is {type(prices).__name__}: give PriceTable([...])")


def check_transport(transport: object, *, awaited: bool, http_client: object, proxy: object) -> None:
    """Check the HTTP library: a name decides, never the installed packages.

    Raises:
        ConfigurationError: It does not exist, is not installed, or does not fit another argument.
    """
    if transport not in ("httpx", "aiohttp"):
        raise ConfigurationError(f"transport is {transport!r}: give 'httpx' or 'aiohttp'")
    if transport == "httpx":
        if awaited:
            # Otherwise the first request would load them: the packages that a client needs on its loop, and httpcore.
            import_module("deepseek_v4_sdk.transport.asyncio_network")
            import_module("deepseek_v4_sdk.transport.loops")
            import_module("anyio._backends._asyncio")
        return
    if not awaited:
        raise ConfigurationError("transport='aiohttp' is only async: use AsyncDeepSeekV4, or leave it out")
    if http_client is not None:
        raise ConfigurationError("http_client and transport='aiohttp' each say what carries requests: give one of them")
    if isinstance(proxy, str) and proxy.startswith("socks"):
        raise ConfigurationError(
            "proxy is one for SOCKS, which transport='aiohttp' does not know: leave one of them out"
        )
    try:
        import_module("aiohttp")  # now, so that no request waits for it
    except ImportError:
        raise ConfigurationError(
            f"transport='aiohttp' needs a package: {install_command('fast', 'aiohttp')}, or leave it out"
        ) from None


def find_limits(limits: object, data: ProviderData) -> Mapping[str, RateLimits]:
    """Find the limits of a client: for all models (under `""`), or for each family of them.

    Raises:
        ConfigurationError: It is not a limit.
    """
    if isinstance(limits, SharedLimits):
        found = find_limits(limits.limits, data)
        if not found:
            raise ConfigurationError(
                f"limits: {data.name} has no known limits to share: give RedisLimits its RateLimits(...)"
            )
        return found
    if isinstance(limits, RateLimits):
        return {"": limits}
    if limits == "off":
        return {}
    if limits != "provider":
        raise ConfigurationError(f"limits is {limits!r}: give 'provider', 'off', RateLimits(...) or RedisLimits(...)")
    return data.limits


def check_balance(balance: Balance) -> Balance:
    """Check the way of spreading chats over replicas.

    Raises:
        ConfigurationError: There is no such way.
    """
    if balance not in get_args(Balance):
        raise ConfigurationError(f"balance is {balance!r}: give 'sticky' or 'least_busy'")
    return balance


def check_spends(given: object) -> tuple[Spend, ...]:
    """The limits of money and tokens.

    Raises:
        ConfigurationError: One of them is something else.
    """
    if given is None:
        return ()
    from deepseek_v4_sdk.traffic.spend import as_spends  # loaded for spend limits

    return as_spends(given)


def check_session_affinity(session_affinity: object, data: ProviderData) -> bool:
    """Check whether requests can name their conversation to a gateway.

    Raises:
        ConfigurationError: The provider has no known header for it.
    """
    if session_affinity and data.session_header is None:
        raise ConfigurationError(
            f"session_affinity=True is for sglang and dynamo, whose gateways read a header; {data.name} has none"
        )
    return bool(session_affinity)


def _replica_targets(found: Provider, base_url: object, endpoints: object) -> list[tuple[Provider, object]]:
    """The provider of each replica, and its given address."""
    if not endpoints:
        return [(found, base_url)]
    if not is_list(endpoints):
        raise ConfigurationError(f"endpoints is {type(endpoints).__name__}: give a list of addresses")
    if base_url is not None:
        raise ConfigurationError("endpoints are the addresses of all replicas: leave base_url out")
    speakers: list[tuple[Provider, object]] = []
    for index, given in enumerate(endpoints):
        url = given if isinstance(given, str) else None
        provider_there = found if url is not None else _provider(cast("Provider", given))
        if provider_there.data.name != found.data.name:
            raise ConfigurationError(
                f"endpoints[{index}] is {provider_there.data.name}, and the client is for {found.data.name}: "
                "replicas are of one kind; give another provider as fallback"
            )
        speakers.append((provider_there, url))
    return speakers


def _provider(provider: str | Provider) -> Provider:
    if not isinstance(provider, str):
        parts = ("data", "encode", "decode", "refusal")
        if isinstance(provider, type) or not all(hasattr(provider, name) for name in parts):
            kind = "type" if isinstance(provider, type) else type(provider).__name__
            raise ConfigurationError(f"provider is {kind}: give a name such as 'vllm', or a provider")
        return provider
    if not provider:
        raise ConfigurationError(
            "there is no provider '': say first which server it is, such as DeepSeekV4('vllm', base_url=...); known: "
            f"{', '.join((*PROVIDER_NAMES, 'mock'))}"
        )
    if provider == "mock":
        from deepseek_v4_sdk.testing import MockProvider  # loaded only when it is used

        return MockProvider()
    return find_provider(provider)


def _base_url(provider: Provider, given: object, *, needed: bool) -> str:
    url = provider.data.base_url if given is None else given
    if url is None:
        if needed:
            raise ConfigurationError(
                f"{provider.name} has no default address: give base_url, such as http://localhost:8000"
            )
        url = f"http://{provider.name}.invalid"
    if not isinstance(url, str):
        raise ConfigurationError(f"base_url is {type(url).__name__}: give a text such as http://localhost:8000")
    return read_base_url(url, provider.data.base_suffixes)


def _is_file(path: object) -> bool:
    return isinstance(path, str | Path) and Path(path).is_file()


def _check_proxy(proxy: object) -> None:
    scheme = ""
    try:
        parts = urlsplit(proxy) if isinstance(proxy, str) else urlsplit("")
        if parts.hostname and parts.port != 0:
            scheme = parts.scheme
    except ValueError:
        pass
    if scheme not in {"http", "https", "socks5", "socks5h"}:  # it may hold a password, so it is not shown
        raise ConfigurationError(
            "proxy is not a URL with http, https or socks5: give one such as http://localhost:3128"
        )
    import_module("httpx")  # it reads the address, and would otherwise be loaded in the first request
    if scheme.startswith("socks5"):
        try:
            import_module("socksio")  # httpcore would load it in the first request
        except ImportError:
            raise ConfigurationError(
                "proxy is one for SOCKS, which needs a package: pip install 'httpx[socks]'"
            ) from None


def _key_source(
    provider: Provider, base_url: str, api_key: ApiKey | None, *, required: bool
) -> tuple[Callable[[], SecretStr | None], str]:
    """The function that returns the key for each request, and the key's source.

    A key from the environment goes only to the provider's own hosts.
    """
    if callable(api_key):
        source = api_key
        return lambda: _as_secret(source(), "api_key()"), "argument"
    if api_key is not None:
        secret = _as_secret(api_key, "api_key")
        return lambda: secret, "argument"
    data = provider.data
    host = urlsplit(base_url).hostname or ""
    if not data.hosts or (host in data.hosts and base_url.startswith("https://")):
        variable = next((name for name in data.key_variables if os.environ.get(name)), None)
        if variable is not None:
            found = _as_secret(os.environ[variable], variable)
            return lambda: found, variable
        where = f"give api_key, or set {' or '.join(data.key_variables)}"
    else:
        where = f"give api_key: keys from the environment do not go to {host}"
    if required:
        hint = next(
            (f"; {variable} is set, {why}" for variable, why in data.key_hints.items() if os.environ.get(variable)), ""
        )
        raise ConfigurationError(f"{provider.name} needs a key: {where}{hint}")
    return lambda: None, "default"


def _as_secret(value: object, where: str) -> SecretStr:
    from pydantic import SecretStr  # pydantic is loaded for a key

    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(text, str):
        raise ConfigurationError(f"{where} is {type(value).__name__}: give a text")
    text = text.strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError(
            f"{where} is not a usable key: it is empty, or holds blanks, line ends or non-ASCII characters"
        )
    return SecretStr(text)
