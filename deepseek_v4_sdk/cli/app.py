"""The command `deepseek-v4` and the list of its subcommands; each of them has its own file."""

from __future__ import annotations

from typing import Annotated

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


app.command("chat")(chat.chat)
app.command("count")(count.count)
app.command("context")(context.context)
app.command("models")(models.models)
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)
app.command("gateway")(gateway.gateway)
app.command("launch", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(launch.launch)
app.command("mock-server")(mock_server.mock_server)
app.add_typer(batch.commands, name="batch", cls=Commands, context_settings=_SETTINGS)
app.add_typer(config.commands, name="config", cls=Commands, context_settings=_SETTINGS)
app.add_typer(deploy.commands, name="deploy", cls=Commands, context_settings=_SETTINGS)
