"""Reading Chat Completions bodies of other programs into messages and options: the only place that does so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from deepseek_v4_sdk.chat.checks import is_list, is_mapping
from deepseek_v4_sdk.chat.foreign import says_nothing
from deepseek_v4_sdk.chat.messages import Message
from deepseek_v4_sdk.chat.openai_history import Noted, read_history
from deepseek_v4_sdk.chat.options import ChatOptions, Thinking
from deepseek_v4_sdk.errors import InvalidRequestError, UnsupportedOptionError

__all__ = [
    "EFFORTS",
    "ChatBody",
    "Noted",
    "asked_thinking",
    "is_list",
    "is_mapping",
    "read_chat_body",
    "read_history",
    "read_tool_definition",
    "thinking_of_effort",
]

EFFORTS: Mapping[str, Thinking] = {
    "none": "off",
    "minimal": "low",
    "low": "low",
    "medium": "high",
    "high": "high",
    "xhigh": "high",
    "max": "max",
}
"""The thinking level for each effort word. Servers differ on `medium` and `xhigh`; this table decides."""


def thinking_of_effort(word: object, efforts: Mapping[str, Thinking] = EFFORTS) -> Thinking:
    """Return the thinking level for an effort word.

    Args:
        word: The word, such as "medium".
        efforts: Another table.

    Raises:
        UnsupportedOptionError: The word is unknown; the text names it.
    """
    level = efforts.get(word.lower()) if isinstance(word, str) else None
    if level is None:
        shown = repr(word if not isinstance(word, str) or len(word) <= 40 else f"{word[:40]}...")
        known = ", ".join(efforts)
        raise UnsupportedOptionError(f"the effort {shown} is unknown: give one of {known}", option="reasoning_effort")
    return level


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatBody:
    """A Chat Completions body, after reading.

    Attributes:
        messages: The conversation.
        options: The options of `client.chat`, except for the model.
        model: The requested model, or None.
        stream: Whether the answer is to be streamed.
        include_usage: Whether a stream is to end with its usage.
        logit_bias: The biases of tokens, or None; not every server takes them.
        noted: Fields that were left out, and changes.
    """

    messages: list[Message]
    options: ChatOptions
    model: str | None = None
    stream: bool = False
    include_usage: bool = False
    logit_bias: Mapping[str, object] | None = None
    noted: Noted = field(default_factory=Noted)


_OFF = frozenset({"disabled", "off", "none", "false"})
_ON = frozenset({"enabled", "adaptive", "auto", "on", "true"})


def asked_thinking(
    body: Mapping[str, object], efforts: Mapping[str, Thinking] = EFFORTS, default: Thinking = "high"
) -> Thinking | None:
    """Find the thinking level in a body, in any of the forms that programs use; None where there is none.

    A switch that says off wins over an effort.

    Args:
        body: The body.
        efforts: The level for each effort word.
        default: The level where thinking is only switched on; "off" counts as "high" there.

    Raises:
        UnsupportedOptionError: An effort is unknown.
        InvalidRequestError: A switch is neither on nor off; the text names it.
    """
    kwargs = body.get("chat_template_kwargs")
    places: list[tuple[Mapping[str, object], str]] = [(body, "")]
    if is_mapping(kwargs):
        places.append((kwargs, "chat_template_kwargs."))
    effort: Thinking | None = None
    switches: list[bool] = []
    for part, where in places:
        for key in ("thinking", "enable_thinking"):
            value = part.get(key)
            if is_mapping(value):
                value = value.get("type", True)
            if value is not None:
                switches.append(_switch(value, where + key))
        words = [part.get("reasoning_effort")]
        for key in ("reasoning", "output_config"):
            inner = part.get(key)
            if is_mapping(inner):
                words.append(inner.get("effort"))
                if inner.get("enabled") is not None:
                    switches.append(_switch(inner["enabled"], f"{where}{key}.enabled"))
        for word in words:
            if word is not None:
                effort = thinking_of_effort(word, efforts)
    if False in switches:
        return "off"
    if effort is None and switches:
        return "high" if default == "off" else default
    if effort == "off" and switches:  # switched on, and an effort of none: the more careful of the two
        return "off"
    return effort


def _switch(value: object, where: str) -> bool:
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else None
    if word in _ON:
        return True
    if word in _OFF:
        return False
    raise InvalidRequestError(f"{where} does not say on or off: give true or false, or a type of enabled or disabled")


_PLAIN = frozenset(
    {
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "presence_penalty",
        "frequency_penalty",
        "seed",
        "parallel_tool_calls",
        "stop",
        "cache_salt",
    }
)
_READ = frozenset(
    {
        "model",
        "messages",
        "stream",
        "stream_options",
        "max_tokens",
        "max_completion_tokens",
        "logprobs",
        "top_logprobs",
        "tools",
        "tool_choice",
        "response_format",
        "logit_bias",
        "reasoning_effort",
        "reasoning",
        "thinking",
        "enable_thinking",
        "chat_template_kwargs",
    }
)
_NO_EFFECT = frozenset(
    {
        "store",
        "metadata",
        "service_tier",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "user",
        "prediction",
        "verbosity",
    }
)
"""Fields that do not affect the answer: ignored, and not named."""


def _more_than_one(value: object) -> bool:
    return value != 1


def _other_than_text(value: object) -> bool:
    return not (is_list(value) and set(map(str, value)) <= {"text"})


def _any(value: object) -> bool:
    return value is not False


_REFUSED: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "n": (_more_than_one, "one request gives one choice; ask again for more"),
    "best_of": (_more_than_one, "one request gives one choice; ask again for more"),
    "audio": (_any, "V4 writes text only; leave it out"),
    "modalities": (_other_than_text, "V4 writes text only; give ['text'] or leave it out"),
    "suffix": (_any, "V4 fills no gap in a chat; leave it out"),
    "web_search_options": (_any, "no server of V4 searches the web; offer a tool that does"),
    "functions": (_any, "give tools, which replaced it"),
    "function_call": (_any, "give tool_choice, which replaced it"),
    "prompt": (_any, "give messages"),
    "echo": (_any, "a chat does not repeat its prompt; leave it out"),
}
"""Fields that would change the answer: a test for each, and the remedy."""


def read_chat_body(body: object, *, efforts: Mapping[str, Thinking] = EFFORTS, thinking: Thinking = "high") -> ChatBody:
    """Read a body of Chat Completions.

    A null, an empty list and an empty object have no meaning. A field without effect on the answer is left out; so is
    an unknown one, and `noted.ignored` names it.

    Args:
        body: The decoded body.
        efforts: The level for each effort word.
        thinking: The level where thinking is only switched on.

    Raises:
        InvalidRequestError: Something in it is wrong, or would change the answer and cannot be done.
    """
    if not is_mapping(body):
        raise InvalidRequestError("the body is not a JSON object")
    given = {key: value for key, value in body.items() if not says_nothing(value)}
    noted = Noted()
    _check_fields(given, noted)
    if "messages" not in given:
        raise InvalidRequestError("messages is missing: give a list of messages")
    bias = given.get("logit_bias")
    if bias is not None and not is_mapping(bias):
        raise InvalidRequestError(f"logit_bias is {type(bias).__name__}: give an object of token ids and numbers")
    model = given.get("model")
    if model is not None and not isinstance(model, str):
        raise InvalidRequestError(f"model is {type(model).__name__}: give a name")
    streamed = given.get("stream_options")
    return ChatBody(
        messages=read_history(given["messages"], noted),
        options=_options(given, efforts, thinking, noted),
        model=model,
        stream=_flag(given, "stream"),
        include_usage=is_mapping(streamed) and streamed.get("include_usage") is True,
        logit_bias=bias,
        noted=noted,
    )


def _check_fields(given: Mapping[str, object], noted: Noted) -> None:
    for key, value in given.items():
        if key in _REFUSED:
            refuses, remedy = _REFUSED[key]
            if refuses(value):
                raise UnsupportedOptionError(f"{key} cannot be done here: {remedy}", option=key)
        elif key not in _PLAIN and key not in _READ and key not in _NO_EFFECT:
            noted.ignore(key)


def _options(
    given: Mapping[str, object], efforts: Mapping[str, Thinking], thinking: Thinking, noted: Noted
) -> ChatOptions:
    options: dict[str, object] = {key: given[key] for key in given if key in _PLAIN}
    for key in ("max_tokens", "max_completion_tokens"):  # the newer name wins
        if key in given:
            options["max_tokens"] = given[key]
    if (level := asked_thinking(given, efforts, thinking)) is not None:
        options["thinking"] = level
    _note_kwargs(given, noted)
    if _flag(given, "logprobs"):
        options["logprobs"] = given.get("top_logprobs", 0)
    if "tools" in given:
        options["tools"] = _tools(given["tools"], noted)
    if "tool_choice" in given and ("tools" in given or given["tool_choice"] not in ("auto", "none")):
        options["tool_choice"] = given["tool_choice"]
    form = given.get("response_format")
    if form is not None and not (is_mapping(form) and form.get("type") == "text"):
        options["response_format"] = form
    return cast("ChatOptions", options)


def _flag(given: Mapping[str, object], name: str) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise InvalidRequestError(f"{name} is {type(value).__name__}: give true or false")
    return value


def _note_kwargs(given: Mapping[str, object], noted: Noted) -> None:
    kwargs = given.get("chat_template_kwargs")
    if kwargs is not None and not is_mapping(kwargs):
        raise InvalidRequestError(f"chat_template_kwargs is {type(kwargs).__name__}: give an object")
    for key in kwargs or {}:
        if key not in {"thinking", "enable_thinking", "reasoning_effort"}:
            noted.ignore(f"chat_template_kwargs.{key}")
    switch = given.get("thinking")
    if is_mapping(switch):
        for key in switch:
            if key not in {"type", "display"}:
                noted.ignore(f"thinking.{key}")


def _tools(value: object, noted: Noted) -> list[Mapping[str, object]]:
    if not is_list(value):
        raise InvalidRequestError(f"tools is {type(value).__name__}: give a list of tools")
    return [read_tool_definition(tool, f"tools[{index}]", noted) for index, tool in enumerate(value)]


def read_tool_definition(value: object, where: str, noted: Noted) -> Mapping[str, object]:
    """Read a tool in OpenAI's form without the fields that no server of V4 reads.

    Raises:
        InvalidRequestError: It is not a tool of the type `function`.
    """
    function = value.get("function") if is_mapping(value) else None
    if not is_mapping(value) or value.get("type", "function") != "function" or not is_mapping(function):
        kind = value.get("type") if is_mapping(value) else type(value).__name__
        raise InvalidRequestError(
            f"{where} has the type {str(kind)[:40]!r}: V4 calls tools of the type 'function' only"
        )
    for key in value:
        if key not in {"type", "function"}:
            noted.ignore(f"tools[].{key}")
    for key in function:
        if key not in _OF_A_FUNCTION:
            noted.ignore(f"tools[].function.{key}")
    return {"type": "function", "function": {key: item for key, item in function.items() if key in _OF_A_FUNCTION}}


_OF_A_FUNCTION = frozenset({"name", "description", "parameters", "strict"})
