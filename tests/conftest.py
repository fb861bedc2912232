"""Two plugins that can be asked for here alone: pytest's own for testing plugins, and the printer of chaos counts."""

from __future__ import annotations

pytest_plugins = ["pytester", "tests.chaos.tally"]
