"""What PyInstaller must know to freeze a program that uses this package; it asks through an entry point."""

from __future__ import annotations

from pathlib import Path

__all__ = ["hook_folders"]


def hook_folders() -> list[str]:
    """Where the hooks are."""
    return [str(Path(__file__).parent)]
