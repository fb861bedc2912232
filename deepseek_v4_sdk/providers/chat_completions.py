"""The API that all of V4's servers share, OpenAI's Chat Completions; their differences are data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Any, cast
from urllib.parse import urlsplit

from deepseek_v4_sdk._version import __version__
from deepseek_v4_sdk.catalogue.models import ServedModel
from deepseek_v4_sdk.chat import ChatRequest, HistoryRules, JsonValue, Message, OfferedTools, Repair, first_fatal
from deepseek_v4_sdk.chat.served import ModelInfo
from deepseek_v4_sdk.errors import APIError, ConfigurationError, InvalidRequestError, UnsupportedOptionError
from deepseek_v4_sdk.providers.answers import read_answer, read_models
from deepseek_v4_sdk.providers.bodies import (
    check_thinking,
    encoded,
    marked_tokens,
    merge,
    messages_as_rendered,
    messages_body,
    thinking_body,
    tool_choice_body,
)
from deepseek_v4_sdk.providers.http_call import EncodedChat, HttpCall, Target
from deepseek_v4_sdk.providers.provider import Lacks, OptionRule, ProviderData, Refused, Sink
from deepseek_v4_sdk.providers.refusals import http_refusal

__all__ = ["COMMON_OPTIONS", "ChatCompletions", "as_key", "top_k"]

_FAMILIES = ("pro", "flash")
_COUNTED = ("model", "messages", "tools", "tool_choice", "chat_template_kwargs", "reasoning_effort")
_ALL_TOKENS = 129_280  # V4's vocabulary
_REQUEST_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}")  # it becomes a part of a path


def as_key(key: str) -> OptionRule:
    """The rule for an option that is sent unchanged, under a key at the body's root."""
    return lambda value: {key: value}


def top_k(count: int) -> dict[str, JsonValue]:
    """A value of `top_k` that may be sent: -1 is "all" with every engine, where 0 is a 400 with some.

    So is a value beyond the vocabulary. Unchanged, 2**31 ends SGLang's scheduler (0.5.23), and vLLM's Rust front end
    refuses it (0.33).
    """
    return {"top_k": count if 0 < count <= _ALL_TOKENS else -1}


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


# Each of them needs a rule in a provider's data; without one, the client refuses it, and does not leave it out.
_SENT = (*COMMON_OPTIONS, "top_k", "min_p", "priority", "cache_salt")
_UNKNOWN = Refused("its data has no rule for it; leave it out, or give extra_body what this server reads")


