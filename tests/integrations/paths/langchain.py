"""LangChain: `ChatDeepSeekV4`, or `ChatOpenAI`, in a loop over the tool calls."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import HumanMessage, ToolMessage

from deepseek_v4_sdk.integrations.langchain import ChatDeepSeekV4
from tests.integrations.paths.base import Joke, Way, weather

__all__ = ["chat_openai", "run"]


def chat_openai(way: Way) -> Any:
    """LangChain's model for servers of OpenAI's form."""
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(
        base_url=f"{way.url}/v1",
        api_key=way.key,
        model=way.model,
        max_retries=0,
        extra_body=way.hardest,
        stream_usage=True,
    )


async def run(way: Way, question: str, *, stream: bool, tools: bool, shape: bool) -> Any:
    """Ask, with tools run until there is an answer; the answer, or a value of the shape."""
    model: Any = ChatDeepSeekV4(client=way.client(), thinking="max") if way.ours else chat_openai(way)
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
