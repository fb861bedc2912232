"""One request of a caller: its neutral form, its changes for a server, and its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from pydantic_core import to_json

from deepseek_v4_sdk import (
    DeepSeekV4Error,
    EmptyTurnError,
    InvalidRequestError,
    LostToolCallError,
    ReasoningExhaustedError,
    Reply,
    StreamInterruptedError,
    SystemMessage,
    Thinking,
    ToolCall,
    TruncatedToolCallError,
    UnsupportedOptionError,
)

if TYPE_CHECKING:
    from deepseek_v4_sdk import AsyncDeepSeekV4, ChatEvent, JsonValue, Message, TokenCount
    from deepseek_v4_sdk.chat.openai_form import Noted
    from deepseek_v4_sdk.gateway.callers import Caller
    from deepseek_v4_sdk.gateway.errors import Failure
    from deepseek_v4_sdk.gateway.seal import Seal

from deepseek_v4_sdk.chat.openai_form import is_list, is_mapping

__all__ = [
    "Asked",
    "Asking",
    "Context",
    "Finish",
    "Outcome",
    "Route",
    "Writer",
    "adapt",
    "count_tokens",
    "cut_by_length",
    "loosen",
    "outcome_of",
]

Finish: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter"]
"""The reason why an answer ended; every other end is an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The facts that a route needs to read a request.

    Attributes:
        caller: The caller.
        seal: Reads and writes sealed reasoning.
        model: The model that seals are bound to.
        efforts: The thinking level for each effort word.
        thinking: The level where thinking is only switched on.
        flavor: The provider whose wire format is used.
        both_keys: Whether reasoning goes out under both of its names.
    """

    caller: Caller
    seal: Seal
    model: str
    efforts: Mapping[str, Thinking]
    thinking: Thinking
    flavor: str
    both_keys: bool = False


@dataclass(slots=True, kw_only=True)
class Asked:
    """A request of a caller.

    Attributes:
        messages: The conversation.
        options: The options of the chat.
        noted: Fields that were left out, and changes.
        model: The name that the answer bears.
        stream: Whether the answer is streamed.
        wants_usage: Whether the answer includes its tokens.
        one_call: Whether calls beyond the first are left out, since the server does not know the option for it.
        custom_tools: Tools of one text argument, by name, where the API has them.
    """

    messages: list[Message]
    options: dict[str, Any]
    noted: Noted
    model: str = ""
    stream: bool = False
    wants_usage: bool = True
    one_call: bool = False
    custom_tools: frozenset[str] = field(default_factory=frozenset[str])


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer that is whole, or was cut by a limit of tokens.

    Attributes:
        reply: The answer.
        finish: The reason why it ended.
    """

    reply: Reply
    finish: Finish


class Writer(Protocol):
    """Writes one streamed answer in the form of an API."""

    ping: bytes
    """The bytes that are sent while the model is silent."""

    def begin(self) -> bytes:
        """The opening of the stream."""
        ...

    def events(self, batch: list[ChatEvent]) -> bytes:
        """Events that arrived together."""
        ...

    def end(self, outcome: Outcome) -> bytes:
        """The end of an answer that is whole, or cut by a limit."""
        ...

    def fail(self, failure: Failure) -> bytes:
        """The end of an answer that is not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A request on its way, for what writes its answer.

    Attributes:
        asked: The request.
        context: The facts about the caller and the server.
        id: An id that nobody else has.
        created: The time in seconds since 1970.
        body: The body of the request.
    """

    asked: Asked
    context: Context
    id: str
    created: int
    body: Mapping[str, object]


class Route(Protocol):
    """One of the APIs: how its requests are read, and its answers written."""

    name: str

    def read(self, body: Mapping[str, object], context: Context) -> Asked:
        """Read a request.

        Raises:
            InvalidRequestError: Something in it is wrong.
        """
        ...

    def writer(self, asking: Asking) -> Writer:
        """The writer of a streamed answer."""
        ...

    def whole(self, asking: Asking, outcome: Outcome) -> dict[str, JsonValue]:
        """A plain answer."""
        ...

    def error(self, failure: Failure, request_id: str) -> dict[str, JsonValue]:
        """The body of an error."""
        ...


def outcome_of(reply: Reply, *, recovered: Literal["error", "run"], one_call: bool) -> Outcome:
    """The outcome of a whole reply.

    Raises:
        LostToolCallError: It has a call out of markup in ASCII bars, which may be a quotation, and those are not run.
        StreamInterruptedError: It ended in a way that no API has a word for.
    """
    if recovered != "run":
        for call in reply.tool_calls:
            check_bars(call)
    if one_call and len(reply.tool_calls) > 1:
        reply = replace(reply, tool_calls=reply.tool_calls[:1])
    reason = reply.finish_reason
    if reason in ("stop", "length", "tool_calls", "content_filter"):
        return Outcome(reply, reason)
    if reason == "other":
        return Outcome(reply, "tool_calls" if reply.tool_calls else "stop")
    raise StreamInterruptedError(f"the server ended the answer itself (finish reason {reply.raw_finish_reason!r})")


