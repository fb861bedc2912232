"""`DeepSeekV4Model`, run by pydantic-ai's own agents over the mock of three servers."""

from __future__ import annotations

import asyncio
import json
import pickle
import time
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, PromptedOutput, ToolOutput, capture_run_messages, models
from pydantic_ai.exceptions import (
    IncompleteToolCall,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelRateLimitError,
    OutputTokenLimitExceeded,
    UnexpectedModelBehavior,
    UserError,
)
from pydantic_ai.messages import (
    ImageUrl,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    TextPart,
    ThinkingPart,
    UserPromptPart,
)
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.usage import UsageLimits

import deepseek_v4_sdk as sdk
from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4
from deepseek_v4_sdk.integrations.pydantic_ai import DeepSeekV4Model
from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.testing.server import MockServer
from tests.integrations.model import MODELS, mock

if TYPE_CHECKING:
    from collections.abc import Callable

FLAVORS = ("vllm", "sglang", "deepseek")
CALL = script.think("I need the weather.") + script.tool_call("weather", {"city": "Zürich"})
ANSWER = script.think("Now I know.") + script.text("It rains.")
JOKE = '{"setup": "Why?", "punchline": "Because."}'


class Joke(BaseModel):
    setup: str
    punchline: str


def weather(city: str) -> str:
    """The weather of a city."""
    return f"rain in {city}"


def made(*steps: Any, flavor: str = "vllm", **arguments: Any) -> tuple[DeepSeekV4Model, MockProvider]:
    served = mock(flavor, *steps)
    return DeepSeekV4Model(client=AsyncDeepSeekV4(served, model=MODELS[flavor], max_retries=0), **arguments), served


async def run(agent: Agent[Any, Any], question: str, how: str, **arguments: Any) -> Any:
    """A run of an agent, streamed or not."""
    if how == "run":
        return await agent.run(question, **arguments)
    async with agent.run_stream(question, **arguments) as result:
        async for _ in result.stream_output(debounce_by=None):
            pass
        return result


@pytest.mark.parametrize("how", ["run", "stream"])
@pytest.mark.parametrize("flavor", FLAVORS)
async def test_two_rounds_send_the_reasoning_back(flavor: str, how: str) -> None:
    model, served = made(CALL, ANSWER, flavor=flavor)
    agent: Agent[None, str] = Agent(model, tools=[weather], model_settings={"thinking": "max"}, instructions="Short.")
    result = await run(agent, "How is the weather?", how)
    history = result.all_messages()
    first, last = history[1], history[-1]
    assert [part.part_kind for part in first.parts] == ["thinking", "tool-call"]
    assert [part.content for part in last.parts] == ["Now I know.", "It rains."]
    assert (last.finish_reason, last.state) == ("stop", "complete")
    sent: Any = served.requests[1].messages
    assert sent[0]["content"] == "Short."
    assert "I need the weather." in {sent[2].get("reasoning"), sent[2].get("reasoning_content")}
    usage = result.usage
    assert usage.requests == 2
    assert usage.output_tokens > usage.output_reasoning_tokens > 0


@pytest.mark.parametrize(
    ("level", "sent"),
    [
        (None, "high"),
        (True, "high"),
        (False, "off"),
        ("minimal", "low"),
        ("low", "low"),
        ("medium", "high"),
        ("high", "high"),
        ("xhigh", "high"),
        ("max", "max"),
    ],
)
@pytest.mark.parametrize("flavor", FLAVORS)
async def test_every_level_arrives(flavor: str, level: Any, sent: str) -> None:
    model, served = made(ANSWER, flavor=flavor)
    agent = Agent(model, model_settings={} if level is None else {"thinking": level})
    await agent.run("Hi")
    asked = sdk.DeepSeekV4(mock(flavor, ANSWER), model=MODELS[flavor])
    asked.chat("Hi", thinking=sent)  # type: ignore[arg-type]
    client_body: Any = asked.provider_data.thinking[sent]  # type: ignore[index]
    body: Any = served.requests[0].body
    assert all(body[key] == value or value.items() <= body[key].items() for key, value in client_body.items())


