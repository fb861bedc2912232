"""The ways from a framework to a server: by our adapter, and by what the framework itself has for such servers."""

from __future__ import annotations

from typing import Any

import agents
from langchain_core.messages import HumanMessage, ToolMessage
from pydantic import BaseModel
from pydantic_ai import Agent

from deepseek_v4_sdk import AsyncDeepSeekV4
from deepseek_v4_sdk.integrations.langchain import ChatDeepSeekV4
from deepseek_v4_sdk.integrations.openai_agents import DeepSeekV4AgentsModel
from deepseek_v4_sdk.integrations.pydantic_ai import DeepSeekV4Model
from tests.integrations.model import MODELS

__all__ = ["FRAMEWORKS", "RAN", "Joke", "Path"]

FRAMEWORKS = ("LangChain", "pydantic-ai", "OpenAI Agents")
RAN: list[str] = []
"""The calls that ran."""


class Joke(BaseModel):
    """A joke."""

    setup: str
    punchline: str


def weather(city: str) -> str:
    """The weather of a city."""
    RAN.append(city)
    return f"rain in {city}"


# How each server is told to think as hard as it can, where a framework has no word for it.
_MAX: dict[str, dict[str, Any]] = {
    "vllm": {"chat_template_kwargs": {"thinking": True, "enable_thinking": True, "reasoning_effort": "max"}},
    "sglang": {"chat_template_kwargs": {"thinking": True, "reasoning_effort": "max"}},
    "deepseek": {"thinking": {"type": "enabled"}, "reasoning_effort": "max"},
}


class Path:
    """One framework, one server, one way.

    Args:
        framework: One of `FRAMEWORKS`.
        flavor: The server.
        url: Its address.
        ours: Whether our adapter is in between.
        key: The key of the server.
        model: The name of the model; None for that of the mock.
    """

    def __init__(
        self, framework: str, flavor: str, url: str, *, ours: bool, key: str = "k", model: str | None = None
    ) -> None:
        self._flavor, self._url, self._ours, self._key = flavor, url, ours, key
        self._model = model or MODELS[flavor]
        self._run = {"LangChain": self._langchain, "pydantic-ai": self._pydantic, "OpenAI Agents": self._agents}[
            framework
        ]

    async def run(self, question: str, *, stream: bool = False, tools: bool = True, shape: bool = False) -> Any:
        """Ask, with tools run until there is an answer; the answer, or a value of the shape."""
        return await self._run(question, stream, tools, shape)

    def _client(self) -> AsyncDeepSeekV4:
        return AsyncDeepSeekV4(self._flavor, base_url=self._url, api_key=self._key, model=self._model, max_retries=0)

    async def _langchain(self, question: str, stream: bool, tools: bool, shape: bool) -> Any:
        if self._ours:
            model: Any = ChatDeepSeekV4(client=self._client(), thinking="max")
        else:
            from langchain_openai import ChatOpenAI

            model = ChatOpenAI(
                base_url=f"{self._url}/v1",
                api_key=self._key,
                model=self._model,
                max_retries=0,
                extra_body=_MAX[self._flavor],
                stream_usage=True,
            )
        if shape:
            return await model.with_structured_output(Joke).ainvoke(question)
        bound = model.bind_tools([weather]) if tools else model
        history: list[Any] = [HumanMessage(question)]
        for _ in range(4):
            message: Any = None
            if stream:
                async for chunk in bound.astream(history):
                    message = chunk if message is None else message + chunk
            else:
                message = await bound.ainvoke(history)
            history.append(message)
            if not message.tool_calls:
                return message.text
            results = [(weather(**call["args"]), call["id"]) for call in message.tool_calls]
            history += [ToolMessage(result, tool_call_id=call_id) for result, call_id in results]
        return "no end"

    async def _pydantic(self, question: str, stream: bool, tools: bool, shape: bool) -> Any:
        if self._ours:
            model: Any = DeepSeekV4Model(client=self._client())
        else:
            from openai import AsyncOpenAI
            from pydantic_ai.models.openai import OpenAIChatModel
            from pydantic_ai.providers.deepseek import DeepSeekProvider
            from pydantic_ai.providers.openai import OpenAIProvider
            from pydantic_ai.providers.vllm import VLLMProvider

            kinds: Any = {"vllm": VLLMProvider, "sglang": OpenAIProvider, "deepseek": DeepSeekProvider}
            own = AsyncOpenAI(base_url=f"{self._url}/v1", api_key=self._key, max_retries=0)
            model = OpenAIChatModel(self._model, provider=kinds[self._flavor](openai_client=own))
        settings: Any = {"thinking": "max"}
        given: Any = {"tools": [weather]} if tools and not shape else {}
        agent: Any = Agent(model, model_settings=settings, output_type=Joke if shape else str, **given)
        if not stream:
            return (await agent.run(question)).output
        async with agent.run_stream(question) as result:
            return await result.get_output()

    async def _agents(self, question: str, stream: bool, tools: bool, shape: bool) -> Any:
        if self._ours:
            model: Any = DeepSeekV4AgentsModel(client=self._client())
            settings = agents.ModelSettings(extra_args={"thinking": "max"})
        else:
            from openai import AsyncOpenAI

            own = AsyncOpenAI(base_url=f"{self._url}/v1", api_key=self._key, max_retries=0)
            model = agents.OpenAIChatCompletionsModel(self._model, openai_client=own)
            settings = agents.ModelSettings(extra_body=_MAX[self._flavor])
        offered: Any = [agents.function_tool(weather)] if tools and not shape else []
        shown: Any = {"output_type": Joke} if shape else {}
        agent = agents.Agent("Helper", model=model, tools=offered, model_settings=settings, **shown)
        if not stream:
            return (await agents.Runner.run(agent, question, max_turns=4)).final_output
        result = agents.Runner.run_streamed(agent, question, max_turns=4)
        async for _ in result.stream_events():
            pass
        return result.final_output
