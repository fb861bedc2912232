"""The ways from a framework to a server: by our adapter, and by what the framework itself has for such servers."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from tests.integrations.paths.base import RAN, Joke, Way

__all__ = ["FRAMEWORKS", "RAN", "Joke", "Way", "here", "run"]

FRAMEWORKS = {
    "LangChain": "langchain",
    "pydantic-ai": "pydantic_ai",
    "OpenAI Agents": "openai_agents",
    "Deep Agents": "deep_agents",
    "NeMo Agent Toolkit": "nat",
}
"""The frameworks, and the modules here that run them."""

_APART = {"NeMo Agent Toolkit": "nat", "Deep Agents": "deepagents"}


def here() -> list[str]:
    """The frameworks whose rows this environment measures: those of the suite, or the one that it was made for."""
    for name, package in _APART.items():
        if find_spec(package) is not None:
            return [name]
    return [name for name in FRAMEWORKS if name not in _APART]


async def run(
    framework: str, way: Way, question: str, *, stream: bool = False, tools: bool = True, shape: bool = False
) -> Any:
    """Ask, with tools run until there is an answer.

    Args:
        framework: One of `FRAMEWORKS`.
        way: The way to the server.
        question: The question.
        stream: Whether the framework streams.
        tools: Whether it offers the tool `weather`.
        shape: Whether it wants a `Joke` for an answer.
    """
    module = import_module(f"tests.integrations.paths.{FRAMEWORKS[framework]}")
    return await module.run(way, question, stream=stream, tools=tools, shape=shape)
