"""What the mock does for a team: its own ids, the names it serves, a call that is cut, a conversation as a script."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import (
    Conversation,
    DeepSeekV4,
    DeepSeekV4Error,
    InvalidRequestError,
    ModelNotFoundError,
    ToolRun,
    TruncatedToolCallError,
)
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.testing import MockProvider, MockScriptError, faults, make_run, make_usage, script
from deepseek_v4_sdk.testing.flavors.dynamo import DynamoFlavor
from deepseek_v4_sdk.testing.flavors.nim import NimFlavor
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor

if TYPE_CHECKING:
    from pathlib import Path

TOOL = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
FLAVORS = ("vllm", "sglang", "nim", "nvidia", "dynamo", "deepseek")
ASK = """
from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.testing import MockProvider, script
tool = {"name": "t", "parameters": {"type": "object"}}
for flavor in ("vllm", "sglang"):
    reply = DeepSeekV4(MockProvider(script.tool_call("t"), flavor=flavor), model="pro").chat("x", tools=[tool])
    print(reply.id, *[call.id for call in reply.tool_calls])
"""


def test_ids_differ_between_processes() -> None:
    said = [subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True) for _ in range(2)]
    for first, second in zip(*(each.stdout.splitlines() for each in said), strict=True):
        assert len(first.split()) == len(second.split()) == 2
        assert not set(first.split()) & set(second.split())


def _call_ids(mock: MockProvider) -> list[str]:
    reply = DeepSeekV4(mock, model="pro").chat("x", tools=[TOOL])
    return [call.id for call in reply.tool_calls]


def _tell_ids(sent: Any) -> None:
    sent.send(_call_ids(MockProvider(script.tool_call("get_weather"), flavor="sglang")))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not fork")
def test_ids_differ_between_a_process_and_its_child() -> None:
    here, there = multiprocessing.Pipe()
    mine = _call_ids(MockProvider(script.tool_call("get_weather"), flavor="sglang"))
    child = multiprocessing.get_context("fork").Process(target=_tell_ids, args=(there,))
    child.start()
    child.join(60)
    assert here.poll(0)
    assert not set(here.recv()) & set(mine)


def test_two_mocks_with_one_script_say_the_same() -> None:
    one, other = (MockProvider(script.tool_call("get_weather"), flavor="sglang") for _ in range(2))
    assert _call_ids(one) == _call_ids(other)


@pytest.mark.parametrize("frontend", ["python", "rust"])
@pytest.mark.parametrize("name", ["pro", "deepseek-ai/DeepSeek-V4-Flash", "deepseek-ai/deepseek-v4-flash-0731"])
def test_names_of_v4_are_served(frontend: Any, name: str) -> None:
    mock = MockProvider(script.text("Hello"), flavor=VLLMFlavor(frontend=frontend))
    assert DeepSeekV4(mock, model=name).chat("Hi").text == "Hello"


@pytest.mark.parametrize("frontend", ["python", "rust"])
def test_another_name_is_refused_as_a_mistake(frontend: Any) -> None:
    mock = MockProvider(script.text("Hello"), flavor=VLLMFlavor(frontend=frontend))
    with pytest.raises(ModelNotFoundError, match=r"`deepseek-ai/DeepSeek-V4-Por` does not exist") as raised:
        DeepSeekV4(mock, model="deepseek-ai/DeepSeek-V4-Por").chat("Hi")
    if frontend == "python":
        assert "deepseek-ai/DeepSeek-V4-Pro-0813" in str(raised.value)
    mock = MockProvider(script.text("Hello"), flavor=VLLMFlavor(models=None, frontend=frontend))
    assert DeepSeekV4(mock, model="deepseek-ai/DeepSeek-V4-Por").chat("Hi").text == "Hello"


@pytest.mark.parametrize("frontend", ["python", "rust"])
def test_the_names_of_a_deployment(frontend: Any) -> None:
    mock = MockProvider(script.text("Hello"), flavor=VLLMFlavor(models=["our-model", "v4"], frontend=frontend))
    with pytest.raises(ModelNotFoundError, match="does not exist"):
        DeepSeekV4(mock, model="deepseek-ai/DeepSeek-V4-Pro").chat("Hi")
    client = DeepSeekV4(mock, model="v4")
    assert client.chat("Hi").model == "our-model"
    assert [model.id for model in client.models()] == ["our-model", "v4"]


@pytest.mark.parametrize("flavor", FLAVORS)
@pytest.mark.parametrize("wire", ["stream", "plain"])
def test_a_call_that_is_cut(flavor: str, wire: Any) -> None:
    calls = script.tool_call("get_weather", city="Paris") + script.tool_call("get_weather", city="Aix-en-Provence")
    mock = MockProvider(script.text("I look.") + calls | faults.cut_call(), flavor=flavor)
    with pytest.raises(TruncatedToolCallError) as raised:
        DeepSeekV4(mock, model="pro").chat("x", tools=[TOOL], thinking="off", wire=wire)
    partial = raised.value.partial
    assert partial is not None
    assert partial.finish_reason == "length" or flavor in {"dynamo", "nvidia"}
    assert "Provence" not in str(partial.tool_calls)


def test_an_answer_without_a_call_is_not_cut() -> None:
    assert DeepSeekV4(MockProvider(script.text("Hello") | faults.cut_call())).chat("Hi").text == "Hello"
    assert repr(faults.cut_call()) == "cut_call()"


TALK = Conversation(
    [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "How is the weather in Paris?"},
        {
            "role": "assistant",
            "reasoning": "I look.",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "mild"},
        {"role": "assistant", "content": "It is mild.", "reasoning": "Mild."},
        {"role": "user", "content": "And in Oslo?"},
        {"role": "assistant", "content": [{"type": "text", "text": "I do not know."}]},
    ]
)


@pytest.mark.parametrize("form", ["conversation", "messages", "path", "text"])
def test_a_conversation_as_a_script(form: str, tmp_path: Path) -> None:
    file = tmp_path / "talk.json"
    file.write_text(TALK.to_json(), "utf-8")
    source: Any = {"conversation": TALK, "messages": list(TALK), "path": file, "text": str(file)}[form]

    def get_weather(city: str) -> str:
        """The weather."""
        return {"Paris": "mild"}[city]

    with MockProvider(*script.from_conversation(source)) as mock:
        client = DeepSeekV4(mock)
        run = client.run_tools(TALK[:2], [get_weather])
        assert [each.reply.reasoning for each in run.rounds] == ["I look.", "Mild."]
        assert run.text == "It is mild."
        assert client.chat(run.messages.user("And in Oslo?"), tools=[TOOL]).text == "I do not know."


def test_a_conversation_that_goes_otherwise(tmp_path: Path) -> None:
    with pytest.raises(MockScriptError, match="How is the weather in Paris"):
        DeepSeekV4(MockProvider(*script.from_conversation(TALK))).chat("What is the time?")
    loose = MockProvider(*script.from_conversation(TALK, strict=False))
    assert DeepSeekV4(loose).chat("What is the time?", tools=[TOOL]).tool_calls[0].name == "get_weather"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file"),
        ("{", "is not a list of messages"),
        ("[]", "has no turn of the model"),
        ('[{"role": "user", "content": "x"}]', "has no turn of the model"),
    ],
)
def test_a_file_that_is_not_a_conversation(content: str | None, said: str, tmp_path: Path) -> None:
    file = tmp_path / "talk.json"
    if content is not None:
        file.write_text(content, "utf-8")
    with pytest.raises(ConfigurationError, match=said) as raised:
        script.from_conversation(file)
    assert isinstance(raised.value, DeepSeekV4Error)


def test_a_run_by_hand() -> None:
    looks = script.think("Hm.") + script.text("I look.") + script.tool_call("get_weather", city="Paris")
    run = make_run(
        looks, "Mild.", question="How is it?", results={"get_weather": {"temp": 21}}, usage=make_usage(50, 10)
    )
    assert isinstance(run, ToolRun)
    assert (run.text, run.stopped, len(run.rounds)) == ("Mild.", "answered", 2)
    assert run.rounds[0].preamble == "I look."
    assert json.loads(run.rounds[0].results[0].content) == {"temp": 21}
    assert [message.role for message in run.messages] == ["user", "assistant", "tool", "assistant"]
    assert run.messages.validate() == []
    assert (run.usage.prompt_tokens, run.usage.completion_tokens) == (100, 20)
    assert [attempt.number for attempt in run.attempts] == [1, 2]


def test_a_run_by_hand_that_waits() -> None:
    calls = script.tool_call("get_weather", city="Paris") + script.tool_call("send_mail", to="Anna")
    run = make_run(script.tool_call("get_weather", city="Oslo"), calls, results={"get_weather": "mild"})
    assert run.stopped == "pending"
    assert [call.name for call in run.pending_calls] == ["send_mail"]
    assert [result.content for each in run.rounds for result in each.results] == ["mild", "mild"]
    assert len({call.id for each in run.rounds for call in each.reply.tool_calls}) == 3
    assert make_run().text == "Hello"
    assert make_run("x", stopped="budget").stopped == "budget"


def test_a_run_by_hand_is_gone_on_with() -> None:
    """As a program under test would: the postponed call is approved, and the run goes on."""

    def send_mail(to: str) -> str:
        """Send a mail."""
        return f"sent to {to}"

    waiting = make_run(script.tool_call("send_mail", to="Anna"))
    mock = MockProvider(script.text("It is sent."))
    run = DeepSeekV4(mock).run_tools(
        waiting.messages, [send_mail], approvals={call.id: True for call in waiting.pending_calls}
    )
    assert run.text == "It is sent."
    assert mock.requests[0].messages[-1]["content"] == "sent to Anna"


@pytest.mark.parametrize("flavor", FLAVORS)
@pytest.mark.parametrize("alias", ["pro", "flash"])
def test_each_alias_is_served(flavor: str, alias: str) -> None:
    mock = MockProvider(script.text("Hello"), flavor=flavor)
    reply = DeepSeekV4(mock, model=alias).chat("Hi")
    assert alias in mock.requests[0].body["model"].lower()
    assert reply.model == mock.requests[0].body["model"]
    assert [repair.kind for repair in reply.repairs if repair.kind != "model_generation"] == ["model_alias"]


_NAMED: dict[str, Any] = {
    "dynamo": DynamoFlavor,
    "nim on sglang": partial(NimFlavor, "sglang"),
    "nim on vllm": partial(NimFlavor, "vllm"),
    "nim 1.x": partial(NimFlavor, "1.x"),
}


@pytest.mark.parametrize("kind", _NAMED)
def test_names_of_the_other_servers(kind: str) -> None:
    """As vLLM: the names of a deployment, those of V4 without any, and every name."""
    make = _NAMED[kind]
    misspelled = "deepseek-ai/DeepSeek-V4-Por"

    def ask(flavor: Any, model: str) -> Any:
        return DeepSeekV4(MockProvider(script.text("Hello"), flavor=flavor), model=model).chat("Hi")

    assert ask(make(), "deepseek-ai/deepseek-v4-flash-0731").text == "Hello"
    with pytest.raises(ModelNotFoundError, match=r"DeepSeek-V4-Pro-0813, deepseek-ai/DeepSeek-V4-Flash"):
        ask(make(), misspelled)
    assert ask(make(models=None), misspelled).text == "Hello"
    deployed = make(models=["ours-flash", "v4"])
    assert ask(deployed, "v4").text == "Hello"
    assert ask(deployed, "flash").text == "Hello"  # one of its names
    with pytest.raises(ModelNotFoundError):
        ask(deployed, "deepseek-ai/DeepSeek-V4-Pro")
    with pytest.raises(InvalidRequestError, match="not one of the models there: ours-flash, v4"):
        ask(deployed, "pro")
    listed = DeepSeekV4(MockProvider(flavor=deployed), model="v4").models()
    assert [model.id for model in listed] == ["ours-flash", "v4"]


def test_dynamo_looks_at_the_case_of_a_name() -> None:
    client = DeepSeekV4(MockProvider(flavor=DynamoFlavor(models=["deepseek-ai/DeepSeek-V4-Pro"])))
    with pytest.raises(ModelNotFoundError, match="Model not found"):
        client.chat("Hi", model="deepseek-ai/deepseek-v4-pro")


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_an_adapter_of_a_container_is_a_name(engine: Any) -> None:
    for models in ({}, {"models": ["ours"]}):
        mock = MockProvider(script.text("Hello"), flavor=NimFlavor(engine, adapter="mine", **models))
        assert DeepSeekV4(mock, model="mine").chat("Hi").text == "Hello"
