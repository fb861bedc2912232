"""What carries a client's requests: a carrier for each endpoint, brought by the user or made when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.support.forks import PROCESS, new_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["TransportRegistry"]


class TransportRegistry:
    """The carriers of a client. They may be asked for from many threads.

    Args:
        brought: What the user brought, for each endpoint; None where it is to be made.
        wrappers: What is put before one that is made, for each endpoint, or None.
        connect: Makes one; gives None when the client is gone.
    """

    def __init__(
        self,
        brought: Sequence[Any],
        wrappers: Sequence[Callable[[Any], Any] | None],
        connect: Callable[[], Callable[[], Any] | None],
    ) -> None:
        self._brought = tuple(brought)
        self._wrappers = tuple(wrappers)
        self._connect = connect
        self._made: dict[int, Any] = {}
        self._lock = new_lock()
        self._owner: TransportRegistry | None = None
        self._process: int | None = None  # in which one those that were brought were used

    def share_with(self, owner: TransportRegistry) -> None:
        """Use another client's from now on."""
        self._owner = owner._owner or owner

    def known(self, place: int) -> Any:
        """The carrier of an endpoint, or None where none was made so far."""
        if self._owner is not None:
            return self._owner.known(place)
        return self._brought[place] or self._made.get(place)

    def find(self, place: int) -> Any:
        """The carrier of an endpoint.

        Raises:
            ConfigurationError: It is the user's own, and was used in a process that this one was forked from.
        """
        if self._owner is not None:
            return self._owner.find(place)
        if (brought := self._brought[place]) is not None:
            self._check_process(brought)
            return brought
        with self._lock:
            if place not in self._made and (connect := self._connect()) is not None:
                made, wrap = connect(), self._wrappers[place]
                if wrap is not None:
                    from deepseek_v4_sdk.transport.httpx_adapter import as_httpx_transport  # what taps is of httpx

                    made = wrap(as_httpx_transport(made))
                self._made[place] = made
            return self._made[place]

    def _check_process(self, brought: object) -> None:
        """Whose connections are in what the user brought, only the user can renew; a mock has none."""
        if hasattr(brought, "exchange_clock"):
            return
        if self._process is None:
            self._process = PROCESS.generation
        elif self._process != PROCESS.generation:
            raise ConfigurationError(
                "http_client has carried requests of the process that this one was forked from, and their connections "
                "are one: give each process a client of its own, made behind the fork"
            )

    def take_made(self) -> list[Any]:
        """Those that were made, to be closed; the next request makes others."""
        with self._lock:
            made = list(self._made.values())
            self._made.clear()
            return made
