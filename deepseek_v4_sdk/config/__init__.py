"""Clients from configuration: profiles in a TOML file, and the sources of a client's values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepseek_v4_sdk.config.explanation import ExplainedValue, Explanation, explain
    from deepseek_v4_sdk.config.file import FILE_NAME, ProfileFile, find_file, find_near, user_file
    from deepseek_v4_sdk.config.owners import is_ones_own, name_of
    from deepseek_v4_sdk.config.profiles import LoadedProfile, load_profile
    from deepseek_v4_sdk.config.template import TEMPLATE
    from deepseek_v4_sdk.config.trust import privileged, withdraw

__all__ = [
    "FILE_NAME",
    "TEMPLATE",
    "ExplainedValue",
    "Explanation",
    "LoadedProfile",
    "ProfileFile",
    "explain",
    "find_file",
    "find_near",
    "is_ones_own",
    "json_schema",
    "load_profile",
    "name_of",
    "privileged",
    "user_file",
    "withdraw",
]

# The module of each name. Every client loads `config.settings`; only a program that reads a profile loads these.
_LATE = {
    "explanation": ("ExplainedValue", "Explanation", "explain"),
    "file": ("FILE_NAME", "ProfileFile", "find_file", "find_near", "user_file"),
    "owners": ("is_ones_own", "name_of"),
    "profiles": ("LoadedProfile", "load_profile"),
    "template": ("TEMPLATE",),
    "trust": ("privileged", "withdraw"),
}

if not TYPE_CHECKING:  # type checkers read the imports above

    def __getattr__(name: str) -> object:
        from importlib import import_module

        for module, names in _LATE.items():
            if name in names:
                value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a file of profiles, for editors."""
    from deepseek_v4_sdk.config.schema import FileContent  # loads pydantic's schema machinery

    schema = FileContent.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema
