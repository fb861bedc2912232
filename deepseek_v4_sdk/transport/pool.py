"""Pools: the replicas of one provider. Which one gets a request, and which ones rest because they have failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from deepseek_v4_sdk.chat import UserMessage, write_json
from deepseek_v4_sdk.forks import new_lock, renewed_in_children
from deepseek_v4_sdk.transport.circuit import Circuit

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from deepseek_v4_sdk.catalogue import Catalogue
    from deepseek_v4_sdk.chat import ChatRequest, RateLimits, Repair
    from deepseek_v4_sdk.providers import Provider, Target
    from deepseek_v4_sdk.transport.course import Allowance, Terms
    from deepseek_v4_sdk.transport.steps import Steps

__all__ = ["Balance", "Place", "Pool", "Prepared", "conversation_key"]

Balance: TypeAlias = Literal["sticky", "least_busy"]
"""How requests are spread: a conversation stays where its prefix is cached, or each goes where the fewest run."""

# A conversation leaves its replica when that has so many times the mean of what runs, and so many more.
_UNEVEN, _SLACK = 1.25, 2
# A replica rests after three failures in a row, or one without a connection: a second, and each time twice as long.
_FAILURES, _FIRST_REST, _LONGEST_REST = 3, 1.0, 30.0


@dataclass(slots=True, eq=False)
class Prepared:
    """A request as it is to be sent, and what was decided for its caller.

    Attributes:
        request: The request.
        notes: What was decided.
    """

    request: ChatRequest
    notes: tuple[Repair, ...] = ()


class Place(Protocol):
    """One server, as a call meets it."""

    def server(self) -> tuple[Provider, Target]:
        """How it speaks and where it is, as far as that is known by now."""
        ...

    def prepare(self, request: ChatRequest, terms: Terms, allowance: Allowance) -> Steps[Prepared | None] | None:
        """Steps to run before a chat there, as a part of it, which may give another request to send; or None."""
        ...

    def carrier(self) -> object:
        """What carries the requests to it."""
        ...


class _Replica:
    """What is known of a place: what runs there, and whether it rests."""

    def __init__(self, name: str) -> None:
        self._name = name.encode()
        self.renew()

    def renew(self) -> None:
        """Nothing runs there, and nothing has failed."""
        self.running = 0
        self.circuit = Circuit(_FAILURES, _FIRST_REST, _LONGEST_REST)

    def rank(self, key: bytes) -> bytes:
        """Its rank for a conversation: the highest one gets it, and who fails changes nothing among the others."""
        return _hashed(self._name, 8, key)


class Pool:
    """The replicas of one provider. It may be used from many threads.

    Args:
        places: The replicas.
        balance: How requests are spread over them.
        limits: What the client keeps to at each of them: for all models (under `""`), or for a family of them.
        model: The model to ask for where a call names none.
        gateway: Whether requests tell a gateway in front of the replicas which conversation they belong to.

    Attributes:
        profile: The profile it is from, or None.
    """

    def __init__(
        self,
        places: Sequence[Place],
        *,
        balance: Balance = "sticky",
        limits: Mapping[str, RateLimits] | None = None,
        model: str | None = None,
        gateway: bool = False,
    ) -> None:
        self.places = tuple(places)
        self.model = model
        self.gateway = gateway
        self.profile: str | None = None
        self._limits = limits or {}
        self._sticky = balance == "sticky"
        urls = [place.server()[1].base_url for place in places]
        # Of the address alone, so that all processes send a conversation to the same one; mocks have none.
        names = (f"{url} {urls[:index].count(url)}" for index, url in enumerate(urls))
        self._replicas = {place: _Replica(name) for place, name in zip(places, names, strict=True)}
        self._lock = new_lock()
        self._now = float("-inf")
        renewed_in_children(self)

    def leave_to_parent(self) -> None:
        """Begin anew, in a child."""
        for replica in self._replicas.values():
            replica.renew()

    def share(self, other: Pool) -> None:
        """Go on with what is known of the same places in another pool, and with what becomes known there."""
        self._lock = other._lock
        self._replicas = dict(zip(self.places, other._replicas.values(), strict=True))

    def choose(self, key: bytes, now: float, avoid: Collection[Place]) -> Place:
        """The place for a request of a conversation.

        Args:
            key: What tells conversations apart.
            now: The time.
            avoid: Where this call has failed already; taken only if there is no other.
        """
        if len(self.places) == 1:
            return self.places[0]
        with self._lock:
            self._now = now = max(self._now, now)
            every = self._replicas
            left = [place for place in self.places if place not in avoid] or list(self.places)
            ready = [
                place for place in left if every[place].circuit.wait(now) <= 0 and not every[place].circuit.probing
            ]
            if not ready:  # asking who rests is better than asking nobody
                return min(left, key=lambda place: (every[place].circuit.wait(now), every[place].running))
            if self._sticky:
                most = sum(one.running for one in every.values()) / len(every) * _UNEVEN + _SLACK
                free = [place for place in ready if every[place].running < most]
                return max(free or ready, key=lambda place: every[place].rank(key))
            return min(ready, key=lambda place: (every[place].running, every[place].rank(key)))

    def begin(self, place: Place) -> bool:
        """A request goes to a place. Gives whether it is the one that sees whether the place works again."""
        replica = self._replicas[place]
        with self._lock:
            replica.running += 1
            return replica.circuit.send()

    def end(self, place: Place, now: float, *, probe: bool, works: bool | None, reached: bool = True) -> None:
        """It has ended.

        Args:
            place: Where.
            now: The time.
            probe: Whether it was the one that sees.
            works: Whether the place does; None where it did not show.
            reached: Whether there was a connection.
        """
        replica = self._replicas[place]
        with self._lock:
            self._now = now = max(self._now, now)
            replica.running -= 1
            if works is None:
                if probe:
                    replica.circuit.unknown()
            elif not works:
                replica.circuit.failed(now, probe=probe, hint=0.0 if reached else _FIRST_REST)
            elif probe or replica.circuit.closed:
                replica.circuit.succeeded()

    def another(self, avoid: Collection[Place]) -> bool:
        """Whether there is a place that this call has not failed at."""
        return any(place not in avoid for place in self.places)

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
