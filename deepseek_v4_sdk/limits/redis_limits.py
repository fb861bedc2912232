"""Limits that processes and machines share in a server of Redis or Valkey."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit
from weakref import finalize

from pydantic import SecretStr

from deepseek_v4_sdk.chat import RateLimits
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.support.installed import install_command
from deepseek_v4_sdk.traffic.registry import SharedLimits
from deepseek_v4_sdk.traffic.reservations import MINUTE
from deepseek_v4_sdk.traffic.shared_limiter import SharedLimiter

__all__ = ["RedisLimits"]

_LEASE = 10.0
_SCHEMES = {"redis", "rediss", "unix", "valkey", "valkeys"}


class RedisLimits(SharedLimits):
    """Limits of one key that hold for all processes and machines together: give it to clients as `limits=`.

    The clients of a process may share one. Processes that give the same server of Redis, and call the same address with
    the same key, share the counts. The key itself never goes to Redis: a digest of address and key names the counts.

    While Redis cannot be reached, each process keeps to the limits divided by the number of processes that it has
    last seen, and warns once.

    Args:
        url: The URL of a server of Redis (5 or later) or Valkey, such as `redis://:password@host:6379/0`.
        limits: The limits; "provider" is the provider's known limits.

    Raises:
        ConfigurationError: The URL is not one of Redis, `limits` is something else, or the package `redis` is missing.
    """

    def __init__(self, url: str, limits: RateLimits | Literal["provider"] = "provider") -> None:
        if not isinstance(limits, RateLimits) and limits != "provider":
            raise ConfigurationError(f"RedisLimits: limits is {limits!r}: give RateLimits(...) or 'provider'")
        scheme = urlsplit(url).scheme
        if scheme not in _SCHEMES:
            raise ConfigurationError(
                f"RedisLimits: the URL begins with {scheme!r}: give redis://, rediss:// or unix://"
            )
        try:
            from deepseek_v4_sdk.limits.redis_ledger import RedisLedger
        except ImportError:
            raise ConfigurationError(f"RedisLimits needs a package: {install_command('redis', 'redis')}") from None
        self._url = SecretStr(url)
        self._limits: RateLimits | Literal["provider"] = limits
        self._window = MINUTE
        self._ledger = RedisLedger(url.replace("valkey", "redis", 1) if scheme.startswith("valkey") else url, _LEASE)
        finalize(self, self._ledger.close).atexit = False

    @property
    def limits(self) -> RateLimits | Literal["provider"]:
        """The limits."""
        return self._limits

    def _limiter(self, bucket: str, limits: RateLimits) -> SharedLimiter:
        """Make the rate limiter of a server and key."""
        limiter = SharedLimiter(bucket, limits, self._ledger, self._window)
        self._ledger.add(limiter)
        return limiter

    def __reduce__(self) -> tuple[type[RedisLimits], tuple[str, RateLimits | Literal["provider"]]]:
        return RedisLimits, (self._url.get_secret_value(), self._limits)

    def __repr__(self) -> str:
        if not hasattr(self, "_limits"):  # its `__init__` has raised
            return "RedisLimits()"
        return f"RedisLimits({urlsplit(self._url.get_secret_value()).hostname!r}, {self._limits!r})"
