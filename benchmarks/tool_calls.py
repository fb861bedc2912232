"""What does a fragment of a tool call's arguments cost, and does it cost more when there are more of them?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any

from measure import Goal, Result, in_turn, on_loop
from peers import MESSAGES, OPENAI, OURS, QUESTION
from replay_server import replay_server

from deepseek_v4_sdk import AsyncDeepSeekV4, tool

SMALL = "a quarter of the size"
GOALS = [Goal(OURS, OPENAI, 0.14), Goal(OURS, f"{OURS}, {SMALL}", 1.15)]
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


def write(text: str) -> None:
    """Write a text down."""


def main(*, fragments: int = 131_072, rounds: int = 2) -> list[Result]:
    """Measure a call of 2 MB in fragments of 16 bytes."""
    with ExitStack() as stack:
        loop = stack.enter_context(asyncio.Runner())
        large, small = (stack.enter_context(replay_server(size)) for size in (fragments, fragments // 4))
        contenders = {OURS: _ours(loop, large, fragments)}
        if find_spec("openai"):
            contenders[OPENAI] = _openai(loop, large, fragments)
            contenders["openai, its stream helper"] = _openai_helper(loop, small)
        taken = in_turn(contenders, rounds=rounds, units=fragments)
        if helper := taken.pop("openai, its stream helper", None):
            taken[f"openai, its stream helper, {SMALL}"] = [4 * value for value in helper]
        few = in_turn({"": _ours(loop, small, fragments // 4)}, rounds=rounds, units=fragments // 4)
        taken[f"{OURS}, {SMALL}"] = few[""]
    title = f"Tool-call arguments of {fragments * 16 / 2**20:.2g} MB in fragments of 16 bytes: CPU per fragment"
    return [Result("tool_calls", title, "µs", taken, GOALS, OPENAI)]


def _ours(loop: asyncio.Runner, url: str, fragments: int) -> Callable[[], object]:
    async def run() -> None:
        async with AsyncDeepSeekV4("vllm", base_url=f"{url}/tools") as client:
            reply = await client.chat(QUESTION, tools=[tool(write)])
        if len(reply.tool_calls[0].parsed["text"]) < 16 * (fragments - 2):
            raise RuntimeError("the arguments are not whole")

    return on_loop(loop, run)


def _tools() -> Any:
    return [{"type": "function", "function": {"name": "write", "description": "Write.", "parameters": SCHEMA}}]


def _openai(loop: asyncio.Runner, url: str, fragments: int) -> Callable[[], object]:
    import openai

    async def run() -> None:
        pieces: list[str] = []
        async with openai.AsyncOpenAI(base_url=f"{url}/tools/v1", api_key="none") as client:
            create = client.chat.completions.create
            async for chunk in await create(model="m", messages=MESSAGES, tools=_tools(), stream=True):
                if chunk.choices and (calls := chunk.choices[0].delta.tool_calls):
                    pieces.append(calls[0].function.arguments or "")  # noqa: PERF401  # as users write it
        if len("".join(pieces)) < 16 * (fragments - 2):
            raise RuntimeError("the arguments are not whole")

    return on_loop(loop, run)


def _openai_helper(loop: asyncio.Runner, url: str) -> Callable[[], object]:
    import openai

    async def run() -> None:
        async with (
            openai.AsyncOpenAI(base_url=f"{url}/tools/v1", api_key="none") as client,
            client.chat.completions.stream(model="m", messages=MESSAGES, tools=_tools()) as stream,
        ):
            async for _ in stream:
                pass

    return on_loop(loop, run)


if __name__ == "__main__":
    for result in main():
        print(result.table())
