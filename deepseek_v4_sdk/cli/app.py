"""The commands and what they share: one line for an expected error, and its exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from deepseek_v4_sdk import ConfigurationError, DeepSeekV4Error, __version__

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


@app.command()
def count(
    files: Annotated[
        list[str], typer.Argument(help="Text files in UTF-8, folders, or - for stdin.", show_default=False)
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Count the tokens of files exactly, with the vocabulary of V4, on this machine.

    In a folder every file is counted, at any depth, but for what begins with a dot. A file that is binary or cannot be
    read is named and skipped, and makes the exit code 1.
    """
    from deepseek_v4_sdk.cli.count import count_files

    try:
        report = count_files(files, typer.get_binary_stream("stdin"), typer.get_text_stream("stderr"))
    except ConfigurationError as error:
        typer.echo(f"deepseek-v4: {error}", err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps(report.to_dict(), ensure_ascii=False, indent=2))
    else:
        for line in report.lines():
            typer.echo(line)
        for name, reason in report.skipped:
            typer.echo(f"deepseek-v4: {name} is skipped: {reason}", err=True)
    if report.skipped:
        raise typer.Exit(1)


@app.command()
def doctor(
    provider: Annotated[
        str | None, typer.Option(help="The kind of server: nvidia, nim, vllm, sglang, deepseek, dynamo, mock.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="A profile of deepseek_v4.toml, instead of a provider.")] = None,
    base_url: Annotated[str | None, typer.Option(help="The server's address.")] = None,
    model: Annotated[str | None, typer.Option(help="The model, where the server has several.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask a server a few small things, and print what works, what does not, and which flag would mend it.

    The key is read from the provider's variable, such as VLLM_API_KEY, or as the profile says. The exit code is 0 when
    everything works, 1 when something does not or could not be told, 2 when the server could not be asked.
    """
    from deepseek_v4_sdk.cli.doctor import connect, examine

    try:
        report = examine(connect(provider, profile, base_url, model), typer.get_text_stream("stderr"))
    except DeepSeekV4Error as error:
        typer.echo(f"deepseek-v4: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(json.dumps(report.to_dict(), ensure_ascii=False, indent=2) if as_json else str(report))
    if not report.ok:
        raise typer.Exit(1)
