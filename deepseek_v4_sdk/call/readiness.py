"""Asking a server whether it answers, and waiting until it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.call.steps import Sleep, Steps
from deepseek_v4_sdk.chat.served import Health

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepseek_v4_sdk.call.call import Call
    from deepseek_v4_sdk.transport.clock import Clock

__all__ = ["health_steps", "readiness_steps"]

# While a server loads its weights, asking more often than this tells nothing sooner.
_PAUSE = 1.0
# A question that hangs is asked again: the server that took it may be gone.
_LONGEST_QUESTION = 30.0
# A server that answers so will not change its mind by itself.
_FINAL = (errors.AuthenticationError, errors.PermissionDeniedError, errors.ModelNotFoundError)
# An answer that is short or empty is still an answer.
_ALIVE = (errors.ReasoningExhaustedError, errors.EmptyTurnError, errors.TruncatedToolCallError)


def health_steps(question: Call[Any, Any], clock: Clock) -> Steps[Health]:
    """Ask once. What goes wrong is the answer, and is not raised."""
    started = clock.now()
    try:
        yield from question.steps()
    except _ALIVE:
        pass
    except errors.DeepSeekV4Error as error:
        status = getattr(error, "status_code", None)
        return Health(ok=False, detail=str(error), status=status, seconds=clock.now() - started)
    status = question.attempts[-1].status if question.attempts else None
    return Health(ok=True, status=status, seconds=clock.now() - started)


def readiness_steps(ask: Callable[[float], Call[Any, Any]], clock: Clock, seconds: float) -> Steps[Health]:
    """Ask until the server answers.

    Args:
        ask: Makes the question, which may take so many seconds.
        clock: Tells the time.
        seconds: How long to go on.

    Raises:
        PhaseTimeoutError: It did not within the time.
        AuthenticationError: It will not, with this key.
        PermissionDeniedError: The same.
        ModelNotFoundError: There is no such path.
    """
    ends = clock.now() + seconds
    while True:
        started = clock.now()
        question = ask(min(_LONGEST_QUESTION, ends - started))
        try:
            yield from question.steps()
        except _FINAL:
            raise
        except errors.DeepSeekV4Error as error:
            if (left := ends - clock.now()) > 0:
                yield Sleep(min(_PAUSE, left))
            if clock.now() >= ends:
                raise errors.PhaseTimeoutError(
                    f"not ready within {seconds:g} s; the last answer: {error}", phase="total", seconds=seconds
                ).about(url=error.url) from error
        else:
            return Health(ok=True, status=200, seconds=clock.now() - started)
