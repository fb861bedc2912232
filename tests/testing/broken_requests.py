"""Birch with requests that break a law, one for each."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.providers import (
    ChatCompletions,
    EncodedChat,
    HttpCall,
    ProviderData,
    Refused,
    as_key,
)
from tests.testing.birch import DATA, with_data, with_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepseek_v4_sdk.chat import ChatRequest
    from deepseek_v4_sdk.providers import Target


class Sends(ChatCompletions):
    """Birch, with other requests.

    Args:
        change: Changes the body, the headers and the URL.
        data: Its data.
    """

    def __init__(
        self, change: Callable[[dict[str, Any], dict[str, str]], str | None], data: ProviderData = DATA
    ) -> None:
        super().__init__(data)
        self.change = change

    def encode(self, request: ChatRequest, target: Target) -> EncodedChat:
        encoded = super().encode(request, target)
        body, headers = json.loads(encoded.call.body or b""), dict(encoded.call.headers)
        url = self.change(body, headers) or encoded.call.url
        return replace(encoded, call=HttpCall("POST", url, tuple(headers.items()), json.dumps(body).encode()))


def turns(body: dict[str, Any], role: str) -> list[dict[str, Any]]:
    return [message for message in body["messages"] if message["role"] == role]


def without_first_reasoning(body: dict[str, Any], _: Any) -> None:
    for message in turns(body, "assistant")[:1]:
        message.pop("reasoning", None)


def without_results(body: dict[str, Any], _: Any) -> None:
    body["messages"] = [message for message in body["messages"] if message["role"] != "tool"]


def without_calls(body: dict[str, Any], _: Any) -> None:
    for message in turns(body, "assistant"):
        message.pop("tool_calls", None)


def reversed_messages(body: dict[str, Any], _: Any) -> None:
    body["messages"].reverse()


def with_other_ids(body: dict[str, Any], _: Any) -> None:
    for number, message in enumerate(turns(body, "tool")):
        message["tool_call_id"] = f"result-{number}"


def with_a_count(body: dict[str, Any], _: Any) -> None:
    body["messages"][0]["of"] = len(body["messages"])


def without_empty_reasoning(body: dict[str, Any], _: Any) -> None:
    for message in turns(body, "assistant"):
        if message.get("reasoning") == "":
            del message["reasoning"]


def key_into_body(body: dict[str, Any], headers: dict[str, str]) -> None:
    body["token"] = headers["authorization"]


def key_under_another_name(_: Any, headers: dict[str, str]) -> None:
    headers["x-owl"] = headers.pop("authorization")


def always_streams(body: dict[str, Any], headers: dict[str, str]) -> None:
    body |= {"stream": True, "stream_options": {"include_usage": True}}
    headers["accept"] = "*/*"


class Shares(ChatCompletions):
    """Birch, with one object for the switches of all requests."""

    def __init__(self) -> None:
        super().__init__(DATA)
        self.switches: dict[str, Any] = {}

    def encode(self, request: ChatRequest, target: Target) -> EncodedChat:
        encoded = super().encode(request, target)
        body = json.loads(encoded.call.body or b"")
        if "check_field" in body:
            self.switches |= body["chat_template_kwargs"]
        body["chat_template_kwargs"] |= self.switches
        return replace(encoded, call=replace(encoded.call, body=json.dumps(body).encode()))


class TakesAnyLevel(ChatCompletions):
    """Birch, which sends another level in place of one that it lacks.

    Args:
        words: The `on_unsupported` with which it does.
    """

    def __init__(self, *words: str | None) -> None:
        super().__init__(DATA)
        self.words = words

    def encode(self, request: ChatRequest, target: Target) -> EncodedChat:
        if request.thinking == "low" and request.on_unsupported in self.words:
            request = replace(request, thinking="high")
        return super().encode(request, target)


class NeedsNoModel(ChatCompletions):
    """Birch, which says that a request must name a model, and sends one without."""

    def _model(self, wanted: str | None, target: Target) -> Any:
        del target
        return wanted, ()


def no_max(request: ChatRequest) -> str | None:
    return "not today" if request.thinking == "max" else None


def no_tools(request: ChatRequest) -> str | None:
    return "tools are not served" if request.tools else None


def nameless(request: ChatRequest) -> str | None:
    return "not that one" if request.user else None


def deaf(request: ChatRequest, target: Target) -> EncodedChat:
    raise InvalidRequestError("nothing can be sent")


class Deaf(ChatCompletions):
    """Birch, which sends nothing."""

    encode = staticmethod(deaf)  # type: ignore[assignment]


class SendsControlTokens(ChatCompletions):
    """Birch, which does not look for control tokens."""

    def encode(self, request: ChatRequest, target: Target) -> EncodedChat:
        return super().encode(replace(request, control_tokens="send"), target)


class IgnoresHeaders(ChatCompletions):
    """Birch, without the caller's headers."""

    def encode(self, request: ChatRequest, target: Target) -> EncodedChat:
        return super().encode(replace(request, extra_headers={}), target)


