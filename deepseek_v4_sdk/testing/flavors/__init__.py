"""The APIs that the mock implements, from the server's side."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from deepseek_v4_sdk.chat import nearest
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.providers import PROVIDER_NAMES
from deepseek_v4_sdk.testing.argument_types import Properties
from deepseek_v4_sdk.testing.flavors.base import Chat, Counts, Flavor, Refusal
from deepseek_v4_sdk.testing.flavors.completions import CompletionRoute, GivenPrompt
from deepseek_v4_sdk.testing.generated_output import GeneratedOutput, OutputKind, OutputSpan, Token
from deepseek_v4_sdk.testing.model_markup import Invocation, Parameter, ShowCalls
from deepseek_v4_sdk.testing.output_parser import OutputParser
from deepseek_v4_sdk.testing.prefix_cache import CacheRule

__all__ = [
    "FLAVOR_NAMES",
    "CacheRule",
    "Chat",
    "CompletionRoute",
    "Counts",
    "Flavor",
    "GeneratedOutput",
    "GivenPrompt",
    "Invocation",
    "OutputKind",
    "OutputParser",
    "OutputSpan",
    "Parameter",
    "Properties",
    "Refusal",
    "ShowCalls",
    "Token",
    "find_flavor",
]

FLAVOR_NAMES = PROVIDER_NAMES
"""Every flavor: one for each provider."""


def find_flavor(name: str) -> Flavor:
    """The flavor of that name.

    Raises:
        ConfigurationError: There is none.
    """
    if name not in FLAVOR_NAMES:
        known = ", ".join(FLAVOR_NAMES)
        raise ConfigurationError(f"there is no flavor {name!r}{nearest(name, FLAVOR_NAMES)}; known: {known}")
    return cast("Flavor", import_module(f"{__name__}.{name}").FLAVOR)
