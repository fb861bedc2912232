"""The transports of a client: one for each endpoint, brought by the user or made when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.support.forks import PROCESS, new_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import httpx

    from deepseek_v4_sdk.transport.connection import AsyncTransport, CommonTransport, Transport

__all__ = ["TransportRegistry"]


class TransportRegistry:
    """The transports of a client. Many threads may use it.

    Args:
        brought: The user's transport or client of httpx for each endpoint; None where a transport is to be made.
        wrappers: A wrapper for each endpoint whose transport is made, or None.
        connect: Makes a transport; returns None when the client is gone.
        awaited: Whether the client is async.
    """

    def __init__(
        self,
        brought: Sequence[object | None],
        wrappers: Sequence[Callable[[httpx.BaseTransport | httpx.AsyncBaseTransport], object] | None],
        connect: Callable[[], Callable[[], Transport | AsyncTransport] | None],
        *,
        awaited: bool,
    ) -> None:
        self._awaited = awaited
        self._brought = tuple(None if each is None else self._adapt(each) for each in brought)
        self._wrappers = tuple(wrappers)
        self._connect = connect
        self._made: dict[int, CommonTransport] = {}
        self._lock = new_lock()
        self._owner: TransportRegistry | None = None
        self._process: int | None = None  # the process in which the user's transports were used

    def share_with(self, owner: TransportRegistry) -> None:
        """Use another client's transports from now on."""
        self._owner = owner._owner or owner

    def known(self, place: int) -> CommonTransport | None:
        """The transport of an endpoint, or None where none was made so far."""
        if self._owner is not None:
            return self._owner.known(place)
        return self._brought[place] or self._made.get(place)

    def find(self, place: int) -> CommonTransport:
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
                self._made[place] = self._wrapped(connect(), place)
            return self._made[place]

    def _adapt(self, brought: object, *, owned: bool = False) -> CommonTransport:
        from deepseek_v4_sdk.transport.httpx_adapter import adapt  # a program that brought something has loaded httpx

        return adapt(brought, awaited=self._awaited, owned=owned)

    def _wrapped(self, made: Transport | AsyncTransport, place: int) -> CommonTransport:
        """A transport of ours, in the wrapper of its endpoint if there is one."""
        wrap = self._wrappers[place]
        if wrap is None:
            return made
        from deepseek_v4_sdk.transport.httpx_adapter import as_httpx_transport  # the wrappers are made for httpx

        return self._adapt(wrap(as_httpx_transport(made)), owned=True)

    def _check_process(self, brought: CommonTransport) -> None:
        """Refuse the user's connections in a child process: only the user can renew them; a mock has none."""
        if brought.own_server is not None:
            return
        if self._process is None:
            self._process = PROCESS.generation
        elif self._process != PROCESS.generation:
            raise ConfigurationError(
                "http_client has sent requests in the parent process, and shares its connections: "
                "give each process its own client, made after the fork"
            )

    def take_made(self) -> list[CommonTransport]:
        """Take the transports that were made, to be closed; the next request makes others."""
        with self._lock:
            made = list(self._made.values())
            self._made.clear()
            return made
