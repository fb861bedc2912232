"""The wire that all of V4's servers share, OpenAI's Chat Completions; what differs between them is data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from deepseek_v4_sdk._version import __version__
from deepseek_v4_sdk.chat import (
    AssistantMessage,
    ChatRequest,
    JsonValue,
    Message,
    ModelInfo,
    Repair,
    Thinking,
    ToolMessage,
    Usage,
    kind_of,
    write_json,
)
from deepseek_v4_sdk.errors import APIError, InvalidRequestError, UnsupportedOptionError
from deepseek_v4_sdk.providers.http_call import EncodedChat, HttpCall, Target
from deepseek_v4_sdk.providers.provider import OptionRule, ProviderData, Refused, Sink
from deepseek_v4_sdk.providers.refusals import error_event, http_refusal

__all__ = ["COMMON_OPTIONS", "ChatCompletions", "as_key"]

_LEVELS: tuple[Thinking, ...] = ("off", "low", "high", "max")


def as_key(key: str) -> OptionRule:
    """The rule for an option that is sent as it is, under a key at the body's root."""
    return lambda value: {key: value}


def _logprobs(alternatives: int) -> dict[str, JsonValue]:
    return {"logprobs": True, "top_logprobs": alternatives}


COMMON_OPTIONS: Mapping[str, OptionRule] = {
    **{
        name: as_key(name)
        for name in (
            "parallel_tool_calls",
            "max_tokens",
            "temperature",
            "top_p",
            "presence_penalty",
            "frequency_penalty",
            "seed",
            "response_format",
            "user",
        )
    },
    "stop": lambda texts: {"stop": list(texts)},
    "logprobs": _logprobs,
}
"""The options that mean the same on every server."""


