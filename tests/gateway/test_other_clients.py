"""Clients of other projects drive the gateway: `make integrations` runs these, the suite does not."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk.gateway import Gateway
from deepseek_v4_sdk.testing import script
from tests.gateway.serving import client_of, sent, served

# What these clients warn of, and leave open, is not ours.
pytestmark = [pytest.mark.integrations, pytest.mark.filterwarnings("ignore")]
CALLS = script.think("Which city?") + script.tool_call("weather", city="Rome")
ANSWERS = script.think("Good.") + script.text("It is sunny.")


def weather(city: str) -> str:
    """Tell the weather."""
    return f"sun in {city}"


def reasoning_sent(client: Any) -> Any:
    turn = next(message for message in sent(client)["messages"] if message["role"] == "assistant")
    return turn.get("reasoning_content", turn.get("reasoning"))


@pytest.mark.parametrize("flavor", ["vllm", "sglang", "deepseek", "nvidia"])
def test_langchain_openai(flavor: str) -> None:
    chat = pytest.importorskip("langchain_openai").ChatOpenAI
    messages = pytest.importorskip("langchain_core.messages")
    client = client_of(CALLS, ANSWERS, flavor=flavor)
    with served(Gateway(client)) as gateway:
        model = chat(base_url=gateway.url, api_key="any", model="m", max_retries=0).bind_tools([weather])
        talk = [messages.HumanMessage("Is it sunny?")]
        first = model.invoke(talk)
        (call,) = first.tool_calls
        last = model.invoke([*talk, first, messages.ToolMessage(weather(**call["args"]), tool_call_id=call["id"])])
    assert last.content == "It is sunny."
    assert reasoning_sent(client) == "Which city?"  # ChatOpenAI drops it, and the gateway remembers


@pytest.mark.parametrize("flavor", ["vllm", "sglang", "deepseek", "nvidia"])
def test_pydantic_ai(flavor: str) -> None:
    agent_of = pytest.importorskip("pydantic_ai").Agent
    openai_models = pytest.importorskip("pydantic_ai.models.openai")
    providers = pytest.importorskip("pydantic_ai.providers.openai")
    client = client_of(CALLS, ANSWERS, flavor=flavor)
    with served(Gateway(client)) as gateway:
        provider = providers.OpenAIProvider(base_url=gateway.url, api_key="any")
        agent = agent_of(openai_models.OpenAIChatModel("m", provider=provider), tools=[weather])
        result = agent.run_sync("Is it sunny?")
    assert result.output == "It is sunny."
    assert reasoning_sent(client) == "Which city?"


@pytest.mark.parametrize("route", ["openai/m", "anthropic/m"])
def test_litellm(route: str) -> None:
    """litellm wants an older `openai`: it runs where it is installed, in an environment of its own."""
    litellm = pytest.importorskip("litellm")
    client = client_of(ANSWERS)
    with served(Gateway(client)) as gateway:
        base = gateway.url if route.startswith("openai") else gateway.base
        talk = [{"role": "user", "content": "Is it sunny?"}]
        answer = litellm.completion(model=route, api_base=base, api_key="any", messages=talk)
    assert answer.choices[0].message.content == "It is sunny."
    assert answer.choices[0].message.reasoning_content == "Good."
