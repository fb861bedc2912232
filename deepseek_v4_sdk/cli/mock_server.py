"""`deepseek-v4 mock-server`: reads its arguments into a mock."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from deepseek_v4_sdk import ConfigurationError
from deepseek_v4_sdk.cli.connection import AsJson
from deepseek_v4_sdk.cli.output import say, say_json
from deepseek_v4_sdk.testing import Chaos, MockProvider
from deepseek_v4_sdk.testing.script import from_conversation
from deepseek_v4_sdk.testing.server import MockServer

if TYPE_CHECKING:
    from deepseek_v4_sdk.testing.script import Step

__all__ = ["build", "mock_server", "read_chaos"]


def mock_server(
    flavor: Annotated[
        str, typer.Option(help="The provider to imitate: nvidia, nim, vllm, sglang, deepseek, dynamo.")
    ] = "vllm",
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes any free one.", min=0, max=65535)] = 8000,
    script: Annotated[
        Path | None,
        typer.Option(help="A Python file with `steps` (a list) and, if wanted, `default`; or a conversation in JSON."),
    ] = None,
    chaos: Annotated[str | None, typer.Option(help="Faults at random, as rate=0.1,seed=7.")] = None,
    as_json: AsJson = False,
) -> None:
    """Serve a mock that any OpenAI client can talk to. Without a script it answers from its input."""

    def tell(url: str) -> None:
        told = f"a mock of {flavor} listens on {url} (Ctrl-C ends it)"
        if as_json:
            say_json({"url": url, "flavor": flavor}, indent=None)
        else:
            say(told)

    build(flavor, host, port, script, chaos).run(tell)


def build(flavor: str, host: str, port: int, script: Path | None, chaos: str | None) -> MockServer:
    """The server that the arguments ask for.

    Raises:
        ConfigurationError: One of them is wrong; the text names it.
    """
    steps: list[Step] = []
    default: Step | None = None
    if script is not None:
        steps, default = _read_script(script)
    drawn = read_chaos(chaos) if chaos is not None else None
    return MockServer(MockProvider(*steps, flavor=flavor, default=default, chaos=drawn), host=host, port=port)


def read_chaos(text: str) -> Chaos:
    """Read `rate=0.1,seed=7`.

    Raises:
        ConfigurationError: It is not of that form.
    """
    values: dict[str, str] = {}
    for item in text.split(","):
        key, found, value = item.partition("=")
        if not found or key.strip() not in {"rate", "seed"}:
            raise ConfigurationError(f"--chaos has {item!r}: give it as rate=0.1,seed=7")
        values[key.strip()] = value
    try:
        rate, seed = float(values.get("rate", "0.1")), int(values.get("seed", "0"))
    except ValueError:
        raise ConfigurationError(f"--chaos is {text!r}: rate is a number, seed a whole one") from None
    if not 0 <= rate <= 1:
        raise ConfigurationError(f"--chaos has rate={rate:g}: give a share from 0 to 1")
    return Chaos(seed=seed, rate=rate)


def _read_script(path: Path) -> tuple[list[Step], Step | None]:
    if not path.is_file():
        raise ConfigurationError(f"--script names {path}: there is no such file")
    if path.suffix == ".json":
        return from_conversation(path), None
    try:
        names = runpy.run_path(str(path))
    except (Exception, SystemExit) as error:  # noqa: BLE001  # any exception of the user's own file is reported in one line
        told = " ".join(str(error).split())
        raise ConfigurationError(f"{path} does not run: {type(error).__name__}: {told}") from None
    steps = names.get("steps")
    if not isinstance(steps, list):
        raise ConfigurationError(f"{path} has no list named steps: write steps = [script.text('Hello'), ...]")
    return cast("list[Step]", steps), cast("Step | None", names.get("default"))
