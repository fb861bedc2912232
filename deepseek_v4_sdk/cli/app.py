"""The command `deepseek-v4` and the list of its subcommands; each of them has its own file."""

from __future__ import annotations

from typing import Annotated, Any

import typer
import typer.rich_utils

from deepseek_v4_sdk import __version__
from deepseek_v4_sdk.cli import (
    batch,
    chat,
    config,
    context,
    count,
    demo,
    deploy,
    doctor,
    gateway,
    launch,
    logs,
    mock_server,
    models,
)
from deepseek_v4_sdk.cli.narrow_help import adapt_help, is_narrow
from deepseek_v4_sdk.cli.outcome import EXIT_CODES, Commands
from deepseek_v4_sdk.cli.output import colors, say

__all__ = ["app"]

_SETTINGS = {"help_option_names": ["-h", "--help"]}
_EPILOG = "Exit codes: " + "; ".join(f"{code.value} {words}" for code, words in EXIT_CODES.items()) + "."

# In boxes, a narrow terminal would break the words; and NO_COLOR means no bold either.
if is_narrow():
    adapt_help()
typer.rich_utils.COLOR_SYSTEM = colors()

app = typer.Typer(
    name="deepseek-v4",
    help="DeepSeek-V4 from the command line.",
    epilog=_EPILOG,
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None if is_narrow() else "markdown",  # a paragraph of a docstring stays one, however it is broken
    context_settings=_SETTINGS,
)


def _print_version(wanted: bool) -> None:  # typer passes it by position
    if wanted:
        say(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """DeepSeek-V4 from the command line."""


_START = "Start here"
_SEE = "Tokens and saved conversations"
_MANY = "Many requests"
_SERVE = "Servers, and programs in front of them"
_LAUNCH = {"allow_extra_args": True, "ignore_unknown_options": True}
_GROUP: dict[str, Any] = {"cls": Commands, "context_settings": _SETTINGS}

app.command("demo", rich_help_panel=_START)(demo.demo)
app.command("chat", rich_help_panel=_START)(chat.chat)
app.add_typer(config.commands, name="config", rich_help_panel=_START, **_GROUP)
app.command("doctor", rich_help_panel=_START)(doctor.doctor)
app.command("models", rich_help_panel=_START)(models.models)
app.command("logs", rich_help_panel=_SEE)(logs.logs)
app.command("count", rich_help_panel=_SEE)(count.count)
app.command("context", rich_help_panel=_SEE)(context.context)
app.add_typer(batch.commands, name="batch", rich_help_panel=_MANY, **_GROUP)
app.command("gateway", rich_help_panel=_SERVE)(gateway.gateway)
app.command("launch", rich_help_panel=_SERVE, context_settings=_LAUNCH)(launch.launch)
app.add_typer(deploy.commands, name="deploy", rich_help_panel=_SERVE, **_GROUP)
app.command("mock-server", rich_help_panel=_SERVE)(mock_server.mock_server)
