"""The rows of the framework that this environment is made for: the page shows what is measured here."""

from __future__ import annotations

from tests.integrations.test_cases import test_case

__all__ = ["test_case"]
