"""What carries requests is chosen by name, never by what is installed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, ConfigurationError, DeepSeekV4
from deepseek_v4_sdk.support.installed import install_command

HERE = "http://localhost:8000"


def complaint(kind: Any = AsyncDeepSeekV4, **arguments: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        kind("vllm", base_url=HERE, **{"transport": "aiohttp", **arguments})
    return str(caught.value)


def test_what_cannot_be() -> None:
    assert complaint(transport="curl") == "transport is 'curl': give 'httpx' or 'aiohttp'"
    assert "use AsyncDeepSeekV4, or leave it out" in complaint(DeepSeekV4)
    assert "give one of them" in complaint(http_client=httpx.AsyncClient())
    assert "does not know" in complaint(proxy="socks5://localhost:1080")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    assert install_command("fast", "aiohttp") in complaint()
    AsyncDeepSeekV4("vllm", base_url=HERE)


def test_in_a_profile(tmp_path: Path) -> None:
    file = tmp_path / "deepseek_v4.toml"
    file.write_text(f'default = "p"\n[profiles.p]\nprovider = "vllm"\nbase_url = "{HERE}"\ntransport = "aiohttp"\n')
    assert AsyncDeepSeekV4.from_profile(path=file).explain()["transport"].value == "aiohttp"
    with pytest.raises(ConfigurationError, match="only async"):
        DeepSeekV4.from_profile(path=file)


def test_another_transport_is_another_set_of_connections() -> None:
    client = AsyncDeepSeekV4("vllm", base_url=HERE)
    assert client.with_options(max_retries=0)._transports.find(0) is client._transports.find(0)
    assert client.with_options(transport="aiohttp")._transports.find(0) is not client._transports.find(0)
