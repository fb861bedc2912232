"""The laws for requests: options, thinking levels, history, the key, and the agreement of the data with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deepseek_v4_sdk.chat import OPTION_NAMES, ChatRequest, JsonValue, is_mapping, read_json, write_json
from deepseek_v4_sdk.errors import ConfigurationError, InvalidRequestError, UnsupportedOptionError
from deepseek_v4_sdk.providers import HttpCall, LearnedLimits, Provider, Refused, Target
from deepseek_v4_sdk.providers.refusals import secrets_in
from deepseek_v4_sdk.testing.conformance.hearing import leaves
from deepseek_v4_sdk.testing.conformance.report import ProviderProblem

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import Repair

__all__ = ["KEY", "LOCAL", "VALUES", "request_problems"]

KEY = "check-Zx81-Qw27-Lm05"
_BASE = "http://provider-check.invalid/prefix"
_PROMPT = "Give JSON."
_TOOLS: tuple[Mapping[str, object], ...] = (
    {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
    {"name": "now", "description": "The time."},
)
_FORMAT = {"name": "n", "schema": {"type": "object", "properties": {"a": {"type": "integer"}}}, "strict": True}
_TOKEN = "<｜User｜>"  # noqa: S105  # a control token of V4

VALUES: Mapping[str, tuple[object, object]] = {
    "model": ("model-a", "model-b"),
    "tools": (_TOOLS[:1], _TOOLS[1:]),
    "tool_choice": ("none", "required"),
    "parallel_tool_calls": (True, False),
    "max_tokens": (100, 200),
    "temperature": (0.25, 0.75),
    "top_p": (0.8, 0.9),
    "top_k": (3, 40),
    "min_p": (0.1, 0.2),
    "presence_penalty": (-0.5, 0.5),
    "frequency_penalty": (-0.5, 0.5),
    "stop": ("END", ("a", "b")),
    "seed": (7, 8),
    "response_format": ({"type": "json_object"}, {"type": "json_schema", "json_schema": _FORMAT}),
    "logprobs": (True, 5),
    "priority": (3, -3),
    "cache_salt": ("tenant-a", "tenant-b"),
    "user": ("user-a", "user-b"),
    "wire": ("stream", "plain"),
    "control_tokens": ("refuse", "mark"),
    "extra_body": ({"check_field": {"a": [1]}}, {"check_field": {"a": [2]}}),
    "extra_headers": ({"x-check": "a"}, {"x-check": "b"}),
}
"""Two values of each option that mean different things; one of them may be the server's default."""

LOCAL = frozenset(
    "timeout metadata overflow window spend dsml on_unsupported on_interrupt continue_from until_done "  # noqa: SIM905
    "max_reasoning_tokens".split()
)
"""The options that the client keeps to; a provider does not see to them."""


@dataclass(frozen=True)
class _Sent:
    """A request that was made."""

    call: HttpCall
    notes: tuple[Repair, ...]
    body: dict[str, JsonValue]

    def __str__(self) -> str:
        return f"it sends {write_json(self.body).decode():.300}"

    @property
    def mark(self) -> tuple[object, ...]:
        return self.call.url, write_json(self.body), dict(self.call.headers)


@dataclass(frozen=True)
class _Failed:
    """A request that was not made."""

    error: Exception

    def __str__(self) -> str:
        return f"it ends with {type(self.error).__name__}: {self.error}"

    def names(self, option: str) -> bool:
        error = self.error
        if isinstance(error, UnsupportedOptionError):
            return error.option == option
        return isinstance(error, InvalidRequestError) and option in str(error)


def request_problems(provider: Provider) -> Iterator[ProviderProblem]:
    """Yield the laws that the requests of a provider break."""
    yield from _data(provider)
    plain = _sent(provider)
    if isinstance(plain, _Failed):
        yield ProviderProblem("data", "a plain question", f"{plain}; mend encode: no other request was checked")
        return
    yield from _key(plain)
    yield from _thinking(provider)
    for name in VALUES:
        yield from _option(provider, name)
    yield from _extras(provider, plain)
    yield from _history(provider)


