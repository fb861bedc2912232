"""The laws for recorded answers: however they are cut, nothing of them is lost or mixed up."""

from __future__ import annotations

import random
from collections import Counter
from itertools import zip_longest
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import JsonValue, Reply, write_json
from deepseek_v4_sdk.errors import APIError, DeepSeekV4Error, StreamInterruptedError
from deepseek_v4_sdk.providers.words import is_empty
from deepseek_v4_sdk.testing.conformance.hearing import Hearing, JsonPath, leaves, shown_path, without
from deepseek_v4_sdk.testing.conformance.playing import Played, RecordedAnswer
from deepseek_v4_sdk.testing.conformance.report import ProviderProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deepseek_v4_sdk.providers import Provider

__all__ = ["PARTS", "answer_problems"]

_ENVELOPE = frozenset({"object", "created", "role", "type", "index"})  # fields that need not be read
_SPLITS = 4
_MOST_BLOCKS = 50_000
_LIKE = 3  # of events with the same fields, so many are looked at
_TEXT, _REASONING, _CALL, _COUNT, _CUT = "a text", "reasoning", "a tool call", "a token count", "a cut answer"

PARTS = ("a streamed answer", "a plain answer", _TEXT, _REASONING, _CALL, _COUNT, _CUT)
"""The parts that recorded answers should have."""


def answer_problems(provider: Provider, answers: Sequence[RecordedAnswer], seen: set[str]) -> Iterator[ProviderProblem]:
    """Yield the laws that the reading of recorded answers breaks, and note those of `PARTS` that they have."""
    first: dict[bytes, tuple[RecordedAnswer, dict[str, object]]] = {}
    dropped: set[str] = set()
    for answer in answers:
        whole = answer.play(provider, [answer.body])
        seen |= {PARTS[0] if answer.streams else PARTS[1], *(part for part, has in _parts(whole).items() if has)}
        yield from _reading(provider, answer, whole)
        yield from _splitting(provider, answer, whole)
        yield from _ends(provider, answer)
        yield from _fields(provider, answer, dropped)
        if whole.reply is not None:
            question = {key: value for key, value in answer.request.items() if not key.startswith("stream")}
            other, its = first.setdefault(write_json(question), (answer, _parts(whole)))
            if other.streams is not answer.streams:
                yield from _forms(answer, _parts(whole), other, its)
    yield from _mixing(provider, [answer for answer in answers if answer.streams])


def _parts(played: Played) -> dict[str, object]:
    reply = played.got or Reply()
    return {
        _TEXT: bool(reply.text),
        _REASONING: bool(reply.reasoning),
        _CALL: [call.name for call in reply.tool_calls],
        _COUNT: reply.usage.completion_tokens is not None,
        _CUT: reply.finish_reason == "length",
        "a finish reason": reply.finish_reason,
        "log-probabilities": bool(reply.logprobs),
    }


def _forms(
    one: RecordedAnswer, parts: dict[str, object], two: RecordedAnswer, others: dict[str, object]
) -> Iterator[ProviderProblem]:
    """Yield when a streamed and a plain answer to one question differ in their parts."""
    for part, value in parts.items():
        if value != others[part] and part != _COUNT:  # it depends on the request
            text = f"{part}: {value} here, and {others[part]} in {two.place}, which is the same question in the other"
            remedy = "form; read both alike, or record both again with temperature=0 if the model answered differently"
            yield ProviderProblem("forms", one.place, f"{text} {remedy}")


def _reading(provider: Provider, answer: RecordedAnswer, whole: Played) -> Iterator[ProviderProblem]:
    error, reply, place, payloads = whole.error, whole.reply, answer.place, answer.events
    if error is not None and not isinstance(error, DeepSeekV4Error):
        text = f"reading it ends with {type(error).__name__}: {error}; only APIError and ValueError may leave decode"
        yield ProviderProblem("recordings", place, text)
    elif isinstance(error, StreamInterruptedError) and answer.exchange.ended == "whole":
        text = f"the whole answer counts as broken off ({error}); call sink.finish with the server's finish reason"
        yield ProviderProblem("endings", place, text)
    elif isinstance(error, APIError) and not any(isinstance(_heard(provider, each), APIError) for each in payloads):
        yield ProviderProblem("recordings", place, f"it cannot be read ({error}); mend decode")
    if reply is not None and reply.finish_reason == "other":
        text = f"nobody knows it ({place}); give sink.finish one of stop, length, tool_calls, content_filter"
        yield ProviderProblem("endings", f"finish reason {reply.raw_finish_reason}", text)
    counted = any(payload.get("usage") for payload in payloads)
    if reply is not None and counted and None in (reply.usage.prompt_tokens, reply.usage.completion_tokens):
        text = "the server sends it, and the reply has no counts of its tokens; call sink.usage with them"
        yield ProviderProblem("fields", "field usage", text)


