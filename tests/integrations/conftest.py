"""What LangChain's suites and these tests expect of plugins: async tests that run, one benchmark run, no records."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an async test on a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def benchmark() -> Callable[[Callable[..., Any]], Any]:
    """What is measured elsewhere runs once here."""
    return lambda function, *args, **kwargs: function(*args, **kwargs)


@pytest.fixture
def vcr() -> None:
    """No traffic is recorded here; a test that needs records skips itself."""
