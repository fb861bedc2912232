"""Pools: which replica a chat goes to, what happens when one fails, and what a gateway is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, ConfigurationError, Conversation, DeepSeekV4, DeepSeekV4Error
from deepseek_v4_sdk.testing import MockProvider, faults, script
from tests.support.any_name import ANY_NAME

YES = script.text("Yes.")
URLS = [f"http://gpu-{number}.example:8000" for number in range(4)]


def replicas(count: int = 4, default: Any = YES, flavor: str = "vllm") -> list[MockProvider]:
    spoken = ANY_NAME if flavor == "vllm" else flavor
    return [MockProvider(default=default, flavor=spoken, count_tokens=False) for _ in range(count)]


def asked(mocks: list[MockProvider]) -> list[int]:
    return [len(mock.requests) for mock in mocks]


def talk(client: Any, question: str, turns: int) -> Conversation:
    """A conversation of so many turns."""
    conversation = Conversation([{"role": "system", "content": "Be brief."}])
    for turn in range(turns):
        conversation.user(f"{question}, turn {turn}")
        conversation.append(client.chat(conversation).message)
    return conversation


def test_a_conversation_stays_where_it_began() -> None:
    mocks = replicas()
    client = DeepSeekV4("vllm", endpoints=mocks, model="m")
    for number in range(12):
        before = asked(mocks)
        talk(client, f"question {number}", 5)
        assert sorted(after - old for after, old in zip(asked(mocks), before, strict=True)) == [0, 0, 0, 5]
    assert min(asked(mocks)) > 0


def test_all_processes_choose_alike() -> None:
    """The place depends on the addresses and the conversation alone, in whatever order they are listed."""

    def place(urls: list[str], question: str) -> str:
        client = DeepSeekV4("vllm", endpoints=urls, model="m")
        return client._chat(question, {})._plan.upstream.server()[1].base_url

    for number in range(20):
        assert place(URLS, f"question {number}") == place(URLS[::-1], f"question {number}")
    assert len({place(URLS, f"question {number}") for number in range(40)}) == 4


def test_who_leaves_moves_nobody_else() -> None:
    def places(urls: list[str]) -> dict[int, str]:
        client = DeepSeekV4("vllm", endpoints=urls, model="m")
        return {number: client._chat(f"q{number}", {})._plan.upstream.server()[1].base_url for number in range(40)}

    before, after = places(URLS), places(URLS[:3])
    assert all(after[number] == url for number, url in before.items() if url != URLS[3])


def test_the_least_busy_one_is_taken() -> None:
    mocks = replicas()
    client = DeepSeekV4("vllm", endpoints=mocks, model="m", balance="least_busy")
    streams = [client.stream("the same question") for _ in range(8)]
    for stream in streams:
        stream.__enter__()
    assert asked(mocks) == [2, 2, 2, 2]
    streams[0].close()
    streams[1].close()
    with client.stream("the same question"), client.stream("the same question"):
        assert max(asked(mocks)) == 3
    for stream in streams:
        stream.close()
    assert [replica.running for replica in client._replica_set._replicas.values()] == [0, 0, 0, 0]


def test_a_sticky_conversation_leaves_an_overloaded_replica() -> None:
    mocks = replicas()
    client = DeepSeekV4("vllm", endpoints=mocks, model="m")
    streams = [client.stream("the same question") for _ in range(12)]
    for stream in streams:
        stream.__enter__()
    assert max(asked(mocks)) <= 6  # not twelve
    assert max(asked(mocks)) >= 3  # and not spread evenly either
    for stream in streams:
        stream.close()


@pytest.mark.parametrize("end", ["reply", "close", "break", "error", "cancel"])
def test_what_runs_is_given_back_however_it_ends(end: str) -> None:
    broken = YES | faults.cut(after_bytes=200)

    async def work() -> list[int]:
        client = AsyncDeepSeekV4("vllm", endpoints=replicas(2, broken if end == "error" else YES), model="m")
        stream = client.stream("x")
        try:
            async with stream:
                if end == "cancel":
                    raise asyncio.CancelledError
                if end in {"reply", "error"}:
                    await stream.reply()
                async for _ in stream:
                    break
        except (DeepSeekV4Error, asyncio.CancelledError) as error:
            kinds = {"error": DeepSeekV4Error, "cancel": asyncio.CancelledError}
            if not isinstance(error, kinds.get(end, ())):
                raise
        return [replica.running for replica in client._replica_set._replicas.values()]

    assert asyncio.run(work()) == [0, 0]


def test_a_chat_that_fails_is_sent_to_another_replica_at_once() -> None:
    for place in range(4):
        mocks = replicas()
        mocks[place]._backend._default = script.error(503, "no room")  # type: ignore[assignment]
        client = DeepSeekV4("vllm", endpoints=mocks, model="m", max_retries=1)
        for number in range(8):
            reply = client.chat(f"question {number}")
            assert all(attempt.waited == 0 for attempt in reply.attempts)


def test_a_failing_replica_rests_and_is_tried_again() -> None:
    """Three failures in a row; then nobody asks it for a second, then one does."""
    good, bad = replicas(2)
    bad._backend._default = script.error(500, "broken")
    client = DeepSeekV4("vllm", endpoints=[bad, good], model="m", max_retries=1)
    clock = bad.transport  # the first one's time is the client's
    for number in range(30):
        client.chat(f"question {number}")
    assert len(bad.requests) == 3
    assert len(good.requests) == 30
    clock._times.latest += 1.1
    for number in range(30):
        client.chat(f"question {number}")
    assert len(bad.requests) == 4  # it still fails, and rests for two seconds now
    bad._backend._default = YES
    clock._times.latest += 2.1
    for number in range(30):
        client.chat(f"question {number}")
    assert len(bad.requests) > 10  # it is back, with its conversations


def test_when_all_rest_one_is_asked_all_the_same() -> None:
    mocks = replicas(2, script.error(500, "broken"))
    client = DeepSeekV4("vllm", endpoints=mocks, model="m", max_retries=0)
    for number in range(20):
        with pytest.raises(Exception, match="500"):
            client.chat(f"question {number}")
    assert sum(asked(mocks)) == 20


def test_tools_parse_and_options_go_through_the_pool() -> None:
    def look(where: str) -> str:
        """Look somewhere."""
        return where

    steps = script.tool_call("look", where="here"), script.text("Done."), script.text('{"a": 1}')
    mock = MockProvider(*steps, flavor=ANY_NAME, count_tokens=False)
    with DeepSeekV4("vllm", endpoints=[mock], model="m") as client:
        assert client.run_tools("Look!", [look]).reply.text == "Done."
        assert client.with_options(thinking="off").parse("?", dict[str, int]).value == {"a": 1}


def test_clients_of_with_options_share_what_is_known_of_replicas() -> None:
    mocks = replicas()
    client = DeepSeekV4("vllm", endpoints=mocks, model="m", balance="least_busy")
    other = client.with_options(thinking="off")
    with client.stream("x"), other.stream("x"), client.stream("x"), other.stream("x"):
        assert asked(mocks) == [1, 1, 1, 1]


@pytest.mark.parametrize(("flavor", "header"), [("sglang", "x-smg-routing-key"), ("dynamo", "x-dynamo-session-id")])
def test_a_gateway_is_told_the_conversation(flavor: str, header: str) -> None:
    mock = MockProvider(default=YES, flavor=flavor, count_tokens=False)
    client = DeepSeekV4(mock, model="pro", session_affinity=True)
    for question in ("one", "two"):
        talk(client, question, 3)
    keys = Counter(request.headers[header] for request in mock.requests)
    assert sorted(keys.values()) == [3, 3]
    client.chat("x", extra_headers={header: "mine"})
    assert mock.requests[-1].headers[header] == "mine"
    plain = MockProvider(default=YES, flavor=flavor, count_tokens=False)
    DeepSeekV4(plain, model="pro").chat("x")
    assert header not in plain.requests[0].headers


def test_wrong_arguments() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"endpoints": URLS, "base_url": URLS[0]}, "leave base_url out"),
        ({"endpoints": URLS[0]}, "endpoints is str: give a list"),
        ({"endpoints": ["localhost"]}, "base_url"),
        ({"endpoints": [MockProvider(flavor="sglang")]}, r"endpoints\[0\] is sglang, and the client is for vllm"),
        ({"endpoints": URLS, "balance": "random"}, "balance is 'random': give 'sticky' or 'least_busy'"),
        ({"endpoints": URLS, "session_affinity": True}, "session_affinity=True is for sglang and dynamo"),
        ({"endpoints": URLS, "limits": 5}, "limits is 5: give 'provider', 'off'"),
    ]
    for arguments, text in cases:
        with pytest.raises(ConfigurationError, match=text):
            DeepSeekV4("vllm", **arguments)
