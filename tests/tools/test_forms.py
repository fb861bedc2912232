"""The other forms of tools: OpenAI's mappings, bare ones, MCP's by shape, specs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from deepseek_v4_sdk import ToolSpec
from deepseek_v4_sdk.chat import read_tools
from deepseek_v4_sdk.tools import as_spec, as_specs, as_tool
from tests.tools.samples import weather

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
BARE = {"name": "f", "description": "F.", "parameters": SCHEMA}
MCP = {"name": "f", "description": "F.", "inputSchema": SCHEMA, "annotations": {"readOnlyHint": True}, "title": "T"}


@pytest.mark.parametrize(
    "value",
    [
        BARE,
        {"type": "function", "function": BARE},
        ToolSpec("f", "F.", SCHEMA),
        as_tool(BARE),
        as_spec(BARE),
        MCP,
        {"name": "f", "description": "F.", "input_schema": SCHEMA},
        SimpleNamespace(name="f", title=None, description="F.", inputSchema=SCHEMA, outputSchema=None),
        SimpleNamespace(name="f", title=None, description="F.", input_schema=SCHEMA, output_schema=None),
    ],
    ids=["bare", "openai", "spec", "tool", "checked", "mcp-wire", "snake", "mcp-1", "mcp-2"],
)
def test_one_tool(value: object) -> None:
    spec = as_spec(value)
    assert spec == ToolSpec("f", "F.", SCHEMA)
    assert list(spec.parameters or {}) == list(SCHEMA)
    assert spec.check is not None
    assert as_tool(value).parameters == SCHEMA


def test_a_tool_of_mcp_without_properties_gets_them() -> None:
    spec = as_spec({"name": "f", "inputSchema": {"$schema": "https://json-schema.org/draft/2020-12/schema"}})
    assert list((spec.parameters or {}).items()) == [
        ("$schema", "https://json-schema.org/draft/2020-12/schema"),
        ("type", "object"),
        ("properties", {}),
    ]
    assert spec.description is None


def test_an_object_with_a_schema_that_can_also_be_called_is_described_by_its_schema() -> None:
    class Remote:
        name = "remote"
        description = None
        inputSchema = SCHEMA

        def __call__(self, anything: object) -> None: ...

    assert as_spec(Remote()) == ToolSpec("remote", None, SCHEMA)


def test_a_list_in_its_order_and_whatever_holds_it() -> None:
    specs = as_specs(iter([weather, BARE, MCP | {"name": "g"}]))
    assert [spec.name for spec in specs] == ["weather", "f", "g"]
    assert as_specs(()) == ()


def test_chat_reads_what_offers_itself_and_keeps_the_check() -> None:
    class Offering:
        def tool_spec(self) -> ToolSpec:
            return as_spec(weather)

    (spec,) = read_tools([Offering()])
    assert spec == as_spec(weather)
    assert spec.check is not None
    assert as_spec(Offering()).check is not None


def test_a_spec_is_a_copy_of_what_was_given() -> None:
    schema = {"type": "object", "properties": {}}
    spec = as_spec({"name": "f", "parameters": schema})
    schema["type"] = "array"
    assert spec.parameters == {"type": "object", "properties": {}}
