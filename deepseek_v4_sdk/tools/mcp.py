"""Tools of an MCP server, from an open session. Only its shape counts: this module imports no MCP package."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from deepseek_v4_sdk.chat import is_mapping, result_text
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.tools.forms import as_tool
from deepseek_v4_sdk.tools.handwritten import written_offer
from deepseek_v4_sdk.tools.tool import Tool

__all__ = ["McpSession", "mcp_tools"]

_ODD = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 64


class McpSession(Protocol):
    """The methods that a session needs: `ClientSession` of mcp 1 and 2 has them, and so has `Client` of mcp 2."""

    @property
    def list_tools(self) -> Callable[..., Awaitable[object]]:
        """Returns a page of the server's tools."""
        ...

    @property
    def call_tool(self) -> Callable[..., Awaitable[object]]:
        """Runs one of them, given its name and its arguments."""
        ...


async def mcp_tools(session: McpSession, *, prefix: str = "") -> list[Tool[..., object]]:
    """The tools of an MCP server, ready for `run_tools` of the async client.

    They are listed once and sorted by name, so that the head of the prompt stays the same. The model gets the errors
    that the server reports. V4 reads only text: images, sounds and files become a line that names them.

    Args:
        session: A session that is open and initialized. It must stay open while its tools run.
        prefix: A prefix of each name, which separates the tools of several servers.

    Raises:
        InvalidRequestError: One of the tools cannot be offered; the text says why.
    """
    listed: list[object] = []
    cursor: object = None
    while True:
        page = await (session.list_tools() if cursor is None else session.list_tools(cursor=cursor))
        listed.extend(_field(page, "tools") or ())
        cursor = _field(page, "nextCursor", "next_cursor")
        if not cursor:
            break
    tools = [_tool(session, each, prefix) for each in listed]
    return sorted(tools, key=lambda tool: tool.name)


def _tool(session: McpSession, listed: object, prefix: str) -> Tool[..., object]:
    own_name = _field(listed, "name")
    if not isinstance(own_name, str):
        raise InvalidRequestError("a tool of the MCP server has no name")
    described: dict[str, object] = {
        "name": _ODD.sub("_", prefix + own_name)[:_LONGEST_NAME],
        "description": _field(listed, "description"),
        "inputSchema": _field(listed, "inputSchema", "input_schema") or {},
    }
    spec = as_tool(described).tool_spec()
    offer = written_offer(spec)

    async def run(**arguments: object) -> str:
        result = await session.call_tool(own_name, arguments)
        text = _text(result)
        if _field(result, "isError", "is_error"):
            raise RuntimeError(text)
        return text

    run.__name__ = run.__qualname__ = spec.name
    hints = _field(listed, "annotations")
    read_only = hints is not None and _field(hints, "readOnlyHint", "read_only_hint") is True
    return Tool(run, lambda _: offer, _known=offer, read_only=read_only)


def _text(result: object) -> str:
    """The text of a result for the model.

    Text and structured content have the same information: one of them is sent.
    """
    parts = list(_field(result, "content") or ())
    texts = [str(_field(part, "text")) for part in parts if _field(part, "type") == "text"]
    others = [_named(part) for part in parts if _field(part, "type") != "text"]
    structured = _field(result, "structuredContent", "structured_content")
    if not texts and structured is not None:
        texts = [result_text(structured)]
    return "\n".join(texts + others)


def _named(part: object) -> str:
    """A line for a part that is not text."""
    kind = str(_field(part, "type"))
    resource = _field(part, "resource")
    if resource is not None and isinstance(text := _field(resource, "text"), str):
        return text
    if kind == "resource_link":
        return f"[link: {_field(part, 'uri')}]"
    data = _field(part, "data") or (_field(resource, "blob") if resource is not None else None) or ""
    media = _field(part, "mimeType", "mime_type") or kind
    return f"[{media}, {len(str(data)) * 3 // 4} bytes, not shown]"


def _field(value: object, *names: str) -> Any:
    """The first of these fields in an object or a mapping."""
    for name in names:
        if is_mapping(value):
            if name in value:
                return value[name]
        elif hasattr(value, name):
            return getattr(value, name)
    return None
