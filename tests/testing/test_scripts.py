"""Scripts: what each form of a step says, who takes it, and what a test reads when script and program do not match."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from deepseek_v4_sdk import ConfigurationError, DeepSeekV4, Reply
from deepseek_v4_sdk.testing import MockProvider, MockRequest, MockScriptError, faults, script
from deepseek_v4_sdk.testing.server import MockServer
from tests.support.any_name import ANY_NAME
from tests.testing.places import FLAVORS, MODELS, PLACES, TOOL, Place, ask, fetch, request_body


def chat(mock: MockProvider, text: str = "Hi", flavor: str = "vllm", **options: object) -> Reply:
    return DeepSeekV4(mock, model=MODELS[flavor]).chat(text, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("wire", ["stream", "plain"])
@pytest.mark.parametrize("flavor", FLAVORS)
def test_a_turn(flavor: str, wire: str) -> None:
    said = script.turn(
        script.think("Two "),
        script.think("cities."),
        script.text("I will look."),
        script.tool_call("get_weather", city="Zürich", days=3),
        script.tool_call("get_weather", {"city": "東京"}, days=1.5),
        script.tool_call("now"),
    )
    reply = chat(MockProvider(said, flavor=flavor), flavor=flavor, tools=[TOOL], wire=wire)
    assert (reply.reasoning, reply.text, reply.finish_reason) == ("Two cities.", "I will look.", "tool_calls")
    assert [(call.name, call.parsed) for call in reply.tool_calls] == [
        ("get_weather", {"city": "Zürich", "days": 3}),
        ("get_weather", {"city": "東京", "days": 1.5}),
        ("now", {}),
    ]
    assert len({call.id for call in reply.tool_calls}) == 3


@pytest.mark.parametrize("flavor", FLAVORS)
def test_thinking_is_said_only_when_it_is_on(flavor: str) -> None:
    mock = MockProvider(default=script.think("Hm.") + script.text("Yes."), flavor=flavor)
    levels = ["off", "high", "max"]
    assert [chat(mock, flavor=flavor, thinking=level).reasoning for level in levels] == [None, "Hm.", "Hm."]
    assert [request.thinking for request in mock.requests] == levels


def test_arguments_as_they_are() -> None:
    reply = chat(MockProvider(script.tool_call("f", '{"city": ')), tools=[{"name": "f"}])
    assert (reply.tool_calls[0].arguments, reply.tool_calls[0].error is None) == ('{"city": ', False)


@pytest.mark.parametrize("flavor", FLAVORS)
def test_reason_and_pieces(flavor: str) -> None:
    step = script.turn(script.text("abcdefghij"), finish_reason="length", cuts=(1, 2))
    with DeepSeekV4(MockProvider(step, flavor=flavor), model=MODELS[flavor]) as client, client.stream("Hi") as stream:
        assert list(stream.text_deltas()) == ["a", "bc", "d", "ef", "g", "hi", "j"]
        assert stream.reply().finish_reason == "length"


def test_pieces_of_no_length_are_refused() -> None:
    for cuts in (0, (3, 0), -1):
        with pytest.raises(ValueError, match="cuts is"):
            script.turn(script.text("Hi"), cuts=cuts)


def test_raw_and_error(server: MockServer) -> None:
    raw = script.raw(b"data: ", "one\n\n", headers={"x-request-id": "r-1"})
    error = script.error(503, "busy", headers={"retry-after": "3"})
    for place in PLACES:
        mock = MockProvider(raw, error, script.raw("nothing", status=418, content_type="text/plain"))
        seen = [fetch(server, place, "sync", mock, request_body("vllm")) for _ in range(3)]
        assert [answer.status for answer in seen] == [200, 503, 418]
        assert (seen[0].body, seen[0].headers["x-request-id"]) == (b"data: one\n\n", "r-1")
        assert (seen[1].headers["retry-after"], seen[2].headers["content-type"]) == ("3", "text/plain")


def test_from_function_sees_the_request() -> None:
    def answer(request: MockRequest) -> script.Step:
        if request.text == "slow":
            return script.text("late") | faults.stall(after=1, seconds=5)
        return script.text(f"{request.model} {request.tools} {request.thinking} {request.streamed}")

    mock = MockProvider(default=script.from_function(answer))
    assert chat(mock, thinking="low", tools=[TOOL]).text == f"{MODELS['vllm']} ['get_weather'] low True"
    assert chat(mock, "slow").timing.total == 5


def test_default_answers_when_the_steps_have_run_out() -> None:
    mock = MockProvider(script.text("first"), default=script.text("else"))
    assert [chat(mock).text for _ in range(3)] == ["first", "else", "else"]


def test_without_a_script_it_answers_from_its_input() -> None:
    assert "owls" in chat(MockProvider(), "Tell me about owls.").text


def test_reply_to() -> None:
    with MockProvider(
        script.reply_to("Paris", script.text("text")),
        script.reply_to({"max_tokens": 7}, script.text("mapping")),
        script.reply_to(lambda request: request.tools == ["get_weather"], script.text("function")),
        script.reply_to("Paris", script.text("with a fault")) | faults.no_done(),
    ) as mock:
        said = [chat(mock, "In Paris?"), chat(mock, max_tokens=7), chat(mock, tools=[TOOL]), chat(mock, "Paris")]
    assert [reply.text for reply in said] == ["text", "mapping", "function", "with a fault"]


def test_keys_of_a_mapping_have_no_order() -> None:
    """But true is not 1, as in JSON."""
    wanted = {"chat_template_kwargs": {"reasoning_effort": "high", "thinking": True}}
    mock = MockProvider(script.reply_to(wanted, script.text("yes")), flavor="sglang")
    assert chat(mock, thinking="high").text == "yes"
    sent = mock.requests[0].body["chat_template_kwargs"]
    assert isinstance(sent, dict)
    mock.requests[0].check(body={"chat_template_kwargs": dict(reversed(sent.items()))})
    with pytest.raises(AssertionError):
        mock.requests[0].check(body={"chat_template_kwargs": {**sent, "thinking": 1}})


def is_short(request: MockRequest) -> bool:
    return len(request.text) < 3


_SUMMARY = "got: messages (system, user), tools ['get_weather'], thinking 'high', last user text 'Hello'"


@pytest.mark.parametrize(
    ("predicate", "told"),
    [
        ("Paris", f"request 1, step 1 of the script: expected a text with 'Paris'\n  {_SUMMARY}"),
        (
            {"max_tokens": 7, "seed": None, "top_p": 0.5},
            "request 1, step 1 of the script is not as expected:\n"
            "  max_tokens: expected 7, got 9\n  top_p: expected 0.5, got None",
        ),
        (is_short, f"request 1, step 1 of the script: is_short is not true of it\n  {_SUMMARY}"),
    ],
)
def test_a_request_that_was_not_expected(predicate: object, told: str) -> None:
    mock = MockProvider(script.reply_to(predicate, script.text("Hi")))  # type: ignore[arg-type]
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    with pytest.raises(MockScriptError) as caught:
        DeepSeekV4(mock).chat(messages, max_tokens=9, tools=[TOOL])
    assert str(caught.value) == told


def test_a_request_too_many() -> None:
    mock = MockProvider(script.text("one"))
    chat(mock)
    with pytest.raises(MockScriptError) as caught:
        chat(mock, "And now?")
    assert str(caught.value) == (
        "request 2 came, but the script has only 1 steps: add a step, or give default=\n"
        "  it said: messages (user), tools [], thinking 'high', last user text 'And now?'"
    )


def _one_of_three() -> None:
    with MockProvider(
        script.text("one"), script.text("two") | faults.stall(after=2, seconds=9), script.tool_call("now")
    ) as mock:
        chat(mock)


def test_steps_that_were_not_taken() -> None:
    with pytest.raises(MockScriptError) as caught:
        _one_of_three()
    assert str(caught.value) == (
        "2 step(s) of the script were not taken:\n"
        "  Turn(text='two') | stall(after=2, seconds=9)\n"
        "  Turn(calls=(ScriptedCall(name='now', arguments='{}'),))"
    )


def test_an_error_in_the_block_is_not_hidden_by_steps_not_taken() -> None:
    with pytest.raises(ZeroDivisionError), MockProvider(script.text("one")):
        raise ZeroDivisionError


@pytest.mark.parametrize("wrong", ["Hello", None, 3, script.text])
def test_what_is_no_step(wrong: object) -> None:
    with pytest.raises(ConfigurationError, match=r"a step of the script is .*: give script.text"):
        MockProvider(wrong)  # type: ignore[arg-type]


def test_an_unknown_flavor() -> None:
    with pytest.raises(ConfigurationError, match=r"there is no flavor 'vlm' \(did you mean 'vllm'\?\); known: nvidia"):
        MockProvider(flavor="vlm")


@pytest.mark.parametrize("place", PLACES)
def test_each_step_is_taken_once_by_many_threads(place: Place, server: MockServer) -> None:
    """Eight threads with twenty requests each; an attempt takes one step, whoever makes it."""
    steps = [script.text(str(number)) for number in range(160)]
    with MockProvider(*steps) as mock:
        server.mock = mock
        given = {"base_url": server.url} if place == "socket" else {}
        client = DeepSeekV4("vllm" if place == "socket" else mock, model=MODELS["vllm"], **given)  # type: ignore[arg-type]
        got: list[list[int]] = [[] for _ in range(8)]

        def work(mine: list[int]) -> None:
            mine += [int(client.chat("Hi").text) for _ in range(20)]

        threads = [threading.Thread(target=work, args=(mine,)) for mine in got]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()
    assert Counter(number for mine in got for number in mine) == Counter(range(160))
    assert all(mine == sorted(mine) for mine in got)  # each thread's requests arrive in its own order
    assert len(mock.requests) == 160


def test_each_attempt_takes_one_step(server: MockServer) -> None:
    steps = [script.error(503), faults.reset(), script.text("third"), script.text("next")]
    for place in PLACES:
        with MockProvider(*steps) as mock:
            first = ask(server, place, "sync", mock, "vllm")
            assert isinstance(first, Reply)
            assert (first.text, len(first.attempts)) == ("third", 3)
            assert len(mock.requests) == 3
            second = ask(server, place, "sync", mock, "vllm")
        assert isinstance(second, Reply)
        assert second.text == "next"


def test_what_a_request_shows() -> None:
    mock = MockProvider(flavor=ANY_NAME)
    client = DeepSeekV4(mock, model="m", default_headers={"x-team": "owls"}, api_key="key-of-a-test")
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is it?"}]
    client.chat(messages, thinking="max", tools=[TOOL], seed=7)
    (request,) = mock.requests
    assert (request.text, request.thinking, request.tools, request.model) == (
        "What is it?",
        "max",
        ["get_weather"],
        "m",
    )
    assert [message["role"] for message in request.messages] == ["system", "user"]
    assert (request.headers["x-team"], request.path, request.streamed) == ("owls", "/v1/chat/completions", True)
    assert "key-of-a-test" not in repr(request)
    request.check(
        text="is it", thinking="max", tools=["get_weather"], model="m", roles=["system", "user"], body={"seed": 7}
    )
    with pytest.raises(AssertionError) as caught:
        request.check(text="Paris", thinking="low", tools=[], model="n", roles=["user"], body={"seed": 8})
    assert str(caught.value).splitlines() == [
        "the request is not as expected:",
        "  text: expected something with 'Paris'",
        "             got 'What is it?'",
        "  thinking: expected 'low'",
        "                 got 'max'",
        "  tools: expected []",
        "              got ['get_weather']",
        "  model: expected 'n'",
        "              got 'm'",
        "  roles: expected ['user']",
        "              got ['system', 'user']",
        "  body['seed']: expected 8",
        "                     got 7",
    ]
