"""Deep Agents: on `ChatDeepSeekV4`, or on LangChain's own model for the server."""

from __future__ import annotations

from typing import Any

from deepagents import create_deep_agent

from deepseek_v4_sdk.integrations.langchain import ChatDeepSeekV4
from tests.integrations.paths.base import Joke, Way, weather

__all__ = ["run"]

_FEW: Any = {"recursion_limit": 40}
"""A limit on the steps of a run, so that an agent that asks again and again comes to an end."""


def _own(way: Way) -> Any:
    if way.flavor not in {"nvidia", "nim"}:
        from tests.integrations.paths.langchain import chat_openai

        return chat_openai(way)
    from langchain_nvidia_ai_endpoints import ChatNVIDIA

    return ChatNVIDIA(base_url=f"{way.url}/v1", api_key=way.key, model=way.model, model_kwargs=way.hardest)


async def run(way: Way, question: str, *, stream: bool, tools: bool, shape: bool) -> Any:
    """Ask, with tools run until there is an answer; the answer, or a value of the shape."""
    model: Any = ChatDeepSeekV4(client=way.client(), thinking="max") if way.ours else _own(way)
    given: Any = {"response_format": Joke} if shape else {}
    agent: Any = create_deep_agent(model=model, tools=[weather] if tools else [], **given)
    asked = {"messages": [("user", question)]}
    if not stream:
        result = await agent.ainvoke(asked, _FEW)
        return result["structured_response"] if shape else result["messages"][-1].text
    result = None
    async for mode, part in agent.astream(asked, _FEW, stream_mode=["messages", "values"]):
        result = part if mode == "values" else result
    return result["messages"][-1].text
