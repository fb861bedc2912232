"""Notifying the log and the user's hooks of a running call."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import RequestDetails

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    from deepseek_v4_sdk.chat import Attempt, Reply
    from deepseek_v4_sdk.chat.hooks import CallDetails, Hooks
    from deepseek_v4_sdk.chat.tool_call import ToolCall
    from deepseek_v4_sdk.errors import DeepSeekV4Error

__all__ = ["Notifier"]

# Arguments are passed separately, so that nothing is formatted unless somebody reads it. None of them has a key or a
# prompt; but a server's text may quote a prompt, so it is logged only at DEBUG.
_logger = logging.getLogger("deepseek_v4_sdk")
_logger.addHandler(logging.NullHandler())  # a library logs nothing until a program enables it


class _Kind:
    """The kind of an error, formatted when it is read: its class and status, and no text of the server."""

    def __init__(self, error: DeepSeekV4Error) -> None:
        self._error = error

    def __str__(self) -> str:
        error = self._error
        status = getattr(error, "status_code", None)
        return type(error).__name__ if status is None else f"{type(error).__name__}, status {status}"


class Notifier:
    """Notifies the log and the hooks of calls.

    Args:
        hooks: The user's hooks.
    """

    def __init__(self, hooks: Sequence[Hooks] = ()) -> None:
        self._hooks = tuple(hooks)

    def request(self, details: RequestDetails) -> None:
        """Report that an HTTP request is about to be sent."""
        _logger.debug(
            "%s %s (%s, model %s, %d bytes, request %s, attempt %d)",
            details.method,
            details.url,
            details.provider,
            details.model,
            details.size,
            details.request_id,
            details.attempt,
        )
        self._tell(lambda hook: hook.on_request(details))

    @property
    def has_call_hooks(self) -> bool:
        """Whether any hook listens to calls and tools: else no details need to be built."""
        return bool(self._hooks)

    def call_start(self, details: CallDetails) -> None:
        """Report that a call begins."""
        self._tell(lambda hook: hook.on_call_start(details))

    def call_end(
        self, call: CallDetails, reply: Reply | None, error: DeepSeekV4Error | None, attempts: Sequence[Attempt]
    ) -> None:
        """Report that a call has ended."""
        details = _hooks().CallEndDetails(call=call, reply=reply, error=error, attempts=tuple(attempts))
        self._tell(lambda hook: hook.on_call_end(details))

    def tool_start(self, call: ToolCall, description: str | None) -> None:
        """Report that a function is about to run."""
        if not self._hooks:
            return
        details = _hooks().ToolDetails(call=call, description=description)
        self._tell(lambda hook: hook.on_tool_start(details))

    def tool_end(self, call: ToolCall, value: object, error: BaseException | None) -> None:
        """Report that a function has ended."""
        if not self._hooks:
            return
        details = _hooks().ToolEndDetails(call=call, value=value, error=error)
        self._tell(lambda hook: hook.on_tool_end(details))

    def attempt(self, request: RequestDetails, attempt: Attempt) -> None:
        """Report that an HTTP request has ended."""
        self._tell(lambda hook: hook.on_attempt(_hooks().AttemptDetails(request=request, attempt=attempt)))

    def retry(self, request: RequestDetails, error: DeepSeekV4Error, wait: float, provider: str) -> None:
        """Report that a request failed and will be sent again, perhaps to another provider."""
        self._failed(request, error)
        there = "" if provider == request.provider else f" to {provider}"
        _logger.warning(
            "request %s failed and is sent again%s in %.1f s: %s", request.request_id, there, wait, _Kind(error)
        )
        self._tell(
            lambda hook: hook.on_retry(
                _hooks().RetryDetails(request=request, error=error, wait=wait, provider=provider)
            )
        )

    def reply(self, request: RequestDetails, reply: Reply) -> None:
        """Report that a chat succeeded."""
        _logger.debug(
            "request %s answered: %s after %.2f s, %s",
            request.request_id,
            reply.finish_reason,
            reply.timing.total,
            reply.usage,
        )
        for repair in reply.repairs:
            _logger.info("request %s: %s", request.request_id, repair.detail)
        self._tell(lambda hook: hook.on_reply(_hooks().ReplyDetails(request=request, reply=reply)))

    def error(self, request: RequestDetails, error: DeepSeekV4Error) -> None:
        """Report that a call failed for good."""
        self._failed(request, error)
        _logger.info("request %s failed: %s", request.request_id, _Kind(error))
        self._tell(lambda hook: hook.on_error(_hooks().ErrorDetails(request=request, error=error)))

    def passed_over(self, provider: str, reason: str) -> None:
        """Report that failover skips a provider."""
        _logger.warning("%s is skipped: %s", provider, reason)

    def _failed(self, request: RequestDetails, error: DeepSeekV4Error) -> None:
        _logger.debug("request %s: %s", request.request_id, error)

    def _tell(self, tell: Callable[[Hooks], None]) -> None:
        for hook in self._hooks:
            try:
                tell(hook)
            except Exception:
                _logger.exception("a hook of %s failed", type(hook).__name__)


def _hooks() -> ModuleType:
    from deepseek_v4_sdk.chat import hooks  # a program with hooks has loaded them

    return hooks
