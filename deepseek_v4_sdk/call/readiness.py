"""Checking whether a server answers, and waiting until it does."""

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

# While a server loads its weights, polling more often than this finds out nothing sooner.
_PAUSE = 1.0
# A request that hangs is sent again: the server that took it may be gone.
_LONGEST_QUESTION = 30.0
# A server that answers like this will not recover.
_FINAL = (errors.AuthenticationError, errors.PermissionDeniedError, errors.ModelNotFoundError)
# An answer that is short or empty is still an answer.
_ALIVE = (errors.ReasoningExhaustedError, errors.EmptyTurnError, errors.TruncatedToolCallError)


def health_steps(question: Call[Any, Any], clock: Clock) -> Steps[Health]:
    """Check once. The result has the failure; nothing is raised."""
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
    """Poll until the server answers.

    Args:
        ask: Makes the request, which may take the given number of seconds.
        clock: The clock.
        seconds: Seconds to keep polling.

    Raises:
        PhaseTimeoutError: The server did not answer within the time.
        AuthenticationError: The server refuses this key.
        PermissionDeniedError: The server refuses this key, too.
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
