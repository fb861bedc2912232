"""The steps of a call. A driver runs them and does the I/O; the code that yields them does none."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from deepseek_v4_sdk.transport.request import Open

if TYPE_CHECKING:
    from deepseek_v4_sdk.traffic.shared_limiter import Question
    from deepseek_v4_sdk.traffic.wakeup import Wakeup

__all__ = [
    "ACCEPTED",
    "DRAIN",
    "DROP",
    "READ",
    "Accepted",
    "Ask",
    "Compute",
    "Deliver",
    "Drain",
    "Drop",
    "Read",
    "Sleep",
    "Step",
    "Steps",
]

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Read:
    """Wait for a block of the body; the answer is the block, empty at the end."""


@dataclass(slots=True, eq=False)
class Drain:
    """The answer is complete: read the last bytes that have arrived, so that the connection can be used again."""


@dataclass(slots=True, eq=False)
class Drop:
    """Close what is open."""


@dataclass(slots=True, eq=False)
class Sleep:
    """Close what is open, and wait.

    Attributes:
        seconds: Seconds to wait.
        wakeup: A wakeup that ends the wait, or None.
    """

    seconds: float
    wakeup: Wakeup | None = None


@dataclass(slots=True, eq=False)
class Ask:
    """Ask the holder of shared limits; the answer is its answer, or None where it is out of reach.

    Attributes:
        question: The question.
    """

    question: Question


@dataclass(slots=True, eq=False)
class Compute:
    """Compute something without I/O; the answer is the function's result.

    Attributes:
        function: The function. An exception that it raises ends the call.
        long: Whether it takes so long that an event loop must not wait for it.
    """

    function: Callable[[], object]
    long: bool = False


@dataclass(slots=True, eq=False)
class Deliver:
    """Hand events to the caller.

    Attributes:
        events: Events of a chat, or items of a stream of another kind.
    """

    events: list[Any]


@dataclass(slots=True, eq=False)
class Accepted:
    """The server has accepted the request: a caller that waits for this goes on."""


ACCEPTED = Accepted()
READ = Read()
DRAIN = Drain()
DROP = Drop()
Step: TypeAlias = Open | Accepted | Read | Drain | Drop | Sleep | Ask | Compute | Deliver
"""Any step. A failed `Open` or `Read` is thrown into the steps as `TransportFailure`."""
Steps: TypeAlias = Generator[Step, object, T]
"""The steps of a call that results in a `T`."""
