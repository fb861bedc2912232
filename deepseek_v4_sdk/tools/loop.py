"""The tool loop without I/O: ask, run the calls, send their results, until the model answers or a limit is met.

`ToolLoop.steps` yields what is to be done, and whoever runs it does it: `Ask` the model, `Work` off calls, hand a
`Round` to the caller. So the rules of the loop stand here once, for blocking and for awaited clients.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from deepseek_v4_sdk.chat import AskOptions, ChatEvent, Conversation, Reply, Thinking, ToolCall, read_tools
from deepseek_v4_sdk.errors import ConfigurationError, EmptyTurnError, InvalidToolArgumentsError
from deepseek_v4_sdk.tools.forms import as_tool

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import MessagesInput
    from deepseek_v4_sdk.tools.tool import Tool

__all__ = [
    "Ask",
    "Job",
    "LoopLimits",
    "LoopOptions",
    "Round",
    "Stopped",
    "ToolLoop",
    "ToolResult",
    "ToolRun",
    "Work",
    "split_options",
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
    """

    call: ToolCall
    content: str
    error: str | None = None


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
        pending_calls: Calls of tools without a function: run them, add their results to `messages`, and go on.
    """

    reply: Reply
    messages: Conversation
    rounds: tuple[Round, ...]
    stopped: Stopped
    pending_calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopLimits:
    """What ends a loop, and how calls are run.

    Attributes:
        max_rounds: The most turns of the model.
        max_total_tokens: The most tokens of all prompts and answers together, as the server counts them.
        deadline: The most seconds.
        tool_timeout: The most seconds for one call.
        parallel: How many calls run at once.
        raise_tool_errors: Whether what a tool raises ends the loop; else the model is told.
        retry_empty: Whether an empty turn is asked for once more, with less thinking.
        approve: Asked before each call: True runs it, False or a text (the reason) tells the model that it was denied.
    """

    max_rounds: int = 20
    max_total_tokens: int | None = None
    deadline: float | None = None
    tool_timeout: float | None = None
    parallel: int = 8
    raise_tool_errors: bool = False
    retry_empty: bool = False
    approve: Callable[[ToolCall], object] | None = None


class LoopOptions(AskOptions, total=False):
    """The options of a tool loop: those of every question to the model, those of `LoopLimits`, and who is told.

    Attributes:
        on_event: Told of each event of each turn, as it streams.
    """

    max_rounds: int
    max_total_tokens: int | None
    deadline: float | None
    tool_timeout: float | None
    parallel: int
    raise_tool_errors: bool
    retry_empty: bool
    approve: Callable[[ToolCall], object] | None
    on_event: Callable[[ChatEvent], object] | None


def split_options(options: Mapping[str, object]) -> tuple[LoopLimits, Mapping[str, object]]:
    """The limits among the options of a loop, and those of its questions.

    Raises:
        ConfigurationError: A limit makes no sense.
    """
    names = LoopLimits.__dataclass_fields__
    limits = LoopLimits(**cast("dict[str, Any]", {name: options[name] for name in names if name in options}))
    for name in ("max_rounds", "parallel", "max_total_tokens"):
        value = getattr(limits, name)
        if value is not None and (type(value) is not int or value < 1):
            raise ConfigurationError(f"{name} is {value!r}: give a whole number from 1")
    for name in ("deadline", "tool_timeout"):
        value = getattr(limits, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value <= 0):
            raise ConfigurationError(f"{name} is {value!r}: give seconds above 0")
    return limits, {name: value for name, value in options.items() if name not in names and name != "on_event"}


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
    """

    jobs: tuple[Job, ...]
    seconds: float | None = None


_LOWER: dict[Thinking, Thinking] = {"max": "high", "high": "low", "low": "off"}


@dataclass
class ToolLoop:
    """A loop: its conversation, which may be changed between rounds, and its rules.

    Attributes:
        messages: The conversation.
        tools: What the model may call, by name.
        limits: What ends it.
        thinking: The level of the caller's requests.
        now: Tells the time, in seconds.
        rounds: The turns so far.
        stopped: Why it ended; None while it has not.
        pending: Calls of the last turn that wait for the caller.
    """

    messages: Conversation
    tools: dict[str, Tool[..., object]]
    limits: LoopLimits
    thinking: Thinking
    now: Callable[[], float]
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
        now: Callable[[], float],
    ) -> ToolLoop:
        """A loop that has not begun.

        Raises:
            InvalidRequestError: One of the tools describes no tool, or two have the same name.
            ConfigurationError: A function cannot be a tool.
        """
        offered = [as_tool(value) for value in tools]
        read_tools([tool.tool_spec() for tool in offered])  # names and duplicates
        started = messages.copy() if isinstance(messages, Conversation) else Conversation(messages)
        return cls(started, {tool.name: tool for tool in offered}, limits, thinking, now)

    def steps(self) -> Generator[Ask | Work | Round, object, None]:
        """What is to be done, one thing after another; `stopped` tells at the end why there is nothing more."""
        limits = self.limits
        ends = None if limits.deadline is None else self.now() + limits.deadline
        while True:
            left = None if ends is None else ends - self.now()
            if left is not None and left <= 0:
                self.stopped = "deadline"
                return
            reply = yield from self._ask(left)
            self._tokens += reply.usage.total_tokens or 0
            if not reply.tool_calls:
                self.messages.add(reply)
                yield self._note(Round(reply=reply))
                announced = reply.text.rstrip().endswith((":", "\N{FULLWIDTH COLON}"))
                self.stopped = "no_call" if announced else "answered"
                return
            results = yield from self._work(reply, None if ends is None else ends - self.now())
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

    def _ask(self, left: float | None) -> Generator[Ask | Work | Round, object, Reply]:
        try:
            reply = yield Ask(self.messages, None, left)
        except EmptyTurnError:
            lower = _LOWER.get(self.thinking)
            if not self.limits.retry_empty or lower is None:
                raise
            reply = yield Ask(self.messages, lower, left)
        return cast("Reply", reply)

    def _work(self, reply: Reply, left: float | None) -> Generator[Ask | Work | Round, object, tuple[ToolResult, ...]]:
        """Sort the calls into those to run, to refuse and to leave; the results are in the order of the calls."""
        done: dict[str, ToolResult] = {}
        jobs: list[Job] = []
        pending: list[ToolCall] = []
        for call in reply.tool_calls:
            tool = self.tools.get(call.name)
            if tool is None:
                known = ", ".join(self.tools)
                done[call.id] = _failed(call, f"there is no tool {call.name!r}; there are: {known}")
            elif not tool.runs:
                pending.append(call)
            elif (denied := self._denied(call)) is not None:
                done[call.id] = _failed(call, denied)
            else:
                try:
                    tool.check(call)
                except InvalidToolArgumentsError as error:
                    done[call.id] = _failed(call, str(error))
                else:
                    jobs.append(Job(call, tool))
        self.pending = tuple(pending)
        if jobs:
            seconds = [value for value in (self.limits.tool_timeout, left) if value is not None]
            results = yield Work(tuple(jobs), max(0.0, min(seconds)) if seconds else None)
            done.update({result.call.id: result for result in cast("list[ToolResult]", results)})
        return tuple(done[call.id] for call in reply.tool_calls if call.id in done)

    def _denied(self, call: ToolCall) -> str | None:
        if self.limits.approve is None:
            return None
        verdict = self.limits.approve(call)
        if isinstance(verdict, str):
            return f"this call was denied: {verdict}"
        return None if verdict else "this call was denied"

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


def _failed(call: ToolCall, text: str) -> ToolResult:
    return ToolResult(call=call, content=f"error: {text}", error=text)
