"""Profiles: the arguments of a client, kept in a TOML file under a name."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from deepseek_v4_sdk.chat import Timeouts, is_mapping, nearest
from deepseek_v4_sdk.errors import ConfigurationError, InvalidRequestError

__all__ = ["load_profile"]

_PROFILE_VARIABLE = "DEEPSEEK_V4_PROFILE"
_FILE_VARIABLE = "DEEPSEEK_V4_CONFIG"
_FILE_NAME = "deepseek_v4.toml"


def load_profile(name: str | None, path: str | os.PathLike[str] | None) -> dict[str, object]:
    """Read a profile from a TOML file, as the arguments of a client.

    Without a path the file is `DEEPSEEK_V4_CONFIG`, or `deepseek_v4.toml` in the working directory or above it.
    Without a name the profile is `DEEPSEEK_V4_PROFILE`, or the file's `default`.

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
    return _arguments(profile, f"{file}, profile {wanted!r}")


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
    {"provider", "base_url", "api_key", "max_retries", "default_headers", "proxy", "ca_bundle", "timeout", "flavor"}
)
_DEFAULTS = frozenset({"model", "thinking"})


def _arguments(profile: Mapping[str, object], where: str) -> dict[str, object]:
    known = _SETTINGS | _DEFAULTS | {"api_key_env"}
    for key in profile:
        if key not in known:
            raise ConfigurationError(f"{where}: there is no setting {key!r}{nearest(key, known)}")
    arguments = dict(profile)
    if "provider" not in arguments:
        raise ConfigurationError(f'{where}: provider is missing: write provider = "vllm" or another')
    timeout = arguments.get("timeout")
    if is_mapping(timeout):
        try:
            arguments["timeout"] = Timeouts(**cast("dict[str, float]", timeout))
        except (TypeError, InvalidRequestError) as error:
            raise ConfigurationError(f"{where}: timeout: {error}") from None
    variable = arguments.pop("api_key_env", None)
    if variable is not None:
        if not isinstance(variable, str) or "api_key" in arguments:
            raise ConfigurationError(f"{where}: api_key_env is the name of one variable, and stands without api_key")
        value = os.environ.get(variable)
        if not value:
            raise ConfigurationError(f"{where}: api_key_env names {variable}, which is not set")
        arguments["api_key"] = value
    flavor = arguments.pop("flavor", None)
    if flavor is not None:
        if arguments["provider"] != "mock" or not isinstance(flavor, str):
            raise ConfigurationError(f'{where}: flavor goes with provider = "mock" alone')
        from deepseek_v4_sdk.testing import MockProvider

        arguments["provider"] = MockProvider(flavor=flavor)
    return arguments
