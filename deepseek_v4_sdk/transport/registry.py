"""The transports of a client: one for each endpoint, brought by the user or made when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.support.forks import PROCESS, new_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["TransportRegistry"]


class TransportRegistry:
    """The transports of a client. Many threads may use it.

    Args:
        brought: The user's transport for each endpoint; None where it is to be made.
        wrappers: A wrapper for each endpoint whose transport is made, or None.
        connect: Makes a transport; returns None when the client is gone.
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
        self._process: int | None = None  # the process in which the user's transports were used

    def share_with(self, owner: TransportRegistry) -> None:
        """Use another client's transports from now on."""
        self._owner = owner._owner or owner

    def known(self, place: int) -> Any:
        """The transport of an endpoint, or None where none was made so far."""
        if self._owner is not None:
            return self._owner.known(place)
        return self._brought[place] or self._made.get(place)

    def find(self, place: int) -> Any:
        """Find or make the transport of an endpoint.

        Raises:
            ConfigurationError: It belongs to the user, and was used in the parent process.
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
                    # the wrappers are made for httpx
                    from deepseek_v4_sdk.transport.httpx_adapter import as_httpx_transport

                    made = wrap(as_httpx_transport(made))
                self._made[place] = made
            return self._made[place]

    def _check_process(self, brought: object) -> None:
        """Refuse the user's connections in a child process: only the user can renew them; a mock has none."""
        if hasattr(brought, "exchange_clock"):
            return
        if self._process is None:
            self._process = PROCESS.generation
        elif self._process != PROCESS.generation:
            raise ConfigurationError(
                "http_client has sent requests in the parent process, and shares its connections: "
                "give each process its own client, made after the fork"
            )

    def take_made(self) -> list[Any]:
        """Take the transports that were made, to be closed; the next request makes others."""
        with self._lock:
            made = list(self._made.values())
            self._made.clear()
            return made
