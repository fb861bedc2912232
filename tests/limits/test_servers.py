"""Servers of Redis behind TLS, and in a cluster."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from deepseek_v4_sdk import DeepSeekV4, LocalLimitError, RateLimits
from deepseek_v4_sdk.limits import RedisLimits
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.server import MockServer
from tests.limits.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(MockProvider(default=script.text("Hello."), flavor="vllm")) as server:
        yield server


def holds_two(server: MockServer, url: str, key: str = "a") -> None:
    """Two requests a minute go out, one of each kind of client, and no third one."""
    limits = RedisLimits(url, RateLimits(requests_per_minute=2))
    arguments: Any = {"base_url": server.url, "model": "deepseek-ai/DeepSeek-V4-Pro", "api_key": key}
    with DeepSeekV4("vllm", **arguments, limits=limits) as client:
        assert client.chat("Hello").text == asyncio.run(client.as_async().chat("Hello")).text
        with pytest.raises(LocalLimitError):
            client.chat("Hello", timeout=5)


def test_tls(server: MockServer, tmp_path: Path) -> None:
    authority, trusted, certificate = trustme.CA(), tmp_path / "authority.pem", tmp_path / "certificate.pem"
    authority.cert_pem.write_to_path(str(trusted))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    files = {"tls-cert-file": certificate, "tls-key-file": certificate, "tls-ca-cert-file": trusted}
    with RedisServer(options={**files, "tls-auth-clients": "no"}, authority=trusted) as redis:
        holds_two(server, redis.url)
        with redis.client() as client:
            assert client.keys()  # it was asked


def test_a_node_of_a_cluster(server: MockServer, tmp_path: Path) -> None:
    """All keys of a bucket belong to one node; one that does not have them is no server for limits."""
    options = {"cluster-enabled": "yes", "cluster-config-file": "nodes.conf"}
    with RedisServer(tmp_path, options) as redis:
        with pytest.warns(UserWarning, match="RedisLimits needs one server, and this is a node of a cluster"):
            holds_two(server, redis.url)
        with redis.client() as client:
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        holds_two(server, redis.url, "another")
