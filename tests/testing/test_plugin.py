"""The pytest plugin, run on tests of its own: fixtures, steps not taken, and the guard against real providers."""

from __future__ import annotations

import re
import socket
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from deepseek_v4_sdk.testing.server import MockServer

# The runs are inside this process, whose own guard must not do the work of the one that is tested.
pytestmark = pytest.mark.usefixtures("allow_network")

# Nobody's own address is no loopback address, so that the guard takes it for a real server; what is sent there
# does not leave the machine.
ELSEWHERE = "0.0.0.0"

_HEAD = """
import asyncio
import httpx
import pytest
from deepseek_v4_sdk import AsyncDeepSeekV4, ConnectionFailedError, DeepSeekV4
from deepseek_v4_sdk.testing import MockProvider, faults, script
"""


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(pytester: pytest.Pytester, source: str) -> pytest.RunResult:
    """Run these tests with our plugin only: others would be loaded anew each time, which takes seconds."""
    pytester.makepyfile(_HEAD + source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        return pytester.runpytest_inprocess("-p", "deepseek_v4_sdk.pytest_plugin", "-p", "no:cacheprovider", "-q")


def test_the_fixtures(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_mock(deepseek_v4_mock):
    mock = deepseek_v4_mock(script.text("Hello"), flavor="sglang")
    assert DeepSeekV4(mock).chat("Hi").text == "Hello"
    assert mock.data.name == "sglang"

def test_two_mocks(deepseek_v4_mock):
    one, two = deepseek_v4_mock(default=script.text("1")), deepseek_v4_mock(script.text("2"))
    assert (DeepSeekV4(one).chat("Hi").text, DeepSeekV4(two).chat("Hi").text) == ("1", "2")

def test_server(deepseek_v4_mock, deepseek_v4_server):
    server = deepseek_v4_server(deepseek_v4_mock(script.text("Hello")))
    assert DeepSeekV4("vllm", base_url=server.url, model="pro").chat("Hi").text == "Hello"
    assert deepseek_v4_server().url != server.url
""",
    )
    result.assert_outcomes(passed=3)


def test_a_step_that_was_not_taken_fails_the_test_and_is_shown(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_it(deepseek_v4_mock):
    mock = deepseek_v4_mock(script.text("one"), script.text("two") | faults.stall(after=2, seconds=9))
    DeepSeekV4(mock).chat("Hi")
""",
    )
    result.assert_outcomes(passed=1, errors=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*MockScriptError: 1 step(s) of the script were not taken:", "*  Turn(text='two') | stall(after=2, seconds=9)"]
    )


def test_a_request_that_the_script_does_not_have_fails_the_test(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_in_process(deepseek_v4_mock):
    client = DeepSeekV4(deepseek_v4_mock(script.text("one")))
    client.chat("Hi")
    client.chat("And now?")

def test_on_a_socket(deepseek_v4_mock, deepseek_v4_server):
    server = deepseek_v4_server(deepseek_v4_mock(script.reply_to("Paris", script.text("one"))))
    httpx.post(f"{server.url}/v1/chat/completions", json={"messages": [{"role": "user", "content": "Rome"}]})
""",
    )
    result.assert_outcomes(passed=1, failed=1, errors=1)
    result.stdout.fnmatch_lines(["*request 2 came, but the script has only 1 steps: add a step, or give default="])
    result.stdout.fnmatch_lines(["*request 1, step 1 of the script: expected a text with 'Paris'"])


def test_the_guard(pytester: pytest.Pytester, closed_port: int) -> None:
    result = run(
        pytester,
        f"""
URL = "http://{ELSEWHERE}:{closed_port}"

def test_sync():
    DeepSeekV4("vllm", base_url=URL, model="pro").chat("Hi")

def test_async():
    asyncio.run(AsyncDeepSeekV4("sglang", base_url=URL, model="pro").chat("Hi"))

def test_models():
    DeepSeekV4("vllm", base_url=URL, model="pro").models()

def test_own_client():
    with httpx.Client() as own:
        DeepSeekV4("vllm", base_url=URL, model="pro", http_client=own).chat("Hi")

def test_caught():
    try:
        DeepSeekV4("vllm", base_url=URL, model="pro").chat("Hi")
    except Exception:
        pass
""",
    )
    result.assert_outcomes(failed=5)
    told = f"*Failed: this test would send a request to {ELSEWHERE}: use a mock, or ask for allow_network"
    result.stdout.fnmatch_lines([told] * 5)


def test_the_guard_looks_at_proxies(pytester: pytest.Pytester, closed_port: int) -> None:
    """The address of this machine leads elsewhere when a proxy stands in between."""
    result = run(
        pytester,
        f"""
HERE, THERE = "http://localhost:{closed_port}", "http://me:secret@{ELSEWHERE}:{closed_port}"
WAYS = {{"base_url": HERE, "model": "m", "max_retries": 0}}

def test_sync():
    DeepSeekV4("vllm", proxy=THERE, **WAYS).chat("Hi")

@pytest.mark.parametrize("transport", ["httpx", "aiohttp"])
def test_async(transport):
    asyncio.run(AsyncDeepSeekV4("vllm", proxy=THERE, transport=transport, **WAYS).chat("Hi"))

def test_models():
    DeepSeekV4("vllm", proxy=THERE, **WAYS).models()

def test_own_client():
    with httpx.Client(proxy=THERE) as own:
        DeepSeekV4("vllm", http_client=own, **WAYS).chat("Hi")

def test_own_client_with_mounts():
    with httpx.Client(mounts={{"all://localhost": httpx.HTTPTransport(proxy=THERE)}}) as own:
        DeepSeekV4("vllm", http_client=own, **WAYS).chat("Hi")

def test_own_transport():
    with httpx.HTTPTransport(proxy=THERE) as own:
        DeepSeekV4("vllm", http_client=own, **WAYS).chat("Hi")

def test_recorder(tmp_path):
    from deepseek_v4_sdk.testing import Recorder
    DeepSeekV4(Recorder("vllm", path=tmp_path / "x.jsonl"), proxy=THERE, **WAYS).chat("Hi")

def test_proxy_of_the_environment(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", THERE)
    with httpx.Client() as own:
        DeepSeekV4("vllm", http_client=own, **{{**WAYS, "base_url": "http://some.example"}}).chat("Hi")
""",
    )
    result.assert_outcomes(failed=9)
    told = f"*Failed: this test would send a request to {ELSEWHERE}: use a mock, or ask for allow_network"
    result.stdout.fnmatch_lines([told] * 9)
    assert "secret" not in "".join(line for line in result.outlines if "Failed:" in line)


def test_a_proxy_on_this_machine_is_let_through(pytester: pytest.Pytester, closed_port: int) -> None:
    result = run(
        pytester,
        f"""
def test_sync():
    for way in ({{"proxy": "http://127.0.0.1:{closed_port}"}}, {{"http_client": httpx.Client(proxy="http://localhost:{closed_port}")}}):
        with pytest.raises(ConnectionFailedError):
            DeepSeekV4("vllm", base_url="http://localhost:1", model="pro", max_retries=0, **way).chat("Hi")
        if "http_client" in way:
            way["http_client"].close()
""",
    )
    result.assert_outcomes(passed=1)


def test_what_the_guard_lets_through(pytester: pytest.Pytester, closed_port: int) -> None:
    """Mocks, also inside a client of the test's own, and this machine."""
    result = run(
        pytester,
        f"""
def refused(url):
    with pytest.raises(ConnectionFailedError):
        DeepSeekV4("vllm", base_url=url, model="pro", max_retries=0).chat("Hi")

@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine(host):
    refused(f"http://{{host}}:{closed_port}")

def test_mock():
    assert DeepSeekV4("mock").chat("Hi").text

def test_mock_inside_a_client():
    with httpx.Client(transport=MockProvider(script.text("Hello")).transport) as own:
        client = DeepSeekV4("vllm", base_url="http://{ELSEWHERE}", model="pro", http_client=own)
        assert client.chat("Hi").text == "Hello"

def test_mock_inside_an_async_client():
    async def ask():
        async with httpx.AsyncClient(transport=MockProvider(script.text("Hello")).transport) as own:
            client = AsyncDeepSeekV4("vllm", base_url="http://{ELSEWHERE}", model="pro", http_client=own)
            return await client.chat("Hi")
    assert asyncio.run(ask()).text == "Hello"

def test_allowed(allow_network):
    refused("http://{ELSEWHERE}:{closed_port}")

@pytest.mark.usefixtures("allow_network")
def test_allowed_by_a_mark():
    refused("http://{ELSEWHERE}:{closed_port}")
""",
    )
    result.assert_outcomes(passed=7)


def test_the_guard_ends_with_the_test(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
from deepseek_v4_sdk.transport.connection import AsyncResponseStream, ResponseStream

REAL = ResponseStream.open, AsyncResponseStream.open

def test_guarded():
    assert ResponseStream.open is not REAL[0] and AsyncResponseStream.open is not REAL[1]

def test_not_guarded(allow_network):
    assert (ResponseStream.open, AsyncResponseStream.open) == REAL
""",
    )
    result.assert_outcomes(passed=2)


def test_it_is_there_without_being_asked_for(pytester: pytest.Pytester) -> None:
    """In a process of its own: the entry point alone brings it."""
    pytester.makepyfile(
        """
def test_it(deepseek_v4_mock, deepseek_v4_server, request):
    assert "deepseek_v4_guard" in request.fixturenames
    assert deepseek_v4_mock().requests == []
"""
    )
    others = {
        each.name
        for each in entry_points(group="pytest11")
        if not each.value.startswith("deepseek_v4_sdk.") and not each.name.startswith("xdist")
    }
    without = [f"-pno:{name}" for name in ("cacheprovider", *sorted(others))]  # other plugins only take time
    pytester.runpytest_subprocess(*without).assert_outcomes(passed=1)


def test_the_tests_of_the_page(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test that docs/testing.md shows passes as it stands, and the cassette is recorded as the page says."""
    page = Path(__file__).parents[2] / "docs" / "testing.md"
    fences = re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    shown = [fence for fence in fences if "\ndef test_" in fence]
    pytester.makepyfile(**{f"test_shown_{number}": fence for number, fence in enumerate(shown)})
    without = ("-p", "no:cacheprovider", "-p", "no:asyncio")  # the latter warns where it is not configured
    profiles = pytester.path / "deepseek_v4.toml"
    monkeypatch.setenv("DEEPSEEK_V4_CONFIG", str(profiles))
    with MockServer() as server:
        profiles.write_text(f'[profiles.staging]\nprovider = "vllm"\nbase_url = "{server.url}"\n', encoding="utf-8")
        options = ("--deepseek-v4-record", "--deepseek-v4-profile", "staging", "-k", "real_greeting")
        pytester.runpytest_inprocess(*without, "-q", *options).assert_outcomes(
            passed=1, deselected=sum(fence.count("\ndef test_") for fence in shown) + 2
        )
    result = pytester.runpytest_inprocess(*without, "-q")
    assert len(shown) >= 4
    result.assert_outcomes(passed=sum(fence.count("\ndef test_") for fence in shown) + 3)  # one is run on four flavors
