"""The arguments of a client: what each takes, what it says to anything else, and who wins."""

from __future__ import annotations

import math
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, Timeouts, errors
from deepseek_v4_sdk.testing import MockProvider, script
from tests.support.any_name import ANY_NAME
from tests.support.seen import Seen

if TYPE_CHECKING:
    from pathlib import Path

HERE = "http://localhost:8000"


def complaint(provider: Any = "vllm", **arguments: Any) -> str:
    """What is said about the arguments."""
    arguments.setdefault("base_url", HERE)
    with pytest.raises(errors.ConfigurationError) as caught:
        DeepSeekV4(provider, **arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    ("provider", "text"),
    [
        ("vlm", "there is no provider 'vlm' (did you mean 'vllm'?); known: "),
        ("sg-lang", "(did you mean 'sglang'?)"),
        ("VLLM", "there is no provider 'VLLM'"),
        ("openai", "there is no provider 'openai'; known: "),
        (
            "",
            "there is no provider '': say first which server it is",
        ),
        (None, "provider is NoneType: give a name such as 'vllm', or a provider"),
        (5, "provider is int: give a name"),
        (MockProvider, "provider is type: give a name"),
    ],
)
def test_a_wrong_provider_is_named_with_its_neighbour(provider: Any, text: str) -> None:
    assert text in complaint(provider)


@pytest.mark.parametrize("client", [DeepSeekV4, AsyncDeepSeekV4])
@pytest.mark.parametrize("arguments", [{}, {"base_url": "http://localhost:8000"}, {"model": "pro", "thinking": "off"}])
def test_without_a_provider_the_error_says_what_is_missing(client: Any, arguments: dict[str, Any]) -> None:
    with pytest.raises(errors.ConfigurationError, match=r"say first which server it is, such as DeepSeekV4\('vllm'"):
        client(**arguments)


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1/", "//v1//"])
@pytest.mark.parametrize("root", [HERE, "https://gateway.example/team/a", "http://[::1]:8000", "HTTP://localhost:8000"])
def test_a_base_url_means_the_same_with_and_without_v1_and_slash(root: str, tail: str) -> None:
    seen = Seen()
    with seen.client(base_url=f" {root}{tail}\n") as client:
        assert client.base_url == root.replace("HTTP:", "http:")
        with pytest.raises(errors.AuthenticationError) as caught:
            client.chat("Hi")
    assert str(seen.requests[0].url) == f"{client.base_url}/v1/chat/completions" == caught.value.url


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("localhost:8000", "base_url is 'localhost:8000': give one such as http://localhost:8000"),
        ("", "base_url is ''"),
        ("/v1", "base_url is '/v1'"),
        ("http://", "base_url is 'http://'"),
        ("ws://localhost", "base_url is 'ws://localhost'"),
        ("http://localhost:99999", "its host or port is wrong"),
        ("http://localhost:port", "its host or port is wrong"),
        ("http://[::1", "its host or port is wrong"),
        ("http://a..b", "its host or port is wrong"),
        ("http://" + "a" * 300, "its host or port is wrong"),
        ("http://local host", "base_url holds blanks or control characters"),
        ("http://localhost\n/v1", "base_url holds blanks or control characters"),
        ("http://localhost/\x00", "base_url holds blanks or control characters"),
        ("http://localhost?a=b", "base_url holds a query or a fragment: give only scheme, host and path"),
        ("http://localhost#a", "base_url holds a query or a fragment"),
        ("http://me:you@localhost", "base_url holds a user name or password: give the key as api_key"),
        (5, "base_url is int: give a text such as http://localhost:8000"),
        (b"http://localhost", "base_url is bytes: give a text"),
    ],
)
def test_a_wrong_base_url_is_refused_when_the_client_is_made(url: Any, text: str) -> None:
    assert text in complaint(base_url=url)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"max_retries": -1}, "max_retries is -1: give a whole number from 0"),
        ({"max_retries": True}, "max_retries is True"),
        ({"max_retries": 1.0}, "max_retries is 1.0"),
        ({"max_retries": "2"}, "max_retries is '2'"),
        ({"max_retries": None}, "max_retries is None"),
        ({"timeout": 0}, "timeout.total is 0: give seconds above 0"),
        ({"timeout": -5}, "timeout.total is -5"),
        ({"timeout": math.nan}, "timeout.total is nan"),
        ({"timeout": math.inf}, "timeout.total is inf"),
        ({"timeout": "30"}, "timeout is str: give total seconds or Timeouts(...)"),
        ({"timeout": True}, "timeout is bool"),
        ({"thinking": "medium"}, "thinking is 'medium': give 'off' or 'low' or 'high' or 'max'"),
        ({"thinking": True}, "thinking is True: give 'off'"),
        ({"model": ""}, "model is '': give a text that is not empty"),
        ({"model": 5}, "model is 5: give a text"),
        ({"default_headers": {"a b": "c"}}, "default_headers is dict: give a mapping of texts; 'a b' is not the name"),
        (
            {"default_headers": {"a": "c\r\nd: e"}},
            "default_headers is dict: give a mapping of texts in printable ASCII",
        ),
        ({"default_headers": ["a"]}, "default_headers is list: give a mapping of texts"),
        ({"default_headers": 5}, "default_headers is int: give a mapping of texts"),
        ({"ca_bundle": "/no/such/file.pem"}, "ca_bundle is '/no/such/file.pem': there is no such file"),
        ({"ca_bundle": 5}, "ca_bundle is 5: there is no such file"),
        ({"ca_bundle": b"x"}, "ca_bundle is b'x': there is no such file"),
        ({"ca_bundle": ""}, "ca_bundle is ''"),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict[str, Any], text: str) -> None:
    assert text in complaint(**arguments)


