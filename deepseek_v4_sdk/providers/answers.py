"""Reading answers: one event of a stream, or a whole plain answer, is split into pieces for a sink."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import JsonValue, Usage, kind_of, write_json
from deepseek_v4_sdk.providers.provider import Provider, Sink
from deepseek_v4_sdk.providers.refusals import error_event, reported_error
from deepseek_v4_sdk.providers.words import BROKEN_OFF, NO_REASONS, is_empty, is_reason

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat.served import ModelInfo

__all__ = ["ForeignEventError", "InexactNumberError", "read_answer", "read_models", "read_usage"]

# An object of an event has at most so many fields; later ones are not remembered.
_REMEMBERED = 64


class InexactNumberError(ValueError):
    """A number is in the place of a text, and its digits are lost."""


class ForeignEventError(ValueError):
    """An object is not a part of an answer, and reports nothing wrong: a gateway added it to a stream.

    Attributes:
        payload: The object.
    """

    def __init__(self, payload: dict[str, JsonValue]) -> None:
        super().__init__(f"an event without choices: {kind_of(payload)}")
        self.payload = payload


class _Unknown(dict[tuple[str, ...], tuple[str, ...]]):
    """The keys of an object that have no place in a reply, by all of its keys: servers send few kinds of objects.

    Args:
        known: The keys that have a place, or that only repeat information of every event.
    """

    def __init__(self, *known: str) -> None:
        super().__init__()
        self._known = frozenset(known)

    def __missing__(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        unknown = tuple(key for key in keys if key not in self._known)
        if len(self) < _REMEMBERED and len(keys) < _REMEMBERED:
            self[keys] = unknown
        return unknown


_TOP = _Unknown("id", "model", "choices", "usage", "object", "created", "error")
_CHOICE = _Unknown("index", "delta", "message", "finish_reason", "logprobs")
_DELTA = _Unknown("role", "content", "reasoning", "reasoning_content", "tool_calls")


def read_answer(provider: Provider, payload: dict[str, JsonValue], sink: Sink) -> None:
    """Split one event of a stream, or a whole plain answer, into pieces.

    Raises:
        APIError: The payload says that something went wrong on the server.
        ForeignEventError: The payload is an object of another kind.
        ValueError: The payload is not a part of an answer.
    """
    get = payload.get
    choices = get("choices")
    if not isinstance(choices, list):
        if _says_nothing(payload, provider):
            return
        choices = []
    elif get("error") and (error := error_event(provider.name, payload)) is not None:
        raise error
    if not sink.begun:
        reply_id, model = get("id"), get("model")
        sink.begin(reply_id if isinstance(reply_id, str) else None, model if isinstance(model, str) else None)
    if "nvext" in payload:
        _detail(payload["nvext"], sink)
    for choice in choices:
        if choice is None:
            continue
        if not isinstance(choice, dict):
            raise ValueError(f"a choice that is not an object: {kind_of(choice)}")
        if choice.get("index"):
            # One call requests one choice. Further ones are kept, and not mixed in.
            sink.other("other_choices", [choice])
            continue
        _choice(choice, sink, provider)
    for key in _TOP[tuple(payload)]:
        if (value := payload[key]) is not None:
            sink.other(key, value)
    usage = get("usage")
    if isinstance(usage, dict):
        sink.usage(read_usage(usage))
        sink.other("usage", usage)


def _says_nothing(payload: dict[str, JsonValue], provider: Provider) -> bool:
    """Whether to skip an object without choices.

    Raises:
        APIError: It says that something went wrong.
        ForeignEventError: It is not a part of an answer.
    """
    if (error := error_event(provider.name, payload)) is not None:
        raise error
    if is_empty(payload):
        return True
    if "usage" not in payload and "id" not in payload:
        raise ForeignEventError(payload)
    return False


def read_models(payload: JsonValue) -> list[ModelInfo]:
    """Read the list of models; an id that is listed twice counts once.

    Raises:
        ValueError: It is not such a list.
    """
    entries = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(entries, list):
        raise ValueError(f"no list of models: {kind_of(payload)}")
    models = [_model(entry) for entry in entries]
    return list({model.id: model for model in reversed(models)}.values())[::-1]


def _choice(choice: dict[str, JsonValue], sink: Sink, provider: Provider) -> None:
    get = choice.get
    delta = get("delta") or get("message")
    if isinstance(delta, dict):
        known = delta.get
        reasoning, content = known("reasoning"), known("content")
        if reasoning is None or reasoning == "":
            reasoning = known("reasoning_content")
        if (reasoning is None or type(reasoning) is str) and (content is None or type(content) is str):
            if reasoning:
                sink.reasoning(reasoning)
            if content:
                sink.text(content)
        else:
            _pass_parts(reasoning, content, sink)
        if calls := known("tool_calls"):
            _calls(calls, sink, whole=get("delta") is None)
        for key in _DELTA[tuple(delta)]:
            if (value := delta[key]) is not None:
                sink.other(f"message.{key}", value)
    elif delta is not None:
        raise ValueError(f"a delta that is not an object: {kind_of(delta)}")
    if logprobs := get("logprobs"):
        _logprobs(logprobs, sink)
    if unknown := _CHOICE[tuple(choice)]:
        _others(choice, unknown, sink, provider)
    if get("finish_reason"):
        _finish(choice, sink)


def _others(choice: dict[str, JsonValue], keys: tuple[str, ...], sink: Sink, provider: Provider) -> None:
    for key in keys:
        if (value := choice[key]) is not None:
            if key == "error":
                _raise(value, provider)  # OpenRouter puts it there
            sink.other(f"choice.{key}", value)


def _finish(choice: dict[str, JsonValue], sink: Sink) -> None:
    reason = choice["finish_reason"]
    if reason not in NO_REASONS:
        # vLLM sends stop_reason, SGLang matched_stop; a number there is a token id, not a text.
        stop = choice.get("stop_reason") or choice.get("matched_stop")
        sink.finish(str(reason), stop if isinstance(stop, str) else None)


def _logprobs(logprobs: JsonValue, sink: Sink) -> None:
    entries = logprobs.get("content") if isinstance(logprobs, dict) else None
    if isinstance(entries, list):
        sink.logprobs(entries)


def _detail(value: JsonValue, sink: Sink) -> None:
    """Pass on Dynamo's own finish reason, where it was requested: without it, a cancelled answer ends with "stop"."""
    detail = value.get("detailed_finish_reason") if isinstance(value, dict) else None
    if isinstance(detail, str) and detail.lower() in BROKEN_OFF:
        sink.finish(detail, None)


