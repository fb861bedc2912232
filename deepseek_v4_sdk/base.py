"""What both clients are made of: their settings, and the courses of their calls. No I/O happens here."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypedDict, TypeVar, cast

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.catalogue import Catalogue
from deepseek_v4_sdk.chat import ChatRequest, Hooks, Thinking, Timeouts, as_timeouts
from deepseek_v4_sdk.config import load_profile
from deepseek_v4_sdk.counting import count_request, read_count
from deepseek_v4_sdk.probe import Site, Tally, probe_steps
from deepseek_v4_sdk.settings import ApiKey, Settings, make_settings
from deepseek_v4_sdk.structured import Plan, Shape, parse_steps
from deepseek_v4_sdk.tools import as_specs
from deepseek_v4_sdk.tools.loop import Ask, ToolLoop, split_options
from deepseek_v4_sdk.transport.clock import Clock, SystemClock
from deepseek_v4_sdk.transport.course import ChatCourse, Course, Fetch, Terms
from deepseek_v4_sdk.transport.lines import check_carrier
from deepseek_v4_sdk.transport.readiness import health_steps, readiness_steps
from deepseek_v4_sdk.transport.retry import RetryPolicy
from deepseek_v4_sdk.transport.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Unpack

    from deepseek_v4_sdk.chat import (
        Conversation,
        Health,
        HistoryRules,
        JsonValue,
        MessagesInput,
        ModelInfo,
        Reply,
        TokenCount,
        ToolChoice,
        ToolInput,
    )
    from deepseek_v4_sdk.exchange import Transfer
    from deepseek_v4_sdk.probe import ProbeReport
    from deepseek_v4_sdk.providers import Provider, Target
    from deepseek_v4_sdk.structured import MechanismChoice, Parsed
    from deepseek_v4_sdk.transport.steps import Steps

__all__ = ["BaseClient", "ClientArguments"]

T = TypeVar("T")


class ClientArguments(TypedDict, total=False):
    """The arguments of a client, as `from_profile` and `with_options` take them."""

    provider: str | Provider
    base_url: str | None
    api_key: ApiKey | None
    model: str | None
    thinking: Thinking
    timeout: float | Timeouts | None
    max_retries: int
    default_headers: Mapping[str, str] | None
    proxy: str | None
    ca_bundle: str | None
    http_client: Any
    catalogue: Catalogue | None
    hooks: Sequence[Hooks]
    strict_model: bool
    server_version: str | None


class BaseClient:
    """What both clients are made of, and the courses of their calls. It does no I/O."""

    _awaits: ClassVar[bool] = False

    def __init__(
        self,
        provider: str | Provider,
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
        http_client: Any = None,
        catalogue: Catalogue | None = None,
        hooks: Sequence[Hooks] = (),
        strict_model: bool = False,
        server_version: str | None = None,
    ) -> None:
        """Make a client. Nothing is sent, and no file is read.

        Args:
            provider: "nvidia", "nim", "vllm", "sglang", "deepseek", "dynamo" or "mock", or a provider object.
            base_url: The server's address, with or without `/v1`.
            api_key: The key, or a function that gives it at each request. Without it the provider's own variable is
                read, such as `NVIDIA_API_KEY` or `VLLM_API_KEY`.
            model: The model to ask for where a call names none.
            thinking: The thinking level where a call gives none.
            timeout: Total seconds, or `Timeouts`.
            max_retries: How many HTTP requests may follow the first of a call.
            default_headers: Headers of every request.
            proxy: The URL of a proxy. Proxies of the environment are not used.
            ca_bundle: A file of certificates to trust instead of the built-in ones.
            http_client: An `httpx.Client` (sync) or `httpx.AsyncClient` (async) of your own, or an object of its shape.
                It is not closed. Its reads know one timeout alone, so deadlines are checked at each block.
            catalogue: The known models; yours when the built-in ones are out of date.
            hooks: Who is told of requests, retries, replies and errors.
            server_version: The server's version, such as "0.33.0", where you know it. Token counts are exact only for
                versions whose prompt is known.
            strict_model: Whether an answer of another model than the one asked for is a `ModelMismatchError`.

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
            http_client=http_client,
            catalogue=catalogue,
            hooks=hooks,
            strict_model=strict_model,
            server_version=server_version,
        )
        self._settings: Settings = make_settings(
            provider,
            base_url=base_url,
            api_key=api_key,
            defaults={"model": model, "thinking": thinking},
            timeout=timeout,
            max_retries=max_retries,
            default_headers=default_headers,
            proxy=proxy,
            ca_bundle=ca_bundle,
            catalogue=catalogue,
            server_version=server_version,
        )
        self._watch = Watch(hooks)
        self._arguments["provider"] = self._settings.provider
        if isinstance(api_key, str):  # what shows the attributes of a client does not show its key
            self._arguments["api_key"] = self._settings.target.key()
        # The provider and the target as they are once the server was asked what it is.
        self._settled: tuple[Provider, Target] | None = None
        self._lender: BaseClient | None = None  # whose connections these are
        if http_client is not None:
            check_carrier(http_client, awaited=self._awaits)
        self._carrier: Any = http_client or getattr(self._settings.provider, "transport", None)
        self._borrowed = self._carrier is not None
        self._making = threading.Lock()

    @classmethod
    def from_profile(
        cls,
        name: str | None = None,
        *,
        path: str | os.PathLike[str] | None = None,
        **overrides: Unpack[ClientArguments],
    ) -> Self:
        """Make a client from a profile in a TOML file.

        Args:
            name: The profile; else `DEEPSEEK_V4_PROFILE`, else the file's `default`.
            path: The file; else `DEEPSEEK_V4_CONFIG`, else `deepseek_v4.toml` here or above.
            overrides: Arguments that win over the profile's.

        Raises:
            ConfigurationError: The file or the profile is missing or wrong; the text names the place.
        """
        arguments: dict[str, Any] = load_profile(name, path, overrides)
        return cls(**arguments)

    def with_options(self, **changes: Unpack[ClientArguments]) -> Self:
        """A client with other settings that shares the connections of this one, where they lead to the same place.

        Closing it leaves them open; they are closed with the client that made them.

        Raises:
            ConfigurationError: Something is wrong with a setting.
        """
        arguments: dict[str, Any] = {**self._arguments, **changes}
        client = type(self)(**arguments)
        moved = {"provider", "base_url", "proxy", "ca_bundle", "http_client"} & changes.keys()
        if not moved and not client._borrowed:
            client._lender = self._lender or self
            client._settled = self._settled if client._settings.target == self._settings.target else None
        return client

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self._settings.provider.name

    @property
    def history_rules(self) -> HistoryRules:
        """How the server treats a conversation; `Conversation.validate(client)` asks for it."""
        return self._settings.provider.data.history

    @property
    def base_url(self) -> str:
        """The server's address, without `/v1`."""
        return self._settings.target.base_url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.provider!r}, base_url={self.base_url!r})"

    def _connect(self) -> object:
        """What carries requests, when nobody brought anything."""
        raise NotImplementedError

    def _shared(self) -> Any:  # each client has its kind
        if self._lender is not None:
            return self._lender._shared()
        with self._making:
            if self._carrier is None:
                self._carrier = self._connect()
            return self._carrier

    def _terms(self, timeouts: Timeouts | None = None, *, max_retries: int | None = None) -> Terms:
        settings = self._settings
        make_clock: Callable[[], Clock] = getattr(self._carrier, "exchange_clock", SystemClock)
        retries = settings.max_retries if max_retries is None else max_retries
        merged = settings.timeouts if timeouts is None else timeouts.over(settings.timeouts)
        cap = settings.provider.data.rate_limit_cap
        policy = RetryPolicy(retries, rate_limit_cap=cap)
        return Terms(make_clock(), merged, policy, self._watch, self._arguments.get("strict_model", False))

    def _request(self, messages: MessagesInput, options: Mapping[str, object]) -> ChatRequest:
        if options.get("tools") is not None:
            options = {**options, "tools": as_specs(options["tools"])}
        return ChatRequest.build(messages, options, self._settings.defaults)

    def _chat(self, messages: MessagesInput, options: Mapping[str, object], terms: Terms | None = None) -> ChatCourse:
        """The course of a chat; on terms of its own, or on those of several calls."""
        settings = self._settings
        request = self._request(messages, options)
        if request.overflow is not None:
            raise errors.UnsupportedOptionError(
                f"overflow={request.overflow!r} is not available in this version",
                option="overflow",
                provider=self.provider,
            )
        from deepseek_v4_sdk.tokens import count_text  # light: the vocabulary is loaded when something is counted

        return ChatCourse(
            request,
            lambda: self._settled or (settings.provider, settings.target),
            terms or self._terms(request.timeout),
            count_text,
            (lambda terms: self._settle(terms, request.model)) if self._must_settle(request) else None,
        )

    def _begin_loop(
        self, messages: MessagesInput, tools: Sequence[object], options: Mapping[str, object]
    ) -> tuple[ToolLoop, Callable[[Ask], tuple[Conversation, dict[str, Any]]]]:
        """A tool loop, and what makes a chat of each of its questions."""
        limits, shared = split_options(options)
        thinking = shared.get("thinking") or self._settings.defaults.get("thinking")

        def count(conversation: Conversation, reply: Reply) -> int:
            from deepseek_v4_sdk.tokens import count_text

            said = (reply.reasoning or "", reply.text, *(call.arguments for call in reply.tool_calls))
            options = {"tools": loop.specs, "thinking": thinking, "model": shared.get("model")}
            return self._count_locally(self._request(conversation, options)).total + sum(map(count_text, said))

        loop = ToolLoop.begin(messages, tools, limits, cast("Thinking", thinking), time.monotonic, count)

        def chat_of(ask: Ask) -> tuple[Conversation, dict[str, Any]]:
            chat: dict[str, Any] = {**shared, "tools": loop.specs}
            if loop.rounds and chat.get("tool_choice") not in (None, "auto", "none"):
                del chat["tool_choice"]  # forced in each turn, calls would never end
            if ask.thinking is not None:
                chat["thinking"] = ask.thinking
                chat["on_unsupported"] = chat.get("on_unsupported") or "nearest"
            if ask.seconds is not None:
                given = as_timeouts(chat.get("timeout")).over(self._settings.timeouts)
                chat["timeout"] = replace(given, total=min(ask.seconds, given.total_seconds))
            return ask.messages, chat

        return loop, chat_of

    def _parse(
        self,
        messages: MessagesInput,
        schema: object,
        mechanism: MechanismChoice,
        retries: int,
        options: Mapping[str, object],
    ) -> tuple[Steps[Parsed[Any]], Clock]:
        """The questions of a structured answer. All of them go by one clock."""
        provider, _ = self._settled or (self._settings.provider, self._settings.target)
        settled = provider.engine is not None  # an engine that is not known yet may show nothing
        plan = Plan.make(provider.data, mechanism, options, settled=settled)
        shape: Shape[Any] = Shape(schema, require_all=plan.mechanism == "tool")
        thinks = (options.get("thinking") or self._settings.defaults.get("thinking")) != "off"
        terms = self._terms(as_timeouts(options.get("timeout")))

        def ask(conversation: Conversation, chat: Mapping[str, object]) -> Steps[Reply]:
            return self._chat(conversation, chat, terms).steps()

        return parse_steps(messages, shape, plan, ask, thinks=thinks, retries=retries), terms.clock

    def _must_settle(self, request: ChatRequest) -> bool:
        """Whether the server must be asked what it is before the first request: which model, or which engine."""
        settings = self._settings
        provider = settings.provider
        if (
            request.model in {"pro", "flash"}
            and settings.target.catalogue.find(provider.data.name, request.model) is None
        ):
            return self._settled is None or not self._settled[1].served  # which of its models is that?
        if provider.data.model != "discovered":
            return False
        if self._settled is None:
            return request.model is None or provider.engine is None
        return request.model is None and self._settled[1].served_model is None

    def _settle(self, terms: Terms, wanted: str | None) -> Steps[None]:
        settings = self._settings
        fetch = self._models(terms)
        models = yield from fetch.steps()
        bases = [model.id for model in models if model.parent is None]
        if len(bases) != 1 and wanted is None:
            listed = ", ".join(bases) or "none"
            raise errors.InvalidRequestError(f"{self.provider} serves several models, or none ({listed}): give model")
        served = bases[0] if len(bases) == 1 else None
        self._settled = (
            settings.provider.settled(models),
            replace(settings.target, served_model=served, served=tuple(bases)),
        )

    def _count_request(
        self,
        messages: MessagesInput,
        tools: Sequence[ToolInput] | None,
        thinking: Thinking | None,
        tool_choice: ToolChoice | None,
        response_format: Mapping[str, object] | None,
        model: str | None,
    ) -> ChatRequest:
        options = {
            "tools": tools,
            "thinking": thinking,
            "tool_choice": tool_choice,
            "response_format": response_format,
            "model": model,
        }
        return self._request(messages, options)

    def _count_locally(self, request: ChatRequest) -> TokenCount:
        provider, target = self._settled or (self._settings.provider, self._settings.target)
        return count_request(request, provider, target)

    def _count_there(self, request: ChatRequest, terms: Terms) -> Steps[TokenCount]:
        provider = self._settings.provider
        # Without a route there is nothing to ask for, unless the engine that is found has one.
        may_count = provider.data.renderer.count_path is not None or provider.engine is None
        if may_count and self._must_settle(request):
            yield from self._settle(terms, request.model)
        provider, target = self._settled or (provider, self._settings.target)
        call, size = provider.count_call(request, target), len(request.messages)
        fetch = Fetch(lambda: call, provider, terms, lambda transfer: read_count(transfer.json(), size, provider.name))
        return (yield from fetch.steps())

    def _fetch(self, path: str, read: Callable[[Transfer], T], terms: Terms) -> Fetch[T]:
        settings = self._settings
        return Fetch(lambda: settings.provider.query(path, settings.target), settings.provider, terms, read)

    def _models(self, terms: Terms | None = None) -> Fetch[list[ModelInfo]]:
        provider = self._settings.provider

        def read(transfer: Transfer) -> list[ModelInfo]:
            try:
                return provider.models(transfer.json())
            except ValueError as error:
                raise errors.ServerError(f"{provider.name} sent {error} ({transfer.call.url})") from None

        return self._fetch(provider.data.models_path, read, terms or self._terms())

    def _is_up(self, terms: Terms) -> Fetch[None]:
        return self._fetch(self._settings.provider.data.health_path, lambda _: None, terms)

    def _health(self, *, deep: bool) -> tuple[Steps[Health], Clock]:
        if deep:
            question: Course[Any, Any] = self._chat(
                "Say: yes", {"thinking": "off", "max_tokens": 8}, self._terms(max_retries=0)
            )
        else:
            question = self._is_up(self._terms(Timeouts(total=30.0), max_retries=0))
        return health_steps(question, question.terms.clock), question.terms.clock

    def _readiness(self, seconds: float) -> tuple[Steps[Health], Clock]:
        terms = self._terms(max_retries=0)

        def ask(left: float) -> Fetch[None]:
            return self._is_up(replace(terms, timeouts=Timeouts(total=left).over(terms.timeouts)))

        return readiness_steps(ask, terms.clock, seconds), terms.clock

    def _probe(self, on_question: Callable[[str], None] | None) -> tuple[Steps[ProbeReport], Clock]:
        """The questions of a probe. All of them go by one clock, and are told to one tally."""
        settings, tally = self._settings, Tally()
        terms = replace(self._terms(), watch=Watch((*self._arguments.get("hooks", ()), tally)))

        def read(path: str) -> Fetch[JsonValue]:
            return self._fetch(path, lambda transfer: transfer.json(), terms)

        site = Site(
            chat=lambda messages, options: self._chat(messages, options, terms),
            models=lambda: self._models(terms),
            read=read,
            count=lambda messages, options: self._count_locally(self._request(messages, options)),
            server=lambda: self._settled or (settings.provider, settings.target),
            model=self._arguments.get("model"),
            tally=tally,
            told=on_question or (lambda _: None),
        )
        return probe_steps(site), terms.clock
