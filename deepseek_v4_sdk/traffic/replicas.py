"""The replicas of one provider: which of them gets a request, and which ones rest because they have failed."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeAlias, TypeVar

from deepseek_v4_sdk.chat import UserMessage, write_json
from deepseek_v4_sdk.support.forks import new_lock, renewed_in_children
from deepseek_v4_sdk.traffic.circuit_breaker import CircuitBreaker

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from deepseek_v4_sdk.catalogue.models import Catalogue
    from deepseek_v4_sdk.chat import ChatRequest, RateLimits
    from deepseek_v4_sdk.providers import Provider, Target
    from deepseek_v4_sdk.traffic.registry import SharedLimits

__all__ = ["Balance", "HasServer", "ReplicaSet", "conversation_key"]

Balance: TypeAlias = Literal["sticky", "least_busy"]
"""The way of spreading requests: a conversation stays where its prefix is cached, or each goes where the fewest run."""

# A conversation leaves its replica when that runs so many times the mean of the others, and so many more.
_UNEVEN, _SLACK = 1.25, 2
# A replica rests after three consecutive failures, or one without a connection: a second, and each time twice as long.
_FAILURES, _FIRST_REST, _LONGEST_REST = 3, 1.0, 30.0


class HasServer(Protocol):
    """A member of a replica set, identified by its server."""

    def server(self) -> tuple[Provider, Target]:
        """The provider and the target, as far as they are known by now."""
        ...


UpstreamT = TypeVar("UpstreamT", bound=HasServer)


class _Replica:
    """The state of a replica: the number of its running requests, and whether it rests."""

    def __init__(self, name: str) -> None:
        self._name = name.encode()
        self.renew()

    def renew(self) -> None:
        """Reset it: nothing runs there, and nothing has failed."""
        self.running = 0
        self.breaker = CircuitBreaker(_FAILURES, _FIRST_REST, _LONGEST_REST)

    def rank(self, key: bytes) -> bytes:
        """Its rank for a conversation: the highest one gets it, and a failure changes nothing among the others."""
        return _hashed(self._name, 8, key)


class ReplicaSet(Generic[UpstreamT]):
    """The replicas of one provider. It may be used from many threads.

    Args:
        upstreams: The replicas.
        balance: The spreading of requests over them.
        limits: The client's limits at each of them: for all models (under `""`), or for a family of them.
        model: The model for calls that name none.
        session_affinity: Whether requests name their conversation to a gateway in front of the replicas.
        shared_limits: The limits, where other processes share them; or None.

    Attributes:
        profile: The profile it is from, or None.
    """

    def __init__(
        self,
        upstreams: Sequence[UpstreamT],
        *,
        balance: Balance = "sticky",
        limits: Mapping[str, RateLimits] | None = None,
        model: str | None = None,
        session_affinity: bool = False,
        shared_limits: SharedLimits | None = None,
    ) -> None:
        self.upstreams = tuple(upstreams)
        self.model = model
        self.session_affinity = session_affinity
        self.shared_limits = shared_limits
        self.profile: str | None = None
        self._limits = limits or {}
        self._sticky = balance == "sticky"
        urls = [upstream.server()[1].base_url for upstream in upstreams]
        # Only of the address, so that all processes send a conversation to the same one; mocks have none.
        names = (f"{url} {urls[:index].count(url)}" for index, url in enumerate(urls))
        self._replicas = {upstream: _Replica(name) for upstream, name in zip(upstreams, names, strict=True)}
        self._lock = new_lock()
        self._now = float("-inf")
        renewed_in_children(self)

    def leave_to_parent(self) -> None:
        """Start fresh in a child process."""
        for replica in self._replicas.values():
            replica.renew()

    def share(self, other: ReplicaSet[UpstreamT]) -> None:
        """Share the state of the same replicas with another set, from now on."""
        self._lock = other._lock
        self._replicas = dict(zip(self.upstreams, other._replicas.values(), strict=True))

    def never_opening(self) -> ReplicaSet[UpstreamT]:
        """The same replicas with the same limits, but for refusals: those of its requests open no circuit."""
        same = copy(self)
        same._limits = {scope: replace(limits, refusals=None) for scope, limits in self._limits.items()}
        return same

    def choose(self, key: bytes, now: float, avoid: Collection[UpstreamT]) -> UpstreamT:
        """Choose the replica for a request of a conversation.

        Args:
            key: The hash of the conversation.
            now: The time.
            avoid: Replicas at which this call has failed; chosen only if there is no other.
        """
        if len(self.upstreams) == 1:
            return self.upstreams[0]
        with self._lock:
            self._now = now = max(self._now, now)
            every = self._replicas
            left = [upstream for upstream in self.upstreams if upstream not in avoid] or list(self.upstreams)
            ready = [
                upstream
                for upstream in left
                if every[upstream].breaker.wait(now) <= 0 and not every[upstream].breaker.probing
            ]
            if not ready:  # a resting replica is better than none
                return min(left, key=lambda upstream: (every[upstream].breaker.wait(now), every[upstream].running))
            if self._sticky:
                most = sum(one.running for one in every.values()) / len(every) * _UNEVEN + _SLACK
                free = [upstream for upstream in ready if every[upstream].running < most]
                return max(free or ready, key=lambda upstream: every[upstream].rank(key))
            return min(ready, key=lambda upstream: (every[upstream].running, every[upstream].rank(key)))

    def begin(self, upstream: UpstreamT) -> bool:
        """Note that a request goes to a replica. Return whether it is the probe."""
        replica = self._replicas[upstream]
        with self._lock:
            replica.running += 1
            return replica.breaker.send()

    def end(self, upstream: UpstreamT, now: float, *, probe: bool, works: bool | None, reached: bool = True) -> None:
        """Note that a request has ended.

        Args:
            upstream: The replica.
            now: The time.
            probe: Whether it was the probe.
            works: Whether the replica works; None where it did not show.
            reached: Whether there was a connection.
        """
        replica = self._replicas[upstream]
        with self._lock:
            self._now = now = max(self._now, now)
            replica.running -= 1
            if works is None:
                if probe:
                    replica.breaker.unknown()
            elif not works:
                replica.breaker.failed(now, probe=probe, hint=0.0 if reached else _FIRST_REST)
            elif probe or replica.breaker.closed:
                replica.breaker.succeeded()

    def another(self, avoid: Collection[UpstreamT]) -> bool:
        """Whether there is a replica at which this call has not failed."""
        return any(upstream not in avoid for upstream in self.upstreams)

    def limits_of(self, model: str | None, catalogue: Catalogue) -> tuple[str, RateLimits] | None:
        """The scope that is counted together with requests for a model, and the client's limits for it, or None."""
        if not self._limits:
            return None
        family = None if model is None else catalogue.family(model)
        scope = family if family is not None and family in self._limits else ""
        return (scope, self._limits[scope]) if scope in self._limits else None


def conversation_key(request: ChatRequest) -> bytes:
    """Hash the common part of a conversation's requests: everything up to the first user message."""
    head: list[bytes] = []
    for message in request.messages:
        head.append(write_json(message.to_dict()))
        if isinstance(message, UserMessage):
            break
    return _hashed(b"".join(head), 16)


def _hashed(data: bytes, size: int, key: bytes = b"") -> bytes:
    from hashlib import blake2b  # a client with one server does without

    return blake2b(data, key=key, digest_size=size).digest()
