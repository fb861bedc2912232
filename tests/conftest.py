"""Plugins that can be asked for here alone, and hypothesis the same in each run: `make fuzz` looks for the new."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ["pytester", "tests.chaos.tally"]

settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")
