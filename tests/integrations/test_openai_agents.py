"""`DeepSeekV4AgentsModel`, run by the runner of OpenAI Agents over the mock of three servers."""

from __future__ import annotations

import asyncio
import json
import pickle
import time
from typing import TYPE_CHECKING, Any

import agents
import pytest
from agents import Agent, ModelSettings, RunConfig, Runner, function_tool
from agents.exceptions import AgentsException, ModelBehaviorError, ModelTimeoutError, UserError
from openai.types.shared import Reasoning
from pydantic import BaseModel

import deepseek_v4_sdk as sdk
from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4
from deepseek_v4_sdk.integrations.openai_agents import DeepSeekV4AgentsModel, DeepSeekV4ModelProvider
from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.testing.flavors.sglang import SGLangFlavor
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from deepseek_v4_sdk.testing.server import MockServer
from tests.integrations.model import MODELS, mock

if TYPE_CHECKING:
    from collections.abc import Callable

agents.set_tracing_disabled(True)

FLAVORS = ("vllm", "sglang", "deepseek")
HOWS = ("run", "streamed")
CALL = script.think("I need the weather.") + script.tool_call("weather", {"city": "Zürich"})
ANSWER = script.think("Now I know.") + script.text("It rains.")
JOKE = '{"setup": "Why?", "punchline": "Because."}'


class Joke(BaseModel):
    setup: str
    punchline: str


RAN: list[str] = []


@function_tool
def weather(city: str) -> str:
    """The weather of a city."""
    RAN.append(city)
    return f"rain in {city}"


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    RAN.clear()


def made(*steps: Any, flavor: str = "vllm", **arguments: Any) -> tuple[DeepSeekV4AgentsModel, MockProvider]:
    served = mock(flavor, *steps)
    client = AsyncDeepSeekV4(served, model=MODELS[flavor], max_retries=0)
    return DeepSeekV4AgentsModel(client=client, **arguments), served


async def run(agent: Agent[Any], question: Any, how: str, **arguments: Any) -> Any:
    if how == "run":
        return await Runner.run(agent, question, **arguments)
    result = Runner.run_streamed(agent, question, **arguments)
    async for _ in result.stream_events():
        pass
    return result


def level(effort: Any) -> ModelSettings:
    return ModelSettings(reasoning=Reasoning.model_construct(effort=effort))


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("flavor", FLAVORS)
async def test_two_rounds_send_the_reasoning_back_and_count(flavor: str, how: str) -> None:
    model, served = made(CALL, ANSWER, flavor=flavor)
    agent = Agent("Helper", instructions="Short.", model=model, tools=[weather], model_settings=level("max"))
    result = await run(agent, "How is the weather?", how)
    assert (result.final_output, RAN) == ("It rains.", ["Zürich"])
    sent: Any = served.requests[1].messages
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "tool"]
    assert "I need the weather." in {sent[2].get("reasoning"), sent[2].get("reasoning_content")}
    usage = result.context_wrapper.usage
    assert usage.requests == 2
    assert usage.input_tokens > 0
    assert usage.output_tokens > usage.output_tokens_details.reasoning_tokens > 0


@pytest.mark.parametrize("how", HOWS)
async def test_histories_go_on_with_their_reasoning_whatever_the_served_name_is(how: str) -> None:
    steps = (CALL, ANSWER)
    client = AsyncDeepSeekV4(MockProvider(*steps, flavor=VLLMFlavor(models=("our-alias",))))
    agent = Agent("Helper", model=DeepSeekV4AgentsModel(client=client, model="our-alias"), tools=[weather])
    result = await run(agent, "Hi", how)
    kept = json.loads(json.dumps(result.to_input_list()))
    model, served = made(ANSWER)
    other = Agent("Helper", model=model, tools=[weather])
    await run(other, [*kept, {"role": "user", "content": "And tomorrow?"}], how)
    sent: Any = served.requests[0].messages
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "assistant", "user"]
    assert [sent[1]["reasoning"], sent[3]["reasoning"]] == ["I need the weather.", "Now I know."]


@pytest.mark.parametrize("how", HOWS)
async def test_hand_offs_have_a_level_each(how: str) -> None:
    to_expert = script.think("An expert.") + script.tool_call("transfer_to_expert", {})
    model, served = made(to_expert, ANSWER)
    expert = Agent("expert", model=model, model_settings=level("max"))
    front = Agent("front", model=model, model_settings=level("minimal"), handoffs=[expert])
    result = await run(front, "Hi", how)
    assert result.last_agent is expert
    sent: Any = [request.body["chat_template_kwargs"] for request in served.requests]
    assert [each["reasoning_effort"] for each in sent] == ["low", "max"]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("flavor", FLAVORS)
async def test_output_types_while_thinking(flavor: str, how: str) -> None:
    model, served = made(script.think("A joke.") + script.text(JOKE), flavor=flavor)
    result = await run(Agent("Joker", model=model, output_type=Joke), "A joke", how)
    assert result.final_output == Joke(setup="Why?", punchline="Because.")
    body: Any = served.requests[0].body
    assert body["response_format"]["type"] == ("json_object" if flavor == "deepseek" else "json_schema")
    assert ("punchline" in str(body["messages"][0]["content"])) == (flavor != "sglang")  # SGLang shows it by itself


