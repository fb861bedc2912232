"""`pytest tests/providers --update-golden` writes the golden bodies anew; review what changed, line by line."""

from __future__ import annotations

import pytest

from deepseek_v4_sdk.providers import PROVIDER_NAMES
from tests.providers import golden


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/providers/golden/*.json from the code")


def pytest_configure(config: pytest.Config) -> None:
    # Once, before any worker reads the files.
    if config.getoption("--update-golden", default=False) and not hasattr(config, "workerinput"):
        for provider in PROVIDER_NAMES:
            if (golden.FOLDER / f"{provider}.json").exists():
                golden.generate(provider).write(provider)
