"""NeMo Agent Toolkit: `_type: deepseek_v4`, by the command and by its builder, over the mock on a socket."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from langchain_core.language_models import BaseChatModel
from nat.builder.framework_enum import LLMFrameworkEnum
from nat.builder.workflow_builder import WorkflowBuilder
from nat.data_models.config import Config
from nat.runtime.loader import PluginTypes, discover_and_register_plugins
from pydantic import ValidationError

from deepseek_v4_sdk.integrations.nat import DeepSeekV4LLMConfig
from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from deepseek_v4_sdk.testing.server import MockServer
from tests.support.seen import trust

NAT = str(Path(sys.executable).with_name("nat"))
KEY = "sk-a-key-that-nobody-may-see"
CALL = script.think("I need the time.") + script.tool_call("current_datetime", {"unused": ""})
ANSWER = script.think("Now I know.") + script.text("It is Monday.")
PAGE = Path(__file__).resolve().parents[3] / "docs" / "integrations" / "nemo-agent-toolkit.md"
WORKFLOW, ROLES = (
    yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
)

discover_and_register_plugins(PluginTypes.ALL)


def workflow(url: str, kind: str, **keys: Any) -> dict[str, Any]:
    return {
        "llms": {
            "v4": {
                "_type": "deepseek_v4",
                "provider": "vllm",
                "base_url": url,
                "model_name": "deepseek-ai/DeepSeek-V4-Pro",
                "api_key": KEY,
                **keys,
            }
        },
        "functions": {"current_datetime": {"_type": "current_datetime"}},
        "workflow": {"_type": kind, "llm_name": "v4", "tool_names": ["current_datetime"], "verbose": True},
    }


def nat(
    tmp_path: Path, config: dict[str, Any], *arguments: str, asked: str = "Which day is it?", **variables: str
) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "workflow.yml"
    file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    command = [NAT, *arguments, "--config_file", str(file)]
    if arguments[0] == "run":
        command += ["--input", asked]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **variables},
    )


# What the ReAct agent reads.
ACTION = "Question: the day\nThought: I look.\nAction: current_datetime\nAction Input: None\n"
FINAL = "Thought: I now know the final answer\nFinal Answer: It is Monday."


def test_the_tool_calling_agent(tmp_path: Path) -> None:
    served = MockProvider(CALL, ANSWER)
    with MockServer(served) as server:
        done = nat(tmp_path, workflow(server.url, "tool_calling_agent", thinking="max", max_tokens=3000), "run")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "It is Monday." in done.stdout + done.stderr
    assert KEY not in done.stdout + done.stderr
    first, second = served.requests
    assert first.body["chat_template_kwargs"]["reasoning_effort"] == "max"
    assert first.body["max_tokens"] == 3000
    assert "authorization" in first.headers
    (turn,) = (message for message in second.messages if message["role"] == "assistant")
    assert turn["reasoning"] == "I need the time."


def test_the_react_agent(tmp_path: Path) -> None:
    said = (script.think("I use a tool.") + script.text(ACTION), script.think("Good.") + script.text(FINAL))
    served = MockProvider(*said)
    with MockServer(served) as server:
        done = nat(tmp_path, workflow(server.url, "react_agent"), "run")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "It is Monday." in done.stdout + done.stderr
    assert len(served.requests) == 2


def test_the_file_of_the_page_and_its_variables(tmp_path: Path) -> None:
    config = {**WORKFLOW, "llms": {"v4": {**WORKFLOW["llms"]["v4"], "api_key": "${V4_KEY:-}"}}}
    done = nat(tmp_path, config, "validate")
    assert done.returncode == 0, done.stderr[-2000:]
    served = MockProvider(CALL, ANSWER)
    with MockServer(served) as server:
        done = nat(tmp_path, config, "run", V4_BASE_URL=server.url)
    assert "It is Monday." in done.stdout + done.stderr, done.stderr[-2000:]
    assert [request.thinking for request in served.requests] == ["high"] * 2
    wrong = workflow("http://localhost:8000", "tool_calling_agent", thinkng="max")
    done = nat(tmp_path, wrong, "validate")
    assert done.returncode != 0


def test_the_component_is_shown() -> None:
    done = subprocess.run(
        [NAT, "info", "components", "-t", "llm_provider"], capture_output=True, text=True, timeout=200, check=False
    )
    assert "deepseek_v4" in done.stdout


def config_of(**keys: Any) -> DeepSeekV4LLMConfig:
    return DeepSeekV4LLMConfig(**{"provider": "vllm", "base_url": "http://localhost:9", **keys})


@pytest.mark.parametrize(
    ("keys", "level"),
    [
        ({}, None),
        ({"thinking": "max"}, "max"),
        ({"thinking": "off"}, "off"),
        ({"thinking": False}, "off"),
        ({"thinking": "medium"}, "high"),
        ({"chat_template_kwargs": {"enable_thinking": True}}, "high"),
        ({"chat_template_kwargs": {"thinking": True, "reasoning_effort": "max"}}, "max"),
        ({"chat_template_kwargs": {"enable_thinking": False}}, "off"),
    ],
)
def test_levels_as_files_have_them(keys: dict[str, Any], level: str | None) -> None:
    assert config_of(**keys).level() == level


def test_the_key_is_in_no_dump_but_one_that_goes_back_in() -> None:
    config = config_of(api_key=KEY)
    whole = Config(llms={"v4": config})
    shown = [repr(config), str(config.model_dump()), config.model_dump_json(), str(whole.model_dump(mode="json"))]
    assert all(KEY not in each for each in shown)
    again = DeepSeekV4LLMConfig.model_validate(config.model_dump(mode="json", by_alias=True, round_trip=True))
    assert again.api_key == config.api_key
    assert config_of().model_dump()["api_key"] is None


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValidationError, match="provider is missing"):
        DeepSeekV4LLMConfig(base_url="http://gpu-7:8000")
    with pytest.raises(ValidationError, match="effort"):
        config_of(thinking="deep")
    assert DeepSeekV4LLMConfig(base_url="https://integrate.api.nvidia.com/v1").provider is None


@pytest.mark.parametrize(("retries", "requests"), [(0, 1), (1, 1), (3, 3), (None, 3)])
async def test_num_retries_counts_requests_and_is_the_only_layer(retries: int | None, requests: int) -> None:
    served = MockProvider(default=faults.status(503))
    with MockServer(served) as server:
        keys = {} if retries is None else {"num_retries": retries}
        model = config_of(base_url=server.url, **keys).model()
        with pytest.raises(Exception, match="503"):
            await model.ainvoke("Hi")
        await model.aclose()
    assert len(served.requests) == requests


async def test_a_profile_of_the_sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    served = MockProvider(default=ANSWER)
    with MockServer(served) as server:
        file = tmp_path / "deepseek_v4.toml"
        address = f'provider = "vllm"\nbase_url = "{server.url}"'
        file.write_text(f'[profiles.ours]\n{address}\nthinking = "max"\nwindow = 9_000\n', encoding="utf-8")
        trust(file)
        monkeypatch.setenv("DEEPSEEK_V4_CONFIG", str(file))
        for keys, level in (({}, "max"), ({"thinking": "low"}, "low")):
            model = DeepSeekV4LLMConfig(profile="ours", max_tokens=200, **keys).model()
            assert model.profile["max_input_tokens"] == 9_000
            assert (await model.ainvoke("Hi")).content == "It is Monday."
            await model.aclose()
            assert (served.requests[-1].thinking, served.requests[-1].body["max_tokens"]) == (level, 200)


async def test_the_builder_gives_the_model_itself_and_closes_it() -> None:
    served = MockProvider(default=ANSWER, flavor=VLLMFlavor(prompt_tokens_details=True))
    with MockServer(served) as server:
        config = Config.model_validate(workflow(server.url, "tool_calling_agent", num_retries=2))
        async with WorkflowBuilder.from_config(config) as builder:
            model = await builder.get_llm("v4", wrapper_type=LLMFrameworkEnum.LANGCHAIN)
            assert isinstance(model, BaseChatModel)
            message = await model.ainvoke("Hi")
    assert message.usage_metadata["output_token_details"]["reasoning"] > 0
    assert KEY not in repr(model)


async def test_the_profiler_counts_tokens() -> None:
    from nat.builder.context import Context
    from nat.plugins.langchain.callback_handler import LangchainProfilerHandler

    served = MockProvider(default=ANSWER, flavor=VLLMFlavor(prompt_tokens_details=True))
    silent = MockProvider(default=ANSWER | faults.no_usage())
    for mock, counted in ((served, True), (silent, False)):
        steps: list[Any] = []
        with MockServer(mock) as server:
            model = config_of(base_url=server.url).model()
            handler = LangchainProfilerHandler()
            subscription = Context.get().intermediate_step_manager.subscribe(steps.append)
            await model.ainvoke("Hi", config={"callbacks": [handler]})
            await asyncio.sleep(0)
            subscription.unsubscribe()
            await model.aclose()
        (end,) = (step for step in steps if str(step.event_type).endswith("LLM_END"))
        usage = end.payload.usage_info.token_usage
        assert (usage.total_tokens > 0) == counted
        assert (usage.reasoning_tokens > 0) == counted


async def test_aiq_roles_run_deep_agents_from_yaml() -> None:
    """A hosted orchestrator and a self-hosted researcher, a level for each, from the file of the page."""
    from deepagents import create_deep_agent

    task = {"description": "Find the day", "subagent_type": "researcher"}
    plans = MockProvider(
        script.think("I hand it on.") + script.tool_call("task", task),
        script.think("They found it.") + script.text("It is Monday."),
        flavor="nvidia",
    )
    research = MockProvider(CALL, ANSWER)
    with MockServer(plans) as hosted, MockServer(research) as own:
        described = ROLES["llms"]
        described["orchestrator_llm"] |= {"base_url": hosted.url, "api_key": "a-key"}
        described["researcher_llm"] |= {"base_url": own.url, "temperature": 1.0}

        def current_datetime(unused: str) -> str:
            """The date and time."""
            return "Monday"

        roles = Config.model_validate(ROLES).llms
        async with WorkflowBuilder() as builder:
            for name, config in roles.items():
                await builder.add_llm(name, config)
            wrapper = LLMFrameworkEnum.LANGCHAIN
            orchestrator = await builder.get_llm("orchestrator_llm", wrapper_type=wrapper)
            researcher = await builder.get_llm("researcher_llm", wrapper_type=wrapper)
            helper: Any = {
                "name": "researcher",
                "description": "Finds things",
                "system_prompt": "Find it.",
                "model": researcher,
                "tools": [current_datetime],
            }
            agent = create_deep_agent(model=orchestrator, tools=[], subagents=[helper])
            result = await agent.ainvoke({"messages": [("user", "Which day is it?")]})
    assert result["messages"][-1].content == "It is Monday."
    assert [request.body["chat_template_kwargs"]["reasoning_effort"] for request in plans.requests] == ["max"] * 2
    assert [request.body["chat_template_kwargs"]["reasoning_effort"] for request in research.requests] == ["low"] * 2
    sent = json.dumps(plans.requests[1].messages)
    assert "I hand it on." in sent
