"""`deepseek-v4 mock-server`: reads its arguments into a mock."""

from __future__ import annotations

import inspect
import runpy
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from deepseek_v4_sdk import ConfigurationError
from deepseek_v4_sdk.cli.connection import AsJson
from deepseek_v4_sdk.cli.output import say, say_json
from deepseek_v4_sdk.testing import Chaos, MockProvider
from deepseek_v4_sdk.testing.flavors import find_flavor
from deepseek_v4_sdk.testing.script import from_conversation
from deepseek_v4_sdk.testing.server import MockServer

if TYPE_CHECKING:
    from deepseek_v4_sdk.testing.flavors import Flavor
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
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="A model that it lists and serves: pro, flash, or any name (repeatable)."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Serve a mock that any OpenAI client can talk to. Without a script it answers from its input."""

    def announce(url: str) -> None:
        if as_json:
            say_json({"url": url, "flavor": flavor}, indent=None)
        else:
            say(f"a mock of {flavor} listens on {url} (Ctrl-C ends it)")

    build(flavor, host, port, script, chaos, model or []).run(announce)


def build(
    flavor: str, host: str, port: int, script: Path | None, chaos: str | None, models: Sequence[str] = ()
) -> MockServer:
    """The server that the arguments ask for.

    Raises:
        ConfigurationError: One of them is wrong; the text names it.
    """
    steps: list[Step] = []
    default: Step | None = None
    if script is not None:
        steps, default = _read_script(script)
    drawn = read_chaos(chaos) if chaos is not None else None
    provider = MockProvider(*steps, flavor=_flavor(flavor, models), default=default, chaos=drawn)
    return MockServer(provider, host=host, port=port)


_CHECKPOINTS = {"pro": "deepseek-ai/DeepSeek-V4-Pro", "flash": "deepseek-ai/DeepSeek-V4-Flash"}


def _flavor(name: str, models: Sequence[str]) -> Flavor:
    """The flavor of that name, with the models that it lists."""
    flavor = find_flavor(name)
    if not models:
        return flavor
    kind: Any = type(flavor)
    served = [_CHECKPOINTS.get(model, model) for model in models]
    parameters = inspect.signature(kind).parameters
    if "models" in parameters:
        return cast("Flavor", kind(models=served))
    if "model" in parameters and len(served) == 1:
        return cast("Flavor", kind(model=served[0]))
    if "model" in parameters:
        raise ConfigurationError(f"--model was given {len(served)} times, and {name} serves one model: give one")
    raise ConfigurationError(f"--model was given, and {name} serves a fixed list of models: leave it out")


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
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"{path} does not run: {type(error).__name__}: {reason}") from None
    steps = names.get("steps")
    if not isinstance(steps, list):
        raise ConfigurationError(f"{path} has no list named steps: write steps = [script.text('Hello'), ...]")
    return cast("list[Step]", steps), cast("Step | None", names.get("default"))
