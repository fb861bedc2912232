"""`deepseek-v4 launch`: a coding tool that uses a gateway, with a separate folder."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path
from typing import Annotated

import typer

from deepseek_v4_sdk import AuthenticationError, ConfigurationError, DeepSeekV4, DeepSeekV4Error, Timeouts
from deepseek_v4_sdk.cli.launch_tools import TOOLS, Setup, Wanted
from deepseek_v4_sdk.cli.output import say
from deepseek_v4_sdk.support.files import expanded, own_folder, write_private

__all__ = ["launch"]

_KEY = "DEEPSEEK_V4_GATEWAY_KEY"


def launch(
    context: typer.Context,
    tool: Annotated[str, typer.Argument(help=f"The tool: {', '.join(TOOLS)}.")],
    url: Annotated[str, typer.Option(help="The gateway's address.")] = "http://127.0.0.1:8100",
    model: Annotated[str | None, typer.Option("--model", "-m", help="The model; else the gateway's first.")] = None,
    key_env: Annotated[
        str | None, typer.Option(help="The variable that holds your key for the gateway, where it has keys.")
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="The tool's folder; else one in your state folder.")] = None,
    run: Annotated[bool, typer.Option("--run", help="Start the tool; arguments after `--` go to it.")] = False,
) -> None:
    """Print what a coding tool needs to use the gateway, or start it so. Its own settings are not touched."""
    known = TOOLS.get(tool)
    if known is None:
        raise ConfigurationError(f"there is no tool {tool!r}: one of {', '.join(TOOLS)}")
    base = url.rstrip("/").removesuffix("/v1")
    variable = key_env or _KEY
    if key_env is not None and not os.environ.get(key_env):
        raise ConfigurationError(f"--key-env names the variable {key_env!r}, which is not set: set it, or leave it out")
    name, window = _served(base, variable, model)
    place = _folder(tool) if folder is None else expanded(folder, "--folder").absolute()
    setup = known.setup(Wanted(base, name, variable, window, str(place)))
    _write(place, setup)
    variables = dict(setup.variables)
    if not os.environ.get(variable):  # the tools insist on a key, also where the gateway has none
        variables = {_KEY: "unused", **variables}
    if not run:
        for each, value in variables.items():
            say(f"export {each}={_quoted(value)}")
        say(shlex.join([known.command, *context.args]))
        return
    program = shutil.which(known.command)
    if program is None:
        raise ConfigurationError(f"there is no command {known.command!r} here: {known.package}")
    environment = dict(os.environ)
    for each, value in variables.items():
        environment[each] = environment.get(value[1:], "unused") if value.startswith("$") else value
    os.execve(program, [known.command, *context.args], environment)  # noqa: S606  # the tool takes the place of this


def _served(base: str, variable: str, model: str | None) -> tuple[str, int | None]:
    """The model to name, and its window as the gateway lists it."""
    key = os.environ.get(variable) or "unused"
    try:
        with DeepSeekV4("vllm", base_url=base, api_key=key, timeout=Timeouts(total=5.0), max_retries=0) as client:
            served = client.models()
    except AuthenticationError:
        raise ConfigurationError(
            f"the gateway at {base} wants the key of a caller: name the variable that holds yours with --key-env"
        ) from None
    except DeepSeekV4Error as error:
        if model is None:
            reason = f"the gateway at {base} does not list its models ({type(error).__name__})"
            raise ConfigurationError(f"{reason}: start it with 'deepseek-v4 gateway', or give --model") from None
        return model, None
    if model is None and not served:
        raise ConfigurationError(f"the gateway at {base} lists no model: give --model")
    name = model or served[0].id
    fit = next((each for each in served if each.id == name), served[0] if served else None)
    return name, None if fit is None else fit.context_window


def _folder(tool: str) -> Path:
    state = own_folder("state")
    if state is None:
        raise ConfigurationError("there is no home folder to keep the tool's settings in: give --folder")
    return state / "launch" / tool


def _write(place: Path, setup: Setup) -> None:
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, text in setup.files.items():
            path = place / name
            if name != ".claude.json" or not path.exists():  # Claude Code keeps its own state in it
                write_private(path, text.encode())
    except OSError as error:
        raise ConfigurationError(f"{place} cannot be written: {error.strerror}") from None


def _quoted(value: str) -> str:
    return f'"{value}"' if value.startswith("$") else shlex.quote(value)
