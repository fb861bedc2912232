"""The files of this repository, as this folder's tests walk them, without what environments and tools leave behind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "deepseek_v4_sdk"
_LEFT = {"build", "dist", "site", "__pycache__"}
_HIDDEN = {".ci", ".github", ".gitignore"}


def files() -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT):
        kept = [name for name in folders if name not in _LEFT and not name.endswith(".egg-info")]
        folders[:] = [name for name in kept if not name.startswith(".") or name in _HIDDEN]
        yield from (Path(folder, name) for name in names if not name.startswith(".") or name in _HIDDEN)
