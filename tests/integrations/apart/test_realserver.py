"""Two rounds with a tool by Deep Agents and by `nat run`, against a real server. Off by default.

`VLLM_URL=... VLLM_KEY=... .venv-nat/bin/python -m pytest -m realserver -c tests/integrations/apart/pytest.ini ...`
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4
from deepseek_v4_sdk.integrations.langchain import ChatDeepSeekV4
from tests.integrations.real import ANSWER, MODELS, key_of, question, server, url_of

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


def test_nat_run(server: str, tmp_path: Path) -> None:
    pytest.importorskip("nat")
    from tests.integrations.apart.test_nat import nat, workflow

    config = workflow(url_of(server), "tool_calling_agent", thinking="max", max_tokens=1000)
    config["llms"]["v4"] |= {"provider": server, "model_name": MODELS[server], "api_key": key_of(server)}
    asked = question(server, "current_datetime", unused="x")
    done = nat(tmp_path, config, "run", asked=asked)
    assert ANSWER in done.stdout + done.stderr, done.stderr[-2000:]
