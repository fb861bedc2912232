"""Answers that a limit or a stop text cut where no text was: inside a call, its markup, or the reasoning."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from deepseek_v4_sdk import (
    DeepSeekV4,
    EmptyTurnError,
    InvalidToolArgumentsError,
    Reply,
    ToolCallReady,
    ToolCallStarted,
    TruncatedToolCallError,
)
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.flavors.sglang import SGLangFlavor
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from tests.dsml.leaks import block, invoke, parameter
from tests.exchange.hearing import TOOLS, hear, listen, spoken
from tests.support.modes import in_both_modes
from tests.support.profiles import sampled
from tests.support.replay import JSON, Mode, answer, ask
from tests.support.wire import DONE, call, chunk, finish, plain

WIRES = pytest.mark.parametrize("wire", ["stream", "plain"])
FLAVORS: dict[str, Any] = {
    "vLLM 0.32": VLLMFlavor(version="0.32.0"),
    "vLLM 0.33": VLLMFlavor(),
    "vLLM in Rust": VLLMFlavor(frontend="rust"),
    "SGLang": SGLangFlavor(),
}
each_flavor = pytest.mark.parametrize("flavor", FLAVORS)
LETTER = invoke("write_file", parameter("path", "a.txt"), parameter("text", "Dear Ann,\n\nBest wishes"))
WEATHER = invoke("get_weather", parameter("city", "Paris"))


def written(text: str = "", thought: str = "Hm.") -> Any:
    """What the model writes, thinking included."""
    return script.raw_model_output(f"{thought}</think>{text}")


def mock_of(flavor: str, *steps: Any) -> MockProvider:
    return MockProvider(*steps, flavor=FLAVORS[flavor])


STOPS: dict[str, tuple[str, str, list[str], str]] = {
    "in the last value": (LETTER, "\n\nBest", [], "write_file"),
    "in the first value": (LETTER, "txt", [], "write_file"),
    "in the second call": (f"{WEATHER}\n{LETTER}", "Ann", ["get_weather"], "write_file"),
    "in the markup between values": (LETTER, '"text"', [], "write_file"),
}


@in_both_modes
@WIRES
@each_flavor
@pytest.mark.parametrize("case", STOPS)
def test_a_stop_text_inside_a_call_cuts_it(case: str, flavor: str, wire: str, mode: Mode) -> None:
    inner, stop, whole, cut = STOPS[case]
    outcome = listen(mock_of(flavor, written(f"So.\n\n{block(inner)}")), mode, stop=[stop], wire=wire)
    assert isinstance(outcome.error, TruncatedToolCallError)
    assert repr(stop) in str(outcome.error)
    assert [made.name for made in outcome.partial.tool_calls] == whole
    assert [made.name for made in outcome.partial.partial_tool_calls] == [cut]
    if (flavor, wire) != ("vLLM in Rust", "plain"):  # there the cut one stands in the text, before the others
        assert [event.call.name for event in outcome.events if isinstance(event, ToolCallReady)] == whole


@WIRES
@each_flavor
def test_no_tool_runs_with_half_of_its_arguments(flavor: str, wire: str) -> None:
    ran: list[str] = []

    def write_file(path: str, text: str = "") -> str:
        """Write a file."""
        ran.append(path)
        return "written"

    client = DeepSeekV4(mock_of(flavor, written(block(LETTER)), script.text("Done.")))
    with pytest.raises(TruncatedToolCallError, match="Best"):
        client.run_tools("Write.", [write_file], stop=["\n\nBest"], wire=wire)  # type: ignore[arg-type]
    assert ran == []


@pytest.mark.parametrize("told", [None, "\n\nBest"])
@pytest.mark.parametrize("server", ["vllm", "sglang", "deepseek", "dynamo"])
def test_open_arguments_tell_where_the_server_does_not(server: str, told: str | None) -> None:
    """Some servers do not say which stop text it was."""
    open_one = '{"path": "a.txt", "text": "Dear Ann,'
    stream = [call(0, "a", "write_file"), call(0, arguments=open_one), finish("tool_calls", stop_reason=told), DONE]
    one = ask(answer(*stream), server, stop=["\n\nBest"], model="deepseek-v4-pro")
    body = plain("tool_calls", [{"id": "a", "name": "write_file", "arguments": open_one}])
    other = ask(answer(body, headers=JSON), server, stop=["\n\nBest", "."], wire="plain", model="deepseek-v4-pro")
    for outcome in (one, other):
        assert isinstance(outcome.error, TruncatedToolCallError)
        assert "'\\n\\nBest'" in str(outcome.error)
        assert [made.arguments for made in outcome.partial.partial_tool_calls] == [open_one]


@WIRES
@pytest.mark.parametrize("arguments", ['{"city": "Paris"}', "", '{"city": many}', '["Paris"]'])
def test_a_call_that_no_stop_text_cut_is_whole(arguments: str, wire: str) -> None:
    made = {"id": "a", "name": "get_weather", "arguments": arguments}
    pieces = [call(0, "a", "get_weather"), *([call(0, arguments=arguments)] if arguments else [])]
    stream = answer(*pieces, finish("tool_calls"), DONE)
    served = stream if wire == "stream" else answer(plain("tool_calls", [made]), headers=JSON)
    reply = ask(served, "vllm", tools=TOOLS, stop=["Best"], wire=wire).answered
    assert [each.arguments for each in reply.tool_calls] == [arguments]
    if "many" in arguments:
        assert isinstance(reply.tool_calls[0].error, InvalidToolArgumentsError)


@in_both_modes
@WIRES
@each_flavor
def test_a_stop_text_inside_the_reasoning_is_named(flavor: str, wire: str, mode: Mode) -> None:
    outcome = listen(mock_of(flavor, written("Nine.", "I count to three.")), mode, stop=["three"], wire=wire)
    assert isinstance(outcome.error, EmptyTurnError)
    assert "the stop text 'three' ended the answer inside the reasoning" in str(outcome.error)
    assert outcome.error.cut
    assert outcome.partial.reasoning == "I count to "[: -1 if flavor in {"vLLM 0.32", "vLLM 0.33"} else None]


def test_a_stop_text_may_have_ended_an_empty_turn() -> None:
    outcome = ask(answer(chunk({"reasoning_content": "Hm"}), finish("stop"), DONE), "deepseek", stop=["a", "b"])
    assert isinstance(outcome.error, EmptyTurnError)
    assert "one of the stop texts 'a', 'b' may have ended it" in str(outcome.error)
    assert not outcome.error.cut


@each_flavor
def test_what_was_cut_is_not_asked_again(flavor: str) -> None:
    """The same request would end so again, and cost as much."""

    def write_file(path: str, text: str) -> str:
        """Write a file."""
        return f"{path} {text}"

    stopped, cut = written("Nine.", "I count to three."), script.raw_model_output(f"</think>\n\n{block(LETTER)}")
    for step, options in ((stopped, {"stop": ["three"]}), (cut, {"max_tokens": 4})):
        mock = mock_of(flavor, *[step] * 3)
        with pytest.raises(EmptyTurnError):
            DeepSeekV4(mock).run_tools("x", [write_file], retry_empty=True, **options)
        assert len(mock.requests) == 1
    mock = mock_of(flavor, *[stopped] * 3)
    with pytest.raises(EmptyTurnError):
        DeepSeekV4(mock).parse("x", {"type": "object"}, retries=2, stop=["three"])
    assert len(mock.requests) == 1


@pytest.mark.parametrize(
    ("flavor", "wire", "thinking"), sampled(product(FLAVORS, ["stream", "plain"], ["off", "high"]), 3)
)
def test_no_limit_leaves_the_beginning_of_markup_in_the_text(flavor: str, wire: str, thinking: str) -> None:
    before = "</think>" if thinking == "high" else ""
    for text in ("", "I write."):
        step = script.raw_model_output(f"{before}{text}\n\n{block(LETTER)}")
        for limit in range(1, 16):
            outcome = listen(mock_of(flavor, step), max_tokens=limit, wire=wire, thinking=thinking)
            partial = outcome.reply or outcome.partial
            # Behind a text, an angle bracket without the mark may be anything.
            assert partial.text.removesuffix("<" if text else "").strip() in text
            assert "DSML" not in partial.text
            if isinstance(outcome.error, EmptyTurnError):
                assert "max_tokens ended before any text" in str(outcome.error)
                assert not text or limit <= 4
            else:
                assert isinstance(outcome.error, TruncatedToolCallError | None)


def test_a_text_that_was_cut_behind_an_angle_bracket_keeps_it() -> None:
    for text in ("1\n<", "a <", "It is 2 <"):
        reply = hear(script.text(text, finish_reason="length")).answered
        assert (reply.text, reply.repairs) == (text, ())


@in_both_modes
@WIRES
def test_one_call_is_given_out_where_one_was_asked_for(wire: str, mode: Mode) -> None:
    """SGLang passes over `parallel_tool_calls`."""
    step = written(block(WEATHER, invoke("now"), LETTER))
    outcome = listen(mock_of("SGLang", step), mode, parallel_tool_calls=False, wire=wire)
    reply = outcome.answered
    assert [made.name for made in reply.tool_calls] == ["get_weather"]
    assert reply.partial_tool_calls == ()
    told = [event for event in outcome.events if isinstance(event, ToolCallStarted | ToolCallReady)]
    assert [event.type for event in told] == ["tool_call_started", "tool_call_ready"]
    assert {getattr(event, "index", 0) for event in outcome.events} == {0}
    assert [(repair.kind, "2 more call(s)" in repair.detail) for repair in reply.repairs] == [("dropped_calls", True)]
    assert len(reply.message.tool_calls) == 1


@WIRES
def test_the_calls_behind_it_may_be_cut(wire: str) -> None:
    step = written(block(WEATHER, LETTER))
    cut = listen(mock_of("SGLang", step), parallel_tool_calls=False, stop=["Ann"], wire=wire)
    assert [made.name for made in cut.answered.tool_calls] == ["get_weather"]


def test_leaked_calls_are_one_call_as_well() -> None:
    reply = hear(script.text(block(WEATHER, invoke("now"))), parallel_tool_calls=False).answered
    assert [made.name for made in reply.tool_calls] == ["get_weather"]
    assert [repair.kind for repair in reply.repairs] == ["recovered_calls", "dropped_calls"]


@in_both_modes
@WIRES
@pytest.mark.parametrize("stop", ["🤔", "👩‍👩‍👧", "🏳️‍🌈", "END"])
def test_a_stop_text_does_not_stand_at_the_end(stop: str, wire: str, mode: Mode) -> None:
    """SGLang's streams leave it there when its last character has several tokens."""
    mock = mock_of("SGLang", *[written(f"Hello {stop} there")] * 2)
    reply = listen(mock, mode, stop=[stop], wire=wire).answered
    assert (reply.text, reply.stop_sequence, reply.finish_reason) == ("Hello ", stop, "stop")
    left = wire == "stream" and stop in {"🤔", "👩‍👩‍👧"}
    assert [repair.kind for repair in reply.repairs] == ["trimmed_text"] * left


def test_it_stays_where_it_was_asked_for() -> None:
    """Both servers can leave it, and then it is wanted."""
    for key in ("no_stop_trim", "include_stop_str_in_output"):
        step = answer(chunk({"content": "Hello END"}), finish("stop", stop_reason="END"), DONE)
        reply: Reply = ask(step, "vllm", stop=["END"], extra_body={key: True}).answered
        assert reply.text == "Hello END"
    outcome = hear(script.text("Hello"), stop=["END"])
    assert spoken(outcome, "text") == outcome.answered.text == "Hello"
