"""Every lock of the package is one that a forked process finds open."""

from __future__ import annotations

import re
from pathlib import Path

import deepseek_v4_sdk

PACKAGE = Path(deepseek_v4_sdk.__file__).parent
# A stream is not read in a child at all, and the command line does not fork; the conditions have such a lock.
EXEMPT = {
    "support/forks.py",
    "call/event_streams.py",
    "client/progress_limit.py",
    "cli/screen.py",
    "batch/state.py",
}


def test_locks_are_made_in_one_place() -> None:
    made = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"threading\.(Lock|RLock|Condition|Semaphore)\(", path.read_text(encoding="utf-8"))
    }
    assert made == EXEMPT
