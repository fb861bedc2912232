"""`deepseek-v4 doctor`: its table, its exit codes, its JSON, what it asks a terminal to show, and no key anywhere."""

from __future__ import annotations

import io
import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.cli.app import app
from deepseek_v4_sdk.cli.connection import NamedServer
from deepseek_v4_sdk.cli.doctor import examine
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.flavors.sglang import SGLangFlavor
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from deepseek_v4_sdk.testing.server import MockServer
from tests.support.commands import CliRunner, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

KEY = "canary-key-that-nobody-may-see-5e1f"


@contextmanager
def served(flavor: VLLMFlavor | SGLangFlavor, *steps: script.Step) -> Iterator[str]:
    with MockServer(MockProvider(*steps, flavor=flavor)) as server:
        yield server.url


def doctor(*arguments: str, **variables: str) -> Result:
    result = CliRunner().invoke(app, ["doctor", *arguments], env=variables)
    assert KEY not in result.stdout + result.stderr
    return result


@pytest.fixture(autouse=True)
def _no_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("DEEPSEEK_V4_PROFILE", "DEEPSEEK_V4_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)


def test_all_is_well() -> None:
    with served(VLLMFlavor(prompt_tokens_details=True)) as url:
        result = doctor("--provider", "vllm", "--base-url", url, VLLM_API_KEY=KEY)
    assert (result.exit_code, result.stderr) == (0, "")
    assert (
        result.stdout
        == f"""\
vllm at {url}: deepseek-ai/DeepSeek-V4-Pro

window             works     1,048,576 tokens, as the server reports
version            works     0.33.0
prompt format      works     vLLM's encoder: 19 and 98 prompt tokens, as counted here
thinking           works     off gives no thinking, high does
reasoning          works     apart from the text, 21 tokens of it counted
tools              works     a call was parsed
structured output  works     held to a schema
streamed usage     works     streams end with the usage
cached tokens      works     of a prompt sent twice, 512 of 731 tokens came from it

7 requests, 1,865 prompt tokens, 158 of answers
"""
    )


def test_something_is_missing() -> None:
    flavor = SGLangFlavor(reasoning_parser=False, cache_report=True)
    with served(flavor) as url:
        result = doctor("--provider", "sglang", "--base-url", url, SGLANG_API_KEY=KEY)
    assert result.exit_code == 1
    rows = [line for line in result.stdout.splitlines() if line.startswith("reasoning") or "mend with" in line]
    assert rows == [
        "reasoning          does not  the server says that its reasoning parser is off",
        "                             mend with: --reasoning-parser deepseek-v4",
    ]


def test_json() -> None:
    with served(VLLMFlavor(tool_call_parser=False, prompt_tokens_details=True)) as url:
        result = doctor("--provider", "vllm", "--base-url", url, "--json", VLLM_API_KEY=KEY)
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert (report["ok"], report["base_url"], report["model"]) == (False, url, "deepseek-ai/DeepSeek-V4-Pro")
    (wrong,) = [finding for finding in report["findings"] if finding["status"] != "works"]
    assert wrong == {
        "feature": "tools",
        "status": "fails",
        "detail": '400: "auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        "remedy": "--enable-auto-tool-choice --tool-call-parser deepseek_v4",
    }


def test_a_profile(tmp_path: Path) -> None:
    with served(VLLMFlavor(prompt_tokens_details=True, models=None)) as url:
        text = f'[profiles.prod]\nprovider = "vllm"\nbase_url = "{url}"\napi_key_env = "PROD_KEY"\n'
        (tmp_path / "deepseek_v4.toml").write_text(text, encoding="utf-8")
        run("config", "trust")
        result = doctor("--profile", "prod", PROD_KEY=KEY)
        assert result.exit_code == 0, result.output
        assert doctor("--profile", "prod", "--model", "mine", PROD_KEY=KEY).stdout.startswith(f"vllm at {url}: mine\n")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--provider", "vlm"), 2, "there is no provider 'vlm'"),
        (("--provider", "vllm"), 2, "--base-url"),
        (("--provider", "vllm", "--profile", "prod"), 2, "--provider and --profile were both given: give one of them"),
        ((), 2, "deepseek_v4.toml"),
        (("--provider", "vllm", "--base-url", "http://127.0.0.1:1"), 3, "127.0.0.1:1"),
    ],
)
def test_who_cannot_be_asked(arguments: tuple[str, ...], code: int, told: str) -> None:
    result = doctor(*arguments, VLLM_API_KEY=KEY)
    assert (result.exit_code, result.stdout) == (code, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("deepseek-v4: ")
    assert told in line


def test_a_server_that_tells_the_key_back() -> None:
    refusal = script.error(400, f"Bearer {KEY} is not what I want")
    with served(VLLMFlavor(), *[refusal] * 6) as url:
        result = doctor("--provider", "vllm", "--base-url", url, VLLM_API_KEY=KEY)
    assert result.exit_code == 1
    assert "is not what I want" in result.stdout


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal() -> None:
    """Each question replaces the one before, and nothing stays."""
    terminal = _Terminal()
    examine(DeepSeekV4("mock"), terminal)
    written = terminal.getvalue()
    shown = [piece.rstrip() for piece in written.split("\r")]
    assert "asking for a tool call ..." in shown
    assert written.endswith("\r")
    assert re.fullmatch(r" +", written.split("\r")[-2])
    assert "\n" not in written


def test_progress_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """No text reaches the edge: what goes on in a second row would stay there."""
    monkeypatch.setenv("COLUMNS", "30")
    terminal = _Terminal()
    examine(DeepSeekV4("mock"), terminal)
    pieces = terminal.getvalue().split("\r")
    assert any(piece.startswith("asking for an answer without") for piece in pieces)
    assert max(map(len, pieces)) < 30


def test_no_progress_elsewhere() -> None:
    stream = io.StringIO()
    examine(NamedServer("mock").connect(), stream)
    assert stream.getvalue() == ""
