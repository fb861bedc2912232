"""Which server a command talks to: the options for it, and the client made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from deepseek_v4_sdk import ConfigurationError, DeepSeekV4
from deepseek_v4_sdk.config import find_file

__all__ = ["AsJson", "BaseURL", "ConfigFile", "Model", "ProfileName", "ProviderName", "connect"]

ProviderName: TypeAlias = Annotated[
    str | None, typer.Option(help="The kind of server: nvidia, nim, vllm, sglang, deepseek, dynamo, mock.")
]
ProfileName: TypeAlias = Annotated[
    str | None, typer.Option("--profile", "-p", help="A profile of deepseek_v4.toml, instead of a provider.")
]
ConfigFile: TypeAlias = Annotated[Path | None, typer.Option("--config", help="The file of profiles.")]
BaseURL: TypeAlias = Annotated[str | None, typer.Option(help="The server's address.")]
Model: TypeAlias = Annotated[str | None, typer.Option("--model", "-m", help="The model, where the server has several.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


_ON_THE_LINE = {
    "give base_url": "give --base-url",
    "give path": "give --config",
    "path names": "--config names",
    "give api_key, or set": "set",
}
"""What a program would give as an argument, and what stands in its place on a command line."""


def connect(
    provider: str | None, profile: str | None, base_url: str | None, model: str | None, config: Path | None = None
) -> DeepSeekV4:
    """A client of the named provider, or of a profile. Keys come from the environment or the profile alone.

    Raises:
        ConfigurationError: There is no such client; the text names what is wrong, in words of the command line.
    """
    try:
        return _connect(provider, profile, base_url, model, config)
    except ConfigurationError as error:
        text = str(error)
        for argument, option in _ON_THE_LINE.items():
            text = text.replace(argument, option)
        raise ConfigurationError(text) from None


def _connect(
    provider: str | None, profile: str | None, base_url: str | None, model: str | None, config: Path | None
) -> DeepSeekV4:
    if provider is not None:
        if profile is not None or config is not None:
            other = "--profile" if profile is not None else "--config"
            raise ConfigurationError(f"--provider and {other} were both given: give one of them")
        return DeepSeekV4(provider, base_url=base_url, model=model)
    if config is None and profile is None:
        try:
            find_file()
        except ConfigurationError as error:
            raise ConfigurationError(f"{error}; or name a server: --provider mock needs no other setting") from None
    given = {"base_url": base_url, "model": model}
    changes = {name: value for name, value in given.items() if value is not None}
    return DeepSeekV4.from_profile(profile, path=config, **changes)  # type: ignore[arg-type]  # each key has its type
