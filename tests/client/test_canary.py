"""A canary in place of the key: nothing that the SDK shows, writes or raises holds it, whatever goes wrong."""

from __future__ import annotations

import dataclasses
import json
import logging
import pickle
import socket
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from deepseek_v4_sdk import DeepSeekV4, DeepSeekV4Error, Hooks, Timeouts
from deepseek_v4_sdk.cli.app import app
from deepseek_v4_sdk.providers import PROVIDER_NAMES
from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.testing.requests import MockRequest
from tests.support.calls import failure
from tests.support.calls import in_each_mode as on_sockets
from tests.support.commands import CliRunner
from tests.support.hostile_server import HEAD, JSON_HEAD, HostileServer, chunk_of
from tests.support.modes import connect, in_both_modes
from tests.support.replay import JSON, Mode, Played, Replay, Wait, answer
from tests.support.wire import DONE, call, finish, plain, reason, say, sse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CANARY = "canary-Zx81Qq-tweet-0451"
HEADER = "second-Vv77-canary-9182"
ECHO = f"you sent Bearer {CANARY} and {HEADER}"


def written(value: object) -> str:
    """All that a log, a debugger or a file could show of a value."""
    parts = [repr(value), str(value), f"{value}"]
    with suppress(TypeError):
        parts.append(repr(vars(value)))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts += [repr(getattr(value, field.name)) for field in dataclasses.fields(value) if field.repr]
    if isinstance(value, BaseException):
        parts += ["".join(traceback.format_exception(value)), repr(value.args)]
        parts += [written(other) for other in (value.__cause__, value.__context__) if other is not None]
        parts.append(repr(pickle.loads(pickle.dumps(value)).__dict__))
        partial = getattr(value, "partial", None)
        if partial is not None:
            parts.append(json.dumps(partial.to_dict(), default=repr))
    return " ".join(parts)


def check(*values: object) -> None:
    for value in values:
        shown = written(value)
        assert CANARY not in shown
        if not isinstance(value, DeepSeekV4 | MockRequest):  # a test sees the headers it gave; so do vars of a client
            assert HEADER not in shown


class Noting(Hooks):
    def __init__(self) -> None:
        self.told: list[Any] = []

    def on_request(self, details: Any) -> None:
        self.told.append(details)

    on_retry = on_reply = on_error = on_request


