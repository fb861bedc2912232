"""`DelegatingProvider`: a provider that uses the API of another one, and handles the requests differently."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from deepseek_v4_sdk.chat import ChatRequest, HistoryRules, JsonValue, Message, Shared
from deepseek_v4_sdk.chat.served import ModelInfo
from deepseek_v4_sdk.errors import APIError
from deepseek_v4_sdk.providers import EncodedChat, HttpCall, Provider, ProviderData, Sink, Target

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["CheckedDelegatingProvider", "DelegatingProvider"]


class DelegatingProvider(Shared):
    """A provider in another one's place: what it encodes and decodes is that one's.

    Args:
        inner: The provider whose API it uses.
    """

    def __init__(self, inner: Provider) -> None:
        self._inner = inner
        self._prefixes: set[str] = set()

    @property
    def name(self) -> str:
        """The name that replies and errors show."""
        return self._inner.name

    @property
    def data(self) -> ProviderData:
        """The features of the provider."""
        return self._inner.data

    @property
    def engine(self) -> str | None:
        """The engine inside, as the provider knows it; None lets the client discover it, as with a NIM."""
        return self._inner.engine

    @property
    def history_rules(self) -> HistoryRules:
        """As the provider's own server treats a conversation."""
        return self._inner.history_rules

    def as_rendered(self, request: ChatRequest) -> tuple[Message, ...]:
        """As the provider's own server renders them."""
        return self._inner.as_rendered(request)

    def count_call(self, request: ChatRequest, target: Target) -> HttpCall:
        """As the provider itself asks.

        Raises:
            ConfigurationError: The server has no such route.
        """
        return self._inner.count_call(request, self._seen(target))

    def encode(self, request: ChatRequest, target: Target) -> EncodedChat:
        """The provider's own form of a chat."""
        return self._inner.encode(request, self._seen(target))

    def query(self, path: str, target: Target) -> HttpCall:
        """The provider's own form of a question."""
        return self._inner.query(path, self._seen(target))

    def poll(self, status: int, headers: Mapping[str, str], call: HttpCall) -> HttpCall | None:
        """As the provider itself does."""
        return self._inner.poll(status, headers, call)

    def discovered(self, models: list[ModelInfo]) -> Self:
        """The same proxy, with the API that the provider has once it knows the server."""
        settled = object.__new__(type(self))
        settled.__dict__.update(self.__dict__)
        settled._inner = self._inner.discovered(models)
        return settled

    def decode(self, payload: dict[str, JsonValue], sink: Sink) -> None:
        """As the provider itself does."""
        self._inner.decode(payload, sink)

    def models(self, payload: JsonValue) -> list[ModelInfo]:
        """As the provider itself does."""
        return self._inner.models(payload)

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes, call: HttpCall) -> APIError:
        """As the provider itself does."""
        return self._inner.refusal(status, headers, body, call)

    def _seen(self, target: Target) -> Target:
        """The URL and the key that a client sends with."""
        self._prefixes.add(urlsplit(target.base_url).path)
        return target

    def _route(self, path: str) -> str:
        """A path without the prefix in the addresses of the clients: that belongs to one deployment."""
        prefix = max((known for known in self._prefixes if path.startswith(f"{known}/")), key=len, default="")
        return path.removeprefix(prefix)


class CheckedDelegatingProvider(DelegatingProvider, ABC):
    """A delegating provider that also answers, and checks at the end of a `with` block that no answer is left."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.check_used()

    @abstractmethod
    def check_used(self) -> None:
        """Fail the test when answers were not asked for."""
