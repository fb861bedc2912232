"""`deepseek-v4 config`: where values come from, what a file may hold, and a file to begin with."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from deepseek_v4_sdk import ConfigurationError
from deepseek_v4_sdk.cli.connection import AsJson, BaseURL, ConfigFile, Model, ProfileName, ProviderName, connect
from deepseek_v4_sdk.config import FILE_NAME, TEMPLATE, json_schema, user_file

__all__ = ["commands"]

commands = typer.Typer(no_args_is_help=True, help="Profiles: show, describe and begin them.")


@commands.command()
def explain(
    provider: ProviderName = None,
    profile: ProfileName = None,
    base_url: BaseURL = None,
    model: Model = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show every value of a client and where it comes from. Keys are masked; nothing is sent."""
    with connect(provider, profile, base_url, model, config) as client:
        told = client.explain()
    typer.echo(json.dumps(told.to_dict(), ensure_ascii=False, indent=2) if as_json else str(told))


@commands.command()
def schema(
    as_json: Annotated[bool, typer.Option("--json", help="It is JSON with and without this.")] = False,
) -> None:
    """Print the JSON Schema of the file, for an editor that completes and checks TOML."""
    typer.echo(json.dumps(json_schema(), indent=2))


@commands.command()
def init(
    path: Annotated[Path | None, typer.Argument(help="Where.", show_default=FILE_NAME)] = None,
    user: Annotated[bool, typer.Option("--user", help="In your own directory for settings.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also over a file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a file of profiles with remarks."""
    if user and path is not None:
        raise ConfigurationError("a path and --user were both given: give one of them")
    file = user_file() if user else path or Path(FILE_NAME)
    if file.is_dir():
        file /= FILE_NAME
    _write(file, force=force)
    typer.echo(json.dumps({"path": str(file)}) if as_json else f"{file} is written; see: deepseek-v4 config explain")


def _write(file: Path, *, force: bool) -> None:
    """Write the file, readable by its owner alone: people put keys into such files."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        if not file.parent.is_dir():
            file.parent.mkdir(parents=True)
        with os.fdopen(os.open(file, flags, 0o600), "w", encoding="utf-8") as opened:
            opened.write(TEMPLATE)
    except OSError as error:
        if isinstance(error, FileExistsError) and file.is_file():
            raise ConfigurationError(f"{file} is there already: --force writes over it") from None
        raise ConfigurationError(f"{file} cannot be written: {error.strerror or error}") from None
