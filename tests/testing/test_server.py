"""The mock on a socket: it leaves nothing behind, notices who goes, and tells at its end what went wrong."""

from __future__ import annotations

import gc
import http.client
import json
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from deepseek_v4_sdk import ConfigurationError, DeepSeekV4, ServerError
from deepseek_v4_sdk.support.installed import install_command
from deepseek_v4_sdk.testing import MockProvider, MockRequest, MockScriptError, faults, script
from deepseek_v4_sdk.testing.server import MockServer
from tests.testing.cases import TEXT, TURN
from tests.testing.places import MODELS, NO_TLS, request_body


def _wait(until: Callable[[], bool], seconds: float) -> bool:
    ends = time.monotonic() + seconds
    while not until():
        if time.monotonic() > ends:
            return False
        time.sleep(0.005)
    return True


def _post(url: str, body: object, read: float = 20) -> httpx.Response:
    timeout = httpx.Timeout(20, read=read)
    return httpx.post(f"{url}/v1/chat/completions", json=body, timeout=timeout, verify=NO_TLS)


def _chat(url: str) -> str:
    got = _post(url, request_body("vllm", stream=False))
    return str(got.json()["choices"][0]["message"]["content"])


def _open_files() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files as Linux shows them")  # noqa: PTH112
def test_it_leaves_nothing_behind() -> None:
    """Threads and sockets are as before, though each time an answer hangs and a connection stays open."""

    def once() -> None:
        mock = MockProvider(TURN, default=TURN | faults.stall(after=2, seconds=600))
        with MockServer(mock) as server:
            assert _chat(server.url) == TEXT
            connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
            connection.request(
                "POST", "/v1/chat/completions", json.dumps(request_body("vllm")), {"content-type": "application/json"}
            )
            assert connection.getresponse().read(10) == b'data: {"id'
        connection.close()

    once()  # loads what is loaded once
    threads, files = set(threading.enumerate()), _open_files()
    began = time.monotonic()
    for _ in range(5):
        once()
    assert time.monotonic() - began < 30  # silent answers are not waited for
    assert set(threading.enumerate()) == threads
    assert _open_files() <= files


def test_one_server_can_be_started_again() -> None:
    server = MockServer(MockProvider(default=TURN))
    urls = set[str]()
    for _ in range(3):
        with server:
            assert _chat(server.url) == TEXT
            urls.add(server.url)
        with pytest.raises(httpx.ConnectError):
            _chat(server.url)


def _one_too_many(server: MockServer) -> None:
    with server:
        assert _chat(server.url) == TEXT
        refused = _post(server.url, request_body("vllm"))
        assert refused.status_code == 500
        assert refused.json()["error"]["type"] == "MockScriptError"


def test_a_failure_is_told_once() -> None:
    server = MockServer(MockProvider(TURN))
    with pytest.raises(MockScriptError):
        _one_too_many(server)
    with server:
        pass


@pytest.mark.parametrize("kind", ["stream", "plain"])
def test_who_goes_is_noticed(kind: str) -> None:
    body = request_body("vllm", stream=kind == "stream")
    with MockServer(MockProvider(default=TURN | faults.slow_prefill(600))) as server:
        for count in (1, 2, 3):
            with pytest.raises(httpx.ReadTimeout):
                _post(server.url, body, read=0.3)
            assert _wait(lambda count=count: server.disconnects == count, 20.0)  # type: ignore[misc]


def test_the_client_that_closes_a_stream_is_noticed() -> None:
    with (
        MockServer(MockProvider(TURN | faults.stall(after=3, seconds=600))) as server,
        DeepSeekV4("vllm", base_url=server.url, model=MODELS["vllm"]) as client,
    ):
        with client.stream("Hi") as stream:
            next(iter(stream))
        assert _wait(lambda: server.disconnects == 1, 1.0)


def test_who_takes_all_has_not_gone() -> None:
    with MockServer(MockProvider(default=TURN)) as server:
        for _ in range(5):
            assert _chat(server.url) == TEXT
        with DeepSeekV4("vllm", base_url=server.url, model=MODELS["vllm"]) as client:
            assert client.chat("Hi").text == TEXT
    assert server.disconnects == 0


def test_a_port_in_use() -> None:
    with MockServer() as server:
        port = urlsplit(server.url).port or 0
        with (
            pytest.raises(ConfigurationError, match=f"port {port} of 127.0.0.1 cannot be used: "),
            MockServer(port=port),
        ):
            pass
        assert _chat(server.url)


def test_an_address_of_the_newer_kind() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    with MockServer(MockProvider(TURN), host="::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert _chat(server.url) == TEXT


def test_a_wrong_script_is_told_at_the_end() -> None:
    """The client gets a 500 with the text; the test gets the error itself."""
    with pytest.raises(MockScriptError, match="request 2 came, but the script has only 1 steps"):
        _one_too_many(MockServer(MockProvider(TURN)))


def test_what_a_function_of_the_script_raises_is_told_at_the_end() -> None:
    def strict(request: MockRequest) -> script.Step:
        request.check(text="Bonjour")
        return TURN

    with (
        pytest.raises(AssertionError, match="expected something with 'Bonjour'"),
        MockServer(MockProvider(default=script.from_function(strict))) as server,
    ):
        assert _post(server.url, request_body("vllm")).status_code == 500


def test_an_error_of_the_test_itself_is_not_hidden() -> None:
    with pytest.raises(ServerError), MockServer(MockProvider(script.error(500))) as server:
        DeepSeekV4("vllm", base_url=server.url, model=MODELS["vllm"], max_retries=1).chat("Hi")


def test_each_block_leaves_at_once() -> None:
    """A second answer on the same connection is not held back until the first block of it was acknowledged."""
    with MockServer(MockProvider(default=TURN)) as server, httpx.Client(base_url=server.url, verify=NO_TLS) as client:

        def seconds() -> float:
            began = time.monotonic()
            assert client.post("/v1/chat/completions", json=request_body("vllm")).status_code == 200
            return time.monotonic() - began

        seconds()
        # Each would be held back for 0.04; on a busy machine a quick one may be rare.
        assert any(seconds() < 0.035 for _ in range(300))


def test_other_paths_and_methods() -> None:
    with MockServer() as server, httpx.Client(base_url=server.url, verify=NO_TLS) as client:
        assert client.get("/v1/models").json()["data"][0]["id"] == MODELS["vllm"]
        assert client.get("/nowhere").status_code == 404
        assert client.get("/v1/chat/completions").status_code == 405
        assert client.post("/v1/chat/completions", content=b"{").status_code == 400


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ConfigurationError, match=re.escape(install_command("server", "uvicorn"))), MockServer():
        pass


def test_a_server_that_does_not_start_is_told_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from uvicorn import Server

    monkeypatch.setattr(Server, "run", lambda *_: None)
    with pytest.raises(ConfigurationError, match="did not start"), MockServer():
        pass
