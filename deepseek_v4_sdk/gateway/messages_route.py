"""`/v1/messages`, Anthropic's API: reading its requests, and its plain answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic_core import from_json

from deepseek_v4_sdk import InvalidRequestError, LostToolCallError, ToolCall, UnsupportedOptionError
from deepseek_v4_sdk.chat.openai_form import Noted, asked_thinking, is_mapping, read_history
from deepseek_v4_sdk.gateway.errors import Failure, anthropic_error
from deepseek_v4_sdk.gateway.fields import flag, given_fields, optional_list, texts
from deepseek_v4_sdk.gateway.messages_writer import MessagesWriter, anthropic_usage, stop_reason
from deepseek_v4_sdk.gateway.turn import Asked, Asking, Context, Outcome

if TYPE_CHECKING:
    from deepseek_v4_sdk import JsonValue

__all__ = ["MessagesRoute"]

_READ = frozenset(
    {
        "model",
        "messages",
        "system",
        "max_tokens",
        "stream",
        "thinking",
        "output_config",
        "output_format",
        "tools",
        "tool_choice",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
    }
)
_NO_EFFECT = frozenset(
    {
        "metadata",
        "service_tier",
        "context_management",
        "betas",
        "anthropic_beta",
        "anthropic_version",
        "cache_control",
        "inference_geo",
        "speed",
        "diagnostics",
    }
)
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_OF_A_TOOL = {"name": "name", "description": "description", "input_schema": "parameters", "strict": "strict"}


class MessagesRoute:
    """Reads and writes Anthropic's Messages."""

    name = "messages"

    def read(self, body: Mapping[str, object], context: Context) -> Asked:
        """Read a request.

        Raises:
            InvalidRequestError: Something in it is wrong, or cannot be done.
        """
        noted = Noted()
        given = given_fields(body, _READ, _NO_EFFECT, noted, refused={"mcp_servers": "connect to them in the client"})
        options: dict[str, object] = {
            name: given[name] for name in ("max_tokens", "temperature", "top_p", "top_k") if name in given
        }
        if "stop_sequences" in given:
            options["stop"] = given["stop_sequences"]
        if (level := asked_thinking(given, context.efforts, context.thinking)) is not None:
            options["thinking"] = level
        tools = [tool for each in optional_list(given, "tools") if (tool := _tool(each, noted)) is not None]
        if tools:
            options["tools"] = tools
        _choose(given.get("tool_choice"), options)
        if (form := _format(given)) is not None:
            options["response_format"] = form
        model = given.get("model")
        return Asked(
            messages=read_history(_history(given, context, noted), noted),
            options=options,
            noted=noted,
            model=model if isinstance(model, str) else "",
            stream=flag(given, "stream"),
        )

    def writer(self, asking: Asking) -> MessagesWriter:
        """The writer of a streamed answer."""
        return MessagesWriter(asking)

    def whole(self, asking: Asking, outcome: Outcome) -> dict[str, JsonValue]:
        """A plain answer.

        Raises:
            LostToolCallError: The arguments of a call are not a JSON object, which this API cannot express.
        """
        reply = outcome.reply
        content: list[JsonValue] = []
        if reply.reasoning:
            context = asking.context
            sealed = context.seal.close(context.caller, context.model, reply.reasoning)
            content.append({"type": "thinking", "thinking": reply.reasoning, "signature": sealed})
        if reply.text:
            content.append({"type": "text", "text": reply.text})
        content += [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": _input(call)} for call in reply.tool_calls
        ]
        return {
            "id": f"msg_{asking.id}",
            "type": "message",
            "role": "assistant",
            "model": asking.asked.model,
            "content": content,
            "stop_reason": stop_reason(outcome),
            "stop_sequence": reply.stop_sequence,
            "usage": anthropic_usage(reply.usage),
        }

    def error(self, failure: Failure, request_id: str) -> dict[str, JsonValue]:
        """The body of an error."""
        return anthropic_error(failure, f"req_{request_id}")


def _input(call: ToolCall) -> JsonValue:
    if not call.is_object:
        raise LostToolCallError(f"the arguments of the call of {call.name!r} are not a JSON object")
    read: JsonValue = from_json(call.arguments) if call.arguments.strip() else {}
    return read


def _tool(value: object, noted: Noted) -> dict[str, object] | None:
    """A tool in OpenAI's form; None for a kind that only Anthropic's own servers run."""
    if not is_mapping(value):
        raise InvalidRequestError("a tool is not an object: give name, description and input_schema")
    kind = value.get("type")
    if kind is not None and kind != "custom":
        noted.ignore(f"tools[].{str(kind)[:40]}")
        return None
    function = {ours: value[theirs] for theirs, ours in _OF_A_TOOL.items() if value.get(theirs) is not None}
    return {"type": "function", "function": function}


