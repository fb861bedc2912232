"""Checks of the options of a chat, value by value, whatever the provider."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

from deepseek_v4_sdk.chat.checks import is_iterable, is_mapping
from deepseek_v4_sdk.chat.json_value import plain_json
from deepseek_v4_sdk.chat.options import PromptOptions
from deepseek_v4_sdk.chat.timing import as_timeouts
from deepseek_v4_sdk.chat.tool_spec import read_tools
from deepseek_v4_sdk.errors import ConfigurationError, InvalidRequestError

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat.bounds import WindowBudget

__all__ = ["OPTION_NAMES", "check_options", "check_prompt_options", "is_budget", "nearest", "with_defaults"]

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
