"""Both clients behind one blocking face, so that a test says once what holds for each."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4
from tests.support.replay import MODEL, Mode, Played, Replay, both

__all__ = ["connect", "in_both_modes"]

in_both_modes = pytest.mark.parametrize("mode", both)


class _Blocking:
    """An async client whose calls are run to their end."""

    def __init__(self, client: AsyncDeepSeekV4) -> None:
        self.client = client

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        if not inspect.iscoroutinefunction(found):
            return found

        def run(*args: Any, **options: Any) -> Any:
            return asyncio.run(found(*args, **options))

        return run


def connect(mode: Mode, provider: Any, **arguments: Any) -> Any:
    """A client of a mock or of a replay; or a client that is made already."""
    if isinstance(provider, DeepSeekV4 | AsyncDeepSeekV4):
        return provider if isinstance(provider, DeepSeekV4) else _Blocking(provider)
    if isinstance(provider, Replay):
        provider = Played("vllm", provider)
    given = {"model": MODEL, **arguments}
    return DeepSeekV4(provider, **given) if mode == "sync" else _Blocking(AsyncDeepSeekV4(provider, **given))
