"""The pytest plugin: mocks and servers as fixtures, and a guard against requests to real providers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from deepseek_v4_sdk.testing.faults import Chaos, Fault
    from deepseek_v4_sdk.testing.flavors.base import Flavor
    from deepseek_v4_sdk.testing.mock import MockProvider
    from deepseek_v4_sdk.testing.script import Step
    from deepseek_v4_sdk.testing.server import MockServer

__all__ = ["MakeMock", "MakeServer", "allow_network", "deepseek_v4_guard", "deepseek_v4_mock", "deepseek_v4_server"]


class MakeMock(Protocol):
    """Makes a `MockProvider`; its arguments are those of the class."""

    def __call__(
        self,
        *steps: Step | Fault,
        flavor: str | Flavor = "vllm",
        default: Step | Fault | None = None,
        window: int = 1_048_576,
        chaos: Chaos | None = None,
    ) -> MockProvider:
        """Make one."""
        ...


class MakeServer(Protocol):
    """Puts a mock on a socket."""

    def __call__(self, mock: MockProvider | None = None) -> MockServer:
        """Start one."""
        ...


@pytest.fixture
def deepseek_v4_mock() -> Iterator[MakeMock]:
    """Makes mocks; at the end of the test every step of their scripts must have been taken."""
    from deepseek_v4_sdk.testing.mock import MockProvider

    made: list[MockProvider] = []

    def make(
        *steps: Step | Fault,
        flavor: str | Flavor = "vllm",
        default: Step | Fault | None = None,
        window: int = 1_048_576,
        chaos: Chaos | None = None,
    ) -> MockProvider:
        mock = MockProvider(*steps, flavor=flavor, default=default, window=window, chaos=chaos)
        made.append(mock)
        return mock

    yield make
    for mock in made:
        mock.check_used()


@pytest.fixture
def deepseek_v4_server() -> Iterator[MakeServer]:
    """Puts mocks on sockets of the loopback interface, until the test ends."""
    from deepseek_v4_sdk.testing.server import MockServer

    with ExitStack() as stack:
        yield lambda mock=None: stack.enter_context(MockServer(mock))


@pytest.fixture
def allow_network() -> None:
    """Asked for by a test that may reach real providers."""


@pytest.fixture(autouse=True)
def deepseek_v4_guard(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails a test that would reach anything but a mock or this machine; `allow_network` lifts it."""
    if "allow_network" in request.fixturenames:
        return
    from deepseek_v4_sdk.transport.lines import AsyncLine, Line

    # Both kinds of line have the same two things: what carries requests, and a way to open one.
    for line in (Line, AsyncLine):
        monkeypatch.setattr(line, "open", _guarded(line.open))


def _guarded(open_really: Callable[..., Any]) -> Callable[..., Any]:
    def opened(line: Any, step: Any) -> Any:
        url = str(step.call.url)
        if not _is_mock(line._carrier) and not _is_here(url):
            host = urlsplit(url).hostname
            pytest.fail(f"this test would send a request to {host}: use a mock, or ask for allow_network")
        return open_really(line, step)

    return opened


def _is_mock(carrier: Any) -> bool:
    """Whether it stays in the process: a mock's transport, or a client that the user made of such a one."""
    inner = getattr(carrier, "_transport", carrier)
    names = {cls.__name__ for cls in type(inner).__mro__}
    return hasattr(inner, "exchange_clock") or bool(names & {"MockTransport", "ASGITransport", "WSGITransport"})


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.endswith((".invalid", ".test", ".example"))  # names that lead nowhere
