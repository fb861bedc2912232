"""Hints for a failed connection: the argument that may fix it, and variables of the environment that are not read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["ConnectionHints"]

_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_PROXIES: Mapping[str, tuple[str, ...]] = {
    "https": ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"),
    "http": ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"),
}


@dataclass(frozen=True, slots=True)
class ConnectionHints:
    """The settings of a client's connections.

    Attributes:
        proxy: Whether it has a proxy.
        ca_bundle: Whether it has its own certificates.
    """

    proxy: bool
    ca_bundle: bool

    def hint(self, url: str, detail: str) -> str:
        """Suggest a fix for a failed connection, for the end of the error's text; empty if none is known.

        The client does not read the environment for certificates and proxies: it would silently decide where a key
        goes. A program on a machine that depends on it gets a hint about the argument to use instead.

        Args:
            url: The URL of the request.
            detail: The failure, in the words of OpenSSL or the HTTP library.
        """
        words = detail.lower()
        if "certificate" in words and "verif" in words:
            if self.ca_bundle:
                return "; the certificates in ca_bundle do not vouch for this server"
            return f"; give ca_bundle, a file with the certificate that signed the server's{_unread(_CERTIFICATES)}"
        if "wrong_version_number" in words or "record layer failure" in words:
            return "; the server there does not use TLS: give an address with http://, if this is intended"
        if self.proxy:
            return "; the way there is the client's proxy"
        variables = _unread(_PROXIES.get(urlsplit(url).scheme, ()))
        if variables:
            return f"; if the way out is a proxy, give proxy{variables}"
        return (
            "; nothing listens at that address: start the server, or correct the address" if "refused" in words else ""
        )


def _unread(names: Iterable[str]) -> str:
    found = [name for name in names if os.environ.get(name)]
    if not found:
        return ""
    return f" ({', '.join(found)} {'is' if len(found) == 1 else 'are'} set, and not read)"