@pytest.mark.parametrize("how", HOWS)
async def test_output_types_beside_tools_leave_a_place_for_calls(how: str) -> None:
    model, served = made(CALL, script.text(JOKE))
    result = await run(Agent("Joker", model=model, output_type=Joke, tools=[weather]), "A joke", how)
    assert isinstance(result.final_output, Joke)
    assert all("response_format" not in request.body for request in served.requests)
    assert "punchline" in str(served.requests[0].messages[0]["content"])


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize(
    ("step", "ours", "theirs"),
    [
        (script.turn(CALL, finish_reason="length"), sdk.TruncatedToolCallError, ModelBehaviorError),
        (faults.empty_turn(), sdk.EmptyTurnError, ModelBehaviorError),
        (ANSWER | faults.cut(after_bytes=900), sdk.StreamInterruptedError, ModelBehaviorError),
        (ANSWER | faults.error_event(503, "no room"), sdk.APIError, AgentsException),
        (ANSWER | faults.rate_limited(7), sdk.APIError, AgentsException),
        (script.raw("<html>no JSON</html>", content_type="text/html"), sdk.ServerError, AgentsException),
    ],
)
async def test_a_broken_answer_is_an_error_of_both_trees_and_no_call_of_it_runs(
    how: str, step: Any, ours: Any, theirs: Any
) -> None:
    model, served = made(step)
    with pytest.raises(theirs) as caught:
        await run(Agent("Helper", model=model, tools=[weather]), "Hi", how)
    assert isinstance(caught.value, ours)
    assert (RAN, len(served.requests)) == ([], 1)
    again = pickle.loads(pickle.dumps(_without_run(caught.value)))
    assert (type(again), str(again)) == (type(caught.value), str(caught.value))


def _without_run(error: Any) -> Any:
    """The error without what the runner attached, which holds functions."""
    error.run_data = None
    return error


@pytest.mark.parametrize("how", HOWS)
async def test_a_text_that_was_cut_does_not_look_whole(how: str) -> None:
    for reason, status in (("length", "incomplete"), ("stop", "completed")):
        model, _ = made(script.turn(ANSWER, finish_reason=reason))
        result = await run(Agent("Helper", model=model), "Hi", how)
        assert (result.final_output, result.new_items[-1].raw_item.status) == ("It rains.", status)


async def test_the_response_of_a_stream_tells_that_it_was_cut() -> None:
    model, _ = made(script.turn(ANSWER, finish_reason="length"))
    result = Runner.run_streamed(Agent("Helper", model=model), "Hi")
    responses = [
        event.data.response
        async for event in result.stream_events()
        if event.type == "raw_response_event" and event.data.type == "response.completed"
    ]
    assert [(each.status, each.incomplete_details.reason) for each in responses] == [
        ("incomplete", "max_output_tokens")
    ]


async def test_a_timer_is_a_timeout_of_the_frameworks() -> None:
    model, _ = made(ANSWER | faults.slow_prefill(50))
    agent = Agent("Helper", model=model, model_settings=ModelSettings(extra_args={"timeout": 5.0}))
    with pytest.raises(ModelTimeoutError) as caught:
        await Runner.run(agent, "Hi")
    assert isinstance(caught.value, sdk.PhaseTimeoutError)
    assert caught.value.timeout_seconds == 5.0


async def test_an_overflow_tells_the_window() -> None:
    model = DeepSeekV4AgentsModel(client=AsyncDeepSeekV4(MockProvider(default=ANSWER, window=2000)))
    with pytest.raises(sdk.ContextLengthExceededError) as caught:
        await Runner.run(Agent("Helper", model=model), "word " * 3000)
    assert isinstance(caught.value, AgentsException)
    assert caught.value.limit == 2000


