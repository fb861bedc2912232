"""One HTTP request as data, and the place it goes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from deepseek_v4_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic import SecretStr

    from deepseek_v4_sdk.chat import Repair

__all__ = ["EncodedChat", "HttpCall", "Target", "read_base_url"]


@dataclass(frozen=True, slots=True)
class HttpCall:
    """One HTTP request.

    Attributes:
        method: "GET" or "POST".
        url: The whole URL.
        headers: Name and value; not in the repr, for the key is among them.
        body: The encoded body, or None.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class EncodedChat:
    """A chat in one server's form, and what had to be decided to get there.

    Attributes:
        call: The HTTP request.
        model: The model name that was sent, or None where the server has one model and needs no name.
        max_tokens: The limit that was sent, or None.
        repairs: What was decided for the caller.
    """

    call: HttpCall
    model: str | None
    max_tokens: int | None
    repairs: tuple[Repair, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """The server a client talks to.

    Attributes:
        base_url: Scheme, host and path prefix, without a final slash or `/v1`.
        key: Gives the key at each request, or None when there is none.
        headers: Headers of every request.
    """

    base_url: str
    key: Callable[[], SecretStr | None] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


def read_base_url(value: str) -> str:
    """Bring a base URL into one form: with or without a final slash or `/v1` it means the same.

    Raises:
        ConfigurationError: It is no http(s) URL, or carries a user, a query or a fragment.
    """
    try:
        parts = urlsplit(value.strip())
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"base_url is no URL ({error}): give one such as http://localhost:8000") from None
    if parts.username or parts.password:
        raise ConfigurationError("base_url holds a user name or password: give the key as api_key")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(f"base_url is {value!r}: give one such as http://localhost:8000")
    if parts.query or parts.fragment:
        raise ConfigurationError("base_url holds a query or a fragment: give scheme, host and path alone")
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return urlunsplit((parts.scheme, host if port is None else f"{host}:{port}", path, "", ""))
