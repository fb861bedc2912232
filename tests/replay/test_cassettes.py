"""The file: what is kept and what never is, what a broken one says, and recordings of real servers."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from deepseek_v4_sdk import ConfigurationError, ContextLengthExceededError, DeepSeekV4, Reply
from deepseek_v4_sdk.testing import CassetteError, MockProvider, Recorder, Replayer, faults, read_cassette, script
from deepseek_v4_sdk.testing.cassettes.cassette import write_exchange
from deepseek_v4_sdk.testing.cassettes.cassette_writer import CassetteWriter
from deepseek_v4_sdk.testing.server import MockServer
from tests.replay.programs import KEY, ask, ask_all, leave, lines
from tests.support.recorded import Recording, recordings
from tests.testing.places import MODES, Mode

in_both_modes = pytest.mark.parametrize("mode", MODES)
FROM_VLLM = Path(__file__).parent / "cassettes" / "vllm.jsonl"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "talk.jsonl"


@in_both_modes
def test_of_the_headers_a_short_list_is_kept_and_of_the_address_the_path(path: Path, mode: Mode) -> None:
    said = script.raw(b"{}", status=500, headers={"set-cookie": "session=1", "retry-after": "1", "server": "nginx"})
    with MockServer(MockProvider(said)) as server:
        recorder = Recorder("vllm", base_url=f"{server.url}/deployment-7/v1", path=path)
        headers = {"x-team-token": "team-token-4711", "cookie": "sweet-cookie", "x-harmless": "it-is-harmless"}
        ask(recorder, mode, api_key=KEY, default_headers=headers, max_retries=0)
        (line,) = lines(path)
        assert line["request"]["headers"] == {"accept": "text/event-stream", "content-type": "application/json"}
        assert line["request"]["path"] == "/v1/chat/completions"
        written = path.read_text(encoding="utf-8")
        for secret in (KEY, *headers.values(), "authorization", "session", "nginx", "127.0.0.1", "deployment"):
            assert secret not in written


def test_answers_keep_the_headers_that_the_client_reads(path: Path) -> None:
    headers = {"set-cookie": "session=1", "retry-after": "1", "server": "nginx", "x-request-id": "abc"}
    mock = MockProvider(script.error(429, "slow down", headers=headers), script.text("Hello"))
    live = ask(Recorder(mock, path=path), "sync")
    kept = lines(path)[0]["answer"]["headers"]
    assert set(kept) == {"content-type", "content-length", "retry-after", "x-request-id"}
    again = ask(Replayer(path), "sync")
    assert isinstance(live, Reply)
    assert isinstance(again, Reply)
    assert [attempt.waited for attempt in again.attempts] == [attempt.waited for attempt in live.attempts]


@pytest.mark.parametrize("text", [f"My key is {KEY}.", f'{{"key": "{KEY}"}}'])
@in_both_modes
def test_a_request_that_holds_the_key_is_not_sent(path: Path, mode: Mode, text: str) -> None:
    mock = MockProvider()
    recorder = Recorder(mock, path=path)
    with pytest.raises(CassetteError, match="a request holds the key") as caught:
        ask(recorder, mode, text, api_key=KEY)
    assert KEY not in str(caught.value)
    assert mock.requests == []
    assert not path.exists()


@pytest.mark.parametrize(
    "said",
    [
        script.text(f"Your key is {KEY}."),
        script.turn(script.text(f"Your key is {KEY}."), cuts=3),  # in no event as a whole
        script.turn(script.think(f"The key is {KEY}."), script.text("I will not tell."), cuts=2),
        script.turn(script.tool_call("get_weather", key=KEY), cuts=2),
        script.error(400, f"wrong key: {KEY}"),
        script.error(429, "slow down", headers={"x-request-id": KEY}),
        script.text(f"Your key is {KEY}, and now for something else.") | faults.cut(after_bytes=2300),
        script.turn(script.text(f"Your key is {KEY}."), cuts=28)
        | faults.cut(after_bytes=700),  # after "key-of-a-test-47"
        script.text(f"Your key is {KEY}.") | faults.split(every=1),
    ],
    ids=repr,
)
@in_both_modes
def test_an_answer_that_holds_the_key_is_not_kept(path: Path, mode: Mode, said: Any) -> None:
    recorder = Recorder(MockProvider(said), path=path)
    with pytest.raises(CassetteError, match="an exchange is not kept") as caught:
        ask(recorder, mode, api_key=KEY, max_retries=0, options={"tools": [{"name": "get_weather"}]})
    assert KEY not in str(caught.value)
    assert not path.exists()


BASE64 = [
    base64.b64encode(f"{before}{KEY}{after}".encode()).decode()
    for before in ("", "u:", "me:")
    for after in ("", "x", "\n")
]


@pytest.mark.parametrize("spelled", [*BASE64, base64.urlsafe_b64encode(f"??>{KEY}".encode()).decode().rstrip("=")])
def test_a_key_in_base64_is_a_key(path: Path, spelled: str) -> None:
    """As in the header of another kind of login, whatever stands before and after it."""
    with pytest.raises(CassetteError, match="a request holds the key"):
        ask(Recorder(MockProvider(), path=path), "sync", f"Why is {spelled} wrong?", api_key=KEY)
    said = script.turn(script.text(f"It was {spelled}."), cuts=3)
    with pytest.raises(CassetteError, match="an exchange is not kept"):
        ask(Recorder(MockProvider(said), path=path), "sync", api_key=KEY)
    assert not path.exists()


@pytest.mark.parametrize("echo", ["sesame-4711", "me:sesame-4711", "bWU6c2VzYW1lLTQ3MTE=", "c2VzYW1lLTQ3MTE"])
def test_the_password_of_basic_authentication_is_a_key(path: Path, echo: str) -> None:
    recorder = Recorder(MockProvider(script.text(f"You are {echo}.")), path=path)
    with pytest.raises(CassetteError, match="an exchange is not kept"):
        ask(recorder, "sync", default_headers={"Authorization": "Basic bWU6c2VzYW1lLTQ3MTE="})


def test_the_file_is_its_owners_and_no_link_leads_elsewhere(path: Path, tmp_path: Path) -> None:
    ask(Recorder(MockProvider(), path=path), "sync")
    assert path.stat().st_mode & 0o077 == 0
    other = tmp_path / "other"
    other.write_text("mine", "utf-8")
    path.unlink()
    path.symlink_to(other)
    path.with_name("gone").symlink_to(tmp_path / "made")
    for link in (path, path.with_name("gone")):
        with pytest.raises(CassetteError, match="it is a link, which is not followed"):
            CassetteWriter(link, fresh=False).save(read_cassette(FROM_VLLM)[0])
    CassetteWriter(path, fresh=True).save(read_cassette(FROM_VLLM)[0])  # takes the link's place
    assert not path.is_symlink()
    assert other.read_text("utf-8") == "mine"
    assert not (tmp_path / "made").exists()
    assert path.stat().st_mode & 0o077 == 0


@in_both_modes
def test_a_stream_that_was_left_after_the_key_is_not_kept(path: Path, mode: Mode) -> None:
    said = script.turn(script.text(f"{KEY} is your key, and now for something else."), cuts=4)
    with pytest.raises(CassetteError, match="an exchange is not kept"):
        leave(Recorder(MockProvider(said), path=path), mode, after=8, api_key=KEY)


def test_a_key_that_is_no_secret_is_no_reason(path: Path) -> None:
    """Such as the one that people give to servers without a key."""
    ask(Recorder(MockProvider(), path=path), "sync", "EMPTY is the new full", api_key="EMPTY")
    assert len(lines(path)) == 1


def test_a_file_that_is_there(path: Path) -> None:
    mock = MockProvider()
    ask(Recorder(mock, path=path), "sync", "one")
    with pytest.raises(CassetteError, match=r"talk\.jsonl exists: give another path, or if_exists='replace'"):
        Recorder(mock, path=path)
    ask(Recorder(mock, path=path, if_exists="append"), "sync", "two")
    assert [json.loads(exchange.request_body)["messages"][0]["content"] for exchange in read_cassette(path)] == [
        "one",
        "two",
    ]
    replacing = Recorder(mock, path=path, if_exists="replace")
    assert len(lines(path)) == 2  # until there is something better
    ask_all(replacing, "sync", "three", "four")
    assert [line["request"]["json"]["messages"][0]["content"] for line in lines(path)] == ["three", "four"]


def test_two_recorders_append_to_one_file(path: Path) -> None:
    recorders = [Recorder(MockProvider(), path=path, if_exists="append") for _ in range(2)]
    for turn in range(3):
        for recorder in recorders:
            ask(recorder, "sync", f"{turn}")
    with Replayer(path) as replayer:
        ask_all(replayer, "sync", "0", "0", "1", "1", "2", "2")


def test_the_programs_own_time_is_no_silence(path: Path) -> None:
    now = 0.0
    take = CassetteWriter(path, fresh=False).begin("vllm", httpx.Request("GET", "http://x/"), "/", b"", lambda: now)
    now = 1.0
    take.head(httpx.Response(200))
    now = 10.0
    take.asks()
    now = 12.0
    take.block(b"a")
    now = 100.0
    take.end("left")
    assert lines(path)[0]["answer"]["body"] == [1, 2, "a"]


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    recorder = Recorder(MockProvider(), path=tmp_path, if_exists="replace")
    with pytest.raises(CassetteError, match="cannot be written: Is a directory"):
        ask(recorder, "sync")


def line(**changes: Any) -> str:
    whole: dict[str, Any] = {
        "cassette": 1,
        "provider": "vllm",
        "request": {"method": "GET", "path": "/health"},
        "answer": {
            "status": 200,
            "body": [0.5, "data", {"base64": base64.b64encode(b"\xff").decode()}],
            "ended": "whole",
        },
    }
    return json.dumps({**whole, **changes})


GOOD = line()
ANSWER = {"status": 200, "body": [], "ended": "whole"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{GOOD}\n{GOOD[:-9]}", "talk.jsonl, line 2 is cut off: delete the line, or record the cassette again"),
        (f"{GOOD}\n\n{GOOD[:-9]}\n{GOOD}\n", "talk.jsonl, line 3 cannot be read: Invalid JSON"),
        (f"{GOOD}\nnonsense\n", "talk.jsonl, line 2 cannot be read: Invalid JSON"),
        (f"{GOOD}\n[]\n", "talk.jsonl, line 2 cannot be read: Input should be an object"),
        (line(cassette=2), "talk.jsonl, line 1 cannot be read: cassette: Input should be 1"),
        (line(answer={**ANSWER, "status": "200"}), "line 1 cannot be read: answer.status: Input should be a valid int"),
        (
            line(answer={**ANSWER, "ended": "well"}),
            "line 1 cannot be read: answer.ended: 'well' is not an end of",
        ),
        (line(answer={"body": [], "ended": "whole"}), "line 1 cannot be read: answer.ended: 'whole' is not an end"),
        (line(answer={**ANSWER, "body": [{"base64": "%"}]}), "line 1 cannot be read: "),
        (line(answer={**ANSWER, "head": []}), "line 1 cannot be read: answer.head: "),
        (line(began="yesterday"), "line 1 cannot be read: began: Input should be a valid datetime"),
        (line(began="2026-08-01T12:00:00"), "line 1 cannot be read: began: it has no time zone"),
        (line(request={"method": "GET"}), "line 1 cannot be read: request.path: Field required"),
        ("", "talk.jsonl holds no exchange: record it again"),
        ("\xff", "talk.jsonl, line 1 is cut off"),
        (f"{GOOD}\n{line(provider='sglang')}\n", "talk.jsonl, line 2 is of sglang, and "),
        (f"{GOOD}\n{line(provider='sglang')}\n", "talk.jsonl, line 1 of vllm"),
    ],
)
def test_a_broken_file_is_told_in_one_line(path: Path, text: str, told: str) -> None:
    path.write_text(text, encoding="latin-1")
    with pytest.raises(CassetteError) as caught:
        Replayer(path)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing(path: Path) -> None:
    with pytest.raises(CassetteError, match=r"talk\.jsonl cannot be read: No such file"):
        Replayer(path)


def test_a_last_line_without_its_end_is_whole_all_the_same(path: Path) -> None:
    path.write_text(GOOD, encoding="utf-8")
    (exchange,) = read_cassette(path)
    assert exchange.body == b"data\xff"
    ask(Recorder(MockProvider(), path=path, if_exists="append"), "sync")
    assert [exchange.path for exchange in read_cassette(path)] == ["/health", "/v1/chat/completions"]


def test_a_wire_that_nobody_knows(path: Path) -> None:
    path.write_text(line(provider="hal"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="there is no provider 'hal'"):
        Replayer(path)


def get_weather(city: str, unit: str = "celsius") -> str:
    """The weather of a city."""
    return f"21 degrees in {city}, script:final"


def test_a_recording_of_vllm() -> None:
    """Made with the recorder in front of vLLM 0.32.0, whose tokens a script had chosen; asked by this very program."""
    with Replayer(FROM_VLLM) as replayer, DeepSeekV4(replayer, model="deepseek-ai/DeepSeek-V4-Flash") as client:
        run = client.run_tools("Where is it warmer? script:tool_parallel", [get_weather])
        with client.stream("script:unicode") as stream:
            said = stream.reply()
        with client.stream("script:long") as stream:
            for number, _ in enumerate(stream):
                if number == 9:
                    break
            left = stream.partial
        with pytest.raises(ContextLengthExceededError) as refused:
            client.chat("Hi", max_tokens=100000)
        models = client.models()
    calls = [(call.name, call.arguments) for call in run.rounds[0].reply.tool_calls]
    assert calls == [
        ("get_weather", '{"city": "Paris", "unit": "celsius"}'),
        ("get_weather", '{"city": "Oslo", "unit": "celsius"}'),
    ]
    assert (run.rounds[0].reply.reasoning, run.reply.reasoning) == ("Two cities.", "The tool said sunny.")
    assert run.reply.text == "It is sunny in Paris, 21 degrees."
    assert run.reply.usage.cached_tokens == 512
    assert run.rounds[0].reply.timing.total == pytest.approx(0.53, abs=0.02)
    assert said.text == "Ça va : naïve façade, 你好世界, emoji 👩\u200d👩\u200d👧\u200d👦 🇫🇷 end."
    assert left is not None
    assert (left.reasoning, left.text) == ("Let me think at length.", "word word word word")
    assert (refused.value.limit, refused.value.requested) == (4096, 100_000)
    assert [(model.id, model.context_window) for model in models] == [("deepseek-ai/DeepSeek-V4-Flash", 4096)]


@pytest.mark.parametrize("server", ["vllm", "sglang"])
def test_the_recordings_of_real_servers_are_cassettes_too(server: str, path: Path) -> None:
    """Written as lines and read again they are the same, and each is replayed byte for byte and block for block."""
    known = recordings(server)
    path.write_bytes(b"".join(write_exchange(recording.exchange) for recording in known))
    with Replayer(path) as replayer, httpx.Client(transport=replayer.transport, base_url="http://server") as client:
        for recording in known:
            _check(client, recording)


def _check(client: httpx.Client, recording: Recording) -> None:
    body = recording.exchange.request_body
    with client.stream(recording.method, recording.path, content=body) as response:
        blocks = list(response.iter_raw())
    assert (response.status_code, blocks) == (recording.status, [part for part in recording.http_chunks if part])
    kept = [(name.lower(), value) for name, value in recording.headers if name.lower() != "transfer-encoding"]
    assert list(response.headers.items()) == kept
