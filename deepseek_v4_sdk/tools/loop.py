"""The tool loop without I/O: call the model, run its calls, send the results, until it answers or a limit is reached.

`ToolLoop.steps` yields steps, which a driver runs, and events for the caller. The rules of the loop are here once, for
blocking and for awaited clients.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk.chat import Conversation, Reply, Thinking, ToolCall, read_tools
from deepseek_v4_sdk.errors import (
    ConfigurationError,
    DeepSeekV4Error,
    EmptyTurnError,
    InvalidToolArgumentsError,
    PhaseTimeoutError,
)
from deepseek_v4_sdk.tools.events import RoundFinished, RunFinished, ToolFinished, ToolRunning
from deepseek_v4_sdk.tools.forms import as_tool
from deepseek_v4_sdk.tools.loop_steps import AskApproval, AskModel, JobMessage, LoopStep, Start, Stop, Wait
from deepseek_v4_sdk.tools.outcome import Postpone, ToolProgress
from deepseek_v4_sdk.tools.results import Outcome, ToolJob, failed, result_of
from deepseek_v4_sdk.tools.run import Round, ToolResult, ToolRun
from deepseek_v4_sdk.tools.unanswered import check_approvals, unanswered

if TYPE_CHECKING:
    from deepseek_v4_sdk.catalogue.prices import PriceTable
    from deepseek_v4_sdk.chat import Attempt, MessagesInput, ToolSpec
    from deepseek_v4_sdk.tools.loop_options import LoopLimits
    from deepseek_v4_sdk.tools.run import Stopped
    from deepseek_v4_sdk.tools.tool import Tool

__all__ = ["ToolLoop"]


_LOWER: dict[Thinking, Thinking] = {"max": "high", "high": "low", "low": "off"}
_NO_TIME = "this call was not run: the time for the whole task was over"


@dataclass
class ToolLoop:
    """A loop: its conversation, which may be changed between rounds, and its rules.

    Attributes:
        messages: The conversation.
        tools: The tools that the model may call, by name.
        specs: The tools as they are offered to the model.
        limits: The limits of the loop.
        thinking: The level of the caller's requests.
        runs: Whether calls are run at all: not under `tool_choice="none"`, whether a server or the markup reader found
            them.
        now: Returns the time, in seconds.
        count: Counts the tokens of a turn and its prompt, where the server does not report them.
        prices: The client's own prices, or None.
        rounds: The turns so far.
        stopped: The reason why it ended; None while it has not.
        pending: Calls of the last turn that wait for the caller.
        attempts: The requests so far.
    """

    messages: Conversation
    tools: dict[str, Tool[..., object]]
    specs: tuple[ToolSpec, ...]
    limits: LoopLimits
    thinking: Thinking
    runs: bool
    now: Callable[[], float]
    count: Callable[[Conversation, Reply], int]
    prices: PriceTable | None = None
    rounds: list[Round] = field(default_factory=list[Round])
    stopped: Stopped | None = None
    pending: tuple[ToolCall, ...] = ()
    attempts: list[Attempt] = field(default_factory=list["Attempt"])
    _reasons: dict[str, str] = field(default_factory=dict[str, str])
    _resumed: tuple[ToolResult, ...] = ()
    _tokens: int = 0
    _jobs: int = 0

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
        prices: PriceTable | None = None,
    ) -> ToolLoop:
        """Make a loop that has not begun.

        Raises:
            InvalidRequestError: One of the tools does not describe a tool, two have the same name, or `approvals` names
                a call that the conversation does not end with.
            ConfigurationError: A function cannot be a tool.
        """
        offered = [as_tool(value) for value in tools]
        specs = read_tools([tool.tool_spec() for tool in offered])
        started = messages.copy() if isinstance(messages, Conversation) else Conversation(messages)
        check_approvals(started, limits.approvals or {})
        named = {tool.name: tool for tool in offered}
        return cls(started, named, specs, limits, thinking, runs, now, count, prices)

    def steps(self) -> Generator[LoopStep, object, None]:
        """Yield the next steps; at the end `stopped` has the reason why there are no more."""
        limits = self.limits
        ends = None if limits.deadline is None else self.now() + limits.deadline
        if waiting := unanswered(self.messages):
            self._resumed = yield from self._work(waiting, ends, again=True)
            self._add(self._resumed)
            if self.pending:
                self.stopped = "pending"
        while self.stopped is None:
            reply = yield from self._ask(ends)
            if reply is None:
                self.stopped = "deadline"
                break
            self._spent(reply)
            results = (yield from self._work(reply.tool_calls, ends)) if reply.tool_calls else ()
            # The turn and its results are added together: if anything ends the loop in between, the conversation stays
            # valid.
            self.messages.add(reply)
            self._add(results)
            done = Round(reply=reply, results=results, preamble=reply.text if reply.tool_calls else "")
            self.rounds.append(done)
            yield RoundFinished(done)
            self.stopped = self._limit_met() if reply.tool_calls else _how_answered(reply)
        yield RunFinished(self.run())

    def run(self, stopped: Stopped | None = None) -> ToolRun:
        """The loop as it ended; or its current state, for one of these reasons.

        Raises:
            ConfigurationError: It has not ended.
        """
        stopped = self.stopped or stopped
        if stopped is None:
            raise ConfigurationError("the run has not ended: iterate over it to the end")
        return ToolRun(
            reply=self.rounds[-1].reply if self.rounds else None,
            messages=self.messages,
            rounds=tuple(self.rounds),
            stopped=stopped,
            pending_calls=self.pending,
            reasons={call.id: self._reasons[call.id] for call in self.pending if call.id in self._reasons},
            resumed=self._resumed,
            attempts=tuple(self.attempts),
            prices=self.prices,
        )

    def asked(self, attempts: Sequence[Attempt]) -> None:
        """Keep the HTTP requests of a call to the model, however that ended."""
        self.attempts += [replace(made, number=len(self.attempts) + place) for place, made in enumerate(attempts, 1)]

    def _ask(self, ends: float | None) -> Generator[LoopStep, object, Reply | None]:
        """Get the next turn of the model; None when the deadline is reached before or during it."""
        lower: Thinking | None = None
        while True:
            left = None if ends is None else ends - self.now()
            if left is not None and left <= 0:
                if self.rounds or self._resumed:
                    return None
                left = 0.001  # without any turn there is no result, only a timer that runs out
            try:
                reply = cast("Reply", (yield AskModel(self.messages, lower, left)))
            except DeepSeekV4Error as error:
                self.asked(error.attempts)
                if (
                    isinstance(error, PhaseTimeoutError)
                    and (self.rounds or self._resumed)
                    and (error.phase, error.seconds) == ("total", left)
                ):
                    return None
                if not isinstance(error, EmptyTurnError):
                    raise
                may_ask = self.limits.retry_empty and lower is None and not error.cut
                again = _LOWER.get(self.thinking) if may_ask else None
                if again is None:
                    raise
                lower = again
                if error.partial is not None:
                    self._spent(error.partial)
            else:
                self.asked(reply.attempts)
                return reply

    def _work(
        self, calls: Sequence[ToolCall], ends: float | None, *, again: bool = False
    ) -> Generator[LoopStep, object, tuple[ToolResult, ...]]:
        """Sort the calls into those to run, to refuse and to leave; the results are in the order of the calls.

        Args:
            calls: The calls.
            ends: When the whole loop ends, on the loop's clock, or None.
            again: Whether an earlier run left them, so that a decision exists or can be made now.
        """
        done: dict[str, ToolResult] = {}
        jobs: list[ToolJob] = []
        pending: list[ToolCall] = []
        for made in calls:
            tool = self.tools.get(made.name)
            call = made if tool is None else made.of_tool(read_only=tool.read_only)
            decision = yield from (self._decided(call) if again else self._judged(call))
            if isinstance(decision, Postpone):
                pending.append(call)
                if decision.reason:
                    self._reasons[call.id] = decision.reason
            elif decision is not None or tool is None:
                done[call.id] = result = failed(call, decision or "")
                yield ToolFinished(call, result)
            else:
                self._jobs += 1
                jobs.append(ToolJob(self._jobs, call, tool))
        yield from self._run_jobs(deque(jobs), ends, done)
        self.pending = tuple(pending)
        return tuple(done[call.id] for call in calls if call.id in done)

    def _judged(self, call: ToolCall) -> Generator[LoopStep, object, Postpone | str | None]:
        """Decide about a call of this turn: return a postponement, a refusal, or None to run it."""
        how = self.limits.on_recovered
        # A call that only the markup reader found may be a foreign text that the model repeats.
        odd = call.bars not in {None, "full-width"} and how == "auto" and self.limits.approve is None
        if not self.runs or odd or (call.recovered and how == "pending"):
            return Postpone()
        return (yield from self._checked(call, decision=None))

    def _decided(self, call: ToolCall) -> Generator[LoopStep, object, Postpone | str | None]:
        """Decide about a call that an earlier run left: `approvals` decides, else `approve` is called again."""
        decision = (self.limits.approvals or {}).get(call.id)
        if not self.runs or (decision is None and self.limits.approve is None):
            return Postpone()
        return (yield from self._checked(call, decision))

    def _checked(
        self, call: ToolCall, decision: bool | str | None
    ) -> Generator[LoopStep, object, Postpone | str | None]:
        """Check a call first for faults; then decide about it, unless nothing here can run it."""
        if (refused := self._refused(call)) is not None:
            return refused
        if decision is None and self.tools[call.name].runs and self.limits.approve is not None:
            approval = yield AskApproval(call, self.limits.approve)
            if isinstance(approval, Postpone) or approval is Postpone:
                return approval if isinstance(approval, Postpone) else Postpone()
            decision = approval if isinstance(approval, str) else bool(approval)
        if isinstance(decision, str):
            return f"this call was denied: {decision}"
        if decision is False:
            return "this call was denied"
        return None if self.tools[call.name].runs else Postpone()

    def _refused(self, call: ToolCall) -> str | None:
        """The reason why a call cannot be run, or None."""
        tool = self.tools.get(call.name)
        if tool is None:
            known = f"there are: {', '.join(self.tools)}" if self.tools else "there are none"
            return f"there is no tool {call.name!r}; {known}"
        try:
            tool.check(call)
        except InvalidToolArgumentsError as error:
            return str(error)
        return None

    def _run_jobs(
        self, waiting: deque[ToolJob], ends: float | None, done: dict[str, ToolResult]
    ) -> Generator[LoopStep, object, None]:
        """Run jobs, at most the allowed number at once; their results go into `done`."""
        running: dict[int, tuple[ToolJob, float, float]] = {}  # the time that each may take, and when it is late
        while waiting or running:
            begun: list[ToolJob] = []
            while waiting and len(running) < self.limits.parallel:
                job = waiting.popleft()
                seconds = self._seconds(ends)
                if seconds <= 0:
                    yield self._finish(failed(job.call, _NO_TIME), done)
                    continue
                yield Start(job)
                running[job.number] = (job, seconds, self.now() + seconds)
                begun.append(job)
            for job in begun:
                yield ToolRunning(job.call)
            if not running:
                continue
            first = min(late for *_, late in running.values())
            message = cast("JobMessage | None", (yield Wait(None if first == _NEVER else max(0.0, first - self.now()))))
            at = self.now() if message is None else message.at
            if message is not None and message.job.number in running:
                if isinstance(message.what, ToolProgress):
                    yield ToolProgress(message.what.value, message.job.call)
                else:
                    del running[message.job.number]
                    yield self._finish(self._result(message.job, message.what), done)
            for job, seconds, late in list(running.values()):
                if at >= late:  # later messages were sent after this
                    del running[job.number]
                    outcome = cast("Outcome | None", (yield Stop(job)))
                    gave_up = outcome is None or (outcome.error is not None and not _ends(outcome.error))
                    result = _late(job, seconds) if gave_up else self._result(job, cast("Outcome", outcome))
                    yield self._finish(result, done)

    def _seconds(self, ends: float | None) -> float:
        """Seconds that a call which begins now may take."""
        seconds = _NEVER if self.limits.tool_timeout is None else self.limits.tool_timeout
        return seconds if ends is None else min(seconds, ends - self.now())

    def _result(self, job: ToolJob, outcome: Outcome) -> ToolResult:
        return result_of(job, outcome, raises=self.limits.raise_tool_errors)

    def _finish(self, result: ToolResult, done: dict[str, ToolResult]) -> ToolFinished:
        done[result.call.id] = result
        return ToolFinished(result.call, result)

    def _add(self, results: Sequence[ToolResult]) -> None:
        for result in results:
            self.messages.add_tool_result(result.call, result.content)

    def _spent(self, reply: Reply) -> None:
        if self.limits.max_total_tokens is not None:
            counted = reply.usage.total_tokens
            self._tokens += self.count(self.messages, reply) if counted is None else counted

    def _limit_met(self) -> Stopped | None:
        limits = self.limits
        if self.pending:
            return "pending"
        if len(self.rounds) >= limits.max_rounds:
            return "max_rounds"
        if limits.max_total_tokens is not None and self._tokens >= limits.max_total_tokens:
            return "budget"
        return None


_NEVER = float("inf")


def _how_answered(reply: Reply) -> Stopped:
    announced = reply.text.rstrip().endswith((":", "\N{FULLWIDTH COLON}"))
    return "no_call" if announced else "answered"


def _late(job: ToolJob, seconds: float) -> ToolResult:
    return failed(job.call, f"{job.call.name} did not end within {seconds:g} s")


def _ends(error: BaseException) -> bool:
    from deepseek_v4_sdk.tools.failure import ends_the_run

    return ends_the_run(error)
