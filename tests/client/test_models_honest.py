"""Which model answered: compared with the one that was asked for, by every name it has, and told."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk import DeepSeekV4, ModelMismatchError
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.flavors.sglang import SGLangFlavor
from tests.support.modes import connect, in_both_modes
from tests.support.replay import JSON, Mode, Played, Replay, answer
from tests.support.wire import DONE, sse

HELD = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}


def ask(provider: str, asked: str, served: str | None, mode: Mode = "sync", **arguments: Any) -> Any:
    frame = {"id": "1"} if served is None else {"id": "1", "model": served}
    replay = Replay(answer(sse({**frame, **HELD}), DONE))
    return connect(mode, Played(provider, replay), model=asked, **arguments).chat("x")


SAME = [
    ("vllm", "deepseek-ai/DeepSeek-V4-Pro", "deepseek-ai/DeepSeek-V4-Pro"),
    ("vllm", "deepseek-ai/DeepSeek-V4-Pro", "DeepSeek-V4-Pro"),
    ("vllm", "my-name", "my-name"),
    ("nvidia", "pro", "deepseek-ai/deepseek-v4-pro-0813"),
    ("nvidia", "deepseek-ai/deepseek-v4-pro-0813", "deepseek-v4-pro-0813"),
    ("deepseek", "pro", "deepseek-v4-pro"),
    ("deepseek", "flash", "deepseek-flash"),
    ("deepseek", "deepseek-v4-pro", "deepseek-v4-pro-0813"),
]


@in_both_modes
@pytest.mark.parametrize(("provider", "asked", "served"), SAME)
def test_another_name_of_the_same_model_is_the_same(provider: str, asked: str, served: str, mode: Mode) -> None:
    reply = ask(provider, asked, served, mode, strict_model=True)
    assert (reply.text, reply.model) == ("Hi", served)


OTHERS = [
    ("vllm", "deepseek-ai/DeepSeek-V4-Pro", "deepseek-ai/DeepSeek-V4-Flash"),
    ("vllm", "a", "b"),
    ("deepseek", "pro", "deepseek-flash"),
    ("nvidia", "pro", "deepseek-ai/deepseek-v4-flash-0731"),
]


@in_both_modes
@pytest.mark.parametrize(("provider", "asked", "served"), OTHERS)
def test_another_model_is_an_error_when_strict_and_visible_when_not(
    provider: str, asked: str, served: str, mode: Mode
) -> None:
    with pytest.raises(ModelMismatchError, match=served) as caught:
        ask(provider, asked, served, mode, strict_model=True)
    assert caught.value.partial is not None
    assert (caught.value.partial.text, caught.value.partial.model) == ("Hi", served)
    assert len(caught.value.attempts) == 1
    reply = ask(provider, asked, served, mode)
    assert reply.model == served
    assert reply.requested_model != served


@in_both_modes
@pytest.mark.parametrize("overflow", [None, "raise"])
def test_who_repeats_any_name_is_asked_for_its_list(overflow: Any, mode: Mode) -> None:
    """SGLang answers under whatever name it was asked for."""
    mock = MockProvider(default=script.text("Hi"), flavor=SGLangFlavor(model="deepseek-ai/DeepSeek-V4-Flash"))
    client = connect(mode, mock, model="deepseek-ai/DeepSeek-V4-Pro", strict_model=True)
    with pytest.raises(
        ModelMismatchError, match=r"V4-Pro' was requested, and the server has 'deepseek-ai/DeepSeek-V4-Flash'"
    ):
        client.chat("x", overflow=overflow)
    assert not mock.requests
    assert client.chat("x", model="deepseek-ai/DeepSeek-V4-Flash", overflow=overflow).text == "Hi"
    assert client.chat("x", model="DeepSeek-V4-Flash").model == "DeepSeek-V4-Flash"  # the same by a shorter name
    loose = connect(mode, mock, model="deepseek-ai/DeepSeek-V4-Pro")
    assert loose.chat("x").model == "deepseek-ai/DeepSeek-V4-Pro"
    assert (
        connect(mode, mock, model=None, strict_model=True).chat("x").text == "Hi"
    )  # where no name is asked for, all are right


def test_a_fallback_is_compared_too_and_the_list_is_read_once() -> None:
    listed = answer(b'{"data": [{"id": "b"}]}', headers=JSON)
    done = answer(sse({"id": "1", "model": "b", **HELD}), DONE)
    replay = Replay(listed, done, done)
    client = DeepSeekV4(Played("sglang", replay), model="b", strict_model=True)
    assert [client.chat("x").text for _ in range(2)] == ["Hi", "Hi"]
    assert replay.paths == ["/v1/models", "/v1/chat/completions", "/v1/chat/completions"]
    wrong = DeepSeekV4(Played("sglang", Replay(listed)), model="a", strict_model=True)
    first = DeepSeekV4(Played("vllm", Replay(answer(b"{}", status=500, headers=JSON))), model="a", max_retries=0)
    with pytest.raises(ModelMismatchError, match="'a' was requested, and the server has 'b'"):
        first.with_options(fallback=[wrong], strict_model=True, max_retries=1).chat("x")


def test_a_server_that_does_not_say_its_model_is_not_accused() -> None:
    assert ask("vllm", "a", None, strict_model=True).model is None


def test_a_mismatch_is_not_tried_again() -> None:
    replay = Replay(*[answer(sse({"id": "1", "model": "b", **HELD}), DONE)] * 2)
    with pytest.raises(ModelMismatchError):
        DeepSeekV4(Played("vllm", replay), model="a", strict_model=True).chat("x", on_interrupt="restart")
    assert len(replay.paths) == 1


def test_a_plain_answer_is_compared_too() -> None:
    body = b'{"id":"1","model":"b","choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}]}'
    client = DeepSeekV4(Played("vllm", Replay(answer(body, headers=JSON))), model="a", strict_model=True)
    with pytest.raises(ModelMismatchError):
        client.chat("x", wire="plain")
