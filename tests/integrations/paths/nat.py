"""NeMo Agent Toolkit: its tool-calling agent on `_type: deepseek_v4`, or on the toolkit's own type for the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nat.builder.framework_enum import LLMFrameworkEnum
from nat.builder.function_info import FunctionInfo
from nat.builder.workflow_builder import WorkflowBuilder
from nat.cli.register_workflow import register_function
from nat.data_models.api_server import ChatResponseChunk
from nat.data_models.config import Config
from nat.data_models.function import FunctionBaseConfig
from nat.runtime.loader import PluginTypes, discover_and_register_plugins
from nat.runtime.session import SessionManager

from tests.integrations.paths import base
from tests.integrations.paths.base import Joke, Way

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["run"]

discover_and_register_plugins(PluginTypes.ALL)


class WeatherConfig(FunctionBaseConfig, name="weather"):  # type: ignore[call-arg, misc]
    """The tool `weather`."""


@register_function(config_type=WeatherConfig)  # type: ignore[untyped-decorator]
async def weather(config: WeatherConfig, builder: object) -> AsyncIterator[FunctionInfo]:
    """The tool, as the toolkit registers it."""
    del config, builder

    async def answered(city: str) -> str:
        """The weather of a city."""
        return base.weather(city)

    yield FunctionInfo.from_fn(answered, description="The weather of a city.")


def _llm(way: Way) -> dict[str, Any]:
    """The entry of `llms`."""
    if way.ours:
        described = {"_type": "deepseek_v4", "provider": way.flavor, "base_url": way.url, "thinking": "max"}
    elif way.flavor in {"nvidia", "nim"}:
        described = {"_type": "nim", "base_url": f"{way.url}/v1", "max_tokens": 4000, **way.hardest}
    else:
        kind = "dynamo" if way.flavor == "dynamo" else "openai"
        described = {"_type": kind, "base_url": f"{way.url}/v1", "max_retries": 0, "extra_body": way.hardest}
    return {**described, "model_name": way.model, "api_key": way.key, "num_retries": 1}


async def run(way: Way, question: str, *, stream: bool, tools: bool, shape: bool) -> Any:
    """Ask, with tools run until there is an answer; the answer, or a value of the shape."""
    del tools  # the agent has at least one
    agent = {"_type": "tool_calling_agent", "llm_name": "v4", "tool_names": ["weather"], "max_iterations": 4}
    described = {"llms": {"v4": _llm(way)}, "functions": {"weather": {"_type": "weather"}}, "workflow": agent}
    config = Config.model_validate(described)
    async with WorkflowBuilder.from_config(config=config) as builder:
        if shape:  # an agent of the toolkit has none; its functions ask their model
            model: Any = await builder.get_llm("v4", wrapper_type=LLMFrameworkEnum.LANGCHAIN)
            return await model.with_structured_output(Joke).ainvoke(question)
        manager = await SessionManager.create(config=config, shared_builder=builder)
        try:
            async with manager.session() as session, session.run(question) as runner:
                if not stream:
                    return await runner.result(to_type=str)
                texts = [chunk async for chunk in runner.result_stream(to_type=ChatResponseChunk)]
                return "".join(str(chunk.choices[0].delta.content or "") for chunk in texts if chunk.choices)
        finally:
            await manager.shutdown()