def _heard(provider: Provider, payload: dict[str, JsonValue]) -> Hearing | Exception:
    """Return the pieces of one event, or the error."""
    try:
        return Hearing().hear(provider, payload)
    except Exception as error:  # noqa: BLE001  # `_reading` reports it
        return error


def _splitting(provider: Provider, answer: RecordedAnswer, whole: Played) -> Iterator[ProviderProblem]:
    body = answer.body
    ways = {"again": [body], "in the recorded blocks": [x for x in answer.exchange.parts if isinstance(x, bytes)]}
    ways["byte by byte"] = _cut(body, range(0, len(body), max(1, len(body) // _MOST_BLOCKS)))
    for seed in range(_SPLITS):
        dice = random.Random(seed)  # noqa: S311  # the same places each time
        ways[f"in random blocks ({seed})"] = _cut(body, sorted(dice.sample(range(len(body)), min(len(body), 12))))
    for way, blocks in ways.items():
        if difference := whole.difference(answer.play(provider, blocks)):
            text = f"read whole and {way}, it differs in {difference}; keep nothing in the provider between events"
            yield ProviderProblem("splitting", answer.place, text)
            return
    if provider.data.reads_frames and (difference := whole.difference(answer.play(provider, [body], frames=False))):
        text = f"with reads_frames and without, it differs in {difference}; decode treats texts differently: leave it"
        yield ProviderProblem("splitting", answer.place, f"{text} False")


def _cut(body: bytes, places: Sequence[int]) -> list[bytes]:
    return [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]


def _ends(provider: Provider, answer: RecordedAnswer) -> Iterator[ProviderProblem]:
    """Yield when an answer goes on after its finish reason: where it breaks off in between, it counts as whole."""
    finished = False
    for number, payload in enumerate(answer.events, 1):
        heard = _heard(provider, payload)
        if isinstance(heard, Exception):
            return
        if finished and any(map(heard.has_heard, ("text", "reasoning", "call"))):
            text = f"event {number} goes on after the finish reason; call sink.finish only for a reason of the server"
            yield ProviderProblem("endings", answer.place, text)
            return
        finished = finished or heard.has_heard("finish")


def _fields(provider: Provider, answer: RecordedAnswer, dropped: set[str]) -> Iterator[ProviderProblem]:
    """Yield the fields of events whose values neither change the pieces nor are in them, each once."""
    alike: Counter[frozenset[JsonPath]] = Counter()
    for number, payload in enumerate(answer.events, 1):
        found = {path: value for path, value in leaves(payload) if value and path[-1] not in _ENVELOPE}
        alike[shape := frozenset(found)] += 1
        heard = _heard(provider, payload)
        if alike[shape] > _LIKE or is_empty(payload) or isinstance(heard, Exception):
            continue
        for path, value in found.items():
            field = shown_path(path)
            if field in dropped or heard.has(value) or not _unchanged(provider, without(payload, path), heard):
                continue
            dropped.add(field)
            where = f"{write_json(value).decode():.60} in event {number} of {answer.place}"
            text = f"decode drops it ({where}); give it to the sink, also by sink.other"
            yield ProviderProblem("fields", f"field {field}", text)


def _unchanged(provider: Provider, payload: JsonValue, before: Hearing) -> bool:
    heard = _heard(provider, payload) if isinstance(payload, dict) else None
    return isinstance(heard, Hearing) and heard.pieces == before.pieces


def _mixing(provider: Provider, answers: Sequence[RecordedAnswer]) -> Iterator[ProviderProblem]:
    """Yield when two answers that arrive at the same time are mixed up."""
    pair = sorted(answers, key=lambda answer: len(answer.body))[-2:]
    mixed, alone = [Hearing() for _ in pair], [Hearing() for _ in pair]
    try:
        for hearing, answer in zip(alone, pair, strict=True):
            for payload in answer.events:
                hearing.hear(provider, payload)
        for row in zip_longest(*(answer.events for answer in pair)):
            for hearing, event in zip(mixed, row, strict=True):
                if event is not None:
                    hearing.hear(provider, event)
    except Exception:  # noqa: BLE001  # `_reading` reports it
        return
    if [hearing.pieces for hearing in mixed] != [hearing.pieces for hearing in alone]:
        text = f"read at the same time as {pair[-1].place}, it differs; keep nothing in the provider between events"
        yield ProviderProblem("splitting", pair[0].place, text)
