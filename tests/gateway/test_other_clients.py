"""Clients of other projects drive the gateway: `make integrations` runs these, the suite does not.

Each asks twice around a call, for structured output, and meets an answer that breaks, on every kind of server.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from deepseek_v4_sdk.gateway import Gateway
from deepseek_v4_sdk.testing import faults, script
from tests.gateway.serving import FLAVORS, TOOL, client_of, sent, served

# What these clients warn of, and leave open, is not ours.
pytestmark = [
    pytest.mark.integrations,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.parametrize("flavor", FLAVORS),
]
CALLS = script.think("Which city?") + script.tool_call("weather", city="Rome")
ANSWERS = script.think("Good.") + script.text("It is sunny.")
BROKEN = ANSWERS | faults.cut(after_bytes=900)
PLACE = script.text('{"city": "Rome"}')
QUESTION: list[Any] = [{"role": "user", "content": "Is it sunny?"}]


class Place(BaseModel):
    city: str


@pytest.fixture(autouse=True)
def _left_open() -> Iterator[None]:
    """Collect what a client leaves open while its warnings are ignored."""
    yield
    gc.collect()


def weather(city: str) -> str:
    """Tell the weather."""
    return f"sun in {city}"


def reasoning_sent(client: Any) -> Any:
    turn = next(message for message in sent(client)["messages"] if message["role"] == "assistant")
    return turn.get("reasoning_content", turn.get("reasoning"))


def chat_openai(url: str) -> Any:
    return pytest.importorskip("langchain_openai").ChatOpenAI(base_url=url, api_key="any", model="m", max_retries=0)


def test_langchain_openai(flavor: str) -> None:
    messages = pytest.importorskip("langchain_core.messages")
    client = client_of(CALLS, ANSWERS, PLACE, BROKEN, flavor=flavor)
    with served(Gateway(client)) as gateway:
        chat = chat_openai(gateway.url)
        talk = [messages.HumanMessage("Is it sunny?")]
        first = chat.bind_tools([weather]).invoke(talk)
        (call,) = first.tool_calls
        back = [*talk, first, messages.ToolMessage(weather(**call["args"]), tool_call_id=call["id"])]
        last = chat.bind_tools([weather]).invoke(back)
        reasoning = reasoning_sent(client)
        place = chat.with_structured_output(Place, method="json_schema").invoke(talk)
        with pytest.raises(openai.APIError, match="broke"):
            list(chat.stream(talk))
    assert last.content == "It is sunny."
    assert reasoning == "Which city?"  # ChatOpenAI drops it, and the gateway remembers
    assert place == Place(city="Rome")


def test_pydantic_ai(flavor: str) -> None:
    pydantic_ai = pytest.importorskip("pydantic_ai")
    openai_models = pytest.importorskip("pydantic_ai.models.openai")
    providers = pytest.importorskip("pydantic_ai.providers.openai")
    client = client_of(CALLS, ANSWERS, PLACE, BROKEN, BROKEN, flavor=flavor)
    with served(Gateway(client)) as gateway:
        provider = providers.OpenAIProvider(base_url=gateway.url, api_key="any")
        model = openai_models.OpenAIChatModel("m", provider=provider)
        result = pydantic_ai.Agent(model, tools=[weather]).run_sync("Is it sunny?")
        reasoning = reasoning_sent(client)
        place = pydantic_ai.Agent(model, output_type=pydantic_ai.NativeOutput(Place)).run_sync("Where?")
        with pytest.raises(pydantic_ai.exceptions.AgentRunError):
            pydantic_ai.Agent(model).run_sync("Is it sunny?")
    assert result.output == "It is sunny."
    assert reasoning == "Which city?"
    assert place.output == Place(city="Rome")


@pytest.mark.parametrize("route", ["openai/m", "anthropic/m"])
def test_litellm(route: str, flavor: str) -> None:
    """It brings many packages of its own: `make integrations` installs it into an environment of its own."""
    litellm = pytest.importorskip("litellm")
    client = client_of(CALLS, ANSWERS, PLACE, BROKEN, flavor=flavor)
    with served(Gateway(client)) as gateway:
        base = gateway.url if route.startswith("openai") else gateway.base

        def ask(talk: list[Any], **fields: Any) -> Any:
            return litellm.completion(
                model=route, api_base=base, api_key="any", messages=talk, max_tokens=900, num_retries=0, **fields
            )

        first = ask(QUESTION, tools=[TOOL]).choices[0].message
        (call,) = first.tool_calls
        result = {"role": "tool", "tool_call_id": call.id, "content": weather(**json.loads(call.function.arguments))}
        last = ask([*QUESTION, first.model_dump(exclude_none=True), result], tools=[TOOL]).choices[0].message
        reasoning = reasoning_sent(client)
        place = ask(QUESTION, response_format=Place).choices[0].message.content
        with pytest.raises(Exception, match="broke"):  # its classes of errors have no common one
            list(ask(QUESTION, stream=True))
    assert (last.content, last.reasoning_content) == ("It is sunny.", "Good.")
    assert reasoning == "Which city?"
    assert Place.model_validate_json(place) == Place(city="Rome")
