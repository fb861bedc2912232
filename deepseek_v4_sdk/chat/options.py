"""The options of a chat: their types, and the check of each value, whatever the provider."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict, TypeGuard

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat.checks import is_iterable, is_mapping
from deepseek_v4_sdk.chat.json_value import plain_json
from deepseek_v4_sdk.chat.timing import Timeouts, as_timeouts
from deepseek_v4_sdk.chat.tool_spec import ToolInput, read_tools
from deepseek_v4_sdk.errors import ConfigurationError, InvalidRequestError

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat.bounds import SpendLimit, WindowBudget
    from deepseek_v4_sdk.chat.reply import Reply
else:
    Reply = late_type("deepseek_v4_sdk.chat.reply", "Reply")
    SpendLimit = late_type("deepseek_v4_sdk.chat.bounds", "SpendLimit")
    WindowBudget = late_type("deepseek_v4_sdk.chat.bounds", "WindowBudget")

__all__ = [
    "OPTION_NAMES",
    "AskOptions",
    "ChatOptions",
    "ControlTokens",
    "OnInterrupt",
    "Overflow",
    "PromptOptions",
    "Thinking",
    "ToolChoice",
    "check_options",
    "check_prompt_options",
    "is_budget",
    "nearest",
    "with_defaults",
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


_Check: TypeAlias = Callable[[object], object]


class _WrongValueError(ValueError):
    """A value does not fit the option; the text names the accepted ones."""


_INT64 = 2**63
_LARGEST = sys.float_info.max


def _number(low: float, high: float = _LARGEST, *, above: bool = False) -> _Check:
    edge = f"{'above' if above else 'from'} {low:g}" + ("" if high == _LARGEST else f" to {high:g}")

    def check(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _WrongValueError(f"a number {edge}")
        if not low <= value <= high or (above and value == low):
            raise _WrongValueError(f"a number {edge}")
        return value

    return check


def _whole(low: int, high: int = _INT64 - 1) -> _Check:
    text = f"a whole number from {low}" + ("" if low >= -1 and high == _INT64 - 1 else f" to {high}")

    def check(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _WrongValueError(text)
        return value

    return check


def _one_of(*words: str) -> _Check:
    def check(value: object) -> object:
        if value not in words:
            raise _WrongValueError(" or ".join(repr(word) for word in words))
        return value

    return check


def _text(value: object) -> object:
    if not isinstance(value, str) or not value:
        raise _WrongValueError("a text that is not empty")
    return value


def _switch(value: object) -> object:
    if not isinstance(value, bool):
        raise _WrongValueError("True or False")
    return value


def _mapping(value: object) -> object:
    if not is_mapping(value) or not all(isinstance(key, str) for key in value):
        raise _WrongValueError("a mapping with texts as keys")
    return value


def _json_mapping(name: str) -> _Check:
    return lambda value: plain_json(_mapping(value), name)


_HEADER = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # a token of RFC 9110


# With another length, framing or upgrade than the connection's own, a server would read one request as two.
_OF_THE_CONNECTION = frozenset(
    {"connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


def _is_header(name: object) -> TypeGuard[str]:
    return isinstance(name, str) and _HEADER.fullmatch(name) is not None


def _headers(value: object) -> object:
    if not is_mapping(value):
        raise _WrongValueError("a mapping of texts")
    headers: dict[str, str] = {}
    for key, item in value.items():
        if not _is_header(key):
            raise _WrongValueError(f"a mapping of texts; {key!r} is not the name of a header")
        if key.lower() in _OF_THE_CONNECTION:
            raise _WrongValueError(f"a mapping without {key!r}, which the connection itself decides")
        if not isinstance(item, str) or not item.isascii() or not item.isprintable():
            raise _WrongValueError(f"a mapping of texts in printable ASCII, which that of {key!r} is not")
        headers[key] = item.strip()
    return headers


def _stop(value: object) -> object:
    if isinstance(value, str):
        value = [value]
    if not is_iterable(value):
        raise _WrongValueError("a text or a list of texts")
    texts = tuple(value)
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise _WrongValueError("a text or a list of texts, none of them empty")
    return texts


def _logprobs(value: object) -> object:
    if value is False:
        return None
    if value is True:
        return 0
    return _whole(0, 20)(value)


def _tool_choice(value: object) -> object:
    if is_mapping(value):
        function = value.get("function")
        name = function.get("name") if is_mapping(function) else None
        if value.get("type") == "function" and isinstance(name, str) and name:
            return name
    elif isinstance(value, str) and value:
        return value
    raise _WrongValueError("'auto', 'none', 'required', the name of a tool, or OpenAI's mapping for one")


def _extra_body(value: object) -> object:
    body = plain_json(_mapping(value), "extra_body")
    if isinstance(body, dict):
        for key in ("stream", "messages"):
            if key in body:
                raise _WrongValueError(f"a mapping without {key!r}, which the client itself writes")
        if body.get("n", 1) != 1:
            raise _WrongValueError("a mapping without 'n' above 1: one call gives one choice; call again for more")
    return body


def _on_interrupt(value: object) -> object:
    words = (value,) if isinstance(value, str) else tuple(value) if is_iterable(value) else ()
    if words not in _INTERRUPTS:
        raise _WrongValueError("'raise', 'restart', 'resume' or ('resume', 'restart')")
    return value if isinstance(value, str) else words


def _continue_from(value: object) -> object:
    from deepseek_v4_sdk.chat.reply import Reply  # it imports the types of options

    if not isinstance(value, Reply):
        raise _WrongValueError("a Reply, such as the partial of an error")
    if value.finish_reason not in {None, "length"} or value.stop_sequence is not None:
        raise _WrongValueError(f"a Reply without an end: this one has the finish reason {value.raw_finish_reason!r}")
    return value


def _until_done(value: object) -> object:
    if value is False:
        return None
    return _LONGEST_ANSWER if value is True else _whole(1)(value)


_LONGEST_ANSWER = 384 * 1024  # V4's, in tokens
_INTERRUPTS = (("raise",), ("restart",), ("resume",), ("resume", "restart"))


def _overflow(value: object) -> object:
    if not is_budget(value) and (not isinstance(value, str) or value not in {"raise", "clamp", "fit"}):
        raise _WrongValueError("'raise', 'clamp', 'fit' or a ContextBudget")
    return value


_CHECKS: Mapping[str, _Check] = {
    "model": _text,
    "thinking": _one_of("off", "low", "high", "max"),
    "tools": read_tools,
    "tool_choice": _tool_choice,
    "parallel_tool_calls": _switch,
    "max_tokens": _whole(1),
    "max_reasoning_tokens": _whole(1),
    "temperature": _number(0),
    "top_p": _number(0, 1, above=True),
    "top_k": _whole(-1),
    "min_p": _number(0, 1),
    "presence_penalty": _number(-2, 2),
    "frequency_penalty": _number(-2, 2),
    "stop": _stop,
    "seed": _whole(-_INT64, _INT64 - 1),
    "response_format": _json_mapping("response_format"),
    "logprobs": _logprobs,
    "priority": _whole(-_INT64, _INT64 - 1),
    "cache_salt": _text,
    "user": _text,
    "timeout": as_timeouts,
    "metadata": _mapping,
    "wire": _one_of("stream", "plain", "raw"),
    "overflow": _overflow,
    "window": _whole(1),
    "spend": lambda value: value,  # checked where the accounts are opened
    "dsml": _one_of("auto", "off"),
    "control_tokens": _one_of("send", "refuse", "mark"),
    "on_unsupported": _one_of("nearest", "disable_thinking", "auto"),
    "on_interrupt": _on_interrupt,
    "continue_from": _continue_from,
    "until_done": _until_done,
    "extra_body": _extra_body,
    "extra_headers": _headers,
}
OPTION_NAMES = frozenset(_CHECKS)
"""The name of every option."""


_OTHER_WORDS: Mapping[str, str] = {
    "max_completion_tokens": "give max_tokens, which counts reasoning too",
    "max_output_tokens": "give max_tokens, which counts reasoning too",
    "max_new_tokens": "give max_tokens, which counts reasoning too",
    "reasoning_effort": "give thinking: 'off', 'low', 'high' or 'max'",
    "reasoning": "give thinking: 'off', 'low', 'high' or 'max'",
    "enable_thinking": "give thinking: 'off', 'low', 'high' or 'max'",
    "thinking_budget": "give max_reasoning_tokens",
    "chat_template_kwargs": "give thinking; whatever else the template reads goes into extra_body",
    "stream": "call client.stream(messages) for an answer as it arrives; chat streams inside",
    "stream_options": "leave it out: the usage always comes with the answer",
    "n": "one call gives one choice; call again for more",
    "best_of": "one call gives one choice; call again for more",
    "system": "put a SystemMessage first among the messages",
    "instructions": "put a SystemMessage first among the messages",
    "prompt": "it is the first argument, messages",
    "input": "it is the first argument, messages",
    "functions": "give tools",
    "function_call": "give tool_choice",
    "top_logprobs": "give logprobs, with how many alternatives: logprobs=5",
    "stop_sequences": "give stop",
    "stop_token_ids": "it goes into extra_body",
    "random_seed": "give seed",
    "response_model": "call client.parse(messages, Model)",
    "text_format": "call client.parse(messages, Model)",
    "request_timeout": "give timeout",
    "headers": "give extra_headers",
    "api_key": "it is an argument of the client: client.with_options(api_key=...)",
    "base_url": "it is an argument of the client: client.with_options(base_url=...)",
    "max_retries": "it is an argument of the client: client.with_options(max_retries=...)",
}
"""Names that other clients use for an option, or for none here, and the remedy."""


def check_options(options: Mapping[str, object]) -> dict[str, object]:
    """Check every given value, and convert it to one form.

    Raises:
        InvalidRequestError: An option does not exist or has a wrong value; the text names it and the accepted values.
    """
    checked: dict[str, object] = {}
    for name, value in options.items():
        check = _CHECKS.get(name)
        if check is None:
            advice = _OTHER_WORDS.get(name)
            hint = f": {advice}" if advice else f"{nearest(name, _CHECKS)}; fields of one server go into extra_body"
            raise InvalidRequestError(f"there is no option {name!r}{hint}")
        if value is None:
            continue
        try:
            checked[name] = check(value)
        except _WrongValueError as error:
            shown = type(value).__name__ if name == "extra_headers" else _shown(value)  # a key may be among them
            raise InvalidRequestError(f"{name} is {shown}: give {error}") from None
    return checked


def check_prompt_options(options: Mapping[str, object]) -> Mapping[str, object]:
    """Check that every option is one of `PromptOptions`, and return them; their values are checked with the request.

    Raises:
        InvalidRequestError: One of them is not.
    """
    names = PromptOptions.__annotations__
    if (other := next((name for name in options if name not in names), None)) is not None:
        raise InvalidRequestError(
            f"{other!r} is not an option of the prompt{nearest(other, names)}: leave it out; give {', '.join(names)}"
        )
    return options


def is_budget(value: object) -> TypeGuard[WindowBudget]:
    """Whether a value of `overflow` is a budget of the caller's."""
    return hasattr(value, "fit_request") and not isinstance(value, type)


def with_defaults(given: Mapping[str, object], defaults: Mapping[str, object]) -> dict[str, object]:
    """Values that are given, over defaults; None is not given.

    A window and a budget are two ways to say the same: one that is given takes the place of the other of the defaults.

    Raises:
        ConfigurationError: Both are given in one place.
    """
    given = {name: value for name, value in given.items() if value is not None}
    kept = {name: value for name, value in defaults.items() if value is not None}
    if is_budget(given.get("overflow")):
        if "window" in given:
            raise ConfigurationError(
                "window is given next to a ContextBudget, which has its own: leave one of them out"
            )
        kept.pop("window", None)
    elif "window" in given and is_budget(kept.get("overflow")):
        del kept["overflow"]
    return {**kept, **given}


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint at the known name that is nearest to a mistyped one, or nothing."""
    import difflib  # loaded for a mistyped name

    found = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {found[0]!r}?)" if found else ""


def _shown(value: object) -> str:
    """A short value, or the kind of a long one: it may hold a prompt, which must not show."""
    if isinstance(value, int) and value.bit_length() > 64:
        return "a huge number"
    if not isinstance(value, str | int | float):
        return type(value).__name__
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
