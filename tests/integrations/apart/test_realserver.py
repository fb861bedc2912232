"""Two rounds with a tool by Deep Agents and by `nat run`, against a real server. Off by default.

`VLLM_URL=... VLLM_KEY=... make frameworks FRAMEWORKS=nat PYTEST="-m realserver"`, as CONTRIBUTING.md says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4
from deepseek_v4_sdk.integrations.langchain import ChatDeepSeekV4
from tests.integrations.real import ANSWER, MODELS, key_of, question, react_question, server, url_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["server"]

pytestmark = pytest.mark.realserver


async def test_deep_agents(server: str) -> None:
    from deepagents import create_deep_agent

    ran: list[str] = []

    def weather(city: str) -> str:
        """The weather of a city."""
        ran.append(city)
        return f"rain in {city}"

    address: Any = {"base_url": url_of(server), "api_key": key_of(server)}
    async with AsyncDeepSeekV4(server, model=MODELS[server], **address) as client:
        model = ChatDeepSeekV4(client=client, thinking="max", max_tokens=1000)
        agent = create_deep_agent(model=model, tools=[weather])
        asked = question(server, "weather", city="Zürich")
        result = await agent.ainvoke({"messages": [("user", asked)]})
    assert result["messages"][-1].content == ANSWER
    assert ran == ["Zürich"]


@pytest.mark.parametrize("kind", ["tool_calling_agent", "react_agent"])
def test_nat_run(server: str, kind: str, tmp_path: Path) -> None:
    pytest.importorskip("nat")
    from tests.integrations.apart.test_nat import nat, workflow

    config = workflow(url_of(server), kind, thinking="max", max_tokens=2000)
    config["llms"]["v4"] |= {"provider": server, "model_name": MODELS[server], "api_key": key_of(server)}
    tool = "current_datetime"
    asked = react_question(server, tool) if kind == "react_agent" else question(server, tool, unused="x")
    done = nat(tmp_path, config, "run", asked=asked)
    told = done.stdout + done.stderr
    assert ANSWER in told.rpartition("Workflow Result")[2], told[-3000:]
    assert "The current time of day is" in told, told[-3000:]  # what the tool says, in the log of the agent