async def test_settings_arrive_and_unknown_ones_are_refused() -> None:
    model, served = made(ANSWER, settings={"temperature": 0.5})
    settings: Any = {
        "max_tokens": 90,
        "top_p": 0.9,
        "top_k": 5,
        "seed": 3,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.25,
        "stop_sequences": ["#"],
        "parallel_tool_calls": False,
        "timeout": 30.0,
        "extra_body": {"best": True},
        "extra_headers": {"x-team": "a"},
        "deepseek_v4_options": {"min_p": 0.1, "priority": 2},
    }
    agent = Agent(model, tools=[weather], model_settings=settings)
    await agent.run("Hi")
    body: Any = served.requests[0].body
    same = ("max_tokens", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty", "parallel_tool_calls")
    assert {name: body[name] for name in same} == {name: settings[name] for name in same}
    assert (body["temperature"], body["stop"], body["best"], body["min_p"]) == (0.5, ["#"], True, 0.1)
    assert served.requests[0].headers["x-team"] == "a"
    with pytest.raises(UserError, match="logit_bias"):
        await agent.run("Hi", model_settings={"logit_bias": {"5": 1}})
    wrong: Any = {"deepseek_v4_options": {"prioritty": 2}}
    with pytest.raises(sdk.InvalidRequestError, match="priority"):
        await agent.run("Hi", model_settings=wrong)
    assert len(served.requests) == 1


@pytest.mark.parametrize("how", ["run", "stream"])
@pytest.mark.parametrize(("retries", "requests"), [(0, 1), (2, 3), (None, 2)])
async def test_max_retries_is_the_number_of_one_request(how: str, retries: Any, requests: int) -> None:
    served = mock("vllm", *[script.error(503)] * 3)
    model = DeepSeekV4Model(client=AsyncDeepSeekV4(served, model=MODELS["vllm"], max_retries=1))
    settings: Any = {} if retries is None else {"max_retries": retries}
    with pytest.raises(ModelHTTPError):
        await run(Agent(model), "Hi", how, model_settings=settings)
    assert len(served.requests) == requests


@pytest.mark.parametrize("how", ["run", "stream"])
@pytest.mark.parametrize("flavor", FLAVORS)
@pytest.mark.parametrize("mode", ["tool", "native", "prompted"])
async def test_structured_output_while_thinking(flavor: str, mode: str, how: str) -> None:
    text = script.think("A joke.") + script.text(JOKE)
    step = script.think("A joke.") + script.tool_call("final_result", json.loads(JOKE)) if mode == "tool" else text
    model, served = made(step, flavor=flavor)
    wanted: Any = {"tool": ToolOutput, "native": NativeOutput, "prompted": PromptedOutput}[mode](Joke)
    agent = Agent(model, output_type=wanted)
    if mode == "native" and flavor == "deepseek":  # its API holds no answer to a schema
        with pytest.raises(UserError, match="Native structured output"):
            await run(agent, "A joke", how)
        return
    result = await run(agent, "A joke", how)
    output = result.output if how == "run" else await result.get_output()
    assert output == Joke(setup="Why?", punchline="Because.")
    body: Any = served.requests[0].body
    if mode == "tool":
        assert body.get("tool_choice") == (None if flavor == "deepseek" else "required")
        assert flavor != "deepseek" or "Answer by calling one of the tools." in body["messages"][0]["content"]
    else:
        assert body["response_format"]["type"] == ("json_schema" if mode == "native" else "json_object")
    thoughts = [part for part in result.all_messages()[1].parts if isinstance(part, ThinkingPart)]
    assert thoughts[0].content == "A joke."


@pytest.mark.parametrize("how", ["run", "stream"])
@pytest.mark.parametrize(
    ("step", "ours", "theirs"),
    [
        (script.turn(CALL, finish_reason="length"), sdk.TruncatedToolCallError, IncompleteToolCall),
        (
            script.turn(script.think("Hm"), finish_reason="length"),
            sdk.ReasoningExhaustedError,
            OutputTokenLimitExceeded,
        ),
        (faults.empty_turn(), sdk.EmptyTurnError, UnexpectedModelBehavior),
        (ANSWER | faults.cut(after_bytes=900), sdk.StreamInterruptedError, ModelConnectionError),
        (ANSWER | faults.error_event(503, "no room"), sdk.APIError, ModelHTTPError),
        (script.error(401), sdk.AuthenticationError, ModelHTTPError),
    ],
)
async def test_a_broken_answer_is_an_error_of_both_trees(how: str, step: Any, ours: Any, theirs: Any) -> None:
    model, served = made(step)
    ran: list[str] = []

    def weather(city: str) -> str:
        """The weather of a city."""
        ran.append(city)
        return "rain"

    with pytest.raises(theirs) as caught:
        await run(Agent(model, tools=[weather]), "Hi", how)
    assert isinstance(caught.value, ours)
    assert (ran, len(served.requests)) == ([], 1)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again)) == (type(caught.value), str(caught.value))


