"""A recorded answer played to a client through a provider: its events, and the reply or the error."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk.chat import ChatEvent, ChatRequest, JsonValue, Reply, read_json
from deepseek_v4_sdk.errors import DeepSeekV4Error, InvalidRequestError
from deepseek_v4_sdk.providers import EncodedChat, HttpCall, Provider, ProviderData, Target
from deepseek_v4_sdk.testing.answer import ServerAnswer
from deepseek_v4_sdk.testing.cassettes.proxy import DelegatingProvider
from deepseek_v4_sdk.testing.transport import MockTransport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deepseek_v4_sdk.chat import ChatOptions
    from deepseek_v4_sdk.testing.cassettes.cassette import RecordedExchange

__all__ = ["Played", "RecordedAnswer"]

_TIMES = {"timing", "attempts"}


@dataclass(frozen=True)
class Played:
    """The events that a client makes of an answer, and the reply or the error."""

    events: tuple[ChatEvent, ...]
    reply: Reply | None
    error: Exception | None

    @property
    def got(self) -> Reply | None:
        """The reply, or the part of it that came with the error."""
        return self.reply or (self.error.partial if isinstance(self.error, DeepSeekV4Error) else None)

    def difference(self, other: Played) -> str | None:
        """The first thing in which another one differs, with both values; times and attempts do not count."""
        if (type(self.error), str(self.error)) != (type(other.error), str(other.error)):
            return f"the error: {self.error!r:.90} and {other.error!r:.90}"
        mine, its = self.got, other.got
        if mine is not None and its is not None:
            for name in (field.name for field in fields(Reply) if field.name not in _TIMES):
                if (one := getattr(mine, name)) != (two := getattr(its, name)):
                    return f"{name}: {one!r:.90} and {two!r:.90}"
        return None if self.events == other.events else "the events"


class RecordedAnswer:
    """A recorded answer, and the request that it answers.

    Args:
        exchange: The recording.
    """

    def __init__(self, exchange: RecordedExchange) -> None:
        self.exchange = exchange
        self.place = exchange.place
        self.body = exchange.body
        self.streams = exchange.headers.get("content-type", "").startswith("text/event-stream")
        self.request = _object(exchange.request_body) or {}
        self.events = list(self._events())
        """The JSON objects in it."""

    def play(self, provider: Provider, blocks: Sequence[bytes], *, frames: bool = True) -> Played:
        """Play it to a client in these blocks; without `frames` each event is given to the provider."""
        from deepseek_v4_sdk import DeepSeekV4, Finished  # a client as users have it

        events, server = list[ChatEvent](), _PlayedBack(provider, self, blocks, frames=frames)
        with DeepSeekV4(server, model="m", max_retries=0) as client:
            try:
                with client.stream("x", **self._options()) as stream:
                    events.extend(stream)
            except Exception as error:  # noqa: BLE001  # an error of the provider's own is a finding
                return Played(tuple(events), None, error)
        last = events.pop()
        return Played(tuple(events), last.reply if isinstance(last, Finished) else None, None)

    def _options(self) -> ChatOptions:
        """The options by which a client reads the answer."""
        options: dict[str, object] = {"wire": "stream" if self.streams else "plain"}
        for name in ("tools", "stop"):
            try:
                ChatRequest.build("x", {name: self.request.get(name)}, {})
            except InvalidRequestError:
                continue  # a form of the server's own
            options[name] = self.request.get(name)
        return cast("ChatOptions", options)

    def _events(self) -> Iterator[dict[str, JsonValue]]:
        for event in re.split(rb"\r?\n\r?\n", self.body)[:-1] if self.streams else [self.body]:
            lines = [line[5:] for line in event.splitlines() if line.startswith(b"data:")]
            if (value := _object(b"\n".join(lines) if self.streams else event)) is not None:
                yield value


def _object(text: bytes) -> dict[str, JsonValue] | None:
    try:
        value = read_json(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


class _PlayedBack(DelegatingProvider):
    """A provider whose server gives one recorded answer to the recorded request."""

    def __init__(self, provider: Provider, answer: RecordedAnswer, blocks: Sequence[bytes], *, frames: bool) -> None:
        super().__init__(provider)
        self._answer, self._blocks, self._frames = answer, tuple(blocks), frames
        self.transport = MockTransport(self, answer.exchange.began)

    @property
    def data(self) -> ProviderData:
        inner = self._inner.data
        return replace(inner, reads_frames=inner.reads_frames and self._frames)

    @property
    def engine(self) -> str | None:
        return self._inner.engine or self._inner.data.name  # nothing is left to discover

    def encode(self, request: ChatRequest, target: Target) -> EncodedChat:
        sent, model, limit = self._answer.exchange, *map(self._answer.request.get, ("model", "max_tokens"))
        call = HttpCall(sent.method, target.base_url + sent.path, (), sent.request_body)
        return EncodedChat(call, model if isinstance(model, str) else None, limit if isinstance(limit, int) else None)

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> ServerAnswer:
        """Give the answer."""
        exchange = self._answer.exchange
        kept = {name: value for name, value in exchange.headers.items() if name != "content-length"}
        return ServerAnswer(exchange.status or 0, kept, self._blocks)
