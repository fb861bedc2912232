"""What was recorded is replayed: the same replies, errors, blocks and silences, and nothing is sent."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from deepseek_v4_sdk import (
    AsyncDeepSeekV4,
    ConfigurationError,
    ConnectionFailedError,
    DeepSeekV4,
    PhaseTimeoutError,
    Reply,
    StreamInterruptedError,
    Timeouts,
)
from deepseek_v4_sdk.testing import CassetteError, MockProvider, Recorder, Replayer, faults, read_cassette, script
from deepseek_v4_sdk.testing.server import MockServer
from tests.replay.programs import KEY, ask, ask_all, gist, leave, lines, tool_loop, tool_script
from tests.testing.places import FLAVORS, MODELS, MODES, Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

in_both_modes = pytest.mark.parametrize("mode", MODES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassettes" / "talk.jsonl"


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


@pytest.mark.parametrize("flavor", FLAVORS)
@in_both_modes
def test_a_tool_loop_over_a_socket(server: MockServer, path: Path, flavor: str, mode: Mode) -> None:
    server.mock = mock = tool_script(flavor=flavor)
    live = tool_loop(Recorder(flavor, base_url=server.url, path=path), mode, api_key=KEY, model=MODELS[flavor])
    with Replayer(path) as replayer:
        again = tool_loop(replayer, mode, model=MODELS[flavor])
    assert list(map(gist, again)) == list(map(gist, live))
    assert {reply.provider for reply in (*live, *again)} == {flavor}
    assert live[0].reasoning == "A tool helps. 🤔"
    assert len(mock.requests) == 2  # the replay has sent nothing


@in_both_modes
def test_the_blocks_and_silences_are_those_that_came(path: Path, mode: Mode) -> None:
    """Also where a block ends within a character."""
    turn = script.turn(script.think("Hm."), script.text("Grüße ☀ 🤔"), cuts=8)
    said = turn | faults.stall(after=2, seconds=600) | faults.split(every=1)
    mock = MockProvider(said)
    live = ask(Recorder(mock, path=path), mode, timeout=Timeouts(idle=3600))
    assert isinstance(live, Reply)
    (recorded,) = read_cassette(path)
    assert all(len(part) == 1 for part in recorded.parts if isinstance(part, bytes))
    assert "Grüße ☀ 🤔".encode()[1:3] in recorded.body
    began = time.monotonic()
    kept = ask(Replayer(path), mode, timeout=Timeouts(idle=3600))
    removed = ask(Replayer(path, timing="removed"), mode, timeout=Timeouts(idle=3600))
    assert isinstance(kept, Reply)
    assert isinstance(removed, Reply)
    assert gist(live) == gist(kept) == gist(removed)
    assert (live.timing.total, kept.timing.total, removed.timing.total) == (600, 600, 0)
    assert kept.timing.first_event == live.timing.first_event
    assert time.monotonic() - began < 60
    late = ask(Replayer(path), mode, timeout=Timeouts(idle=30))
    assert isinstance(late, PhaseTimeoutError)


@pytest.mark.parametrize(
    "step",
    [
        faults.cut(after_bytes=1500),
        faults.reset(after_bytes=1500),
        faults.stall(after=4, seconds=600),
        faults.error_event(503, "overloaded", after=4),
        faults.garbage(after=4, seed=1),
        faults.no_done(),
        faults.status(400, "wrong"),
        faults.hang_after_done(seconds=3600),
        faults.slow_prefill(3600),
    ],
    ids=repr,
)
@in_both_modes
def test_what_went_wrong_goes_wrong_again(path: Path, step: faults.Fault, mode: Mode) -> None:
    mock = MockProvider(script.text("One two three four five six seven") | step)
    timers = Timeouts(idle=30, first_event=300)
    live = ask(Recorder(mock, path=path), mode, max_retries=0, timeout=timers)
    with Replayer(path) as replayer:
        again = ask(replayer, mode, max_retries=0, timeout=timers)
    assert gist(again) == gist(live)
    assert getattr(again, "phase", None) == getattr(live, "phase", None)


@in_both_modes
def test_a_stream_that_broke_is_kept_as_such(server: MockServer, path: Path, mode: Mode) -> None:
    story = "Once upon a time there was an owl."
    server.mock = MockProvider(script.text(story) | faults.reset(after_bytes=1500))
    live = ask(Recorder("vllm", base_url=server.url, path=path), mode)
    assert isinstance(live, StreamInterruptedError)
    assert live.partial is not None
    assert story.startswith(live.partial.text)
    assert live.partial.text not in {"", story}
    assert lines(path)[0]["answer"]["ended"] == "ReadError"
    assert gist(ask(Replayer(path), mode)) == gist(live)


@in_both_modes
def test_attempts_and_polls_are_exchanges_of_their_own(path: Path, mode: Mode) -> None:
    mock = MockProvider(
        faults.status(503), faults.reset(), script.text("At last.") | faults.accepted_then(polls=2), flavor="nvidia"
    )
    live = ask(Recorder(mock, path=path), mode, model=MODELS["nvidia"])
    with Replayer(path) as replayer:
        again = ask(replayer, mode, model=MODELS["nvidia"])
    assert gist(again) == gist(live)
    assert isinstance(live, Reply)
    assert [attempt.status for attempt in live.attempts] == [503, 200, 202, 202, 200]
    assert [line["request"]["method"] for line in lines(path)] == ["POST", "POST", "POST", "GET", "GET"]


@in_both_modes
def test_a_server_that_is_not_there(path: Path, mode: Mode, closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    live = ask(Recorder("vllm", base_url=url, path=path), mode, max_retries=1)
    assert isinstance(live, ConnectionFailedError)
    assert [line["answer"]["ended"] for line in lines(path)] == ["ConnectError"] * 2
    assert gist(ask(Replayer(path), mode, max_retries=1)) == gist(live)


@in_both_modes
def test_a_stream_that_the_program_left(server: MockServer, path: Path, mode: Mode) -> None:
    server.mock = MockProvider(script.text("one two three four five six"))
    said = leave(Recorder("vllm", base_url=server.url, path=path), mode, after=2)
    assert lines(path)[0]["answer"]["ended"] == "left"
    assert leave(Replayer(path), mode, after=2) == said
    with pytest.raises(CassetteError, match="line 1: the program that was recorded left here, and this one waits"):
        ask(Replayer(path), mode)


@in_both_modes
def test_lists_and_counts_of_the_server_are_replayed_too(path: Path, mode: Mode) -> None:
    def program(provider: Any) -> tuple[object, ...]:
        if mode == "sync":
            client = DeepSeekV4(provider)
            return client.models(), client.health().ok, client.count_tokens("Hi", source="server").total

        async def play() -> tuple[object, ...]:
            client = AsyncDeepSeekV4(provider)
            counted = await client.count_tokens("Hi", source="server")
            return await client.models(), (await client.health()).ok, counted.total

        return asyncio.run(play())

    live = program(Recorder(MockProvider(flavor="vllm"), path=path))
    with Replayer(path) as replayer:
        assert program(replayer) == live


def test_exchanges_that_run_at_the_same_time_are_kept_apart(server: MockServer, path: Path) -> None:
    """Two streams, read in turns; the one that began first ends last, and is still asked for first."""
    texts = {"first": "a1 a2 a3 a4 a5", "second": "b1 b2 b3 b4 b5"}
    server.mock = MockProvider(
        *(script.reply_to(name, script.turn(script.text(text), cuts=3)) for name, text in texts.items())
    )

    def program(provider: Any) -> list[str]:
        client = DeepSeekV4(provider)
        with client, client.stream("first", thinking="off") as one, client.stream("second", thinking="off") as other:
            for _ in range(3):
                next(one)
                next(other)
            there = other.reply().text
            return [one.reply().text, there]

    recorder = Recorder("vllm", base_url=server.url, path=path)
    assert program(recorder) == list(texts.values())
    assert [line["request"]["json"]["messages"][0]["content"] for line in lines(path)] == ["second", "first"]
    with Replayer(path) as replayer:
        assert program(replayer) == list(texts.values())


def test_many_threads_write_one_file(path: Path) -> None:
    recorder = Recorder(MockProvider(), path=path)  # answers from its input
    texts = [f"Tell me of number {number}. " * 200 for number in range(40)]

    def run(provider: Any) -> dict[str, str]:
        client, said = DeepSeekV4(provider), {}

        def work(mine: list[str]) -> None:
            for text in mine:
                said[text] = client.chat(text).text

        threads = [threading.Thread(target=work, args=(texts[start::8],)) for start in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return said

    live = run(recorder)
    assert len(live) == recorder.saved == len(lines(path)) == 40
    with Replayer(path, match="normalised") as replayer:
        assert run(replayer) == live


def test_a_replayer_on_a_socket(path: Path) -> None:
    """For programs in any language: with the borders of the blocks, and as it broke."""
    mock = MockProvider(script.text("Hello"), script.text("Hello") | faults.cut(after_bytes=700))
    live = ask_all(Recorder(mock, path=path), "sync", "Hi", "And now?")
    with MockServer(Replayer(path)) as server:
        again = ask_all("vllm", "sync", "Hi", "And now?", base_url=server.url)
    assert list(map(gist, again)) == list(map(gist, live))


def test_a_recorder_is_no_server(path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"Recorder\('vllm', .* does not answer requests: give a mock or a re"):
        MockServer(Recorder("vllm", path=path))  # type: ignore[arg-type]


def test_a_request_that_was_not_recorded_fails_the_server(path: Path) -> None:
    ask(Recorder(MockProvider(), path=path), "sync")
    with pytest.raises(CassetteError, match="holds no further exchange"), MockServer(Replayer(path)) as server:
        ask_all("vllm", "sync", "Hi", "And now?", base_url=server.url, max_retries=0)


def test_code_that_knows_nothing_of_the_client(path: Path) -> None:
    body = {"model": "pro", "messages": [{"role": "user", "content": "Hi"}]}
    recorder = Recorder("vllm", path=path)
    tapped = recorder.wrap_transport(MockProvider(script.text("Hello")).transport)
    with httpx.Client(transport=tapped, base_url="http://mock") as client:
        live = client.post("/v1/chat/completions", json=body)
    with httpx.Client(transport=Replayer(path).transport, base_url="http://mock") as client:
        again = client.post("/v1/chat/completions", json=body)
    assert again.json()["choices"][0]["message"]["content"] == "Hello"
    assert (again.status_code, again.content) == (live.status_code, live.content)


@in_both_modes
def test_behind_a_port_a_connection_that_failed_fails_again(path: Path, mode: Mode, closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    assert isinstance(ask(Recorder("vllm", base_url=url, path=path), mode, max_retries=0), ConnectionFailedError)
    with MockServer(Replayer(path)) as server:
        assert isinstance(ask("vllm", mode, base_url=server.url, max_retries=0), ConnectionFailedError)


def _reads_on(path: Path, mode: Mode) -> None:
    with MockServer(Replayer(path)) as server:
        assert isinstance(ask("vllm", mode, base_url=server.url), StreamInterruptedError)


@in_both_modes
def test_behind_a_port_whoever_reads_on_where_the_recorded_one_left_is_told_at_the_end(path: Path, mode: Mode) -> None:
    leave(Recorder(MockProvider(script.text("One two three four five")), path=path), mode, after=3)
    with pytest.raises(CassetteError, match="left here, and this one waits for more"):
        _reads_on(path, mode)
