"""What holds for every test: no test knows what another one has learned, and hypothesis draws the same in each run.

`make nightly` and `make fuzz` look for the new. Only this file can ask for plugins.
"""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

from deepseek_v4_sdk.providers.learned_limits import LEARNED
from deepseek_v4_sdk.traffic.registry import LIMITERS
from tests.support.profiles import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

# Keys, addresses and proxies of the machine reach no client.
for _name in list(os.environ):
    if _name.endswith(("_API_KEY", "_BASE_URL", "_PROXY", "_proxy")) or _name.startswith("DEEPSEEK_V4_"):
        del os.environ[_name]

pytest_plugins = ["pytester", "tests.chaos.tally", "tests.support.cost", "tests.support.workers"]

settings.register_profile("ours", examples(25))
settings.load_profile("ours")
# Hypothesis also draws the constants of the modules that happen to be loaded, and those differ from worker to worker.
if hasattr(providers, "_get_local_constants"):
    providers._get_local_constants = lambda: providers._local_constants


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Iterator[None]:
    """Leave what is imported and collected out of every garbage collection: it is a million objects, and it stays."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


# A width, or a wish about colours, would change what a program under test prints; tests that are about them set them.
_TERMINAL = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "PY_COLORS")


@pytest.fixture(scope="session", autouse=True)
def _no_terminal() -> Iterator[None]:
    """Let no test see the terminal that it was started from."""
    with pytest.MonkeyPatch.context() as patch:
        for name in _TERMINAL:
            patch.delenv(name, raising=False)
        patch.setenv("TERM", "xterm-256color")
        yield


@pytest.fixture(autouse=True)
def _forget_servers() -> Iterator[None]:
    """What one test has learned of a server, no other one knows; nor does it wait where that one was refused."""
    LEARNED.forget()
    LIMITERS.forget()
    yield
    LEARNED.forget()
    LIMITERS.forget()


@pytest.fixture
def small_heap() -> None:
    """Let the garbage collections of a test look only at what it makes: other tests have left large caches."""
    gc.collect()
    gc.freeze()
