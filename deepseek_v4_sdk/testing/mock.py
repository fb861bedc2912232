"""`MockProvider`: a provider without a server, on which the whole path of a client runs."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from deepseek_v4_sdk.providers import find_provider
from deepseek_v4_sdk.testing.backend import Backend, MockRequest
from deepseek_v4_sdk.testing.flavors import find_flavor
from deepseek_v4_sdk.testing.transport import MockTransport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepseek_v4_sdk.chat import ChatRequest, JsonValue, ModelInfo
    from deepseek_v4_sdk.errors import APIError
    from deepseek_v4_sdk.providers import EncodedChat, HttpCall, ProviderData, Sink, Target
    from deepseek_v4_sdk.testing.flavors.base import Flavor
    from deepseek_v4_sdk.testing.script import Step

__all__ = ["MockProvider"]


class MockProvider:
    """A provider whose server is a script. Requests and answers are real bytes in the wire of the flavor.

    One mock serves many clients and threads, sync and async. Steps are taken in the order in which requests arrive.

    Args:
        steps: The answers, one for each request, from `deepseek_v4_sdk.testing.script`. Without any, the mock answers
            from its input.
        flavor: The provider whose wire it speaks: a name, or a flavor of `deepseek_v4_sdk.testing.flavors`.
        default: What answers when the steps have run out; without it that is a `MockScriptError`.
        window: The context window it tells, in tokens.

    Raises:
        ConfigurationError: There is no such flavor.

    Attributes:
        requests: The chat requests it has received, in order.
        transport: The httpx transport behind it, sync and async.
    """

    name = "mock"

    def __init__(
        self, *steps: Step, flavor: str | Flavor = "vllm", default: Step | None = None, window: int = 1_048_576
    ) -> None:
        spoken = find_flavor(flavor) if isinstance(flavor, str) else flavor
        self._backend = Backend(steps, default, spoken, window)
        self._inner = find_provider(spoken.name)
        self.transport = MockTransport(self._backend)

    @property
    def requests(self) -> list[MockRequest]:
        """The chat requests it has received, in order."""
        return self._backend.requests

    @property
    def data(self) -> ProviderData:
        """What the flavor's provider is like."""
        return self._inner.data

    def encode(self, request: ChatRequest, target: Target) -> EncodedChat:
        """The flavor's own form of a chat."""
        return self._inner.encode(request, target)

    def query(self, path: str, target: Target) -> HttpCall:
        """The flavor's own form of a question."""
        return self._inner.query(path, target)

    def poll(self, status: int, headers: Mapping[str, str], call: HttpCall) -> HttpCall | None:
        """As the flavor's own provider does."""
        return self._inner.poll(status, headers, call)

    def settled(self, models: list[ModelInfo]) -> MockProvider:
        """The same mock, spoken to as the flavor's own provider is once it knows the server."""
        settled = copy(self)
        settled._inner = self._inner.settled(models)
        return settled

    def decode(self, payload: dict[str, JsonValue], sink: Sink) -> None:
        """As the flavor's own provider does."""
        self._inner.decode(payload, sink)

    def models(self, payload: JsonValue) -> list[ModelInfo]:
        """As the flavor's own provider does."""
        return self._inner.models(payload)

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes, call: HttpCall) -> APIError:
        """As the flavor's own provider does."""
        return self._inner.refusal(status, headers, body, call)

    def __repr__(self) -> str:
        return f"MockProvider(flavor={self.data.name!r}, requests={len(self.requests)})"
