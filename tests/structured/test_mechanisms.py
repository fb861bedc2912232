"""Every server, every mechanism: what goes out, what comes back, and what happens when the answer is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import (
    Conversation,
    EmptyTurnError,
    IncompleteReplyError,
    InvalidRequestError,
    ReasoningExhaustedError,
    SchemaViolationError,
    SystemMessage,
    TruncatedToolCallError,
    UnsupportedOptionError,
    UserMessage,
)
from deepseek_v4_sdk.testing import script
from tests.structured.cases import FLAVORS, HOW, RIGHT, VALUE, WRONG, Invoice, client_of, prompt_of, said
from tests.support.modes import in_both_modes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepseek_v4_sdk import Attempt
    from deepseek_v4_sdk.structured import Mechanism
    from tests.support.replay import Mode

every_way = pytest.mark.parametrize(("flavor", "mechanism"), HOW)
in_text = pytest.mark.parametrize(("flavor", "mechanism"), [way for way in HOW if way[1] != "tool"])


def kinds(parsed: Any) -> list[str]:
    return [repair.kind for repair in parsed.reply.repairs if repair.kind != "model_alias"]


def asked(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Those that asked the model, and not the server for its models."""
    return [attempt for attempt in attempts if not attempt.url.endswith("/models")]


@in_both_modes
@every_way
def test_right_at_once(mode: Mode, flavor: str, mechanism: Mechanism) -> None:
    mock, client = client_of(mode, flavor, said(mechanism, RIGHT))
    parsed = client.parse("The invoice A-7", Invoice, mechanism=mechanism)
    assert parsed.value == VALUE
    assert type(parsed.value) is Invoice
    assert parsed.mechanism == mechanism
    assert kinds(parsed) == []
    body = mock.requests[-1].body
    schema = {"description": "What somebody owes.", "type": "object"}
    if mechanism == "tool":
        assert "response_format" not in body
        assert "tool_choice" not in body  # no call is forced while the model thinks
        [function] = [tool["function"] for tool in body["tools"]]
        assert function["name"] == "answer"
        assert function["strict"] is True
        assert function["parameters"].items() >= schema.items()
        return
    assert "tools" not in body
    asked = body["response_format"]
    assert asked["type"] == mechanism
    if mechanism == "json_schema":
        assert asked["json_schema"]["name"] == "Invoice"
        assert asked["json_schema"]["schema"].items() >= schema.items()
    shown = '"required":["number","kind","lines"]' in prompt_of(body)
    assert shown == (flavor != "sglang" or mechanism != "json_schema")  # SGLang writes the schema itself


@in_both_modes
@pytest.mark.parametrize("flavor", FLAVORS)
def test_by_itself_it_takes_what_the_provider_has(mode: Mode, flavor: str) -> None:
    expected: Mechanism = "json_object" if flavor == "deepseek" else "json_schema"
    mock, client = client_of(mode, flavor, said(expected, RIGHT))
    parsed = client.parse("The invoice A-7", Invoice)
    assert parsed.mechanism == expected
    assert mock.requests[-1].body["response_format"]["type"] == expected


@in_both_modes
@every_way
def test_wrong_once(mode: Mode, flavor: str, mechanism: Mechanism) -> None:
    """The model is told where and what; a call gets its result at once, with no message between."""
    mock, client = client_of(mode, flavor, said(mechanism, WRONG), said(mechanism, RIGHT))
    parsed = client.parse("The invoice A-7", Invoice, mechanism=mechanism)
    assert parsed.value == VALUE
    assert kinds(parsed) == ["asked_again"]
    assert "lines[0].cents" in parsed.reply.repairs[-1].detail
    assert [attempt.number for attempt in parsed.reply.attempts] == list(range(1, len(parsed.reply.attempts) + 1))
    assert len(asked(parsed.reply.attempts)) == 2
    first, second = (request.body for request in mock.requests if "messages" in request.body)
    assert second["messages"][: len(first["messages"])] == first["messages"]
    answer, told = second["messages"][len(first["messages"]) :]
    assert answer["role"] == "assistant"
    assert told["role"] == ("tool" if mechanism == "tool" else "user")
    assert "lines[0].cents" in told["content"]
    assert {key: second[key] for key in second if key != "messages"} == {
        key: first[key] for key in first if key != "messages"
    }


@in_both_modes
@every_way
def test_wrong_twice(mode: Mode, flavor: str, mechanism: Mechanism) -> None:
    _, client = client_of(mode, flavor, said(mechanism, WRONG), said(mechanism, WRONG))
    with pytest.raises(SchemaViolationError) as caught:
        client.parse("The invoice A-7", Invoice, mechanism=mechanism)
    error = caught.value
    assert error.path == "lines[0].cents"
    assert json.loads(error.text) == WRONG
    assert error.partial is not None
    assert error.partial.text == ("" if mechanism == "tool" else error.text)
    assert len(asked(error.attempts)) == 2


