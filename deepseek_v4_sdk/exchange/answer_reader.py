"""The JSON of an answer without I/O: events of a stream, or one plain answer, in; pieces and faults out."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.chat import ChatEvent, ChatRequest, JsonValue, Repair, read_event, read_json
from deepseek_v4_sdk.exchange.assembler import Assembler
from deepseek_v4_sdk.exchange.delta_frames import DeltaFrames
from deepseek_v4_sdk.exchange.http_exchange import HttpExchange
from deepseek_v4_sdk.exchange.output_repair import OutputRepair
from deepseek_v4_sdk.exchange.reasoning_limit import ReasoningLimit
from deepseek_v4_sdk.exchange.sinks import AfterFinish, BeforeFirstEvent
from deepseek_v4_sdk.exchange.sse import EventTooLargeError, SSEDecoder
from deepseek_v4_sdk.providers import ForeignEventError, InexactNumberError
from deepseek_v4_sdk.providers.completions import read_completion
from deepseek_v4_sdk.providers.refusals import error_event, reported_error, value_without_secrets
from deepseek_v4_sdk.providers.scrub import scrub
from deepseek_v4_sdk.providers.words import PINGS, is_empty, is_idle_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepseek_v4_sdk.chat import Timeouts
    from deepseek_v4_sdk.exchange.part import Earlier
    from deepseek_v4_sdk.exchange.raw_output import RawOutput
    from deepseek_v4_sdk.exchange.surrogates import SurrogateJoiner
    from deepseek_v4_sdk.providers import EncodedChat, Provider, Sink

__all__ = ["AnswerReader"]

# The longest answer with 20 log-probabilities for each token stays below it.
_LONGEST_STREAM = 1024 * 1024 * 1024
_DONE = b"[DONE]"
_JSON = (b"{", b"[")
_QUOTED = 2_000


class AnswerReader(HttpExchange):
    """A chat whose answer is decoded as it arrives. `BodyReader` knows whether the answer is a stream.

    The pieces are in its assembler; `ChatExchange` checks their completeness.

    Args:
        request: The request.
        encoded: The same in the server's form.
        provider: The provider of the server.
        timeouts: The timers.
        now: Time of sending.
        ends: Time at which the whole call must have ended.
        count: Counts the tokens of a text; called only for `max_reasoning_tokens` and for raw output.
        reasoning_in_text: Whether this server is known to leave reasoning in the text.
        earlier: The answer so far, where this one goes on with it.

    Raises:
        NotContinuableError: It does not read as it was handed out.
    """

    def __init__(
        self,
        request: ChatRequest,
        encoded: EncodedChat,
        provider: Provider,
        timeouts: Timeouts,
        now: float,
        ends: float,
        count: Callable[[str], int],
        *,
        reasoning_in_text: bool,
        earlier: Earlier | None = None,
    ) -> None:
        super().__init__(provider, encoded.call, timeouts, now, ends)
        self.stays_open = False
        """Whether an answer that breaks off is not closed at once, because it may go on."""
        self.request = request
        self.encoded = encoded
        self._sse = SSEDecoder()
        self._assembler = Assembler(
            {tool.name: tool.check for tool in request.tools},
            request.messages,
            cuts_tokens=request.dsml == "auto",
            one_call=request.parallel_tool_calls is False,
        )
        self._decode_payload = provider.decode
        self._frames = DeltaFrames(provider.decode) if provider.data.reads_frames else None
        self._output_repair: OutputRepair | RawOutput
        if encoded.raw_output is not None:
            self._read_raw(encoded.raw_output, earlier)
        elif earlier is not None:
            from deepseek_v4_sdk.exchange.continued_chat import ContinuedChat  # few answers go on in a chat

            self._output_repair = ContinuedChat(self._assembler, request, earlier.part)
        else:
            self._output_repair = OutputRepair(self._assembler, request, reasoning_in_text=reasoning_in_text)
        self._halves: SurrogateJoiner | None = None  # before the output repair, where half a surrogate pair was met
        self._first = BeforeFirstEvent(self._output_repair.sink)
        self._first_seen: float | None = None  # when the first event arrived, also one without content
        self._finished_at = now
        self._count = count
        limit = request.max_reasoning_tokens
        self._limit = None if limit is None else ReasoningLimit(limit, count, self.call.url)
        self._fault: errors.DeepSeekV4Error | None = None

    def _read_raw(self, begins: str, earlier: Earlier | None) -> None:
        """Read raw output in place of a chat's pieces."""
        from deepseek_v4_sdk.exchange.raw_output import RawOutput  # few programs send rendered prompts

        rules = self.provider.data.completions
        if rules is None:
            raise errors.ConfigurationError(f"{self.provider.name} has no route for rendered prompts")
        self._decode_payload = partial(read_completion, self.provider)
        self._frames = None
        thinks = begins == "reasoning"
        self._output_repair = RawOutput(self._assembler, self.request, rules, thinks=thinks, earlier=earlier)

    @property
    def _may_go_on(self) -> bool:
        """Whether another exchange may go on with the answer, so that nothing that was held back is passed on yet."""
        return self.stays_open and self._assembler.finish_reason in {None, "length"}

    def _read(self, block: bytes, now: float) -> list[ChatEvent]:
        """Read a block of a stream."""
        self._size += len(block)
        try:
            events = self._decode(self._sse.feed(block), now)
        except EventTooLargeError as error:
            events = self._cut_event(error, now)
        if self._size > _LONGEST_STREAM:
            self._cut_short(f"a stream of more than {_LONGEST_STREAM} bytes", now)
        return events

    def _read_rest(self, now: float) -> list[ChatEvent]:
        """Read what is left of a stream that has ended."""
        try:
            return self._decode(self._sse.finish(), now)
        except EventTooLargeError as error:
            return self._cut_event(error, now)

    def _cut_event(self, error: EventTooLargeError, now: float) -> list[ChatEvent]:
        """Read the events before one that is too large, and nothing more."""
        events = self._decode(error.events, now)
        self._cut_short(str(error), now)
        return events

    def _decode(self, messages: list[tuple[str, bytes]], now: float) -> list[ChatEvent]:
        assembler = self._assembler
        assembler.now = now
        sink, limit, frames = self._sink(), self._limit, self._frames
        for name, data in messages:
            if data == _DONE:
                return self._finish(now)
            try:
                if name and self._says_all(name, data):
                    continue
                if frames is not None and not name and (text := frames.read(data)):
                    (sink.reasoning if frames.thinks else sink.text)(text)
                elif not self._parse(data, sink):
                    continue
                if limit is not None:
                    limit.check(assembler.reasonings)
            except (ValueError, errors.DeepSeekV4Error) as error:
                if data.strip() == _DONE:
                    return self._finish(now)
                if self._ends(error, data, now):
                    break
            if self.first_event is None or assembler.finish_reason is not None:
                sink = self._advanced(sink, now)
        if self._sse.annotations:
            self._annotate()
        return assembler.take()

    def _parse(self, data: bytes, sink: Sink) -> bool:
        """Decode an event; whether it is one, and not only a sign of life.

        Raises:
            APIError: It says that something went wrong on the server.
            ValueError: It is not a part of an answer.
        """
        frames = self._frames
        try:
            payload = read_event(data)
            if isinstance(payload, dict):
                self._decode_payload(payload, sink)
                if frames is not None:
                    frames.parsed(data, payload)
            elif not is_empty(payload):
                raise ValueError("an event that is not an object")
        except ValueError as error:
            if frames is not None:
                frames.forget()
            if is_idle_text(data):
                return False
            self._decode_as_written(data, error)
        return True

    def _ends(self, error: ValueError | errors.DeepSeekV4Error, data: bytes, now: float) -> bool:
        """Whether an error ends the answer.

        An object that is not a part of an answer does not: the reply's `raw` has it.

        An object with a number beyond a float is not kept.
        """
        if isinstance(error, errors.DeepSeekV4Error):
            return self._give_up(error, now)
        if not isinstance(error, ForeignEventError):
            return self._give_up(self._unread(error, data), now)
        if self._assembler.finish_reason is not None:
            self._note(str(error))
        else:
            with suppress(ValueError):
                kept = value_without_secrets(error.payload, self.call)
                for key, value in cast("dict[str, JsonValue]", kept).items():
                    self._assembler.other(key, value)
        return False

    def _sink(self) -> Sink:
        """The sink for the pieces of the next event."""
        sink: Sink = self._halves or self._output_repair.sink
        if self.first_event is None:
            self._first = sink = BeforeFirstEvent(sink)
        elif self._assembler.finish_reason is not None:
            sink = AfterFinish(sink, self._note)
        return sink

    def _advanced(self, sink: Sink, now: float) -> Sink:
        """The sink after an event, at the two ends of an answer."""
        if self.first_event is None:
            if self._first_seen is None:
                self._first_seen = now
            if not self._first.spoke:
                return self._first
            self.first_event = now
        if self._output_repair.stopped and not self.complete:
            self._stop(None, now)
        return sink if isinstance(sink, AfterFinish) else self._sink()

    def _says_all(self, name: str, data: bytes) -> bool:
        """Whether the name of an event is enough.

        Raises:
            APIError: It is an error, whatever its form.
        """
        if name != "error":
            return name.lower() in PINGS
        try:
            payload = read_json(data)
        except ValueError:
            payload = data.decode("utf-8", "replace")
        if not isinstance(payload, dict) or not isinstance(payload.get("choices"), list):
            error = reported_error(self.provider.name, payload)
            if error.status_code is None and isinstance(error, errors.ServerError):
                # the error that Dynamo's front end sends in a comment is its status 500 over HTTP
                error.status_code = 500
            raise error
        return False

    def _decode_as_written(self, data: bytes, error: Exception) -> dict[str, JsonValue]:
        """Decode an event again that failed for half a surrogate pair, or for a number whose digits are a text.

        Raises:
            Exception: The error, which had another reason.
        """
        if not isinstance(error, InexactNumberError) and b"\\u" not in data and b"\xed" not in data:
            raise error
        from deepseek_v4_sdk.exchange.surrogates import (  # few answers need it
            SurrogateJoiner,
            read_as_written,
            without_halves,
        )

        try:
            payload = read_as_written(data)
        except ValueError:
            raise error from None
        if not isinstance(payload, dict):
            raise error
        if self._halves is None:
            self._halves = SurrogateJoiner(self._output_repair, self._assembler)
        self._decode_payload(payload, self._sink())
        return {key: without_halves(value) for key, value in payload.items()}

    def _finish(self, now: float) -> list[ChatEvent]:
        """Note that the body has ended. The other text in the stream may be an answer, or show why there is none."""
        if self._sse.annotations:
            self._annotate()
        strays = b"\n".join(line for line in self._sse.strays if not is_idle_text(line))
        self._sse.strays.clear()
        if strays.strip():
            text = scrub(strays.decode("utf-8", "replace").strip())
            if self._assembler.finish_reason is not None:
                self._note(text)
            elif self.first_event is None or strays.lstrip()[:1] in _JSON:
                return self._plain(strays, now)
            else:
                fault = errors.StreamInterruptedError(f"the answer broke off with the words: {text} ({self.call.url})")
                fault.body = text
                self._stop(fault, now)
        if not self.complete:
            self._stop(None, now)
        return self._assembler.take()

    def _annotate(self) -> None:
        """Keep the comments of named events; each is JSON, or else a text."""
        kept = self._assembler.others.setdefault("annotations", {})
        for name, comment in self._sse.annotations:
            try:
                value = read_json(comment)
            except ValueError:
                value = comment.decode("utf-8", "replace")
            if isinstance(kept, dict):
                kept[name] = value
        self._sse.annotations.clear()

    def _plain(self, body: bytes, now: float) -> list[ChatEvent]:
        """Read an answer that is not a stream."""
        assembler, streamed = self._assembler, self.first_event is not None
        assembler.now = now
        try:
            try:
                payload = read_json(body)
            except ValueError:
                payload = self._decode_as_written(body, self._no_json(body))
            else:
                if not isinstance(payload, dict):
                    raise ValueError("an answer that is not an object")
                where = f"answered {self._status} to {self.call.method} {self.call.url} with an error"
                where = "reported an error inside the stream" if streamed else where
                if (error := error_event(self.provider.name, payload, where)) is not None:
                    raise error
                try:
                    self._decode_payload(payload, self._halves or self._output_repair.sink)
                except ValueError as odd:
                    payload = self._decode_as_written(body, odd)
            if not payload.get("choices"):
                raise ValueError("an answer without choices")
            if not streamed:
                assembler.others = payload
                self.first_event = self._first_seen = now
        except ValueError as error:
            self._stop(self._unread(error, body), now)
        except errors.DeepSeekV4Error as error:
            self._stop(error, now)
        if not self.complete:
            self._stop(None, now)
        return assembler.take()

    def _note(self, what: str) -> None:
        """Note something after the finish reason that does not belong there."""
        if not any(repair.kind == "passed_over_behind" for repair in self._assembler.repairs):
            detail = f"skipped after the finish reason: {what}"
            self._assembler.repairs.append(Repair("passed_over_behind", detail))

    def _close(self) -> None:
        """Pass on what was held back."""
        if self._halves is not None:
            self._halves.close()
        self._output_repair.close()

    def _stop(self, fault: errors.DeepSeekV4Error | None, now: float) -> None:
        """Read nothing more."""
        self._fault = fault
        if not self._may_go_on:
            self._close()
        self.complete = True
        self._finished_at = now

    def _give_up(self, fault: errors.DeepSeekV4Error, now: float) -> bool:
        """End with a fault, and return whether it did: after the finish reason nothing spoils a complete answer."""
        if self._assembler.finish_reason is not None:
            self._note(str(fault))
            return False
        self._stop(fault, now)
        return True

    def _cut_short(self, reason: str, now: float) -> None:
        """Stop reading an excessive answer."""
        if not self.complete and not self._give_up(self._no_answer(reason), now):
            self._stop(None, now)

    def _unread(self, error: ValueError, data: bytes) -> errors.DeepSeekV4Error:
        """Describe an event or a body that could not be read; that of a text shows more than the cause."""
        text = data[:_QUOTED].decode("utf-8", "replace").strip()
        quoted = "" if text[:1] in {"{", "["} else f": {text}"
        return self._no_answer(f"{error}{quoted}", text)

    def _no_answer(self, text: str, body: str | None = None) -> errors.DeepSeekV4Error:
        """Make the error for a text that is not an answer: an interruption once an event has arrived."""
        text = f"{self.provider.name} sent something that is not an answer: {scrub(text)} ({self.call.url})"
        shown = scrub(body) if body else None
        if self.first_event is None:
            return errors.ServerError(text, status_code=self._status, body=shown)
        error = errors.StreamInterruptedError(text)
        error.body = shown
        return error
