"""The cassette writer: the file that receives exchanges, and the exchanges that are still under way."""

from __future__ import annotations

import errno
import os
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from deepseek_v4_sdk.providers.refusals import secrets_in
from deepseek_v4_sdk.support.files import open_to_append, write_private
from deepseek_v4_sdk.support.forks import new_lock
from deepseek_v4_sdk.testing.answer import Wait
from deepseek_v4_sdk.testing.cassettes.cassette import CassetteError, RecordedExchange, failure_named, write_exchange
from deepseek_v4_sdk.testing.cassettes.keys import body_holds, place_of_key

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    import httpx

__all__ = ["KEPT_OF_ANSWERS", "KEPT_OF_REQUESTS", "CassetteWriter", "RecordingInProgress"]

KEPT_OF_REQUESTS = frozenset({"accept", "content-type", "nvcf-poll-seconds"})
"""The headers of a request that are kept; no other one is."""

KEPT_OF_ANSWERS = frozenset(
    {
        "content-encoding",
        "content-length",
        "content-type",
        "nvcf-reqid",
        "nvcf-status",
        "retry-after",
        "x-ds-trace-id",
        "x-request-id",
    }
)
"""The headers of an answer that are kept: those that this client reads."""

_SHORTEST = 1e-6  # of a silence, in seconds: what a line shows


class CassetteWriter:
    """A file of exchanges. It may be written from many threads; each line is written whole.

    Args:
        path: The file; made, with its folder, when the first exchange has ended.
        fresh: Whether what it held goes away then.
    """

    def __init__(self, path: Path, *, fresh: bool) -> None:
        self.path = path
        self.saved = 0
        self._fresh = fresh
        self._secrets: set[str] = set()
        self._began = datetime.now(UTC), time.monotonic()
        self._lock = new_lock()

    def begin(
        self, provider: str, request: httpx.Request, path: str, body: bytes, now: Callable[[], float]
    ) -> RecordingInProgress:
        """Begin to record an exchange.

        Args:
            provider: The provider's name.
            request: The request.
            path: Its path, without what belongs to the deployment.
            body: Its body.
            now: The clock of the exchange.

        Raises:
            CassetteError: The request holds a key outside of its headers.
        """
        date, then = self._began
        with self._lock:
            self._secrets.update(secrets_in((name.lower(), value) for name, value in request.headers.items()))
            began = date + timedelta(seconds=time.monotonic() - then)
        if body_holds(body, self._secrets):
            raise CassetteError(f"a request holds the key, which would be kept in {self.path}: it was not sent")
        exchange = RecordedExchange(
            provider=provider,
            method=request.method,
            path=path,
            request_headers=_kept(request.headers, KEPT_OF_REQUESTS),
            request_body=body,
            status=None,
            began=began,
        )
        return RecordingInProgress(self, exchange, now)

    def save(self, exchange: RecordedExchange) -> None:
        """Write an exchange.

        Raises:
            CassetteError: It holds a key, or cannot be written.
        """
        with self._lock:
            if (place := place_of_key(exchange, self._secrets)) is not None:
                raise CassetteError(f"an exchange is not kept in {self.path}, because the key is in {place}")
            try:
                self._write(write_exchange(exchange))
            except OSError as error:  # which would pass for a failure of the connection
                reason = "it is a link, which is not followed" if error.errno == errno.ELOOP else error.strerror
                raise CassetteError(f"{self.path} cannot be written: {reason}") from None
            self.saved += 1

    def _write(self, line: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._fresh:
            write_private(self.path, line)
            self._fresh = False
            return
        with open_to_append(self.path) as file:
            if size := file.seek(0, os.SEEK_END):
                file.seek(size - 1)
                if file.read(1) != b"\n":
                    line = b"\n" + line  # an editor has left the last line without its end
            while line:
                line = line[file.write(line) :]


class RecordingInProgress:
    """An exchange that is under way.

    Args:
        writer: The writer that gets it at the end.
        exchange: The exchange so far.
        now: Its clock.
    """

    def __init__(self, writer: CassetteWriter, exchange: RecordedExchange, now: Callable[[], float]) -> None:
        self._writer = writer
        self._exchange = exchange
        self._now = now
        self._parts: list[bytes | Wait] = []
        self._asked = now()
        self._ended = False

    def asks(self) -> None:
        """The program waits from now on; the time before was its own."""
        self._asked = self._now()

    def head(self, response: httpx.Response) -> None:
        """The answer has begun."""
        self._waited()
        headers = _kept(response.headers, KEPT_OF_ANSWERS)
        self._exchange = replace(self._exchange, status=response.status_code, headers=headers)

    def block(self, data: bytes) -> None:
        """Note a received block of the body."""
        self._waited()
        self._parts.append(data)

    def end(self, ended: str) -> None:
        """The exchange has ended; the first end counts.

        Raises:
            CassetteError: It cannot be kept.
        """
        if not self._ended:
            self._ended = True
            if ended != "left":
                self._waited()
            self._writer.save(replace(self._exchange, parts=tuple(self._parts), ended=ended))

    @contextmanager
    def watch(self) -> Generator[None]:
        """An exception in here ends it: httpx's name of the failure is kept, or that the program left.

        Raises:
            CassetteError: It cannot be kept.
        """
        try:
            yield
        except GeneratorExit:  # the iterator was left; closing the body shows whether the body was left too
            raise
        except BaseException as error:
            self.end(_failure(error) or "left")
            raise

    def _waited(self) -> None:
        if (seconds := self._now() - self._asked) >= _SHORTEST:
            self._parts.append(Wait(seconds))
        self._asked = self._now()


def _kept(headers: httpx.Headers, names: frozenset[str]) -> Mapping[str, str]:
    return {name: value for name, value in headers.items() if name in names}


def _failure(error: BaseException) -> str | None:
    """The name that httpx gives a failure of the connection; httpcore and others use the same names."""
    for cls in type(error).__mro__:
        if failure_named(cls.__name__) is not None:
            return cls.__name__
    if isinstance(error, TimeoutError):
        return "ReadTimeout"
    return "ReadError" if isinstance(error, OSError) else None
