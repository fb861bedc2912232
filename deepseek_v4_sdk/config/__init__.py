"""Switching by configuration: profiles in a TOML file, and where a client's values come from."""

from __future__ import annotations

from typing import Any

from deepseek_v4_sdk.config.explain import ExplainedValue, Explanation, explain
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


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a file of profiles, for editors."""
    from deepseek_v4_sdk.config.schema import FileContent  # pydantic is loaded by who needs it

    schema = FileContent.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema
