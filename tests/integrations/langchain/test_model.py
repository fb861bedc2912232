"""`ChatDeepSeekV4`: what LangChain's own suites do not ask."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import Any

import pytest
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.exceptions import ContextOverflowError, ModelError, ModelInvalidRequestError, ModelRateLimitError
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import BaseModel, ValidationError

import deepseek_v4_sdk as sdk
from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.integrations.langchain import ChatDeepSeekV4
from deepseek_v4_sdk.testing import MockProvider, faults, script
from tests.integrations.model import MODELS, mock

FLAVORS = ("vllm", "sglang", "deepseek")
KEY = "sk-a-key-that-nobody-may-see"
CALL = script.think("I need the weather.") + script.tool_call("weather", {"city": "Zürich", "days": 2})
ANSWER = script.think("Now I know.") + script.text("It rains.")


def weather(city: str, days: int = 1) -> str:
    """The weather of a city."""
    return f"{city}: rain for {days} days"


class Joke(BaseModel):
    """A joke."""

    setup: str
    punchline: str


JOKE = script.think("A joke, then.") + script.text('{"setup": "Why?", "punchline": "Because."}')


def chat(*steps: Any, flavor: str = "vllm", **arguments: Any) -> tuple[ChatDeepSeekV4, MockProvider]:
    served = mock(flavor, *steps)
    return ChatDeepSeekV4(client=DeepSeekV4(served, model=MODELS[flavor], max_retries=0), **arguments), served


def said(model: Any, question: Any, how: str) -> AIMessage:
    """The whole answer, in one of the four ways in which LangChain asks."""
    if how == "invoke":
        return model.invoke(question)  # type: ignore[no-any-return]
    if how == "ainvoke":
        return asyncio.run(model.ainvoke(question))

    async def collected() -> Any:
        whole: Any = None
        async for chunk in model.astream(question):
            whole = chunk if whole is None else whole + chunk
        return whole

    if how == "astream":
        return asyncio.run(collected())  # type: ignore[no-any-return]
    whole: Any = None
    for chunk in model.stream(question):
        whole = chunk if whole is None else whole + chunk
    return whole  # type: ignore[no-any-return]


WAYS = ("invoke", "ainvoke", "stream", "astream")


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("flavor", FLAVORS)
def test_two_rounds_send_the_reasoning_back(flavor: str, how: str) -> None:
    model, served = chat(CALL, ANSWER, flavor=flavor, thinking="max")
    bound = model.bind_tools([weather])
    history: list[Any] = [SystemMessage("Be brief."), HumanMessage("How is the weather?")]
    first = said(bound, history, how)
    assert [(call["name"], call["args"]) for call in first.tool_calls] == [("weather", {"city": "Zürich", "days": 2})]
    history += [first, ToolMessage("rain", tool_call_id=str(first.tool_calls[0]["id"]))]
    last = said(bound, history, how)
    assert (last.content, last.additional_kwargs["reasoning_content"]) == ("It rains.", "Now I know.")
    sent = served.requests[1].messages[2]
    assert "I need the weather." in {sent.get("reasoning"), sent.get("reasoning_content")}
    usage = last.usage_metadata
    assert usage is not None
    assert usage["output_tokens"] > usage["output_token_details"]["reasoning"] > 0


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_invoke_and_stream_give_the_same_message(version: str) -> None:
    found: list[Any] = []
    for how in WAYS:
        answer = script.think("Hm.") + script.text("Let me see.") + script.tool_call("weather", city="Bern")
        broken = answer + script.tool_call("weather", '{"city": "Ber')
        model, _ = chat(broken, output_version=version)
        message = said(model.bind_tools([weather]), "Hi", how)
        blocks = [{key: each for key, each in block.items() if key != "index"} for block in message.content_blocks]
        invalid = [(call["name"], call["args"]) for call in message.invalid_tool_calls]
        metadata = {key: message.response_metadata.get(key) for key in ("model_name", "finish_reason")}
        kwargs = message.additional_kwargs
        found.append((message.text, [b["type"] for b in blocks], kwargs, invalid, metadata, message.usage_metadata))
        assert [call["args"] for call in message.tool_calls] == [{"city": "Bern"}]
        assert invalid == [("weather", json.dumps('{"city": "Ber'))]
        assert {"reasoning", "text", "tool_call"} <= set(found[-1][1])
    assert found[0][0] == "Let me see."
    assert all((each[0], *each[2:]) == (found[0][0], *found[0][2:]) for each in found)


def test_broken_arguments_go_back_as_they_came() -> None:
    model, served = chat(script.tool_call("weather", '{"city": "Ber'), ANSWER)
    first = said(model.bind_tools([weather]), "Hi", "stream")
    call_id = str(first.invalid_tool_calls[0]["id"])
    model.bind_tools([weather]).invoke(["Hi", first, ToolMessage("wrong arguments", tool_call_id=call_id)])
    sent: Any = served.requests[1].messages[1]["tool_calls"]
    assert json.loads(sent[0]["function"]["arguments"]) == {"arguments": '{"city": "Ber'}  # servers want an object


@pytest.mark.parametrize("how", WAYS)
def test_a_call_that_was_cut_is_an_error_of_both_trees(how: str) -> None:
    model, _ = chat(script.turn(CALL, finish_reason="length"))
    with pytest.raises(sdk.TruncatedToolCallError) as caught:
        said(model.bind_tools([weather]), "Hi", how)
    assert isinstance(caught.value, ModelError)
    assert caught.value.partial is not None


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize(
    ("step", "ours", "theirs", "retryable"),
    [
        (ANSWER | faults.cut(after_bytes=900), sdk.StreamInterruptedError, ModelError, True),
        (ANSWER | faults.error_event(), sdk.ServerError, ModelError, True),
        (ANSWER | faults.rate_limited(3), "RateLimit", ModelRateLimitError, True),
        (script.error(400, "tools[0] is no tool"), None, ModelInvalidRequestError, False),
        (script.error(401), sdk.AuthenticationError, ModelError, False),
        (script.think("and so on"), sdk.EmptyTurnError, ModelError, False),
    ],
)
def test_errors_are_of_both_trees(how: str, step: Any, ours: Any, theirs: Any, retryable: bool) -> None:
    model, _ = chat(step)
    with pytest.raises(theirs) as caught:
        said(model, "Hi", how)
    error = caught.value
    assert isinstance(error, sdk.DeepSeekV4Error)
    if isinstance(ours, str):
        assert type(error).__name__.startswith(ours)
        assert getattr(error, "retry_after", None) == 3
    elif ours is not None:
        assert isinstance(error, ours)
    assert getattr(error, "is_retryable", None) is retryable
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))


@pytest.mark.parametrize("how", WAYS)
def test_a_text_that_was_cut_is_a_message_that_says_so(how: str) -> None:
    """Agents look at the finish reason: the toolkit's asks once more with a longer limit."""
    model, _ = chat(script.turn(ANSWER, finish_reason="length"))
    message = said(model, "Hi", how)
    assert (message.content, message.response_metadata["finish_reason"]) == ("It rains.", "length")