def _target() -> Target:
    from pydantic import SecretStr  # loaded when there is a key

    return Target(_BASE, lambda: SecretStr(KEY), limits=LearnedLimits())


def _sent(provider: Provider, messages: object = _PROMPT, **options: object) -> _Sent | _Failed:
    levels = provider.data.thinking
    frame = {"model": "some-model", "thinking": "high" if "high" in levels else next(iter(levels), "high")}
    try:
        encoded = provider.encode(ChatRequest.build(messages, {**frame, **options}, {}), _target())
        body = read_json(encoded.call.body or b"null")
    except Exception as error:  # noqa: BLE001  # an error of the provider's own is a finding
        return _Failed(error)
    if not isinstance(body, dict):
        return _Failed(TypeError("the body is not a JSON object"))
    return _Sent(encoded.call, encoded.repairs, body)


def _data(provider: Provider) -> Iterator[ProviderProblem]:
    data = provider.data
    host = urlsplit(data.base_url or "").hostname
    unknown = sorted(data.options.keys() - OPTION_NAMES)
    silent = [name for name, rule in data.options.items() if isinstance(rule, Refused) and not rule.reason.strip()]
    paths = [path for path in (data.chat_path, data.models_path, data.health_path) if not path.startswith("/")]
    unnamed = _sent(provider, model=None)
    refuses = isinstance(unnamed, _Failed) and isinstance(unnamed.error, InvalidRequestError)
    without = "refuses" if refuses else "sends"
    counted = _count_path(provider)
    for field, wrong, text in (
        ("options", unknown, f"{', '.join(unknown)} is not an option of a chat; correct the name"),
        ("options", silent, f"{', '.join(silent)} has Refused without a reason; write one"),
        ("thinking", not data.thinking, "it is empty; give the part of the body for each level"),
        ("reasoning_keys", not data.reasoning_keys, "it is empty; name the field of earlier reasoning"),
        ("chat_path", paths, f"{', '.join(paths)} does not begin with /; write paths from the base URL"),
        ("key_variables", data.needs_key and not data.key_variables, "it is empty, and needs_key is True; name one"),
        (
            "hosts",
            host and data.key_variables and host not in data.hosts,
            f"{host} of base_url is missing; add it: a key of the environment goes to these hosts only",
        ),
        (
            "model",
            (data.model == "required") is not refuses,
            f"it is {data.model!r}, and encode {without} a request that names no model; make them agree",
        ),
        ("renderer", counted != data.renderer.count_path, f"count_path differs from what count_call asks: {counted!r}"),
    ):
        if wrong:
            yield ProviderProblem("data", f"ProviderData.{field}", text)


def _count_path(provider: Provider) -> str | None:
    level = next(iter(provider.data.thinking), "high")
    try:
        request = ChatRequest.build(_PROMPT, {"model": "some-model", "thinking": level}, {})
        return provider.count_call(request, _target()).url.removeprefix(_BASE)
    except ConfigurationError:
        return None
    except Exception as error:  # noqa: BLE001  # it is shown as the answer
        return repr(error)


def _key(plain: _Sent) -> Iterator[ProviderProblem]:
    call = plain.call
    if KEY not in secrets_in(call.headers):
        text = "no header with a name such as authorization or x-api-key has it; cassettes and errors hide only such"
        yield ProviderProblem("key", "the key", text)
    if KEY.encode() in (call.body or b"") or KEY in call.url:
        yield ProviderProblem("key", "the key", "it is in the URL or the body, which logs keep; send it in a header")
    if not call.url.startswith(f"{_BASE}/"):
        yield ProviderProblem("data", "the URL", f"{call.url} is not under target.base_url; begin with that")


