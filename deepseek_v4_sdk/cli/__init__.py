"""The command line, `deepseek-v4`. It uses only the public names."""

from __future__ import annotations

import io
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    try:
        from deepseek_v4_sdk.cli.app import app
    except ImportError as error:
        if error.name is not None and error.name.startswith("deepseek_v4_sdk"):
            raise
        from deepseek_v4_sdk.support.installed import install_command

        sys.exit(f"deepseek-v4: the command line needs its extra: {install_command('cli', 'typer', 'rich')}")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a character that the terminal cannot show is not a reason to fail
    app(prog_name="deepseek-v4")
