"""The hooks of a call: they run when it begins, and when it ends, whichever way it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from deepseek_v4_sdk.chat import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deepseek_v4_sdk.call.notifier import Notifier
    from deepseek_v4_sdk.chat import Attempt, Thinking
    from deepseek_v4_sdk.chat.hooks import CallDetails
    from deepseek_v4_sdk.errors import DeepSeekV4Error

__all__ = ["Asked", "CallReport"]


class Asked(TypedDict, total=False):
    """The request of a chat, as far as its hooks see it."""

    model: str | None
    profile: str | None
    metadata: Mapping[str, object]
    thinking: Thinking | None
    max_tokens: int | None
    temperature: float | None
    stream: bool


class CallReport:
    """Notifies hooks of one call. Without hooks it does nothing.

    Args:
        watch: The hooks to notify.
    """

    __slots__ = ("_details", "_watch")

    def __init__(self, watch: Notifier) -> None:
        self._watch = watch
        self._details: CallDetails | None = None

    @property
    def open(self) -> bool:
        """Whether the hooks have seen the beginning but not the end."""
        return self._details is not None

    def begin(self, details: Callable[[], CallDetails]) -> None:
        """Report that the call begins."""
        if self._watch.has_call_hooks:
            self._details = details()
            self._watch.call_start(self._details)

    def end(self, result: object, error: DeepSeekV4Error | None, attempts: Sequence[Attempt]) -> None:
        """Report that the call has ended, only once."""
        details, self._details = self._details, None
        if details is not None:
            reply = result if isinstance(result, Reply) else None
            self._watch.call_end(details, reply, error, attempts)

    def forget(self) -> None:
        """Forget a call that belongs to the parent process, which reports it."""
        self._details = None
