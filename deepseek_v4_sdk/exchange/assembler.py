"""Assembling an answer: pieces in, events out, nothing joined before the end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import (
    CallIds,
    ChatEvent,
    JsonValue,
    ReasoningDelta,
    Repair,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallReady,
    ToolCallStarted,
    Usage,
    check_finite,
    reading_notes,
)
from deepseek_v4_sdk.exchange.control_tokens import Tail
from deepseek_v4_sdk.exchange.open_call import OpenCall
from deepseek_v4_sdk.exchange.part import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deepseek_v4_sdk.chat import ArgumentCheck, MarkupBars, Message

__all__ = ["Assembler"]


class Assembler:
    """Takes the decoded pieces of one answer (it is a provider's `Sink`), and holds all of it.

    `take()` returns the events since the last time. Every list is joined once, at the end.

    Args:
        checks: Checks of the arguments of a call, by the name of the tool.
        before: The conversation before the answer: its calls have their ids already.
        cuts_tokens: Whether V4's control tokens are cut off the end of texts.
        one_call: Whether to return only the first call.
    """

    __slots__ = (
        "_before",
        "_by_id",
        "_by_index",
        "_checks",
        "_cuts_tokens",
        "_events",
        "_ids",
        "_last_call",
        "_one_call",
        "_tail",
        "_thinks",
        "begun",
        "calls",
        "finish_reason",
        "first_answer",
        "first_token",
        "last_token",
        "logprob_entries",
        "model",
        "now",
        "others",
        "reasonings",
        "repairs",
        "reply_id",
        "stop_sequence",
        "texts",
        "usages",
    )

    def __init__(
        self,
        checks: Mapping[str, ArgumentCheck | None] | None = None,
        before: Iterable[Message] = (),
        *,
        cuts_tokens: bool = True,
        one_call: bool = False,
    ) -> None:
        self._checks = checks or {}
        self._before = before
        self._one_call = one_call
        self._cuts_tokens = cuts_tokens
        self._tail = Tail()
        self._thinks = False  # whether the tail is that of the reasoning
        self._events: list[ChatEvent] = []
        self._last_call: OpenCall | None = None
        # Servers may send thousands of calls: the last of each index and id is known, without a search.
        self._by_index: dict[int, OpenCall] = {}
        self._by_id: dict[str, OpenCall] = {}
        self._ids: CallIds | None = None  # those of all calls; None before the first one of this answer
        self.texts: list[str] = []
        self.reasonings: list[str] = []
        self.calls: list[OpenCall] = []
        self.finish_reason: str | None = None
        self.stop_sequence: str | None = None
        self.usages = Usage()
        self.logprob_entries: list[JsonValue] | None = None
        self.begun = False
        self.reply_id: str | None = None
        self.model: str | None = None
        self.others: dict[str, JsonValue] = {}
        self.repairs: list[Repair] = []
        self.now = 0.0  # when the bytes being decoded arrived
        self.first_token: float | None = None
        self.first_answer: float | None = None
        self.last_token: float | None = None

    def go_on(self, part: Part) -> None:
        """Begin with the part of an answer that was handed out; its pieces make no events."""
        self.reasonings += [part.reasoning] if part.reasoning else []
        self.texts += [part.text] if part.text else []
        self.reply_id, self._ids = part.reply_id, CallIds(self._before)
        self.first_token, self.first_answer = part.first_token, part.first_answer
        for place, call in enumerate(part.calls):
            known = OpenCall(place, place)
            known.given, known.id, known.name, known.arguments = call.id, self._ids.own(call.id), call.name, []
            if call.arguments:
                known.arguments.append(call.arguments)
            known.bars, known.started, known.ready = call.bars, True, place < part.announced
            self.calls.append(known)
            self._by_index[place] = self._last_call = known

    def put_first(self, event: ChatEvent) -> None:
        """Put an event that is not a piece of the answer before the others."""
        self._events.insert(0, event)

    def as_part(self, held: str, raw: str | None, *, thinks: bool = False) -> Part:
        """The part that was handed out.

        Args:
            held: The end of the text that arrived and was not handed out.
            raw: All raw output, where that was read.
            thinks: Whether that text is reasoning.
        """
        calls = [call for call in self.calls if call.started]
        begun = bool(calls) and not (calls[-1].arguments and calls[-1].as_call().is_object)
        return Part(
            reasoning="".join(self.reasonings),
            text="".join(self.texts),
            calls=tuple(call.as_call() for call in calls),
            begun=begun,
            announced=sum(call.ready for call in calls),
            past_reasoning=bool(self.texts or calls or (held and not thinks) or (self._tail.held and not self._thinks)),
            held="" if calls else self._tail.text + held,
            raw=raw,
            reply_id=self.reply_id,
            first_token=self.first_token,
            first_answer=self.first_answer,
        )

    def take(self) -> list[ChatEvent]:
        """Return the events since the last time."""
        events = self._events
        if events:
            self.last_token = self.now
            self._events = []
        return events

    @property
    def given_calls(self) -> list[OpenCall]:
        """The calls that are returned to the caller."""
        return self.calls[:1] if self._one_call else self.calls

    @property
    def in_tool_call(self) -> bool:
        """Whether the last piece belonged to a tool call, so that a long silence is to be expected."""
        return self._last_call is not None and self.finish_reason is None

    def begin(self, reply_id: str | None, model: str | None) -> None:
        """Set the id and the model of the answer."""
        if self.reply_id is None:
            self.reply_id = reply_id
        if self.model is None:
            self.model = model
        self.begun = self.reply_id is not None and self.model is not None

    def reasoning(self, text: str) -> None:
        """Add a piece of reasoning."""
        if (self._tail.held or "<" in text) and not (text := self._before_tail(text, thinks=True)):
            return
        if self.first_token is None:
            self.first_token = self.now
        self.reasonings.append(text)
        self._events.append(ReasoningDelta(text))

    def text(self, text: str) -> None:
        """Add a piece of text."""
        if (self._tail.held or "<" in text) and not (text := self._before_tail(text, thinks=False)):
            return
        if self.first_answer is None:
            self._first_answer()
        self.texts.append(text)
        self._events.append(TextDelta(text))

    def end_text(self) -> None:
        """Note that text or reasoning has ended: cut off control tokens that were held back, pass on all else."""
        left, cut = self._tail.end()
        if left:
            (self.reasonings if self._thinks else self.texts).append(left)
            self._events.append(ReasoningDelta(left) if self._thinks else TextDelta(left))
        if cut:
            self.note_tokens(cut, thinks=self._thinks)

    def note_tokens(self, cut: int, *, thinks: bool) -> None:
        """Note that control tokens were cut off."""
        what = "reasoning" if thinks else "text"
        note = f"{cut} control token(s) of V4's were at the end of the {what}, and were cut off"
        self.repairs.append(Repair("trimmed_tokens", note))

    def call(self, index: int | None, call_id: str | None, name: str | None, arguments: str | None) -> None:
        """Add a piece of a tool call."""
        if self._tail.held:
            self.end_text()
        if self.first_answer is None:
            self._first_answer()
        call = self._open(index, call_id, name, arguments)
        if call_id and not call.given:
            call.given = call.id = call_id
            self._by_id[call_id] = call
        if name and not call.name:
            call.name = name
        if not call.started and call.name and (call.id or arguments):
            self._start(call)
        if arguments:
            call.arguments.append(arguments)
            if call.started:
                self._events.append(ToolCallDelta(call.place, arguments))

    def open_call(self, name: str, bars: MarkupBars) -> None:
        """Begin a tool call that the server did not find; pieces without an index belong to it.

        Args:
            name: The tool.
            bars: The form of its markup, as far as it has arrived.
        """
        if self._last_call is not None and not self._last_call.name:
            self._last_call = None  # the name does not belong to the last call
        self.call(None, None, name, None)
        self.end_call(bars)

    def end_call(self, bars: MarkupBars) -> None:
        """Note the form of the last call's markup."""
        if self._last_call is not None:
            self._last_call.bars = bars

    def logprobs(self, entries: list[JsonValue]) -> None:
        """Add log-probabilities of the tokens just decoded.

        Raises:
            ValueError: They hold a number beyond a float.
        """
        check_finite(entries)
        if self.logprob_entries is None:
            self.logprob_entries = []
        self.logprob_entries += entries

    def finish(self, reason: str, stop_sequence: str | None) -> None:
        """Note the server's finish reason; a later one does not replace the first."""
        if self.finish_reason is None:
            self.finish_reason = reason
        if stop_sequence is not None:
            self.stop_sequence = stop_sequence

    def usage(self, usage: Usage) -> None:
        """Note the server's count so far; the last one counts."""
        self.usages = usage

    def other(self, key: str, value: JsonValue) -> None:
        """Add a field that has no place in a reply: the last value stays, lists grow.

        Raises:
            ValueError: It holds a number beyond a float.
        """
        check_finite(value)
        present = self.others.get(key)
        if isinstance(present, list) and isinstance(value, list):
            present += value
        else:
            self.others[key] = list(value) if isinstance(value, list) else value

    def ready(self, calls: Iterable[OpenCall]) -> None:
        """Note that these calls are complete."""
        for call in calls:
            if not call.ready:
                call.ready = True
                if not call.started:
                    self._start(call)
                self._events.append(ToolCallReady(self.handed_out(call)))

    def handed_out(self, call: OpenCall) -> ToolCall:
        """Return the call for the caller, checked against the offered tool.

        An escaped half of a surrogate pair in the arguments becomes U+FFFD.

        Use `as_call`, which knows no schema, to see whether a call is complete: wrong arguments are not cut off.
        """
        made = call.as_call()
        if "\\ud" in made.arguments.lower():
            from deepseek_v4_sdk.exchange.surrogates import without_escaped_halves  # few answers need it

            mended, replaced = without_escaped_halves(made.arguments)
            if replaced:
                self.repairs.append(Repair("replaced_characters", f"{replaced} half surrogate pair(s) became U+FFFD"))
                call.arguments = [mended]
                made = call.as_call()
        return made.checked_by(self._checks.get(call.name))

    def note_readings(self, calls: Iterable[OpenCall]) -> None:
        """Note the values that the checks of these calls converted."""
        for call in calls:
            self.repairs += [
                Repair("read_arguments", f"the call of {call.name!r} ({call.id}): {note}")
                for note in reading_notes(self.handed_out(call))
            ]

    def _before_tail(self, text: str, *, thinks: bool) -> str:
        """Return the part of a text that can no longer be its end, with the part that was held back."""
        if not self._cuts_tokens:
            return text
        if self._tail.held and thinks != self._thinks:
            self.end_text()
        self._thinks = thinks
        return self._tail.feed(text)

    def _first_answer(self) -> None:
        self.first_answer = self.now
        if self.first_token is None:
            self.first_token = self.now

    def _open(self, index: int | None, call_id: str | None, name: str | None, arguments: str | None) -> OpenCall:
        """Find the call that a piece belongs to.

        Servers identify a call by index, by id, or only by order; some give every call the index 0, or the id `call_0`.
        A piece with neither continues the open call, and so does one that repeats what is known.
        """
        last = self._last_call
        known = None
        if last is not None and last.index == index is not None and last is self.calls[-1]:
            known = last  # as most pieces
        elif index is not None:
            known = self._by_index.get(index)
        elif call_id:
            known = self._by_id.get(call_id)
        elif last is not None and not (name and last.name):
            known = last
        if known is not None and name and known.name and known.is_followed_by(call_id, name, arguments):
            known = None
        if known is None:
            # A call without arguments so far may still get them, where calls are interleaved: it waits for the end.
            if last is not None and last.started and last.arguments and last.as_call().error is None:
                self.ready([last])
            known = OpenCall(len(self.calls), index)
            self.calls.append(known)
            if index is not None:
                self._by_index[index] = known
        self._last_call = known
        return known

    def _start(self, call: OpenCall) -> None:
        if self._one_call and call.place:
            return  # no event reports it
        call.started = True
        if not call.id:
            # Only a few gateways leave the id out. The answer's own id keeps it apart from other turns'.
            call.id = f"call_{call.place:02d}_{self.reply_id or os.urandom(8).hex()}"
        if self._ids is None:
            self._ids = CallIds(self._before)
        call.id = self._ids.own(call.id)
        if call.given and call.id != call.given:
            note = f"the id {call.given!r} of a call is that of an earlier one: it became {call.id!r}"
            self.repairs.append(Repair("renamed_call", note))
        self._events.append(ToolCallStarted(call.place, call.id, call.name))
        if call.arguments:
            self._events.append(ToolCallDelta(call.place, "".join(call.arguments)))
