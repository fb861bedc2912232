"""One client for many: threads, tasks, `with_options`, HTTP clients of the user's; and who closes what."""

from __future__ import annotations

import asyncio
import gzip
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from deepseek_v4_sdk import (
    APIError,
    AsyncDeepSeekV4,
    ConnectionFailedError,
    DeepSeekV4,
    PhaseTimeoutError,
    StreamInterruptedError,
)
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.transport.httpx_adapter import adapt
from tests.support.any_name import ANY_NAME
from tests.support.replay import JSON, MODEL, Replay, ServerAnswer, answer, client_for
from tests.support.wire import DONE, finish, plain, say

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "http://server.test"
STREAM = {"content-type": "text/event-stream"}
HELLO = say("Hi") + finish("stop") + DONE


def hello() -> ServerAnswer:
    return answer(HELLO)


def test_threads_share_a_client() -> None:
    mock = MockProvider(default=script.think("Hm.") + script.text("Hello there, all of you"))
    with DeepSeekV4(mock) as client, ThreadPoolExecutor(8) as pool:

        def work(number: int) -> str:
            if number % 2:
                return client.chat(f"question {number}").text
            with client.stream(f"question {number}") as stream:
                return "".join(stream.text_deltas())

        assert list(pool.map(work, range(80))) == ["Hello there, all of you"] * 80
    asked = sorted(str(request.body["messages"]) for request in mock.requests)
    assert len(set(asked)) == len(asked) == 80


@pytest.mark.anyio
async def test_tasks_share_a_client() -> None:
    mock = MockProvider(default=script.think("Hm.") + script.text("Hello there, all of you"))
    async with AsyncDeepSeekV4(mock) as client:

        async def work(number: int) -> str:
            if number % 2:
                return (await client.chat(f"question {number}")).text
            async with client.stream(f"question {number}") as stream:
                return "".join([text async for text in stream.text_deltas()])

        assert await asyncio.gather(*map(work, range(200))) == ["Hello there, all of you"] * 200
    assert len({str(request.body["messages"]) for request in mock.requests}) == 200


class Transport(Replay):
    """A replay that counts how often it was closed."""

    closings = 0

    def close(self) -> None:
        self.closings += 1

    async def aclose(self) -> None:
        self.closings += 1


class Connecting(DeepSeekV4):
    """A client whose own connections are carriers, which can be looked at."""

    made: list[Transport]

    def _connect(self) -> Any:
        carrier = Transport(*[hello() for _ in range(9)])
        Connecting.made.append(carrier)
        return adapt(carrier, awaited=self._awaits, owned=True)


class ConnectingAsync(AsyncDeepSeekV4):
    """The same, async."""

    def _connect(self) -> Any:
        return Connecting._connect(self)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def nothing_made() -> None:
    Connecting.made = []


def test_options_change_and_connections_stay() -> None:
    with Connecting("vllm", base_url=URL, model=MODEL) as client:
        quick = client.with_options(timeout=5.0, max_retries=0, thinking="off")
        quicker = quick.with_options(model="other")
        assert [each.chat("x").requested_model for each in (quick, client, quicker)] == [MODEL, MODEL, "other"]
        (carrier,) = Connecting.made
        quicker.close()
        quick.close()
        assert carrier.closings == 0
        assert client.chat("x").text == "Hi"
    assert carrier.closings == 1


def test_another_place_has_connections_of_its_own() -> None:
    with Connecting("vllm", base_url=URL, model=MODEL) as client:
        client.chat("x")
        with client.with_options(base_url="http://elsewhere.test") as other:
            other.chat("x")
            mine, theirs = Connecting.made
            assert len(theirs.paths) == 1
        assert (mine.closings, theirs.closings) == (0, 1)


@pytest.mark.parametrize("provider", ["nim", "dynamo"])
def test_what_a_server_was_asked_once_is_known_after_a_change(provider: str) -> None:
    """Another key may see other models."""
    listed = answer(b'{"data": [{"id": "the-one", "owned_by": "vllm"}]}', headers=JSON)
    replay = Replay(listed, *[hello()] * 3, listed, hello())
    client = client_for(replay, provider, model=None, api_key="first")
    assert client.chat("x").requested_model == "the-one"
    quick = client.with_options(timeout=5.0)
    assert quick.with_options(thinking="off").chat("x").requested_model == "the-one"
    quick.chat("x")
    assert client.with_options(api_key="second").chat("x").requested_model == "the-one"
    chat = "/v1/chat/completions"
    assert replay.paths == ["/v1/models", chat, chat, chat, "/v1/models", chat]


def test_closing_twice_and_using_again() -> None:
    client = Connecting("vllm", base_url=URL, model=MODEL)
    client.close()
    assert Connecting.made == []
    client.chat("x")
    client.close()
    client.close()
    assert [carrier.closings for carrier in Connecting.made] == [1]
    client.chat("x")
    assert len(Connecting.made) == 2
    client.close()


@pytest.mark.anyio
async def test_the_same_for_async_clients() -> None:
    async with ConnectingAsync("vllm", base_url=URL, model=MODEL) as client:
        other = client.with_options(timeout=5.0)
        assert (await other.chat("x")).text == (await client.chat("x")).text == "Hi"
        await other.aclose()
        (carrier,) = Connecting.made
        assert carrier.closings == 0
    await client.aclose()
    assert carrier.closings == 1