class ChatCompletions:
    """A provider that speaks Chat Completions, as its data says."""

    def __init__(self, data: ProviderData) -> None:
        self.data = data

    @property
    def name(self) -> str:
        """The name that replies and errors show."""
        return self.data.name

    def encode(self, request: ChatRequest, target: Target) -> EncodedChat:
        """The HTTP request for a chat.

        Raises:
            InvalidRequestError: This server would refuse or misread the request.
        """
        for check in self.data.rules:
            if complaint := check(request):
                raise InvalidRequestError(f"{self.name}: {complaint}")
        body: dict[str, JsonValue] = {}
        if request.model is not None:
            body["model"] = request.model
        body["messages"] = self._messages(request.messages)
        if request.tools:
            body["tools"] = [tool.to_dict() for tool in request.tools]
        if (choice := _tool_choice(request)) is not None:
            body["tool_choice"] = choice
        thinking, repairs = self._thinking(request)
        body.update(thinking)
        for name, rule in self.data.options.items():
            value = getattr(request, name)
            if value is None:
                continue
            if isinstance(rule, Refused):
                raise UnsupportedOptionError(
                    f"{self.name} has no option {name}: {rule.reason}", option=name, provider=self.name
                )
            body.update(rule(value))
        if request.wire == "stream":
            body["stream"] = True
            body["stream_options"] = {"include_usage": True}
        _merge(body, cast("Mapping[str, JsonValue]", request.extra_body))
        accept = "text/event-stream" if request.wire == "stream" else "application/json"
        call = HttpCall(
            "POST",
            target.base_url + self.data.chat_path,
            _headers(target, accept, request.extra_headers, with_body=True),
            _encoded(body),
        )
        model, limit = body.get("model"), body.get("max_completion_tokens") or body.get("max_tokens")
        return EncodedChat(
            call,
            model if isinstance(model, str) else None,
            limit if isinstance(limit, int) else None,
            repairs,
        )

    def query(self, path: str, target: Target) -> HttpCall:
        """The HTTP request for something to read, such as the list of models."""
        return HttpCall("GET", target.base_url + path, _headers(target, "application/json", {}, with_body=False))

    def decode(self, payload: dict[str, JsonValue], sink: Sink) -> None:
        """Take one event of a stream, or a whole plain answer, apart.

        Raises:
            APIError: The payload says that something went wrong on the server.
            ValueError: The payload is no such thing.
        """
        choices = payload.get("choices")
        if not isinstance(choices, list):
            if (error := error_event(self.name, payload)) is not None:
                raise error
            if "usage" not in payload and "id" not in payload:
                raise ValueError(f"an event without choices: {kind_of(payload)}")
            choices = []
        elif payload.get("error") is not None and (error := error_event(self.name, payload)) is not None:
            raise error
        for choice in choices:
            if not isinstance(choice, dict):
                raise ValueError(f"a choice that is no object: {kind_of(choice)}")
            if choice.get("index"):
                # One call asks for one choice. What a server gives beyond it is kept, and not mixed in.
                sink.other("other_choices", [choice])
                continue
            if payload.keys() - _TOP:
                _others(payload, _TOP, "", sink)
            _choice(choice, sink)
        if not choices and payload.keys() - _TOP:
            _others(payload, _TOP, "", sink)
        reply_id, model = payload.get("id"), payload.get("model")
        sink.begin(reply_id if isinstance(reply_id, str) else None, model if isinstance(model, str) else None)
        usage = payload.get("usage")
        if isinstance(usage, dict):
            sink.usage(read_usage(usage))
            sink.other("usage", usage)

    def models(self, payload: JsonValue) -> list[ModelInfo]:
        """Read the list of models.

        Raises:
            ValueError: It is no such list.
        """
        entries = payload.get("data") if isinstance(payload, dict) else None
        if not isinstance(entries, list):
            raise ValueError(f"no list of models: {kind_of(payload)}")
        return [_model(entry) for entry in entries]

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes, call: HttpCall) -> APIError:
        """The error that an HTTP answer without success means."""
        return http_refusal(self.name, status, headers, body, call)

    def _thinking(self, request: ChatRequest) -> tuple[dict[str, JsonValue], tuple[Repair, ...]]:
        table, wanted = self.data.thinking, request.thinking
        if wanted in table:
            return _copied(table[wanted]), ()
        offered: list[Thinking] = [level for level in _LEVELS if level in table]
        if request.on_unsupported != "nearest":
            raise UnsupportedOptionError(
                f"{self.name} has no thinking={wanted!r}; it has {', '.join(offered)}: "
                "choose one, or give on_unsupported='nearest'",
                option="thinking",
                provider=self.name,
            )
        place = _LEVELS.index(wanted)
        taken = min(offered, key=lambda level: abs(_LEVELS.index(level) - place))
        note = Repair("thinking_level", f"{self.name} has no thinking={wanted!r}; {taken!r} was sent")
        return _copied(table[taken]), (note,)

    def _messages(self, messages: Iterable[Message]) -> list[JsonValue]:
        """Messages in this server's form. Calls get sortable ids where the prompt sorts by them, results follow."""
        encoded: list[JsonValue] = []
        wire_ids: dict[str, str] = {}
        for message in messages:
            data = message.to_dict()
            if isinstance(message, AssistantMessage):
                if message.content is None and not message.tool_calls:
                    data["content"] = ""
                if message.reasoning is not None:
                    del data["reasoning"]
                    data[self.data.reasoning_key] = message.reasoning
                if self.data.sorts_calls_by_id and message.tool_calls:
                    wire_ids = _sortable_ids(message)
                    for call in cast("list[dict[str, JsonValue]]", data["tool_calls"]):
                        call["id"] = wire_ids[cast("str", call["id"])]
            elif isinstance(message, ToolMessage):
                data["tool_call_id"] = wire_ids.get(message.tool_call_id, message.tool_call_id)
            encoded.append(data)
        return encoded


# Fields of an event that have a place of their own, or that only repeat what every event says.
_TOP = frozenset({"id", "model", "choices", "usage", "object", "created", "error"})
_CHOICE = frozenset({"index", "delta", "message", "finish_reason", "logprobs"})
_DELTA = frozenset({"role", "content", "reasoning", "reasoning_content", "tool_calls"})


def _choice(choice: dict[str, JsonValue], sink: Sink) -> None:
    delta = choice.get("delta")
    if delta is None:
        delta = choice.get("message")
    if isinstance(delta, dict):
        reasoning = delta.get("reasoning") or delta.get("reasoning_content")
        if reasoning:
            sink.reasoning(_text_of(reasoning, "reasoning"))
        if content := delta.get("content"):
            sink.text(_text_of(content, "content"))
        if calls := delta.get("tool_calls"):
            _calls(calls, sink)
        if delta.keys() - _DELTA:
            _others(delta, _DELTA, "message.", sink)
    elif delta is not None:
        raise ValueError(f"a delta that is no object: {kind_of(delta)}")
    if logprobs := choice.get("logprobs"):
        entries = logprobs.get("content") if isinstance(logprobs, dict) else None
        if isinstance(entries, list):
            sink.logprobs(entries)
    if choice.keys() - _CHOICE:
        _others(choice, _CHOICE, "choice.", sink)
    if reason := choice.get("finish_reason"):
        # vLLM says stop_reason, SGLang matched_stop; a number there is a token id, not a text.
        stop = choice.get("stop_reason") or choice.get("matched_stop")
        sink.finish(str(reason), stop if isinstance(stop, str) else None)


