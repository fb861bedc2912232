"""LangChain's standard suites skip what a model does not claim: here only a few things may be missing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

# V4 reads text only; its calls are not recorded; and LangChain serializes only the classes of its own list.
_MISSING = re.compile(r"(PDF|audio|image)( tool)? (inputs|message)|VCR not set up|Model is not serializable")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, pytest.TestReport, Any]:
    """Make a failure of every other test that is skipped."""
    del item, call
    report = yield
    if report.skipped and not _MISSING.search(str(report.longrepr)):
        report.outcome = "failed"
        report.longrepr = f"this test may not be skipped: {report.longrepr}"
    return report
