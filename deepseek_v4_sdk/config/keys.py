"""The source of a profile's key: a variable, a file, a command, or the profile itself."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.support.decoding import decoded
from deepseek_v4_sdk.support.files import expanded

if TYPE_CHECKING:
    from pydantic import SecretStr

    from deepseek_v4_sdk.config.schema import Profile

__all__ = ["KEY_SOURCES", "find_key"]

KEY_SOURCES = ("api_key_env", "api_key_file", "api_key_command", "api_key")

_STAND_IN = "not-asked-for"
_PATIENCE = 60.0  # seconds that a command may take: it may ask a person


def find_key(profile: Profile, folder: Path, *, run: bool) -> SecretStr | Callable[[], SecretStr] | None:
    """Find the key that a profile names, or a function that returns it for each request.

    Args:
        profile: The profile.
        folder: The folder of its file.
        run: Whether to run a command and read a file; else a placeholder replaces their result.

    Raises:
        ConfigurationError: The key cannot be found; the text begins with the name of the setting.
    """
    from pydantic import SecretStr

    named = [name for name in KEY_SOURCES if getattr(profile, name) is not None]
    if len(named) > 1:
        raise ConfigurationError(f"{named[0]} and {named[1]} are both given: a profile takes its key from one place")
    if profile.api_key_env is not None:
        value = os.environ.get(profile.api_key_env)
        if not value:
            raise ConfigurationError(f"api_key_env names {profile.api_key_env}, which is not set")
        return SecretStr(value)
    if profile.api_key_file is not None:
        file = folder / expanded(profile.api_key_file, "api_key_file")
        if not run:  # an untrusted file may name a pipe, or an endless file
            return lambda: SecretStr(_STAND_IN)
        _read(file)  # a missing file raises now
        return lambda: _read(file)
    if profile.api_key_command is not None:
        return SecretStr(_output(profile.api_key_command, folder) if run else _STAND_IN)
    return profile.api_key


def _read(file: Path) -> SecretStr:
    from pydantic import SecretStr

    try:
        return SecretStr(decoded(file.read_bytes()).strip())
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a text"
        raise ConfigurationError(f"api_key_file names {file}, which cannot be read: {reason}") from None


def _output(command: str | list[str], folder: Path) -> str:
    """Run the command, and return its output.

    It runs in the folder of the profile's file: `./get-key` is the trusted one.

    Its stderr is ours: it may ask the user for something.
    """
    try:
        words = shlex.split(command) if isinstance(command, str) else list(command)
    except ValueError as error:
        raise ConfigurationError(f"api_key_command is not a command: {error}") from None
    if not words:
        raise ConfigurationError("api_key_command is empty: give a command that prints the key")
    try:
        done = subprocess.run(  # noqa: S603  # the user's own command
            words, cwd=folder, stdout=subprocess.PIPE, timeout=_PATIENCE, check=False
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"api_key_command does not run: {words[0]}: {reason}") from None
    except subprocess.TimeoutExpired:
        raise ConfigurationError(f"api_key_command gave no key within {_PATIENCE:g} seconds ({words[0]})") from None
    if done.returncode:
        raise ConfigurationError(f"api_key_command failed: {words[0]} ended with {done.returncode}")
    key = done.stdout.decode("utf-8-sig", "replace").strip()
    if not key:
        raise ConfigurationError(f"api_key_command gave no key: {words[0]} printed nothing")
    return key