class FiltersExtras(ChatCompletions):
    """Birch, which takes only known fields from `extra_body`."""

    def encode(self, request: ChatRequest, target: Target) -> EncodedChat:
        return super().encode(replace(request, extra_body={}), target)


REQUESTS: dict[str, tuple[ChatCompletions, str, str, str]] = {
    "an option is dropped": (
        with_options(temperature=lambda _: {}), "options", "option temperature", "0.25, 0.75 change nothing"
    ),
    "an option has one value": (
        with_options(top_p=lambda _: {"top_p": 1}), "options", "option top_p", "0.9 and 0.8 make one request"
    ),
    "a rule fails": (with_options(top_k=lambda k: {"k": k / 0}), "options", "option top_k", "ZeroDivisionError"),
    "a refusal names no option": (with_data(rules=(nameless,)), "options", "option user", "birch: not that one"),
    "a refusal has no reason": (with_options(seed=Refused(" ")), "data", "ProviderData.options", "seed has Refused"),
    "an option does not exist": (with_options(topk=as_key("k")), "data", "ProviderData.options", "topk is not an opt"),
    "the wire is ignored": (Sends(always_streams), "options", "option wire", "change nothing"),
    "headers are ignored": (IgnoresHeaders(DATA), "options", "option extra_headers", "change nothing"),
    "extras are filtered": (FiltersExtras(DATA), "options", "option extra_body", "not merged into the body"),
    "control tokens go out": (SendsControlTokens(DATA), "options", "option control_tokens", "'refuse', 'mark' change"),
    "two levels are one": (
        with_data(thinking={**DATA.thinking, "max": DATA.thinking["high"]}),
        "options", "option thinking='max'", "its body is that of 'high'",
    ),
    "a level is not sent": (
        Sends(lambda body, _: body.pop("chat_template_kwargs") and None),
        "data", "option thinking='high'", "promises {'chat_template_kwargs': {'thinking': True}}",
    ),
    "a level cannot be sent": (with_data(rules=(no_max,)), "data", "option thinking='max'", "not today"),
    "a missing level is replaced": (TakesAnyLevel(None, "nearest"), "options", "option thinking='low'", "lacks it"),
    "the nearest level is not noted": (TakesAnyLevel("nearest"), "options", "option thinking='low'", "'nearest'"),
    "there are no levels": (with_data(thinking={}), "data", "ProviderData.thinking", "it is empty"),
    "nothing can be sent": (Deaf(DATA), "data", "a plain question", "nothing can be sent"),
    "nothing reads reasoning": (with_data(reasoning_keys=()), "data", "ProviderData.reasoning_keys", "it is empty"),
    "a path is half a path": (with_data(health_path="up"), "data", "ProviderData.chat_path", "up does not begin"),
    "no variable has the key": (with_data(needs_key=True), "data", "ProviderData.key_variables", "it is empty"),
    "the key goes nowhere": (
        with_data(base_url="https://birch.example", key_variables=("BIRCH_KEY",)),
        "data", "ProviderData.hosts", "birch.example of base_url is missing",
    ),
    "a model is not needed": (NeedsNoModel(replace(DATA, model="required")), "data", "ProviderData.model", "sends a"),
    "the count is elsewhere": (
        type("Counts", (ChatCompletions,), {"count_call": lambda self, _, to: self.query("/count", to)})(DATA),
        "data", "ProviderData.renderer", "asks: '/count'",
    ),
    "empty reasoning is not filled in": (
        Sends(without_empty_reasoning, replace(DATA, fills_reasoning=True)),
        "data", "ProviderData.fills_reasoning", "promises an empty reasoning",
    ),
    "reasoning is lost": (
        Sends(without_first_reasoning), "history", "reasoning of earlier turns", "has first-reasoning; send each"
    ),
    "results are lost": (
        Sends(without_results), "history", "a conversation with tools", "lacks first-result, second-result"
    ),
    "calls are lost": (Sends(without_calls), "history", "a conversation with tools", "lacks Lima, Oslo"),
    "messages change places": (Sends(reversed_messages), "history", "a conversation with tools", "another order"),
    "tools cannot be sent": (with_data(rules=(no_tools,)), "history", "a conversation with tools", "not served"),
    "results name no call": (Sends(with_other_ids), "history", "calls of earlier turns", "['result-0', 'result-1', "),
    "ids do not sort": (
        Sends(with_other_ids, replace(DATA, sorts_calls_by_id=True)), "history", "calls of earlier turns", "sorts by"
    ),
    "earlier messages change": (Sends(with_a_count), "history", "a conversation that grows", "prefix cache"),
    "requests share an object": (Shares(), "history", "the same question again", "check_field"),
    "the key is in the body": (Sends(key_into_body), "key", "the key", "in the URL or the body"),
    "the key has an unknown header": (Sends(key_under_another_name), "key", "the key", "no header with a name such"),
    "the address is another": (Sends(lambda *_: "https://birch.example/chat"), "data", "the URL", "target.base_url"),
}  # fmt: skip
"""Broken requests: the provider, the law, the place, and a part of the text."""
