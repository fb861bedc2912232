"""vLLM 0.33 and its Rust front end: their recorded answers are decoded, and repeated by their mocks."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest

from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from tests.fidelity.compare import VLLM_MODEL, WINDOW, Answer, differences, output_of, recorded_answer, served
from tests.support.recorded import Recording, of_front
from tests.support.replay import Mode, answer, ask, both

ALL = [(front, each) for front in ("vllm-0.33", "vllm-0.33-rust") for each in of_front(front)]
CHATS = [(front, each) for front, each in ALL if each.is_chat and each.status == 200]
COMPARED = [(front, each) for front, each in ALL if not each.path.endswith("/render")]
EXCEPTIONS = {
    ("vllm-0.33", "models"): "`root` is the path of the weights; the mock has none, and gives the name",
    ("vllm-0.33-rust", "models"): "`root` is the path of the weights; the mock has none, and gives the name",
    ("vllm-0.33-rust", "error_messages_missing"): "the column is that of the text without blanks",
}
"""What the mocks do not repeat, and why."""


def _id(value: Any) -> str:
    return value.name if isinstance(value, Recording) else str(value)


@pytest.mark.parametrize("mode", both)
@pytest.mark.parametrize(("front", "recording"), CHATS, ids=_id)
def test_decoded(front: str, recording: Recording, mode: Mode) -> None:
    """Text, reasoning, calls, finish reason and usage are those of the bytes."""
    del front
    headers = {name.lower(): value for name, value in recording.headers if name.lower() != "transfer-encoding"}
    pieces = [recording.body[start : start + 97] for start in range(0, len(recording.body), 97)]
    wire = "stream" if recording.streamed else "plain"
    asked = recording.request_body or {}
    options = {name: asked[name] for name in ("tools", "stop") if name in asked}
    reply = ask(answer(*pieces, headers=headers), "vllm", mode, wire=wire, **options).answered
    (choice,) = recording.expected["choices"]
    said = choice["content"] or ""
    text = said.removesuffix("\n\n") if choice["tool_calls"] else said  # the blank line belongs to the markup
    assert (reply.text, reply.reasoning or "") == (text, choice["reasoning"] or "")
    assert [(call.id, call.name, call.arguments) for call in reply.tool_calls] == [
        (call["id"], call["name"], call["arguments"]) for call in choice["tool_calls"]
    ]
    assert (reply.raw_finish_reason, reply.stop_sequence) == (choice["finish_reason"], choice["stop_reason"])
    usage = recording.expected["usage"]
    told = (reply.usage.prompt_tokens, reply.usage.completion_tokens)
    assert told == ((usage["prompt_tokens"], usage["completion_tokens"]) if usage else (None, None))
    assert not reply.repairs


@cache
def repeated(front: str) -> dict[str, Answer]:
    """What the mock answers to each request."""

    def say(request: Any) -> Any:
        return script.raw_model_output(output_of("vllm", request.body, thinks=request.thinking != "off"))

    flavor = VLLMFlavor(
        version="0.33.0",
        models=(VLLM_MODEL,),
        api_key="secret",
        prompt_tokens_details=True,
        block_size=128,
        frontend="rust" if front.endswith("rust") else "python",
    )
    mock = MockProvider(default=script.from_function(say), flavor=flavor, window=WINDOW)
    return {each.name: served(each, mock) for where, each in COMPARED if where == front}


def front_differences(front: str, recording: Recording) -> list[str]:
    """Where the mock answers otherwise."""
    return differences(_settled(recorded_answer(recording)), _settled(repeated(front)[recording.name]))


@pytest.mark.parametrize(("front", "recording"), COMPARED, ids=_id)
def test_repeated(front: str, recording: Recording) -> None:
    found = front_differences(front, recording)
    assert bool(found) == ((front, recording.name) in EXCEPTIONS), "\n".join(found)


def _settled(told: Answer) -> Any:
    """As values, without ids, and without what the cache had: the recordings were made over several runs."""
    return [told.status, told.content_type.partition(";")[0], _plain(told.body)]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        cache_told = {"cached_tokens", "created_cache_tokens"}
        return {key: 0 if key in cache_told else _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return re.sub(r"^(chatcmpl-|call_)[0-9a-f]{8,24}$", r"\1*", value)
    return value