def test_an_overflow_is_the_class_that_agents_look_for() -> None:
    served = MockProvider(default=ANSWER, window=2000)
    model = ChatDeepSeekV4(client=DeepSeekV4(served))
    with pytest.raises(ContextOverflowError) as caught:
        model.invoke("word " * 3000)
    assert isinstance(caught.value, sdk.ContextLengthExceededError)


def test_what_is_misspelt_is_refused_before_anything_is_sent() -> None:
    served = mock("vllm", ANSWER)
    client = DeepSeekV4(served)
    with pytest.raises(ValidationError, match="thinkng"):
        ChatDeepSeekV4(client=client, thinkng="max")  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="thinking"):
        ChatDeepSeekV4(client=client, thinking="maximal")  # type: ignore[arg-type]
    with pytest.raises(ModelInvalidRequestError, match="temprature"):
        ChatDeepSeekV4(client=client).invoke("Hi", temprature=0)
    with pytest.raises(ModelInvalidRequestError, match="thinking"):
        ChatDeepSeekV4(client=client).invoke("Hi", thinking="deep")
    with pytest.raises(ModelInvalidRequestError, match="'image_url'"):
        ChatDeepSeekV4(client=client).invoke([HumanMessage([{"type": "image_url", "image_url": {"url": "data:,"}}])])
    assert served.requests == []


def test_effort_words_of_other_models_mean_the_same_as_everywhere() -> None:
    model, served = chat(ANSWER, ANSWER)
    model.invoke("Hi", reasoning_effort="none")
    ChatDeepSeekV4(client=model.client, reasoning_effort="max").invoke("Hi")
    sent: Any = [request.body["chat_template_kwargs"] for request in served.requests]
    assert [each["thinking"] for each in sent] == [False, True]
    assert sent[1]["reasoning_effort"] == "max"


