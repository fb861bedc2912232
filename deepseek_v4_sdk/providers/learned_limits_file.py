"""Limits that servers reveal, kept on disk: a small JSON file that several processes may share."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk.chat import read_json, write_json
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.providers.learned_limits import ServerLimits
from deepseek_v4_sdk.support.files import write_private

if TYPE_CHECKING:
    import os

    from deepseek_v4_sdk.chat import JsonValue

__all__ = ["LimitsFile"]

_logger = logging.getLogger("deepseek_v4_sdk")

_FORM = 1  # of the file


class LimitsFile:
    """Limits on disk: a small JSON file that several processes may share.

    Args:
        path: The file; it is made when there is something to keep.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    def read(self) -> dict[tuple[str, str | None], ServerLimits]:
        """Read its entries; none when it does not exist.

        Raises:
            ConfigurationError: It holds something else, or cannot be read.
        """
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConfigurationError(f"the file of limits {self._path} cannot be read: {error.strerror}") from None
        try:
            held = read_json(content)
            if not isinstance(held, dict) or held.get("form") != _FORM or not isinstance(held.get("limits"), list):
                raise ValueError("it is not a list of limits")
            return dict(_read_entry(entry) for entry in cast("list[JsonValue]", held["limits"]))
        except ValueError as error:
            raise ConfigurationError(
                f"the file of limits {self._path} is broken: {error}; delete it, or give another path"
            ) from None

    def write(self, base_url: str, model: str | None, limits: ServerLimits) -> None:
        """Add an entry to those that others have added meanwhile.

        The file is replaced at once, so that nobody reads half of it. Where that fails, a warning goes to the log, and
        the call continues: the process has the learned limits anyway.
        """
        try:
            held = {**self.read(), (base_url, model): limits}
            entries: list[JsonValue] = [
                {"base_url": url, "model": name, **{key: getattr(each, key) for key in _KEPT}}
                for (url, name), each in held.items()
            ]
            write_private(self._path, write_json({"form": _FORM, "limits": entries}))
        except (OSError, ConfigurationError) as error:
            _logger.warning("the learned limits of the server could not be kept in %s: %s", self._path, error)


_KEPT = ("window", "max_output", "asked")


def _read_entry(entry: JsonValue) -> tuple[tuple[str, str | None], ServerLimits]:
    base_url, model = (entry.get("base_url"), entry.get("model")) if isinstance(entry, dict) else (None, None)
    if not isinstance(entry, dict) or not isinstance(base_url, str) or not isinstance(model, str | None):
        raise ValueError("an entry has no base_url")
    limits: dict[str, int | None] = {}
    for key in _KEPT:
        value = entry.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise ValueError(f"{key} of {base_url} is not a number of tokens")
        limits[key] = value
    return (base_url, model), ServerLimits(limits["window"], limits["max_output"], asked=limits["asked"])
