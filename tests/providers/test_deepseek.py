"""What is peculiar to DeepSeek's API: its beta address, its rules while thinking, and what its values mean."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk.errors import InvalidRequestError, UnsupportedOptionError
from deepseek_v4_sdk.providers import find_provider
from deepseek_v4_sdk.testing import script
from tests.providers.encoding import body_of
from tests.providers.hosted import KEY, KINDS, Network, Talk, encoded
from tests.providers.recipe import STRICT

PROVIDER = find_provider("deepseek")
TOOL = {"name": "f", "parameters": STRICT}
USER = {"role": "user", "content": "Give JSON."}
BEGUN = {"role": "assistant", "content": "1, 2,", "prefix": True}


def path_of(messages: Any, **options: Any) -> str:
    return encoded(PROVIDER, messages, model="pro", **options).call.url.removeprefix("http://localhost:8000")


class TestBeta:
    def test_a_prefix_and_strict_tools_go_there_and_nothing_else(self) -> None:
        assert path_of([USER, BEGUN]) == "/beta/chat/completions"
        assert path_of([USER], tools=[{**TOOL, "strict": True}]) == "/beta/chat/completions"
        assert path_of([USER], tools=[{**TOOL, "strict": False}]) == "/chat/completions"
        assert path_of([USER], tools=[TOOL]) == path_of([USER]) == "/chat/completions"

    def test_the_prefix_is_sent_with_the_reasoning_that_led_to_it(self) -> None:
        sent = body_of("deepseek", [USER, {**BEGUN, "reasoning": "Count."}], model="pro")["messages"][-1]
        assert sent == {"role": "assistant", "content": "1, 2,", "reasoning_content": "Count.", "prefix": True}

    @pytest.mark.parametrize("kind", KINDS)
    def test_the_mock_answers_there_as_well(self, kind: str) -> None:
        network = Network(script.text(" 3, 4"), flavor="deepseek")
        assert Talk(kind, "deepseek", network, api_key=KEY, model="pro").chat([USER, BEGUN]).text == " 3, 4"
        assert network.mock.requests[0].path == "/beta/chat/completions"

    @pytest.mark.parametrize(
        ("messages", "text"),
        [
            ([USER, BEGUN, USER], r"messages\[1\] has prefix: only a last assistant message is continued"),
            ([{**USER, "prefix": True}], r"messages\[0\] has prefix: only a last assistant message"),
            ([USER, {**BEGUN, "prefix": False}], r"messages\[1\] is an assistant message and the last.*prefix=True"),
            ([USER, {"role": "assistant", "content": "1"}], r"messages\[1\] is an assistant message and the last"),
        ],
    )
    def test_a_prefix_elsewhere_is_told(self, messages: Any, text: str) -> None:
        with pytest.raises(InvalidRequestError, match=text):
            path_of(messages)

    def test_some_strict_tools_among_loose_ones_are_told(self) -> None:
        with pytest.raises(InvalidRequestError, match=r"tools\[1\] is not strict, and others are"):
            path_of([USER], tools=[{**TOOL, "strict": True}, {"name": "g"}])

    @pytest.mark.parametrize("kind", ["text", "json_object"])
    def test_strict_tools_with_a_format_are_told(self, kind: str) -> None:
        asked: dict[str, Any] = {"tools": [{**TOOL, "strict": True}], "response_format": {"type": kind}}
        with pytest.raises(InvalidRequestError, match="response_format goes with no strict tools"):
            path_of([USER], **asked)
        assert path_of([USER], **asked, tool_choice="none")
        assert path_of([USER], tools=[TOOL], response_format={"type": kind})


class TestToolChoice:
    @pytest.mark.parametrize("choice", ["required", "f", {"type": "function", "function": {"name": "f"}}])
    @pytest.mark.parametrize("thinking", ["low", "high", "max"])
    def test_a_call_cannot_be_forced_while_thinking(self, choice: Any, thinking: str) -> None:
        with pytest.raises(UnsupportedOptionError, match="does not work while thinking: give thinking='off'") as raised:
            body_of("deepseek", model="pro", tools=[TOOL], tool_choice=choice, thinking=thinking)
        assert (raised.value.option, raised.value.provider) == ("tool_choice", "deepseek")

    def test_it_can_without(self) -> None:
        given: dict[str, Any] = {"model": "pro", "tools": [TOOL], "thinking": "off"}
        assert body_of("deepseek", **given, tool_choice="required")["tool_choice"] == "required"
        named = {"type": "function", "function": {"name": "f"}}
        assert body_of("deepseek", **given, tool_choice="f")["tool_choice"] == named

    @pytest.mark.parametrize("thinking", ["off", "high"])
    def test_none_is_sent_and_the_tools_stay(self, thinking: str) -> None:
        body = body_of("deepseek", model="pro", tools=[TOOL], tool_choice="none", thinking=thinking)
        assert body["tool_choice"] == "none"
        assert len(body["tools"]) == 1


@pytest.mark.parametrize("kind", ["json_schema", "structural_tag", "regex"])
def test_other_formats_than_a_json_object_are_not_offered(kind: str) -> None:
    with pytest.raises(UnsupportedOptionError, match=f"response_format '{kind}' is not offered: give json_object"):
        body_of("deepseek", model="pro", response_format={"type": kind, "json_schema": {"name": "n", "schema": {}}})


def test_a_json_object_needs_the_word() -> None:
    with pytest.raises(InvalidRequestError, match="needs the word 'json'"):
        body_of("deepseek", "Answer as an object", model="pro", response_format={"type": "json_object"})


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("seed", -1, "seed is -1: it goes from 0 here"),
        ("user", "x" * 513, "user has 513 bytes: at most 512 here"),
        ("user", "é" * 257, "user has 514 bytes: at most 512 here"),
        ("stop", ["a"] * 17, "stop has 17 texts: at most 16 here"),
        ("temperature", 2.1, "temperature is 2.1: it goes up to 2 here"),
    ],
)
def test_a_value_out_of_range_is_told_before_sending(option: str, value: Any, text: str) -> None:
    with pytest.raises(InvalidRequestError, match=text):
        body_of("deepseek", model="pro", **{option: value})


def notes(model: str = "pro", messages: Any = "Give JSON.", **options: Any) -> dict[str, str]:
    return {note.kind: note.detail for note in encoded(PROVIDER, messages, model=model, **options).repairs}


class TestNotes:
    SAMPLING: dict[str, Any] = {"temperature": 0.5, "top_p": 0.9, "presence_penalty": 1, "frequency_penalty": 0}  # noqa: RUF012

    @pytest.mark.parametrize("thinking", ["low", "high", "max"])
    def test_sampling_without_effect_is_told_once(self, thinking: str) -> None:
        told = encoded(PROVIDER, thinking=thinking, model="deepseek-v4-pro", **self.SAMPLING).repairs
        assert [(note.kind, note.detail) for note in told] == [
            (
                "no_effect",
                "deepseek takes temperature, presence_penalty, frequency_penalty, top_p while thinking, to no effect",
            )
        ]

    def test_it_has_effect_without_thinking(self) -> None:
        assert "no_effect" not in notes(thinking="off", **self.SAMPLING)

    def test_and_is_sent_all_the_same(self) -> None:
        assert self.SAMPLING.items() <= body_of("deepseek", model="pro", **self.SAMPLING).items()

    def test_flash_is_another_generation_and_says_so(self) -> None:
        assert "V4.1" in notes("flash")["model_generation"]
        assert "model_generation" not in notes("pro")

    def test_flash_reads_top_p_while_thinking(self) -> None:
        assert notes("flash", top_p=0.97).keys() == {"model_alias", "model_generation"}
        assert "0.95" in notes("flash", top_p=0.9)["raised"]
        assert "top_p without thinking" in notes("flash", top_p=0.97, thinking="off")["no_effect"]

    @pytest.mark.parametrize("kind", KINDS)
    def test_they_stand_in_the_reply(self, kind: str) -> None:
        network = Network(script.text("Hello"), flavor="deepseek")
        reply = Talk(kind, "deepseek", network, api_key=KEY, model="flash").chat(temperature=0.1)
        assert [repair.kind for repair in reply.repairs] == ["model_alias", "model_generation", "no_effect"]
