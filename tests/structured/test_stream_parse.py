"""A value while it arrives: from every server, by every mechanism, and what happens when the answer is wrong."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

import pytest

from deepseek_v4_sdk import (
    DeepSeekV4,
    IncompleteReplyError,
    InvalidRequestError,
    Partial,
    SchemaViolationError,
    StreamClosedError,
    StreamInterruptedError,
    UnsupportedOptionError,
)
from deepseek_v4_sdk.chat import write_json
from deepseek_v4_sdk.testing import MockProvider, faults, script
from tests.structured.cases import HOW, RIGHT, VALUE, WRONG, Invoice, said
from tests.structured.streaming import begins, cut, paths_in, read
from tests.support.modes import in_both_modes

if TYPE_CHECKING:
    from deepseek_v4_sdk.structured import Mechanism
    from tests.support.replay import Mode


@in_both_modes
@pytest.mark.parametrize(("flavor", "mechanism"), HOW)
def test_every_server_and_mechanism(mode: Mode, flavor: str, mechanism: Mechanism) -> None:
    step = script.turn(said(mechanism, RIGHT), cuts=(1, 3, 2))
    seen = read(mode, "stream_parse", Invoice, step, flavor=flavor, mechanism=mechanism)
    assert seen.error is None
    assert seen.parsed.value == VALUE
    assert seen.parsed.mechanism == mechanism
    assert seen.states[0].keys() == {"number"} or mechanism == "tool"
    assert seen.given[-1] == (RIGHT, list(paths_in(RIGHT)))
    assert all(begins(state, RIGHT) for state in seen.states)
    assert len(seen.states) > (0 if mechanism == "tool" else 3)  # some servers send a call in one piece


class Colour(Enum):
    RED = "red"


@dataclass
class Held:
    colour: Colour
    day: dt.date
    kind: Literal["one", "two"]
    code: str
    number: int
    truth: bool
    nothing: None
    either: Literal["three"] | int
    free: str | None


def test_some_values_appear_once_they_have_closed() -> None:
    raw: dict[str, Any] = {
        "colour": "red",
        "day": "2026-11-30",
        "kind": "one",
        "code": "abc",
        "number": 1234,
        "truth": True,
        "nothing": None,
        "either": "three",
        "free": "text",
    }
    seen = read("sync", "stream_parse", Held, cut(write_json(raw).decode(), 1))
    shown: dict[str, list[Any]] = {key: [] for key in raw}
    for state in seen.states:
        for key, value in state.items():
            if value not in shown[key]:
                shown[key].append(value)
    early = {"code": ["", "a", "ab", "abc"], "free": ["", "t", "te", "tex", "text"]}
    assert shown == {key: early.get(key, [raw[key]]) for key in raw}


@pytest.mark.parametrize(
    ("wanted", "text", "value"),
    [
        (list[int], '{"value": [1, 2]}', [1, 2]),
        (list[int], "[1, 2]", [1, 2]),
        (str, '{"value": "words"}', "words"),
        (int, '{"value": 12}', 12),
        (int, "12", 12),
        (dict[str, int], '{"a": 1, "b": 2}', {"a": 1, "b": 2}),
        ({"type": "array", "items": {"type": "string"}}, '{"value": ["x"]}', ["x"]),
        (Invoice | int, '{"value": {"number": "A-7", "kind": "invoice", "lines": []}}', {**RIGHT, "lines": []}),
        (Invoice | int, '{"number": "A-7", "kind": "invoice", "lines": []}', {**RIGHT, "lines": []}),
    ],
)
def test_what_is_no_object_comes_out_of_its_wrapping(wanted: Any, text: str, value: Any) -> None:
    seen = read("sync", "stream_parse", wanted, cut(text, 1))
    assert seen.error is None
    assert seen.given[-1] == (value, list(paths_in(value)))
    assert all(begins(state, value) for state in seen.states)


WHOLE = write_json(RIGHT).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"Here it is, as {{you}} wished [1]: {WHOLE} Good?",
        f"```json\n{WHOLE}\n```",
        f"An example:\n```python\nx = {{1: 2}}\n```\nAnd now:\n```\n{WHOLE}\n```\n",
        f'{{not JSON}} {{"other": 1}} {WHOLE}',
        f"\n\n  {WHOLE}",
        "I have " + "many words to say, " * 50 + WHOLE,
    ],
)
@pytest.mark.parametrize("size", [1, 4, 10_000])
def test_behind_prose_and_in_a_fence(text: str, size: int) -> None:
    seen = read("sync", "stream_parse", Invoice, cut(text, size))
    assert seen.parsed.value == VALUE
    assert all(begins(state, RIGHT) for state in seen.states)
    assert seen.given[-1] == (RIGHT, list(paths_in(RIGHT)))
    assert len(seen.given) > 5 or size > 4


def test_what_may_be_prose_is_not_handed_out() -> None:
    """A list behind prose may be a note's number; it is known at the end."""
    seen = read("sync", "stream_parse", list[int], cut("See there: [4, 5]", 1))
    assert seen.given == [([4, 5], ["[0]", "[1]", ""])]


@in_both_modes
def test_asked_again_while_nothing_was_handed_out(mode: Mode) -> None:
    wrong = script.text("I would rather not.")
    seen = read(mode, "stream_parse", Invoice, wrong, cut('{"lines": 7}', 1), cut(WHOLE, 5), retries=2)
    assert seen.parsed.value == VALUE
    assert len(seen.mock.requests) == 3
    assert [repair.kind for repair in seen.parsed.reply.repairs] == ["asked_again", "asked_again"]
    assert len(seen.parsed.reply.attempts) == 3


