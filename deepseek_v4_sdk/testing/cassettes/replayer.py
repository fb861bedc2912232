"""`Replayer`: a provider whose server is a cassette."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import httpx

from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.providers import Provider, find_provider
from deepseek_v4_sdk.support.forks import new_lock
from deepseek_v4_sdk.support.redaction import never_raises
from deepseek_v4_sdk.testing.answer import Break, Part, ServerAnswer, Wait
from deepseek_v4_sdk.testing.cassettes.cassette import CassetteError, RecordedExchange, failure_named, read_cassette
from deepseek_v4_sdk.testing.cassettes.matching import RequestMatch, differences, mark_of, reading_of
from deepseek_v4_sdk.testing.cassettes.proxy import CheckedDelegatingProvider
from deepseek_v4_sdk.testing.transport import MockTransport

__all__ = ["Replayer"]

_FOREVER = float("inf")


class Replayer(CheckedDelegatingProvider):
    """A provider that answers as it was recorded, byte for byte and block for block; nothing is sent.

    A stream that broke breaks again at the same place. One replayer serves many clients and threads, sync and async;
    an exchange is played once. To its clients it is the day on which the recording began, as costs want it.

    Args:
        cassette: The file, or exchanges from elsewhere.
        match: "strict": requests come in the recorded order, with the same method, path and JSON. "normalised": in any
            order, without the user and the priority, and with calls numbered in place of their ids.
            A function: in any order, and what it makes of the bodies is compared.
        timing: "kept": the recorded silences pass on the exchange's own clock, and nobody waits. "removed": none.
        provider: The provider, where it is not one that has a name.

    In a `with` block it also checks, at the end, that every exchange was played.

    Raises:
        CassetteError: The file is missing or broken, or has the wires of several providers. In a call: the request is
            not the recorded one; the error shows the difference.
        ConfigurationError: There is no such provider, or way to match.

    Attributes:
        transport: The httpx transport that uses it, sync and async.
    """

    def __init__(
        self,
        cassette: str | os.PathLike[str] | Sequence[RecordedExchange],
        *,
        match: RequestMatch = "strict",
        timing: Literal["kept", "removed"] = "kept",
        provider: str | Provider | None = None,
    ) -> None:
        if match not in {"strict", "normalised"} and not callable(match):
            raise ConfigurationError(f"match is {match!r}: give 'strict', 'normalised' or a function")
        if timing not in {"kept", "removed"}:
            raise ConfigurationError(f"timing is {timing!r}: give 'kept' or 'removed'")
        if isinstance(cassette, str | os.PathLike):
            self._source, given = str(cassette), read_cassette(cassette)
        else:
            self._source, given = "the recording", list(cassette)
        self._left = {
            number: exchange if exchange.place else replace(exchange, place=f"exchange {number}")
            for number, exchange in enumerate(given, 1)
        }
        if not self._left:
            raise CassetteError("there is no exchange to replay")
        first = self._left[1]
        for other in self._left.values():
            if other.provider != first.provider:
                raise CassetteError(f"{other.place} is of {other.provider}, and {first.place} of {first.provider}")
        found = provider or first.provider
        super().__init__(find_provider(found) if isinstance(found, str) else found)
        self._strict = match == "strict"
        self._reading = reading_of(match)
        self._timed = timing == "kept"
        self._marked: dict[int, deque[int]] = {}  # the numbers of those that are alike
        self._asked = 0
        self._lock = new_lock()
        self.transport = MockTransport(self, first.began)

    def check_used(self) -> None:
        """Fail the test when exchanges were not played.

        Raises:
            CassetteError: Some were not; the text shows them.
        """
        if self._left:
            shown = "\n".join(f"  {left.place}: {left.method} {left.path}" for left in self._left.values())
            raise CassetteError(f"{len(self._left)} exchange(s) were recorded and not asked for:\n{shown}")

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> ServerAnswer:
        """Answer one HTTP request from the recording; for other transports.

        Raises:
            CassetteError: It was not recorded.
        """
        del headers  # headers are not compared
        with self._lock:
            self._asked += 1
            exchange = self._take(method, self._route(path), body)
        return self._play(exchange)

    def _take(self, method: str, path: str, body: bytes) -> RecordedExchange:
        asked = f"request {self._asked} ({method} {path})"
        if not self._left:
            raise CassetteError(f"{asked} was not recorded: {self._source} holds no further exchange")
        if not self._strict and (number := self._alike(method, path, body)) is not None:
            return self._left.pop(number)
        numbers = [next(iter(self._left))] if self._strict else list(self._left)
        candidates = [self._left[number] for number in numbers]
        found = [list(differences(recorded, method, path, body, self._reading)) for recorded in candidates]
        if [] in found:
            return self._left.pop(numbers[found.index([])])
        nearest = min(range(len(found)), key=lambda index: len(found[index]))
        first, place = found[nearest][0], candidates[nearest].place
        detail = f"is not the one of {place}" if self._strict else f"was not recorded; {place} is the nearest"
        others = f", and {len(found[nearest]) - 1} more" if found[nearest][1:] else ""
        raise CassetteError(f"{asked} {detail}:\n  {first}{others}")

    def _alike(self, method: str, path: str, body: bytes) -> int | None:
        """The number of the first exchange that is left and has such a request."""
        if not self._marked:
            for number, left in self._left.items():
                mark = mark_of(left.method, left.path, left.request_body, self._reading)
                self._marked.setdefault(mark, deque()).append(number)
        alike = self._marked.get(mark_of(method, path, body, self._reading), deque())
        while alike and alike[0] not in self._left:
            alike.popleft()
        for number in alike:
            recorded = self._left.get(number)
            if recorded is not None and not any(differences(recorded, method, path, body, self._reading)):
                return number
        return None

    def _play(self, exchange: RecordedExchange) -> ServerAnswer:
        parts: list[Part] = [part for part in exchange.parts if self._timed or not isinstance(part, Wait)]
        ended = exchange.ended
        if ended == "left":
            detail = "the program that was recorded left here, and this one waits for more"
            parts.append(CassetteError(f"{exchange.place}: {detail}"))
        elif ended == "ReadTimeout" and exchange.status is not None:
            parts.append(Wait(_FOREVER))
        elif ended == "RemoteProtocolError":
            parts.append(Break("cut"))
        elif ended != "whole":
            parts.append((failure_named(ended) or httpx.TransportError)("as it was recorded"))
        return ServerAnswer(exchange.status or 0, exchange.headers, tuple(parts))

    @never_raises
    def __repr__(self) -> str:
        return f"Replayer({self._source!r}, left={len(self._left)})"
