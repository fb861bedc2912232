"""What real servers sent decodes to what the index of the recordings says, however its bytes and deltas are cut."""

from __future__ import annotations

import json
import random
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.chat import Usage
from tests.exchange.meaning import all_of
from tests.support.profiles import sampled
from tests.support.recorded import Recording, recordings
from tests.support.replay import Outcome, answer, ask

if TYPE_CHECKING:
    from collections.abc import Sequence

CHATS = recordings(chat=True)
ANSWERS = [recording for recording in CHATS if recording.status == 200]
REFUSALS = [recording for recording in CHATS if recording.status != 200]
SPLITS = 20


def name_of(recording: Recording) -> str:
    return f"{recording.server}-{recording.name}"


def play(recording: Recording, blocks: Sequence[bytes], mode: Any = "sync") -> Outcome:
    headers = {name.lower(): value for name, value in recording.headers if name.lower() != "transfer-encoding"}
    tools = (recording.request_body or {}).get("tools")
    wire = "stream" if recording.streamed else "plain"
    served = answer(*blocks, status=recording.status, headers=headers)
    return ask(served, recording.server, mode, tools=tools, wire=wire)


def splits(recording: Recording) -> list[list[bytes]]:
    """Byte by byte, as the HTTP chunks were, and at random places."""
    body = recording.body
    chosen = [[body[place : place + 1] for place in range(len(body))], recording.http_chunks]
    for seed in range(SPLITS):
        dice = random.Random(seed)
        cuts = sorted(dice.sample(range(len(body) + 1), min(len(body), dice.randint(1, 30))))
        chosen.append([body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)])
    return chosen


def first_event(recording: Recording) -> dict[str, Any]:
    text = recording.body.decode().split("\n\n")[0].removeprefix("data: ")
    decoded: dict[str, Any] = json.loads(text)
    return decoded


def expected_usage(usage: dict[str, Any] | None) -> Usage:
    if usage is None:
        return Usage()
    inner = usage.get("completion_tokens_details") or {}
    cached = usage.get("prompt_tokens_details") or {}
    return Usage(
        prompt_tokens=usage["prompt_tokens"],
        completion_tokens=usage["completion_tokens"],
        total_tokens=usage["total_tokens"],
        reasoning_tokens=inner.get("reasoning_tokens", usage.get("reasoning_tokens")),
        cached_tokens=cached.get("cached_tokens"),
    )


@pytest.mark.parametrize("recording", ANSWERS, ids=name_of)
def test_answer_is_what_the_index_says(recording: Recording) -> None:
    outcome = play(recording, [recording.body])
    choice = recording.expected["choices"][0]
    if choice["finish_reason"] == "length" and not choice["content"]:
        assert type(outcome.error) is errors.ReasoningExhaustedError
        reply = outcome.partial
    else:
        reply = outcome.answered
    said = choice["content"] or ""
    # The blank line before a call is a part of the markup, which vLLM leaves in the text.
    assert reply.text == (said.removesuffix("\n\n") if choice["tool_calls"] else said)
    assert reply.reasoning == (choice["reasoning"] or None)
    assert [(call.id, call.name, call.arguments) for call in reply.tool_calls] == [
        (call["id"], call["name"], call["arguments"]) for call in choice["tool_calls"]
    ]
    assert [call.parsed for call in reply.tool_calls] == [json.loads(c["arguments"]) for c in choice["tool_calls"]]
    assert reply.partial_tool_calls == ()
    assert reply.raw_finish_reason == choice["finish_reason"]
    # a named tool ends with "stop" at vLLM
    assert reply.finish_reason == ("tool_calls" if choice["tool_calls"] else choice["finish_reason"])
    stop = choice["stop_reason"]
    assert reply.stop_sequence == (stop if isinstance(stop, str) else None)
    assert reply.usage == expected_usage(recording.expected["usage"])
    first = first_event(recording)
    assert (reply.id, reply.model) == (first["id"], first["model"])


