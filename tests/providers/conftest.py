"""`pytest tests/providers --update-golden` writes the golden bodies anew; review what changed, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk.providers import PROVIDER_NAMES
from deepseek_v4_sdk.providers.limits import LEARNED
from tests.providers import golden

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/providers/golden/*.json from the code")


def pytest_configure(config: pytest.Config) -> None:
    # Once, before any worker reads the files.
    if config.getoption("--update-golden", default=False) and not hasattr(config, "workerinput"):
        for provider in PROVIDER_NAMES:
            if (golden.FOLDER / f"{provider}.json").exists():
                golden.generate(provider).write(provider)


@pytest.fixture(autouse=True)
def _forget_limits() -> Iterator[None]:
    """What one test has learned of a server, no other one knows."""
    LEARNED.forget()
    yield
    LEARNED.forget()