def _thinking(provider: Provider) -> Iterator[ProviderProblem]:
    table, marks = provider.data.thinking, dict[bytes, str]()
    for level in ("off", "low", "high", "max"):
        sent, place = _sent(provider, thinking=level), f"option thinking={level!r}"
        near = _sent(provider, thinking=level, on_unsupported="nearest")
        if level in table:
            if isinstance(sent, _Failed):
                text = f"it is in ProviderData.thinking, and {sent}; send it, or take it out"
                yield ProviderProblem("data", place, text)
            elif not _within(table[level], sent.body):
                text = f"ProviderData.thinking promises {dict(table[level])}, and {sent}; write that into the body"
                yield ProviderProblem("data", place, text)
            elif (same := marks.setdefault(write_json(sent.body), level)) != level:
                yield ProviderProblem("options", place, f"its body is that of {same!r}; leave one of them out")
        elif isinstance(sent, _Sent) or not sent.names("thinking"):
            text = f"ProviderData.thinking lacks it, and {sent}; raise UnsupportedOptionError(option='thinking')"
            yield ProviderProblem("options", place, text)
        elif isinstance(near, _Failed) or not near.notes:
            text = f"with on_unsupported='nearest' {near}; send the nearest level, with a Repair that says so"
            yield ProviderProblem("options", place, text)


def _within(part: object, whole: JsonValue) -> bool:
    if is_mapping(part) and isinstance(whole, dict):
        return all(key in whole and _within(value, whole[key]) for key, value in part.items())
    return part == whole


def _option(provider: Provider, name: str) -> Iterator[ProviderProblem]:
    frame = {"tools": _TOOLS} if name in {"tool_choice", "parallel_tool_calls"} else {}
    prompt = f"JSON {_TOKEN}" if name == "control_tokens" else _PROMPT
    absent = _sent(provider, prompt, **frame)
    place, marks, silent = f"option {name}", dict[str, object](), list[object]()
    for value in VALUES[name]:
        sent = _sent(provider, prompt, **{**frame, name: value})
        if isinstance(sent, _Failed) or isinstance(absent, _Failed):
            if not (isinstance(sent, _Failed) and sent.names(name)):
                text = f"with {value!r} {sent}; send it, or raise UnsupportedOptionError(option={name!r}) with a reason"
                yield ProviderProblem("options", place, text)
        elif sent.mark == absent.mark and (name == "control_tokens" or len(sent.notes) <= len(absent.notes)):
            silent.append(value)
        elif len(sent.notes) <= len(absent.notes) and (same := marks.setdefault(repr(sent.mark), value)) is not value:
            yield ProviderProblem("options", place, f"{value!r} and {same!r} make one request; send the given value")
    if len(silent) > (name != "control_tokens"):
        text = f"{', '.join(map(repr, silent))} change nothing in the request; send them, or refuse them with a reason"
        yield ProviderProblem("options", place, text)


def _extras(provider: Provider, plain: _Sent) -> Iterator[ProviderProblem]:
    """Yield when additions of the caller do not go out unchanged, or stay for the next request."""
    inner = {key: {"check_field": [1]} for key, value in plain.body.items() if isinstance(value, dict)}
    sent = _sent(provider, extra_body={"check_field": {"a": [1]}, **inner})
    if isinstance(sent, _Failed) or not _within({"check_field": {"a": [1]}, **inner}, sent.body):
        yield ProviderProblem("options", "option extra_body", f"it is not merged into the body at the end: {sent}")
    again = _sent(provider)
    if isinstance(again, _Failed) or again.call.body != plain.call.body:
        text = f"after a request with extra_body {again}; change no object that requests share"
        yield ProviderProblem("history", "the same question again", text)


def _call(call_id: str, city: str) -> dict[str, object]:
    function = {"name": "get_weather", "arguments": f'{{"city": "{city}"}}'}
    return {"id": call_id, "type": "function", "function": function}


