"""A connection that cannot be made says what to give: `ca_bundle`, `proxy`, and which variables are not read."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme

from deepseek_v4_sdk import ConnectionFailedError, DeepSeekV4
from deepseek_v4_sdk.transport.hints import ConnectionHints
from tests.support.calls import failure, in_each_mode
from tests.support.hostile_server import HostileServer

if TYPE_CHECKING:
    import socket
    from pathlib import Path

VARIABLES = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
]
SIGNED = trustme.CA().issue_cert("localhost", "127.0.0.1")
CLOSED = "127.0.0.1:9"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def signed_by_a_stranger(connection: socket.socket, server: HostileServer) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    SIGNED.configure_cert(context)
    with suppress(OSError):  # the client hangs up
        context.wrap_socket(connection, server_side=True).close()


@in_each_mode
@pytest.mark.parametrize("name", [None, "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_certificate_of_an_unknown_issuer(mode: str, name: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if name is not None:
        monkeypatch.setenv(name, "/etc/company.pem")
    with HostileServer(signed_by_a_stranger) as server:
        text = str(failure(mode, server.url.replace("http", "https")))
    assert "; give ca_bundle, a file" in text
    assert (f"({name} is set, and not read)" in text) is (name is not None)
    assert "company.pem" not in text


@in_each_mode
def test_certificates_that_do_not_vouch_for_it(mode: str, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    with HostileServer(signed_by_a_stranger) as server:
        text = str(failure(mode, server.url.replace("http", "https"), ca_bundle=str(tmp_path / "other.pem")))
    assert "; the certificates in ca_bundle do not vouch for this server" in text


@in_each_mode
@pytest.mark.parametrize(
    ("scheme", "names", "said"),
    [
        ("https", ["HTTPS_PROXY"], "HTTPS_PROXY is set, and not read"),
        ("http", ["http_proxy"], "http_proxy is set, and not read"),
        ("https", ["HTTPS_PROXY", "all_proxy"], "HTTPS_PROXY, all_proxy are set, and not read"),
        ("http", ["ALL_PROXY"], "ALL_PROXY is set, and not read"),
        ("http", ["HTTPS_PROXY"], None),
        ("https", [], None),
    ],
)
def test_a_proxy_of_the_environment(
    mode: str, scheme: str, names: list[str], said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in names:
        monkeypatch.setenv(name, "http://me:secret@proxy.example:3128")
    error = failure(mode, f"{scheme}://{CLOSED}")
    assert type(error) is ConnectionFailedError
    assert ("give proxy (" in str(error)) is (said is not None)
    assert said is None or said in str(error)
    assert "secret" not in str(error)
    assert "proxy.example" not in str(error)


@in_each_mode
def test_the_clients_own_proxy_is_named(mode: str) -> None:
    assert "; the way there is the client's proxy" in str(failure(mode, "http://a.example", proxy=f"http://{CLOSED}"))


@in_each_mode
def test_a_server_without_tls(mode: str) -> None:
    def plain(connection: socket.socket, server: HostileServer) -> None:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with HostileServer(plain) as server:
        assert "does not use TLS" in str(failure(mode, server.url.replace("http", "https")))


def test_a_client_that_was_brought_knows_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    with httpx.Client(trust_env=False) as brought, pytest.raises(ConnectionFailedError) as caught:
        DeepSeekV4("vllm", base_url=f"http://{CLOSED}", model="m", http_client=brought, max_retries=0).chat("x")
    assert "proxy" not in str(caught.value)


def test_a_connection_that_hangs_names_the_proxy_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert (
        ConnectionHints(proxy=False, ca_bundle=False)
        .hint("https://a.example", "timed out")
        .startswith("; if the way out")
    )
    assert (
        ConnectionHints(proxy=True, ca_bundle=False).hint("https://a.example", "timed out")
        == "; the way there is the client's proxy"
    )
