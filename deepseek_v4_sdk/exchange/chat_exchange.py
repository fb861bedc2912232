"""One request's life without I/O: bytes and times in; events, deadlines and the checked result out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.chat import (
    Attempt,
    ChatEvent,
    ChatRequest,
    Finished,
    Phase,
    Repair,
    Repaired,
    Reply,
    StreamResumed,
    Timing,
    Usage,
)
from deepseek_v4_sdk.exchange.body_reader import BodyReader
from deepseek_v4_sdk.exchange.completeness import End, check_completeness, finish_reason, split_calls
from deepseek_v4_sdk.exchange.http_exchange import ResponseHead, TransportFailure
from deepseek_v4_sdk.exchange.part import Part, ids_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from deepseek_v4_sdk.catalogue.prices import PriceTable
    from deepseek_v4_sdk.chat import Timeouts
    from deepseek_v4_sdk.exchange.open_call import OpenCall
    from deepseek_v4_sdk.exchange.part import Earlier
    from deepseek_v4_sdk.providers import EncodedChat, Provider

__all__ = ["ChatExchange"]

# A count and the end follow the finish reason at once. The client does not wait for a server that forgets them.
_TAIL_SECONDS = 10.0
_HALF = "\N{REPLACEMENT CHARACTER}"


class ChatExchange(BodyReader):
    """A chat: reads the answer as it arrives, and checks it at its end.

    `received` and `ended` return the events to deliver; after `complete`, `outcome` returns the reply or raises.

    Args:
        request: The request.
        encoded: The same in the server's form.
        provider: The provider of the server.
        timeouts: The timers.
        now: Time of sending.
        ends: Time at which the whole call must have ended.
        count: Counts the tokens of a text; called only when `max_reasoning_tokens` is given.
        reasoning_in_text: Whether this server is known to leave reasoning in the text.
        sent_at: The same moment as `now`, as date and time.
        prices: The prices of tokens, where the caller has its own.
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
        reasoning_in_text: bool = False,
        sent_at: datetime | None = None,
        prices: PriceTable | None = None,
        earlier: Earlier | None = None,
    ) -> None:
        super().__init__(
            request,
            encoded,
            provider,
            timeouts,
            now,
            ends,
            count,
            reasoning_in_text=reasoning_in_text,
            earlier=earlier,
        )
        self.attempts: tuple[Attempt, ...] = ()
        self.sent_at = sent_at
        self._prices = prices
        self._earlier = earlier
        if earlier is not None and earlier.error is not None:
            resumed = StreamResumed(earlier.error, earlier.tokens, provider.name, encoded.model)
            self._assembler.put_first(resumed)

    def outcome(self) -> tuple[list[ChatEvent], Reply]:
        """Return the last events and the reply, once the exchange is complete.

        Raises:
            APIError: The server reported an error inside the stream, or sent something that is not an answer.
            IncompleteReplyError: The answer is not whole.
        """
        if self._fault is not None:
            raise self._fault
        if self.stays_open:
            self._close()
        assembler, lost = self._assembler, self._output_repair.lost
        whole, cut = self._split_calls()
        fault = check_completeness(
            end=self._end,
            whole=whole,
            cut=cut,
            spoke=any(map(str.strip, assembler.texts)),
            has_reasoning=any(assembler.reasonings),
            lost=lost,
        )
        if fault is not None:
            kind, text = fault
            error = kind(f"{text} ({self.call.url})")
            if isinstance(error, errors.LostToolCallError):
                error.raw = lost
            if isinstance(error, errors.EmptyTurnError):
                error.cut = self._end.cuts
            raise error
        assembler.ready(whole)
        events = assembler.take()
        assembler.note_readings(whole)
        reply = self._reply(whole, cut)
        shortened = [
            each for each in self.encoded.repairs if each.kind == "fit_request_to_window" and each.level == "alarm"
        ]
        events += [Repaired(repair) for repair in (*shortened, *assembler.repairs)]
        events.append(Finished(reply))
        return events, reply

    def partial(self) -> Reply:
        """The part that has arrived so far, as a reply."""
        return self._reply(*self._split_calls())

    def part(self) -> Part | None:
        """The part that has arrived, so that another exchange may go on with it; None when the answer has its end."""
        assembler, earlier = self._assembler, self._earlier
        if assembler.finish_reason not in {None, "length"}:
            return None
        repair = self._output_repair
        part = assembler.as_part(repair.held, repair.raw, thinks=repair.holds_reasoning)
        if part.raw is not None:  # half a character at the limit is not a part of it
            part = replace(part, raw=part.raw.removesuffix(_HALF), past_reasoning=not repair.holds_reasoning)
        if earlier is None or earlier.ids:
            part = replace(part, ids=(*(earlier.ids if earlier is not None else ()), *ids_in(assembler.others)))
        if earlier is None or earlier.part.started is None:
            return replace(part, started=self.started, sent_at=self.sent_at, first_event=self._first_seen)
        first = earlier.part
        return replace(part, started=first.started, sent_at=first.sent_at, first_event=first.first_event)

    @property
    def is_cut(self) -> bool:
        """Whether the limit of tokens ended the answer."""
        return self._assembler.finish_reason == "length"

    def note(self, repair: Repair) -> None:
        """Add a note to the reply."""
        self._assembler.repairs.append(repair)

    def give_up(self) -> None:
        """Note that nothing goes on with an answer that broke off: pass on what was held back."""
        self._close()

    @property
    def counted(self) -> Usage | None:
        """The server's count, as far as it has reported one."""
        usage = self._assembler.usages
        return None if usage == Usage() else usage

    @property
    def answered_by(self) -> str | None:
        """The model that answers, as the server names it."""
        return self._assembler.model

    @property
    def reasoning_in_text(self) -> bool | None:
        """Whether the server left reasoning in the text; None where the answer does not show it."""
        return self._output_repair.reasoning_in_text

    def _reply(self, whole: list[OpenCall], cut: list[OpenCall]) -> Reply:
        assembler = self._assembler
        raw_reason = assembler.finish_reason
        head = self.head or ResponseHead(0, {})
        usage, first = self._usage(), self._earlier.part if self._earlier is not None else Part()
        began = self.started if first.started is None else first.started

        def since(moment: float | None) -> float | None:
            return None if moment is None else moment - began

        return Reply(
            text="".join(assembler.texts),
            reasoning="".join(assembler.reasonings) or None,
            tool_calls=tuple(assembler.handed_out(call) for call in whole),
            partial_tool_calls=tuple(assembler.handed_out(call) for call in cut),
            finish_reason=finish_reason(raw_reason, has_calls=bool(whole)),
            raw_finish_reason=raw_reason,
            stop_sequence=assembler.stop_sequence,
            usage=usage,
            timing=Timing.of(
                sent_at=first.sent_at or self.sent_at,
                first_event=since(self._first_seen if first.first_event is None else first.first_event),
                first_token=since(assembler.first_token),
                first_answer_token=since(assembler.first_answer),
                last_token=since(assembler.last_token),
                total=(self._finished_at if self.complete else self.last_byte_at) - began,
                usage=usage,
            ),
            logprobs=None if assembler.logprob_entries is None else tuple(assembler.logprob_entries),
            model=assembler.model,
            requested_model=self.encoded.model,
            provider=self.provider.name,
            flavor=self.provider.data.name,
            id=assembler.reply_id,
            request_id=self.request_id,
            headers=head.headers,
            attempts=self.attempts,
            repairs=(*self.encoded.repairs, *assembler.repairs),
            max_tokens_sent=self.encoded.max_tokens,
            metadata=self.request.metadata,
            prices=self._prices,
            raw=assembler.others,
        )

    def _usage(self) -> Usage:
        """The server's count; of an answer that goes on, the sum of all attempts."""
        assembler, earlier = self._assembler, self._earlier
        usage = assembler.usages
        if (self.encoded.raw_output is None and earlier is None) or not self.complete:
            return usage
        if earlier is not None:
            if usage.completion_tokens is None:
                usage = replace(self.estimated(earlier.prompt), unknown=1)
            usage = replace(usage, reasoning_tokens=None, resumed=usage.prompt_tokens) + earlier.usage
        # The server does not know where the reasoning of raw output ends, nor the reasoning before a seam.
        saved = "" if earlier is None or not earlier.saved else earlier.saved_reasoning
        return replace(usage, reasoning_tokens=self._count("".join(assembler.reasonings)[len(saved) :]))

    def estimated(self, prompt: int) -> Usage:
        """Count the tokens of an answer here, because the server did not."""
        came = self._assembler.as_part("", self._output_repair.raw)
        output = came.raw
        if output is None:
            output = came.reasoning + came.text + "".join(call.name + call.arguments for call in came.calls)
        tokens = self._count(output) - (self._earlier.tokens if self._earlier is not None else 0)
        return Usage(prompt_tokens=prompt, completion_tokens=max(0, tokens), total_tokens=prompt + max(0, tokens))

    @property
    def _end(self) -> End:
        assembler, limit = self._assembler, self.encoded.max_tokens
        made = assembler.usages.completion_tokens
        return End(
            assembler.finish_reason,
            assembler.stop_sequence,
            self.request.stop or (),
            at_limit=limit is not None and made is not None and made >= limit,
        )

    def _split_calls(self) -> tuple[list[OpenCall], list[OpenCall]]:
        return split_calls(
            self._assembler.given_calls,
            self._end,
            closes_cut=self.provider.data.closes_cut_calls,
            broken=bool(self._output_repair.lost),
        )

    def failed(self, failure: TransportFailure, now: float) -> errors.DeepSeekV4Error:
        """Make the error for a failure of the connection."""
        if not self._may_go_on:
            self._close()  # the part that was held back belongs to the partial
        return super().failed(failure, now)

    def _broken(self, text: str) -> errors.DeepSeekV4Error:
        if self.first_event is None:
            return errors.ConnectionFailedError(f"{text}; nothing of an answer had arrived")
        return errors.StreamInterruptedError(text)

    def _timer(self) -> tuple[Phase, float, float]:
        if self.first_event is None:
            return "first_event", self.started, self._first_event_seconds
        idle = self.timeouts.idle_seconds(in_tool_call=self._assembler.in_tool_call)
        return "idle", self.last_byte_at, min(idle, _TAIL_SECONDS) if self.payload_complete else idle
