"""The APIs that the mock implements, from the server's side."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk.chat import nearest
from deepseek_v4_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from deepseek_v4_sdk.testing.flavors.base import Flavor

__all__ = ["FLAVOR_NAMES", "find_flavor"]

FLAVOR_NAMES = ("nvidia", "nim", "vllm", "sglang", "deepseek", "dynamo")
"""Every flavor."""


def find_flavor(name: str) -> Flavor:
    """The flavor of that name.

    Raises:
        ConfigurationError: There is none.
    """
    if name not in FLAVOR_NAMES:
        known = ", ".join(FLAVOR_NAMES)
        raise ConfigurationError(f"there is no flavor {name!r}{nearest(name, FLAVOR_NAMES)}; known: {known}")
    return cast("Flavor", import_module(f"{__name__}.{name}").FLAVOR)
