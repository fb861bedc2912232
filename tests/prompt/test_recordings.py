"""Rendered prompts and their counts against what real servers said of the same requests."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any

import pytest

from deepseek_v4_sdk.prompt import RenderedPrompt, render_prompt
from tests.prompt.served import ARGUMENTS
from tests.support.recorded import ROOT, Recording, recordings
from tests.support.segment_counts import assert_adds_up, prompt_tokens

_DIALECTS = {"vllm": "vllm", "sglang": "recipe"}


def _of_messages(recording: Recording) -> bool:
    return recording.status == 200 and "messages" in (recording.request_body or {})


_CHATS = [each for each in recordings(chat=True) if _of_messages(each) and each.expected.get("usage")]
_TOKENIZED = [each for each in recordings(chat=False) if _of_messages(each) and each.path == "/tokenize"]
_RENDERED = [each for each in recordings(chat=False) if _of_messages(each) and each.path.endswith("/render")]
_PROMPTS = [each for each in recordings() if (ROOT / each.server / each.name / "prompt.txt").exists()]


def _id(recording: Recording) -> str:
    return f"{recording.server}-{recording.name}"


def _rendered(recording: Recording) -> RenderedPrompt:
    prompt = render_prompt(**ARGUMENTS[recording.server](recording))
    assert_adds_up(prompt, _DIALECTS[recording.server])
    return prompt


def _tokens(recording: Recording) -> list[int]:
    return prompt_tokens(_rendered(recording), _DIALECTS[recording.server])


def test_the_recordings_are_all_there() -> None:
    assert [len(each) for each in (_CHATS, _TOKENIZED, _RENDERED, _PROMPTS)] == [79, 4, 9, 16]


@pytest.mark.parametrize("recording", _CHATS, ids=_id)
def test_prompt_tokens_of_every_chat(recording: Recording) -> None:
    assert len(_tokens(recording)) == recording.expected["usage"]["prompt_tokens"]


@pytest.mark.parametrize("recording", _TOKENIZED, ids=_id)
def test_every_tokenized_chat(recording: Recording) -> None:
    answer = json.loads(recording.body)
    tokens = _tokens(recording)
    assert tokens == answer["tokens"]
    assert len(tokens) == answer["count"]


@pytest.mark.parametrize("recording", _RENDERED, ids=_id)
def test_every_render(recording: Recording) -> None:
    assert _tokens(recording) == json.loads(recording.body)["token_ids"]


@pytest.mark.parametrize("recording", _PROMPTS, ids=_id)
def test_every_prompt(recording: Recording) -> None:
    text = _rendered(recording).text
    written = (ROOT / recording.server / recording.name / "prompt.txt").read_text("utf-8")
    if recording.server == "vllm":
        assert text == written
        return
    # SGLang's recordings tell the head by its length and hash.
    preamble, _, rest = written.partition("\n")
    told = re.fullmatch(r"\[preamble: (\d+) characters, sha256 ([0-9a-f]+), contains .*\]", preamble)
    assert told is not None
    head = text[: int(told[1])]
    assert sha256(head.encode()).hexdigest().startswith(told[2])
    assert text[len(head) :] == rest.removesuffix("\n")


@pytest.mark.parametrize(
    "recording",
    [each for each in recordings(chat=True) if (each.request_body or {}).get("return_prompt_token_ids")],
    ids=_id,
)
def test_prompt_token_ids(recording: Recording) -> None:
    choice: dict[str, Any] = json.loads(recording.body)["choices"][0]
    assert _tokens(recording) == choice["prompt_token_ids"]
