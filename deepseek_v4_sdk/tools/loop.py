"""The tool loop without I/O: ask, run the calls, send their results, until the model answers or a limit is met.

`ToolLoop.steps` yields what is to be done, and whoever runs it does it: `Ask` the model, have a call `Approve`d, `Work`
off calls, hand a `Round` to the caller. So the rules of the loop stand here once, for blocking and for awaited clients.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from deepseek_v4_sdk.chat import Conversation, Reply, Thinking, ToolCall, read_tools
from deepseek_v4_sdk.chat.json_value import carried_text
from deepseek_v4_sdk.errors import ConfigurationError, EmptyTurnError, InvalidToolArgumentsError, PhaseTimeoutError
from deepseek_v4_sdk.tools.forms import as_tool

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import MessagesInput, ToolSpec
    from deepseek_v4_sdk.tools.loop_options import LoopLimits
    from deepseek_v4_sdk.tools.tool import Tool

__all__ = [
    "Approve",
    "Ask",
    "Job",
    "Round",
    "Stopped",
    "ToolLoop",
    "ToolResult",
    "ToolRun",
    "Work",
]

Stopped: TypeAlias = Literal["answered", "no_call", "max_rounds", "budget", "deadline", "pending"]
"""Why a loop ended: the model answered; it announced a call and made none; a limit was met; a call waits for you."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What came of one call.

    Attributes:
        call: The call.
        content: What the model reads.
        error: What went wrong, or None.
        note: What was put right in what the tool gave, or None.
    """

    call: ToolCall
    content: str
    error: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        content, replaced = carried_text(self.content)
        if replaced:  # as in the name of a file that is not in UTF-8
            object.__setattr__(self, "content", content)
            object.__setattr__(self, "error", None if self.error is None else carried_text(self.error)[0])
            object.__setattr__(self, "note", f"{replaced} half surrogate pair(s) became U+FFFD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One turn of the model, and what came of its calls.

    Attributes:
        reply: The turn.
        results: One for each call that was run, in the order of the calls; none for calls that wait for you.
        preamble: Text that the model wrote beside its calls: for a log, not the answer.
    """

    reply: Reply
    results: tuple[ToolResult, ...] = ()
    preamble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRun:
    """A loop that has ended.

    Attributes:
        reply: The last turn of the model.
        messages: The whole conversation, ready to go on with.
        rounds: Every turn.
        stopped: Why it ended.
        pending_calls: Calls that nothing ran: those of tools without a function, those that `on_recovered` holds
            back, and under `tool_choice="none"` all. Run them, add their results to `messages`, and go on.
    """

    reply: Reply
    messages: Conversation
    rounds: tuple[Round, ...]
    stopped: Stopped
    pending_calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the model; the answer is its `Reply`.

    Attributes:
        messages: The conversation.
        thinking: Another level than the caller's, or None.
        seconds: How long it may take, or None.
    """

    messages: Conversation
    thinking: Thinking | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Approve:
    """Ask whether a call may run; the answer is what `approve` said.

    Attributes:
        call: The call.
        ask: Whom to ask.
    """

    call: ToolCall
    ask: Callable[[ToolCall], object]


@dataclass(frozen=True, slots=True)
class Job:
    """One call to run.

    Attributes:
        call: The call.
        tool: What runs.
    """

    call: ToolCall
    tool: Tool[..., object]


@dataclass(frozen=True, slots=True)
class Work:
    """Run calls; the answer is their results, in order.

    Attributes:
        jobs: The calls.
        seconds: How long each may take, or None.
        ends: When the whole loop ends, on the loop's clock, or None.
    """

    jobs: tuple[Job, ...]
    seconds: float | None = None
    ends: float | None = None

    def room(self, now: float) -> float | None:
        """How long a call that begins now may take, or None; 0 where no time is left."""
        rooms = [self.seconds, None if self.ends is None else max(0.0, self.ends - now)]
        return min((room for room in rooms if room is not None), default=None)


Step: TypeAlias = Ask | Approve | Work | Round
"""One thing to do, or to hand out."""

_LOWER: dict[Thinking, Thinking] = {"max": "high", "high": "low", "low": "off"}


@dataclass
class ToolLoop:
    """A loop: its conversation, which may be changed between rounds, and its rules.

    Attributes:
        messages: The conversation.
        tools: What the model may call, by name.
        specs: The same as they are offered to it.
        limits: What ends it.
        thinking: The level of the caller's requests.
        runs: Whether calls are run at all: not under `tool_choice="none"`, whoever found them.
        now: Tells the time, in seconds.
        count: The tokens of a turn and its prompt, where the server does not say.
        rounds: The turns so far.
        stopped: Why it ended; None while it has not.
        pending: Calls of the last turn that wait for the caller.
    """

    messages: Conversation
    tools: dict[str, Tool[..., object]]
    specs: tuple[ToolSpec, ...]
    limits: LoopLimits
    thinking: Thinking
    runs: bool
    now: Callable[[], float]
    count: Callable[[Conversation, Reply], int]
    rounds: list[Round] = field(default_factory=list[Round])
    stopped: Stopped | None = None
    pending: tuple[ToolCall, ...] = ()
    _tokens: int = 0

    @classmethod
    def begin(
        cls,
        messages: MessagesInput,
        tools: Sequence[object],
        limits: LoopLimits,
        thinking: Thinking,
        runs: bool,
        now: Callable[[], float],
        count: Callable[[Conversation, Reply], int],
    ) -> ToolLoop:
        """A loop that has not begun.

        Raises:
            InvalidRequestError: One of the tools describes no tool, or two have the same name.
            ConfigurationError: A function cannot be a tool.
        """
        offered = [as_tool(value) for value in tools]
        specs = read_tools([tool.tool_spec() for tool in offered])
        started = messages.copy() if isinstance(messages, Conversation) else Conversation(messages)
        return cls(started, {tool.name: tool for tool in offered}, specs, limits, thinking, runs, now, count)

    def steps(self) -> Generator[Step, object, None]:
        """What is to be done, one thing after another; `stopped` tells at the end why there is nothing more."""
        limits = self.limits
        ends = None if limits.deadline is None else self.now() + limits.deadline
        while True:
            reply = yield from self._ask(ends)
            if reply is None:
                self.stopped = "deadline"
                return
            self._spent(reply)
            if not reply.tool_calls:
                self.messages.add(reply)
                yield self._note(Round(reply=reply))
                announced = reply.text.rstrip().endswith((":", "\N{FULLWIDTH COLON}"))
                self.stopped = "no_call" if announced else "answered"
                return
            results = yield from self._work(reply, ends)
            # The turn and its results go in together: whatever ends the loop in between leaves what was valid.
            self.messages.add(reply)
            for result in results:
                self.messages.add_tool_result(result.call, result.content)
            yield self._note(Round(reply=reply, results=results, preamble=reply.text))
            self.stopped = self._limit_met()
            if self.stopped is not None:
                return

    def run(self) -> ToolRun:
        """The loop as it ended.

        Raises:
            ConfigurationError: There was no round.
        """
        if not self.rounds or self.stopped is None:
            raise ConfigurationError("the loop has not ended: iterate over its rounds to the end")
        return ToolRun(
            reply=self.rounds[-1].reply,
            messages=self.messages,
            rounds=tuple(self.rounds),
            stopped=self.stopped,
            pending_calls=self.pending,
        )

    def _ask(self, ends: float | None) -> Generator[Step, object, Reply | None]:
        """The next turn of the model; None when the deadline comes before it, or falls into it."""
        lower: Thinking | None = None
        while True:
            left = None if ends is None else ends - self.now()
            if left is not None and left <= 0:
                if self.rounds:
                    return None
                left = 0.001  # with no turn at all there is nothing to end with, but a timer that runs out
            try:
                return cast("Reply", (yield Ask(self.messages, lower, left)))
            except PhaseTimeoutError as error:
                if self.rounds and error.phase == "total" and error.seconds == left:
                    return None
                raise
            except EmptyTurnError as empty:
                may_ask = self.limits.retry_empty and lower is None and not empty.cut
                again = _LOWER.get(self.thinking) if may_ask else None
                if again is None:
                    raise
                lower = again
                if empty.partial is not None:
                    self._spent(empty.partial)

    def _work(self, reply: Reply, ends: float | None) -> Generator[Step, object, tuple[ToolResult, ...]]:
        """Sort the calls into those to run, to refuse and to leave; the results are in the order of the calls."""
        done: dict[str, ToolResult] = {}
        jobs: list[Job] = []
        pending: list[ToolCall] = []
        for call in reply.tool_calls:
            if self._waits(call):
                pending.append(call)
                continue
            refused, tool = self._refused(call), self.tools.get(call.name)
            if refused is None and tool is not None and tool.runs:
                refused = yield from self._denied(call)
            if refused is not None or tool is None:
                done[call.id] = ToolResult(call=call, content=f"error: {refused}", error=refused)
            elif tool.runs:
                jobs.append(Job(call, tool))
            else:
                pending.append(call)
        if jobs:
            results = yield Work(tuple(jobs), self.limits.tool_timeout, ends)
            done.update({result.call.id: result for result in cast("list[ToolResult]", results)})
        self.pending = tuple(pending)
        return tuple(done[call.id] for call in reply.tool_calls if call.id in done)

    def _waits(self, call: ToolCall) -> bool:
        """Whether nobody but the caller decides about a call, not even to refuse it."""
        how = self.limits.on_recovered
        if not self.runs or (call.recovered and how == "pending"):
            return True
        # What no server reads as a call may be anybody's text that the model repeats.
        return call.bars not in {None, "full-width"} and how == "auto" and self.limits.approve is None

    def _refused(self, call: ToolCall) -> str | None:
        """Why a call cannot be run as it stands, or None."""
        tool = self.tools.get(call.name)
        if tool is None:
            known = f"there are: {', '.join(self.tools)}" if self.tools else "there are none"
            return f"there is no tool {call.name!r}; {known}"
        try:
            tool.check(call)
        except InvalidToolArgumentsError as error:
            return str(error)
        return None

    def _denied(self, call: ToolCall) -> Generator[Step, object, str | None]:
        if self.limits.approve is None:
            return None
        verdict = yield Approve(call, self.limits.approve)
        if isinstance(verdict, str):
            return f"this call was denied: {verdict}"
        return None if verdict else "this call was denied"

    def _spent(self, reply: Reply) -> None:
        if self.limits.max_total_tokens is not None:
            said = reply.usage.total_tokens
            self._tokens += self.count(self.messages, reply) if said is None else said

    def _limit_met(self) -> Stopped | None:
        limits = self.limits
        if self.pending:
            return "pending"
        if len(self.rounds) >= limits.max_rounds:
            return "max_rounds"
        if limits.max_total_tokens is not None and self._tokens >= limits.max_total_tokens:
            return "budget"
        return None

    def _note(self, done: Round) -> Round:
        self.rounds.append(done)
        return done