@in_both_modes
def test_not_asked_again_afterwards(mode: Mode) -> None:
    seen = read(mode, "stream_parse", Invoice, cut(write_json(WRONG).decode(), 4), cut(WHOLE, 4), retries=3)
    assert isinstance(seen.error, SchemaViolationError)
    assert seen.error.path == "lines[0].cents"
    assert len(seen.mock.requests) == 1
    assert seen.states[-1] == {"number": "A-7", "kind": "invoice", "lines": [{"what": "Tea"}]}
    assert seen.error.partial is not None
    assert len(seen.error.attempts) == 1


def test_another_value_than_the_one_handed_out_is_an_error() -> None:
    """Some of the first was handed out, and it does not fit; `parse` takes the second."""
    first = WHOLE.replace("300", "[]")
    seen = read("sync", "stream_parse", Invoice, cut(first + WHOLE.replace("A-7", "B-1"), 3))
    assert isinstance(seen.error, SchemaViolationError)
    assert "another" in str(seen.error)
    assert DeepSeekV4(MockProvider(script.text(first + WHOLE))).parse("x", Invoice).value == VALUE


def test_texts_that_are_read_as_numbers_are_in_the_last_state() -> None:
    seen = read("sync", "stream_parse", Invoice, cut(WHOLE.replace("300", '"300"'), 2))
    assert seen.parsed.value == VALUE
    assert seen.states[-2]["lines"] == [{"what": "Tea"}]
    assert seen.states[-1]["lines"] == [{"what": "Tea", "cents": "300"}]


@in_both_modes
def test_an_answer_that_is_cut(mode: Mode) -> None:
    step = script.turn(script.text(WHOLE[:30]), cuts=3, finish_reason="length")
    seen = read(mode, "stream_parse", Invoice, step, script.text(WHOLE))
    assert isinstance(seen.error, IncompleteReplyError)
    assert seen.states[-1] == {"number": "A-7"}
    assert len(seen.mock.requests) == 1


@in_both_modes
def test_an_answer_that_breaks_off(mode: Mode) -> None:
    step = cut(WHOLE, 3) | faults.cut(after_bytes=2500)
    seen = read(mode, "stream_parse", Invoice, step)
    assert isinstance(seen.error, StreamInterruptedError)
    assert seen.error.partial is not None
    assert seen.states[-1].items() >= {"number": "A-7"}.items()


@in_both_modes
@pytest.mark.parametrize(("after", "asked"), [(600, 2), (2500, 1)])
def test_begun_anew_only_while_nothing_was_handed_out(mode: Mode, after: int, asked: int) -> None:
    step = cut(f"Here you are: {WHOLE}", 4) | faults.cut(after_bytes=after)
    seen = read(mode, "stream_parse", Invoice, step, cut(WHOLE, 4), on_interrupt="restart")
    assert len(seen.mock.requests) == asked
    if asked == 2:
        assert seen.parsed.value == VALUE
    else:
        assert isinstance(seen.error, StreamInterruptedError)


def test_a_partial_shows_the_state_of_its_event() -> None:
    with DeepSeekV4(MockProvider(cut('{"value": ["ab", "c"]}', 1))).stream_parse("x", list[str]) as stream:
        first = next(stream)
        assert (first.value, list(first.complete_paths)) == ([""], [])
        match next(stream):
            case Partial(value, paths):
                assert value == ["a"]
                assert "[0]" not in paths
        kept = first.value
        assert stream.parsed().value == ["ab", "c"]
        assert kept is first.value  # one value that grows


def test_one_made_by_hand() -> None:
    partial = Partial({"a": 1}, ["a"])
    assert (partial.value, list(partial.complete_paths), partial.type) == ({"a": 1}, ["a"], "partial")
    assert repr(partial) == "Partial(value={'a': 1}, complete_paths=['a'])"


@in_both_modes
def test_leaving_early(mode: Mode) -> None:
    mock = MockProvider(cut(WHOLE, 1))
    if mode == "async":
        import asyncio

        from deepseek_v4_sdk import AsyncDeepSeekV4

        async def leave() -> None:
            async with AsyncDeepSeekV4(mock).stream_parse("x", Invoice) as stream:
                async for partial in stream:
                    if partial.value:
                        break
            assert stream.partial.text == '{"number":"'
            with pytest.raises(StreamClosedError):
                await stream.parsed()

        asyncio.run(leave())
        return
    with DeepSeekV4(mock).stream_parse("x", Invoice) as stream:
        for partial in stream:
            if partial.value:
                break
    assert stream.partial.text == '{"number":"'
    with pytest.raises(StreamClosedError):
        stream.parsed()


def test_what_is_wrong_is_told_at_the_call() -> None:
    mock = MockProvider(script.text("x"))
    with DeepSeekV4(mock) as client:
        with pytest.raises(UnsupportedOptionError, match="uniqueItems"):
            client.stream_parse("x", set[str])
        with pytest.raises(InvalidRequestError, match="response_format"):
            client.stream_parse("x", Invoice, response_format={"type": "json_object"})
        with pytest.raises(InvalidRequestError, match="temperature"):
            client.stream_parse("x", Invoice, temperature=-3)
    assert mock.requests == []