@in_both_modes
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_as_often_as_allowed(mode: Mode, retries: int) -> None:
    mock, client = client_of(mode, "vllm", *[script.text("No.")] * (retries + 1))
    with pytest.raises(SchemaViolationError, match="it is not JSON"):
        client.parse("The invoice A-7", Invoice, retries=retries)
    assert len(mock.requests) == retries + 1


@in_both_modes
@in_text
@pytest.mark.parametrize(
    "around", ["Here it is: {}. Anything else?", "```json\n{}\n```", "Yes [1]:\n```\n{}\n```\n{{x}}"]
)
def test_inside_other_text(mode: Mode, flavor: str, mechanism: Mechanism, around: str) -> None:
    _, client = client_of(mode, flavor, script.text(around.format(json.dumps(RIGHT, indent=1))))
    parsed = client.parse("The invoice A-7", Invoice, mechanism=mechanism)
    assert parsed.value == VALUE
    assert kinds(parsed) == ["json_in_text"]


@in_both_modes
@pytest.mark.parametrize("flavor", FLAVORS)
def test_in_the_text_where_a_call_was_asked_for(mode: Mode, flavor: str) -> None:
    _, client = client_of(mode, flavor, script.text(json.dumps(RIGHT)))
    parsed = client.parse("The invoice A-7", Invoice, mechanism="tool")
    assert parsed.value == VALUE
    assert kinds(parsed) == ["json_in_text"]


@in_both_modes
@every_way
def test_in_the_reasoning(mode: Mode, flavor: str, mechanism: Mechanism) -> None:
    """Nothing but the end of a thought is taken: what stands before it are drafts."""
    thought = f'Maybe {{"number": "?"}}. No:\n```json\n{json.dumps(RIGHT)}\n```'
    _, client = client_of(mode, flavor, script.think(thought))
    parsed = client.parse("The invoice A-7", Invoice, mechanism=mechanism)
    assert parsed.value == VALUE
    assert kinds(parsed) == ["json_in_reasoning"]


@in_both_modes
@every_way
def test_a_draft_in_the_reasoning_is_no_answer(mode: Mode, flavor: str, mechanism: Mechanism) -> None:
    draft = script.think(f"Maybe {json.dumps(RIGHT)}, or not.")
    mock, client = client_of(mode, flavor, draft, said(mechanism, RIGHT), draft, draft)
    assert kinds(client.parse("The invoice A-7", Invoice, mechanism=mechanism)) == ["asked_again"]
    first, second = (request.body for request in mock.requests if "messages" in request.body)
    assert first == second  # of an empty turn there is nothing to say
    with pytest.raises(EmptyTurnError):
        client.parse("The invoice A-7", Invoice, mechanism=mechanism)


@in_both_modes
@every_way
def test_cut(mode: Mode, flavor: str, mechanism: Mechanism) -> None:
    """What `max_tokens` cut is no wrong answer; nobody is asked again."""
    cut = script.text('{"number": "A-7", "ki')
    expected: type[IncompleteReplyError] = IncompleteReplyError
    if mechanism == "tool":
        cut, expected = script.tool_call("answer", '{"number": "A-7", "ki'), TruncatedToolCallError
    mock, client = client_of(mode, flavor, script.turn(cut, finish_reason="length"))
    with pytest.raises(IncompleteReplyError, match="max_tokens") as caught:
        client.parse("The invoice A-7", Invoice, mechanism=mechanism)
    assert type(caught.value) is expected
    assert caught.value.partial is not None
    assert len([request for request in mock.requests if "messages" in request.body]) == 1


@in_both_modes
@every_way
def test_reasoning_ate_the_budget(mode: Mode, flavor: str, mechanism: Mechanism) -> None:
    _, client = client_of(mode, flavor, script.think("Let me see. " * 50) + said(mechanism, RIGHT))
    with pytest.raises(ReasoningExhaustedError):
        client.parse("The invoice A-7", Invoice, mechanism=mechanism, max_tokens=20)


@in_both_modes
@pytest.mark.parametrize("flavor", FLAVORS)
def test_a_call_is_forced_where_the_model_does_not_think(mode: Mode, flavor: str) -> None:
    mock, client = client_of(mode, flavor, said("tool", RIGHT))
    assert client.parse("The invoice A-7", Invoice, mechanism="tool", thinking="off").value == VALUE
    assert mock.requests[-1].body["tool_choice"] == {"type": "function", "function": {"name": "answer"}}


@in_both_modes
def test_cut_when_asked_again(mode: Mode) -> None:
    cut = script.turn(script.text('{"number": "A-7", "ki'), finish_reason="length")
    _, client = client_of(mode, "vllm", said("json_schema", WRONG), cut)
    with pytest.raises(IncompleteReplyError, match="max_tokens") as caught:
        client.parse("The invoice A-7", Invoice, retries=5)
    assert [attempt.number for attempt in caught.value.attempts] == [1, 2]


