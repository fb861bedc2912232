"""The server of a command: the options for it, and the client made from them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeGuard, TypeVar

import typer

from deepseek_v4_sdk import AsyncDeepSeekV4, ConfigurationError, DeepSeekV4
from deepseek_v4_sdk.config import find_file

if TYPE_CHECKING:
    from deepseek_v4_sdk import Explanation

__all__ = [
    "AsJson",
    "BaseURL",
    "ConfigFile",
    "Model",
    "ProfileName",
    "ProviderName",
    "connect",
    "connect_async",
    "explained",
]

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


Client = TypeVar("Client", DeepSeekV4, AsyncDeepSeekV4)

_ON_THE_LINE = {
    "give base_url": "give --base-url",
    "give path": "give --config",
    "path names": "--config names",
    "give api_key, or set": "set",
}
"""Arguments of a program, and the options that replace them on a command line."""


def connect(
    provider: str | None, profile: str | None, base_url: str | None, model: str | None, config: Path | None = None
) -> DeepSeekV4:
    """Make a client of the named provider, or of a profile. Keys come only from the environment or the profile.

    Raises:
        ConfigurationError: There is no such client; the text names the fault, in terms of the command line.
    """
    return _connect(DeepSeekV4, provider, profile, base_url, model, config)


def connect_async(
    provider: str | None, profile: str | None, base_url: str | None, model: str | None, config: Path | None = None
) -> AsyncDeepSeekV4:
    """Make the same client as `connect`, for asyncio.

    Raises:
        ConfigurationError: As for `connect`.
    """
    return _connect(AsyncDeepSeekV4, provider, profile, base_url, model, config)


def _connect(
    kind: type[Client],
    provider: str | None,
    profile: str | None,
    base_url: str | None,
    model: str | None,
    config: Path | None,
) -> Client:
    with _in_words_of_the_line():
        if _is_named(provider, profile, config):
            return kind(provider, base_url=base_url, model=model)
        return kind.from_profile(profile, path=config, **_given(base_url, model))


def explained(
    provider: str | None, profile: str | None, base_url: str | None, model: str | None, config: Path | None
) -> Explanation:
    """Explain the sources of that client's values; no command is run for a key.

    Raises:
        ConfigurationError: As for `connect`.
    """
    with _in_words_of_the_line():
        if _is_named(provider, profile, config):
            with DeepSeekV4(provider, base_url=base_url, model=model) as client:
                return client.explain()
        return DeepSeekV4.explain_profile(profile, path=config, **_given(base_url, model))


@contextmanager
def _in_words_of_the_line() -> Generator[None]:
    try:
        yield
    except ConfigurationError as error:
        text = str(error)
        for argument, option in _ON_THE_LINE.items():
            text = text.replace(argument, option)
        raise ConfigurationError(text) from None


def _is_named(provider: str | None, profile: str | None, config: Path | None) -> TypeGuard[str]:
    """Whether a provider is named; if not, there must be a profile."""
    if provider is not None:
        if profile is not None or config is not None:
            other = "--profile" if profile is not None else "--config"
            raise ConfigurationError(f"--provider and {other} were both given: give one of them")
        return True
    if config is None and profile is None:
        try:
            find_file()
        except ConfigurationError as error:
            raise ConfigurationError(f"{error}; or name a server: --provider mock needs no other setting") from None
    return False


def _given(base_url: str | None, model: str | None) -> dict[str, Any]:
    """The arguments that win over the profile's."""
    return {name: value for name, value in (("base_url", base_url), ("model", model)) if value is not None}
