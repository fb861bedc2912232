"""Profiles: the arguments of a client, kept in a TOML file under a name."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk.catalogue import Catalogue
from deepseek_v4_sdk.chat import Timeouts, is_mapping, nearest
from deepseek_v4_sdk.errors import ConfigurationError, InvalidRequestError

if TYPE_CHECKING:
    from deepseek_v4_sdk.providers.nim import Personality

__all__ = ["load_profile"]

_PROFILE_VARIABLE = "DEEPSEEK_V4_PROFILE"
_FILE_VARIABLE = "DEEPSEEK_V4_CONFIG"
_FILE_NAME = "deepseek_v4.toml"


def load_profile(
    name: str | None, path: str | os.PathLike[str] | None, overrides: Mapping[str, object]
) -> dict[str, object]:
    """Read a profile from a TOML file, as the arguments of a client.

    Without a path the file is `DEEPSEEK_V4_CONFIG`, or `deepseek_v4.toml` in the working directory or above it.
    Without a name the profile is `DEEPSEEK_V4_PROFILE`, or the file's `default`. Overrides win; what they replace may
    be missing.

    Raises:
        ConfigurationError: The file or the profile is missing or wrong; the text names the place.
    """
    file = _find_file(path)
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} is no TOML: {error}") from None
    profiles = content.get("profiles")
    if not is_mapping(profiles) or not profiles:
        raise ConfigurationError(f"{file} has no profiles: write a table such as [profiles.dev]")
    wanted = name or os.environ.get(_PROFILE_VARIABLE) or content.get("default")
    if not isinstance(wanted, str):
        raise ConfigurationError(
            f"no profile is named: give one, set {_PROFILE_VARIABLE}, or write default = ... into {file}"
        )
    profile = profiles.get(wanted)
    if not is_mapping(profile):
        raise ConfigurationError(
            f"{file} has no profile {wanted!r}{nearest(wanted, profiles)}; it has {', '.join(profiles)}"
        )
    arguments = _arguments(profile, overrides, f"{file}, profile {wanted!r}")
    tables = content.get("models")
    if tables is not None:
        try:
            arguments["catalogue"] = Catalogue.read(tables)
        except (TypeError, AttributeError, ValueError) as error:
            raise ConfigurationError(f"{file}: {error}; write each model as [[models]]") from None
    return {**arguments, **overrides}


def _find_file(path: str | os.PathLike[str] | None) -> Path:
    given = path or os.environ.get(_FILE_VARIABLE)
    if given:
        file = Path(given)
        if not file.is_file():
            origin = "path" if path else _FILE_VARIABLE
            raise ConfigurationError(f"{origin} names {file}: there is no such file")
        return file
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (file := folder / _FILE_NAME).is_file():
            return file
    raise ConfigurationError(
        f"there is no {_FILE_NAME} in {here} or above: write one, give path, or set {_FILE_VARIABLE}"
    )


_SETTINGS = frozenset(
    {
        "provider",
        "base_url",
        "api_key",
        "max_retries",
        "default_headers",
        "proxy",
        "ca_bundle",
        "timeout",
        "flavor",
        "personality",
        "server_version",
        "strict_model",
    }
)
_DEFAULTS = frozenset({"model", "thinking"})


def _arguments(profile: Mapping[str, object], overrides: Mapping[str, object], where: str) -> dict[str, object]:
    known = _SETTINGS | _DEFAULTS | {"api_key_env"}
    for key in profile:
        if key not in known:
            raise ConfigurationError(f"{where}: there is no setting {key!r}{nearest(key, known)}")
    arguments = dict(profile)
    if "provider" not in arguments and "provider" not in overrides:
        raise ConfigurationError(f'{where}: provider is missing: write provider = "vllm" or another')
    timeout = arguments.get("timeout")
    if is_mapping(timeout):
        arguments["timeout"] = _timeouts(timeout, where)
    variable = arguments.pop("api_key_env", None)
    if variable is not None:
        if not isinstance(variable, str) or "api_key" in arguments:
            raise ConfigurationError(f"{where}: api_key_env is the name of one variable, and stands without api_key")
        value = os.environ.get(variable)
        if not value and "api_key" not in overrides:
            raise ConfigurationError(f"{where}: api_key_env names {variable}, which is not set")
        arguments["api_key"] = value
    _choose_provider(arguments, where)
    return arguments


def _timeouts(table: Mapping[str, object], where: str) -> Timeouts:
    names = ("connect", "first_event", "idle", "total")
    for key in table:
        if key not in names:
            raise ConfigurationError(f"{where}: timeout has no {key!r}{nearest(key, names)}; it has {', '.join(names)}")
    try:
        return Timeouts(**cast("dict[str, float]", table))
    except InvalidRequestError as error:
        raise ConfigurationError(f"{where}: {error}") from None


def _choose_provider(arguments: dict[str, object], where: str) -> None:
    """A provider that is more than a name: the mock with its flavor, a NIM with its personality."""
    flavor, personality = arguments.pop("flavor", None), arguments.pop("personality", None)
    if flavor is not None:
        if arguments["provider"] != "mock" or not isinstance(flavor, str):
            raise ConfigurationError(f'{where}: flavor goes with provider = "mock" alone')
        from deepseek_v4_sdk.testing import MockProvider

        arguments["provider"] = MockProvider(flavor=flavor)
    if personality is not None:
        if arguments["provider"] != "nim":
            raise ConfigurationError(f'{where}: personality goes with provider = "nim" alone')
        from deepseek_v4_sdk.providers.nim import NIM

        arguments["provider"] = NIM(cast("Personality", personality))
