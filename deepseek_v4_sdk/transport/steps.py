"""The steps that a call is made of. Whoever runs them does the I/O; whoever writes them does none."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from deepseek_v4_sdk.providers import HttpCall
    from deepseek_v4_sdk.transport.bell import Bell
    from deepseek_v4_sdk.transport.clock import Deadline

__all__ = ["DRAIN", "DROP", "READ", "Deliver", "Drain", "Drop", "Open", "Read", "Sleep", "Step", "Steps", "Work"]

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Open:
    """Send a request; the answer is its `Head`. Whatever was open before is closed.

    Attributes:
        call: The request.
        connect: Seconds for opening the connection.
        deadline: By when each further byte must have come; it moves.
        carrier: Gives what carries it: a transport, or a client that the user brought.
    """

    call: HttpCall
    connect: float
    deadline: Deadline
    carrier: Callable[[], Any]  # of the kind of the client


@dataclass(slots=True, eq=False)
class Read:
    """Wait for a block of the body; the answer is the block, empty at the end."""


@dataclass(slots=True, eq=False)
class Drain:
    """The answer is complete: take its last bytes if they are there, so that the connection can be used again."""


@dataclass(slots=True, eq=False)
class Drop:
    """Close what is open."""


@dataclass(slots=True, eq=False)
class Sleep:
    """Close what is open, and wait.

    Attributes:
        seconds: How long.
        bell: What ends the wait when it rings, or None.
    """

    seconds: float
    bell: Bell | None = None


@dataclass(slots=True, eq=False)
class Work:
    """Do something that takes no I/O; the answer is what it gives.

    Attributes:
        function: What to do. What it raises ends the call.
        long: Whether it takes so long that an event loop must not wait for it.
    """

    function: Callable[[], object]
    long: bool = False


@dataclass(slots=True, eq=False)
class Deliver:
    """Hand events to the caller; the first one of a stream is empty, and tells that the server accepted.

    Attributes:
        events: Those of a chat, or what a stream of another kind gives.
    """

    events: list[Any]


READ = Read()
DRAIN = Drain()
DROP = Drop()
Step: TypeAlias = Open | Read | Drain | Drop | Sleep | Work | Deliver
"""Any step. A failed `Open` or `Read` is thrown into the steps as `LineFailure`."""
Steps: TypeAlias = Generator[Step, object, T]
"""The steps of a call that results in a `T`."""
