"""Addresses on the wire are those that httpx would write."""

from __future__ import annotations

import httpx
import pytest

from deepseek_v4_sdk.providers import read_base_url
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