def test_a_call_wins_over_the_client_and_a_change_over_both_defaults() -> None:
    mock = MockProvider(default=script.text("Hi"), flavor=ANY_NAME)
    client = DeepSeekV4(mock, model="one", thinking="low", default_headers={"x-team": "a"})
    client.chat("x")
    client.chat("x", model="two", thinking="max", extra_headers={"x-team": "b"})
    client.with_options(model="three", thinking="off").chat("x")
    assert [request.body["model"] for request in mock.requests] == ["one", "two", "three"]
    assert [request.headers["x-team"] for request in mock.requests] == ["a", "b", "a"]
    thinking = [request.body["chat_template_kwargs"] for request in mock.requests]
    assert [kwargs["thinking"] for kwargs in thinking if isinstance(kwargs, dict)] == [True, True, False]


def ask_foreign(mode: str, handler: Callable[[httpx.Request], httpx.Response], **options: Any) -> Any:
    """Ask through an HTTP client of the user's, and see that it is left open."""
    theirs: dict[str, Any] = {"transport": httpx.MockTransport(handler), "headers": {"x-theirs": "1"}}
    theirs["follow_redirects"] = True
    ours: dict[str, Any] = {"base_url": URL, "model": MODEL, "max_retries": 0, "api_key": "k-1"}

    async def run() -> Any:
        async with httpx.AsyncClient(**theirs) as http_client:
            try:
                async with AsyncDeepSeekV4("vllm", http_client=http_client, **ours) as client:
                    return await client.chat("x", **options)
            finally:
                assert not http_client.is_closed

    if mode == "async":
        return asyncio.run(run())
    with httpx.Client(**theirs) as http_client:
        try:
            with DeepSeekV4("vllm", http_client=http_client, **ours) as client:
                return client.chat("x", **options)
        finally:
            assert not http_client.is_closed


in_both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


@in_both_modes
def test_an_http_client_of_the_users(mode: str) -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, headers=STREAM, content=HELLO)

    assert ask_foreign(mode, handler).text == "Hi"
    (request,) = seen
    assert request.url == f"{URL}/v1/chat/completions"
    assert request.headers["x-theirs"] == "1"
    assert request.headers["authorization"] == "Bearer k-1"
    assert request.headers["accept"] == "text/event-stream"
    assert request.headers["accept-encoding"] == "identity"


@in_both_modes
def test_a_plain_answer_through_it(mode: str) -> None:
    body = plain("stop", content="Hi")
    reply = ask_foreign(mode, lambda _: httpx.Response(200, headers=JSON, content=body), wire="plain")
    assert reply.text == "Hi"


@in_both_modes
def test_a_compressed_answer_through_it(mode: str) -> None:
    headers = {**STREAM, "content-encoding": "gzip"}
    assert ask_foreign(mode, lambda _: httpx.Response(200, headers=headers, content=gzip.compress(HELLO))).text == "Hi"
    with pytest.raises(APIError, match=r"compressed as .gzip."):
        ask_foreign(mode, lambda _: httpx.Response(200, headers=headers, stream=httpx.ByteStream(b"no gzip")))


@in_both_modes
def test_a_redirect_is_not_followed_whatever_the_client_does(mode: str) -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(307, headers={"location": "http://elsewhere.test/v1/chat/completions"})

    with pytest.raises(APIError, match=r"elsewhere\.test.*not followed") as caught:
        ask_foreign(mode, handler)
    assert caught.value.status_code == 307
    assert len(seen) == 1


@in_both_modes
@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (httpx.ConnectError("refused"), ConnectionFailedError),
        (httpx.ConnectTimeout("slow"), PhaseTimeoutError),
        (httpx.PoolTimeout("full"), PhaseTimeoutError),
        (httpx.ReadTimeout("silent"), PhaseTimeoutError),
        (httpx.RemoteProtocolError("gone"), ConnectionFailedError),
        (OSError("reset"), ConnectionFailedError),
    ],
)
def test_its_exceptions_do_not_escape(raised: Exception, kind: type[Exception], mode: str) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise raised

    with pytest.raises(kind):
        ask_foreign(mode, handler)


@in_both_modes
def test_nor_do_those_of_a_body(mode: str) -> None:
    class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __iter__(self) -> Any:
            yield say("Hel")
            raise httpx.RemoteProtocolError("incomplete chunked read")

        async def __aiter__(self) -> Any:
            yield say("Hel")
            raise httpx.RemoteProtocolError("incomplete chunked read")

    with pytest.raises(StreamInterruptedError, match="incomplete chunked read") as caught:
        ask_foreign(mode, lambda _: httpx.Response(200, headers=STREAM, stream=Body()))
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Hel"


def test_a_client_of_a_replay_can_be_shared_by_streams() -> None:
    client = client_for(Replay(hello(), hello()))
    with client.stream("x") as first, client.stream("x") as second:
        assert next(first) == next(second)
        assert first.reply().text == second.reply().text == "Hi"


def test_an_http_client_of_the_other_kind_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"httpx\.Client: AsyncDeepSeekV4 needs an httpx\.AsyncClient"):
        AsyncDeepSeekV4("vllm", base_url=URL, http_client=httpx.Client())
    with pytest.raises(ConfigurationError, match=r"httpx\.AsyncClient: DeepSeekV4 needs an httpx\.Client"):
        DeepSeekV4("vllm", base_url=URL, http_client=httpx.AsyncClient())
    with pytest.raises(ConfigurationError, match=r"builtins\.str: DeepSeekV4 needs an httpx\.Client"):
        DeepSeekV4("vllm", base_url=URL, http_client="http://proxy")


def test_a_client_tells_its_flavor_model_and_level() -> None:
    with DeepSeekV4(MockProvider(flavor="sglang"), model="pro", thinking="low") as client:
        assert (client.provider, client.flavor, client.model, client.thinking) == ("mock", "sglang", "pro", "low")
    with DeepSeekV4("vllm", base_url="http://localhost") as client:
        assert (client.flavor, client.model, client.thinking) == ("vllm", None, "high")
