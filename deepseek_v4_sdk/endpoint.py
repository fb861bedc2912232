"""One server as a client knows it: how it speaks, where it is, what it said when asked once, and the calls to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.chat import read_json
from deepseek_v4_sdk.counting import count_request, is_large, read_count
from deepseek_v4_sdk.preflight import fitted, published, sent_as, window_in
from deepseek_v4_sdk.providers.limits import RUST
from deepseek_v4_sdk.transport.fetch import Fetch
from deepseek_v4_sdk.transport.steps import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deepseek_v4_sdk.chat import ChatRequest, JsonValue, TokenCount
    from deepseek_v4_sdk.chat.served import ModelInfo
    from deepseek_v4_sdk.context import Cuts, Window
    from deepseek_v4_sdk.exchange import Transfer
    from deepseek_v4_sdk.providers import Provider, Target
    from deepseek_v4_sdk.transport.course import Allowance, Terms
    from deepseek_v4_sdk.transport.pool import Prepared
    from deepseek_v4_sdk.transport.steps import Steps

__all__ = ["Endpoint"]

T = TypeVar("T")


class Endpoint:
    """A server, and the courses of the calls to it. It does no I/O.

    Args:
        provider: How it speaks, as far as its caller said.
        target: Where it is.
        carrier: Gives what carries the requests to it.
    """

    def __init__(self, provider: Provider, target: Target, carrier: Callable[[], Any]) -> None:
        self._provider = provider
        self._target = target
        self.carrier = carrier
        self._settled: tuple[Provider, Target] | None = None  # both as they are once the server was asked what it is
        self._asked: set[str | None] = set()  # the models whose window it was asked for
        self._compared: set[str] = set()  # the models that are known to be there

    @property
    def cuts(self) -> Cuts:
        """Those of its conversations."""
        from deepseek_v4_sdk.context import Cuts

        return cast("Cuts", vars(self).setdefault("_cuts", Cuts()))  # one for all threads

    def server(self) -> tuple[Provider, Target]:
        """How it speaks and where it is, as far as that is known by now."""
        return self._settled or (self._provider, self._target)

    def take_over(self, other: Endpoint) -> None:
        """Know what was learned of the same place, asked by the same caller."""
        if other._settled is not None:
            provider, target = other._settled
            self._settled = provider, replace(self._target, served_model=target.served_model, served=target.served)

    def prepare(self, request: ChatRequest, terms: Terms, allowance: Allowance) -> Steps[Prepared | None] | None:
        """Steps to run before a chat, as a part of it: they ask what the server is, or make the request fit.

        They may give another request to send. None where there is nothing to do.
        """
        if terms.strict_model and not self._provider.data.names_itself and request.model is not None:
            return self._compare(request, terms, allowance)
        return self._prepare(request, terms, allowance)

    def _prepare(self, request: ChatRequest, terms: Terms, allowance: Allowance) -> Steps[Prepared | None] | None:
        if request.overflow is not None:
            return self._fit(request, terms, allowance)
        return self._settle(terms, request.model, allowance) if self._must_settle(request) else None

    def _compare(self, request: ChatRequest, terms: Terms, allowance: Allowance) -> Steps[Prepared | None]:
        """Look whether the server has the model, where its answers would not tell.

        Raises:
            ModelMismatchError: It has others.
        """
        provider, target = self.server()
        asked = sent_as(request, provider, target).model
        if asked is not None and asked not in self._compared:
            models = yield from self.models(terms, allowance).steps()
            names = [model.id for model in models]
            if not any(target.catalogue.same(provider.data.name, asked, name) for name in names):
                url = f"{target.base_url}{provider.data.models_path}"
                raise errors.ModelMismatchError(
                    f"{asked!r} was asked for, and the server has {', '.join(map(repr, names)) or 'none'}, by {url}"
                ).about(url=url)
            self._compared.add(asked)
        further = self._prepare(request, terms, allowance)
        return None if further is None else (yield from further)

    def _fit(self, request: ChatRequest, terms: Terms, allowance: Allowance) -> Steps[Prepared]:
        """Make a request fit into the window, as its `overflow` says."""
        window = yield from self.window(request, terms, allowance)
        work = Work(lambda: fitted(request, *self.server(), window, self.cuts), long=is_large(request))
        return cast("Prepared", (yield work))

    def window(
        self, request: ChatRequest, terms: Terms, allowance: Allowance | None = None, *, anew: bool = False
    ) -> Steps[Window]:
        """The window that a request has here.

        Args:
            request: The request.
            terms: What holds for the question.
            allowance: What it shares with the call that it is a part of, or None.
            anew: Whether the server is asked even where it has told before.

        Raises:
            BudgetError: Nobody says.
            InvalidRequestError: This server would refuse the request.
        """
        from deepseek_v4_sdk.context import resolve_window

        models = (yield from self._ask_models(terms, request.model, allowance)) if self._must_settle(request) else None
        provider, target = self.server()
        model, why = sent_as(request, provider, target).model, ""
        if models is None and (anew or model not in self._asked):
            try:
                models = yield from self.models(terms, allowance).steps()
            except (errors.AuthenticationError, errors.PermissionDeniedError):
                raise
            except errors.APIError as error:  # not every gateway has the list
                why = str(error)
                if allowance is not None:
                    allowance.failures -= 1  # the call does not fail by it
        if models is not None:
            self._asked.add(model)
            listed, held = window_in(models, model), (yield from self._ask_about(terms, model, allowance))
            # A memory smaller than the window is what counts. Else it is told a few tokens smaller: those of the edge.
            smaller = held is not None and (listed is None or held + provider.data.edge[0] <= listed)
            target.limits.learn_asked(target.base_url, model, held if smaller else listed)
        known, entry = target.limits.of(target.base_url, model), published(provider.data, target, model)
        return resolve_window(
            asked=known.asked,
            learned=known.window,
            catalogue=entry.window if entry is not None else None,
            where=target.base_url,
            why=why,
        )

    def _ask_about(self, terms: Terms, model: str | None, allowance: Allowance | None) -> Steps[int | None]:
        """Ask for the version, unless that is known, and for how long a prompt the memory holds; gives the latter."""
        provider, target = self.server()
        data, terms = provider.data, replace(terms, policy=replace(terms.policy, max_retries=0))
        if data.memory_key is None and (target.server_version or target.limits.version_of(target.base_url, model)):
            return None
        for path in data.about_paths:
            try:
                told = yield from self.fetch(path, _told, terms, allowance).steps()
            except errors.APIError:  # not every gateway lets it through
                if allowance is not None:
                    allowance.failures -= 1
                continue
            if isinstance(version := told.get("version"), str):
                rust = RUST if "rust_frontend_version" in told else ""
                target.limits.learn_told(target.base_url, version + rust)
            held = told.get(data.memory_key or "")
            return held if isinstance(held, int) and held > 0 else None
        return None

    def count_here(self, request: ChatRequest) -> TokenCount:
        """The tokens of a chat's prompt, counted here as this server renders it.

        Raises:
            InvalidRequestError: The server's encoder would refuse the conversation.
        """
        return count_request(request, *self.server())

    def count_there(self, request: ChatRequest, terms: Terms) -> Steps[TokenCount]:
        """The same, as the server counts them.

        Raises:
            ConfigurationError: The server has no route that counts.
        """
        # Without a route there is nothing to ask for, unless the engine that is found has one.
        may_count = self._provider.data.renderer.count_path is not None or self._provider.engine is None
        if may_count and self._must_settle(request):
            yield from self._settle(terms, request.model)
        provider, target = self.server()
        call, size = provider.count_call(request, target), len(request.messages)

        def read(transfer: Transfer) -> TokenCount:
            return read_count(transfer.json(), size, provider.name)

        return (yield from Fetch(lambda: call, provider, self.carrier, terms, read).steps())

    def fetch(
        self, path: str, read: Callable[[Transfer], T], terms: Terms, allowance: Allowance | None = None
    ) -> Fetch[T]:
        """The course of a question for what is under a path; with an allowance it is a part of another call."""
        provider, target = self._provider, self._target
        return Fetch(lambda: provider.query(path, target), provider, self.carrier, terms, read, allowance)

    def models(self, terms: Terms, allowance: Allowance | None = None) -> Fetch[list[ModelInfo]]:
        """The course of a question for the models."""
        provider = self._provider

        def read(transfer: Transfer) -> list[ModelInfo]:
            try:
                return provider.models(transfer.json())
            except ValueError as error:
                raise errors.ServerError(f"{provider.name} sent {error} ({transfer.call.url})") from None

        return self.fetch(provider.data.models_path, read, terms, allowance)

    def is_up(self, terms: Terms) -> Fetch[None]:
        """The course of the question whether it is up."""
        return self.fetch(self._provider.data.health_path, lambda _: None, terms)

    def _must_settle(self, request: ChatRequest) -> bool:
        """Whether the server must be asked what it is before the first request: which model, or which engine."""
        data, settled = self._provider.data, self._settled
        if request.model in {"pro", "flash"} and self._target.catalogue.find(data.name, request.model) is None:
            return settled is None or not settled[1].served  # which of its models is that?
        if data.model != "discovered":
            return False
        if settled is None:
            return request.model is None or self._provider.engine is None
        return request.model is None and settled[1].served_model is None

    def _settle(self, terms: Terms, wanted: str | None, allowance: Allowance | None = None) -> Steps[None]:
        yield from self._ask_models(terms, wanted, allowance)

    def _ask_models(
        self, terms: Terms, wanted: str | None, allowance: Allowance | None = None
    ) -> Steps[list[ModelInfo]]:
        models = yield from self.models(terms, allowance).steps()
        bases = [model.id for model in models if model.parent is None]
        if len(bases) != 1 and wanted is None:
            listed = ", ".join(bases) or "none"
            raise errors.InvalidRequestError(
                f"{self._provider.name} serves several models, or none ({listed}): give model"
            )
        served = bases[0] if len(bases) == 1 else None
        self._settled = (
            self._provider.settled(models),
            replace(self._target, served_model=served, served=tuple(bases)),
        )
        return models


def _told(transfer: Transfer) -> Mapping[str, JsonValue]:
    """The object that an answer is; nothing where it is something else."""
    try:
        payload = read_json(transfer.body())
    except ValueError:
        return {}
    return payload if isinstance(payload, dict) else {}