@pytest.fixture(autouse=True)
def nothing_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Every logger at its finest, those of the HTTP libraries too."""
    with caplog.at_level(logging.DEBUG):
        yield
    for record in caplog.records:
        shown = f"{record.getMessage()} {record.args!r} {record.exc_text}"
        assert CANARY not in shown, record
        assert HEADER not in shown, record


def secretive(mode: Mode, provider: Any, hook: Noting, **arguments: Any) -> Any:
    given = {"api_key": CANARY, "default_headers": {"x-api-key": HEADER}, "max_retries": 1, "hooks": [hook]}
    return connect(mode, provider, **{**given, **arguments})


def echo(status: int, shape: str) -> Any:
    said: Any = {
        "error": {"error": {"message": ECHO, "type": ECHO, "code": ECHO, CANARY: 1}},
        "text": {"error": ECHO},
        "flat": {"object": "error", "message": ECHO, "detail": [{"input": ECHO, "msg": ECHO}]},
        "list": [ECHO, {ECHO: ECHO}],
    }.get(shape)
    body = ECHO.encode() if said is None else json.dumps(said).encode()
    return answer(body, status=status, headers={**JSON, "location": f"http://elsewhere.test/?{ECHO}"})


STATUSES = [200, 204, 301, 307, 400, 401, 402, 403, 404, 408, 410, 413, 422, 429, 500, 502, 503, 504, 520]


@pytest.mark.parametrize("shape", ["error", "text", "flat", "list", "no JSON"])
@pytest.mark.parametrize("status", STATUSES)
def test_a_server_that_repeats_the_key(status: int, shape: str) -> None:
    hook = Noting()
    client = secretive("sync", Replay(*[echo(status, shape)] * 2), hook)
    with pytest.raises(DeepSeekV4Error) as caught:
        client.chat("x")
    check(caught.value, client, *hook.told)
    assert caught.value.attempts


BROKEN: dict[str, Any] = {
    "an error event": answer(say("H"), sse({"error": {"message": ECHO, "code": 500}}), DONE),
    "an error event at once": answer(sse({"error": {"message": ECHO, "type": ECHO}}), DONE),
    "a flat error event": answer(say("H"), sse({"object": "error", "message": ECHO, "code": 400}), DONE),
    "no JSON": answer(say("H"), f"data: {ECHO}\n\n".encode()),
    "an odd event": answer(sse({CANARY: HEADER})),
    "an odd choice": answer(sse({"choices": [{"delta": {"content": {CANARY: HEADER}}}]})),
    "broken off": answer(say("H"), httpx.ReadError(ECHO)),
    "no connection": httpx.ConnectError(ECHO),
    "a proxy that says no": httpx.ProxyError(ECHO),
    "silence": answer(say("H"), Wait(999)),
    "an empty turn": answer(reason("Hm."), finish("stop"), DONE),
    "cut in reasoning": answer(reason("Hm."), finish("length"), DONE),
    "a cut call": answer(call(0, "a", "f", '{"x'), finish("length"), DONE),
    "a lost call": answer(finish("tool_calls"), DONE),
    "not in time": httpx.ConnectTimeout(ECHO),
}


@in_both_modes
@pytest.mark.parametrize("case", BROKEN)
def test_whatever_breaks(case: str, mode: Mode) -> None:
    hook = Noting()
    client = secretive(mode, Replay(*[BROKEN[case]] * 2), hook)
    with pytest.raises(DeepSeekV4Error) as caught:
        client.chat("x")
    check(caught.value, *hook.told)


@in_both_modes
@pytest.mark.parametrize("what", ["a status line", "a header", "a body"])
def test_bytes_that_are_no_answer(what: str, mode: Mode) -> None:
    """The HTTP library quotes what it cannot read."""

    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)
        said = ECHO.encode()
        body = {
            "a status line": said,
            "a header": b"HTTP/1.1 200 OK\r\n" + said,
            "a body": JSON_HEAD % (500, 60) + said,
        }
        connection.sendall(body[what] + b"\r\n\r\n")

    with HostileServer(serve) as server:
        check(failure(mode, server.url, api_key=CANARY, default_headers={"x-api-key": HEADER}, max_retries=1))


@on_sockets
def test_timers_and_a_refused_connection_on_sockets(mode: str) -> None:
    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)
        connection.sendall(HEAD + chunk_of(say("Hi")))
        server.ended.wait(30)

    with HostileServer(serve) as server:
        check(failure(mode, server.url, api_key=CANARY, timeout=Timeouts(idle=0.2)))
        url = server.url
    check(failure(mode, url, api_key=CANARY))
    check(failure(mode, "http://localhost:8000", api_key=CANARY, proxy=f"http://user:{CANARY}@{url[7:]}"))


@pytest.mark.parametrize("provider", PROVIDER_NAMES)
@pytest.mark.parametrize("given", ["argument", "function", "environment"])
def test_what_a_client_is_made_of(provider: str, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from deepseek_v4_sdk.providers import find_provider

    base = {} if find_provider(provider).data.base_url else {"base_url": "http://localhost:8000"}
    key: dict[str, Any] = {"argument": {"api_key": CANARY}, "function": {"api_key": lambda: CANARY}}.get(given, {})
    if given == "environment":
        monkeypatch.setenv(find_provider(provider).data.key_variables[0], CANARY)
    client = DeepSeekV4(provider, model="pro", **base, **key)
    settings, endpoint = client._settings, client._endpoint
    encoded = endpoint.provider.encode(client._request("x", {}), endpoint.target)
    assert dict(encoded.call.headers)["authorization"] == f"Bearer {CANARY}"
    other = client.with_options(model="flash")
    shown = (client, other, settings, endpoint, endpoint.target, encoded, encoded.call)
    for value in (*shown, client._chat("x", {}).call_settings):
        check(value)
    assert dict(other._endpoint.provider.query("/", other._endpoint.target).headers)["authorization"].endswith(CANARY)


def test_a_header_of_the_caller_is_not_shown_either() -> None:
    client = DeepSeekV4("mock", default_headers={"x-api-key": HEADER})
    check(client._settings, client._endpoint.target)
    assert HEADER not in repr(client)
    request = client._request("x", {"extra_headers": {"x-api-key": HEADER}})
    check(request, client._endpoint.provider.encode(request, client._endpoint.target).call)


@in_both_modes
def test_replies_streams_and_requests_of_the_mock(mode: Mode) -> None:
    hook, mock = Noting(), MockProvider(script.think("Hm.") + script.text("Hi"), faults.status(503), script.text("Hi"))
    client = secretive(mode, mock, hook)
    reply = client.chat("x")
    check(reply, client, mock, *hook.told, *mock.requests)
    assert CANARY not in json.dumps(reply.to_dict(), default=repr)
    assert CANARY not in repr(pickle.loads(pickle.dumps(reply)))
    again = client.chat("x")
    assert len(again.attempts) == 2
    check(again, *again.attempts, *hook.told)
    assert mock.requests[0].headers["authorization"] == "***"


def test_a_stream_that_is_closed() -> None:
    client = secretive("sync", MockProvider(script.text("Hi there")), Noting())
    with client.stream("x") as stream:
        next(stream)
        check(stream, stream.partial)
    with pytest.raises(DeepSeekV4Error) as caught:
        stream.reply()
    check(caught.value)


WRONG: dict[str, dict[str, Any]] = {
    "a key with a blank": {"api_key": f"{CANARY} {CANARY}"},
    "a key in bytes": {"api_key": CANARY.encode()},
    "a URL with a key": {"base_url": f"http://u:{CANARY}@localhost"},
    "a URL with a query": {"base_url": f"http://localhost?key={CANARY}"},
    "a proxy that is none": {"proxy": f"ftp://u:{CANARY}@localhost"},
    "a proxy with a bad port": {"proxy": f"http://u:{CANARY}@localhost:x"},
    "a header with a line end": {"default_headers": {"x": f"{CANARY}\n"}},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_setting(case: str) -> None:
    with pytest.raises(DeepSeekV4Error) as caught:
        DeepSeekV4("vllm", **{"base_url": "http://localhost:8000", "api_key": CANARY, **WRONG[case]})
    check(caught.value)


def test_a_wrong_profile(tmp_path: Path) -> None:
    file = tmp_path / "deepseek_v4.toml"
    lines: list[str] = [
        "max_retries = -1",
        "timeout = 0",
        "modle = 'x'",
        "thinking = 'deep'",
        "base_url = 5",
        "proxy = 1",
    ]
    for line in lines:
        file.write_text(f"default = 'a'\n[profiles.a]\nprovider = 'vllm'\napi_key = '{CANARY}'\n{line}\n")
        with pytest.warns(UserWarning, match="holds a key") as warned, pytest.raises(DeepSeekV4Error) as caught:
            DeepSeekV4.from_profile(path=file)
        check(caught.value, *(str(warning.message) for warning in warned))


@pytest.mark.parametrize("wire", ["stream", "plain"])
def test_both_wires_of_a_good_answer(wire: str) -> None:
    good = (
        answer(say("Hi"), finish("stop"), DONE)
        if wire == "stream"
        else answer(plain("stop", content="Hi"), headers=JSON)
    )
    hook = Noting()
    reply = secretive("sync", Played("vllm", Replay(good)), hook).chat("x", wire=wire)
    check(reply, *hook.told)


CLI: list[Callable[[Path], list[str]]] = [
    lambda path: ["--flavor", "nope"],
    lambda path: ["--port", "x"],
    lambda path: ["--script", str(path / "none.py")],
    lambda path: ["--chaos", "x"],
]


@pytest.mark.parametrize("arguments", CLI)
def test_the_command_line(arguments: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("VLLM_API_KEY", "NVIDIA_API_KEY", "DEEPSEEK_API_KEY"):
        monkeypatch.setenv(variable, CANARY)
    result = CliRunner().invoke(app, ["mock-server", "--port", "0", *arguments(tmp_path)])
    assert result.exit_code == 2
    assert CANARY not in result.output + result.stderr + repr(result.exception)
