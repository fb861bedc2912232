"""The command line, `deepseek-v4`. It uses the public face alone."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    try:
        from deepseek_v4_sdk.cli.app import app
    except ImportError as error:
        if error.name is not None and error.name.startswith("deepseek_v4_sdk"):
            raise
        sys.exit("deepseek-v4: the command line needs its extra: pip install 'deepseek-v4-sdk[cli]'")
    app()
