"""The lint names what a provider's grammar or strict mode does not take, with its place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deepseek_v4_sdk import ConfigurationError
from deepseek_v4_sdk.providers import PROVIDER_NAMES, find_provider
from deepseek_v4_sdk.tools import lint_schema
from tests.tools.samples import everything, weather


def tool(node: dict[str, object], *, strict: bool = False) -> dict[str, object]:
    parameters = {
        "type": "object",
        "properties": {"x": node},
        "required": ["x"],
        "additionalProperties": False,
    }
    return {"name": "f", "parameters": parameters, "strict": strict}


@pytest.mark.parametrize("provider", ["vllm", "sglang", "nim", "nvidia", "dynamo"])
@pytest.mark.parametrize(
    ("node", "place"),
    [
        ({"type": "integer", "multipleOf": 5}, "multipleOf"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"type": "array", "items": {"type": "array", "contains": {}}}, "items.contains"),
        ({"type": "string", "format": "regex"}, "format"),
        ({"type": "string", "pattern": "^a", "maxLength": 3}, "maxLength"),
        ({"not": {"type": "string"}}, "not"),
        ({"if": {}, "then": {}}, "if"),
        ({"allOf": [{}, {}]}, "allOf"),
        ({"anyOf": [{}, {"type": "object", "dependentRequired": {}}]}, "anyOf[1].dependentRequired"),
        ({"type": "object", "patternProperties": {"a": {}, "b": {}}}, "patternProperties"),
        ({"type": "object", "propertyNames": {}, "properties": {}}, "propertyNames"),
        ({"$defs": {"N": {"type": "number", "multipleOf": 2}}}, "$defs.N.multipleOf"),
    ],
    ids=str,
)
def test_grammars(provider: str, node: dict[str, object], place: str) -> None:
    (line,) = lint_schema(tool(node), provider)
    assert line.startswith(f"parameters.properties.x.{place}: ")
    assert lint_schema(tool(node), "deepseek") == []


@pytest.mark.parametrize(
    ("node", "place"),
    [
        ({"type": "string", "minLength": 1}, "minLength"),
        ({"type": "string", "maxLength": 1}, "maxLength"),
        ({"type": "array", "items": {}, "minItems": 1}, "minItems"),
        ({"type": "array", "items": {}, "maxItems": 1}, "maxItems"),
        ({"oneOf": [{}]}, "oneOf"),
        ({"type": "string", "format": "date"}, "format"),
        (
            {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"], "additionalProperties": False},
            "required",
        ),
        ({"type": "object", "properties": {"a": {}}, "required": ["a"]}, "additionalProperties"),
        ({"type": ["object", "null"], "additionalProperties": False}, ""),
    ],
    ids=str,
)
def test_strict_tools_of_deepseek(node: dict[str, object], place: str) -> None:
    (line,) = lint_schema(tool(node, strict=True), "deepseek")
    assert line.startswith(f"parameters.properties.x{'.' if place else ''}{place}: ")
    assert lint_schema(tool(node), "deepseek") == []


@pytest.mark.parametrize("provider", ["nvidia", "dynamo"])
def test_strict_tools_of_dynamo_are_closed(provider: str) -> None:
    node: dict[str, object] = {"type": "object", "properties": {}}
    (line,) = lint_schema(tool(node, strict=True), provider)
    assert line.startswith("parameters.properties.x.additionalProperties: ")
    assert lint_schema(tool(node), provider) == []


@pytest.mark.parametrize("provider", PROVIDER_NAMES)
def test_a_plain_function_passes_everywhere_and_data_names_the_provider(provider: str) -> None:
    assert lint_schema(weather, find_provider(provider).data) == []
    assert lint_schema({"name": "f"}, provider) == []


def test_a_function_is_linted_too() -> None:
    lines = lint_schema(everything, "vllm")
    assert [line.partition(":")[0] for line in lines] == [
        "parameters.properties.items.items.properties.tags.uniqueItems",
        "parameters.properties.words.uniqueItems",
    ]


def test_no_schema_at_all() -> None:
    (line,) = lint_schema(tool({"type": "objekt"}), "vllm")
    assert line == 'parameters: properties.x.type is "objekt", which is not a JSON Schema'


def test_no_such_provider() -> None:
    with pytest.raises(ConfigurationError, match=r"no provider 'vlm' \(did you mean 'vllm'\?\)"):
        lint_schema(weather, "vlm")


def test_data_of_a_provider_from_elsewhere_brings_its_own_checks() -> None:
    node: dict[str, object] = {"type": "object", "properties": {}}
    data = replace(find_provider("dynamo").data, name="acme", schema_lints=())
    (line,) = lint_schema(tool(node, strict=True), data)
    assert line.startswith("parameters.properties.x.additionalProperties: ")
    assert lint_schema(tool(node), data) == []
