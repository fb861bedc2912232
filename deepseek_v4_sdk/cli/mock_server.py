"""`deepseek-v4 mock-server`: reads its arguments into a mock."""

from __future__ import annotations

import runpy
from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk import ConfigurationError
from deepseek_v4_sdk.testing import Chaos, MockProvider
from deepseek_v4_sdk.testing.server import MockServer

if TYPE_CHECKING:
    from pathlib import Path

    from deepseek_v4_sdk.testing.script import Step

__all__ = ["build", "read_chaos"]


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
    try:
        names = runpy.run_path(str(path))
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever the user's own file raises is told in one line
        told = " ".join(str(error).split())
        raise ConfigurationError(f"{path} does not run: {type(error).__name__}: {told}") from None
    steps = names.get("steps")
    if not isinstance(steps, list):
        raise ConfigurationError(f"{path} has no list named steps: write steps = [script.text('Hello'), ...]")
    return cast("list[Step]", steps), cast("Step | None", names.get("default"))