async def test_settings_arrive_and_foreign_ones_are_refused() -> None:
    model, served = made(ANSWER)
    settings = ModelSettings(
        temperature=0.5,
        top_p=0.9,
        frequency_penalty=0.25,
        presence_penalty=0.5,
        max_tokens=90,
        extra_body={"best": True},
        extra_headers={"x-team": "a"},
        extra_args={"min_p": 0.1, "thinking": "low"},
    )
    agent = Agent("Helper", model=model, model_settings=settings)
    await Runner.run(agent, "Hi")
    body: Any = served.requests[0].body
    assert (body["temperature"], body["top_p"], body["max_tokens"], body["min_p"]) == (0.5, 0.9, 90, 0.1)
    assert (body["frequency_penalty"], body["presence_penalty"], body["best"]) == (0.25, 0.5, True)
    assert body["chat_template_kwargs"]["reasoning_effort"] == "low"
    for wrong in (
        ModelSettings(truncation="auto"),
        ModelSettings(verbosity="low"),
        ModelSettings(response_include=["reasoning.encrypted_content"]),
        ModelSettings(extra_args={"min_pp": 1}),
        level("deep"),
    ):
        with pytest.raises(UserError):
            await Runner.run(Agent("Helper", model=model, model_settings=wrong), "Hi")
    with pytest.raises(UserError):
        await Runner.run(Agent("Helper", model=model), "Hi", previous_response_id="resp_1")
    image: Any = [{"role": "user", "content": [{"type": "input_image", "image_url": "data:,"}]}]
    with pytest.raises(UserError, match="input_image"):
        await Runner.run(Agent("Helper", model=model), image)
    assert len(served.requests) == 1


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_a_forced_tool(flavor: str) -> None:
    model, served = made(CALL, ANSWER, flavor=flavor)
    settings = ModelSettings(tool_choice="weather")
    result = await Runner.run(Agent("Helper", model=model, tools=[weather], model_settings=settings), "Hi")
    assert result.final_output == "It rains."
    first: Any = served.requests[0].body
    if flavor == "deepseek":
        assert "Answer by calling the tool weather." in first["messages"][0]["content"]
    else:
        assert first["tool_choice"] == {"type": "function", "function": {"name": "weather"}}


async def test_the_provider_finds_models_by_name() -> None:
    served = MockProvider(ANSWER, flavor=VLLMFlavor(models=("our-model",)))
    provider = DeepSeekV4ModelProvider(client=AsyncDeepSeekV4(served))
    await Runner.run(Agent("Helper", model="our-model"), "Hi", run_config=RunConfig(model_provider=provider))
    assert served.requests[0].body["model"] == "our-model"


async def test_events_tell_reasoning_text_and_calls_as_they_come() -> None:
    model, _ = made(CALL, ANSWER)
    result = Runner.run_streamed(Agent("Helper", model=model, tools=[weather]), "Hi")
    found: dict[str, list[str]] = {}
    names: list[str] = []
    async for event in result.stream_events():
        if event.type == "raw_response_event":
            found.setdefault(event.data.type, []).append(getattr(event.data, "delta", ""))
        elif event.type == "run_item_stream_event":
            names.append(event.name)
    assert "".join(found["response.reasoning_text.delta"]) == "I need the weather.Now I know."
    assert "".join(found["response.output_text.delta"]) == "It rains."
    assert len(found["response.reasoning_text.delta"]) > 4
    assert len(found["response.completed"]) == 2
    assert {"tool_called", "tool_output", "message_output_created", "reasoning_item_created"} <= {*names}


@pytest.mark.parametrize("bars", ["|", "｜"])
@pytest.mark.parametrize("how", HOWS)
async def test_calls_out_of_markup(how: str, bars: str) -> None:
    mark = f"{bars}DSML{bars}"
    call = (
        f'I look.</think><{mark}tool_calls>\n<{mark}invoke name="weather">\n<{mark}parameter name="city" '
        f'string="true">Bern</{mark}parameter>\n</{mark}invoke>\n</{mark}tool_calls>'
    )

    def agent(**arguments: Any) -> Agent[Any]:
        served = MockProvider(script.raw_model_output(call), ANSWER, flavor=SGLangFlavor(tool_call_parser=False))
        return Agent(
            "Helper", model=DeepSeekV4AgentsModel(client=AsyncDeepSeekV4(served), **arguments), tools=[weather]
        )

    if bars == "|":
        with pytest.raises(sdk.LostToolCallError):
            await run(agent(), "Hi", how)
        assert RAN == []
    else:
        result = await run(agent(), "Hi", how)
        (item,) = (item for item in result.to_input_list() if item.get("type") == "function_call")
        assert item["provider_data"]["bars"] == "full-width"
    await run(agent(on_recovered="run"), "Hi", how)
    assert RAN[-1] == "Bern"


def test_the_client_must_be_async() -> None:
    client: Any = DeepSeekV4(mock("vllm", ANSWER))
    for kind in (DeepSeekV4AgentsModel, DeepSeekV4ModelProvider):
        with pytest.raises(sdk.ConfigurationError, match="as_async"):
            kind(client=client)


@pytest.mark.parametrize("how", ["cancel run", "cancel streamed", "result.cancel"])
async def test_the_server_learns_that_nobody_reads_on(how: str) -> None:
    served = MockProvider(default=ANSWER | faults.stall(after=3, seconds=60))
    with MockServer(served) as server:
        client = AsyncDeepSeekV4("vllm", base_url=server.url, model=MODELS["vllm"])
        agent = Agent("Helper", model=DeepSeekV4AgentsModel(client=client))
        if how == "result.cancel":
            result = Runner.run_streamed(agent, "Hi")
            async for event in result.stream_events():
                if event.type == "raw_response_event" and "delta" in event.data.type:
                    result.cancel()
        else:
            task = asyncio.create_task(run(agent, "Hi", how.removeprefix("cancel ")))
            await until(lambda: bool(served.requests))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await until(lambda: bool(server.disconnects))


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so, two seconds at most."""
    deadline = time.monotonic() + 2
    while not is_so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
