"""The official `anthropic` client drives the gateway on every kind of server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from deepseek_v4_sdk import AsyncDeepSeekV4
from deepseek_v4_sdk.gateway import Gateway
from deepseek_v4_sdk.testing import faults, script
from tests.gateway.serving import ASK, FLAVORS, SCHEMA, client_of, sent, served

# Every worker of the suite imports this file, and the client takes seconds: whoever uses it imports it.
if TYPE_CHECKING:
    import anthropic

CALLS = script.think("Which city?") + script.text("Let me look.") + script.tool_call("weather", city="Rome")
ANSWERS = script.think("Good.") + script.text("It is sunny.")
TOOL: Any = {"name": "weather", "description": "Tells it.", "input_schema": SCHEMA}
TALK: Any = ASK


class Place(BaseModel):
    city: str


@contextmanager
def talk(*steps: Any, flavor: str = "vllm") -> Iterator[tuple[anthropic.Anthropic, AsyncDeepSeekV4]]:
    import anthropic

    client = client_of(*steps, flavor=flavor)
    with (
        served(Gateway(client)) as gateway,
        anthropic.Anthropic(base_url=gateway.base, api_key="any", max_retries=0) as official,
    ):
        yield official, client


@pytest.mark.parametrize("flavor", FLAVORS)
def test_two_rounds(flavor: str) -> None:
    with talk(CALLS, ANSWERS, flavor=flavor) as (official, client):
        first = official.messages.create(model="claude-any", max_tokens=999, messages=TALK, tools=[TOOL])
        assert [block.type for block in first.content] == ["thinking", "text", "tool_use"]
        assert (first.stop_reason, first.model) == ("tool_use", "claude-any")
        blocks: Any = [block.model_dump(exclude_none=True) for block in first.content]
        result = {"type": "tool_result", "tool_use_id": blocks[-1]["id"], "content": [{"type": "text", "text": "sun"}]}
        back: Any = [*TALK, {"role": "assistant", "content": blocks}, {"role": "user", "content": [result]}]
        system: Any = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
        with official.messages.stream(
            model="claude-any", max_tokens=999, messages=back, tools=[TOOL], system=system
        ) as stream:
            raw = [event.type for event in stream]
            final = stream.get_final_message()
        assert raw[0] == "message_start"
        assert raw[-2:] == ["message_delta", "message_stop"]
        assert [block.type for block in final.content] == ["thinking", "text"]
        assert final.content[1].text == "It is sunny."  # type: ignore[union-attr]
        assert final.stop_reason == "end_turn"
        turn = next(message for message in sent(client)["messages"] if message["role"] == "assistant")
        assert turn.get("reasoning_content", turn.get("reasoning")) == "Which city?"
        assert sent(client)["messages"][0] == {"role": "system", "content": "Be brief."}


def test_a_broken_stream_is_an_error() -> None:
    import anthropic

    with (
        talk(ANSWERS | faults.cut(after_bytes=1500)) as (official, _),
        official.messages.stream(model="m", max_tokens=99, messages=TALK) as stream,
        pytest.raises(anthropic.APIError),
    ):
        stream.get_final_message()


def test_a_forced_call_streams_whole_arguments() -> None:
    with talk(CALLS, flavor="deepseek") as (official, client):
        with official.messages.stream(
            model="m", max_tokens=99, messages=TALK, tools=[TOOL], tool_choice={"type": "any"}
        ) as stream:
            final = stream.get_final_message()
        assert final.content[-1].input == {"city": "Rome"}  # type: ignore[union-attr]
        assert sent(client)["thinking"] == {"type": "disabled"}


@pytest.mark.parametrize("flavor", FLAVORS)
def test_structured_output(flavor: str) -> None:
    with talk(script.text('{"city": "Rome"}'), flavor=flavor) as (official, client):
        parsed = official.messages.parse(model="m", max_tokens=100, messages=TALK, output_format=Place)
    assert parsed.parsed_output == Place(city="Rome")
    assert "city" in str(sent(client))  # the server was told the schema


def test_tokens_are_counted() -> None:
    with talk() as (official, _):
        counted = official.messages.count_tokens(model="m", messages=TALK, tools=[TOOL])
    assert counted.input_tokens > 300


def test_tokens_of_a_forced_call_are_counted_without_thinking() -> None:
    with talk(flavor="deepseek") as (official, _):
        for choice in ("auto", "any"):
            counted = official.messages.count_tokens(
                model="m", messages=TALK, tools=[TOOL], tool_choice={"type": choice}
            )
            assert counted.input_tokens > 200


def test_errors_have_anthropic_shape() -> None:
    import anthropic

    with (
        talk(script.error(429, "slow down", headers={"retry-after": "7"})) as (official, _),
        pytest.raises(anthropic.RateLimitError) as caught,
    ):
        official.messages.create(model="m", max_tokens=99, messages=TALK)
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.body["error"]["type"] == "rate_limit_error"  # type: ignore[index]