async def test_categories_have_status_and_wait() -> None:
    model, _ = made(ANSWER | faults.rate_limited(7))
    with pytest.raises(ModelRateLimitError) as caught:
        await Agent(model).run("Hi")
    error: Any = caught.value
    assert (error.status_code, error.retry_after, error.model_name) == (429, 7, MODELS["vllm"])
    assert isinstance(error, ModelHTTPError)
    full = DeepSeekV4Model(client=AsyncDeepSeekV4(MockProvider(default=ANSWER, window=2000)))
    with pytest.raises(ModelContextWindowExceededError) as overflow:
        await Agent(full).run("word " * 3000)
    assert isinstance(overflow.value, sdk.ContextLengthExceededError)


@pytest.mark.parametrize("how", ["run", "stream"])
async def test_a_fallback_takes_over(how: str) -> None:
    broken, _ = made(script.error(503))
    works, served = made(ANSWER)
    result = await run(Agent(FallbackModel(broken, works)), "Hi", how)
    assert (result.output if how == "run" else await result.get_output()) == "It rains."
    assert len(served.requests) == 1


async def test_a_ban_on_requests_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "ALLOW_MODEL_REQUESTS", False)
    model, served = made(ANSWER)
    for how in ("run", "stream"):
        with pytest.raises(RuntimeError, match="ALLOW_MODEL_REQUESTS"):
            await run(Agent(model), "Hi", how)
    with Agent(model).override(model=TestModel()):
        pass
    assert served.requests == []


async def test_histories_go_through_json_with_their_reasoning() -> None:
    model, _ = made(CALL, ANSWER)
    result = await Agent(model, tools=[weather]).run("Hi")
    kept = ModelMessagesTypeAdapter.validate_json(ModelMessagesTypeAdapter.dump_json(result.all_messages()))
    assert kept == result.all_messages()
    other, served = made(ANSWER)
    await Agent(other, tools=[weather]).run("And tomorrow?", message_history=kept)
    sent: Any = served.requests[0].messages
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "assistant", "user"]
    assert [sent[1]["reasoning"], sent[3]["reasoning"]] == ["I need the weather.", "Now I know."]
    assert json.loads(sent[1]["tool_calls"][0]["function"]["arguments"]) == {"city": "Zürich"}


async def test_reasoning_of_other_makers_goes_back() -> None:
    history: list[Any] = [
        ModelRequest([UserPromptPart("Hello")]),
        ModelResponse([ThinkingPart("Hm.", signature="x", provider_name="anthropic"), TextPart("Hi")]),
    ]
    model, served = made(ANSWER)
    await Agent(model).run("Go on", message_history=history)
    assert served.requests[0].messages[1]["reasoning"] == "Hm."


async def test_images_are_refused_before_anything_is_sent() -> None:
    model, served = made(ANSWER)
    with pytest.raises(UserError, match="ImageUrl"):
        await Agent(model).run(["What is this?", ImageUrl("https://example.com/a.png")])
    assert served.requests == []


