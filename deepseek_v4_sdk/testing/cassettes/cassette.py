"""Cassettes: recorded exchanges with a server, one line of JSON each; reading and writing them."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import httpx

from deepseek_v4_sdk.chat import JsonValue, read_json, write_json
from deepseek_v4_sdk.testing.answer import Wait

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = ["CassetteError", "RecordedExchange", "failure_named", "read_cassette", "write_exchange"]

_FORMAT: Literal[1] = 1
_MICROSECOND = 6
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class CassetteError(AssertionError):
    """The cassette and the program do not match, or the cassette cannot be read or written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedExchange:
    """One request to a server, and the bytes that came back.

    Attributes:
        provider: The provider whose wire it is.
        method: "GET" or "POST".
        path: The path, without the prefix in the address of one deployment.
        request_headers: Headers of the request that may be kept, names in lower case.
        request_body: The body of the request.
        status: The status, or None when no answer began.
        headers: Headers of the answer that may be kept, names in lower case.
        parts: The received blocks of the body, and the silences before them.
        ended: "whole"; "left" when the program left before the end; else httpx's name of the failure.
        began: When the request was sent; None where nobody knows.
        place: The file and line it was read from.
    """

    provider: str
    method: str = "POST"
    path: str
    request_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    request_body: bytes = b""
    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    parts: tuple[bytes | Wait, ...] = ()
    ended: str = "whole"
    began: datetime | None = None
    place: str = ""

    @property
    def body(self) -> bytes:
        """The whole body of the answer."""
        return b"".join(part for part in self.parts if isinstance(part, bytes))


def read_cassette(path: str | os.PathLike[str]) -> list[RecordedExchange]:
    """The exchanges of a file, in the order in which their requests were sent.

    Raises:
        CassetteError: The file is missing or broken; the text names the line.
    """
    file = Path(path)
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        raise CassetteError(f"{file} cannot be read: {error.strerror}") from None
    found = [
        _read(line, f"{file}, line {number}", whole=number < len(lines))
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    if not found:
        raise CassetteError(f"{file} holds no exchange: record it again")
    return sorted(found, key=lambda exchange: exchange.began or _LONG_AGO)


def failure_named(name: str) -> type[httpx.TransportError] | None:
    """The failure of a connection that httpx calls so, or None."""
    found = getattr(httpx, name, None)
    return found if isinstance(found, type) and issubclass(found, httpx.TransportError) else None


def write_exchange(exchange: RecordedExchange) -> bytes:
    """An exchange as one line, its end included."""
    answer: dict[str, JsonValue] = {} if exchange.status is None else {"status": exchange.status}
    answer["headers"] = dict(exchange.headers)
    answer["body"] = [
        round(part.seconds, _MICROSECOND) if isinstance(part, Wait) else _text(part) for part in exchange.parts
    ]
    answer["ended"] = exchange.ended
    line: JsonValue = {
        "cassette": _FORMAT,
        "began": None if exchange.began is None else exchange.began.isoformat(timespec="microseconds"),
        "provider": exchange.provider,
        "request": {
            "method": exchange.method,
            "path": exchange.path,
            "headers": dict(exchange.request_headers),
            **_request_body(exchange.request_body),
        },
        "answer": answer,
    }
    return write_json(line) + b"\n"


_ENDS = ("whole", "left")  # and the failures of httpx; without a status there is no whole answer
_ABSENT = object()
_CLOSED = {"extra": "forbid"}  # a name that is not known is a mistake of whoever wrote it


@dataclass(frozen=True)
class _Base64:
    """Bytes that do not decode on their own, such as one half of a character."""

    __pydantic_config__ = _CLOSED
    base64: str


@dataclass(frozen=True)
class _Request:
    __pydantic_config__ = _CLOSED
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict[str, str])
    json: object = _ABSENT
    data: str | _Base64 = ""


@dataclass(frozen=True)
class _Answer:
    __pydantic_config__ = _CLOSED
    body: list[float | str | _Base64]
    ended: str
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class _Line:
    __pydantic_config__ = _CLOSED
    cassette: Literal[1]
    provider: str
    request: _Request
    answer: _Answer
    began: datetime | None = None


@cache
def _lines() -> TypeAdapter[_Line]:
    from pydantic import TypeAdapter  # loaded when a cassette is read

    return TypeAdapter(_Line)


def _read(line: bytes, place: str, *, whole: bool) -> RecordedExchange:
    from pydantic import ValidationError

    try:
        read = _lines().validate_json(line, strict=True)
        request, answer = read.request, read.answer
        if answer.ended not in _ENDS[answer.status is None :] and failure_named(answer.ended) is None:
            raise ValueError(f"answer.ended: {answer.ended!r} is not an end of an answer")
        if read.began is not None and read.began.tzinfo is None:
            raise ValueError("began: it has no time zone")
        return RecordedExchange(
            provider=read.provider,
            method=request.method,
            path=request.path,
            request_headers=request.headers,
            request_body=_bytes(request.data) if request.json is _ABSENT else write_json(request.json),
            status=answer.status,
            headers=answer.headers,
            parts=tuple(Wait(part) if isinstance(part, int | float) else _bytes(part) for part in answer.body),
            ended=answer.ended,
            began=read.began,
            place=place,
        )
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        if wrong["type"] == "json_invalid" and not whole:
            raise CassetteError(f"{place} is cut off: delete the line, or record the cassette again") from None
        where = ".".join(map(str, wrong["loc"]))
        raise CassetteError(f"{place} cannot be read: {f'{where}: ' if where else ''}{wrong['msg']}") from None
    except ValueError as error:
        raise CassetteError(f"{place} cannot be read: {error}") from None


def _request_body(body: bytes) -> dict[str, JsonValue]:
    """A JSON body, indented for people to read; any other body unchanged."""
    if not body:
        return {}
    try:
        return {"json": read_json(body)}
    except ValueError:
        return {"data": _text(body)}


def _text(data: bytes) -> JsonValue:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _bytes(written: str | _Base64) -> bytes:
    return written.encode() if isinstance(written, str) else base64.b64decode(written.base64, validate=True)