def test_a_ca_bundle_may_be_a_path(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    assert "there is no such file" in complaint(ca_bundle=tmp_path)
    file.write_text("")
    assert DeepSeekV4("vllm", base_url=HERE, ca_bundle=str(file)).base_url == HERE
    arguments: dict[str, Any] = {"ca_bundle": file}
    assert DeepSeekV4("vllm", base_url=HERE, **arguments).base_url == HERE


@pytest.mark.parametrize(
    "proxy", ["", "localhost:3128", "http://", "http://[::1", "http://a:port", "http://a:99999", 5, b"http://a", ["x"]]
)
def test_a_wrong_proxy_is_refused(proxy: Any) -> None:
    said = complaint(proxy=proxy)
    assert said == "proxy is not a URL with http, https or socks5: give one such as http://localhost:3128"


@pytest.mark.parametrize("proxy", ["http://localhost:3128", "https://user:pass@localhost", "HTTP://[::1]:1"])
def test_a_proxy_is_a_url(proxy: str) -> None:
    assert DeepSeekV4("vllm", base_url=HERE, proxy=proxy).base_url == HERE


def test_a_socks_proxy_names_the_package_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    assert complaint(proxy="socks5://localhost:1080").endswith("which needs a package: pip install 'httpx[socks]'")
    monkeypatch.setitem(sys.modules, "socksio", ModuleType("socksio"))
    assert DeepSeekV4("vllm", base_url=HERE, proxy="socks5h://localhost:1080").base_url == HERE


def test_the_call_wins_over_the_client_and_none_does_not() -> None:
    mock = MockProvider(*(script.text("Hello") for _ in range(3)), flavor=ANY_NAME)
    with DeepSeekV4(mock, model="a", thinking="max", default_headers={"x-a": "client"}) as client:
        client.chat("Hi")
        client.chat("Hi", model="b", thinking="off", extra_headers={"X-A": "call"})
        client.chat("Hi", model=None, thinking=None)
    assert [request.body["model"] for request in mock.requests] == ["a", "b", "a"]
    levels = [request.body["chat_template_kwargs"] for request in mock.requests]
    assert [isinstance(level, dict) and level.get("reasoning_effort") for level in levels] == ["max", None, "max"]
    assert [request.headers["x-a"] for request in mock.requests] == ["client", "call", "client"]


def test_a_timer_of_the_call_leaves_the_clients_other_timers() -> None:
    with DeepSeekV4("mock", timeout=Timeouts(total=100, idle=7)) as client:
        assert client._call_settings(Timeouts(idle=3)).timeouts == Timeouts(total=100, idle=3)


def test_with_options_keeps_what_it_is_not_told() -> None:
    seen = Seen()
    with seen.client(model="a", api_key="key-1", default_headers={"x-a": "1"}) as client:
        other = client.with_options(model="b")
        other.health()
        assert seen.key == "key-1"
        assert seen.requests[-1].headers["x-a"] == "1"
    with pytest.raises(errors.ConfigurationError, match="max_retries is -1"):
        client.with_options(max_retries=-1)
