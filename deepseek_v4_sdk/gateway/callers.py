"""Checks of callers: keys, and the rules that keep a web page from spending the user's money."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepseek_v4_sdk import ConfigurationError
from deepseek_v4_sdk.gateway.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping, Sequence

    from pydantic import SecretStr
    from starlette.datastructures import Headers

__all__ = ["Caller", "Callers", "is_loopback"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls.

    Attributes:
        id: A digest of the key: the same for the same key, and of no use to anybody who reads it.
    """

    id: str


def is_loopback(host: str | None) -> bool:
    """Whether the name or address leads to this machine and to no other."""
    if not host:
        return False
    name = host.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or (mapped is not None and mapped.is_loopback)


class Callers:
    """Lets requests in, or refuses them.

    Args:
        keys: The keys of those who may call. Without any, everybody on this machine may.
        hosts: Host names that are accepted in addition to the loopback ones.
        origins: Origins of web pages that may call.
        any_content_type: Whether bodies need not be `application/json`.

    Raises:
        ConfigurationError: A key is empty, or two are the same.
    """

    def __init__(
        self,
        keys: Sequence[str | SecretStr] = (),
        hosts: Sequence[str] = (),
        origins: Sequence[str] = (),
        *,
        any_content_type: bool = False,
    ) -> None:
        plain = [key if isinstance(key, str) else key.get_secret_value() for key in keys]
        if not all(key.strip() for key in plain):
            raise ConfigurationError("a caller's key is empty: give each caller a key")
        if len(set(plain)) < len(plain):
            raise ConfigurationError("two callers have the same key: give each caller another key")
        # Only digests are kept: what shows the attributes of this object shows no key.
        self._keys = tuple(_digest(key) for key in plain)
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)
        self._any_content_type = any_content_type

    @property
    def has_keys(self) -> bool:
        """Whether callers need a key."""
        return bool(self._keys)

    def admit(self, scope: MutableMapping[str, Any], headers: Headers) -> Caller:
        """The caller of a request.

        Raises:
            Refusal: The request may not come in; the text says why, and what to do.
        """
        self._check_host(scope, headers)
        self._check_origin(scope, headers)
        if scope["method"] == "POST":
            self._check_content_type(headers)
        return self._check_key(headers)

    def _check_host(self, scope: Mapping[str, Any], headers: Headers) -> None:
        peer, server = scope.get("client"), scope.get("server")
        host = _host_of(headers.get("host", ""))
        if not self._keys and peer is not None and not is_loopback(peer[0]):
            raise Refusal(403, "this gateway has no keys, and so serves its own machine only: give it a key")
        on_loopback = server is None or is_loopback(server[0])
        if (on_loopback or not self._keys) and not is_loopback(host) and host not in self._hosts:
            raise Refusal(
                403,
                f"the name {host[:100]!r} is not one of this gateway's: call it as 127.0.0.1 or localhost, or start it "
                "with this name among its allowed hosts",
                code="host_not_allowed",
            )

    def _check_origin(self, scope: Mapping[str, Any], headers: Headers) -> None:
        origin = headers.get("origin")
        if origin is None:
            return
        given = origin.rstrip("/").lower()
        own = f"{scope.get('scheme', 'http')}://{headers.get('host', '').lower()}"
        if given != own and given not in self._origins and "*" not in self._origins:
            raise Refusal(
                403,
                f"a web page of {origin[:100]!r} may not call this gateway: start it with this origin among its "
                "allowed origins if it may",
                code="origin_not_allowed",
            )

    def _check_content_type(self, headers: Headers) -> None:
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" and not self._any_content_type:
            raise Refusal(415, f"the body is {kind[:60] or 'of no type'!r}: send application/json")
        packed = headers.get("content-encoding", "identity").lower()
        if packed != "identity":
            raise Refusal(415, f"the body is packed with {packed[:60]!r}: send it unpacked")

    def _check_key(self, headers: Headers) -> Caller:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        key = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        given = _digest(key)
        known = False
        for own in self._keys:  # every key is compared, so that the time reveals nothing
            known |= hmac.compare_digest(own, given)
        if self._keys and not known:
            problem = "the key is wrong" if key else "the key is missing"
            raise Refusal(
                401,
                f"{problem}: send a key of this gateway as 'Authorization: Bearer ...' or 'x-api-key'",
                code="invalid_api_key",
            )
        return Caller(given)


def _digest(key: str) -> str:
    return hashlib.sha256(b"deepseek-v4 caller:" + key.encode("utf-8", "replace")).hexdigest()


def _host_of(value: str) -> str:
    """The name in a `Host` header, without its port."""
    value = value.strip().lower()
    if value.startswith("["):
        return value.partition("]")[0].strip("[]")
    return value.rpartition(":")[0] if value.count(":") == 1 else value
