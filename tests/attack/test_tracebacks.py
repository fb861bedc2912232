"""What a tracker of errors writes down of an error: every variable of every frame, and no key among them."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import deepseek_v4_sdk
from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, DeepSeekV4Error, RateLimits, Timeouts
from tests.attack.harness import HostileServer, answered, in_each_way_of_ours, json_answer, stream_answer
from tests.support.hostile_server import HEAD, chunk_of
from tests.support.wire import DONE, finish, say

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

KEY = "canary-of-the-user-123"
PACKAGE = str(Path(deepseek_v4_sdk.__file__).parent)
HASTY = Timeouts(connect=0.2, first_event=0.2, idle=0.2, total=0.5)


def variables(error: BaseException) -> Iterator[tuple[str, str, str]]:
    """Each variable of a frame of the package in an error and those behind it: where, its name, and how it is shown."""
    left = [traceback.TracebackException.from_exception(error, capture_locals=True)]
    while left:
        each = left.pop()
        for frame in each.stack:
            if frame.filename.startswith(PACKAGE):
                for name, shown in (frame.locals or {}).items():
                    yield f"{frame.filename}:{frame.lineno}", name, shown
        left += [behind for behind in (each.__cause__, each.__context__) if behind is not None]


def check(error: BaseException) -> None:
    seen = list(variables(error))
    assert seen
    assert [place for place in seen if KEY in place[2] or "repr() failed" in place[2]] == []
    assert KEY not in "".join(traceback.format_exception(error))


WRONG: dict[str, dict[str, Any]] = {
    "address": {"base_url": "nowhere", "api_key": KEY},
    "key": {"api_key": f"{KEY}\n{KEY}"},
    "timer": {"api_key": KEY, "timeout": -1},
    "header": {"default_headers": {"x-key": f"{KEY}\n"}},
    "other header": {"default_headers": {"x-key": KEY}, "max_retries": -1},
    "proxy": {"proxy": f"ftp://me:{KEY}@127.0.0.1"},
    "fallback": {"fallback": [{"provider": "vllm", "api_key": KEY}]},
    "client": {"api_key": KEY, "http_client": object()},
    "endpoints": {"base_url": None, "api_key": KEY, "endpoints": ["nowhere"]},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
@pytest.mark.parametrize("kind", [DeepSeekV4, AsyncDeepSeekV4])
def test_a_client_that_cannot_be_made(kind: Any, wrong: dict[str, Any]) -> None:
    given = {"base_url": "http://127.0.0.1:9", **wrong}
    with pytest.raises(DeepSeekV4Error) as caught:
        kind("vllm", **given)
    check(caught.value)
    sound = kind("vllm", base_url="http://127.0.0.1:9", model="m", api_key=KEY)
    with pytest.raises(DeepSeekV4Error) as caught:
        sound.with_options(**given)
    check(caught.value)


@pytest.mark.parametrize("wrong", ["base_url = 'nowhere'", "wrong = 1", "max_retries = -1"])
def test_a_profile_that_holds_a_key(wrong: str, tmp_path: Path) -> None:
    file = tmp_path / "deepseek_v4.toml"
    file.write_text(f"[profiles.x]\nprovider = 'vllm'\napi_key = '{KEY}'\n{wrong}\n")
    file.chmod(0o600)
    with pytest.warns(UserWarning, match="holds a key"), pytest.raises(DeepSeekV4Error) as caught:
        DeepSeekV4.from_profile("x", path=file)
    check(caught.value)


def waits(connection: socket.socket, server: HostileServer) -> None:
    server.hear(connection)
    server.ended.wait(10)


def breaks_off(connection: socket.socket, server: HostileServer) -> None:
    server.hear(connection)
    connection.sendall(HEAD + chunk_of(say("Hi")))


def leaves(connection: socket.socket, server: HostileServer) -> None:
    server.hear(connection)


REFUSAL = b'{"error": {"message": "wrong: %s"}}' % KEY.encode()
ANSWERS: dict[str, Callable[[socket.socket, HostileServer], None]] = {
    **{
        f"{status}": answered(json_answer(REFUSAL, status))
        for status in (400, 401, 402, 403, 404, 410, 429, 500, 503, 504)
    },
    "no json": answered(json_answer(b"<html>" + KEY.encode())),
    "empty": answered(HEAD + b"".join(map(chunk_of, (finish("stop"), DONE, b"")))),
    "cut": answered(HEAD + b"".join(map(chunk_of, (say("Hi"), finish("length"), DONE, b"")))),
    "silent": waits,
    "broken off": breaks_off,
    "gone": leaves,
}
CALLS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "chat": ("chat", ("x",)),
    "run_tools": ("run_tools", ("x", [])),
    "parse": ("parse", ("x", int)),
}


@in_each_way_of_ours
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=list(ANSWERS))
def test_a_call_that_fails(way: str, answer: Any) -> None:
    errors: list[DeepSeekV4Error] = []
    with HostileServer(answer) as server:
        given: dict[str, Any] = {
            "base_url": server.url,
            "model": "m",
            "api_key": KEY,
            "max_retries": 0,
            "timeout": HASTY,
            "limits": RateLimits(concurrency=9),
            "default_headers": {"x-other-key": KEY},
        }
        options: dict[str, Any] = {"extra_headers": {"x-third-key": KEY}}

        async def run() -> None:
            transport: Any = "aiohttp" if way == "aiohttp" else "httpx"
            async with AsyncDeepSeekV4("vllm", transport=transport, **given) as client:
                for name, arguments in CALLS.values():
                    try:
                        await getattr(client, name)(*arguments, **options)
                    except DeepSeekV4Error as error:
                        errors.append(error)

        if way == "sync":
            with DeepSeekV4("vllm", **given) as client:
                for name, arguments in CALLS.values():
                    try:
                        getattr(client, name)(*arguments, **options)
                    except DeepSeekV4Error as error:
                        errors.append(error)
        else:
            asyncio.run(run())
    assert errors
    assert options == {"extra_headers": {"x-third-key": KEY}}
    for error in errors:
        check(error)


def test_a_call_that_is_wrong() -> None:
    client = DeepSeekV4("vllm", base_url="http://127.0.0.1:9", model="m", api_key=KEY)
    for options in ({"extra_headers": {"x": f"{KEY}\n"}}, {"extra_headers": {"x": KEY}, "temperature": "hot"}):
        for call in (client.chat, client.stream, lambda *given, **more: client.run_tools(*given, [], **more)):
            with pytest.raises(DeepSeekV4Error) as caught:
                call("x", **options)  # type: ignore[operator]
            check(caught.value)


def test_the_key_goes_out_all_the_same() -> None:
    with HostileServer(answered(stream_answer("Hi"))) as server, httpx.Client():
        with DeepSeekV4("vllm", base_url=server.url, model="m", api_key=KEY) as client:
            client.chat("x", extra_headers={"x-third-key": KEY + "3"})
        assert f"bearer {KEY}".encode() in server.requests[0].lower()
        assert f"x-third-key: {KEY}3".encode() in server.requests[0].lower()


def test_what_is_half_made_is_shown() -> None:
    """Whoever shows the variables of a frame shows objects whose `__init__` has just raised."""
    shown = 0
    for module in pkgutil.walk_packages(deepseek_v4_sdk.__path__, "deepseek_v4_sdk."):
        if module.name.endswith("__main__") or "._pyinstaller." in module.name:
            continue  # what runs, and what only PyInstaller can load
        if ".integrations." in module.name:
            continue  # each needs its framework
        for cls in vars(importlib.import_module(module.name)).values():
            own = isinstance(cls, type) and cls.__module__ == module.name and "__init__" in vars(cls)
            if own and "__repr__" in dir(cls) and not hasattr(cls, "__dataclass_fields__"):
                shown += bool(repr(object.__new__(cls)) if cls.__new__ is object.__new__ else "else")
    assert shown > 20
