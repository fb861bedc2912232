"""What to give when no connection could be made: the argument for it, and which variables are set and not read."""

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
    """What a client was told of the way to its servers.

    Attributes:
        proxy: Whether it has a proxy.
        ca_bundle: Whether it has certificates of its own.
    """

    proxy: bool
    ca_bundle: bool

    def hint(self, url: str, detail: str) -> str:
        """What may mend a connection that could not be made, to stand behind what went wrong; empty if that is unknown.

        The environment is not read for certificates and proxies: it would decide in silence where a key goes. A program
        on a machine that depends on it is told what to give instead.

        Args:
            url: Where the request goes.
            detail: What went wrong, as OpenSSL or the HTTP library says it.
        """
        words = detail.lower()
        if "certificate" in words and "verif" in words:
            if self.ca_bundle:
                return "; the certificates in ca_bundle do not vouch for this server"
            return f"; give ca_bundle, a file with the certificate of who signed the server's{_unread(_CERTIFICATES)}"
        if "wrong_version_number" in words or "record layer failure" in words:
            return "; what answers there speaks no TLS: give an address with http://, if it is meant so"
        if self.proxy:
            return "; the way there is the client's proxy"
        variables = _unread(_PROXIES.get(urlsplit(url).scheme, ()))
        return f"; if the way out is a proxy, give proxy{variables}" if variables else ""


def _unread(names: Iterable[str]) -> str:
    found = [name for name in names if os.environ.get(name)]
    if not found:
        return ""
    return f" ({', '.join(found)} {'is' if len(found) == 1 else 'are'} set, and not read)"
