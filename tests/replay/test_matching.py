"""Which recorded exchange answers a request, and what is said when none does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from deepseek_v4_sdk import ConfigurationError, DeepSeekV4, JsonValue, Reply
from deepseek_v4_sdk.testing import (
    CassetteError,
    MockProvider,
    RecordedExchange,
    Recorder,
    Replayer,
    read_cassette,
    script,
)
from tests.replay.programs import ask, ask_all, gist, tool_loop, tool_script
from tests.testing.places import MODELS, MODES, Mode

in_both_modes = pytest.mark.parametrize("mode", MODES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "talk.jsonl"


@pytest.fixture
def two(path: Path) -> Path:
    """Two questions and their answers."""
    ask_all(Recorder(MockProvider(script.text("1"), script.text("2")), path=path), "sync", "one", "two")
    return path


@in_both_modes
def test_strict_takes_them_in_their_order(two: Path, mode: Mode) -> None:
    with pytest.raises(CassetteError) as caught:
        ask_all(Replayer(two), mode, "two")
    assert str(caught.value) == (
        f"request 1 (POST /v1/chat/completions) is not the one of {two}, line 1:\n"
        '  body.messages[0].content: recorded "one", sent "two"'
    )


@in_both_modes
def test_an_application_that_catches_errors_does_not_hide_it(two: Path, mode: Mode) -> None:
    """`ask` catches every error of the client, and no request is tried again."""
    replayer = Replayer(two)
    with pytest.raises(CassetteError):
        ask(replayer, mode, "two", max_retries=5)
    with pytest.raises(CassetteError, match=r"^request 2 "):
        ask(replayer, mode, "two")


def test_what_was_not_recorded_and_what_was_not_asked_for(two: Path) -> None:
    replayer = Replayer(two)
    ask_all(replayer, "sync", "one", "two")
    with pytest.raises(
        CassetteError, match=r"request 3 \(.*\) was not recorded: .*talk\.jsonl holds no further exchange"
    ):
        ask(replayer, "sync", "three")
    told = r"1 exchange.* were recorded and not asked for:\n  .*line 2: POST /v1/chat"
    with pytest.raises(CassetteError, match=told), Replayer(two) as replayer:
        ask(replayer, "sync", "one")
    with pytest.raises(ZeroDivisionError), Replayer(two):  # what failed before is not hidden
        1 / 0  # noqa: B018


def body(content: str = "Hi", **more: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": content}], **more}


LONG = "word " * 100


@pytest.mark.parametrize(
    ("recorded", "sent", "told"),
    [
        (body(seed=7), body(), "body.seed: recorded 7, sent nothing"),
        (body(), body(seed=7), "body.seed: recorded nothing, sent 7"),
        (body(seed=1), body(seed=True), "body.seed: recorded 1, sent true"),
        (body(), {"messages": []}, 'body.messages[0]: recorded {"role": "user", "content": "Hi"}, sent nothing'),
        (body(seed=7, top_k=1), body(seed=8, top_k=2), "body.seed: recorded 7, sent 8, and 1 more"),
        (
            body(f"{LONG}Paris? {LONG}"),
            body(f"{LONG}Rome? {LONG}"),
            'body.messages[0].content: recorded …"word word word word word word Paris? word word word word wor"…, '
            'sent …"word word word word word word Rome? word word word word word"…',
        ),
        (body(stop=["a"]), body(stop="a"), 'body.stop: recorded ["a"], sent "a"'),
        (body(x=LONG), body(x=None), f'body.x: recorded "{LONG[:89]}…, sent null'),
    ],
    ids=range(8),
)
def test_a_difference_in_plain_words(path: Path, recorded: Any, sent: Any, told: str) -> None:
    with httpx.Client(
        transport=Recorder("vllm", path=path).wrap_transport(MockProvider().transport), base_url="http://x"
    ) as client:
        client.post("/v1/chat/completions", json=recorded)
    replayer = Replayer(path)
    with httpx.Client(transport=replayer.transport, base_url="http://x") as client:
        with pytest.raises(CassetteError) as caught:
            client.post("/v1/chat/completions", json=sent)
        assert str(caught.value).split("\n  ")[1] == told
        assert client.post("/v1/chat/completions", json=recorded).status_code == 200


def test_another_route_and_another_body() -> None:
    replayer = Replayer([RecordedExchange(provider="vllm", path="/tokenize", request_body=b"x", status=200)])
    with httpx.Client(transport=replayer.transport, base_url="http://x") as client:
        with pytest.raises(
            CassetteError, match=r"is not the one of exchange 1:\n  recorded POST /tokenize, sent GET /v1"
        ):
            client.get("/v1/models")
        with pytest.raises(CassetteError, match="body: recorded 1 bytes, sent 2 others, and one of them is not JSON"):
            client.post("/tokenize", content=b"{}")
        assert client.post("/tokenize", content=b"x").status_code == 200


def test_the_order_of_keys_and_the_blanks_do_not_matter(path: Path) -> None:
    url = "/v1/chat/completions"
    with httpx.Client(
        transport=Recorder("vllm", path=path).wrap_transport(MockProvider().transport), base_url="http://x"
    ) as client:
        live = client.post(url, content=b'{"seed": 1, "messages": [ ]}')
    with httpx.Client(transport=Replayer(path).transport, base_url="http://x") as client:
        assert client.post(url, content=b'{"messages":[],"seed":1.0}').content == live.content


@in_both_modes
def test_normalised_takes_them_in_any_order(two: Path, mode: Mode) -> None:
    with Replayer(two, match="normalised") as replayer:
        said = ask_all(replayer, mode, "two", "one")
    assert [getattr(reply, "text", reply) for reply in said] == ["2", "1"]


def test_normalised_leaves_out_who_asks(path: Path) -> None:
    options = {"user": "anna", "cache_salt": "anna", "priority": 3}
    ask(Recorder(MockProvider(script.text("Hello")), path=path), "sync", options=options)
    with pytest.raises(CassetteError, match=r'body\.user: recorded "anna", sent "bela"'):
        ask(Replayer(path), "sync", options={**options, "user": "bela"})
    said = ask(Replayer(path, match="normalised"), "sync", options={"user": "bela", "priority": 1})
    assert getattr(said, "text", said) == "Hello"
    with pytest.raises(CassetteError, match=r"was not recorded; .*line 1 is the nearest:\n  body.seed"):
        ask(Replayer(path, match="normalised"), "sync", options={"seed": 7})


@pytest.mark.parametrize("flavor", ["vllm", "sglang", "deepseek"])
@in_both_modes
def test_normalised_numbers_the_calls(path: Path, flavor: str, mode: Mode) -> None:
    """A program that takes up a conversation has calls with ids of another server."""
    model = MODELS[flavor]
    live = tool_loop(Recorder(tool_script(flavor=flavor), path=path), mode, model=model)
    first, second = path.read_text(encoding="utf-8").splitlines()
    for call in live[0].tool_calls:
        second = second.replace(call.id, f"another-{call.id}")
    path.write_text(f"{first}\n{second}\n", encoding="utf-8")
    with pytest.raises(CassetteError, match=r"body\.messages\[1\]\.tool_calls\[0\]\.id: recorded .*another-"):
        tool_loop(Replayer(path), mode, model=model)
    with Replayer(path, match="normalised") as replayer:
        tool_loop(replayer, mode, model=model)


def test_a_function_says_what_is_compared(path: Path) -> None:
    """Such as a prompt with a date in it."""
    ask(Recorder(MockProvider(script.text("Hello")), path=path), "sync", "Today is Monday. Hi")

    def last_word(body: JsonValue) -> JsonValue:
        assert isinstance(body, dict)
        return str(body["messages"]).split(".")[-1]

    said = ask(Replayer(path, match=last_word), "sync", "Today is Friday. Hi")
    assert getattr(said, "text", said) == "Hello"
    with pytest.raises(CassetteError, match="was not recorded"):
        ask(Replayer(path, match=last_word), "sync", "Today is Friday. Bye")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"match": "loose"}, "match is 'loose': give 'strict', 'normalised' or a function"),
        ({"timing": "slow"}, "timing is 'slow': give 'kept' or 'removed'"),
        ({"provider": "hal"}, "there is no provider 'hal'"),
    ],
)
def test_wrong_arguments(two: Path, arguments: Any, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Replayer(two, **arguments)


def test_a_client_of_your_own_would_go_past_it(two: Path, tmp_path: Path) -> None:
    for provider in (Replayer(two), Recorder("vllm", path=tmp_path / "x", base_url="http://x"), MockProvider()):
        with (
            httpx.Client() as own,
            pytest.raises(ConfigurationError, match="http_client would carry the requests past"),
        ):
            DeepSeekV4(provider, http_client=own)


@in_both_modes
def test_it_is_the_day_of_the_recording(path: Path, mode: Mode) -> None:
    """A call at peak hours costs in each replay what it cost then."""
    ask(Recorder(MockProvider(script.text("Hello")), path=path), mode)
    (recorded,) = read_cassette(path)
    monday = datetime(2026, 8, 3, 2, 30, tzinfo=UTC)
    said = ask(Replayer([replace(recorded, began=monday)]), mode)
    assert isinstance(said, Reply)
    assert said.timing.sent_at == monday
    said = ask(Replayer(path), mode)
    assert isinstance(said, Reply)
    assert said.timing.sent_at == recorded.began


def test_the_reply_is_that_of_another_run(two: Path) -> None:
    """Two replays of one file give the same to the last id."""
    assert list(map(gist, ask_all(Replayer(two), "sync", "one", "two"))) == list(
        map(gist, ask_all(Replayer(two), "sync", "one", "two"))
    )


def recorded_of(*bodies: bytes) -> list[RecordedExchange]:
    """Requests, each answered with its number."""
    return [
        RecordedExchange(provider="vllm", path="/v1/x", request_body=body, status=200, parts=(b"%d" % number,))
        for number, body in enumerate(bodies)
    ]


def answered(replayer: Replayer, *bodies: bytes) -> list[Any]:
    return [part for body in bodies for part in replayer.handle("POST", "/v1/x", {}, body).parts]


def test_normalised_compares_numbers_and_truth_as_strict_does() -> None:
    replayer = Replayer(recorded_of(b'{"a": true}', b'{"a": 1}', b'{"a": 1.0}', b"no JSON"), match="normalised")
    assert answered(replayer, b'{"a":1.00}', b'{"a":1 }', b'{"a":true }', b"no JSON") == [b"1", b"2", b"0", b"3"]


def test_of_equal_ones_the_first_is_played() -> None:
    replayer = Replayer(recorded_of(*[b'{"a": 1}'] * 3), match="normalised")
    assert answered(replayer, *[b'{"a":1}'] * 3) == [b"0", b"1", b"2"]


def test_what_a_function_makes_needs_no_hash() -> None:
    replayer = Replayer(recorded_of(b'{"a": 1}', b'{"a": 2}'), match=lambda body: ([body["a"]],))  # type: ignore
    assert answered(replayer, b'{"a": 2, "b": 1}', b'{"a":1}') == [b"1", b"0"]


def test_a_long_recording_is_not_searched_for_each_request() -> None:
    looks = 0

    def looking(body: JsonValue) -> JsonValue:
        nonlocal looks
        looks += 1
        return body

    count = 200
    bodies = [b'{"a": %d}' % number for number in range(count)]
    replayer = Replayer(recorded_of(*bodies), match=looking)
    for body in reversed(bodies):
        replayer.handle("POST", "/v1/x", {}, body + b" ")
    replayer.check_used()
    assert looks <= 5 * count
