"""The mock on a socket: any client, in any language, can be tested against it. Time is real here."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import httpx

from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.support.forks import let_go, renewed_in_children
from deepseek_v4_sdk.support.installed import install_command
from deepseek_v4_sdk.testing.answer import Break, ServerAnswer, Wait, json_answer
from deepseek_v4_sdk.testing.mock import MockProvider
from deepseek_v4_sdk.testing.transport import Answering, prepare

if TYPE_CHECKING:
    from types import TracebackType

    from uvicorn import Server


__all__ = ["MockServer"]

_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]
_Peer: TypeAlias = tuple[str, int]


class MockServer:
    """A mock at a port, in its own thread, while the `with` block lasts.

    At the end it raises what went wrong with the script: a `MockScriptError`, or what a function in it raised.

    Args:
        mock: A mock or a replayer; without it a mock that answers from its input.
        host: The address to listen on.
        port: The port, or 0 for any free one.

    Raises:
        ConfigurationError: The port is taken, the extra `server` is not installed, or `mock` cannot answer,
            as a recorder does not.

    Attributes:
        mock: The mock or the replayer.
        url: Its base URL, once it runs.
        disconnects: How many clients went away before their answer had ended.
    """

    def __init__(self, mock: Answering | None = None, *, host: str = "127.0.0.1", port: int = 0) -> None:
        if mock is not None and not callable(getattr(mock, "handle", None)):
            raise ConfigurationError(f"{mock!r} does not answer requests: give a mock or a replayer")
        self.mock: Answering = MockProvider() if mock is None else mock
        self.url = ""
        self.disconnects = 0
        self._address = (host, port)
        self._transports: dict[_Peer, asyncio.Transport] = {}
        self._failures: list[Exception] = []
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._listener: socket.socket | None = None
        renewed_in_children(self)

    def leave_to_parent(self) -> None:
        """Stop serving, in a child: the thread is the parent's, and so are port and connections."""
        self._server = self._thread = None
        self._failures.clear()
        for transport in self._transports.values():
            let_go(transport)
        self._transports.clear()
        if self._listener is not None:
            self._listener.close()

    def __enter__(self) -> Self:
        server, sock = self._prepare()
        self._listener = sock
        self._failures.clear()
        self._server = server
        self._thread = threading.Thread(target=server.run, args=([sock],), name="deepseek-v4-mock", daemon=True)
        self._thread.start()
        while not server.started:
            if not self._thread.is_alive():
                sock.close()
                raise ConfigurationError("the mock server did not start")
            self._thread.join(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._server.force_exit = True  # answers that are silent for ten minutes are not waited for
            self._thread.join()
        if self._failures and kind is None:
            raise self._failures[0]

    def run(self, started: Callable[[str], object] | None = None) -> None:
        """Serve in the foreground until interrupted.

        Args:
            started: Called with the URL, from when on clients can connect.

        Raises:
            ConfigurationError: The port is taken, or the extra `server` is not installed.
        """
        server, sock = self._prepare()
        if started is not None:
            started(self.url)
        server.run([sock])

    def _prepare(self) -> tuple[Server, socket.socket]:
        try:
            import uvicorn
            from uvicorn.protocols.http.h11_impl import H11Protocol
        except ImportError:
            raise ConfigurationError(f"the mock server needs uvicorn: {install_command('server', 'uvicorn')}") from None
        transports = self._transports

        class Protocol(H11Protocol):
            """Keeps the transport of each client, so that a connection can be broken under it."""

            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                transports[transport.get_extra_info("peername")[:2]] = transport
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                transports.pop(self.transport.get_extra_info("peername")[:2], None)
                super().connection_lost(exc)

        host, port = self._address
        # The protocol is named because only then asyncio sends each block at once without waiting for the previous one.
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(self._address)
            sock.listen()  # a client that connects before the server accepts waits in the queue
        except OSError as error:
            sock.close()
            raise ConfigurationError(f"port {port} of {host} cannot be used: {error.strerror}") from None
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{sock.getsockname()[1]}"
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            http=Protocol,
            lifespan="off",
            log_level="critical",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        return uvicorn.Server(config), sock

    async def _app(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            await prepare(self.mock, scope["path"], body)
            answer = self.mock.handle(scope["method"], scope["path"], headers, body)
        except Exception as error:  # noqa: BLE001  # a script's own function may raise anything, and the test must see it
            self._failures.append(error)
            answer = json_answer(500, {"error": {"message": str(error), "type": type(error).__name__, "code": 500}})
        sending = asyncio.ensure_future(self._send(answer, scope, send))
        leaving = asyncio.ensure_future(receive())  # after the body ASGI reports only the disconnect
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                self.disconnects += 1
        finally:
            sending.cancel()
            leaving.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            answer.end()

    async def _send(self, answer: ServerAnswer, scope: _Message, send: _Send) -> None:
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
        if answer.status:
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        for part in answer.parts:
            if isinstance(part, Wait):
                await asyncio.sleep(part.seconds)
            elif isinstance(part, Exception):
                if not isinstance(part, httpx.TransportError):
                    self._failures.append(part)
                self._break(Break("reset"), scope)
                return
            elif isinstance(part, Break):
                await asyncio.sleep(0.01)  # the blocks sent before go out first
                self._break(part, scope)
                return
            else:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _break(self, end: Break, scope: _Message) -> None:
        transport = self._transports.get(tuple(scope["client"]))
        if transport is None:
            return
        if end.kind == "cut":
            transport.close()
            return
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
