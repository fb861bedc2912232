"""Birch with readings of answers and errors that break a law, one for each."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deepseek_v4_sdk import ServerError
from deepseek_v4_sdk.errors import APIError
from deepseek_v4_sdk.providers import (
    ChatCompletions,
    HttpCall,
    ProviderData,
)
from tests.testing.birch import DATA

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.chat.served import ModelInfo
    from deepseek_v4_sdk.providers import Sink


class Decodes(ChatCompletions):
    """Birch, with other readings of an event.

    Args:
        change: Changes the event before it is read; it may keep state in the provider.
    """

    def __init__(self, change: Callable[[Decodes, dict[str, Any], Sink], None], data: ProviderData = DATA) -> None:
        super().__init__(data)
        self.change = change
        self.state = 0

    def decode(self, payload: dict[str, JsonValue], sink: Sink) -> None:
        copy = json.loads(json.dumps(payload))
        self.change(self, copy, sink)
        super().decode(copy, sink)


class Refuses(ChatCompletions):
    """Birch, with other errors."""

    def __init__(self, change: Callable[[APIError, bytes], APIError | None]) -> None:
        super().__init__(DATA)
        self.change = change

    def refusal(self, status: int, headers: Any, body: bytes, call: HttpCall) -> APIError:
        error = super().refusal(status, headers, body, call)
        return self.change(error, body) or error


def parts(payload: dict[str, Any], form: str = "") -> list[dict[str, Any]]:
    """The deltas or messages of an event."""
    return [
        found
        for choice in (payload.get("choices") or ())
        for name in ("delta", "message")
        if form in name and (found := choice.get(name))
    ]


def drops(field: str, form: str = "") -> Callable[..., None]:
    def change(_: Decodes, payload: dict[str, Any], __: Sink) -> None:
        for part in parts(payload, form):
            part.pop(field, None)

    return change


def without_usage(_: Decodes, payload: dict[str, Any], __: Sink) -> None:
    payload.pop("usage", None)


def counts_events(provider: Decodes, payload: dict[str, Any], _: Sink) -> None:
    """State that no answer begins anew."""
    provider.state += 1
    payload["id"] = f"event-{provider.state}"


def loses_the_third_text(provider: Decodes, payload: dict[str, Any], _: Sink) -> None:
    """State that each answer begins anew: it shows where two arrive at the same time."""
    for part in parts(payload):
        if "role" in part:
            provider.state = 0
        for name in ("reasoning", "content"):
            if part.get(name):
                provider.state += 1
                part[name] = "…" if provider.state == 3 else part[name]


def spells_otherwise(_: Decodes, payload: dict[str, Any], __: Sink) -> None:
    for part in parts(payload):
        part["content"] = (part.get("content") or "").replace("hot", "cold")


def claims_frames() -> Decodes:
    provider = Decodes(spells_otherwise)
    provider.data = replace(provider.data, reads_frames=True)
    return provider


def always_finishes(_: Decodes, __: dict[str, Any], sink: Sink) -> None:
    sink.finish("stop", None)


def finishes_with(reason: str | None) -> Callable[..., None]:
    def change(_: Decodes, payload: dict[str, Any], __: Sink) -> None:
        for choice in payload.get("choices") or ():
            choice["finish_reason"] = choice.get("finish_reason") and reason

    return change


def needs_a_mood(_: Decodes, payload: dict[str, Any], __: Sink) -> None:
    payload["mood"].upper()


def wants_a_mood(_: Decodes, payload: dict[str, Any], __: Sink) -> None:
    if "mood" not in payload:
        raise ValueError("an event without a mood")


class ListsNumbers(ChatCompletions):
    """Birch, which wants another list of models."""

    def models(self, payload: JsonValue) -> list[ModelInfo]:
        raise ValueError("no numbers")


class ListsNothing(ChatCompletions):
    """Birch, which finds no models."""

    def models(self, payload: JsonValue) -> list[ModelInfo]:
        return []


class IgnoresErrors(ChatCompletions):
    """Birch, which takes an error event for nothing.

    Args:
        reads: The error that it makes of one instead.
    """

    def __init__(self, reads: Exception | None = None) -> None:
        super().__init__(DATA)
        self.reads = reads

    def decode(self, payload: dict[str, JsonValue], sink: Sink) -> None:
        if "error" not in payload:
            super().decode(payload, sink)
        elif self.reads is not None:
            raise self.reads


ANSWERS: dict[str, tuple[ChatCompletions, str, str, str]] = {
    "state stays": (Decodes(counts_events), "splitting", "birch.jsonl, line 2", "whole and again, it differs in id"),
    "answers share state": (Decodes(loses_the_third_text), "splitting", "birch.jsonl, line 4", "at the same time as"),
    "frames are read otherwise": (claims_frames(), "splitting", "birch.jsonl, line 2", "with reads_frames and without"),
    "every event finishes": (Decodes(always_finishes), "endings", "birch.jsonl, line 2", "event 2 goes on after"),
    "no event finishes": (Decodes(finishes_with(None)), "endings", "birch.jsonl, line 2", "counts as broken off"),
    "a finish reason is unknown": (Decodes(finishes_with("owl")), "endings", "finish reason owl", "nobody knows it"),
    "reasoning is dropped": (Decodes(drops("reasoning")), "fields", "field choices[].delta.reasoning", "decode drops"),
    "a call is dropped": (
        Decodes(drops("tool_calls")), "fields", "field choices[].delta.tool_calls[].function.name", '"get_price" in'
    ),
    "the usage is dropped": (Decodes(without_usage), "fields", "field usage", "call sink.usage"),
    "only the plain form is dropped": (
        Decodes(drops("reasoning", "message")), "forms", "birch.jsonl, line 3", "reasoning: False here, and True in"
    ),
    "an event ends in a KeyError": (Decodes(needs_a_mood), "recordings", "birch.jsonl, line 2", "KeyError: 'mood'"),
    "an event is not understood": (Decodes(wants_a_mood), "recordings", "birch.jsonl, line 2", "cannot be read"),
    "models are refused": (ListsNumbers(DATA), "recordings", "birch.jsonl, line 1", "cannot be read (ValueError: no n"),
    "models are not read": (ListsNothing(DATA), "recordings", "birch.jsonl, line 1", "read as empty"),
}  # fmt: skip
"""Broken readings of answers: the provider, the law, the place, and a part of the text."""


def changed(error: APIError, **fields: object) -> None:
    for name, value in fields.items():
        setattr(error, name, value)


def fails_on_a_page(_: APIError, body: bytes) -> None:
    if body.startswith(b"<"):
        raise ValueError("not JSON")


def in_own_words(error: APIError, _: bytes) -> None:
    error.args = ("something went wrong",)


def with_the_key(error: APIError, body: bytes) -> None:
    error.body = body.decode("latin-1")


REFUSALS: dict[str, tuple[ChatCompletions, str, str, str]] = {
    "one class for all": (
        Refuses(lambda error, _: ServerError("The owl is not at home").about(url=error.url)),
        "refusals", "status 401", "it becomes ServerError",
    ),
    "no status": (Refuses(lambda error, _: changed(error, status_code=None)), "refusals", "status 429", "status_code"),
    "no retry-after": (Refuses(lambda error, _: changed(error, retry_after=None)), "refusals", "status 503", "=None"),
    "no address": (Refuses(lambda error, _: changed(error, url=None)), "refusals", "status 400", "url=None"),
    "own words": (Refuses(in_own_words), "refusals", "status 500", "the server's message is not in the error"),
    "own words for a recorded one": (Refuses(in_own_words), "refusals", "birch.jsonl, line 6", "message is not in"),
    "the key is shown": (Refuses(with_the_key), "key", "status 400", "repeats the key"),
    "a page is too much": (Refuses(fails_on_a_page), "refusals", "status 503, body b'<'", "ValueError (not JSON)"),
    "an error event is passed over": (IgnoresErrors(), "refusals", "an error event in a stream", "passes over it"),
    "an error event is too much": (IgnoresErrors(KeyError("x")), "refusals", "an error event in a stream", "KeyError"),
    "an error event loses its code": (
        IgnoresErrors(ServerError("The owl is not at home")), "refusals", "an error event in a stream", "code=None"
    ),
}  # fmt: skip
"""Broken errors: the provider, the law, the place, and a part of the text."""