@pytest.mark.parametrize("recording", CHATS, ids=name_of)
def test_any_split_of_the_bytes_gives_the_same(recording: Recording) -> None:
    whole = all_of(play(recording, [recording.body]))
    assert all_of(play(recording, [recording.body], "async")) == whole
    for blocks, mode in sampled(product(splits(recording), ("sync", "async")), 7):
        assert all_of(play(recording, blocks, mode)) == whole


REFUSED: dict[str, tuple[type[errors.APIError], dict[str, object]]] = {
    "vllm-error_bad_json": (errors.BadRequestError, {"code": "Bad Request"}),
    "vllm-error_max_tokens_too_many": (
        errors.ContextLengthExceededError,
        {"requested": 100_000, "limit": 4096, "prompt_tokens": None, "code": "BadRequestError"},
    ),
    "vllm-error_max_tokens_zero": (
        errors.ContextLengthExceededError,
        {"limit": None},
    ),  # a prompt that fills the window
    "vllm-error_messages_missing": (errors.BadRequestError, {"code": "Bad Request"}),
    "vllm-error_no_key": (errors.AuthenticationError, {"code": None, "body": {"error": "Unauthorized"}}),
    "vllm-error_prompt_too_long": (
        errors.ContextLengthExceededError,
        {"limit": 4096, "prompt_tokens": 4097, "requested": None},
    ),
    "vllm-error_temperature": (errors.BadRequestError, {}),
    "vllm-error_unknown_model": (errors.ModelNotFoundError, {"code": "NotFoundError"}),
    "vllm-error_wrong_key": (errors.AuthenticationError, {}),
    "sglang-error_bad_param_type": (errors.BadRequestError, {"code": "Bad Request"}),
    "sglang-error_no_key": (errors.AuthenticationError, {}),
    "sglang-error_prompt_plus_max_tokens": (
        errors.ContextLengthExceededError,
        {"limit": 4096, "prompt_tokens": 2005, "requested": 5005},
    ),
    "sglang-error_prompt_too_long": (
        errors.ContextLengthExceededError,
        {"limit": 4096, "prompt_tokens": 5005, "requested": None},
    ),
    "sglang-error_temperature_negative": (errors.BadRequestError, {}),
    "sglang-error_wrong_key": (errors.AuthenticationError, {}),
    "sglang-queue_full": (errors.OverloadedError, {"retry_after": None}),
}


@pytest.mark.parametrize("recording", REFUSALS, ids=name_of)
def test_refusal(recording: Recording) -> None:
    error = play(recording, [recording.body]).error
    kind, fields = REFUSED[name_of(recording)]
    assert type(error) is kind
    assert {name: getattr(error, name) for name in fields} == fields
    assert error.status_code == recording.status
    assert error.partial is None
    assert [attempt.status for attempt in error.attempts] == [recording.status]
    assert error.url is not None
    assert error.url.endswith("/v1/chat/completions")
    said = recording.expected["error"]
    told = said if isinstance(said, str) else said["message"].split("\n")[0]
    assert told in str(error)


def test_every_refusal_is_in_the_table() -> None:
    assert {name_of(recording) for recording in REFUSALS} == set(REFUSED)


def test_a_second_choice_is_kept_and_not_mixed_in() -> None:
    for recording in recordings("sglang", chat=True):
        if recording.name in {"n2", "n2_stream"}:
            reply = play(recording, recording.http_chunks).answered
            others = reply.raw["other_choices"] if recording.streamed else reply.raw["choices"]
            assert isinstance(others, list)
            assert any(isinstance(choice, dict) and choice["index"] == 1 for choice in others)


def test_log_probabilities_are_the_same_streamed_and_plain() -> None:
    found = {
        recording.name: play(recording, recording.http_chunks).answered.logprobs
        for recording in recordings("sglang", chat=True)
        if recording.name in {"logprobs", "logprobs_stream"}
    }
    plain, streamed = found["logprobs"], found["logprobs_stream"]
    assert plain
    assert streamed
    assert [entry["token"] for entry in plain if isinstance(entry, dict)] == [
        entry["token"] for entry in streamed if isinstance(entry, dict)
    ]
