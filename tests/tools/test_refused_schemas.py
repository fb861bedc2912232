"""Schemas that no server takes are refused before they are sent, by chat as by counting."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk import ConfigurationError, DeepSeekV4, InvalidRequestError
from deepseek_v4_sdk.testing import MockProvider, script


def tool(parameters: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return [{"name": "f", "parameters": parameters, **more}]


@pytest.mark.parametrize(
    "reference", ["http://a.example/s.json", "https://a.example/s.json#/x", "//a.example/s", "file:///etc/passwd"]
)
@pytest.mark.parametrize("flavor", ["vllm", "sglang", "deepseek"])
def test_a_reference_to_another_host(reference: str, flavor: str) -> None:
    mock = MockProvider(script.text("x"), flavor=flavor)
    client = DeepSeekV4(mock, model="pro")
    schema = {"type": "object", "properties": {"a": {"items": {"anyOf": [{"$ref": reference}]}}}}
    with pytest.raises(InvalidRequestError, match=r"parameters refers to .* under \$defs"):
        client.chat("x", tools=tool(schema))
    with pytest.raises(InvalidRequestError, match="refers to"):
        client.count_tokens("x", tool(schema))
    with pytest.raises(ConfigurationError, match="the schema refers to"):
        client.parse("x", schema)
    assert not mock.requests


def test_references_within_are_sent() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "https://a.example/b"}, "$ref": {"type": "string"}},
        "$defs": {"A": {"type": "string"}, "B": {"$id": "https://a.example/b", "type": "string"}},
    }
    assert DeepSeekV4(MockProvider(script.text("x"))).chat("x", tools=tool(schema)).text == "x"


def test_data_that_looks_like_a_reference_is_none() -> None:
    """A tool that writes schemas shows some in its examples; names of properties are no keywords."""
    shown: dict[str, Any] = {"$ref": "https://a.example/s.json"}
    schema = {
        "type": "object",
        "properties": {"default": {"type": "object", "default": shown}, "a": {"enum": [shown, 1], "examples": [shown]}},
        "examples": [shown],
    }
    assert DeepSeekV4(MockProvider(script.text("x"))).chat("x", tools=tool(schema)).text == "x"
    schema["properties"]["default"] = shown  # type: ignore[index]  # here it is one
    with pytest.raises(InvalidRequestError, match="refers to"):
        DeepSeekV4("mock").chat("x", tools=tool(schema))


OPTIONAL = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a"]}


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        (tool({"properties": {"a": {"type": "string"}}}), "is not a JSON Schema with 'type': 'object'"),
        (tool({"type": "string"}), "is not a JSON Schema with 'type': 'object'"),
        (tool(OPTIONAL, strict=True), "required does not name every property"),
    ],
    ids=["without a type", "no object", "strict"],
)
def test_chat_says_what_counting_says_for_sglang(tools: list[dict[str, Any]], said: str) -> None:
    mock = MockProvider(script.text("x"), flavor="sglang")
    client = DeepSeekV4(mock)
    for ask in (client.chat, client.count_tokens):
        with pytest.raises(InvalidRequestError) as caught:
            ask("x", tools=tools)
        assert said in str(caught.value)
    assert not mock.requests
    assert DeepSeekV4(MockProvider(script.text("x"))).chat("x", tools=tools).text == "x"  # vLLM takes them


def test_what_sglang_takes_goes_out() -> None:
    client = DeepSeekV4(MockProvider(default=script.text("x"), flavor="sglang"))
    for tools in (tool({}), tool(OPTIONAL), tool({**OPTIONAL, "required": ["a", "b"]}, strict=True)):
        assert client.chat("x", tools=tools).text == "x"
