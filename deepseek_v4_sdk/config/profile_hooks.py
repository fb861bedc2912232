"""The hooks of a profile: objects that are named with their modules."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import cast

from deepseek_v4_sdk.chat.hooks import Hooks
from deepseek_v4_sdk.errors import ConfigurationError

__all__ = ["load_hooks"]


def load_hooks(names: Sequence[str]) -> list[Hooks]:
    """Import the hooks that are named as `module:object`: each a `Hooks`, or a class of them.

    Modules of the working directory are not looked for: they may be somebody else's.

    Raises:
        ConfigurationError: One of them cannot be imported, or is something else.
    """
    return [_hook(name) for name in names]


def _hook(name: str) -> Hooks:
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise ConfigurationError(f"hooks has {name!r}: give module:object")
    try:
        value = cast("object", getattr(importlib.import_module(module), attribute))
        hook = value() if isinstance(value, type) else value
    except (Exception, SystemExit) as error:  # noqa: BLE001  # any exception of the user's own module is reported
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise ConfigurationError(f"hooks has {name!r}, which cannot be loaded: {reason}") from None
    if not isinstance(hook, Hooks):
        raise ConfigurationError(f"hooks has {name!r}, which is {type(hook).__name__}: give a subclass of Hooks")
    return hook