@pytest.mark.parametrize("flavor", FLAVORS)
@pytest.mark.parametrize("method", ["auto", "json_schema", "json_mode"])
def test_structured_answers_while_thinking(flavor: str, method: Any) -> None:
    model, served = chat(JOKE, JOKE, flavor=flavor, thinking="high")
    made = model.with_structured_output(Joke, method=method).invoke("Tell a joke")
    assert made == Joke(setup="Why?", punchline="Because.")
    raw = model.with_structured_output(Joke, method=method, include_raw=True).invoke("Tell a joke")
    assert raw["parsed"] == made
    assert raw["raw"].additional_kwargs["reasoning_content"] == "A joke, then."
    kind = served.requests[0].body["response_format"]["type"]
    assert kind == ("json_object" if flavor == "deepseek" or method == "json_mode" else "json_schema")


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("flavor", FLAVORS)
def test_a_structured_answer_through_a_tool_while_thinking(flavor: str, how: str) -> None:
    step = script.think("A joke, then.") + script.tool_call("answer", {"setup": "Why?", "punchline": "Because."})
    model, served = chat(step, flavor=flavor, thinking="max")
    chain = model.with_structured_output(Joke, method="function_calling", include_raw=True)
    raw: Any = said(chain, "Tell a joke", how)
    assert raw["parsed"] == Joke(setup="Why?", punchline="Because.")
    assert raw["raw"].additional_kwargs["reasoning_content"] == "A joke, then."
    assert [request.thinking for request in served.requests] == ["max"]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("any", "required"),
        ("required", "required"),
        (True, "required"),
        ("weather", {"type": "function", "function": {"name": "weather"}}),
        ("none", "none"),
        (None, None),
    ],
)
def test_bound_tools_arrive_with_their_options(choice: Any, sent: Any) -> None:
    model, served = chat(ANSWER if choice == "none" else CALL)
    model.bind_tools([weather], tool_choice=choice, strict=True, parallel_tool_calls=False).invoke("Hi")
    body: Any = served.requests[0].body
    assert (body.get("tool_choice"), body["parallel_tool_calls"]) == (sent, False)
    assert body["tools"][0]["function"]["strict"] is True


def test_batches_and_the_events_of_version_3() -> None:
    model, _ = chat(ANSWER, ANSWER, ANSWER)
    assert [message.content for message in model.batch(["Hi", "Ho"], {"max_concurrency": 1})] == ["It rains."] * 2
    stream = model.stream_events("Hi", version="v3")
    message = stream.output
    assert (message.text, message.additional_kwargs["reasoning_content"]) == ("It rains.", "Now I know.")


@pytest.mark.parametrize("how", WAYS)
def test_an_answer_of_another_shape_is_an_error_or_told_beside_it(how: str) -> None:
    wrong = script.text('{"setup": "Why?"}')
    model, _ = chat(wrong, wrong)
    with pytest.raises(sdk.SchemaViolationError, match="punchline"):
        said(model.with_structured_output(Joke), "Tell a joke", how)
    raw: Any = said(model.with_structured_output(Joke, include_raw=True), "Tell a joke", how)
    assert (raw["parsed"], raw["raw"].content) == (None, '{"setup": "Why?"}')
    assert isinstance(raw["parsing_error"], sdk.SchemaViolationError)


def test_a_forced_call_where_the_server_forces_none_while_thinking() -> None:
    model, served = chat(CALL, flavor="deepseek", thinking="high")
    answer = model.bind_tools([weather], tool_choice="any").invoke([SystemMessage("Be brief."), HumanMessage("Hi")])
    sent = served.requests[0]
    assert sent.body.get("tool_choice") in {None, "auto"}
    assert sent.messages[0]["content"] == "Be brief.\n\nAnswer by calling one of the tools."
    assert answer.response_metadata["repairs"]
    forced, served = chat(CALL, flavor="vllm", thinking="high")
    forced.bind_tools([weather], tool_choice="any").invoke("Hi")
    assert served.requests[0].body["tool_choice"] == "required"


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("bars", ["|", "｜"])
def test_calls_out_of_markup(how: str, bars: str) -> None:
    mark = f"{bars}DSML{bars}"
    call = (
        f'I look.</think><{mark}tool_calls>\n<{mark}invoke name="weather">\n<{mark}parameter name="city" '
        f'string="true">Bern</{mark}parameter>\n</{mark}invoke>\n</{mark}tool_calls>'
    )
    output = script.raw_model_output(call)
    served = MockProvider(output, output, flavor=_without_parser())
    client = DeepSeekV4(served)
    strict = ChatDeepSeekV4(client=client).bind_tools([weather])
    if bars == "|":
        with pytest.raises(sdk.LostToolCallError, match="ascii"):
            said(strict, "Hi", how)
    else:
        message = said(strict, "Hi", how)
        assert message.tool_calls[0]["args"] == {"city": "Bern"}
        assert list(message.response_metadata["recovered_tool_calls"].values()) == ["full-width"]
    message = said(ChatDeepSeekV4(client=client, on_recovered="run").bind_tools([weather]), "Hi", how)
    assert message.tool_calls[0]["args"] == {"city": "Bern"}


