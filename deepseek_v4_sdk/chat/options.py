"""The options of a chat, and their types. `option_checks.py` checks the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat.timing import Timeouts
from deepseek_v4_sdk.chat.tool_spec import ToolInput

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat.bounds import SpendLimit, WindowBudget
    from deepseek_v4_sdk.chat.reply import Reply
else:
    Reply = late_type("deepseek_v4_sdk.chat.reply", "Reply")
    SpendLimit = late_type("deepseek_v4_sdk.chat.bounds", "SpendLimit")
    WindowBudget = late_type("deepseek_v4_sdk.chat.bounds", "WindowBudget")

__all__ = [
    "AskOptions",
    "ChatOptions",
    "ControlTokens",
    "OnInterrupt",
    "Overflow",
    "PromptOptions",
    "Thinking",
    "ToolChoice",
]

Thinking: TypeAlias = Literal["off", "low", "high", "max"]
"""The amount of reasoning before the answer."""

ControlTokens: TypeAlias = Literal["send", "refuse", "mark"]
"""The treatment of a control token of V4's that a text of a user or a tool spells."""

ToolChoice: TypeAlias = Literal["auto", "none", "required"] | str | Mapping[str, object]
"""Whether tools are called: a keyword, the name of one of the offered tools, or OpenAI's mapping for it."""

OnInterrupt: TypeAlias = Literal["raise", "restart", "resume"] | Sequence[Literal["resume", "restart"]]
"""The action when an answer breaks off after it began; of several, each where the one before it is not possible."""

Overflow: TypeAlias = Literal["raise", "clamp", "fit"] | WindowBudget
"""The action when a prompt and its answer exceed the window."""


class PromptOptions(TypedDict, total=False):
    """The options of a chat that servers write into the prompt, next to the messages and the tools.

    Attributes:
        thinking: "off", "low", "high" or "max".
        tool_choice: "auto", "none", "required", or the name of a tool.
        response_format: OpenAI's `{"type": "json_object"}` or `{"type": "json_schema", ...}`; not every server shows it
            to the model.
    """

    thinking: Thinking | None
    tool_choice: ToolChoice | None
    response_format: Mapping[str, object] | None


class AskOptions(PromptOptions, total=False):
    """The options of every method that calls the model, except for its tools.

    None means "not given". The client refuses an option that the provider does not have with `UnsupportedOptionError`,
    and never drops it.

    Attributes:
        model: The model's name at the provider.
        thinking: "off", "low", "high" or "max"; always sent in the provider's explicit form.
        tool_choice: "auto", "none", "required", or the name of a tool.
        parallel_tool_calls: Whether one turn may hold several calls.
        max_tokens: Most tokens of the answer, reasoning included.
        max_reasoning_tokens: Most tokens of the reasoning; the client ends the stream beyond them.
        temperature: Sampling temperature.
        top_p: Nucleus sampling, above 0 and up to 1.
        top_k: Number of tokens to sample from; 0 or -1 is all.
        min_p: The smallest probability relative to the best token, 0 to 1.
        presence_penalty: -2 to 2.
        frequency_penalty: -2 to 2.
        stop: Texts that end the answer.
        seed: A number that makes sampling repeatable where the server can.
        response_format: OpenAI's `{"type": "json_object"}` or `{"type": "json_schema", ...}`.
        logprobs: True, or the number of alternatives for each token (0 to 20).
        priority: Higher is more urgent, on every provider.
        cache_salt: Keeps the prefix cache apart from that of other salts.
        user: An id of the end user.
        timeout: Total seconds, or `Timeouts`.
        metadata: Local notes that the reply returns; nothing of it is sent.
        wire: "stream" (default), "plain" for one JSON answer, or "raw" to send the rendered prompt and to read the
            model's raw output here.
        overflow: The action when prompt and answer exceed the window, before anything is sent: "raise" an error,
            "clamp" max_tokens to the rest, or "fit" the conversation by leaving out its oldest parts. A `ContextBudget`
            fits it into your window, with its reserves and strategies. Without it nothing is counted.
        window: The context window in tokens, where you know it better than the server; without `overflow` it means
            "raise".
        spend: A limit of money or tokens, or a list of them, in addition to those of the client.
        dsml: "auto", or "off" to leave tool-call markup in texts alone.
        control_tokens: The action when a text of a user or a tool spells a control token of V4's: "send" it unchanged,
            "refuse" the request, or "mark" it with broken bars, so that no server reads it as a token.
        on_unsupported: "nearest" takes the nearest thinking level where the provider lacks one; "disable_thinking" or
            "auto" gives that up where a tool call cannot be forced while thinking.
        on_interrupt: The action when an answer breaks off: "raise" the error, "restart" the answer, or "resume" it at
            the break; ("resume", "restart") restarts an answer that cannot be resumed.
        continue_from: An answer that broke off or was cut by max_tokens, as the `partial` of an error or a `Reply`: the
            model goes on with it. The same messages, tools and thinking level are needed. `max_tokens` counts the rest.
        until_done: True, or a number of tokens: the call goes on with an answer that reaches `max_tokens`, up to so
            many tokens in all (True is 393,216), to the window, and to limits of money. An answer that repeats itself
            ends, with an alarm.
        extra_body: Merged into the request's body at the end, and never filtered.
        extra_headers: Added to the request's headers.
    """

    model: str | None
    parallel_tool_calls: bool | None
    max_tokens: int | None
    max_reasoning_tokens: int | None
    temperature: float | None
    top_p: float | None
    top_k: int | None
    min_p: float | None
    presence_penalty: float | None
    frequency_penalty: float | None
    stop: str | Sequence[str] | None
    seed: int | None
    logprobs: bool | int | None
    priority: int | None
    cache_salt: str | None
    user: str | None
    timeout: float | Timeouts | None
    metadata: Mapping[str, object] | None
    wire: Literal["stream", "plain", "raw"] | None
    overflow: Overflow | None
    window: int | None
    spend: SpendLimit | Sequence[SpendLimit] | None
    dsml: Literal["auto", "off"] | None
    control_tokens: ControlTokens | None
    on_unsupported: Literal["nearest", "disable_thinking", "auto"] | None
    on_interrupt: OnInterrupt | None
    continue_from: Reply | None
    until_done: bool | int | None
    extra_body: Mapping[str, object] | None
    extra_headers: Mapping[str, str] | None


class ChatOptions(AskOptions, total=False):
    """The options of a chat.

    Attributes:
        tools: The tools the model may call.
    """

    tools: Sequence[ToolInput] | None
