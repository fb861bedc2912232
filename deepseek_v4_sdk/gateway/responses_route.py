"""`/v1/responses`: reading its requests, and its plain answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deepseek_v4_sdk import InvalidRequestError
from deepseek_v4_sdk.chat.openai_form import (
    Noted,
    asked_thinking,
    is_list,
    is_mapping,
    read_history,
    read_tool_definition,
)
from deepseek_v4_sdk.gateway.custom_tools import arguments_of, as_function
from deepseek_v4_sdk.gateway.errors import Failure, openai_error
from deepseek_v4_sdk.gateway.fields import flag, given_fields, optional_list, texts
from deepseek_v4_sdk.gateway.responses_items import Items, whole_response
from deepseek_v4_sdk.gateway.responses_writer import ResponsesWriter
from deepseek_v4_sdk.gateway.turn import Asked, Asking, Context, Outcome

if TYPE_CHECKING:
    from deepseek_v4_sdk import JsonValue

__all__ = ["ResponsesRoute"]

_READ = frozenset(
    {
        "model",
        "input",
        "instructions",
        "max_output_tokens",
        "stream",
        "reasoning",
        "text",
        "tools",
        "tool_choice",
        "temperature",
        "top_p",
        "parallel_tool_calls",
    }
)
_NO_EFFECT = frozenset(
    {
        "store",
        "include",
        "metadata",
        "client_metadata",
        "service_tier",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "user",
        "stream_options",
    }
)
_REFUSED = {
    "previous_response_id": "this gateway keeps no answers; send the whole input",
    "conversation": "this gateway keeps no conversations; send the whole input",
    "prompt": "this gateway keeps no prompts; send instructions and input",
    "background": "an answer lasts as long as its connection; leave it out, and stream",
}


class ResponsesRoute:
    """Reads and writes Responses."""

    name = "responses"

    def read(self, body: Mapping[str, object], context: Context) -> Asked:
        """Read a request.

        Raises:
            InvalidRequestError: Something in it is wrong, or cannot be done.
        """
        noted = Noted()
        given = given_fields(body, _READ, _NO_EFFECT, noted, refused=_REFUSED)
        if "message.output_text.logprobs" in optional_list(body, "include"):
            noted.ignore("include[].message.output_text.logprobs")
        plain = ("temperature", "top_p", "parallel_tool_calls")
        options: dict[str, object] = {name: given[name] for name in plain if name in given}
        if "max_output_tokens" in given:
            options["max_tokens"] = given["max_output_tokens"]
        if (level := asked_thinking(given, context.efforts, context.thinking)) is not None:
            options["thinking"] = level
        custom: set[str] = set()
        tools = [
            tool
            for index, each in enumerate(optional_list(given, "tools"))
            if (tool := _tool(each, f"tools[{index}]", custom, noted)) is not None
        ]
        if tools:
            options["tools"] = tools
        _choose(given.get("tool_choice"), options)
        _format(given.get("text"), options, noted)
        model = given.get("model")
        return Asked(
            messages=read_history(_history(given, context, noted), noted),
            options=options,
            noted=noted,
            model=model if isinstance(model, str) else "",
            stream=flag(given, "stream"),
            custom_tools=frozenset(custom),
        )

    def writer(self, asking: Asking) -> ResponsesWriter:
        """The writer of a streamed answer."""
        return ResponsesWriter(asking)

    def whole(self, asking: Asking, outcome: Outcome) -> dict[str, JsonValue]:
        """A plain answer."""
        items, reply = Items(asking), outcome.reply
        output: list[JsonValue] = []
        if reply.reasoning:
            output.append(items.reasoning(len(output), reply.reasoning))
        if reply.text:
            status = "incomplete" if outcome.finish == "length" and not reply.tool_calls else "completed"
            output.append(items.message(len(output), reply.text, status))
        for call in reply.tool_calls:
            output.append(items.call(len(output), call))
        return whole_response(asking, output, outcome)

    def error(self, failure: Failure, request_id: str) -> dict[str, JsonValue]:
        """The body of an error."""
        del request_id
        return openai_error(failure)


def _tool(value: object, where: str, custom: set[str], noted: Noted) -> Mapping[str, object] | None:
    """A tool in the form of Chat Completions; None for a kind that V4 does not know."""
    if not is_mapping(value):
        raise InvalidRequestError(f"{where} is not an object: give a tool with a type and a name")
    kind = value.get("type")
    if kind == "function":
        function = {name: item for name, item in value.items() if name != "type" and item is not None}
        return read_tool_definition({"type": "function", "function": function}, where, noted)
    if kind == "custom":
        name = value.get("name")
        if not isinstance(name, str):
            raise InvalidRequestError(f"{where}.name is not a text: give the tool's name")
        custom.add(name)
        return as_function(value)
    noted.ignore(f"tools[].{str(kind)[:40]}")
    return None


def _choose(choice: object, options: dict[str, object]) -> None:
    if choice is None:
        return
    if isinstance(choice, str):
        if "tools" in options or choice not in ("auto", "none"):
            options["tool_choice"] = choice
        return
    kind = choice.get("type") if is_mapping(choice) else None
    if is_mapping(choice) and kind in ("function", "custom"):
        options["tool_choice"] = choice.get("name")
    elif is_mapping(choice) and kind == "allowed_tools":
        allowed = {each.get("name") for each in optional_list(choice, "tools") if is_mapping(each)}
        options["tools"] = [each for each in optional_list(options, "tools") if _name_of(each) in allowed]
        options["tool_choice"] = choice.get("mode", "auto")
    else:
        raise InvalidRequestError("tool_choice is not one that V4 has: give auto, none, required, or a function's name")


def _name_of(tool: object) -> object:
    function = tool.get("function") if is_mapping(tool) else None
    return function.get("name") if is_mapping(function) else None


def _format(text: object, options: dict[str, object], noted: Noted) -> None:
    if text is None:
        return
    if not is_mapping(text):
        raise InvalidRequestError("text is not an object: give {'format': ...}")
    for key in text:
        if key not in ("format", "verbosity"):
            noted.ignore(f"text.{key}")
    form = text.get("format")
    if form is None:
        return
    kind = form.get("type") if is_mapping(form) else None
    if is_mapping(form) and kind == "json_schema":
        inner = {name: form[name] for name in ("name", "schema", "strict") if form.get(name) is not None}
        options["response_format"] = {"type": "json_schema", "json_schema": inner}
    elif kind == "json_object":
        options["response_format"] = {"type": "json_object"}
    elif kind != "text":
        raise InvalidRequestError(f"text.format.type is {str(kind)[:40]!r}: give text, json_object or json_schema")


@dataclass(slots=True)
class _Turn:
    """One turn of the assistant, while its items are read."""

    reasoning: list[str] = field(default_factory=list[str])
    parts: list[object] = field(default_factory=list[object])
    calls: list[object] = field(default_factory=list[object])

    def message(self) -> dict[str, object]:
        """The turn as a message of Chat Completions."""
        message: dict[str, object] = {"role": "assistant", "content": self.parts, "tool_calls": self.calls}
        return {**message, "reasoning": "".join(self.reasoning)} if self.reasoning else message


class _History:
    """The items of an input, joined to messages: reasoning, text and calls of one turn are separate items."""

    def __init__(self, context: Context, noted: Noted) -> None:
        self._messages: list[dict[str, object] | _Turn] = []
        self._context = context
        self._noted = noted
        self._turn: _Turn | None = None  # the turn of the assistant that is being read

    def messages(self) -> list[dict[str, object]]:
        """The messages so far."""
        return [each.message() if isinstance(each, _Turn) else each for each in self._messages]

    def append(self, message: dict[str, object]) -> None:
        """Add a message that is not the assistant's."""
        self._turn = None
        self._messages.append(message)

    def add(self, item: Mapping[str, object], where: str) -> None:
        """Add an item.

        Raises:
            InvalidRequestError: It cannot be read.
        """
        kind = item.get("type", "message" if "role" in item else None)
        if kind == "message":
            content = item.get("content")
            if item.get("role") != "assistant":
                self.append({"role": item.get("role"), "content": content})
            elif is_list(content):
                self._assistant().parts += content
            elif content is not None:
                self._assistant().parts.append(content)
        elif kind == "reasoning":
            self._reasoning(item, where)
        elif kind in ("function_call", "custom_tool_call"):
            arguments = item.get("arguments") if kind == "function_call" else arguments_of(item.get("input"))
            function = {"name": item.get("name"), "arguments": arguments}
            self._assistant().calls.append({"id": item.get("call_id"), "type": "function", "function": function})
        elif kind in ("function_call_output", "custom_tool_call_output"):
            self.append({"role": "tool", "tool_call_id": item.get("call_id"), "content": item.get("output")})
        elif kind == "item_reference":
            raise InvalidRequestError(f"{where} is a reference: this gateway keeps no items; send the item itself")
        else:
            self._noted.ignore(f"input[].{str(kind)[:40]}")

    def _reasoning(self, item: Mapping[str, object], where: str) -> None:
        # Between two calls it belongs to their turn, whose results are still to come.
        if self._turn is not None and self._turn.parts and not self._turn.calls:
            self._turn = None
        sealed = item.get("encrypted_content")
        if not sealed:
            text: str | None = texts(item.get("content") or item.get("summary") or "", where)
        else:
            text = self._context.seal.open(self._context.caller, self._context.model, sealed)
        if text is None:
            self._noted.note("sealed reasoning that cannot be read left out")
        elif text:
            self._assistant().reasoning.append(text)

    def _assistant(self) -> _Turn:
        if self._turn is None:
            self._turn = _Turn()
            self._messages.append(self._turn)
        return self._turn


def _history(given: Mapping[str, object], context: Context, noted: Noted) -> list[dict[str, object]]:
    value = given.get("input")
    if value is None:
        raise InvalidRequestError("input is missing: give a text, or a list of items")
    history = _History(context, noted)
    if "instructions" in given:
        history.append({"role": "system", "content": texts(given["instructions"], "instructions")})
    if isinstance(value, str):
        history.append({"role": "user", "content": value})
        return history.messages()
    for index, item in enumerate(optional_list(given, "input")):
        if not is_mapping(item):
            raise InvalidRequestError(f"input[{index}] is not an object: give an item with a type")
        history.add(item, f"input[{index}]")
    return history.messages()
