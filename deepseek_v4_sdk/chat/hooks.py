"""Hooks: callbacks for requests, their ends, retries, replies and errors as they happen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from deepseek_v4_sdk.chat.attempt import Attempt, RequestDetails
from deepseek_v4_sdk.chat.messages import Message
from deepseek_v4_sdk.chat.options import Thinking
from deepseek_v4_sdk.chat.reply import Reply
from deepseek_v4_sdk.chat.tool_call import ToolCall
from deepseek_v4_sdk.errors import DeepSeekV4Error

__all__ = [
    "AttemptDetails",
    "CallDetails",
    "CallEndDetails",
    "ErrorDetails",
    "Hooks",
    "ReplyDetails",
    "RetryDetails",
    "ToolDetails",
    "ToolEndDetails",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDetails:
    """A call that begins: a chat, or a request about the server. It may become several HTTP requests.

    Attributes:
        call_id: Its id; the details of its requests have the same.
        provider: The provider of the first request.
        url: The whole URL of the first request.
        model: The requested model, or None.
        is_chat: Whether a model is to answer, which costs tokens; else it is a request about the server.
        thinking: The requested thinking level; None for a request about the server.
        max_tokens: The limit of the answer, or None.
        temperature: The sampling temperature, or None.
        stream: Whether the answer is streamed over the wire, as it is unless `wire="plain"` is given.
        metadata: The caller's `metadata`.
        profile: The profile of the client, or None.
        messages: The conversation of a chat. It is not shown in a repr.
    """

    call_id: str
    provider: str
    url: str = ""
    model: str | None = None
    is_chat: bool = False
    thinking: Thinking | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    stream: bool = False
    metadata: Mapping[str, object] = field(default_factory=dict[str, object])
    profile: str | None = None
    messages: tuple[Message, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEndDetails:
    """A call that has ended, in any way. Hooks get it once for each call that began.

    Attributes:
        call: The call.
        reply: The answer of a chat that ended well; else None.
        error: The error that is raised; `StreamClosedError` where the caller left; None where it ended well.
        attempts: Its HTTP requests, in order.
    """

    call: CallDetails
    reply: Reply | None = None
    error: DeepSeekV4Error | None = None
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDetails:
    """A function that a tool loop is about to run, in the context of the run.

    Attributes:
        call: The model's call.
        description: The description of the tool for the model.
    """

    call: ToolCall
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolEndDetails:
    """A function of a tool loop that has ended.

    Attributes:
        call: The model's call.
        error: The error that it raised, or None.
        value: The value that it returned.
    """

    call: ToolCall
    error: BaseException | None = None
    value: object = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptDetails:
    """An HTTP request that has ended, in any way.

    Attributes:
        request: The request.
        attempt: Its result, and its cost as far as the server reported it.
    """

    request: RequestDetails
    attempt: Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDetails:
    """A request that failed and will be sent again.

    Attributes:
        request: The request that failed; one that a limit of this client refused was not sent.
        error: The error.
        wait: Seconds until it is sent again.
        provider: The provider of the next request.
    """

    request: RequestDetails
    error: DeepSeekV4Error
    wait: float
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyDetails:
    """A chat that ended well.

    Attributes:
        request: The request that was answered.
        reply: The answer.
    """

    request: RequestDetails
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDetails:
    """A call that failed for good.

    Attributes:
        request: The last request that was sent.
        error: The error that is raised.
    """

    request: RequestDetails
    error: DeepSeekV4Error


class Hooks:
    """Base class of hooks: override the methods you need, and pass an instance as `hooks=[...]`.

    The methods run between the steps of a call, on its thread or event loop: they must be quick, and must not wait.
    Their exceptions are logged, and do not disturb the call.
    """

    def on_call_start(self, details: CallDetails) -> None:
        """A call begins, in the thread and context of its caller; nothing has been sent."""

    def on_call_end(self, details: CallEndDetails) -> None:
        """A call has ended: with an answer, with an error, or because its caller left."""

    def on_tool_start(self, details: ToolDetails) -> None:
        """A tool loop is about to run a function. The function sees context variables that are set here."""

    def on_tool_end(self, details: ToolEndDetails) -> None:
        """A function of a tool loop has ended; called in the same context as its start."""

    def on_request(self, details: RequestDetails) -> None:
        """An HTTP request is about to be sent."""

    def on_attempt(self, details: AttemptDetails) -> None:
        """An HTTP request has ended: with an answer, with an error, or because its caller left."""

    def on_retry(self, details: RetryDetails) -> None:
        """A request failed and will be sent again."""

    def on_reply(self, details: ReplyDetails) -> None:
        """A chat ended well."""

    def on_error(self, details: ErrorDetails) -> None:
        """A call failed for good."""
