"""Clients from configuration: profiles in a TOML file, and the sources of a client's values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk._late_types import late_names, late_type

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.config.file import FILE_NAME, find_file, user_file
    from deepseek_v4_sdk.config.template import TEMPLATE
else:
    JsonValue = late_type("deepseek_v4_sdk.chat", "JsonValue")

__all__ = ["FILE_NAME", "TEMPLATE", "find_file", "json_schema", "user_file"]

# The module of each name. Every client loads `config.settings`; only a program that reads a profile loads these.
_LATE = {"FILE_NAME": "file", "TEMPLATE": "template", "find_file": "file", "user_file": "file"}

if not TYPE_CHECKING:  # type checkers read the imports above
    __getattr__ = late_names(__name__, _LATE)


def json_schema() -> dict[str, JsonValue]:
    """Return the JSON Schema of a file of profiles, for editors."""
    from deepseek_v4_sdk.config.schema import FileContent  # loads pydantic's schema machinery

    schema = FileContent.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
