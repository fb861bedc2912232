"""One HTTP request and its answer without I/O: the timers, the head, and a collected body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.chat import ChatEvent, JsonValue, Phase, read_json
from deepseek_v4_sdk.exchange.decompression import Unpacker, UnpackError
from deepseek_v4_sdk.providers.refusals import headers_without_secrets, request_id_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from deepseek_v4_sdk.chat import Timeouts, Usage
    from deepseek_v4_sdk.providers import HttpCall, Provider

__all__ = ["HttpExchange", "ResponseHead", "TransportFailure"]

_LONGEST_BODY = 64 * 1024 * 1024
# Small JSON values take about thirty times their size in memory. An answer with 20 log-probabilities for each of 25,000
# tokens has no more.
_MOST_VALUES = 4_000_000
_LARGE = 4 * 1024 * 1024
_BETWEEN = (b",", b"[", b"{")
_LONGEST_REFUSAL = 1024 * 1024


@dataclass(slots=True, eq=False)
class ResponseHead:
    """The beginning of an HTTP answer: status, and headers with names in lower case."""

    status: int
    headers: Mapping[str, str]


class TransportFailure(Exception):  # noqa: N818  # it is never raised to a caller
    """A failure of the connection; it becomes an error of the SDK's tree.

    Attributes:
        kind: "connect" (no connection could be made), "connect_timeout", "timeout" (nothing could be read or written in
            time), "broken" (an open connection ended or was reset), "protocol" (the bytes were not HTTP).
        hint: A suggested fix, for the end of the error's text.
    """

    def __init__(
        self, kind: Literal["connect", "connect_timeout", "timeout", "broken", "protocol"], detail: str
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.hint = ""


class HttpExchange:
    """One HTTP request and its answer: the timers, the head, and a collected body.

    It does no I/O and reads no clock: the driver feeds it bytes and times, and reads the next deadline.

    Args:
        provider: The provider of the server.
        call: The request.
        timeouts: The timers.
        now: Time of sending.
        ends: Time at which the whole call must have ended.
    """

    def __init__(self, provider: Provider, call: HttpCall, timeouts: Timeouts, now: float, ends: float) -> None:
        self.provider = provider
        self.call = call
        self.timeouts = timeouts
        self.started = now
        self.ends = ends
        self.last_byte_at = now
        self.head: ResponseHead | None = None
        self.complete = False
        self.sent_at: datetime | None = None
        self.first_event: float | None = None
        self._first_event_seconds = timeouts.first_event_seconds(len(call.body or b""))
        self._body: list[bytes] = []
        self._size = 0
        self._unpacker: Unpacker | None = Unpacker()

    @property
    def answered_by(self) -> str | None:
        """The model that answers, as the server names it; None where it does not, or where no model is involved."""
        return None

    @property
    def succeeded(self) -> bool:
        """Whether the server answered with success."""
        return self.head is not None and 200 <= self.head.status < 300

    @property
    def refused(self) -> bool:
        """Whether the server answered without success: its status counts, and its text as far as it arrived."""
        return self.head is not None and not self.succeeded

    @property
    def _status(self) -> int | None:
        return self.head.status if self.head is not None else None

    @property
    def counted(self) -> Usage | None:
        """The server's count, as far as it has reported one."""
        return None

    @property
    def answering(self) -> bool:
        """Whether an answer has begun to arrive; from then on nothing is tried again."""
        return self.succeeded and self.first_event is not None

    @property
    def payload_complete(self) -> bool:
        """Whether all needed parts have arrived, so that a connection that breaks now loses nothing."""
        return False

    @property
    def request_id(self) -> str | None:
        """The server's id of the request, when it gave one."""
        return request_id_of(self.head.headers) if self.head else None

    def opened(self, head: ResponseHead, now: float) -> None:
        """Take the head."""
        self.head = ResponseHead(head.status, headers_without_secrets(head.headers, self.call))
        self.last_byte_at = now
        self._unpacker = Unpacker(head.headers.get("content-encoding", ""))

    def received(self, block: bytes, now: float) -> list[ChatEvent]:
        """Take a block of the body; return its events."""
        self.last_byte_at = now
        if self.first_event is None:
            self.first_event = now
        self._take(self._unpacker.feed(block) if self._unpacker is not None else (block,))
        return []

    def ended(self, now: float) -> list[ChatEvent]:
        """Note that the body has ended; return the last events."""
        self.last_byte_at = now
        if self._unpacker is not None and not self.complete:
            self._take(self._unpacker.finish())
        self.complete = True
        return []

    def deadline(self) -> float:
        """The time at which the next timer runs out."""
        _, since, seconds = self._timer()
        return min(self.ends, since + seconds)

    def failed(self, failure: TransportFailure, now: float) -> errors.DeepSeekV4Error:
        """Make the error for a failure of the connection."""
        if failure.kind == "timeout":
            return self._timed_out(now)
        if failure.kind == "connect_timeout":
            seconds = self.timeouts.connect_seconds
            if now >= self.deadline():  # when it is earlier, connecting has only the time until then
                return self._timed_out(now)
            return errors.PhaseTimeoutError(
                f"no connection to {self.call.url} within {seconds:g} s (timeout.connect){failure.hint}",
                phase="connect",
                seconds=seconds,
            )
        if failure.kind == "connect":
            return errors.ConnectionFailedError(f"no connection to {self.call.url}: {failure}{failure.hint}")
        elapsed = f"after {now - self.started:.1f} s"
        if self.head is None:
            return errors.ConnectionFailedError(f"the connection to {self.call.url} broke {elapsed}: {failure}")
        return self._broken(f"the connection to {self.call.url} broke {elapsed}: {failure}")

    def poll(self) -> HttpCall | None:
        """The request that polls for an accepted answer, or None."""
        head = self.head
        return None if head is None else self.provider.poll(head.status, head.headers, self.call)

    def refusal(self) -> errors.DeepSeekV4Error:
        """Make the error for an answer without success."""
        head = self.head or ResponseHead(0, {})
        return self.provider.refusal(head.status, head.headers, self.body(), self.call)

    def body(self) -> bytes:
        """The body as far as it was collected, without a byte order mark."""
        body = b"".join(self._body).removeprefix(b"\xef\xbb\xbf")
        if len(body) > _LARGE and sum(map(body.count, _BETWEEN)) > _MOST_VALUES:
            raise errors.ServerError(f"the answer of {self.call.url} holds more than {_MOST_VALUES:,} values")
        return body

    def _take(self, pieces: Iterable[bytes]) -> None:
        try:
            for piece in pieces:
                self._collect(piece)
                if self.complete:
                    return
        except UnpackError as error:
            if self.succeeded:
                raise errors.ServerError(f"{error} ({self.call.url})", status_code=self._status) from None
            self.complete = True  # an error page is reported as far as it arrived

    def json(self) -> JsonValue:
        """Return the body as JSON.

        Raises:
            ServerError: It is not JSON.
        """
        try:
            return read_json(self.body())
        except ValueError:
            raise self._no_json(self.body()) from None

    def _no_json(self, body: bytes) -> errors.APIError:
        """Make the error for a body that should have been JSON."""
        head = self.head or ResponseHead(0, {})
        error = self.provider.refusal(head.status, head.headers, body, self.call)
        return errors.ServerError(f"no JSON: {error}", status_code=head.status, body=error.body if body.strip() else "")

    def _broken(self, text: str) -> errors.DeepSeekV4Error:
        return errors.StreamInterruptedError(text)

    def _timer(self) -> tuple[Phase, float, float]:
        """The timer of the phase: its name, its start, and its length."""
        if self.first_event is None:
            return "first_event", self.started, self._first_event_seconds
        return "idle", self.last_byte_at, self.timeouts.idle_seconds(in_tool_call=False)

    def _timed_out(self, now: float) -> errors.PhaseTimeoutError:
        phase, since, seconds = self._timer()
        if self.ends <= since + seconds and now >= self.ends:
            phase, seconds = "total", self.timeouts.total_seconds
        what = {
            "total": "the call did not end",
            "first_event": "no event of an answer came",
            "idle": "the answer stood still",
        }[phase]
        return errors.PhaseTimeoutError(
            f"{what} within {seconds:g} s (timeout.{phase}) at {self.call.url}", phase=phase, seconds=seconds
        )

    def _grow(self, size: int) -> None:
        """Add the size of a block to a successful body.

        Raises:
            ServerError: It is too large.
        """
        self._size += size
        if self._size > _LONGEST_BODY:
            raise errors.ServerError(f"the answer of {self.call.url} exceeds {_LONGEST_BODY} bytes")

    def _collect(self, block: bytes) -> None:
        if self.succeeded:
            self._grow(len(block))
            self._body.append(block)
            return
        room = _LONGEST_REFUSAL - self._size
        self._size += len(block)
        self._body.append(block[: max(0, room)])
        if len(block) > room:
            self.complete = True  # the rest of an error page adds nothing
