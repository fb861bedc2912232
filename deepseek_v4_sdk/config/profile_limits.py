"""The limits of a profile: its own, or those that processes share in Redis."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from deepseek_v4_sdk.chat import RateLimits
from deepseek_v4_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from deepseek_v4_sdk.config.schema import Profile
    from deepseek_v4_sdk.limits import RedisLimits

__all__ = ["limits_of"]


def limits_of(profile: Profile, *, run: bool) -> RateLimits | RedisLimits | Literal["provider", "off"] | None:
    """The limits of a profile; None where it names none.

    Args:
        profile: The profile.
        run: Whether a client is made, and not only inspected.

    Raises:
        ConfigurationError: There is nothing to share, the variable is not set, or it does not hold the URL of Redis.
    """
    own, variable = profile.limits, profile.shared_limits_env
    limits = RateLimits(**own.model_dump()) if own is not None and not isinstance(own, str) else own
    if variable is None or not run:
        return limits
    if limits == "off":
        raise ConfigurationError('shared_limits_env: limits = "off" leaves nothing to share')
    url = os.environ.get(variable)
    if not url:
        raise ConfigurationError(f"shared_limits_env: the variable {variable} is not set: put the URL of Redis there")
    from deepseek_v4_sdk.limits import RedisLimits  # loaded for a profile with shared limits

    try:
        return RedisLimits(url, limits or "provider")
    except ConfigurationError as error:
        raise ConfigurationError(f"shared_limits_env: the variable {variable}: {error}") from None
