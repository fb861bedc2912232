"""Limits that processes and machines share, in Redis or Valkey."""

from deepseek_v4_sdk.limits.redis_limits import RedisLimits

__all__ = ["RedisLimits"]
