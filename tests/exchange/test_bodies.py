"""What a body is, its first bytes tell; what carries nothing is passed over, and nothing spoils a whole answer."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from functools import cache
from typing import Any

import pytest

from deepseek_v4_sdk import TextDelta, Timeouts, errors
from deepseek_v4_sdk.exchange.decompression import Unpacker, UnpackError
from deepseek_v4_sdk.exchange.sse import is_stream
from tests.exchange.meaning import all_of
from tests.support.profiles import paired
from tests.support.replay import (
    JSON,
    STREAM,
    Mode,
    Outcome,
    Replay,
    Wait,
    answer,
    ask,
    async_client_for,
    both,
    client_for,
    hear,
)
from tests.support.wire import DONE, call, chunk, finish, plain, reason, say, sse, usage

in_both_modes = pytest.mark.parametrize("mode", both)
MEGABYTE = 1024 * 1024
HELLO = [chunk({"role": "assistant", "content": "Hel"}), say("lo"), finish("stop"), usage(3, 2), DONE]
BODY = b"".join(HELLO)
WHOLE = plain("stop", content="Hello")
HTML = b"<html><head><title>502 Bad Gateway</title></head></html>"


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


def in_any_split(body: bytes, headers: dict[str, str], mode: Mode, **options: Any) -> Outcome:
    """The outcome of a body, which no split of its bytes may change."""
    whole = ask(answer(body, headers=headers), mode=mode, **options)
    for size in (1, 7):
        assert all_of(ask(answer(*cut(body, size), headers=headers), mode=mode, **options)) == all_of(whole)
    return whole


TYPES: dict[str, dict[str, str]] = {
    "none": {},
    "text": {"content-type": "text/plain; charset=utf-8"},
    "bytes": {"content-type": "application/octet-stream"},
    "JSON": JSON,
    "a stream": STREAM,
}
STREAMS: dict[str, bytes] = {
    "as it is": BODY,
    "behind a comment": b": wait\n\n" + BODY,
    "behind blank lines": b"\n\r\n\n" + BODY,
    "behind a byte-order mark": b"\xef\xbb\xbf" + BODY,
    "with names": BODY.replace(b"data: {", b"event: chunk\ndata: {"),
    "with ids": b"id: 1\n" + BODY,
    "without a blank": BODY.replace(b"data: ", b"data:"),
}


@in_both_modes
@pytest.mark.parametrize("wire", ["stream", "plain"])
@pytest.mark.parametrize("kind", TYPES)
def test_a_stream_under_any_type(kind: str, wire: str, mode: Mode) -> None:
    for body in STREAMS.values():
        reply = ask(answer(body, headers=TYPES[kind]), mode=mode, wire=wire).answered
        assert (reply.text, reply.usage.prompt_tokens) == ("Hello", 3)


@pytest.mark.parametrize("form", STREAMS)
def test_a_stream_without_a_type_in_any_split(form: str) -> None:
    assert in_any_split(STREAMS[form], {}, "sync").answered.text == "Hello"


@in_both_modes
@pytest.mark.parametrize("kind", TYPES)
def test_an_answer_in_json_under_any_type(kind: str, mode: Mode) -> None:
    for body in (WHOLE, b"\n\n  " + WHOLE, json.dumps(json.loads(WHOLE), indent=2).encode()):
        outcome = in_any_split(body, TYPES[kind], mode)
        assert outcome.answered.text == "Hello"
        assert [event.text for event in outcome.events if isinstance(event, TextDelta)] == ["Hello"]


FULL = {"error": {"message": "the queue is full", "code": 503}}
LONG = {"object": "error", "message": "maximum context length is 65536 tokens", "code": 400}


@in_both_modes
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("kind", TYPES)
def test_an_error_in_json_under_any_type(kind: str, indent: int | None, mode: Mode) -> None:
    full = in_any_split(json.dumps(FULL, indent=indent).encode(), TYPES[kind], mode).error
    assert type(full) is errors.OverloadedError
    assert "the queue is full" in str(full)
    assert "inside the stream" not in str(full)
    long = in_any_split(json.dumps(LONG, indent=indent).encode(), TYPES[kind], mode).error
    assert type(long) is errors.ContextLengthExceededError
    assert long.limit == 65_536
    inside = in_any_split(say("Hi") + json.dumps(FULL, indent=indent).encode() + b"\n\n" + DONE, STREAM, mode).error
    assert type(inside) is errors.OverloadedError
    assert "inside the stream: the queue is full" in str(inside)
    assert inside.partial is not None
    assert inside.partial.text == "Hi"


WORDS: dict[str, tuple[bytes, str]] = {
    "a web page": (HTML, "502 Bad Gateway"),
    "a line": (b"upstream connect error or disconnect", "upstream connect error"),
    "lines": (b"\nno backend\nis alive\n\n", "is alive"),
    "a line like a field": (b"reason: no backend is alive\n", "no backend is alive"),
    "a text in JSON": (b'"no backend is alive"', "no backend is alive"),
    "XML": (b"<Error><Code>Busy</Code><Message>no backend</Message></Error>", "no backend"),
}


@in_both_modes
@pytest.mark.parametrize(("words", "kind"), paired(WORDS, TYPES))
def test_what_is_no_answer_keeps_what_it_says(words: str, kind: str, mode: Mode) -> None:
    body, said = WORDS[words]
    error = in_any_split(body, TYPES[kind], mode).error
    assert type(error) is errors.ServerError
    assert said in str(error)
    assert said.split()[0] in str(error.body)
    assert error.status_code == 200


@in_both_modes
@pytest.mark.parametrize("words", ["a web page", "a line", "a line like a field", "XML"])
def test_words_in_the_middle_of_a_stream(words: str, mode: Mode) -> None:
    body, said = WORDS[words]
    broken = in_any_split(say("Hi") + body, STREAM, mode)
    assert type(broken.error) is errors.StreamInterruptedError
    assert said in str(broken.error)
    assert said in str(broken.error.body)
    assert broken.partial.text == "Hi"
    assert in_any_split(say("Hi") + body + b"\n\n" + finish("stop") + DONE, STREAM, mode).answered.text == "Hi"


@in_both_modes
@pytest.mark.parametrize(("kind", "body", "wire"), paired(TYPES, [b"", b"\n\n", b" \r\n" * 9], ["stream", "plain"]))
def test_a_success_without_a_body_is_asked_for_again(kind: str, body: bytes, wire: str, mode: Mode) -> None:
    good = answer(BODY) if wire == "stream" else answer(WHOLE, headers=JSON)
    client = (client_for if mode == "sync" else async_client_for)(Replay(answer(body, headers=TYPES[kind]), good))
    assert len(hear(client, {"wire": wire}).answered.attempts) == 2


def test_what_is_a_stream() -> None:
    assert [is_stream(each) for each in (b":", b"data:", b"event: x", b"id:", b"retry:1", b"\xef\xbb\xbfdata:")] == [
        True
    ] * 6
    assert [is_stream(each) for each in (b"", b"d", b"dat", b"retry", b"\xef", b"\xef\xbb\xbf", b"id")] == [None] * 7
    assert [is_stream(each) for each in (b"{", b"<", b"[", b'"', b"datum", b"x:", b"data ", b"\xffdata:")] == [
        False
    ] * 8


NOTHINGS: dict[str, bytes] = {
    "no data": b"data:\n\n",
    "blanks": b"data:   \n\n",
    "null": b"data: null\n\n",
    "an empty object": b"data: {}\n\n",
    "an empty text": b'data: ""\n\n',
    "a ping": sse({"type": "ping"}),
    "a ping with a time": sse({"type": "heartbeat", "at": 17}),
    "a ping by its key": sse({"ping": 17}),
    "a named ping": b"event: keep-alive\ndata: 17:04\n\n",
    "a name without data": b"event: heartbeat\ndata:\n\n",
    "a comment": b": wait\n\n",
    "an error that is null": b'data: {"error": null}\n\n',
    "an error without a word": sse({"error": {"message": "", "type": "", "param": None, "code": None}}),
    "an error without a word, in a chunk": sse({"choices": [], "error": {"message": "", "code": None}}),
    "choices that are null": sse({"id": "c", "object": "chat.completion.chunk", "created": 1, "choices": None}),
    "a choice that is null": sse({"choices": [None]}),
    "an empty list by its name": sse({"prompt_annotations": []}),
    "empty values in values": sse({"id": "c", "data": {"items": [{}, [""]], "error": None}}),
    "a count that is null": sse({"id": "c", "choices": None, "usage": None}),
    "a bare word": b"data: ping\n\n",
    "a bare word in brackets": b"data: [HEARTBEAT]\n\n",
    "a bare word on its way": b"data: Processing...\n\n",
    "a word in JSON": b'data: "keep-alive"\n\n',
    "a number": b"data: 1764489600\n\n",
    "a comment in the data": b"data: : keep-alive\n\n",
    "a success": sse({"code": 0, "message": "success", "data": None}),
    "a success in texts": sse({"code": "200", "msg": "OK"}),
    "a success in Chinese": sse({"code": 0, "message": "请求成功", "data": None}),
    "a success by a sign": sse({"success": True, "message": "your request was taken"}),
    "an error that is a success": sse({"error": {"code": 0, "message": "success"}}),
    "progress": sse({"status": "processing"}),
    "progress with an id": sse({"id": "task-1", "status": "queued", "position": 3, "message": "2 before you"}),
    "progress as an object": sse({"object": "task", "state": "IN_PROGRESS", "detail": "step 2 of 7"}),
    "accepted": sse({"code": 202, "message": "Accepted"}),
    "a ping with a text": sse({"type": "ping", "message": "still here"}),
}


@in_both_modes
@pytest.mark.parametrize("nothing", NOTHINGS)
def test_events_that_carry_nothing_are_passed_over(nothing: str, mode: Mode) -> None:
    between = NOTHINGS[nothing].join([b"", *HELLO[:-1], DONE])
    outcome = in_any_split(between, STREAM, mode)
    assert outcome.answered.text == "Hello"
    assert outcome.answered.repairs == ()
    assert outcome.answered.raw["usage"] == json.loads(usage(3, 2)[6:])["usage"]


@in_both_modes
def test_what_says_nothing_wrong_is_passed_over_and_kept(mode: Mode) -> None:
    notes = [{"prompt_annotations": [{"filtered": False}]}, {"route": {"worker": 7}}, {"queue_seconds": 0.5}]
    between = [sse(notes[0]), *HELLO[:1], sse(notes[1]), b'data: {"far": 1e999}\n\n', sse(notes[2]), *HELLO[1:]]
    outcome = in_any_split(b"".join(between), STREAM, mode)
    assert outcome.answered.text == "Hello"
    assert {key: outcome.answered.raw[key] for note in notes for key in note} == notes[0] | notes[1] | notes[2]
    alone = ask(answer(sse(notes[0]), DONE), mode=mode)
    assert type(alone.error) is errors.StreamInterruptedError


# Objects without choices, and whether they say that something is wrong.
SAYINGS: list[tuple[dict[str, Any], bool]] = [
    ({"error": None}, False),
    ({"error": "null"}, False),
    ({"error": {}, "errors": []}, False),
    ({"error": 0}, False),
    ({"code": 0, "message": "success", "data": None}, False),
    ({"code": 0, "msg": "the request is taken"}, False),
    ({"code": 1000, "message": "Success."}, False),
    ({"status": 200, "message": "all is well"}, False),
    ({"status": "processing"}, False),
    ({"status": "processing", "detail": "step 2"}, False),
    ({"detail": "ok"}, False),
    ({"hello": 1}, False),
    ({"usage": {"prompt_tokens": 3}}, False),
    ({"error": "the worker died"}, True),
    ({"error": True}, True),
    ({"error": {"code": 500}}, True),
    ({"error": {"code": 0, "message": "the worker died"}}, True),
    ({"errors": [{"message": "the worker died"}]}, True),
    ({"code": 1301, "message": "the text is not allowed", "data": None}, True),
    ({"code": -1, "msg": "the worker died"}, True),
    ({"code": "rate_limit", "message": "slow down"}, True),
    ({"code": 500, "message": "success"}, True),
    ({"message": "the worker died"}, True),
    ({"detail": "the worker died"}, True),
    ({"detail": [{"msg": "Field required"}]}, True),
    ({"status": "failed"}, True),
    ({"status": 503}, True),
    ({"type": "overloaded_error"}, True),
    ({"object": "error"}, True),
    ({"type": "ping", "error": "the worker died"}, True),
    ({"status": "processing", "error": {"message": "the worker died"}}, True),
    ({"success": False}, True),
]


@pytest.mark.parametrize(("told", "wrong"), SAYINGS, ids=[json.dumps(told) for told, _ in SAYINGS])
def test_an_object_is_an_error_only_if_it_says_that_something_is_wrong(told: dict[str, Any], wrong: bool) -> None:
    outcome = ask(answer(say("Hel"), sse(told), say("lo"), finish("stop"), DONE))
    if wrong:
        assert isinstance(outcome.error, errors.APIError)
        assert outcome.error.partial is not None
    else:
        assert outcome.answered.text == "Hello"
    assert isinstance(ask(answer(json.dumps(told).encode(), headers=JSON), wire="plain").error, errors.APIError)


@pytest.mark.parametrize("told", [None, {}, "", {"message": ""}])
def test_a_choice_with_an_error_that_says_nothing_is_whole(told: Any) -> None:
    fine = {"choices": [{"index": 0, "delta": {"content": "Hel"}, "error": told}]}
    assert ask(answer(sse(fine), say("lo"), finish("stop"), DONE)).answered.text == "Hello"
    wrong = {"choices": [{"index": 0, "delta": {}, "error": {"message": "the worker died"}}]}
    assert isinstance(ask(answer(say("Hel"), sse(wrong), finish("stop"), DONE)).error, errors.APIError)


@in_both_modes
@pytest.mark.parametrize("done", [b"data: [DONE]  \n\n", b"data:[DONE]\t\n\n", b"data:   [DONE]\n\n", b"data: [DONE]"])
def test_the_end_may_be_padded(done: bytes, mode: Mode) -> None:
    assert in_any_split(BODY.removesuffix(DONE) + done + b"data: {oops", STREAM, mode).answered.text == "Hello"


TAILS: dict[str, bytes] = {
    "an error": sse(FULL),
    "an error that is named": b"event: error\ndata: worker died\n\n",
    "half a count": usage(3, 2)[:-20] + b"\n\n",
    "half a count at the end": usage(3, 2)[:-20],
    "no JSON": b"data: oops\n\n",
    "a list": b"data: [1]\n\n",
    "an unknown object": sse({"hello": 1}),
    "a delta that is none": chunk("x"),  # type: ignore[arg-type]
    "a piece of a call": call(0, "a", "now", '{"half'),
    "reasoning": reason("Hm."),
    "a line": b"worker died\n\n",
    "an error as a line": json.dumps(FULL).encode() + b"\n\n",
}


@in_both_modes
@pytest.mark.parametrize("tail", TAILS)
def test_nothing_behind_the_finish_reason_spoils_the_answer(tail: str, mode: Mode) -> None:
    body = say("Hi") + finish("stop") + TAILS[tail]
    outcome = in_any_split(body, STREAM, mode)
    assert (outcome.answered.text, outcome.answered.reasoning, outcome.answered.tool_calls) == ("Hi", None, ())
    assert [repair.kind for repair in outcome.answered.repairs] == ["passed_over_behind"]
    if "at the end" not in tail:
        counted = in_any_split(body + usage(3, 2) + DONE, STREAM, mode).answered
        assert (counted.text, counted.usage.prompt_tokens) == ("Hi", 3)


@in_both_modes
def test_text_and_counts_behind_the_finish_reason_are_read(mode: Mode) -> None:
    outcome = in_any_split(
        say("Hi") + finish("stop") + say(" there") + usage(3, 2) + finish("stop") + DONE, STREAM, mode
    )
    assert (outcome.answered.text, outcome.answered.usage.completion_tokens) == ("Hi there", 2)
    assert outcome.answered.repairs == ()


NAMED: dict[str, tuple[bytes, str]] = {
    "a comment": (b"event: error\n: worker 7 died\n\n", "worker 7 died"),
    "a comment, not ended": (b"event: error\n: worker 7 died", "worker 7 died"),
    "two comments": (b"event: error\n: worker 7\n: died\n\n", "worker 7\\ndied"),
    "a comment and nothing": (b"event: error\n: worker 7 died\ndata: {}\n\n", "worker 7 died"),
    "a text": (b"event: error\ndata: worker 7 died\n\n", "worker 7 died"),
    "lines of text": (b"event: error\ndata: worker 7\ndata: died\n\n", "worker 7\\ndied"),
    "a text in JSON": (b'event: error\ndata: "worker 7 died"\n\n', "worker 7 died"),
    "an object": (b'event: error\ndata: {"reason": "died"}\n\n', "{'reason': 'died'}"),
    "nothing": (b"event: error\ndata:\n\n", "no text"),
    "carriage returns": (b"event: error\r\n: worker 7 died\r\n\r\n", "worker 7 died"),
}


@in_both_modes
@pytest.mark.parametrize("form", NAMED)
def test_an_event_named_error_is_one_in_any_form(form: str, mode: Mode) -> None:
    event, said = NAMED[form]
    first = in_any_split(event, STREAM, mode, server="dynamo").error
    assert isinstance(first, errors.ServerError)
    assert said in str(first)
    later = in_any_split(say("Hi") + event, STREAM, mode, server="dynamo")
    assert isinstance(later.error, errors.ServerError)
    assert f"inside the stream: {said}" in str(later.error)
    assert later.partial.text == "Hi"
    client = (client_for if mode == "sync" else async_client_for)(Replay(answer(event), answer(BODY)), "dynamo")
    assert len(hear(client, {}).answered.attempts) == 2


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def in_two_parts(body: bytes) -> bytes:
    return gzip.compress(body[:50]) + gzip.compress(body[50:])


PACKED: dict[str, tuple[Any, dict[str, str]]] = {
    "gzip": (gzip.compress, {"content-encoding": "gzip"}),
    "gzip, which no header tells": (gzip.compress, {}),
    "gzip in two parts": (
        lambda body: gzip.compress(body[:50]) + gzip.compress(body[50:]),
        {"content-encoding": "x-gzip"},
    ),
    "deflate": (zlib.compress, {"content-encoding": "deflate"}),
    "deflate without its head": (raw_deflate, {"content-encoding": "Deflate"}),
    "unpacked on the way": (bytes, {"content-encoding": "br"}),
    "not packed at all": (bytes, {"content-encoding": "identity"}),
}


@in_both_modes
@pytest.mark.parametrize("packing", PACKED)
def test_a_compressed_body_is_read(packing: str, mode: Mode) -> None:
    pack, headers = PACKED[packing]
    assert in_any_split(pack(BODY), STREAM | headers, mode).answered.text == "Hello"
    assert in_any_split(pack(BODY), headers, mode).answered.text == "Hello"
    assert in_any_split(pack(WHOLE), JSON | headers, mode, wire="plain").answered.text == "Hello"
    page = ask(answer(pack(HTML), headers={"content-type": "text/html"} | headers), mode=mode).error
    assert "502 Bad Gateway" in str(page)
    refused = ask(answer(*cut(pack(json.dumps(FULL).encode()), 5), status=503, headers=JSON | headers), mode=mode).error
    assert type(refused) is errors.OverloadedError
    assert "the queue is full" in str(refused)


@in_both_modes
@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_each_block_of_a_compressed_stream_is_given_at_once(packing: str, mode: Mode) -> None:
    packer = zlib.compressobj(wbits={"gzip": 31, "deflate": 15}[packing])
    blocks = [packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for piece in (say("Hel"), say("lo"))]
    outcome = ask(answer(*blocks, headers=STREAM | {"content-encoding": packing}), mode=mode)
    assert type(outcome.error) is errors.StreamInterruptedError  # it was cut, and what had come was given
    assert [event.text for event in outcome.events if isinstance(event, TextDelta)] == ["Hel", "lo"]


@in_both_modes
@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, br", "compress"])
def test_another_compression_is_named(encoding: str, mode: Mode) -> None:
    body = b"\x8b\x05\x80" + bytes(range(200))
    error = in_any_split(body, STREAM | {"content-encoding": encoding}, mode).error
    assert type(error) is errors.ServerError
    assert encoding in str(error)


@in_both_modes
def test_a_broken_compression_is_told(mode: Mode) -> None:
    packed = bytearray(gzip.compress(BODY * 50))
    packed[60:90] = bytes(30)
    error = ask(answer(bytes(packed), headers=STREAM), mode=mode).error
    assert isinstance(error, errors.ServerError | errors.StreamInterruptedError)
    assert "broken" in str(error)


@cache
def packed(filler: bytes) -> bytes:
    """A body of repetitions, which shrinks to a thousandth."""
    packer = zlib.compressobj(level=9, wbits=31)
    piece = filler * (MEGABYTE // len(filler))
    return b"".join(packer.compress(piece) for _ in range(40)) + packer.flush()


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize(
    "filler", [b"data: " + b"x" * 500, b": " + b"wait" * 40 + b"\n\n", b"\n", say("word "), b'{"a": 1},' * 90]
)
def test_a_bomb_takes_little_memory(filler: bytes, status: int) -> None:
    bomb = packed(filler)
    Unpacker()  # whatever is loaded for it is loaded now
    replay = Replay(answer(*cut(bomb, 64 * 1024), status=status, headers={}))
    client = client_for(replay, max_retries=0)
    tracemalloc.start()
    try:
        error = hear(client, {}).error
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert error is not None
    assert peak < 30 * MEGABYTE


def test_the_unpacker_gives_pieces_of_bounded_size() -> None:
    pieces = list(Unpacker("gzip").feed(gzip.compress(b"x" * 3 * MEGABYTE)))
    assert b"".join(pieces) == b"x" * 3 * MEGABYTE
    assert max(map(len, pieces)) <= 256 * 1024
    with pytest.raises(UnpackError, match="200 times"):
        list(Unpacker("gzip").feed(gzip.compress(b"x" * 30 * MEGABYTE)))


@pytest.mark.parametrize("item", [b"{}", b'{"a":1}', b"[]", b"1.5", b'"ab"'])
def test_an_event_holds_so_much_that_it_fits_into_memory(item: bytes) -> None:
    body = b'data: {"id": "c", "x": [' + b",".join([item] * (10 * MEGABYTE // len(item))) + b"]}\n\n" + BODY
    tracemalloc.start()
    try:
        error = ask(answer(*cut(body, MEGABYTE))).error
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert type(error) is errors.ServerError
    assert "an event of more than" in str(error)
    assert peak < 100 * MEGABYTE


def test_a_plain_answer_holds_so_much_that_it_fits_into_memory() -> None:
    body = WHOLE[:-1] + b', "x": [' + b",".join([b"{}"] * 8_000_000) + b"]}"
    error = ask(answer(*cut(body, MEGABYTE), headers=JSON), wire="plain").error
    assert type(error) is errors.ServerError
    assert "values" in str(error)


def test_an_answer_of_a_million_tokens_in_one_event_is_read() -> None:
    text = "word, " * 1_000_000
    assert ask(answer(say(text), finish("stop"), DONE)).answered.text == text


@in_both_modes
def test_chunks_that_say_nothing_do_not_end_the_wait_for_the_first_event(mode: Mode) -> None:
    role = chunk({"role": "assistant", "content": ""})
    slow = answer(role, Wait(50), role, Wait(50), role, Wait(50), say("Hi"), finish("stop"))
    client = (client_for if mode == "sync" else async_client_for)(
        Replay(slow), timeout=Timeouts(first_event=120, idle=60), max_retries=0
    )
    error = hear(client, {}).error
    assert isinstance(error, errors.PhaseTimeoutError)
    assert error.phase == "first_event"


@in_both_modes
def test_chunks_that_say_nothing_feed_the_idle_timer(mode: Mode) -> None:
    nothing = chunk({}) + b"data: {}\n\n"
    slow = answer(say("Hi"), *[Wait(50), nothing] * 5, finish("stop"))
    client = (client_for if mode == "sync" else async_client_for)(
        Replay(slow), timeout=Timeouts(first_event=120, idle=60), max_retries=0
    )
    assert hear(client, {}).answered.text == "Hi"


@in_both_modes
@pytest.mark.parametrize("kind", TYPES)
def test_a_byte_order_mark_before_json_is_passed_over(kind: str, mode: Mode) -> None:
    marked = b"\xef\xbb\xbf" + WHOLE
    for wire in ("stream", "plain"):
        assert in_any_split(marked, TYPES[kind], mode, wire=wire).reply.text == "Hello"
    error = ask(answer(b'\xef\xbb\xbf{"message": "no"}', status=400, headers=TYPES[kind]), mode=mode).error
    assert str(error).endswith(": no")
