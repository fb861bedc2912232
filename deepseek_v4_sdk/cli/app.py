"""The commands and what they share: one line for an expected error, and its exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deepseek_v4_sdk import ConfigurationError, __version__

__all__ = ["app"]

app = typer.Typer(
    name="deepseek-v4",
    help="DeepSeek-V4 from the command line.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:  # typer gives it so
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """DeepSeek-V4 from the command line."""


@app.command("mock-server")
def mock_server(
    flavor: Annotated[
        str, typer.Option(help="Whose wire it speaks: nvidia, nim, vllm, sglang, deepseek, dynamo.")
    ] = "vllm",
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes any free one.", min=0, max=65535)] = 8000,
    script: Annotated[
        Path | None, typer.Option(help="A Python file with `steps` (a list) and, if wanted, `default`.")
    ] = None,
    chaos: Annotated[str | None, typer.Option(help="Faults at random, as rate=0.1,seed=7.")] = None,
) -> None:
    """Serve a mock that any OpenAI client can talk to. Without a script it answers from its input."""
    from deepseek_v4_sdk.cli.mock_server import build

    try:
        server = build(flavor, host, port, script, chaos)
    except ConfigurationError as error:
        typer.echo(f"deepseek-v4: {error}", err=True)
        raise typer.Exit(2) from None
    try:
        server.run(lambda url: typer.echo(f"a mock of {flavor} listens on {url} (Ctrl-C ends it)"))
    except ConfigurationError as error:
        typer.echo(f"deepseek-v4: {error}", err=True)
        raise typer.Exit(2) from None