def _choose(choice: object, options: dict[str, object]) -> None:
    if choice is None:
        return
    kind = choice.get("type") if is_mapping(choice) else None
    if not is_mapping(choice) or not isinstance(kind, str):
        raise InvalidRequestError("tool_choice is not an object with a type: give {'type': 'auto'}")
    if choice.get("disable_parallel_tool_use") is True and "tools" in options:
        options["parallel_tool_calls"] = False
    if kind == "tool":
        options["tool_choice"] = choice.get("name")
    elif kind not in _CHOICES:
        raise InvalidRequestError(f"tool_choice.type is {kind[:40]!r}: give auto, any, tool or none")
    elif "tools" in options or kind == "any":
        options["tool_choice"] = _CHOICES[kind]


def _format(given: Mapping[str, object]) -> dict[str, object] | None:
    config = given.get("output_config")
    form = given.get("output_format") or (config.get("format") if is_mapping(config) else None)
    if form is None:
        return None
    if not is_mapping(form) or form.get("type") != "json_schema":
        raise UnsupportedOptionError("the output format is not a json_schema: give one", option="output_format")
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": form.get("schema"), "strict": True}}


def _history(given: Mapping[str, object], context: Context, noted: Noted) -> list[dict[str, object]]:
    history: list[dict[str, object]] = []
    if "system" in given:
        history.append({"role": "system", "content": texts(given["system"], "system")})
    if "messages" not in given:
        raise InvalidRequestError("messages is missing: give a list of messages")
    for index, message in enumerate(optional_list(given, "messages")):
        where = f"messages[{index}]"
        if not is_mapping(message):
            raise InvalidRequestError(f"{where} is not an object: give role and content")
        role, content = message.get("role"), message.get("content")
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        blocks = optional_list({"content": content}, "content", where)
        if role == "assistant":
            history.append(_assistant(blocks, where, context, noted))
        elif role in ("user", "system", "developer"):
            history += _user_messages(blocks, str(role), where, noted)
        else:
            raise InvalidRequestError(f"{where}.role is {str(role)[:40]!r}: give user, assistant or system")
    return history


def _block(block: object, where: str) -> tuple[Mapping[str, object], str]:
    kind = block.get("type") if is_mapping(block) else None
    if not is_mapping(block) or not isinstance(kind, str):
        raise InvalidRequestError(f"{where} has a block that is not an object with a type")
    return block, kind


def _user_messages(blocks: list[object], role: str, where: str, noted: Noted) -> list[dict[str, object]]:
    """A message of the user: results of calls, and other texts."""
    messages: list[dict[str, object]] = []
    parts: list[object] = []
    for each in blocks:
        block, kind = _block(each, where)
        if kind == "tool_result":
            content = _content(block.get("content"), f"{where}.content")
            if block.get("is_error") is True:
                content = [{"type": "text", "text": "The tool failed."}, *content]
            messages.append({"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": content})
        else:
            parts += _content([block], where)
    if parts or not messages:
        messages.append({"role": role, "content": parts})
    del noted
    return messages


def _content(value: object, where: str) -> list[object]:
    """Blocks as parts of OpenAI's form."""
    if value is None or isinstance(value, str):
        return [{"type": "text", "text": value or ""}]
    parts: list[object] = []
    for each in optional_list({"content": value}, "content", where):
        block, kind = _block(each, where)
        source = block.get("source")
        if kind == "text":
            parts.append({"type": "text", "text": block.get("text")})
        elif kind == "document" and is_mapping(source) and source.get("type") == "text":
            parts.append({"type": "text", "text": source.get("data")})
        elif kind == "search_result":
            parts += _content(block.get("content"), where)
        else:
            parts.append({"type": kind})  # an image or a file: a text takes its place, or it is refused
    return parts


def _assistant(blocks: list[object], where: str, context: Context, noted: Noted) -> dict[str, object]:
    text_parts: list[str] = []
    reasoning_parts: list[str] = []
    calls: list[object] = []
    for each in blocks:
        block, kind = _block(each, where)
        if kind == "text":
            text_parts.append(texts(block.get("text") or "", where))
        elif kind == "thinking":
            if (reasoning := _thinking(block, context, noted)) is not None:
                reasoning_parts.append(reasoning)
        elif kind == "tool_use":
            function: dict[str, object] = {"name": block.get("name"), "arguments": block.get("input") or {}}
            calls.append({"id": block.get("id"), "type": "function", "function": function})
        elif kind == "redacted_thinking":
            noted.note("sealed reasoning that cannot be read left out")
        else:
            noted.ignore(f"messages[].content[].{kind[:40]}")
    message: dict[str, object] = {"role": "assistant", "content": "".join(text_parts) or None}
    if reasoning_parts:
        message["reasoning"] = "".join(reasoning_parts)
    if calls:
        message["tool_calls"] = calls
    return message


def _thinking(block: Mapping[str, object], context: Context, noted: Noted) -> str | None:
    signature = block.get("signature")
    if not signature:
        return texts(block.get("thinking") or "", "thinking")
    opened = context.seal.open(context.caller, context.model, signature)
    if opened is None:
        noted.note("sealed reasoning that cannot be read left out")
    return opened
