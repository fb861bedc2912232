"""Objects that a copy of a structure shares with the original: a client, a ledger, a stream.

None of them is pickled.
"""

from __future__ import annotations

from typing import NoReturn, Self

__all__ = ["Shared"]


class Shared:
    """An object with connections or locks. A copy of its holder, deep or not, holds the same object.

    Frameworks copy their agents and settings deeply; nobody would close a second client in there.
    """

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        kind = type(self).__name__
        raise TypeError(
            f"{kind} cannot be pickled, for connections and locks belong to one process: make one where it is needed, "
            "such as with from_profile"
        )
