"""Frameworks that need an environment of their own: what is not installed is not collected (`make frameworks`)."""

from __future__ import annotations

from importlib.util import find_spec

from tests.integrations.conftest import pytest_pyfunc_call

_NEEDS = {
    "test_cases.py": "deepagents",
    "test_nat.py": "nat",
    "test_ray_data.py": "ray",
    "test_deep_agents.py": "deepagents",
    "test_realserver.py": "deepagents",
    "test_snippets.py": "deepagents",
}

collect_ignore = [file for file, module in _NEEDS.items() if find_spec(module) is None]

__all__ = ["pytest_pyfunc_call"]
