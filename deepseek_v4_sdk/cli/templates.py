"""Templates of `deepseek-v4 chat`: instructions, a question and options under a name, in the user's own folder."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from deepseek_v4_sdk import ConfigurationError
from deepseek_v4_sdk.support.files import own_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Template"]

_KEYS = ("system", "prompt", "options")


@dataclass(frozen=True, slots=True)
class Template:
    """A template.

    Attributes:
        system: Instructions for the model, or None.
        prompt: A text that goes before the first question, or is it; empty without one.
        options: Options of a chat by name, such as `thinking` and `model`.
    """

    system: str | None = None
    prompt: str = ""
    options: Mapping[str, object] = field(default_factory=dict[str, object])

    @classmethod
    def read(cls, name: str) -> Template:
        """Read the template of a name, only from the user's own folder: one that lies elsewhere is somebody else's.

        Raises:
            ConfigurationError: There is none of that name, or it is wrong.
        """
        folder = _folder()
        file = folder / f"{name}.toml"
        if not re.fullmatch(r"[\w-][\w .-]*", name) or not file.is_file():
            known = ", ".join(sorted(each.stem for each in folder.glob("*.toml"))) or "none"
            raise ConfigurationError(f"there is no template {name!r} in {folder}; there are: {known}")
        try:
            content = tomllib.loads(file.read_text("utf-8-sig"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigurationError(f"{file} cannot be read as TOML: {error}") from None
        for key, value in content.items():
            if key not in _KEYS:
                raise ConfigurationError(f"{file}: there is no key {key!r}; known: {', '.join(_KEYS)}")
            if not isinstance(value, dict if key == "options" else str):
                wanted = "table" if key == "options" else "text"
                raise ConfigurationError(f"{file}: {key} is {type(value).__name__}: give a {wanted}")
        return cls(content.get("system"), content.get("prompt", "").strip(), content.get("options", {}))


def _folder() -> Path:
    if (folder := own_folder("config")) is None:
        raise ConfigurationError("there is no home folder for templates: set HOME")
    return folder / "templates"
