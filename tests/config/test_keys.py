"""Keys: where they come from, where they go, and that nothing ever shows them."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from pydantic import SecretStr

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, errors
from tests.support.seen import Seen, key_sent

KEY = "token-Zx81-private"
OWN = {"vllm": "VLLM_API_KEY", "sglang": "SGLANG_API_KEY"}


@pytest.mark.parametrize("provider", OWN)
def test_a_provider_reads_its_own_variable_and_no_other(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "API_KEY", "DEEPSEEK_API_KEY", "HF_TOKEN", *OWN.values()):
        if name != OWN[provider]:
            monkeypatch.setenv(name, "not-for-you")
    assert key_sent(provider) is None
    monkeypatch.setenv(OWN[provider], KEY)
    assert key_sent(provider) == KEY


def test_a_base_url_of_another_library_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "VLLM_BASE_URL", "BASE_URL"):
        monkeypatch.setenv(name, "http://stale.example")
    with pytest.raises(errors.ConfigurationError, match="vllm has no default address: give base_url, such as http"):
        DeepSeekV4("vllm")


def test_an_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "from-the-environment")
    assert key_sent(api_key=KEY) == KEY


def test_an_empty_variable_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "")
    assert key_sent() is None


@pytest.mark.parametrize("key", [KEY, SecretStr(KEY), lambda: KEY, lambda: SecretStr(KEY), f" {KEY}\n"])
def test_a_key_may_be_given_in_many_ways(key: Any) -> None:
    assert key_sent(api_key=key) == KEY


def test_a_function_is_asked_at_each_request() -> None:
    keys = iter(["first", "second", "third"])
    seen = Seen()
    with seen.client(api_key=lambda: next(keys)) as client:
        client.health()
        client.health()
    assert [request.headers["authorization"] for request in seen.requests] == ["Bearer first", "Bearer second"]


BAD_KEYS = ["private key", "private\nkey", "private\tkey", "privaté", "private\x00", "private\u00a0key", "", "  ", "\n"]


@pytest.mark.parametrize("key", BAD_KEYS)
@pytest.mark.parametrize("wrap", [str, SecretStr])
def test_a_key_that_no_header_can_hold_is_refused_unseen(key: str, wrap: Any) -> None:
    with pytest.raises(errors.ConfigurationError) as caught:
        DeepSeekV4("vllm", base_url="http://localhost:8000", api_key=wrap(key))
    assert "api_key is not a usable key: it is empty, or holds blanks, line ends or non-ASCII" in str(caught.value)
    assert "priv" not in repr(caught.value)


@pytest.mark.parametrize("key", ["private key", "privaté"])
def test_a_bad_variable_is_named_and_not_shown(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SGLANG_API_KEY", key)
    with pytest.raises(errors.ConfigurationError, match="SGLANG_API_KEY is not a usable key") as caught:
        DeepSeekV4("sglang", base_url="http://localhost:8000")
    assert "priv" not in repr(caught.value)


@pytest.mark.parametrize(("key", "kind"), [(b"private", "bytes"), (5, "int"), (["private"], "list")])
def test_a_key_that_is_no_text_is_refused(key: Any, kind: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=f"api_key is {kind}: give a text"):
        DeepSeekV4("vllm", base_url="http://localhost:8000", api_key=key)


@pytest.mark.parametrize(("given", "text"), [(None, "api_key() is NoneType: give a text"), ("a b", "api_key() is no")])
def test_a_function_that_gives_no_key_is_told_at_the_call(given: Any, text: str) -> None:
    with Seen().client(api_key=lambda: given) as client, pytest.raises(errors.ConfigurationError) as caught:
        client.chat("Hi")
    assert text in str(caught.value)


def shown(value: object) -> str:
    """Everything a log could write of a value and what hangs on it."""
    parts = [repr(value), str(value), f"{value}"]
    if isinstance(value, BaseException):
        parts += [repr(value.args), repr(vars(value)), *(shown(other) for other in (value.__cause__,) if other)]
    return " ".join(parts)


@pytest.mark.parametrize("kind", [DeepSeekV4, AsyncDeepSeekV4])
@pytest.mark.parametrize("key", [KEY, SecretStr(KEY), lambda: KEY])
def test_a_client_and_its_settings_do_not_show_the_key(kind: Any, key: Any) -> None:
    client = kind(
        "vllm",
        base_url="http://localhost:8000",
        api_key=key,
        default_headers={"x-key": KEY},
        proxy=f"http://user:{KEY}@localhost:3128",
    )
    for value in (client, client.with_options(model="m"), client._settings, client._endpoint.target):
        assert KEY not in shown(value)


def test_an_error_of_the_server_does_not_show_the_key() -> None:
    with Seen().client(api_key=KEY) as client, pytest.raises(errors.AuthenticationError) as caught:
        client.chat("Hi", extra_headers={"x-key": KEY})
    error = caught.value
    assert KEY not in shown(error)
    assert KEY not in shown(pickle.loads(pickle.dumps(error)))
    assert "http://localhost:8000/v1/chat/completions" in str(error)


def test_the_repr_of_a_request_does_not_show_the_key() -> None:
    seen = Seen()
    client = seen.client(api_key=KEY, default_headers={"x-key": KEY})
    call = client._endpoint.provider.query("/v1/models", client._endpoint.target)
    assert dict(call.headers)["authorization"] == f"Bearer {KEY}"
    assert KEY not in shown(call)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:private@localhost:8000",
        "https://:private@localhost",
        "http://private@localhost",
        "user:private@localhost",
        "http://user:private/@localhost",
        "http://localhost:private",
        "http://localhost/?key=private",
        "http://localhost/#private",
        "ftp://user:private@localhost",
    ],
)
def test_a_base_url_with_a_secret_is_refused_unseen(url: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=r"^base_url ") as caught:
        DeepSeekV4("vllm", base_url=url)
    assert "private" not in shown(caught.value)


def test_a_refused_proxy_is_not_shown() -> None:
    with pytest.raises(errors.ConfigurationError, match="proxy is not a URL with http, https or socks5") as caught:
        DeepSeekV4("vllm", base_url="http://localhost:8000", proxy="ftp://user:private@localhost")
    assert "private" not in shown(caught.value)
