"""One server as a client knows it: its provider, its address, what it reported, and the calls to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, cast

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.call.fetch import Fetch
from deepseek_v4_sdk.call.steps import Compute
from deepseek_v4_sdk.chat import read_json
from deepseek_v4_sdk.client.preflight import fit_request_to_window, published, sent_as, window_in
from deepseek_v4_sdk.client.prompt_count import count_request, is_exact, is_large, read_count
from deepseek_v4_sdk.client.raw_prompts import check_format, render_request
from deepseek_v4_sdk.providers.learned_limits import RUST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deepseek_v4_sdk.call.call_settings import CallSettings
    from deepseek_v4_sdk.call.retry_budget import RetryBudget
    from deepseek_v4_sdk.call.steps import Steps
    from deepseek_v4_sdk.call.upstream import PreparedRequest
    from deepseek_v4_sdk.chat import ChatRequest, JsonValue, TokenCount
    from deepseek_v4_sdk.chat.served import ModelInfo
    from deepseek_v4_sdk.context import TrimMemory
    from deepseek_v4_sdk.context.window import Window
    from deepseek_v4_sdk.exchange import HttpExchange, Part
    from deepseek_v4_sdk.providers import Provider, RenderedRequest, Target
    from deepseek_v4_sdk.transport.connection import CommonTransport

__all__ = ["Endpoint"]

T = TypeVar("T")


class Endpoint:
    """A server, and the calls to it. It does no I/O.

    Args:
        provider: The server's API, as far as the caller named it.
        target: The server's address.
        transport: Returns the transport of its requests.

    Attributes:
        provider: The API as it was given; `server` has it with the engine inside, once that is known.
        target: The address as it was given; `server` has it with the model there, once that is known.
        transport: Returns the transport of its requests.
    """

    def __init__(self, provider: Provider, target: Target, transport: Callable[[], CommonTransport]) -> None:
        self.provider = provider
        self.target = target
        self.transport = transport
        self._discovered: tuple[Provider, Target] | None = None  # both as the server's answer completed them
        self._asked: set[str | None] = set()  # the models whose window was requested
        self._compared: set[str] = set()  # the models that the server is known to have

    @property
    def trim_memory(self) -> TrimMemory:
        """The memory of its conversations."""
        from deepseek_v4_sdk.context import TrimMemory

        return cast("TrimMemory", vars(self).setdefault("_cuts", TrimMemory()))  # one object for all threads

    def server(self) -> tuple[Provider, Target]:
        """The provider and the target, as far as they are known by now."""
        return self._discovered or (self.provider, self.target)

    def share_cuts(self, other: Endpoint) -> None:
        """Know the cuts of another one, and let it know those made here."""
        vars(self)["_cuts"] = other.trim_memory

    def adopt_discovery(self, other: Endpoint) -> None:
        """Adopt the facts that another endpoint learned about the same place with the same key."""
        if other._discovered is not None:
            provider, target = other._discovered
            self._discovered = provider, replace(self.target, served_model=target.served_model, served=target.served)

    def prepare(
        self, request: ChatRequest, call_settings: CallSettings, retry_budget: RetryBudget
    ) -> Steps[PreparedRequest | None] | None:
        """Return the steps to run before a chat, as a part of it: they discover the server, or make the request fit.

        They may return another request to send. None where there is nothing to do.
        """
        if call_settings.strict_model and not self.provider.data.names_itself and request.model is not None:
            return self._compare(request, call_settings, retry_budget)
        return self._prepare(request, call_settings, retry_budget)

    def _prepare(
        self, request: ChatRequest, call_settings: CallSettings, retry_budget: RetryBudget
    ) -> Steps[PreparedRequest | None] | None:
        if request.overflow is not None:
            return self._fit(request, call_settings, retry_budget)
        return self._discover(call_settings, request.model, retry_budget) if self._needs_discovery(request) else None

    def _compare(
        self, request: ChatRequest, call_settings: CallSettings, retry_budget: RetryBudget
    ) -> Steps[PreparedRequest | None]:
        """Check that the server has the model, where its answers would not show it.

        Raises:
            ModelMismatchError: It has other models.
        """
        provider, target = self.server()
        asked = sent_as(request, provider, target).model
        if asked is not None and asked not in self._compared:
            models = yield from self.models(call_settings, retry_budget).steps()
            names = [model.id for model in models]
            if not any(target.catalogue.same(provider.data.name, asked, name) for name in names):
                url = f"{target.base_url}{provider.data.models_path}"
                raise errors.ModelMismatchError(
                    f"{asked!r} was requested, and the server has {', '.join(map(repr, names)) or 'none'}, by {url}"
                ).about(url=url)
            self._compared.add(asked)
        further = self._prepare(request, call_settings, retry_budget)
        return None if further is None else (yield from further)

    def _fit(
        self, request: ChatRequest, call_settings: CallSettings, retry_budget: RetryBudget
    ) -> Steps[PreparedRequest]:
        """Make a request fit into the window, as its `overflow` says."""
        own = request.window if request.budget is None else request.budget.window
        if own is None:
            window = yield from self.window(request, call_settings, retry_budget)
        else:
            if self._needs_discovery(request):
                yield from self._discover(call_settings, request.model, retry_budget)
            window = self._own_window(request, own)

        def fit() -> PreparedRequest | errors.DeepSeekV4Error:
            try:
                return fit_request_to_window(request, *self.server(), window, self.trim_memory)
            except errors.DeepSeekV4Error as error:  # raised below, where the call adds its attempts to it
                return error

        made = cast("PreparedRequest | errors.DeepSeekV4Error", (yield Compute(fit, long=is_large(request))))
        if isinstance(made, errors.DeepSeekV4Error):
            raise made
        return made

    def render(
        self, request: ChatRequest, call_settings: CallSettings, retry_budget: RetryBudget, part: Part | None = None
    ) -> Steps[RenderedRequest]:
        """Render a request as a prompt, and find the longest answer to it: the route for these has no default for that.

        A limit of the request holds for the whole answer, the part included.

        Raises:
            BudgetError: There is no limit for the answer, and the window is not known.
            InvalidRequestError: The server's encoder would refuse the conversation.
        """
        limit, own = request.max_tokens, request.window if request.budget is None else request.budget.window
        window = 0
        if limit is None and self.server()[0].data.completions is not None:
            window = own or (yield from self.window(request, call_settings, retry_budget)).tokens

        def render() -> RenderedRequest | errors.DeepSeekV4Error:
            try:
                return render_request(request, *self.server(), part)
            except errors.DeepSeekV4Error as error:  # raised below, where the call adds its attempts to it
                return error

        made = cast("RenderedRequest | errors.DeepSeekV4Error", (yield Compute(render, long=is_large(request))))
        if isinstance(made, errors.DeepSeekV4Error):
            raise made
        made.limit = max(1, window - len(made.ids)) if limit is None else limit - made.part_tokens
        return made

    def check_format(self, request: ChatRequest, text: str) -> None:
        """Check an answer of which the server wrote the end without its grammar.

        Raises:
            SchemaViolationError: It is not of the requested format.
        """
        check_format(request, text)

    def _own_window(self, request: ChatRequest, tokens: int) -> Window:
        """The caller's window. A request is fitted into less where the server has refused as much."""
        from deepseek_v4_sdk.context.window import Window

        provider, target = self.server()
        learned = target.limits.of(target.base_url, sent_as(request, provider, target).model).window
        if request.may_shorten and learned is not None and learned < tokens:
            return Window(learned, "learned")
        return Window(tokens, "configured")

    def window(
        self,
        request: ChatRequest,
        call_settings: CallSettings,
        retry_budget: RetryBudget | None = None,
        *,
        anew: bool = False,
    ) -> Steps[Window]:
        """Find the window for a request at this server.

        Args:
            request: The request.
            call_settings: The settings of the requests that it sends.
            retry_budget: The budget that it shares with the call it is a part of, or None.
            anew: Whether to request it even from a server that reported it before.

        Raises:
            BudgetError: The window is not known.
            InvalidRequestError: This server would refuse the request.
        """
        models = (
            (yield from self._ask_models(call_settings, request.model, retry_budget))
            if self._needs_discovery(request)
            else None
        )
        provider, target = self.server()
        model, why = sent_as(request, provider, target).model, ""
        if models is None and (anew or model not in self._asked):
            try:
                models = yield from self.models(call_settings, retry_budget).steps()
            except (errors.AuthenticationError, errors.PermissionDeniedError):
                raise
            except errors.APIError as error:  # not every gateway has the list of models
                why = str(error)
                if retry_budget is not None:
                    retry_budget.failures -= 1  # this failure does not fail the call
        if models is not None:
            self._asked.add(model)
            listed, held = window_in(models, model), (yield from self._ask_about(call_settings, model, retry_budget))
            # A memory smaller than the window is the limit. Otherwise the server reports a few tokens less: those of
            # the edge.
            smaller = held is not None and (listed is None or held + provider.data.edge[0] <= listed)
            target.limits.learn_asked(target.base_url, model, held if smaller else listed)
        return self._resolve_window(model, why)

    def known_window(self, request: ChatRequest) -> int | None:
        """The window for a request, as far as it is known without a request to the server; None where it is not."""
        provider, target = self.server()
        try:
            return self._resolve_window(sent_as(request, provider, target).model, configured=request.window).tokens
        except errors.InvalidRequestError:  # the window is not known, or the client has no model yet
            return request.window

    def _resolve_window(self, model: str | None, why: str = "", *, configured: int | None = None) -> Window:
        from deepseek_v4_sdk.context.window import resolve_window

        provider, target = self.server()
        known, entry = target.limits.of(target.base_url, model), published(provider.data, target, model)
        return resolve_window(
            configured=configured,
            asked=known.asked,
            learned=known.window,
            catalogue=entry.window if entry is not None else None,
            where=target.base_url,
            why=why,
        )

    def _ask_about(
        self, call_settings: CallSettings, model: str | None, retry_budget: RetryBudget | None
    ) -> Steps[int | None]:
        """Request the version, unless it is known, and the longest prompt that the memory holds; return the latter."""
        provider, target = self.server()
        data, call_settings = provider.data, replace(call_settings, policy=replace(call_settings.policy, max_retries=0))
        if data.memory_key is None and (target.server_version or target.limits.version_of(target.base_url, model)):
            return None
        for path in data.about_paths:
            try:
                facts = yield from self.fetch(path, _json_object, call_settings, retry_budget).steps()
            except errors.APIError:  # not every gateway lets it through
                if retry_budget is not None:
                    retry_budget.failures -= 1
                continue
            if isinstance(version := facts.get("version"), str):
                rust = RUST if "rust_frontend_version" in facts else ""
                target.limits.learn_reported_version(target.base_url, version + rust)
            held = facts.get(data.memory_key or "")
            return held if isinstance(held, int) and held > 0 else None
        return None

    def count_here(self, request: ChatRequest) -> TokenCount:
        """Count the tokens of a chat's prompt here, as this server renders it.

        Raises:
            InvalidRequestError: The server's encoder would refuse the conversation.
        """
        return count_request(request, *self.server())

    def count_bound(self, request: ChatRequest) -> int:
        """The tokens that the prompt of a chat has at most: those counted here, and how far the count may be off.

        Raises:
            InvalidRequestError: The server's encoder would refuse the conversation.
            ConfigurationError: The vocabulary is not installed.
        """
        from deepseek_v4_sdk.context.budget import UNSURE_TOKENS

        unsure = 0 if is_exact(request, *self.server()) else UNSURE_TOKENS
        return self.count_here(request).total + unsure

    def is_long(self, request: ChatRequest) -> bool:
        """Whether counting it takes so long that an event loop must not wait for it."""
        return is_large(request)

    def count_there(self, request: ChatRequest, call_settings: CallSettings) -> Steps[TokenCount]:
        """Let the server count the tokens of a chat's prompt.

        Raises:
            ConfigurationError: The server has no route that counts.
        """
        # Without a route there is nothing to request, unless the discovered engine has one.
        may_count = self.provider.data.renderer.count_path is not None or self.provider.engine is None
        if may_count and self._needs_discovery(request):
            yield from self._discover(call_settings, request.model)
        provider, target = self.server()
        call, size = provider.count_call(request, target), len(request.messages)

        def read(exchange: HttpExchange) -> TokenCount:
            return read_count(exchange.json(), size, provider.name)

        return (yield from Fetch(lambda: call, provider, self.transport, call_settings, read).steps())

    def fetch(
        self,
        path: str,
        read: Callable[[HttpExchange], T],
        call_settings: CallSettings,
        retry_budget: RetryBudget | None = None,
    ) -> Fetch[T]:
        """Make a request for a path; with a retry budget it is a part of another call."""
        provider, target = self.provider, self.target
        return Fetch(lambda: provider.query(path, target), provider, self.transport, call_settings, read, retry_budget)

    def models(self, call_settings: CallSettings, retry_budget: RetryBudget | None = None) -> Fetch[list[ModelInfo]]:
        """Make the request for the models."""
        provider = self.provider

        def read(exchange: HttpExchange) -> list[ModelInfo]:
            try:
                return provider.models(exchange.json())
            except ValueError as error:
                raise errors.ServerError(f"{provider.name} sent {error} ({exchange.call.url})") from None

        return self.fetch(provider.data.models_path, read, call_settings, retry_budget)

    def is_up(self, call_settings: CallSettings) -> Fetch[None]:
        """Make the request that shows whether the server is up."""
        return self.fetch(self.provider.data.health_path, lambda _: None, call_settings)

    def _needs_discovery(self, request: ChatRequest) -> bool:
        """Whether a request must discover the model or the engine before the first chat."""
        data, discovered = self.provider.data, self._discovered
        if request.model in {"pro", "flash"} and self.target.catalogue.find(data.name, request.model) is None:
            return discovered is None or not discovered[1].served  # which of its models is that?
        if data.model != "discovered":
            return False
        if discovered is None:
            return request.model is None or self.provider.engine is None
        return request.model is None and discovered[1].served_model is None

    def _discover(
        self, call_settings: CallSettings, wanted: str | None, retry_budget: RetryBudget | None = None
    ) -> Steps[None]:
        yield from self._ask_models(call_settings, wanted, retry_budget)

    def _ask_models(
        self, call_settings: CallSettings, wanted: str | None, retry_budget: RetryBudget | None = None
    ) -> Steps[list[ModelInfo]]:
        models = yield from self.models(call_settings, retry_budget).steps()
        bases = [model.id for model in models if model.parent is None]
        if len(bases) != 1 and wanted is None:
            listed = ", ".join(bases) or "none"
            raise errors.InvalidRequestError(
                f"{self.provider.name} serves several models, or none ({listed}): give model"
            )
        served = bases[0] if len(bases) == 1 else None
        self._discovered = (
            self.provider.discovered(models),
            replace(self.target, served_model=served, served=tuple(bases)),
        )
        return models


def _json_object(exchange: HttpExchange) -> Mapping[str, JsonValue]:
    """Return the JSON object of an answer; an empty one where it is something else."""
    try:
        payload = read_json(exchange.body())
    except ValueError:
        return {}
    return payload if isinstance(payload, dict) else {}