async def test_request_and_stream_give_the_same_response() -> None:
    steps = script.think("Hm.") + script.text("Let me see.") + script.tool_call("weather", {"city": "Bern"})
    found: list[Any] = []
    for how in ("run", "stream"):
        model, _ = made(steps, ANSWER)
        with capture_run_messages() as messages:
            await run(Agent(model, tools=[weather]), "Hi", how)
        answer: Any = messages[1]
        calls = [(part.tool_name, part.args) for part in answer.tool_calls]
        details = {key: each for key, each in answer.provider_details.items() if key != "request_id"}
        found.append(
            (answer.text, answer.thinking, calls, answer.usage, answer.model_name, answer.finish_reason, details)
        )
    assert found[0] == found[1]


async def test_what_the_server_does_not_count_is_unmeasured() -> None:
    for how in ("run", "stream"):
        model, _ = made(ANSWER | faults.no_usage())
        result = await run(Agent(model), "Hi", how)
        assert result.all_messages()[-1].usage.unmeasured_requests == 1


async def test_tokens_are_counted_before_the_request() -> None:
    model, served = made(ANSWER)
    limits = UsageLimits(input_tokens_limit=10, count_tokens_before_request=True)
    with pytest.raises(Exception, match="input_tokens_limit"):
        await Agent(model, tools=[weather]).run("Hi", usage_limits=limits)
    assert served.requests == []
    result = await Agent(model).run("Hi", usage_limits=UsageLimits(count_tokens_before_request=True))
    assert result.all_messages()[-1].parts


@pytest.mark.parametrize("bars", ["|", "｜"])
@pytest.mark.parametrize("how", ["run", "stream"])
async def test_calls_out_of_markup(how: str, bars: str) -> None:
    from deepseek_v4_sdk.testing.flavors.sglang import SGLangFlavor

    mark = f"{bars}DSML{bars}"
    call = (
        f'I look.</think><{mark}tool_calls>\n<{mark}invoke name="weather">\n<{mark}parameter name="city" '
        f'string="true">Bern</{mark}parameter>\n</{mark}invoke>\n</{mark}tool_calls>'
    )

    def client() -> AsyncDeepSeekV4:
        steps = (script.raw_model_output(call), ANSWER)
        return AsyncDeepSeekV4(MockProvider(*steps, flavor=SGLangFlavor(tool_call_parser=False)))

    strict = Agent(DeepSeekV4Model(client=client()), tools=[weather])
    if bars == "|":
        with pytest.raises(sdk.LostToolCallError):
            await run(strict, "Hi", how)
    else:
        result = await run(strict, "Hi", how)
        (part,) = (part for part in result.all_messages()[1].parts if part.part_kind == "tool-call")
        assert part.provider_details == {"bars": "full-width"}
    loose = Agent(DeepSeekV4Model(client=client(), on_recovered="run"), tools=[weather])
    assert len((await run(loose, "Hi", how)).all_messages()) == 4


def test_the_window_is_the_one_that_the_client_knows() -> None:
    address: Any = {"base_url": "http://localhost:9", "model": "flash"}
    known = AsyncDeepSeekV4("vllm", window=65_536, **address)
    assert DeepSeekV4Model(client=known).context_window == 65_536
    assert DeepSeekV4Model(client=known, profile={"context_window": 9_000}).context_window == 9_000
    assert DeepSeekV4Model(client=AsyncDeepSeekV4("vllm", **address)).context_window is None


def test_the_client_must_be_async() -> None:
    client: Any = DeepSeekV4(mock("vllm", ANSWER))
    with pytest.raises(sdk.ConfigurationError, match="as_async"):
        DeepSeekV4Model(client=client)


@pytest.mark.parametrize("how", ["close", "cancel", "cancel stream"])
async def test_the_server_learns_that_nobody_reads_on(how: str) -> None:
    served = MockProvider(default=ANSWER | faults.stall(after=3, seconds=60))
    with MockServer(served) as server:
        client = AsyncDeepSeekV4("vllm", base_url=server.url, model=MODELS["vllm"])
        agent = Agent(DeepSeekV4Model(client=client))
        if how == "close":
            async with agent.run_stream_events("Hi") as events:
                async for _ in events:
                    break
        else:
            task = asyncio.create_task(run(agent, "Hi", "run" if how == "cancel" else "stream"))
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
