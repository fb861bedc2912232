"""A request that a transport is to send: the step that a call opens it with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepseek_v4_sdk.providers import HttpCall
    from deepseek_v4_sdk.transport.clock import Deadline

__all__ = ["Open"]


@dataclass(slots=True, eq=False)
class Open:
    """Send a request; the answer is its `ResponseHead`. Whatever was open before is closed.

    Attributes:
        call: The request.
        connect: Seconds for opening the connection.
        deadline: By when each further byte must have come; it moves.
        transport: Gives what carries it: a transport, or a client that the user brought.
    """

    call: HttpCall
    connect: float
    deadline: Deadline
    transport: Callable[[], Any]  # of the kind of the client
