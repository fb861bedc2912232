"""Addresses on the wire are those that httpx would write."""

from __future__ import annotations

import httpx
import pytest

from deepseek_v4_sdk.providers import find_provider
from deepseek_v4_sdk.providers.http_call import read_base_url
from deepseek_v4_sdk.transport.addresses import wire_url


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000/v1/chat/completions",
        "http://localhost",
        "http://localhost:80/v1",
        "https://api.deepseek.com:443/v1",
        "https://api.deepseek.com:80/v1",
        "http://[::1]:8000/v1",
        "http://[2001:db8::7]/v1",
        "http://müller.example/v1",
        "http://STRASSE.example/v1",
        "http://straße.example/v1",
        "http://例え.テスト/v1",
        "http://host/models/DeepSeek V4/ü",
        "http://host/100%25/%zz/%",
        "http://host/~a/(b)/c,d;e=f:g@h",
        "http://host/v1?model=ü x&n=1/2",
    ],
)
def test_as_httpx_writes_it(url: str) -> None:
    theirs = httpx.URL(url)
    ours = httpx.URL(wire_url(url))
    assert wire_url(url).isascii()
    assert (ours.raw_scheme, ours.raw_host, ours.port) == (theirs.raw_scheme, theirs.raw_host, theirs.port)
    assert (ours.raw_path, ours.netloc) == (theirs.raw_path, theirs.netloc)
    assert wire_url(wire_url(url)) == wire_url(url)


def test_an_address_that_was_read_can_be_written() -> None:
    assert wire_url(f"{read_base_url('https://Müller.Example:443/Fünf/v1/')}/v1/models") == (
        "https://xn--mller-kva.example/F%C3%BCnf/v1/models"
    )


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("http://h:1/v1/chat/completions", "http://h:1"),
        ("http://h:1/v1/chat/completions/", "http://h:1"),
        ("http://h:1/v1/completions", "http://h:1"),
        ("http://h:1/v1/models/", "http://h:1"),
        ("http://h:1/v1/responses", "http://h:1"),
        ("http://h:1/v1/messages", "http://h:1"),
        ("https://h/proxy/v1/chat/completions", "https://h/proxy"),
        ("https://h/chat/completions", "https://h"),
        ("https://h/models", "https://h/models"),  # a prefix of that name
        ("https://h/team/messages/v1", "https://h/team/messages"),
        ("https://h/completions-v1", "https://h/completions-v1"),
    ],
)
def test_a_whole_endpoint_is_its_server(given: str, read: str) -> None:
    assert read_base_url(given) == read


def test_each_provider_understands_it() -> None:
    for name in ("vllm", "nim", "nvidia", "deepseek", "dynamo", "sglang"):
        made = find_provider(name).data
        assert read_base_url("https://h/v1/chat/completions", made.base_suffixes) == "https://h"
