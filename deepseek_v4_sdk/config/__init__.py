"""Switching by configuration: profiles in a TOML file, and where a client's values come from."""

from deepseek_v4_sdk.config.explain import ExplainedValue, Explanation, explain
from deepseek_v4_sdk.config.file import find_file, user_file
from deepseek_v4_sdk.config.profiles import LoadedProfile, load_profile

__all__ = ["ExplainedValue", "Explanation", "LoadedProfile", "explain", "find_file", "load_profile", "user_file"]
