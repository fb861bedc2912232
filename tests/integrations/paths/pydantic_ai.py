"""pydantic-ai: `DeepSeekV4Model`, or its own provider for the server, run by its agents."""

from __future__ import annotations

from typing import Any

from pydantic_ai import Agent

from deepseek_v4_sdk.integrations.pydantic_ai import DeepSeekV4Model
from tests.integrations.paths.base import Joke, Way, weather

__all__ = ["run"]


def _own(way: Way) -> Any:
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.deepseek import DeepSeekProvider
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.providers.vllm import VLLMProvider

    kinds: dict[str, Any] = {"vllm": VLLMProvider, "deepseek": DeepSeekProvider}
    kind = kinds.get(way.flavor, OpenAIProvider)
    return OpenAIChatModel(way.model, provider=kind(openai_client=way.openai_client()))


async def run(way: Way, question: str, *, stream: bool, tools: bool, shape: bool) -> Any:
    """Ask, with tools run until there is an answer; the answer, or a value of the shape."""
    model: Any = DeepSeekV4Model(client=way.client()) if way.ours else _own(way)
    settings: Any = {"thinking": "max"}
    given: Any = {"tools": [weather]} if tools and not shape else {}
    agent: Any = Agent(model, model_settings=settings, output_type=Joke if shape else str, **given)
    if not stream:
        return (await agent.run(question)).output
    async with agent.run_stream(question) as result:
        return await result.get_output()
