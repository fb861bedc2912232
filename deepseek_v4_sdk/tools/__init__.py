"""Tools: functions, schemas or MCP definitions that are offered to the model, and checks of a call's arguments."""

from deepseek_v4_sdk.tools.forms import as_spec, as_specs, as_tool, validate_arguments
from deepseek_v4_sdk.tools.mcp import McpSession, mcp_tools
from deepseek_v4_sdk.tools.schema_lint import HasLints, lint_schema
from deepseek_v4_sdk.tools.tool import Tool, tool

__all__ = [
    "HasLints",
    "McpSession",
    "Tool",
    "as_spec",
    "as_specs",
    "as_tool",
    "lint_schema",
    "mcp_tools",
    "tool",
    "validate_arguments",
]
