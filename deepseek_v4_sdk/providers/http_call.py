"""One HTTP request as data, and its target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit, urlunsplit

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.catalogue.models import Catalogue
from deepseek_v4_sdk.chat import Repair
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.providers.learned_limits import LEARNED, LearnedLimits

if TYPE_CHECKING:
    from pydantic import SecretStr

    from deepseek_v4_sdk.catalogue.prices import PriceTable
else:
    SecretStr = late_type("pydantic", "SecretStr")
    PriceTable = late_type("deepseek_v4_sdk.catalogue.prices", "PriceTable")

__all__ = ["EncodedChat", "HttpCall", "Target", "ascii_host", "read_base_url"]


@dataclass(slots=True, eq=False)
class HttpCall:
    """One HTTP request.

    Attributes:
        method: "GET" or "POST".
        url: The whole URL.
        headers: Name and value; not in the repr, because the key is among them.
        body: The encoded body, or None.
        successors: The models that replace the requested one, should the server report that it has ended.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    successors: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class EncodedChat:
    """A chat in one server's form, and the decisions made to get there.

    Attributes:
        call: The HTTP request.
        model: The model name that was sent, or None where the server has one model and needs no name.
        max_tokens: The limit that was sent, or None.
        repairs: The decisions made for the caller.
        raw_output: The beginning of the answer where it is raw output, as for a rendered prompt; None for a chat.
    """

    call: HttpCall
    model: str | None
    max_tokens: int | None
    repairs: tuple[Repair, ...] = ()
    raw_output: Literal["reasoning", "text"] | None = None


@dataclass(slots=True, eq=False)
class Target:
    """The server a client talks to.

    Attributes:
        base_url: Scheme, host and path prefix, without a final slash or `/v1`.
        key: Returns the key for each request, or None when there is none.
        headers: Headers of every request.
        catalogue: The known models.
        prices: The prices of tokens; None for the built-in prices.
        served_model: The only model of a server that requires a name, once it is known.
        served: All models of the server, once they are known.
        server_version: The server's version, where the user declared it.
        limits: The limits that servers have revealed by refusing.
    """

    base_url: str
    key: Callable[[], SecretStr | None] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    catalogue: Catalogue = field(default_factory=Catalogue, repr=False)
    prices: PriceTable | None = field(default=None, repr=False)
    served_model: str | None = None
    served: tuple[str, ...] = ()
    server_version: str | None = None
    limits: LearnedLimits = field(default=LEARNED, repr=False)


def ascii_host(host: str) -> str:
    """The name of a host in the form of the DNS.

    Raises:
        ValueError: No host can have that name.
    """
    if host.isascii():
        return host
    import idna  # few hosts need it

    return idna.encode(host.lower()).decode("ascii")


# Paths that V4's servers and their gateways serve below the base URL. The first two can be nothing else; a path that
# ends with another of these names is a prefix unless a version (`/v1`) precedes it.
_ALONE = ("/chat/completions", "/completions")
_ENDPOINTS = (*_ALONE, "/models", "/responses", "/messages", "/embeddings")


def read_base_url(value: str, suffixes: tuple[str, ...] = ("/v1",)) -> str:
    """Normalize a base URL: with or without a final slash or one of the suffixes it means the same.

    So does a whole endpoint, as in examples of curl and consoles (`https://host/v1/chat/completions`).

    Raises:
        ConfigurationError: It is not an http(s) URL, or has a user, a query or a fragment.
    """
    value = value.strip()
    if not value.isprintable() or " " in value:
        raise ConfigurationError("base_url holds blanks or control characters: give one such as http://localhost:8000")
    try:
        parts = urlsplit(value)
        port = parts.port
        ascii_host(parts.hostname or "").encode("idna")  # it checks the length of each label
    except ValueError:  # its text may hold a part of a password
        raise ConfigurationError(
            "base_url is not a valid URL, its host or port is wrong: give one such as http://localhost:8000"
        ) from None
    if parts.username or parts.password:
        raise ConfigurationError("base_url holds a user name or password: give the key as api_key")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        shown = "not an http or https URL" if "@" in value else repr(value)  # the text before an @ holds a password
        raise ConfigurationError(f"base_url is {shown}: give one such as http://localhost:8000")
    if parts.query or parts.fragment:
        raise ConfigurationError("base_url holds a query or a fragment: give only scheme, host and path")
    path = parts.path.rstrip("/")
    endpoint = next((end for end in _ENDPOINTS if path.endswith(end)), "")
    if endpoint.startswith(_ALONE) or path.removesuffix(endpoint).rstrip("/").endswith(suffixes):
        path = path.removesuffix(endpoint).rstrip("/")
    path = next((path.removesuffix(suffix) for suffix in suffixes if path.endswith(suffix)), path).rstrip("/")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return urlunsplit((parts.scheme, host if port is None else f"{host}:{port}", path, "", ""))
