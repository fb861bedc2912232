"""Pools: the replicas of one provider. Which one gets a request, and which ones rest because they have failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeAlias, TypeVar

from deepseek_v4_sdk.chat import UserMessage, write_json
from deepseek_v4_sdk.support.forks import new_lock, renewed_in_children
from deepseek_v4_sdk.traffic.circuit_breaker import CircuitBreaker

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from deepseek_v4_sdk.catalogue.models import Catalogue
    from deepseek_v4_sdk.chat import ChatRequest, RateLimits
    from deepseek_v4_sdk.providers import Provider, Target

__all__ = ["Balance", "HasServer", "ReplicaSet", "conversation_key"]

Balance: TypeAlias = Literal["sticky", "least_busy"]
"""How requests are spread: a conversation stays where its prefix is cached, or each goes where the fewest run."""

# A conversation leaves its replica when that has so many times the mean of what runs, and so many more.
_UNEVEN, _SLACK = 1.25, 2
# A replica rests after three failures in a row, or one without a connection: a second, and each time twice as long.
_FAILURES, _FIRST_REST, _LONGEST_REST = 3, 1.0, 30.0


class HasServer(Protocol):
    """What a replica set asks of its members: where each is, which tells them apart."""

    def server(self) -> tuple[Provider, Target]:
        """The provider and the target, as far as they are known by now."""
        ...


UpstreamT = TypeVar("UpstreamT", bound=HasServer)


class _Replica:
    """What is known of a place: what runs there, and whether it rests."""

    def __init__(self, name: str) -> None:
        self._name = name.encode()
        self.renew()

    def renew(self) -> None:
        """Nothing runs there, and nothing has failed."""
        self.running = 0
        self.breaker = CircuitBreaker(_FAILURES, _FIRST_REST, _LONGEST_REST)

    def rank(self, key: bytes) -> bytes:
        """Its rank for a conversation: the highest one gets it, and who fails changes nothing among the others."""
        return _hashed(self._name, 8, key)


class ReplicaSet(Generic[UpstreamT]):
    """The replicas of one provider. It may be used from many threads.

    Args:
        upstreams: The replicas.
        balance: How requests are spread over them.
        limits: What the client keeps to at each of them: for all models (under `""`), or for a family of them.
        model: The model to ask for where a call names none.
        session_affinity: Whether requests tell a gateway in front of the replicas which conversation they belong to.

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
    ) -> None:
        self.upstreams = tuple(upstreams)
        self.model = model
        self.session_affinity = session_affinity
        self.profile: str | None = None
        self._limits = limits or {}
        self._sticky = balance == "sticky"
        urls = [upstream.server()[1].base_url for upstream in upstreams]
        # Of the address alone, so that all processes send a conversation to the same one; mocks have none.
        names = (f"{url} {urls[:index].count(url)}" for index, url in enumerate(urls))
        self._replicas = {upstream: _Replica(name) for upstream, name in zip(upstreams, names, strict=True)}
        self._lock = new_lock()
        self._now = float("-inf")
        renewed_in_children(self)

    def leave_to_parent(self) -> None:
        """Begin anew, in a child."""
        for replica in self._replicas.values():
            replica.renew()

    def share(self, other: ReplicaSet[UpstreamT]) -> None:
        """Go on with what is known of the same places in another pool, and with what becomes known there."""
        self._lock = other._lock
        self._replicas = dict(zip(self.upstreams, other._replicas.values(), strict=True))

    def choose(self, key: bytes, now: float, avoid: Collection[UpstreamT]) -> UpstreamT:
        """The place for a request of a conversation.

        Args:
            key: What tells conversations apart.
            now: The time.
            avoid: Where this call has failed already; taken only if there is no other.
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
            if not ready:  # asking who rests is better than asking nobody
                return min(left, key=lambda upstream: (every[upstream].breaker.wait(now), every[upstream].running))
            if self._sticky:
                most = sum(one.running for one in every.values()) / len(every) * _UNEVEN + _SLACK
                free = [upstream for upstream in ready if every[upstream].running < most]
                return max(free or ready, key=lambda upstream: every[upstream].rank(key))
            return min(ready, key=lambda upstream: (every[upstream].running, every[upstream].rank(key)))

    def begin(self, upstream: UpstreamT) -> bool:
        """A request goes to a place. Gives whether it is the one that sees whether the place works again."""
        replica = self._replicas[upstream]
        with self._lock:
            replica.running += 1
            return replica.breaker.send()

    def end(self, upstream: UpstreamT, now: float, *, probe: bool, works: bool | None, reached: bool = True) -> None:
        """It has ended.

        Args:
            upstream: Where.
            now: The time.
            probe: Whether it was the one that sees.
            works: Whether the place does; None where it did not show.
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
        """Whether there is a place that this call has not failed at."""
        return any(upstream not in avoid for upstream in self.upstreams)

    def limits_of(self, model: str | None, catalogue: Catalogue) -> tuple[str, RateLimits] | None:
        """What is counted together with requests for a model, and what the client keeps to there; None is no limit."""
        if not self._limits:
            return None
        family = None if model is None else catalogue.family(model)
        scope = family if family is not None and family in self._limits else ""
        return (scope, self._limits[scope]) if scope in self._limits else None


def conversation_key(request: ChatRequest) -> bytes:
    """What the requests of one conversation have in common, and others have not: all up to the first user message."""
    head: list[bytes] = []
    for message in request.messages:
        head.append(write_json(message.to_dict()))
        if isinstance(message, UserMessage):
            break
    return _hashed(b"".join(head), 16)


def _hashed(data: bytes, size: int, key: bytes = b"") -> bytes:
    from hashlib import blake2b  # a client with one server does without

    return blake2b(data, key=key, digest_size=size).digest()
