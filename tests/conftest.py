"""Pytest's own plugin for testing plugins; it can be asked for here alone."""

from __future__ import annotations

pytest_plugins = ["pytester"]