def _raise(reason: JsonValue, provider: Provider) -> None:
    if is_reason(reason):
        raise reported_error(provider.name, {"error": reason})


def _calls(calls: JsonValue, sink: Sink, *, whole: bool) -> None:
    if not isinstance(calls, list):
        raise ValueError(f"tool_calls that are not a list: {kind_of(calls)}")
    for place, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(call, dict) or not isinstance(function, dict | None):
            raise ValueError(f"a tool call that is not an object: {kind_of(call)}")
        # Each entry of a plain answer is a separate call, whatever index and id it has.
        index, call_id = place if whole else call.get("index"), call.get("id")
        name, arguments = (function.get("name"), function.get("arguments")) if function else (None, None)
        if isinstance(arguments, dict):  # some servers send the object itself
            arguments = write_json(arguments).decode()
        if not name and not call_id and (arguments is None or arguments == ""):
            continue  # it is empty: a sign of life of the server, and not a call
        sink.call(
            index if isinstance(index, int) else None,
            _text_of(call_id, "id") if call_id else None,
            _text_of(name, "name") if name else None,
            None if arguments is None or arguments == "" else _text_of(arguments, "arguments"),
        )


# The parts that hold text, and those that hold reasoning: OpenAI's names, Mistral's, and Databricks'.
_TEXT_PARTS = frozenset({"text", "output_text"})
_REASONING_PARTS = frozenset({"reasoning", "thinking", "reasoning_text", "summary_text"})
_FIELDS_OF_PARTS = ("text", "reasoning", "thinking", "content", "summary")


