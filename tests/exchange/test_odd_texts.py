"""Texts in the forms that gateways give them: typed parts, numbers, halves of pairs; and entries that say nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4_sdk import Repaired, TextDelta, ToolCallReady
from deepseek_v4_sdk.errors import ServerError
from tests.exchange.meaning import all_of
from tests.support.replay import JSON, Mode, Outcome, answer, ask, both
from tests.support.wire import DONE, FRAME, call, chunk, finish, plain, say

in_both_modes = pytest.mark.parametrize("mode", both)

TEXT = {"type": "text", "text": "Paris."}
THOUGHTS: dict[str, Any] = {
    "a summary": {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
    "a thinking part": {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
    "a thinking text": {"type": "thinking", "thinking": "Hm.", "signature": "abc"},
    "a reasoning text": {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Hm."}]},
    "a part of reasoning": {"type": "reasoning", "text": "Hm."},
}


@in_both_modes
@pytest.mark.parametrize("form", THOUGHTS)
def test_typed_parts(form: str, mode: Mode) -> None:
    thought = THOUGHTS[form]
    whole = ask(answer(plain("stop", content=[thought, TEXT]), headers=JSON), mode=mode, wire="plain")
    for pieces in ([[thought, TEXT]], [[thought], [TEXT]], [[thought], "Paris."], [[], [thought], [], ["Par", "is."]]):
        streamed = ask(answer(*(chunk({"content": piece}) for piece in pieces), finish("stop"), DONE), mode=mode)
        for outcome in (streamed, whole):
            assert (outcome.answered.text, outcome.answered.reasoning) == ("Paris.", "Hm.")


def test_parts_of_the_reasoning_are_reasoning() -> None:
    for key in ("reasoning", "reasoning_content"):
        body = chunk({key: [{"type": "text", "text": "Hm"}, "."]}) + say("Yes") + finish("stop") + DONE
        assert (ask(answer(body)).answered.reasoning, ask(answer(body)).answered.text) == ("Hm.", "Yes")


@in_both_modes
def test_a_part_that_is_no_text_is_no_answer(mode: Mode) -> None:
    picture = {"type": "image_url", "image_url": {"url": "x"}}
    for outcome in (
        ask(answer(chunk({"content": [picture]})), mode=mode),
        ask(answer(plain("stop", content=[TEXT, picture]), headers=JSON), mode=mode, wire="plain"),
    ):
        assert type(outcome.error) is ServerError
        assert "'image_url'" in str(outcome.error)


def numbers(*values: str, key: str = "content") -> bytes:
    """Deltas whose text is written so."""
    frame = json.dumps({**FRAME, "choices": [{"index": 0, "delta": {key: "@"}}]})
    return b"".join(b"data: " + frame.replace('"@"', value).encode() + b"\n\n" for value in values)


NUMBERS = {
    "digits": (['"Route "', "66", '"."'], "Route 66."),
    "nothing but a zero": (["0"], "0"),
    "a trailing zero": (['"$"', "1.50"], "$1.50"),
    "an exponent": (["1e3", '" m"'], "1e3 m"),
    "more digits than a float has": (["3.14159265358979323846"], "3.14159265358979323846"),
    "a long number": (["12345678901234567890123"], "12345678901234567890123"),
    "a word of JSON": (['"That is "', "true", '"."'], "That is true."),
    "below zero": (["-7.0"], "-7.0"),
    "in parts": (['[{"type": "text", "text": 2.50}, "!"]'], "2.50!"),
}


@in_both_modes
@pytest.mark.parametrize("case", NUMBERS)
def test_digits_stay_as_they_are_written(case: str, mode: Mode) -> None:
    values, text = NUMBERS[case]
    outcome = ask(answer(numbers(*values), finish("stop"), DONE), mode=mode)
    assert outcome.answered.text == text
    assert "".join(event.text for event in outcome.events if isinstance(event, TextDelta)) == text
    for key in ("reasoning", "reasoning_content"):
        body = numbers(*values, key=key) + say("So.") + finish("stop") + DONE
        assert ask(answer(body), mode=mode).answered.reasoning == text
    if len(values) == 1:
        whole = plain("stop", content="@").replace(b'"@"', values[0].encode())
        assert ask(answer(whole, headers=JSON), mode=mode, wire="plain").answered.text == text


def test_digits_among_arguments() -> None:
    pieces = [call(0, "a", "t", '{"x": 1'), call(0, arguments=0), call(0, arguments=2.5), call(0, arguments="}")]
    assert ask(answer(*pieces, finish("tool_calls"), DONE)).answered.tool_calls[0].arguments == '{"x": 102.5}'


def test_what_came_beside_a_number_comes_once() -> None:
    event = {**FRAME, "extra": [1], "choices": [{"index": 0, "delta": {"reasoning": "Hm.", "content": 0.5}}]}
    body = b"data: " + json.dumps(event).encode() + b"\n\n" + finish("stop") + DONE
    reply = ask(answer(body)).answered
    assert (reply.reasoning, reply.text, reply.raw["extra"]) == ("Hm.", "0.5", [1])


HALVES: dict[str, tuple[list[str], str, int]] = {
    "a second half at the end": (["caf\\udce9"], "caf\ufffd", 1),
    "a first half in the middle": (["x\\ud83dy"], "x\ufffdy", 1),
    "a first half at the end": (["x", "y\\uD83D"], "xy\ufffd", 1),
    "two second halves": (["\\udc00\\udc01!"], "\ufffd\ufffd!", 2),
    "two first halves": (["\\ud83d", "\\ud83d", "!"], "\ufffd\ufffd!", 2),
    "a pair that was cut": (["x\\ud83d", "\\ude00y"], "x\U0001f600y", 0),
    "a pair cut around an empty piece": (["\\ud83d", "", "\\ude00"], "\U0001f600", 0),
    "a whole pair beside a half": (["\\ud83d\\ude00\\ud83d."], "\U0001f600\ufffd.", 1),
}


def escaped(said: str, key: str = "content", **more: str) -> bytes:
    fields = ", ".join(f'"{name}": "{value}"' for name, value in {key: said, **more}.items())
    frame = json.dumps({**FRAME, "choices": [{"index": 0, "delta": "@"}]})
    return b"data: " + frame.replace('"@"', "{" + fields + "}").encode() + b"\n\n"


def replaced(outcome: Outcome) -> list[str]:
    return [repair.detail for repair in outcome.answered.repairs if repair.kind == "replaced_characters"]


@in_both_modes
@pytest.mark.parametrize("key", ["content", "reasoning"])
@pytest.mark.parametrize("case", HALVES)
def test_halves_of_surrogate_pairs(case: str, key: str, mode: Mode) -> None:
    pieces, text, count = HALVES[case]
    after = say("So.") if key == "reasoning" else b""
    outcome = ask(answer(*(escaped(piece, key) for piece in pieces), after, finish("stop"), DONE), mode=mode)
    reply = outcome.answered
    assert (reply.text if key == "content" else reply.reasoning) == text
    spoken = "".join(getattr(event, "text", "") for event in outcome.events)
    assert spoken == (text if key == "content" else f"{text}So.")
    notes = [f"{count} half surrogate pair(s) became U+FFFD"] if count else []
    assert replaced(outcome) == notes
    assert [event.repair.detail for event in outcome.events if isinstance(event, Repaired)] == notes
    json.dumps(reply.to_dict(), ensure_ascii=False, default=str).encode()
    if len(pieces) == 1 and key == "content":
        whole = plain("stop", content="@").replace(b"@", pieces[0].encode())
        outcome = ask(answer(whole, headers=JSON), mode=mode, wire="plain")
        assert (outcome.answered.text, replaced(outcome)) == (text, notes)
        json.dumps(outcome.answered.to_dict(), ensure_ascii=False, default=str).encode()


def test_halves_in_arguments_and_in_fields_that_nobody_reads() -> None:
    begin = call(0, "a", "t", '{"x": "@').replace(b"@", b"\\ud83d")
    end = call(0, arguments='@"}').replace(b"@", b"\\ude00 \\ud83d")
    outcome = ask(answer(begin, end, escaped("", audit="\\udcaf", text="\\udcaf"), finish("tool_calls"), DONE))
    assert outcome.answered.tool_calls[0].parsed == {"x": "\U0001f600 \ufffd"}
    assert outcome.answered.raw["message.audit"] == outcome.answered.raw["message.text"] == "\ufffd"


LONELY = {
    '{"x": "\\ud83d"}': {"x": "\ufffd"},
    '{"x": "a\\uDE00b\\uD83D\\uDE00"}': {"x": "a\ufffdb\U0001f600"},
    '{"\\ud83d": "\\\\ud83d\\n"}': {"\ufffd": "\\ud83d\n"},
}


@in_both_modes
@pytest.mark.parametrize("arguments", LONELY)
def test_a_half_that_the_arguments_themselves_escape(arguments: str, mode: Mode) -> None:
    for size in (len(arguments), 3):
        pieces = [call(0, arguments=arguments[at : at + size]) for at in range(0, len(arguments), size)]
        outcome = ask(answer(call(0, "a", "t"), *pieces, finish("tool_calls"), DONE), mode=mode)
        [made] = outcome.answered.tool_calls
        assert made.parsed == LONELY[arguments]
        assert [event.call for event in outcome.events if isinstance(event, ToolCallReady)] == [made]
        assert len(replaced(outcome)) == 1


def test_arguments_that_only_speak_of_an_escape_stay() -> None:
    arguments = '{"x": "\\\\ud83d \\ud83d\\ude00"}'
    reply = ask(answer(call(0, "a", "t", arguments), finish("tool_calls"), DONE)).answered
    assert (reply.tool_calls[0].arguments, reply.repairs) == (arguments, ())


def test_a_half_before_the_end_of_a_stream_that_breaks_off() -> None:
    outcome = ask(answer(say("Hi "), escaped("x\\ud83d")))
    assert outcome.partial.text == "Hi x\ufffd"


def test_any_split_of_the_bytes_gives_the_same_halves() -> None:
    body = escaped("x\\ud83d") + escaped("\\ude00 \\udcaf") + escaped("y\\ud83d", "reasoning") + finish("stop") + DONE
    whole = all_of(ask(answer(body)))
    for at in range(0, len(body), 7):
        assert all_of(ask(answer(body[:at], body[at:]))) == whole


def test_broken_json_beside_an_escape_is_told_as_it_was() -> None:
    outcome = ask(answer(say("Hi"), b'data: {"choices": [{"delta": {"content": "\\ud83d"}}\n\n'))
    assert "something that is not an answer" in str(outcome.error)
    assert outcome.partial.text == "Hi"


SENTINELS: dict[str, dict[str, Any]] = {
    "an index alone": {"index": 1},
    "an empty function": {"index": 1, "type": "function", "function": {}},
    "nulls": {"index": 1, "id": None, "function": {"name": None, "arguments": None}},
    "empty texts": {"index": 1, "id": "", "function": {"name": "", "arguments": ""}},
}


@in_both_modes
@pytest.mark.parametrize("case", SENTINELS)
def test_an_entry_that_says_nothing_is_no_call(case: str, mode: Mode) -> None:
    nothing = SENTINELS[case]
    entry = chunk({"tool_calls": [nothing]})
    body = call(0, "a", "t", '{"x"') + entry + call(0, arguments=": 1}") + entry + finish("tool_calls") + DONE
    assert [each.parsed for each in ask(answer(body), mode=mode).answered.tool_calls] == [{"x": 1}]
    told = {"id": "a", "type": "function", "function": {"name": "t", "arguments": "{}"}}
    whole = plain("tool_calls", tool_calls=[nothing, told, nothing])
    outcome = ask(answer(whole, headers=JSON), mode=mode, wire="plain")
    assert [each.name for each in outcome.answered.tool_calls] == ["t"]
    text = ask(answer(say("Hi"), entry, finish("stop"), DONE), mode=mode).answered
    assert (text.text, text.tool_calls) == ("Hi", ())
