"""The states of a hosted model: retired, not for this account, throttled, lost, thinking or not."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.errors import (
    BadRequestError,
    GatewayTimeoutError,
    ModelNotFoundError,
    ModelRetiredError,
    OverloadedError,
    RateLimitError,
    UnsupportedOptionError,
)
from deepseek_v4_sdk.testing import MockProvider, faults, script
from tests.providers.hosted import ACCOUNT, FUNCTION, KEY, KINDS, nvidia

LIVE = "deepseek-ai/deepseek-v4-pro-0813"


@pytest.mark.parametrize("wire", ["stream", "plain"])
@pytest.mark.parametrize("kind", KINDS)
class TestStates:
    def test_a_retired_model_names_its_day_and_successors_and_is_asked_once(self, kind: str, wire: str) -> None:
        talk, network = nvidia(kind)
        with pytest.raises(ModelRetiredError) as raised:
            talk.chat(wire=wire, extra_body={"model": "deepseek-ai/deepseek-v4-pro"})
        assert raised.value.retired_on == date(2026, 8, 7)
        assert raised.value.successors == (LIVE,)
        assert f"use {LIVE}" in str(raised.value)
        assert len(network.asked) == 1

    def test_a_model_of_another_account_shows_no_ids(self, kind: str, wire: str) -> None:
        talk, network = nvidia(kind, script.error(404, f"Function '{FUNCTION}': Not found for account '{ACCOUNT}'"))
        with pytest.raises(ModelNotFoundError, match="not open to this account") as raised:
            talk.chat(wire=wire)
        for secret in (FUNCTION, ACCOUNT, KEY):
            assert secret not in f"{raised.value}{raised.value.body}"
        assert len(network.asked) == 1

    def test_an_unknown_model_is_told_with_the_address(self, kind: str, wire: str) -> None:
        talk, network = nvidia(kind, model="deepseek-ai/deepseek-v9")
        with pytest.raises(ModelNotFoundError, match="404 page not found") as raised:
            talk.chat(wire=wire)
        assert "https://integrate.api.nvidia.com/v1/chat/completions" in str(raised.value)
        assert "'deepseek-ai/deepseek-v9'" in str(raised.value)
        assert len(network.asked) == 1

    def test_a_bare_429_has_no_hint_and_is_tried_again(self, kind: str, wire: str) -> None:
        talk, network = nvidia(kind, *[script.error(429)] * 3)
        with pytest.raises(RateLimitError) as raised:
            talk.chat(wire=wire)
        assert raised.value.retry_after is None
        assert raised.value.body == {"status": 429, "title": "Too Many Requests"}
        assert len(network.asked) == len(raised.value.attempts) == 3

    def test_an_empty_504_keeps_the_id(self, kind: str, wire: str) -> None:
        lost = script.raw(status=504, headers={"nvcf-reqid": "req-504", "nvcf-status": "errored"})
        talk, _ = nvidia(kind, lost, max_retries=0)
        with pytest.raises(GatewayTimeoutError, match="an empty body") as raised:
            talk.chat(wire=wire)
        assert raised.value.request_id == "req-504"
        assert ("wire='stream'" in str(raised.value)) is (wire == "plain")

    def test_an_overloaded_worker_is_waited_for(self, kind: str, wire: str) -> None:
        busy = script.error(500, "ResourceExhausted: Worker local total request limit reached (71/32)")
        talk, _ = nvidia(kind, busy, script.text("Hello"))
        reply = talk.chat(wire=wire)
        assert reply.text == "Hello"
        assert [attempt.error for attempt in reply.attempts] == ["OverloadedError", None]

    def test_a_default_limit_is_sent_and_told(self, kind: str, wire: str) -> None:
        talk, network = nvidia(kind, script.text("a"), script.text("b"))
        assert talk.chat(wire=wire).max_tokens_sent == 16_384 == network.bodies[0]["max_tokens"]
        assert talk.chat(wire=wire, max_tokens=9).max_tokens_sent == 9 == network.bodies[1]["max_tokens"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_overload_inside_a_stream_of_status_200_is_waited_for_too(kind: str) -> None:
    """As long as nothing of an answer had come."""
    message = "ResourceExhausted: Worker local total request limit reached (71/32)"
    early = script.text("Hello there") | faults.error_event(500, message, after=0)
    talk, _ = nvidia(kind, early, script.text("Hello"))
    assert len(talk.chat().attempts) == 2
    late = script.text("Hello there") | faults.error_event(500, message, after=2)
    talk, _ = nvidia(kind, late)
    with pytest.raises(OverloadedError) as raised:
        talk.chat()
    assert raised.value.status_code == 500
    assert raised.value.partial is not None
    assert raised.value.partial.text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("thinking", "wire"), list(product(["off", "high", "max"], ["stream", "plain"])))
def test_the_switch_is_always_sent(thinking: str, wire: str, kind: str) -> None:
    """Without it hosted requests were seen to hang."""
    step = script.think("Hm.") + script.text("Hello")
    talk, network = nvidia(kind, step, step)
    for more in ({}, {"chat_template_kwargs": {"drop_thinking": False}}):
        reply = talk.chat(thinking=thinking, wire=wire, extra_body=more)
        switch = network.bodies[-1]["chat_template_kwargs"]
        assert switch["thinking"] is (thinking != "off")
        assert switch.get("reasoning_effort") == (None if thinking == "off" else thinking)
        assert reply.reasoning == (None if thinking == "off" else "Hm.")
        assert not {"thinking", "reasoning_effort"} & network.bodies[-1].keys()


@pytest.mark.parametrize("kind", KINDS)
def test_low_is_refused_and_becomes_high_when_asked(kind: str) -> None:
    talk, network = nvidia(kind, script.text("Hello"))
    with pytest.raises(UnsupportedOptionError, match="nvidia has no thinking='low'; it has off, high, max") as raised:
        talk.chat(thinking="low")
    assert (raised.value.option, network.asked) == ("thinking", [])
    reply = talk.chat(thinking="low", on_unsupported="nearest")
    assert network.bodies[0]["chat_template_kwargs"] == {"thinking": True, "reasoning_effort": "high"}
    assert ("thinking_level", "nvidia has no thinking='low'; 'high' was sent") in [
        (repair.kind, repair.detail) for repair in reply.repairs
    ]


def test_what_the_server_refuses_by_name_reaches_the_caller() -> None:
    mock = MockProvider(flavor="nvidia")
    with pytest.raises(BadRequestError, match=r"Unsupported parameter\(s\): prompt_cache_key") as raised:
        DeepSeekV4(mock, model="pro").chat("x", extra_body={"prompt_cache_key": "a"})
    assert raised.value.status_code == 400


def test_earlier_calls_have_reasoning_even_where_there_was_none() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    talk, network = nvidia("sync", script.text("Done"))
    history = [{"role": "user", "content": "x"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    talk.chat([*history, {"role": "tool", "content": "r", "tool_call_id": "a"}])
    assert network.bodies[0]["messages"][1]["reasoning_content"] == ""
