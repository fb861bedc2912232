"""Deep Agents: plan, files, a sub-agent, all reasoning sent back; streams, checkpoints, shapes, compaction."""

from __future__ import annotations

import json
from typing import Any

import pytest
from deepagents import create_deep_agent
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4
from deepseek_v4_sdk.integrations.langchain import ChatDeepSeekV4
from deepseek_v4_sdk.testing import MockProvider, MockRequest, script

FLAVORS = ("vllm", "sglang", "deepseek")
NAMES = {"deepseek": "deepseek-v4-pro"}


def model_of(served: MockProvider, **arguments: Any) -> ChatDeepSeekV4:
    kind = arguments.pop("kind", DeepSeekV4)
    flavor = served.data.name
    return ChatDeepSeekV4(client=kind(served, model=NAMES.get(flavor, "deepseek-ai/DeepSeek-V4-Pro")), **arguments)


def search(query: str) -> str:
    """Search the web."""
    return f"found: {query}"


TODOS = {"todos": [{"content": "search", "status": "in_progress"}]}
TASK = {"description": "Find it", "subagent_type": "researcher"}
FILE = {"file_path": "/notes.md", "content": "It rains."}
RUN = (
    script.think("First a plan.") + script.tool_call("write_todos", TODOS),
    script.think("Somebody else looks.") + script.tool_call("task", TASK),
    script.think("I search.") + script.tool_call("search", {"query": "rain"}),
    script.think("I have found it.") + script.text("It rains."),
    script.think("I keep it.") + script.tool_call("write_file", FILE),
    script.think("Done.") + script.text("It rains, as noted."),
)
HELPER: Any = {"name": "researcher", "description": "Finds things", "system_prompt": "Find it.", "tools": [search]}


def reasoning_sent(request: MockRequest) -> list[str]:
    said = [message for message in request.messages if message["role"] == "assistant"]
    return [str(message.get("reasoning") or message.get("reasoning_content")) for message in said]


def check_run(served: MockProvider) -> None:
    assert [reasoning_sent(request) for request in served.requests] == [
        [],
        ["First a plan."],
        [],  # the sub-agent begins
        ["I search."],
        ["First a plan.", "Somebody else looks."],
        ["First a plan.", "Somebody else looks.", "I keep it."],
    ]


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_four_rounds_and_two_of_a_sub_agent_with_all_reasoning(flavor: str) -> None:
    served = MockProvider(*RUN, flavor=flavor)
    agent = create_deep_agent(model=model_of(served, thinking="max"), tools=[search], subagents=[HELPER])
    result = await agent.ainvoke({"messages": [("user", "Does it rain?")]})
    assert result["messages"][-1].content == "It rains, as noted."
    assert "/notes.md" in result["files"]
    check_run(served)


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_streamed_with_sub_graphs(flavor: str) -> None:
    served = MockProvider(*RUN, flavor=flavor)
    model = model_of(served, kind=AsyncDeepSeekV4)
    agent = create_deep_agent(model=model, tools=[search], subagents=[HELPER])
    thoughts: dict[bool, str] = {True: "", False: ""}
    async for place, (chunk, _) in agent.astream(
        {"messages": [("user", "Does it rain?")]}, stream_mode="messages", subgraphs=True
    ):
        thoughts[bool(place)] += getattr(chunk, "additional_kwargs", {}).get("reasoning_content", "")
    assert "".join(thoughts[False]) == "First a plan.Somebody else looks.I keep it.Done."
    assert "".join(thoughts[True]) == "I search.I have found it."
    check_run(served)


async def test_checkpointed_over_two_turns() -> None:
    served = MockProvider(
        script.think("I search.") + script.tool_call("search", {"query": "rain"}),
        script.think("So it is.") + script.text("It rains."),
        script.think("Still.") + script.text("It still rains."),
    )
    agent = create_deep_agent(model=model_of(served), tools=[search], checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    await agent.ainvoke({"messages": [("user", "Does it rain?")]}, config)
    result = await agent.ainvoke({"messages": [("user", "And now?")]}, config)
    assert result["messages"][-1].content == "It still rains."
    assert reasoning_sent(served.requests[2]) == ["I search.", "So it is."]


class Weather(BaseModel):
    """The weather."""

    rains: bool


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_an_answer_of_a_shape_while_thinking(flavor: str) -> None:
    served = MockProvider(
        script.think("I search.") + script.tool_call("search", {"query": "rain"}),
        script.think("So it is.") + script.tool_call("Weather", {"rains": True}),
        flavor=flavor,
    )
    agent = create_deep_agent(model=model_of(served, thinking="high"), tools=[search], response_format=Weather)
    result = await agent.ainvoke({"messages": [("user", "Does it rain?")]})
    assert result["structured_response"] == Weather(rains=True)
    assert reasoning_sent(served.requests[1]) == ["I search."]
    levels = [json.dumps(request.body).count('"high"') for request in served.requests]
    assert all(levels)


@pytest.mark.parametrize("told", ["the profile", "the client", "nothing"])
async def test_an_overflow_compacts_and_goes_on(told: str) -> None:
    """The client's own window is known to the profile; where nobody knows it, the server refuses."""
    long = "It rained a lot. " * 100

    def says(request: MockRequest) -> Any:
        if "summar" in request.text.lower() or "extract" in request.text.lower():
            return script.text("They spoke of rain.")
        return script.think("Hm.") + script.text("It rains.")

    served = MockProvider(default=script.from_function(says), window=12_000)
    client = DeepSeekV4(served, model="pro", **({"window": 12_000} if told == "the client" else {}))
    profile: Any = {"max_input_tokens": 20_000} if told == "the profile" else None
    model = ChatDeepSeekV4(client=client, max_tokens=1_000, profile=profile)
    agent = create_deep_agent(model=model, tools=[search])
    history = [("user" if turn % 2 == 0 else "ai", f"{turn}: {long}") for turn in range(24)]
    result = await agent.ainvoke({"messages": [*history, ("user", "Does it rain?")]})
    assert result["messages"][-1].content == "It rains."
    last = json.dumps(served.requests[-1].messages)
    assert "They spoke of rain." in last  # the summary takes the place of the beginning
    assert '"0: It rained' not in last
    assert "Does it rain?" in last
