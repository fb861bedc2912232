"""One request in neutral terms: the caller's request, before any server's form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat.conversation import Conversation
from deepseek_v4_sdk.chat.history import History
from deepseek_v4_sdk.chat.messages import Message
from deepseek_v4_sdk.chat.option_checks import check_options, is_budget, with_defaults
from deepseek_v4_sdk.chat.options import ControlTokens, Overflow, Thinking
from deepseek_v4_sdk.chat.reading import read_messages
from deepseek_v4_sdk.chat.reply import Reply
from deepseek_v4_sdk.chat.timing import Timeouts
from deepseek_v4_sdk.chat.tool_spec import ToolSpec
from deepseek_v4_sdk.errors import InvalidRequestError

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat.bounds import SpendLimit, WindowBudget
else:
    SpendLimit = late_type("deepseek_v4_sdk.chat.bounds", "SpendLimit")
    WindowBudget = late_type("deepseek_v4_sdk.chat.bounds", "WindowBudget")

__all__ = ["ChatRequest"]


@dataclass(slots=True, eq=False, kw_only=True)
class ChatRequest:
    """A caller's request, checked and in one form; None is "not given".

    `history` has the findings of a walk over the messages. The other fields are the options of `ChatOptions`:
    `tool_choice` is a keyword or a tool's name, `logprobs` the number of alternatives, `stop` a tuple.
    """

    messages: tuple[Message, ...]
    history: History = field(default_factory=History, repr=False, compare=False)
    model: str | None = None
    thinking: Thinking = "high"
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    max_reasoning_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: tuple[str, ...] | None = None
    seed: int | None = None
    response_format: Mapping[str, object] | None = None
    logprobs: int | None = None
    priority: int | None = None
    cache_salt: str | None = None
    user: str | None = None
    timeout: Timeouts = field(default_factory=Timeouts)
    metadata: Mapping[str, object] = field(default_factory=dict[str, object])
    wire: Literal["stream", "plain", "raw"] = "stream"
    overflow: Overflow | None = None
    window: int | None = None
    spend: Sequence[SpendLimit] = ()
    dsml: Literal["auto", "off"] = "auto"
    control_tokens: ControlTokens = "send"
    on_unsupported: Literal["nearest", "disable_thinking", "auto"] | None = None
    on_interrupt: str | Sequence[str] = "raise"
    continue_from: Reply | None = None
    until_done: int | None = None
    extra_body: Mapping[str, object] = field(default_factory=dict[str, object])
    extra_headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)  # a key may be among them

    @classmethod
    def build(cls, messages: object, options: Mapping[str, object], defaults: Mapping[str, object]) -> ChatRequest:
        """Check messages and options, and combine them; an option of the call wins over a default.

        Raises:
            InvalidRequestError: Something is wrong; the text names the place and the remedy.
            ConfigurationError: A window is given next to a budget.
        """
        checked = check_options(options)
        timeouts = checked.pop("timeout", None)
        merged = with_defaults(checked, defaults)
        if "window" in merged:
            merged.setdefault("overflow", "raise")
        if isinstance(timeouts, Timeouts):
            default = merged.get("timeout")
            merged["timeout"] = timeouts.over(default) if isinstance(default, Timeouts) else timeouts
        # Every value passed the check of its option, which a type checker cannot follow.
        checked_options = cast("dict[str, Any]", merged)
        if isinstance(messages, Conversation):
            if not len(messages):
                raise InvalidRequestError("the conversation is empty: add a message")
            taken, history = tuple(messages), messages.history.snapshot()
        else:
            taken = read_messages(messages)
            history = History(taken)
        request = cls(messages=taken, history=history, **checked_options)
        request._check_tool_choice()
        if request.wire == "plain" and (request.continue_from is not None or request.until_done is not None):
            option = "until_done" if request.continue_from is None else "continue_from"
            raise InvalidRequestError(f"{option} needs wire='stream': a plain answer comes whole")
        if request.wire == "plain" and request.max_reasoning_tokens is not None:
            raise InvalidRequestError(
                "max_reasoning_tokens needs wire='stream': a plain answer comes whole, and cannot be ended before"
            )
        return request

    def _check_tool_choice(self) -> None:
        choice = self.tool_choice
        if choice is None or choice == "none":
            return
        if not self.tools:
            raise InvalidRequestError(f"tool_choice is {choice!r}, but there are no tools: give tools, or leave it out")
        if choice not in {"auto", "required"} and choice not in {tool.name for tool in self.tools}:
            names = ", ".join(tool.name for tool in self.tools)
            raise InvalidRequestError(f"tool_choice names {choice!r}, which is none of the tools: {names}")

    @property
    def budget(self) -> WindowBudget | None:
        """The budget of the caller's into which it is fitted, or None."""
        return self.overflow if is_budget(self.overflow) else None

    @property
    def may_shorten(self) -> bool:
        """Whether the conversation may be shortened so that it fits."""
        return self.overflow == "fit" or self.budget is not None

    @property
    def resumes(self) -> bool:
        """Whether an answer that breaks off goes on where it broke off, if that is possible."""
        return "resume" in self.on_interrupt

    @property
    def restarts(self) -> bool:
        """Whether an answer that breaks off is requested again."""
        return "restart" in self.on_interrupt

    @property
    def forces_a_call(self) -> bool:
        """Whether the model must call a tool: any, or a named one."""
        return self.tool_choice is not None and self.tool_choice not in {"auto", "none"}
