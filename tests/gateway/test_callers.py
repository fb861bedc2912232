"""Who may call: keys, and the checks against web pages."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from deepseek_v4_sdk import ConfigurationError, RateLimits, Spend
from deepseek_v4_sdk.gateway import Gateway, serve
from deepseek_v4_sdk.testing import script
from tests.gateway.serving import PATHS, client_of, inside, mock_of, question, sent

pytestmark = pytest.mark.anyio
HELLO = script.text("Hello")
LONG = script.text("word " * 2_000)


def calling(gateway: Gateway, base: str, peer: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(gateway, client=(peer, 5))
    return httpx.AsyncClient(transport=transport, base_url=base)


@pytest.mark.parametrize("host", ["127.0.0.1:8100", "localhost", "[::1]:8100", "LOCALHOST:1"])
async def test_loopback_names_are_served(host: str) -> None:
    async with inside(Gateway(client_of(HELLO))) as http:
        answer = await http.post(PATHS["chat"], json=question("chat"), headers={"host": host})
    assert answer.status_code == 200


@pytest.mark.parametrize("route", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example"},
        {"host": ""},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:3000"},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-encoding": "gzip"},
    ],
)
async def test_a_web_page_spends_no_money(route: str, headers: dict[str, str]) -> None:
    client = client_of(HELLO)
    async with inside(Gateway(client)) as http:
        answer = await http.post(PATHS[route], json=question(route), headers=headers)
    assert answer.status_code in (403, 415)
    assert answer.json()["error"]["message"]
    assert mock_of(client).requests == []


async def test_options_let_pages_and_names_in() -> None:
    gateway = Gateway(
        client_of(default=HELLO),
        allowed_hosts=["gate.example"],
        allowed_origins=["https://app.example"],
        any_content_type=True,
    )
    async with inside(gateway) as http:
        for headers in ({"host": "gate.example:80"}, {"origin": "https://app.example"}, {"content-type": "text/plain"}):
            answer = await http.post(PATHS["chat"], json=question("chat"), headers=headers)
            assert answer.status_code == 200, headers
        asked = {"origin": "https://app.example", "access-control-request-method": "POST"}
        preflight = await http.options(PATHS["chat"], headers=asked)
    assert preflight.headers["access-control-allow-origin"] == "https://app.example"


@pytest.mark.parametrize(
    "path", [*PATHS.values(), "/v1/messages/count_tokens", "/v1/models", "/metrics", "/", "/nowhere"]
)
async def test_everything_but_health_wants_the_key(path: str) -> None:
    client = client_of(default=HELLO)
    async with inside(Gateway(client, api_keys=["caller-one", "caller-two"])) as http:
        assert (await http.get("/health")).status_code == 200
        method = "POST" if path in PATHS.values() or path.endswith("tokens") else "GET"
        given: list[dict[str, str]] = [{}, {"authorization": "Bearer wrong"}, {"x-api-key": "caller-on"}]
        for headers in given:
            answer = await http.request(
                method, path, json={"model": "m"} if method == "POST" else None, headers=headers
            )
            assert answer.status_code == 401
            assert answer.json()["error"]
        for headers in ({"authorization": "Bearer caller-two"}, {"x-api-key": "caller-one"}):
            answer = await http.request(
                method, path, json={"model": "m"} if method == "POST" else None, headers=headers
            )
            assert answer.status_code != 401
    assert mock_of(client).requests == []


async def test_keys_stay_where_they_belong() -> None:
    client = client_of(default=HELLO, flavor="deepseek", api_key="upstream-secret")
    gateway = Gateway(client, api_keys=["caller-secret"])
    async with inside(gateway, headers={"authorization": "Bearer caller-secret"}) as http:
        answers = [await http.post(PATHS[route], json=question(route)) for route in PATHS]
        answers.append(await http.get("/metrics"))
        answers.append(await http.get("/v1/models"))
    for request in mock_of(client).requests:
        assert "caller-secret" not in f"{request.headers}{request.body}"
    for answer in answers:
        assert answer.status_code == 200
        assert "secret" not in f"{answer.headers}{answer.text}"
    assert "secret" not in repr(vars(gateway)) + repr(gateway)


async def test_without_keys_only_this_machine_is_served() -> None:
    async with calling(Gateway(client_of(HELLO)), "http://127.0.0.1", "10.0.0.7") as http:
        answer = await http.post(PATHS["chat"], json=question("chat"))
    assert answer.status_code == 403
    keyed = Gateway(client_of(HELLO), api_keys=["k"])
    async with calling(keyed, "http://10.0.0.1:8100", "10.0.0.7") as http:
        answer = await http.post(PATHS["chat"], json=question("chat"), headers={"x-api-key": "k"})
    assert answer.status_code == 200


def test_another_address_needs_a_key() -> None:
    with pytest.raises(ConfigurationError, match="has no keys"):
        serve(Gateway(client_of()), host="0.0.0.0", port=0)


@pytest.mark.parametrize("keys", [[""], [" "], ["a", "a"]])
def test_keys_that_are_no_keys(keys: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="key"):
        Gateway(client_of(), api_keys=keys)


async def test_each_caller_has_a_salt_of_its_own() -> None:
    client = client_of(default=HELLO)
    async with inside(Gateway(client, api_keys=["one", "two"], salt_callers=True)) as http:
        for key in ("one", "two", "one"):
            await http.post(PATHS["chat"], json=question("chat"), headers={"x-api-key": key})
    salts = [sent(client, number)["cache_salt"] for number in range(3)]
    assert salts[0] == salts[2] != salts[1]
    assert "one" not in str(salts)


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (RateLimits(requests_per_minute=1), "requests_per_minute"),
        (RateLimits(tokens_per_minute=1), "tokens_per_minute"),
    ],
)
async def test_limits_of_each_caller(limits: RateLimits, code: str) -> None:
    client = client_of(default=HELLO)
    async with inside(Gateway(client, api_keys=["one", "two"], caller_limits=limits)) as http:

        async def ask(key: str) -> Any:
            return await http.post(PATHS["chat"], json=question("chat"), headers={"x-api-key": key})

        assert (await ask("one")).status_code == 200
        refused = await ask("one")
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == code
        assert 0 < float(refused.headers["retry-after"]) <= 60
        assert (await ask("two")).status_code == 200
        metrics = (await http.get("/metrics", headers={"x-api-key": "one"})).text
    assert f'deepseek_v4_gateway_limited_total{{limit="{code}"}} 1' in metrics


@pytest.mark.parametrize("route", PATHS)
async def test_the_money_of_each_caller(route: str) -> None:
    """One key cannot use up another's; the refusal goes out in the shape of the API before anything is sent."""
    client = client_of(default=LONG, max_retries=2)
    room = Spend(4_000, per="client", unit="tokens")  # for one of these answers
    async with inside(Gateway(client, api_keys=["one", "two"], caller_spend=room)) as http:

        async def ask(key: str, **fields: Any) -> Any:
            body = question(route, **fields)
            body["max_output_tokens" if route == "responses" else "max_tokens"] = 2_500
            return await http.post(PATHS[route], json=body, headers={"x-api-key": key})

        assert (await ask("one")).status_code == 200
        for stream in (False, True):
            refused = await ask("one", stream=stream)
            assert (refused.status_code, refused.headers["x-should-retry"]) == (429, "false")
            error = refused.json()["error"]
            assert error.get("code", "insufficient_quota") == "insufficient_quota"
            assert "the limit of 4000 tokens per client leaves no room" in error["message"]
        assert (await ask("two")).status_code == 200
        metrics = (await http.get("/metrics", headers={"x-api-key": "one"})).text
    assert len(mock_of(client).requests) == 2
    assert 'deepseek_v4_gateway_limited_total{limit="spend"} 2' in metrics
    assert (room.spent, room.reserved) == (0, 0)  # it was copied


async def test_without_keys_all_callers_have_one_account() -> None:
    gateway = Gateway(client_of(default=LONG), caller_spend=[Spend(4_000, unit="tokens")])
    statuses: list[int] = []
    async with inside(gateway) as http:
        for key in ("made", "up"):
            body = question("chat", max_tokens=2_500)
            statuses.append((await http.post(PATHS["chat"], json=body, headers={"x-api-key": key})).status_code)
    assert statuses == [200, 429]


def test_a_wrong_limit_of_money() -> None:
    with pytest.raises(ConfigurationError, match="caller_spend is int"):
        Gateway(client_of(), caller_spend=[5])  # type: ignore[list-item]
