"""The official `openai` client drives the gateway on every kind of server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from deepseek_v4_sdk import AsyncDeepSeekV4
from deepseek_v4_sdk.gateway import Gateway
from deepseek_v4_sdk.testing import faults, script
from tests.gateway.serving import ASK, FLAVORS, TOOL, client_of, sent, served

CALLS = script.think("Which city?") + script.text("Let me look.") + script.tool_call("weather", city="Rome")
ANSWERS = script.think("Good.") + script.text("It is sunny.")
FUNCTION: dict[str, Any] = {"type": "function", **TOOL["function"], "strict": None}


class Place(BaseModel):
    city: str


@pytest.fixture(params=FLAVORS)
def flavor(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


class Talk:
    """An official client, and the client that the gateway asks."""

    def __init__(self, client: AsyncDeepSeekV4, official: openai.OpenAI) -> None:
        self.client = client
        self.openai = official


@pytest.fixture
def talk(request: pytest.FixtureRequest, flavor: str) -> Iterator[Talk]:
    steps = request.param if isinstance(request.param, tuple) else (request.param,)
    client = client_of(*steps, flavor=flavor)
    with (
        served(Gateway(client)) as gateway,
        openai.OpenAI(base_url=gateway.url, api_key="any", max_retries=0) as official,
    ):
        yield Talk(client, official)


def reasoning_sent(client: AsyncDeepSeekV4) -> Any:
    turn = next(message for message in sent(client)["messages"] if message["role"] == "assistant")
    return turn.get("reasoning_content", turn.get("reasoning"))


@pytest.mark.parametrize("talk", [(CALLS, ANSWERS)], indirect=True)
@pytest.mark.parametrize("drops", [False, True])
def test_two_rounds_of_chat(talk: Talk, drops: bool) -> None:
    first = talk.openai.chat.completions.create(model="gpt-any", messages=ASK, tools=[TOOL])  # type: ignore[list-item]
    message = first.choices[0].message
    assert first.model == "gpt-any"
    assert first.choices[0].finish_reason == "tool_calls"
    assert message.model_extra == {"reasoning_content": "Which city?"}
    assert message.content
    assert message.content.strip() == "Let me look."
    assert message.tool_calls
    back: dict[str, Any] = message.model_dump(exclude_none=True)
    if drops:
        del back["reasoning_content"]
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "sun"}
    stream = talk.openai.chat.completions.create(
        model="gpt-any",
        messages=[*ASK, back, result],  # type: ignore[list-item]
        tools=[TOOL],  # type: ignore[list-item]
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == "It is sunny."
    assert "".join((delta.model_extra or {}).get("reasoning_content", "") for delta in deltas) == "Good."
    assert chunks[-2].choices[0].finish_reason == "stop"
    usage = chunks[-1].usage
    assert usage
    assert usage.completion_tokens
    assert reasoning_sent(talk.client) == "Which city?"


@pytest.mark.parametrize("talk", [(CALLS, ANSWERS)], indirect=True)
def test_two_rounds_of_responses(talk: Talk) -> None:
    first = talk.openai.responses.create(model="gpt-any", input="Hello", tools=[FUNCTION])  # type: ignore[list-item]
    assert [item.type for item in first.output] == ["reasoning", "message", "function_call"]
    items = [item.model_dump(exclude_none=True) for item in first.output]
    output = {"type": "function_call_output", "call_id": items[-1]["call_id"], "output": "sun"}
    with talk.openai.responses.stream(
        model="gpt-any",
        input=[*ASK, *items, output],  # type: ignore[arg-type]
        tools=[FUNCTION],  # type: ignore[list-item]
    ) as stream:
        numbers = [event.sequence_number for event in stream]
        final = stream.get_final_response()
    assert numbers == list(range(len(numbers)))
    assert final.status == "completed"
    assert final.output_text == "It is sunny."
    assert final.usage
    assert reasoning_sent(talk.client) == "Which city?"


@pytest.mark.parametrize("talk", [script.text('{"city": "Rome"}')], indirect=True)
def test_parse_of_chat(talk: Talk) -> None:
    parsed = talk.openai.chat.completions.parse(model="m", messages=ASK, response_format=Place)  # type: ignore[arg-type]
    assert parsed.choices[0].message.parsed == Place(city="Rome")
    form = sent(talk.client)["response_format"]
    assert form["type"] == ("json_object" if talk.client.flavor == "deepseek" else "json_schema")
    if talk.client.flavor == "deepseek":
        assert "JSON Schema" in sent(talk.client)["messages"][0]["content"]


@pytest.mark.parametrize("talk", [script.text('{"city": "Rome"}')], indirect=True)
def test_parse_of_responses(talk: Talk) -> None:
    parsed = talk.openai.responses.parse(model="m", input="Where?", text_format=Place)
    assert parsed.output_parsed == Place(city="Rome")


@pytest.mark.parametrize("talk", [script.think("Hm.") + script.tool_call("weather", city="Rome")], indirect=True)
def test_a_forced_call(talk: Talk) -> None:
    raw = talk.openai.chat.completions.with_raw_response.create(
        model="m",
        messages=ASK,  # type: ignore[arg-type]
        tools=[TOOL],  # type: ignore[list-item]
        tool_choice="required",
    )
    calls = raw.parse().choices[0].message.tool_calls
    assert calls
    assert calls[0].type == "function"
    thinking_off = "thinking is off" in raw.headers.get("x-deepseek-v4-notes", "")
    assert thinking_off == (talk.client.flavor == "deepseek")


@pytest.mark.parametrize("talk", [ANSWERS | faults.cut(after_bytes=900)], indirect=True)
def test_a_broken_stream_is_an_error(talk: Talk) -> None:
    with pytest.raises(openai.APIError):
        list(talk.openai.chat.completions.create(model="m", messages=ASK, stream=True))  # type: ignore[arg-type]


@pytest.mark.parametrize("talk", [ANSWERS | faults.error_event(503, "overloaded", after=2)], indirect=True)
def test_a_broken_plain_answer_is_an_error(talk: Talk) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        talk.openai.chat.completions.create(model="m", messages=ASK)  # type: ignore[arg-type]
    # An event of DeepSeek's API has no code.
    assert caught.value.status_code == (502 if talk.client.flavor == "deepseek" else 503)


@pytest.mark.parametrize("talk", [ANSWERS | faults.cut(after_bytes=900)], indirect=True)
def test_a_broken_response_has_failed(talk: Talk) -> None:
    stream = talk.openai.responses.create(model="m", input="Hello", stream=True)
    events = list(stream)
    assert events[-1].type == "response.failed"
    assert events[-1].response.status == "failed"


@pytest.mark.parametrize("talk", [()], indirect=True)
def test_models(talk: Talk) -> None:
    (model,) = talk.openai.models.list().data
    assert model.model_extra
    assert model.model_extra["max_model_len"] == 1_048_576
    assert talk.openai.models.retrieve(model.id).id == model.id
    with pytest.raises(openai.NotFoundError):
        talk.openai.models.retrieve("another")
