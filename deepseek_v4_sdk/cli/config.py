"""`deepseek-v4 config`: the sources of values, the schema of the file, and a template."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from deepseek_v4_sdk import ConfigurationError
from deepseek_v4_sdk.cli.connection import AsJson, NamedServer, names_server
from deepseek_v4_sdk.cli.narrow_help import is_narrow
from deepseek_v4_sdk.cli.outcome import complain
from deepseek_v4_sdk.cli.output import Raw, in_one_line, say, say_json
from deepseek_v4_sdk.config import FILE_NAME, TEMPLATE, json_schema, user_file
from deepseek_v4_sdk.config.file import ProfileFile, find_near
from deepseek_v4_sdk.config.owners import is_ones_own, name_of
from deepseek_v4_sdk.config.trust import privileged, withdraw
from deepseek_v4_sdk.support.files import write_private

if TYPE_CHECKING:
    from deepseek_v4_sdk.config.trust import Setting

__all__ = ["commands"]

commands = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None if is_narrow() else "rich",
    help="Profiles: show, describe, begin and trust them.",
)

_Found: TypeAlias = Annotated[
    Path | None, typer.Argument(help="The file; else the one that is found from here.", show_default=False)
]


@commands.command()
@names_server()
def explain(
    server: NamedServer,
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """Show every value of a client and its source. Keys are masked; nothing is sent, and no command is run."""
    explanation = server.explained()
    if as_json:
        say_json(explanation.to_dict())
    else:
        say(explanation)


@commands.command()
def schema(
    as_json: Annotated[bool, typer.Option("--json", help="It is JSON with and without this.")] = False,
) -> None:
    """Print the JSON Schema of the file, for an editor that completes and checks TOML."""
    say_json(json_schema())


@commands.command()
def init(
    path: Annotated[Path | None, typer.Argument(help="Where.", show_default=FILE_NAME)] = None,
    user: Annotated[bool, typer.Option("--user", help="In your own directory for settings.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also over an existing file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a file of profiles with comments."""
    if user and path is not None:
        raise ConfigurationError("a path and --user were both given: give one of them")
    file = user_file() if user else path or Path(FILE_NAME)
    if file.is_dir():
        file /= FILE_NAME
    _write(file, force=force)
    if not user:  # one in the folder for settings needs no trust
        try:
            ProfileFile.read_to_trust(file.absolute()).trust()
        except ConfigurationError as error:  # the file was written all the same
            complain(error)
    if as_json:
        say_json({"path": str(file)}, indent=None)
    else:
        say(f"{in_one_line(file)} is written; see: deepseek-v4 config explain")


@commands.command()
def trust(
    path: _Found = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Also where it belongs to another user.")] = False,
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """Let a file of profiles that is found by its place set everything: addresses, keys, commands, a proxy.

    It holds until one of these settings changes. Read the file first: the command shows its settings for keys and
    commands.
    """
    file = _to_trust(path)
    shown = in_one_line(file.path)
    if file.is_named:
        raise ConfigurationError(f"{shown} needs no trust: it is named, or is in your own folder")
    settings = privileged(file.content)
    if not as_json:
        for setting in settings:
            place = f"{setting.profile}: " if setting.profile is not None else ""
            say(f"  {in_one_line(place)}{in_one_line(setting.key)} = {in_one_line(_value(setting))}")
    if file.owner is not None and not is_ones_own(file.owner) and not yes:
        _ask(file, name_of(file.owner))
    file.trust()
    if any(setting.key == "hooks" for setting in settings):
        complain("hooks stay refused: only your own file, or one that you name, may have them")
    if as_json:
        entries = [{"profile": setting.profile, "setting": setting.key} for setting in settings]
        say_json({"path": str(file.path), "trusted": True, "settings": entries})
    else:
        say(f"{shown} is trusted, until what needs trust in it changes")


@commands.command()
def untrust(path: _Found = None, raw: Raw = False, as_json: AsJson = False) -> None:
    """Remove the trust in a file of profiles."""
    near = find_near()
    file = path or (near[0] if near is not None else Path(FILE_NAME).absolute())
    was = withdraw(file)
    if as_json:
        say_json({"path": str(file), "trusted": False})
    else:
        say(f"{in_one_line(file)} {'is trusted no more' if was else 'was not trusted'}")


def _to_trust(path: Path | None) -> ProfileFile:
    if path is not None:
        path = path / FILE_NAME if path.is_dir() else path
        if not path.is_file():
            raise ConfigurationError(f"there is no file {path}: give the path of a file of profiles")
    return ProfileFile.read_to_trust(path.absolute() if path is not None else None)


def _ask(file: ProfileFile, owner: str) -> None:
    """Confirm the trust in a file of another user."""
    question = f"{in_one_line(file.path)} belongs to {in_one_line(owner)}, a user that can change it. Trust it?"
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:  # nobody can answer
        raise ConfigurationError(f"{file.path} belongs to {owner}: --yes trusts it all the same") from None
    if not agreed:
        raise typer.Abort


def _value(setting: Setting) -> str:
    """A setting as in the file; a possible key is not shown."""
    return "********" if setting.key in _SECRET else json.dumps(setting.value, ensure_ascii=False, default=str)


_SECRET = frozenset({"api_key", "default_headers", "proxy"})


def _write(file: Path, *, force: bool) -> None:
    """Write the file, which only its owner can read: people put keys into such files."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, "Is a directory")
        write_private(file, TEMPLATE.encode(), replace=force)
    except OSError as error:
        if isinstance(error, FileExistsError) and file.is_file():
            raise ConfigurationError(f"{file} is there already: --force writes over it") from None
        raise ConfigurationError(f"{file} cannot be written: {error.strerror or error}") from None
