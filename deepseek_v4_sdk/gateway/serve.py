"""Serving a gateway on a socket."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from deepseek_v4_sdk import ConfigurationError
from deepseek_v4_sdk.gateway.app import Gateway
from deepseek_v4_sdk.gateway.callers import is_loopback
from deepseek_v4_sdk.support.installed import install_command

if TYPE_CHECKING:
    from uvicorn import Server

__all__ = ["prepare", "serve"]


def serve(
    gateway: Gateway, *, host: str = "127.0.0.1", port: int = 8100, started: Callable[[str], object] | None = None
) -> None:
    """Serve until interrupted.

    Args:
        gateway: The gateway.
        host: The address to listen on. Other addresses than loopback need a gateway with keys.
        port: The port; 0 takes any free one.
        started: Called with the base URL, from when on clients can connect.

    Raises:
        ConfigurationError: The port is taken, the address is open to others and the gateway has no keys, or the extra
            `server` is not installed.
    """
    server, listener, url = prepare(gateway, host=host, port=port)
    if started is not None:
        started(url)
    server.run([listener])


def prepare(gateway: Gateway, *, host: str, port: int) -> tuple[Server, socket.socket, str]:
    """A server that listens, its socket and its base URL.

    Raises:
        ConfigurationError: As `serve`.
    """
    if not is_loopback(host) and not gateway.has_keys:
        raise ConfigurationError(
            f"{host} can be reached from other machines, and the gateway has no keys: give it a key for each caller"
        )
    try:
        import uvicorn
    except ImportError:
        raise ConfigurationError(
            f"the gateway needs uvicorn: {install_command('server', 'starlette', 'uvicorn')}"
        ) from None
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With a named protocol asyncio sends each block at once (TCP_NODELAY).
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"port {port} of {host} cannot be used: {error.strerror}; give another port (0 takes any free one)"
        ) from None
    config = uvicorn.Config(
        gateway,
        interface="asgi3",
        lifespan="off",
        log_level="warning",
        access_log=False,  # it would write paths and addresses; the gateway has another log
        proxy_headers=False,  # a header could claim that the call comes from this machine
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )
    shown = f"[{host}]" if ":" in host else host
    return uvicorn.Server(config), listener, f"http://{shown}:{listener.getsockname()[1]}/v1"
