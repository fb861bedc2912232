"""Addresses in the form that goes over the wire: only ASCII."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from deepseek_v4_sdk.providers.http_call import ascii_host

__all__ = ["wire_url"]

_PORTS = {"http": 80, "https": 443}
# Characters that RFC 3986 allows in a path or a query, and the sign of a quoted one.
_PLAIN = "!$&'()*+,;=:@/?%"


def wire_url(url: str) -> str:
    """Return a URL with its host in the form of the DNS, without the scheme's own port, and with all else quoted."""
    parts = urlsplit(url)
    host = ascii_host(parts.hostname or "")
    if ":" in host:
        host = f"[{host}]"
    port = "" if parts.port is None or parts.port == _PORTS.get(parts.scheme) else f":{parts.port}"
    query = f"?{quote(parts.query, _PLAIN)}" if parts.query else ""
    return f"{parts.scheme}://{host}{port}{quote(parts.path, _PLAIN) or '/'}{query}"
