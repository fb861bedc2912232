"""Tool runs of both clients, watched event by event."""

from __future__ import annotations

import asyncio
from typing import Any

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, RunFinished, ToolRun
from tests.rounds.play import Play

__all__ = ["ended", "watched"]


def watched(play: Play, tools: Any, messages: Any = "Go.", **options: Any) -> list[Any]:
    """Every event of a run."""
    if play.kind == "sync":
        with DeepSeekV4(play.mock, **play.arguments).stream_tools(messages, tools, **options) as run:
            return list(run)

    async def main() -> list[Any]:
        client = AsyncDeepSeekV4(play.mock, **play.arguments)
        async with client.stream_tools(messages, tools, **options) as run:
            return [event async for event in run]

    return asyncio.run(main())


def ended(events: list[Any]) -> ToolRun:
    """The run, which is the last event."""
    last = events[-1]
    assert isinstance(last, RunFinished)
    return last.run
