"""The exceptions of HTTP libraries, translated into failures of a request."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Literal, TypeAlias

from deepseek_v4_sdk.exchange import TransportFailure
from deepseek_v4_sdk.providers.scrub import scrub

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["as_failure"]

_Kind: TypeAlias = Literal["connect", "connect_timeout", "timeout", "broken", "protocol"]

# httpx, httpcore, httpx2 and compatible transports name these alike, so the name counts.
_KINDS: Mapping[str, _Kind] = {
    "ConnectTimeout": "connect_timeout",
    "PoolTimeout": "connect_timeout",
    "ReadTimeout": "timeout",
    "WriteTimeout": "timeout",
    "ConnectError": "connect",
    "ProxyError": "connect",
    "UnsupportedProtocol": "connect",
    "ReadError": "broken",
    "WriteError": "broken",
    "CloseError": "broken",
    "RemoteProtocolError": "broken",
    "LocalProtocolError": "protocol",
    "DecodingError": "protocol",
    "TransportError": "broken",
    # aiohttp's
    "ConnectionTimeoutError": "connect_timeout",
    "ClientConnectorError": "connect",
    "ClientHttpProxyError": "connect",
    "InvalidURL": "connect",
    "ClientError": "broken",
}


def as_failure(error: Exception) -> TransportFailure | None:
    """Translate an exception of an HTTP library; None when it is not one of theirs."""
    for cls in type(error).__mro__:
        kind = _KINDS.get(cls.__name__)
        if kind is not None:
            return TransportFailure(kind, _detail(error))
    if isinstance(error, ssl.SSLError):
        return TransportFailure("connect", _detail(error))
    if isinstance(error, TimeoutError):
        return TransportFailure("timeout", _detail(error))
    if isinstance(error, OSError):
        return TransportFailure("broken", _detail(error))
    return None


def _detail(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None and (not str(cause) or getattr(cause, "message", None) == ""):
        cause = cause.__cause__  # some errors of aiohttp have no text
    # h11 quotes bytes that it cannot read, at any length
    return type(error).__name__ if cause is None else scrub(str(cause))
