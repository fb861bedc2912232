"""A network that is not there: one mock stands behind every address, and what was asked of it is kept."""

from __future__ import annotations

import asyncio
import inspect
from copy import copy
from typing import TYPE_CHECKING, Any

import httpx

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4
from deepseek_v4_sdk.chat import ChatRequest
from deepseek_v4_sdk.providers import HttpCall, find_provider
from deepseek_v4_sdk.testing import MockProvider
from deepseek_v4_sdk.testing.flavors import find_flavor
from tests.providers.encoding import target

if TYPE_CHECKING:
    from deepseek_v4_sdk.providers import EncodedChat, Target
    from tests.providers.refusal_cases import Case

KINDS = ("sync", "async")
KEY = "nvapi-Zx81-private-key"
ACCOUNT = "Zx81AccountPrivate_0123456789"
FUNCTION = "5e9d1c33-0000-4444-8888-0123456789ab"


class Network(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Every address of the internet, answered by a mock in virtual time.

    Args:
        steps: The mock's script.
        prefix: The path under which a gateway has the server.
        arguments: The mock's.
    """

    def __init__(self, *steps: Any, prefix: str = "", **arguments: Any) -> None:
        self.prefix = prefix
        self.mock = MockProvider(*steps, **arguments)
        self.exchange_clock = self.mock.transport.exchange_clock
        self.asked: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self.mock.transport.handle_request(self._behind(request))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self.mock.transport.handle_async_request(self._behind(request))

    def _behind(self, request: httpx.Request) -> httpx.Request:
        self.asked.append(request)
        url = request.url.copy_with(path=request.url.path.removeprefix(self.prefix))
        return httpx.Request(
            request.method, url, headers=request.headers, content=request.read(), extensions=request.extensions
        )

    @property
    def urls(self) -> list[str]:
        """Where each request went, as "METHOD url"."""
        return [f"{request.method} {request.url}" for request in self.asked]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The bodies of the chats."""
        return [dict(request.body) for request in self.mock.requests]


def willing(name: str) -> Any:
    """A flavor that takes every body, whatever the model."""
    flavor: Any = copy(find_flavor(name))
    flavor.refuse = lambda body, window: None
    return flavor


class Talk:
    """A client of either kind on such a network, asked in one way."""

    def __init__(self, kind: str, provider: Any, network: Any, **arguments: Any) -> None:
        make = DeepSeekV4 if kind == "sync" else AsyncDeepSeekV4
        self.client: Any = make(provider, http_client=network, **arguments)

    def chat(self, messages: Any = "Give JSON.", **options: Any) -> Any:
        """The reply."""
        return self.done(self.client.chat(messages, **options))

    def models(self) -> Any:
        """The models."""
        return self.done(self.client.models())

    def done(self, result: Any) -> Any:
        """A result, awaited where it must be."""

        async def wait() -> Any:
            return await result

        return asyncio.run(wait()) if inspect.isawaitable(result) else result


def nvidia(kind: str, *steps: Any, **arguments: Any) -> tuple[Talk, Network]:
    """A client of NVIDIA's hosted models."""
    network = Network(*steps, flavor="nvidia")
    given = {"api_key": KEY, "model": "pro", **arguments}
    return Talk(kind, "nvidia", network, **given), network


def encoded(provider: Any, messages: Any = "Give JSON.", *, at: Target | None = None, **options: Any) -> EncodedChat:
    """A chat in the form of a provider object."""
    result: EncodedChat = provider.encode(ChatRequest.build(messages, options, {}), at or target())
    return result


def refused(case: Case, **body: Any) -> Any:
    """The error that an answer means, when the key was sent."""
    url = f"http://localhost:8000{find_provider(case.provider).data.chat_path}"
    headers = (("accept", "text/event-stream"), ("authorization", f"Bearer {KEY}"))
    call = HttpCall("POST", url, headers, str(body).replace("'", '"').encode())
    return find_provider(case.provider).refusal(case.status, case.headers, case.body, call)


def check(case: Case) -> None:
    """An answer becomes the right error, which shows nothing private."""
    error = refused(case, model="some-model")
    assert type(error) is case.kind
    assert (error.status_code, error.code) == (case.status, case.code)
    assert {name: getattr(error, name) for name in case.fields} == case.fields
    assert case.text in str(error)
    shown = f"{error}{error!r}{error.body}{error.request_id}"
    for secret in (KEY, ACCOUNT, FUNCTION, "the user's own prompt"):
        assert secret not in shown
