"""Finding the rate limiter of a request: one for each server and key of the process, and for each mock."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal, TypeAlias
from weakref import WeakKeyDictionary

from deepseek_v4_sdk.chat import RateLimits
from deepseek_v4_sdk.support.forks import new_lock, renewed_in_children
from deepseek_v4_sdk.traffic.rate_limiter import RateLimiter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepseek_v4_sdk.providers import HttpCall

__all__ = ["LIMITERS", "LimiterRegistry", "SharedLimits", "pause_in_headers"]

_LENGTH = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|)")
_UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}
_Name: TypeAlias = tuple[str, str, int, str]
_MOST = 256  # beyond it, unneeded ones are forgotten: keys may change with each request


class SharedLimits(ABC):
    """Limits whose counts are shared with other processes."""

    @property
    @abstractmethod
    def limits(self) -> RateLimits | Literal["provider"]:
        """The limits; "provider" is the provider's known limits."""

    @abstractmethod
    def _limiter(self, bucket: str, limits: RateLimits) -> RateLimiter:
        """Make the rate limiter of a server and key."""


class LimiterRegistry:
    """The rate limiters of the process. It may be used from many threads."""

    def __init__(self) -> None:
        self._lock = new_lock()
        self._limiters: dict[_Name, RateLimiter] = {}
        self._of_owners: WeakKeyDictionary[object, dict[_Name, RateLimiter]] = WeakKeyDictionary()
        renewed_in_children(self)

    def find(
        self,
        provider: str,
        base_url: str,
        call: HttpCall,
        scope: str,
        own_server: object | None,
        now: float,
        limits: RateLimits,
        shared: SharedLimits | None = None,
    ) -> RateLimiter:
        """Find the rate limiter of a request.

        Args:
            provider: The kind of server.
            base_url: Its address.
            call: The request, for its key; only a hash of that is kept, with the salt of this process.
            scope: The separately limited part of the server, such as a family of models; empty for all of it.
            own_server: The server itself, if it is one in this process, with its own time and rate limiters; or None.
            now: The time.
            limits: The limits of the client.
            shared: The limits, where other processes share them; or None. For a server in this process they do not.
        """
        key = next((value for name, value in call.headers if name == "authorization"), "")
        name = (provider, base_url, hash(key), scope)
        with self._lock:
            owner = shared if own_server is None else own_server
            limiters = self._limiters if owner is None else self._of_owners.setdefault(owner, {})
            if name not in limiters:
                if len(limiters) >= _MOST:
                    for idle in [known for known, limiter in limiters.items() if limiter.is_idle(now)]:
                        del limiters[idle]
                if shared is None or owner is not shared:
                    limiters[name] = RateLimiter()
                else:
                    bucket = _digest(provider, base_url, key, scope)
                    limiters[name] = shared._limiter(bucket, limits)  # pyright: ignore[reportPrivateUsage]
            return limiters[name]

    def forget(self) -> None:
        """Forget everything, as between two tests."""
        with self._lock:
            self.leave_to_parent()

    def leave_to_parent(self) -> None:
        """Start empty in a child process: the child does not wait for the parent's requests."""
        self._limiters.clear()
        self._of_owners.clear()


LIMITERS = LimiterRegistry()
"""The rate limiters of this process."""


def pause_in_headers(headers: Mapping[str, str]) -> float | None:
    """Seconds for which an answer's headers say that the server has no room, or None.

    It reads `x-ratelimit-remaining-requests` and `-tokens` with their `-reset-` (such as `1m30s`), as OpenAI's gateways
    send them, and `ratelimit-remaining` with `ratelimit-reset` (seconds) of the IETF proposal.
    """
    waits = [
        wait
        for kind in ("x-ratelimit-{}-requests", "x-ratelimit-{}-tokens", "ratelimit-{}")
        if headers.get(kind.format("remaining"), "").strip() == "0"
        and (wait := _seconds(headers.get(kind.format("reset"), ""))) is not None
    ]
    return max(waits, default=None)


def _digest(*parts: str) -> str:
    """A name from which nobody finds the key."""
    from hashlib import blake2b  # few clients share limits

    return blake2b("\0".join(parts).encode(), digest_size=20, person=b"deepseek-v4-sdk").hexdigest()


def _seconds(text: str) -> float | None:
    """Parse a length of time such as `30`, `1.5s`, `250ms` or `1m30s`."""
    parts = _LENGTH.findall(text.strip())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
