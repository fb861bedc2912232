"""The pytest plugin: providers, mocks and servers as fixtures, and a guard against requests to real servers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from deepseek_v4_sdk.testing.cassettes.recorder import Recorder
    from deepseek_v4_sdk.testing.cassettes.replayer import Replayer
    from deepseek_v4_sdk.testing.faults import Chaos, Fault
    from deepseek_v4_sdk.testing.flavors.base import Flavor
    from deepseek_v4_sdk.testing.mock import MockProvider
    from deepseek_v4_sdk.testing.script import Step
    from deepseek_v4_sdk.testing.server import MockServer
    from deepseek_v4_sdk.testing.transport import Answering

__all__ = [
    "MakeMock",
    "MakeServer",
    "allow_network",
    "deepseek_v4_guard",
    "deepseek_v4_mock",
    "deepseek_v4_provider",
    "deepseek_v4_server",
]

_MARKER = """\
deepseek_v4(script=, flavor=, default=, ...): the fixture deepseek_v4_provider: a mock with these arguments, \
or, with deepseek_v4(cassette="name", match=, timing=), the recording in cassettes/name.jsonl next to the test"""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options by which cassettes are recorded."""
    group = parser.getgroup("deepseek_v4")
    group.addoption(
        "--deepseek-v4-record", action="store_true", help="record the cassettes of the tests again, with a real server"
    )
    group.addoption(
        "--deepseek-v4-profile",
        metavar="NAME",
        help="the profile of that server; else DEEPSEEK_V4_PROFILE, else the default of the file of profiles",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Look at the marker of a test."""
    if item.get_closest_marker("deepseek_v4") is not None:
        from deepseek_v4_sdk.pytest_plugin.marker import check_marker

        check_marker(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember how a test with the marker ended: what a failed one has recorded replaces no cassette."""
    report = yield
    if item.get_closest_marker("deepseek_v4") is not None:
        from deepseek_v4_sdk.pytest_plugin.marker import note_outcome

        note_outcome(item, report)
    return report


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

    def __call__(self, mock: Answering | None = None) -> MockServer:
        """Start one."""
        ...


@pytest.fixture
def deepseek_v4_provider(request: pytest.FixtureRequest) -> Iterator[MockProvider | Replayer | Recorder]:
    """The provider that the marker `deepseek_v4` asks for; without one a mock that answers from its input.

    At the end of the test every step, or every exchange of a cassette, must have been taken.
    """
    from deepseek_v4_sdk.pytest_plugin.marker import check_played, keep_recorded, provider_of

    provider = provider_of(request.node)
    yield provider
    check_played(provider)
    keep_recorded(request.node, provider)


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
    """Fails a test that would reach anything but a mock or this machine; `allow_network` lifts it.

    So does `--deepseek-v4-record` for what a recorder carries.
    """
    if "allow_network" in request.fixturenames:
        return
    records = bool(request.config.getoption("deepseek_v4_record"))
    from deepseek_v4_sdk.transport.connection import AsyncResponseStream, ResponseStream

    # Both kinds of line have the same two things: what carries requests, and a way to open one.
    for line in (ResponseStream, AsyncResponseStream):
        monkeypatch.setattr(line, "open", _guarded(line.open, records=records))


def _guarded(open_really: Callable[..., Any], *, records: bool) -> Callable[..., Any]:
    def opened(line: Any, step: Any) -> Any:
        url, transport = str(step.call.url), step.transport()
        transport = transport.adapted or transport
        if not _is_mock(transport) and not (records and _is_recorder(transport)):
            for host in (urlsplit(url).hostname or "", *_proxies(transport, url)):
                if not _is_here(host):
                    pytest.fail(f"this test would send a request to {host}: use a mock, or ask for allow_network")
        return open_really(line, step)

    return opened


def _is_mock(transport: Any) -> bool:
    """Whether it stays in the process: a mock's transport, or a client that the user made of such a one."""
    inner = getattr(transport, "_transport", transport)
    names = {cls.__name__ for cls in type(inner).__mro__}
    return hasattr(inner, "exchange_clock") or bool(names & {"MockTransport", "ASGITransport", "WSGITransport"})


def _is_recorder(transport: Any) -> bool:
    from deepseek_v4_sdk.testing.cassettes.recorder import RecordingTransport

    return isinstance(transport, RecordingTransport)


def _proxies(transport: Any, url: str) -> Iterator[str]:
    """The hosts of the proxies that a request would go through: of our transports, and of httpx."""
    while transport is not None:
        if host := getattr(transport, "proxy_host", None):
            yield host
        if (choose := getattr(transport, "_transport_for_url", None)) is not None:  # a client has several transports
            import httpx

            transport = choose(httpx.URL(url))
            continue
        pool = getattr(transport, "_pool", None)
        proxy = getattr(pool, "_proxy_url", None) or getattr(getattr(pool, "_proxy", None), "url", None)
        if proxy is not None:
            yield proxy.host.decode()
        transport = getattr(transport, "_transport", None)


def _is_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.endswith((".invalid", ".test", ".example"))  # names that lead nowhere
