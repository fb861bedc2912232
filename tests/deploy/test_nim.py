"""NIM: the texts of a container, with the flags that are handed through checked."""

from __future__ import annotations

import shlex

import pytest

from deepseek_v4_sdk.deploy import nim
from deepseek_v4_sdk.errors import ConfigurationError


def test_the_texts() -> None:
    found = nim("pro", profile="a" * 64, context=131_072)
    words = shlex.split(found.start.replace("\\\n", ""))
    assert words[-1] == found.image == "nvcr.io/nim/deepseek-ai/deepseek-v4-pro-0813:latest"
    assert {f"NIM_MODEL_PROFILE={'a' * 64}", "NIM_MAX_MODEL_LEN=131072", "NGC_API_KEY"} <= set(words)
    assert found.profiles.endswith("list-model-profiles")
    assert found.problems == ()
    assert nim("flash").image.endswith("deepseek-v4-flash-0731:latest")


def test_flags_that_are_handed_through() -> None:
    flags = ["--mem-fraction-static", "0.9", "--max-running-requests", "32"]
    found = nim("pro", passthrough=flags, inside_version="0.5.21")
    assert found.problems == ()
    assert f"NIM_PASSTHROUGH_ARGS={shlex.join(flags)}" in shlex.split(found.start.replace("\\\n", ""))
    (wrong,) = nim("pro", passthrough=["--enable-deepep-waterfill"], inside_version="0.5.21").problems
    assert (wrong.flag, wrong.last) == ("--enable-deepep-waterfill", "0.5.14")


def test_what_is_asked_wrongly() -> None:
    with pytest.raises(ConfigurationError, match="64 hexadecimal"):
        nim("pro", profile="vllm-fp8-tp8")
    with pytest.raises(ConfigurationError, match="give inside_version"):
        nim("pro", passthrough=["--x"])
