"""A request for a transport: the step with which a call opens it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.providers import HttpCall
    from deepseek_v4_sdk.transport.clock import Deadline
    from deepseek_v4_sdk.transport.connection import CommonTransport

__all__ = ["Open"]


@dataclass(slots=True, eq=False)
class Open:
    """Send a request; the answer is its `ResponseHead`. It closes the answer that was open before.

    Attributes:
        call: The request.
        connect: Seconds for opening the connection.
        deadline: The time by which each further byte must have arrived; it moves.
        transport: Returns the transport, which is of the kind of the client.
    """

    call: HttpCall
    connect: float
    deadline: Deadline
    transport: Callable[[], CommonTransport]