def _without_parser() -> Any:
    from deepseek_v4_sdk.testing.flavors.sglang import SGLangFlavor

    return SGLangFlavor(tool_call_parser=False)


@pytest.mark.filterwarnings("ignore:The function `loads` is in beta")
def test_histories_keep_their_reasoning_through_every_store() -> None:
    model, _ = chat(CALL)
    message = model.bind_tools([weather]).invoke("Hi")
    serializer = JsonPlusSerializer()
    kept: list[Any] = [
        pickle.loads(pickle.dumps(message)),
        loads(dumps(message), allowed_objects="all"),
        serializer.loads_typed(serializer.dumps_typed(message)),
        AIMessage(**json.loads(message.model_dump_json())),
    ]
    for each in kept:
        model, served = chat(ANSWER)
        model.invoke(["Hi", each, ToolMessage("rain", tool_call_id=each.tool_calls[0]["id"])])
        sent: Any = served.requests[0].messages[1]
        assert sent["reasoning"] == "I need the weather."
        assert json.loads(sent["tool_calls"][0]["function"]["arguments"]) == {"city": "Zürich", "days": 2}


@pytest.mark.parametrize(
    "message",
    [
        AIMessage([{"type": "thinking", "thinking": "Hm.", "signature": "x"}, {"type": "text", "text": "Hi"}]),
        AIMessage([{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "Hi"}]),
        AIMessage("Hi", additional_kwargs={"reasoning_content": "Hm."}),
        AIMessage("Hi", additional_kwargs={"reasoning": "Hm."}),
        AIMessage(
            [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Hi"}],
            response_metadata={"model_provider": "anthropic"},
        ),
        AIMessage(
            [
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
                {"type": "text", "text": "Hi"},
            ],
            response_metadata={"model_provider": "openai"},
        ),
    ],
)
def test_reasoning_of_other_makers_goes_back(message: AIMessage) -> None:
    model, served = chat(ANSWER)
    model.invoke(["Hello", message, HumanMessage("Go on")])
    sent = served.requests[0].messages[1]
    assert (sent["reasoning"], sent["content"]) == ("Hm.", "Hi")


def test_the_key_is_shown_nowhere() -> None:
    client = DeepSeekV4("vllm", base_url="http://localhost:9", api_key=KEY)
    for model in (
        ChatDeepSeekV4(client=client, extra_headers={"x-key": KEY}),
        ChatDeepSeekV4(provider="vllm", base_url="http://localhost:9", api_key=KEY),
    ):
        shown = [repr(model), str(model.model_dump()), str(model._identifying_params), dumps(model)]
        shown += [model._get_llm_string(), str(model._get_invocation_params()), str(model.asdict())]
        assert all(KEY not in each for each in shown)


def test_usage_is_summed_by_langchain_and_unknown_details_are_absent() -> None:
    model = ChatDeepSeekV4(client=DeepSeekV4(MockProvider(default=ANSWER)))
    handler = UsageMetadataCallbackHandler()
    for how in ("invoke", "stream"):
        said(model.with_config(callbacks=[handler]), "Hi", how)
    (counted,) = handler.usage_metadata.values()
    assert counted["total_tokens"] == counted["input_tokens"] + counted["output_tokens"]
    assert "cache_read" not in counted.get("input_token_details", {})
    silent = ChatDeepSeekV4(client=DeepSeekV4(MockProvider(ANSWER | faults.no_usage())))
    assert silent.invoke("Hi").usage_metadata is None


def test_options_levels_and_stops_arrive() -> None:
    model, served = chat(ANSWER, ANSWER, thinking="low", max_tokens=50, stop=[], temperature=0.5)
    model.invoke("Hi")
    model.invoke("Hi", stop=["."], thinking="off", max_tokens=60)
    first, second = (request.body for request in served.requests)
    assert (first["max_tokens"], first["temperature"], first.get("stop")) == (50, 0.5, None)
    assert (second["max_tokens"], second["stop"]) == (60, ["."])
    assert second["chat_template_kwargs"]["thinking"] is False


def test_a_restart_cannot_be_streamed() -> None:
    model, _ = chat(ANSWER, on_interrupt="restart")
    with pytest.raises(sdk.InvalidRequestError, match="call invoke"):
        list(model.stream("Hi"))
    assert model.invoke("Hi").content == "It rains."


def test_tokens_are_counted_with_the_own_vocabulary() -> None:
    model, served = chat(ANSWER)
    counted = model.get_num_tokens_from_messages([HumanMessage("Hello there")], [weather])
    message = model.bind_tools([weather]).invoke("Hello there")
    assert message.usage_metadata is not None
    assert counted == message.usage_metadata["input_tokens"]
    assert model.get_num_tokens("Hello there") == sdk.count_text("Hello there")
    assert len(served.requests) == 1