def _pass_parts(reasoning: JsonValue, content: JsonValue, sink: Sink) -> None:
    """Pass on the model's output in forms other than texts."""
    # All is read before anything is passed on: the event may have to be decoded again.
    texts = [*_texts_of(reasoning, "reasoning"), *_texts_of(content, "content")]
    for what, text in texts:
        (sink.reasoning if what == "reasoning" else sink.text)(text)


def _texts_of(value: JsonValue, what: str) -> Iterator[tuple[str, str]]:
    """Yield the texts in a value, and the kind of each.

    Raises:
        ValueError: It holds something else.
    """
    if isinstance(value, list):
        for part in value:
            yield from _texts_of_part(part, what) if isinstance(part, dict) else _texts_of(part, what)
    elif value is not None and (text := _text_of(value, what)):
        yield what, text


def _texts_of_part(part: dict[str, JsonValue], what: str) -> Iterator[tuple[str, str]]:
    kind = part.get("type", "text")
    if kind in _REASONING_PARTS:
        what = "reasoning"
    elif kind not in _TEXT_PARTS:
        raise ValueError(f"{what} with a part of the type {str(kind)[:40]!r}, which is not a text")
    for field in _FIELDS_OF_PARTS:
        yield from _texts_of(part.get(field), what)


def _text_of(value: JsonValue, what: str) -> str:
    """Return a text; or the digits of a number, and the word for a boolean, where a gateway took a token for one.

    Raises:
        InexactNumberError: Decoding has rounded the digits.
        ValueError: It is neither.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        raise InexactNumberError(f"{what} that is not a text: a number")
    if isinstance(value, int):  # a boolean too
        return str(value).lower()
    raise ValueError(f"{what} that is not a text: {kind_of(value)}")


def read_usage(usage: Mapping[str, JsonValue]) -> Usage:
    """Read the server's count, wherever it puts each number; missing and null ones are unknown."""
    prompt_details, details = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    given = prompt_details.get("cached_tokens") if isinstance(prompt_details, dict) else None
    reasoning = details.get("reasoning_tokens") if isinstance(details, dict) else None
    prompt = _count(usage.get("prompt_tokens"))
    missed = _count(usage.get("prompt_cache_miss_tokens"))
    cached = _count(usage.get("prompt_cache_hit_tokens") if given is None else given)
    if cached is None and prompt is not None and missed is not None:
        cached = max(0, prompt - missed)
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=_count(usage.get("completion_tokens")),
        reasoning_tokens=_count(usage.get("reasoning_tokens") if reasoning is None else reasoning),
        cached_tokens=cached,
        total_tokens=_count(usage.get("total_tokens")),
    )


def _count(value: JsonValue) -> int | None:
    """Read a number of tokens, also one that is written as a float.

    A count that would not fit into a float, or is below zero, is not a number of tokens.
    """
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def _model(entry: JsonValue) -> ModelInfo:
    from deepseek_v4_sdk.chat.served import ModelInfo  # few programs request it

    name = entry.get("id") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(name, str):
        raise ValueError(f"a model without an id: {kind_of(entry)}")
    owner, parent = entry.get("owned_by"), entry.get("parent")
    return ModelInfo(
        id=name,
        context_window=_count(entry.get("max_model_len") or entry.get("context_window")),  # the second is Dynamo's
        owned_by=owner if isinstance(owner, str) else None,
        parent=parent if isinstance(parent, str) else None,
        raw=entry,
    )
