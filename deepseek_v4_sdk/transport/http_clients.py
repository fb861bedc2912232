"""The shape of the HTTP client that a user may bring: `httpx` and `httpx2` have it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

__all__ = ["AsyncHttpClient", "HttpClient"]


class BuildsRequests(Protocol):
    """An HTTP client that makes a request before it sends it."""

    def build_request(
        self,
        method: str,
        url: str,
        *,
        headers: list[tuple[str, str]],
        content: bytes | None,
        extensions: dict[str, object],
    ) -> object:
        """Make a request."""
        ...


class HttpClient(BuildsRequests, Protocol):
    """An `httpx.Client`, an `httpx2.Client`, or another blocking client of their shape."""

    @property
    def send(self) -> Callable[..., object]:
        """Send a request that `build_request` made, and return the answer, whose body is read later."""
        ...


class AsyncHttpClient(BuildsRequests, Protocol):
    """An `httpx.AsyncClient`, an `httpx2.AsyncClient`, or another awaited client of their shape."""

    @property
    def send(self) -> Callable[..., Awaitable[object]]:
        """Send a request that `build_request` made, and return the answer, whose body is read later."""
        ...