def check_bars(call: ToolCall) -> None:
    """Refuse a call out of markup in ASCII bars.

    Raises:
        LostToolCallError: It is one.
    """
    if call.bars == "ascii":
        raise LostToolCallError(
            f"the text had a call of {call.name!r} as markup in ASCII bars, which may be a quotation: "
            "start the gateway with recovered='run' to run such calls"
        )


def cut_by_length(error: DeepSeekV4Error) -> Outcome | None:
    """The answer that a limit of tokens has cut, also inside reasoning or a call; None when the error is another."""
    partial = error.partial
    if partial is None or partial.stop_sequence is not None:
        return None
    if isinstance(error, ReasoningExhaustedError):
        return Outcome(partial, "length")
    if not isinstance(error, TruncatedToolCallError | EmptyTurnError):
        return None
    completion, most = partial.usage.completion_tokens, partial.max_tokens_sent
    at_limit = most is not None and completion is not None and completion >= most
    return Outcome(partial, "length") if at_limit or partial.finish_reason == "length" else None


def adapt(asked: Asked, error: UnsupportedOptionError) -> bool:
    """Change a request that this server would refuse so that it means the same; False where nothing does.

    It is called before anything was sent, as often as there is something to change.
    """
    options, noted = asked.options, asked.noted
    if error.option == "tool_choice" and options.get("thinking") != "off":
        options["thinking"] = "off"
        noted.note("thinking is off for this request: the server forces no call while thinking")
        return True
    if error.option == "parallel_tool_calls" and "parallel_tool_calls" in options:
        del options["parallel_tool_calls"]
        asked.one_call = True
        noted.note("calls beyond the first are left out: the server does not know parallel_tool_calls")
        return True
    form = options.get("response_format")
    if error.option == "response_format" and is_mapping(form) and form.get("type") == "json_schema":
        inner = form.get("json_schema")
        schema = inner.get("schema") if is_mapping(inner) else None
        options["response_format"] = {"type": "json_object"}
        _instruct(asked.messages, f"Answer with JSON that matches this JSON Schema:\n{to_json(schema).decode()}")
        noted.note("the schema of response_format is in the prompt: the server holds answers to JSON only")
        return True
    return False


async def count_tokens(client: AsyncDeepSeekV4, asked: Asked) -> TokenCount:
    """Count the prompt as it would be sent: the server may lack the level, or force no call while thinking.

    Raises:
        InvalidRequestError: The server would refuse the conversation at any level.
    """
    tools, choice = asked.options.get("tools"), asked.options.get("tool_choice")
    refusals: list[InvalidRequestError] = []
    for level in (asked.options.get("thinking"), "high", "off"):
        try:
            return await client.count_tokens(asked.messages, tools, tool_choice=choice, thinking=level)
        except InvalidRequestError as error:
            refusals.append(error)
    raise refusals[0]


def loosen(asked: Asked, flavor: str) -> None:
    """Take `strict` from tools where the server would refuse the request for it."""
    tools = asked.options.get("tools")
    if not is_list(tools):
        return
    strict = sum(_function_of(each).get("strict") is True for each in tools)
    mixed = flavor == "deepseek" and 0 < strict < len(tools)  # DeepSeek's API wants all of them strict, or none
    loose = 0
    kept: list[object] = []
    for tool in tools:
        function = _function_of(tool)
        if function.get("strict") is True and (mixed or _is_open(function, flavor)):
            loose += 1
            free = {name: item for name, item in function.items() if name != "strict"}
            kept.append({"type": "function", "function": free})
        else:
            kept.append(tool)
    if loose:
        asked.options["tools"] = kept
        asked.noted.note(f"strict taken from {loose} tool(s), which this server would refuse")


def _function_of(tool: object) -> Mapping[str, object]:
    function = tool.get("function") if is_mapping(tool) else None
    return function if is_mapping(function) else {}


def _is_open(function: Mapping[str, object], flavor: str) -> bool:
    """Whether a strict tool lacks what NVIDIA's servers insist on (Dynamo 1.6.1)."""
    parameters = function.get("parameters")
    closed = is_mapping(parameters) and parameters.get("additionalProperties") is False
    return flavor in ("nvidia", "dynamo", "nim") and not closed


def _instruct(messages: list[Message], text: str) -> None:
    """Put a text at the end of the system text, so that the prefix cache still fits."""
    first = messages[0]
    if isinstance(first, SystemMessage):
        parts = (first.content,) if isinstance(first.content, str) else first.content
        messages[0] = replace(first, content="\n\n".join((*parts, text)))
    else:
        messages.insert(0, SystemMessage(text))