_FIRST: list[dict[str, object]] = [
    {"role": "system", "content": "system-text"},
    {"role": "user", "content": "first-question"},
    {"role": "assistant", "content": "first-answer", "reasoning": "first-reasoning"},
    {"role": "user", "content": "second-question"},
    {"role": "assistant", "reasoning": "second-reasoning", "tool_calls": [_call("zz", "Lima"), _call("aa", "Oslo")]},
    {"role": "tool", "tool_call_id": "zz", "content": "first-result"},
    {"role": "tool", "tool_call_id": "aa", "content": "second-result"},
]
_LATER: list[dict[str, object]] = [
    {"role": "assistant", "reasoning": "third-reasoning", "tool_calls": [_call("yy", "Rome"), _call("bb", "Bern")]},
    {"role": "tool", "tool_call_id": "yy", "content": "third-result"},
    {"role": "tool", "tool_call_id": "bb", "content": "fourth-result"},
    {"role": "assistant", "content": "last-answer"},
    {"role": "user", "content": "Go on."},
]
_TEXTS = (
    *("system-text", "first-question", "first-answer", "second-question", "Lima", "Oslo"),
    *("first-result", "second-result", "Rome", "Bern", "third-result", "fourth-result", "last-answer", "Go on."),
)
_REASONINGS = ("first-reasoning", "second-reasoning", "third-reasoning")


def _history(provider: Provider) -> Iterator[ProviderProblem]:
    first, talk = _sent(provider, _FIRST, tools=_TOOLS), _sent(provider, [*_FIRST, *_LATER], tools=_TOOLS)
    place, data = "a conversation with tools", provider.data
    if isinstance(first, _Failed) or isinstance(talk, _Failed):
        yield ProviderProblem("history", place, f"{talk if isinstance(first, _Sent) else first}; mend encode")
        return
    texts = [(path[-1], value) for path, value in leaves(talk.body) if isinstance(value, str)]
    at = {text: next((i for i, (_, value) in enumerate(texts) if text in value), -1) for text in _TEXTS}
    if lost := [text for text, index in at.items() if index < 0]:
        yield ProviderProblem("history", place, f"the body lacks {', '.join(lost)}; send every message and call")
    elif list(at.values()) != sorted(at.values()):
        yield ProviderProblem("history", place, "its messages are sent in another order; keep theirs")
    for key in data.reasoning_keys:
        if missing := [text for text in _REASONINGS if (key, text) not in texts]:
            text = f"no field {key!r}, which ProviderData.reasoning_keys names, has {', '.join(missing)}; send each"
            yield ProviderProblem("history", "reasoning of earlier turns", text)
    bare = _sent(provider, [{**message, "reasoning": None} for message in _FIRST], tools=_TOOLS)
    if data.fills_reasoning and isinstance(bare, _Sent) and not _fills(bare, data.reasoning_keys):
        text = f"fills_reasoning promises an empty reasoning next to calls that have none, and {bare}"
        yield ProviderProblem("data", "ProviderData.fills_reasoning", text)
    yield from _open_form(data.sorts_calls_by_id, first.body.get("messages"), talk.body.get("messages"))


def _fills(sent: _Sent, keys: tuple[str, ...]) -> bool:
    return {(path[-1], value) for path, value in leaves(sent.body)} >= {(key, "") for key in keys}


def _open_form(sorts: bool, earlier: JsonValue, later: JsonValue) -> Iterator[ProviderProblem]:
    """Yield when messages in OpenAI's form mix up calls, or change as the conversation grows."""
    if not isinstance(earlier, list) or not isinstance(later, list):
        return
    turns: dict[object, list[str]] = {}
    for path, value in leaves(later):
        if path[-1] == "id":
            turns.setdefault(path[0], []).append(str(value))
    ids = [each for turn in turns.values() for each in turn]
    answered = [str(value) for path, value in leaves(later) if path[-1] == "tool_call_id"]
    unsorted = sorts and any(turn != sorted(turn) for turn in turns.values())
    if ids != answered or len(set(ids)) < len(ids) or unsorted:
        text = f"the calls have the ids {ids}, and their results {answered}; give each result the id of its call"
        more = ", in their order as strings, because the server sorts by them (sorts_calls_by_id)" if sorts else ""
        yield ProviderProblem("history", "calls of earlier turns", text + more)
    if later[: len(earlier)] != earlier:
        text = "earlier messages change, and the server's prefix cache misses; write a message always in the same way"
        yield ProviderProblem("history", "a conversation that grows", text)
