"""The common part of both clients: their arguments and settings, and shared objects. No I/O happens here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, Unpack, cast
from weakref import WeakMethod, ref

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.call.call_settings import CallSettings
from deepseek_v4_sdk.call.notifier import Notifier
from deepseek_v4_sdk.call.retry import RetryPolicy
from deepseek_v4_sdk.catalogue.models import Catalogue
from deepseek_v4_sdk.chat import (
    ControlTokens,
    HistoryRules,
    OnInterrupt,
    Overflow,
    Shared,
    Thinking,
    Timeouts,
    is_list,
    with_defaults,
)
from deepseek_v4_sdk.client.arguments import ClientArguments, Fallback, fallback_arguments
from deepseek_v4_sdk.client.endpoint import Endpoint
from deepseek_v4_sdk.config.settings import (
    ApiKey,
    LimitsChoice,
    TransportName,
    check_balance,
    check_session_affinity,
    check_spends,
    check_transport,
    find_limits,
    make_settings,
)
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.providers import Provider, ProviderData
from deepseek_v4_sdk.providers.provider import own_transport, transport_wrapper
from deepseek_v4_sdk.support.option_signatures import shows_options
from deepseek_v4_sdk.support.redaction import forgets, never_raises
from deepseek_v4_sdk.traffic.registry import SharedLimits
from deepseek_v4_sdk.traffic.replicas import Balance, ReplicaSet
from deepseek_v4_sdk.transport.clock import SystemClock
from deepseek_v4_sdk.transport.registry import TransportRegistry

if TYPE_CHECKING:
    from deepseek_v4_sdk.call.upstream import Upstream
    from deepseek_v4_sdk.catalogue.prices import PriceTable
    from deepseek_v4_sdk.chat.hooks import Hooks
    from deepseek_v4_sdk.config.profiles import LoadedProfile
    from deepseek_v4_sdk.traffic.spend import Spend
    from deepseek_v4_sdk.transport.connection import AsyncTransport, Transport
    from deepseek_v4_sdk.transport.http_clients import AsyncHttpClient, HttpClient
else:
    PriceTable = late_type("deepseek_v4_sdk.catalogue.prices", "PriceTable")
    Hooks = late_type("deepseek_v4_sdk.chat.hooks", "Hooks")
    Spend = late_type("deepseek_v4_sdk.traffic.spend", "Spend")
    AsyncHttpClient = late_type("deepseek_v4_sdk.transport.http_clients", "AsyncHttpClient")
    HttpClient = late_type("deepseek_v4_sdk.transport.http_clients", "HttpClient")

__all__ = ["BaseClient", "ClientArguments"]

ClientT = TypeVar("ClientT", bound="BaseClient")


class BaseClient(Shared):
    """The common part of both clients. It does no I/O."""

    _awaits: ClassVar[bool] = False

    @forgets
    def __init__(
        self,
        provider: str | Provider = "",
        *,
        base_url: str | None = None,
        api_key: ApiKey | None = None,
        model: str | None = None,
        thinking: Thinking = "high",
        timeout: float | Timeouts | None = None,
        max_retries: int = 2,
        default_headers: Mapping[str, str] | None = None,
        proxy: str | None = None,
        ca_bundle: str | None = None,
        transport: TransportName = "httpx",
        http_client: HttpClient | AsyncHttpClient | None = None,
        catalogue: Catalogue | None = None,
        prices: PriceTable | None = None,
        hooks: Sequence[Hooks] = (),
        strict_model: bool = False,
        server_version: str | None = None,
        endpoints: Sequence[str | Provider] = (),
        balance: Balance = "sticky",
        session_affinity: bool = False,
        limits: LimitsChoice = "provider",
        fallback: Sequence[Fallback] = (),
        control_tokens: ControlTokens = "send",
        on_interrupt: OnInterrupt = "raise",
        window: int | None = None,
        overflow: Overflow | None = None,
        spend: Spend | Sequence[Spend] | None = None,
    ) -> None:
        """Make a client. It sends nothing and reads no file.

        Args:
            provider: "nvidia", "nim", "vllm", "sglang", "deepseek", "dynamo" or "mock", or a provider object.
            base_url: The server's address, with or without `/v1`.
            api_key: The key, or a function that returns it for each request. Without it the provider's variable is
                read, such as `NVIDIA_API_KEY` or `VLLM_API_KEY`.
            model: The model to request when a call names none.
            thinking: The thinking level for calls that name none.
            timeout: Total seconds, or `Timeouts`.
            max_retries: Number of HTTP requests that may follow the first of a call.
            default_headers: Headers of every request.
            proxy: The URL of a proxy. The client ignores proxies of the environment.
            ca_bundle: A file of certificates to trust instead of the built-in ones.
            transport: The HTTP library. "aiohttp" is for an async client with very many streams, or many small
                requests; it needs the extra `fast`, and does not support SOCKS proxies.
            http_client: Your own `httpx.Client` (sync) or `httpx.AsyncClient` (async), or an object of its shape. The
                client does not close it. Its reads have only one timeout, so deadlines are checked at each block.
            catalogue: The known models; pass your own when the built-in ones are out of date.
            prices: Prices of tokens, for `reply.cost()`; pass your own when the built-in ones are out of date or not
                yours.
            hooks: Callbacks for requests, retries, replies and errors.
            server_version: The server's version, such as "0.33.0", where you know it. Token counts are exact only for
                versions whose prompt is known.
            strict_model: Whether an answer of another model than the requested one is a `ModelMismatchError`.
            endpoints: The addresses of several replicas of one server, in place of `base_url`; mocks for tests.
            balance: The way of spreading chats over them: "sticky" keeps a conversation where its prefix is cached,
                while that replica is not overloaded; "least_busy" takes the one with the fewest running answers.
            session_affinity: Whether a gateway of SGLang or Dynamo sends each conversation to one worker: each chat
                then has a header that names its conversation.
            limits: Limits to obey before the server has to refuse: "provider" is the provider's known limits, "off" is
                none, and `RedisLimits` holds them for all processes.
            fallback: Servers to call, in order, when this one cannot answer and another could: each the name of a
                provider, a provider object, the arguments of a client, or a client. They set address, key, model and
                limits; timers, retries, hooks and options are those of this client.
            control_tokens: Treatment of V4's control tokens in texts of users and tools, where a call does not set it:
                "send", "refuse" or "mark" them.
            on_interrupt: The action when an answer breaks off, for calls that name none: "raise", "restart", "resume",
                or ("resume", "restart").
            window: The context window in tokens, where you know it better than the server.
            overflow: The action when a chat exceeds the window and the call does not set it, as for `chat`; with only
                `window` it is "raise".
            spend: A limit of money or tokens, or a list of them; calls may have further ones.

        Raises:
            ConfigurationError: Something is wrong; the text names it and the remedy.
        """
        self._arguments = ClientArguments(
            provider=provider,
            base_url=base_url,
            api_key=api_key,
            model=model,
            thinking=thinking,
            timeout=timeout,
            max_retries=max_retries,
            default_headers=default_headers,
            proxy=proxy,
            ca_bundle=ca_bundle,
            transport=transport,
            http_client=http_client,
            catalogue=catalogue,
            prices=prices,
            hooks=hooks,
            strict_model=strict_model,
            server_version=server_version,
            endpoints=endpoints,
            balance=balance,
            session_affinity=session_affinity,
            limits=limits,
            fallback=fallback,
            control_tokens=control_tokens,
            on_interrupt=on_interrupt,
            window=window,
            overflow=overflow,
            spend=spend,
        )
        self._spends = check_spends(spend)
        check_transport(transport, awaited=self._awaits, http_client=http_client, proxy=proxy)
        self._settings, replicas = make_settings(
            provider,
            base_url=base_url,
            api_key=api_key,
            defaults={
                "model": model,
                "thinking": thinking,
                "control_tokens": control_tokens,
                "on_interrupt": on_interrupt,
                **with_defaults({"window": window, "overflow": overflow}, {}),
            },
            timeout=timeout,
            max_retries=max_retries,
            default_headers=default_headers,
            proxy=proxy,
            ca_bundle=ca_bundle,
            catalogue=catalogue,
            prices=prices,
            server_version=server_version,
            endpoints=endpoints,
        )
        self._profile: LoadedProfile | None = None
        self._origins: Mapping[str, str] = {}
        self._notifier = Notifier(hooks)
        named, target = replicas[0]
        self._arguments["provider"] = named
        if isinstance(api_key, str):  # debuggers show the attributes of a client; they must not show its key
            self._arguments["api_key"] = target.key()
        transports = [own_transport(provider_there) for provider_there, _ in replicas]
        # A wrapper that sees the requests which the client's own transport sends.
        wrappers = [transport_wrapper(provider_there) for provider_there, _ in replicas]
        if http_client is not None:
            from deepseek_v4_sdk.transport.httpx_adapter import check_http_client

            check_http_client(http_client, awaited=self._awaits)
            if any((*transports, *wrappers)):
                raise ConfigurationError(f"http_client would carry the requests past {named!r}: leave one of them out")
        self._transports = TransportRegistry(
            [http_client or transport for transport in transports],
            wrappers,
            WeakMethod(self._connect),
            awaited=self._awaits,
        )
        self._owner: BaseClient | None = None  # whose connections these are
        self._maker: ref[BaseClient] | None = None  # of whose settings this one was made, and with which it is closed
        self._endpoints = [
            Endpoint(provider_there, target_there, partial(self._transports.find, place))
            for place, (provider_there, target_there) in enumerate(replicas)
        ]
        self._endpoint = self._endpoints[0]
        self._replica_set: ReplicaSet[Upstream] = ReplicaSet(
            self._endpoints,
            balance=check_balance(balance),
            limits=find_limits(limits, named.data),
            model=model,
            session_affinity=check_session_affinity(session_affinity, named.data),
            shared_limits=limits if isinstance(limits, SharedLimits) else None,
        )
        self._own_fallbacks: list[BaseClient] = []  # closed with this client
        if not is_list(fallback):
            raise ConfigurationError(f"fallback is {type(fallback).__name__}: give a list")
        self._fallbacks = [self._as_fallback(f"fallback[{index}]", given) for index, given in enumerate(fallback)]
        self._arguments["fallback"] = cast("tuple[Fallback, ...]", tuple(self._fallbacks))
        self._replica_sets: tuple[ReplicaSet[Upstream], ...] = (
            self._replica_set,
            *(replica_set for client in self._fallbacks for replica_set in client._replica_sets),
        )

    @shows_options("client.arguments:ClientArguments")
    @forgets
    def with_options(self, **changes: Unpack[ClientArguments]) -> Self:
        """Make a client with other settings that shares this one's connections where both lead to the same place.

        Closing it leaves them open; they are closed with the client that made them.

        Raises:
            ConfigurationError: Something is wrong with a setting.
        """
        arguments: dict[str, Any] = {**self._arguments, **changes}
        for name in {"window", "overflow"} - changes.keys():  # one of them may take the place of the other
            arguments[name] = with_defaults(changes, self._arguments).get(name)
        client = type(self)(**arguments)
        client._profile, client._origins = self._profile, {**self._origins, **dict.fromkeys(changes, "with_options")}
        client._replica_set.profile = self._replica_set.profile
        if {"provider", "base_url", "endpoints", "proxy", "ca_bundle", "transport", "http_client"} & changes.keys():
            return client
        client._replica_set.share(self._replica_set)
        client._owner = self._owner or self
        client._transports.share_with(self._transports)
        if not {"api_key", "default_headers"} & changes.keys():
            for endpoint, known in zip(client._endpoints, self._endpoints, strict=True):
                endpoint.adopt_discovery(known)
        return client

    def _twin_of(self, kind: type[ClientT]) -> ClientT:
        """Make the client of the other kind with the settings of this one, and its own connections.

        Raises:
            ConfigurationError: This one uses an `http_client` of the caller's.
        """
        maker = self._maker() if self._maker is not None else None
        if isinstance(maker, kind):
            return maker
        if isinstance(self._twin, kind):
            return self._twin
        if self._arguments.get("http_client") is not None:
            raise ConfigurationError(
                f"http_client is one for {type(self).__name__}, and {kind.__name__} cannot use it: make that client "
                "separately, with its own http_client"
            )
        arguments: dict[str, Any] = {**self._arguments}
        if not kind._awaits:
            arguments["transport"] = "httpx"  # aiohttp is for async clients
        arguments["fallback"] = tuple(client._twin_of(kind) for client in self._fallbacks)
        client = kind(**arguments)
        client._profile, client._origins = self._profile, self._origins
        client._replica_set.profile = self._replica_set.profile
        client._replica_set.share(self._replica_set)
        for endpoint, known in zip(client._endpoints, self._endpoints, strict=True):
            endpoint.adopt_discovery(known)
            endpoint.share_cuts(known)
        client._maker = ref(self)
        return cast("ClientT", vars(self).setdefault("_twin_made", client))  # one for all threads

    @property
    def _twin(self) -> BaseClient | None:
        """The client of the other kind that was made of this one, if any."""
        return cast("BaseClient | None", vars(self).get("_twin_made"))

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self._endpoint.provider.name

    @property
    def flavor(self) -> str:
        """The provider whose API the server has: a mock's flavor; else the provider's name."""
        return self._endpoint.provider.data.name

    @property
    def model(self) -> str | None:
        """The model for calls that name none; None leaves it to the server."""
        return cast("str | None", self._settings.defaults.get("model"))

    @property
    def prices(self) -> PriceTable:
        """The prices of tokens for the costs of its answers: the client's own, or the built-in ones."""
        own = self._arguments.get("prices")
        if own is None:
            from deepseek_v4_sdk.catalogue.prices import PRICES  # loaded when prices are needed

            return PRICES
        return own

    @property
    def thinking(self) -> Thinking:
        """The thinking level for calls that name none."""
        return cast("Thinking", self._settings.defaults["thinking"])

    @property
    def provider_data(self) -> ProviderData:
        """The known data of the provider's servers; for a mock, those of the server that it imitates."""
        return self._endpoint.provider.data

    @property
    def history_rules(self) -> HistoryRules:
        """The server's rules for a conversation; `Conversation.validate(client)` reads them."""
        return self._endpoint.provider.data.history

    @property
    def base_url(self) -> str:
        """The server's address, without `/v1`."""
        return self._endpoint.target.base_url

    @never_raises
    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.provider!r}, base_url={self.base_url!r})"

    @property
    def _uses_tls(self) -> bool:
        """Whether any of its servers is reached through TLS."""
        return any(endpoint.target.base_url.startswith("https") for endpoint in self._endpoints)

    def _connect(self) -> Transport | AsyncTransport:
        """Make the transport, unless the caller brought one."""
        raise NotImplementedError

    def _as_fallback(self, where: str, given: object) -> BaseClient:
        """Return the client to call when this one's server cannot answer: the given one, or one made here."""
        kind = type(self)
        if not isinstance(given, BaseClient):
            arguments = fallback_arguments(where, given)
            try:
                client: BaseClient = kind(**arguments)
            except ConfigurationError as error:
                raise ConfigurationError(f"{where}: {error}") from None
            self._own_fallbacks.append(client)
        elif given._awaits == self._awaits:
            client = given
        else:
            raise ConfigurationError(f"{where} is {type(given).__name__}: give {kind.__name__}, as this client is")
        if client._spends:
            raise ConfigurationError(f"{where} has spend, which would not hold here: give spend to this client")
        return client

    def _call_settings(self, timeouts: Timeouts | None = None, *, max_retries: int | None = None) -> CallSettings:
        settings = self._settings
        transport = self._transports.known(0)
        make_clock = SystemClock if transport is None or transport.make_clock is None else transport.make_clock
        retries = settings.max_retries if max_retries is None else max_retries
        merged = settings.timeouts if timeouts is None else timeouts.over(settings.timeouts)
        cap = self._endpoint.provider.data.rate_limit_cap
        policy = RetryPolicy(retries, rate_limit_cap=cap)
        return CallSettings(make_clock(), merged, policy, self._notifier, self._arguments.get("strict_model", False))