def _calls(calls: JsonValue, sink: Sink) -> None:
    if not isinstance(calls, list):
        raise ValueError(f"tool_calls that are no list: {kind_of(calls)}")
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(call, dict) or not isinstance(function, dict | None):
            raise ValueError(f"a tool call that is no object: {kind_of(call)}")
        index, call_id = call.get("index"), call.get("id")
        name, arguments = (function.get("name"), function.get("arguments")) if function else (None, None)
        if isinstance(arguments, dict):  # some servers send the object itself
            arguments = write_json(arguments).decode()
        sink.call(
            index if isinstance(index, int) else None,
            _text_of(call_id, "id") if call_id else None,
            _text_of(name, "name") if name else None,
            _text_of(arguments, "arguments") if arguments else None,
        )


def _text_of(value: JsonValue, what: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{what} that is no text: {kind_of(value)}")
    return value


def _others(source: Mapping[str, JsonValue], known: frozenset[str], prefix: str, sink: Sink) -> None:
    for key, value in source.items():
        if value is not None and key not in known:
            sink.other(prefix + key, value)


def read_usage(usage: Mapping[str, JsonValue]) -> Usage:
    """The server's count, wherever it puts each number; what it leaves out or nulls is unknown."""
    prompt_details, details = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    cached = prompt_details.get("cached_tokens") if isinstance(prompt_details, dict) else None
    reasoning = details.get("reasoning_tokens") if isinstance(details, dict) else None
    return Usage(
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        reasoning_tokens=_count(usage.get("reasoning_tokens") if reasoning is None else reasoning),
        cached_tokens=_count(usage.get("prompt_cache_hit_tokens") if cached is None else cached),
        total_tokens=_count(usage.get("total_tokens")),
    )


def _count(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _model(entry: JsonValue) -> ModelInfo:
    name = entry.get("id") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(name, str):
        raise ValueError(f"a model without an id: {kind_of(entry)}")
    owner, parent = entry.get("owned_by"), entry.get("parent")
    return ModelInfo(
        id=name,
        context_window=_count(entry.get("max_model_len")),
        owned_by=owner if isinstance(owner, str) else None,
        parent=parent if isinstance(parent, str) else None,
        raw=entry,
    )


def _tool_choice(request: ChatRequest) -> JsonValue:
    choice = request.tool_choice
    if choice is None or not request.tools or choice == "auto":
        return None  # the default is left out: some servers accept auto, some want it absent
    if choice in {"none", "required"}:
        return choice
    return {"type": "function", "function": {"name": choice}}


def _sortable_ids(message: AssistantMessage) -> dict[str, str]:
    width = max(2, len(str(len(message.tool_calls) - 1)))
    return {call.id: f"call_{place:0{width}d}_{call.id}" for place, call in enumerate(message.tool_calls)}


def _merge(body: dict[str, JsonValue], extra: Mapping[str, JsonValue]) -> None:
    for key, value in extra.items():
        present = body.get(key)
        if isinstance(present, dict) and isinstance(value, Mapping):
            _merge(present, value)
        else:
            body[key] = value


def _copied(value: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {key: _copied(item) if isinstance(item, dict) else item for key, item in value.items()}


def _encoded(body: Mapping[str, JsonValue]) -> bytes:
    try:
        return write_json(body)
    except (ValueError, TypeError) as error:
        raise InvalidRequestError(f"the request cannot be written as JSON: {error}") from None


def _headers(target: Target, accept: str, extra: Mapping[str, str], *, with_body: bool) -> tuple[tuple[str, str], ...]:
    headers = {
        "accept": accept,
        # A compressed stream is held back by proxies until a block is full.
        "accept-encoding": "identity",
        "user-agent": f"deepseek-v4-sdk/{__version__}",
    }
    if with_body:
        headers["content-type"] = "application/json"
    if (key := target.key()) is not None:
        headers["authorization"] = f"Bearer {key.get_secret_value()}"
    for more in (target.headers, extra):
        headers.update({name.lower(): value for name, value in more.items()})
    return tuple(headers.items())