@in_both_modes
def test_the_conversation_that_was_given_stays(mode: Mode) -> None:
    given = Conversation().system("You read invoices.").user("The invoice A-7")
    before = given.to_json()
    _, client = client_of(mode, "vllm", said("json_schema", WRONG), said("json_schema", RIGHT))
    assert client.parse(given, Invoice).value == VALUE
    assert given.to_json() == before


@in_both_modes
@pytest.mark.parametrize("wire", ["stream", "plain"])
def test_options_go_along(mode: Mode, wire: str) -> None:
    mock, client = client_of(mode, "vllm", said("json_schema", RIGHT))
    parsed = client.parse("The invoice A-7", Invoice, wire=wire, temperature=0.1, seed=7, metadata={"a": 1})
    assert parsed.value == VALUE
    assert mock.requests[-1].body["temperature"] == 0.1
    assert mock.requests[-1].body["seed"] == 7
    assert ("stream" in mock.requests[-1].body) == (wire == "stream")


@in_both_modes
def test_two_values_are_none(mode: Mode) -> None:
    """Which of them is meant would be a guess; the same one twice is no question."""
    other = json.dumps({**RIGHT, "number": "A-8"})
    once = json.dumps(RIGHT)
    _, client = client_of(mode, "vllm", script.text(f"{once} or {other}"), script.text(f"{once}, that is {once}"))
    parsed = client.parse("The invoice A-7", Invoice)
    assert kinds(parsed) == ["asked_again", "json_in_text"]
    assert "2 JSON values" in parsed.reply.repairs[0].detail


@in_both_modes
def test_the_system_text_keeps_its_head(mode: Mode) -> None:
    mock, client = client_of(mode, "vllm", said("json_schema", RIGHT), said("json_schema", RIGHT))
    given = [SystemMessage(("You read invoices.", "Be exact.")), UserMessage("The invoice A-7")]
    client.parse(given, Invoice)
    client.parse(given, Invoice)
    first, second = (request.body["messages"] for request in mock.requests)
    assert first == second
    assert first[0]["content"].startswith("You read invoices.\n\nBe exact.\n\nAnswer with JSON")
    assert len(first) == len(given) == 2


@in_both_modes
def test_a_container_that_is_not_known_yet_gets_the_schema_in_the_prompt(mode: Mode) -> None:
    """What runs inside a NIM may be vLLM, which does not show it."""
    mock, client = client_of(mode, "nim", said("json_schema", RIGHT), said("json_schema", RIGHT))
    client.parse("The invoice A-7", Invoice)
    assert "JSON Schema" in prompt_of(mock.requests[-1].body)


@in_both_modes
@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"response_format": {"type": "json_object"}}, "response_format itself"),
        ({"tools": [{"type": "function", "function": {"name": "look"}}]}, "runs no tools"),
        ({"tools": [{"type": "function", "function": {"name": "look"}}], "mechanism": "tool"}, "another mechanism"),
        ({"tool_choice": "required"}, "tool_choice itself"),
        ({"mechanism": "json_shema"}, "did you mean"),
    ],
)
def test_options_that_make_no_sense(mode: Mode, options: dict[str, Any], text: str) -> None:
    mock, client = client_of(mode, "vllm")
    with pytest.raises(InvalidRequestError, match=text):
        client.parse("The invoice A-7", Invoice, **options)
    assert not mock.requests


@in_both_modes
def test_tools_that_are_not_called_may_stay(mode: Mode) -> None:
    """The end of a run of tools: the prompt keeps its head."""
    mock, client = client_of(mode, "vllm", said("json_schema", RIGHT))
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    assert client.parse("The invoice A-7", Invoice, tools=tools, tool_choice="none").value == VALUE
    assert mock.requests[-1].body["tool_choice"] == "none"


@in_both_modes
def test_a_mechanism_that_the_provider_lacks(mode: Mode) -> None:
    mock, client = client_of(mode, "deepseek")
    with pytest.raises(UnsupportedOptionError, match="'json_object' or 'tool'") as caught:
        client.parse("The invoice A-7", Invoice, mechanism="json_schema")
    assert (caught.value.option, caught.value.provider) == ("mechanism", "deepseek")
    assert not mock.requests


@in_both_modes
@pytest.mark.parametrize("mechanism", ["json_schema", "json_object", "tool"])
def test_an_endless_thought_is_ended(mode: Mode, mechanism: Mechanism) -> None:
    thought = script.think("Let me think again. " * 200)
    _, client = client_of(mode, "vllm", thought + said(mechanism, RIGHT))
    with pytest.raises(ReasoningExhaustedError):
        client.parse("The invoice A-7", Invoice, mechanism=mechanism, max_reasoning_tokens=50)