class ChatCompletions:
    """A provider with the Chat Completions API, according to its data.

    Args:
        data: The properties of its server.
        reads_frames: Whether events that differ only in their text are read without parsing; never where a subclass
            has its own `decode`.
    """

    def __init__(self, data: ProviderData, *, reads_frames: bool = True) -> None:
        own = type(self).decode is not ChatCompletions.decode
        self.data = replace(data, reads_frames=reads_frames and not own)
        self._options = tuple(dict.fromkeys((*_SENT, *data.options)))
        self._option_values = attrgetter(*self._options)  # read with every request

    @property
    def name(self) -> str:
        """The name that replies and errors show."""
        return self.data.name

    @property
    def engine(self) -> str | None:
        """The engine inside: the provider itself, where there is only one; None until the server reports it."""
        return self.data.name

    def encode(self, request: ChatRequest, target: Target) -> EncodedChat:
        """Make the HTTP request for a chat.

        Raises:
            InvalidRequestError: This server would refuse or misread the request.
        """
        request, changed = self._adapted(request)
        body, notes = self._body(request, target)
        path = self.data.route(request) if self.data.route is not None else self.data.chat_path
        accept = "text/event-stream" if request.wire == "stream" else "application/json"
        sent, limit = body.get("model"), body.get("max_completion_tokens") or body.get("max_tokens")
        entry = target.catalogue.entry(self.data.name, sent) if isinstance(sent, str) else None
        call = HttpCall(
            "POST",
            target.base_url + path,
            _headers(target, accept, request.extra_headers, with_body=True),
            encoded(body),
            entry.successors if entry is not None else (),
        )
        notes = changed + notes
        notes += tuple(note for check in self.data.notes if (note := check(request, entry)) is not None)
        return EncodedChat(
            call, sent if isinstance(sent, str) else None, limit if isinstance(limit, int) else None, notes
        )

    def as_rendered(self, request: ChatRequest) -> tuple[Message, ...]:
        """The messages as the server renders them; unchanged ones are the same objects."""
        return messages_as_rendered(self.data, request)

    def count_call(self, request: ChatRequest, target: Target) -> HttpCall:
        """Make the HTTP request for the server's count of a chat's prompt tokens.

        Raises:
            ConfigurationError: The server has no such route.
        """
        path = self.data.renderer.count_path
        if path is None:
            raise ConfigurationError(f"{self.name} has no route that counts tokens: give source='local'")
        chat, _ = self._body(self._adapted(request)[0], target)
        # Only the fields that affect the prompt. vLLM reads the thinking level here only from the kwargs.
        body = {key: chat[key] for key in _COUNTED if key in chat}
        if self.data.renderer.shows_format and "response_format" in chat:
            body["response_format"] = chat["response_format"]
        kwargs = body.get("chat_template_kwargs")
        if self.data.renderer.count_effort_at_root and isinstance(kwargs, dict) and "reasoning_effort" in kwargs:
            body["reasoning_effort"] = kwargs["reasoning_effort"]
        headers = _headers(target, "application/json", request.extra_headers, with_body=True)
        return HttpCall("POST", target.base_url + path, headers, encoded(body))

    def _body(self, request: ChatRequest, target: Target) -> tuple[dict[str, JsonValue], tuple[Repair, ...]]:
        data = self.data
        self._check(request)
        model, notes = self._model(request.model, target)
        thinking, more = thinking_body(data, request)
        if request.extra_body:
            check_thinking(request, thinking)
        body: dict[str, JsonValue] = {}
        if model is not None:
            body["model"] = model
        body["messages"] = messages_body(data, request)
        if request.tools:
            body["tools"] = OfferedTools(request.tools)
        if (choice := tool_choice_body(request)) is not None:
            body["tool_choice"] = choice
        body.update(thinking)
        merge(body, target.limits.default_body(data.default_body, target.base_url, model))
        self._write_options(request, body)
        if request.wire == "stream":
            body["stream"] = True
            body["stream_options"] = {"include_usage": True}
        merge(body, cast("Mapping[str, JsonValue]", request.extra_body))
        return body, notes + more + marked_tokens(request)

    def query(self, path: str, target: Target) -> HttpCall:
        """Make the HTTP request for something to read, such as the list of models."""
        return HttpCall("GET", target.base_url + path, _headers(target, "application/json", {}, with_body=False))

    def poll(self, status: int, headers: Mapping[str, str], call: HttpCall) -> HttpCall | None:
        """The request that polls for an accepted answer (NVIDIA's status 202), or None."""
        asked = headers.get("nvcf-reqid", "")
        if status != 202 or not _REQUEST_ID.fullmatch(asked) or not call.url.endswith(self.data.chat_path):
            return None
        root = call.url.removesuffix(self.data.chat_path)
        if self.data.poll_url is not None and urlsplit(call.url).hostname in self.data.hosts:
            root = self.data.poll_url
        kept = tuple((name, value) for name, value in call.headers if name != "content-type")
        return HttpCall("GET", f"{root}/v2/nvcf/pexec/status/{asked}", kept, None, call.successors)

    def decode(self, payload: dict[str, JsonValue], sink: Sink) -> None:
        """Split one event of a stream, or a whole plain answer, into pieces.

        Raises:
            APIError: The payload says that something went wrong on the server.
            ValueError: The payload is not a part of an answer.
        """
        read_answer(self, payload, sink)

    def models(self, payload: JsonValue) -> list[ModelInfo]:
        """Read the list of models.

        Raises:
            ValueError: It is not such a list.
        """
        return read_models(payload)

    def discovered(self, models: list[ModelInfo]) -> ChatCompletions:
        """Return the provider for a server that lists these models."""
        del models
        return self

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes, call: HttpCall) -> APIError:
        """Make the error for an HTTP answer without success."""
        return http_refusal(self.name, status, headers, body, call, self.data.remedies)

    @property
    def history_rules(self) -> HistoryRules:
        """The server's rules for a conversation."""
        return self.data.history

    def _adapted(self, request: ChatRequest) -> tuple[ChatRequest, tuple[Repair, ...]]:
        """Change the options that the caller would rather lose than have refused; return the request and its notes."""
        notes: list[Repair] = []
        wanted = request.on_unsupported
        for rule in self.data.rules if wanted is not None else ():
            complaint = rule(request)
            if isinstance(complaint, Lacks) and wanted is not None and wanted in complaint.ways:
                changes = complaint.ways[wanted]
                sent = ", ".join(f"{name}={value!r}" for name, value in changes.items())
                reason = complaint.reason.partition(":")[0]
                notes.append(Repair(complaint.option, f"{self.name}: {reason}; sent: {sent}"))
                request = replace(request, **cast("dict[str, Any]", dict(changes)))
        return request, tuple(notes)

    def _check(self, request: ChatRequest) -> None:
        problems = request.history.problems(self.data.history, thinking=request.thinking != "off")
        if problem := first_fatal(problems):
            raise InvalidRequestError(f"{self.name}: {problem}")
        for rule in self.data.rules:
            complaint = rule(request)
            if isinstance(complaint, Lacks):
                raise UnsupportedOptionError(
                    f"{self.name}: {complaint.reason}", option=complaint.option, provider=self.name
                )
            if complaint:
                raise InvalidRequestError(f"{self.name}: {complaint}")

    def _model(self, wanted: str | None, target: Target) -> tuple[str | None, tuple[Repair, ...]]:
        """Return the name to send: an alias becomes the id it means here, and a server with one model needs none."""
        if wanted is None:
            if self.data.model == "required":
                known = ", ".join(target.catalogue.names(self.name))
                raise InvalidRequestError(f"{self.name} needs a model: give model='pro' or 'flash', or one of {known}")
            return target.served_model, ()
        if wanted in _FAMILIES and target.served:
            found = [name for name in target.served if f"-{wanted}" in name.lower()]
            if len(found) != 1:
                listed = ", ".join(target.served)
                raise InvalidRequestError(f"{self.name}: model={wanted!r} is not one of the models there: {listed}")
            return found[0], (Repair("model_alias", f"{wanted!r} is {found[0]} on this server"),)
        entry: ServedModel | None = target.catalogue.find(self.name, wanted)
        if entry is None or entry.id == wanted:
            return wanted, ()
        return entry.id, (Repair("model_alias", f"{wanted!r} is {entry.id} at {self.name}"),)

    def _write_options(self, request: ChatRequest, body: dict[str, JsonValue]) -> None:
        for name, value in zip(self._options, self._option_values(request), strict=True):
            if value is None:
                continue
            rule = self.data.options.get(name, _UNKNOWN)
            if isinstance(rule, Refused):
                raise UnsupportedOptionError(
                    f"{self.name} has no option {name}: {rule.reason}", option=name, provider=self.name
                )
            merge(body, rule(value))


def _headers(target: Target, accept: str, extra: Mapping[str, str], *, with_body: bool) -> tuple[tuple[str, str], ...]:
    headers = {
        "accept": accept,
        # Proxies hold back a compressed stream until a block is full.
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
