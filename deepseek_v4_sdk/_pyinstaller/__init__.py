"""Facts that PyInstaller needs to freeze a program that uses this package; it finds them through an entry point."""

from __future__ import annotations

from pathlib import Path

__all__ = ["hook_folders"]


def hook_folders() -> list[str]:
    """The folders of the hooks."""
    return [str(Path(__file__).parent)]
