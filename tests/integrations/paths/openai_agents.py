"""OpenAI Agents: `DeepSeekV4AgentsModel`, or `OpenAIChatCompletionsModel`, run by its runner."""

from __future__ import annotations

from typing import Any

import agents

from deepseek_v4_sdk.integrations.openai_agents import DeepSeekV4AgentsModel
from tests.integrations.paths.base import Joke, Way, weather

__all__ = ["run"]


async def run(way: Way, question: str, *, stream: bool, tools: bool, shape: bool) -> Any:
    """Ask, with tools run until there is an answer; the answer, or a value of the shape."""
    if way.ours:
        model: Any = DeepSeekV4AgentsModel(client=way.client())
        settings = agents.ModelSettings(extra_args={"thinking": "max"})
    else:
        model = agents.OpenAIChatCompletionsModel(way.model, openai_client=way.openai_client())
        settings = agents.ModelSettings(extra_body=way.hardest)
    offered: Any = [agents.function_tool(weather)] if tools and not shape else []
    shown: Any = {"output_type": Joke} if shape else {}
    agent = agents.Agent("Helper", model=model, tools=offered, model_settings=settings, **shown)
    quiet = agents.RunConfig(tracing_disabled=True)
    if not stream:
        return (await agents.Runner.run(agent, question, max_turns=4, run_config=quiet)).final_output
    result = agents.Runner.run_streamed(agent, question, max_turns=4, run_config=quiet)
    async for _ in result.stream_events():
        pass
    return result.final_output
