"""`deepseek-v4 gateway` and `deepseek-v4 launch`: wrong arguments, a run of each, and what the tools are told."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from deepseek_v4_sdk.cli.app import app
from deepseek_v4_sdk.cli.gateway import read_efforts
from deepseek_v4_sdk.cli.launch_tools import TOOLS
from tests.support.commands import CliRunner

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Tell me about owls."}]}


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--host", "0.0.0.0"], "0.0.0.0 can be reached from other machines, and the gateway has no keys"),
        (["--api-key-env", "NO_SUCH"], "--api-key-env names the variable 'NO_SUCH', which is not set"),
        (["--seal-key-env", "NO_SUCH"], "--seal-key-env names the variable 'NO_SUCH', which is not set"),
        (["--effort-map", "xhigh"], "--effort-map has 'xhigh': give it as xhigh=max"),
        (["--effort-map", "xhigh=most"], "--effort-map has 'xhigh=most'"),
        (["--recovered", "maybe"], "recovered is 'maybe'"),
        (["--unknown-models", "maybe"], "unknown_models is 'maybe'"),
        (["--spend-limit", "much"], "the limit of Spend is 'much'"),
        (["--spend-limit", "5", "--spend-per", "month"], "per is 'month': give 'client', 'run' or 'day'"),
        (["--model", "a", "--model", "b"], "--model was given twice without a profile"),
        (["--model", "=b"], "--model has '=b': give it as NAME=PROFILE"),
    ],
)
def test_arguments_that_are_wrong(arguments: list[str], told: str) -> None:
    assert told in refused("gateway", "--provider", "mock", "--port", "0", *arguments)


def test_effort_maps() -> None:
    assert read_efforts("xhigh=max, Medium=low") == {"xhigh": "max", "medium": "low"}


@contextmanager
def running(*arguments: str, **variables: str) -> Iterator[str]:
    """The command in a process of its own, ended by Ctrl-C; gives the address that its first line names."""
    command = [sys.executable, "-c", "from deepseek_v4_sdk.cli import main; main()", "gateway", "--port", "0"]
    process = subprocess.Popen(
        [*command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"listens on (http://\S+) ", line)
        assert found, line or process.communicate()
        yield found[1]
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert process.returncode in {0, 130}
        assert "Traceback" not in errors
        assert "chat 200" in errors
        assert "owls" not in errors
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl-C is no signal that can be sent so")
def test_it_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    with running("--provider", "mock", "--api-key-env", "CALLER", CALLER="the-key") as url:
        assert httpx.post(f"{url}/chat/completions", json=CHAT, timeout=60).status_code == 401
        answer = httpx.post(f"{url}/chat/completions", json=CHAT, headers={"x-api-key": "the-key"}, timeout=60)
        assert "owls" in answer.json()["choices"][0]["message"]["content"]
        result = CliRunner().invoke(
            app, ["launch", "codex", "--url", url, "--key-env", "CALLER"], env={"CALLER": "the-key"}
        )
    assert result.exit_code == 0, result.output
    assert "the-key" not in result.output
    folder = tmp_path / "state" / "deepseek-v4" / "launch" / "codex"
    settings = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))
    assert settings["model_context_window"] == 1_048_576
    assert settings["model_providers"]["deepseek-v4"] == {
        "name": "DeepSeek-V4",
        "base_url": url,
        "env_key": "CALLER",
        "wire_api": "responses",
    }
    assert result.stdout.splitlines() == [f"export CODEX_HOME={folder}", "codex"]
    assert stat.S_IMODE((tmp_path / "state" / "deepseek-v4" / "gateway-seal.key").stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl-C is no signal that can be sent so")
def test_several_profiles_a_taken_port_and_a_missing_key(tmp_path: Path) -> None:
    config = tmp_path / "deepseek.toml"
    config.write_text('[profiles.big]\nprovider = "mock"\n[profiles.flash]\nprovider = "mock"\n', encoding="utf-8")
    server = ["--config", str(config), "--profile", "big"]
    assert "has no profile 'none'; it has big, flash" in refused("gateway", *server, "--model", "small=none")
    several = [*server, "--model", "small=flash", "--any-content-type", "--api-key-env", "CALLER"]
    with running(*several, CALLER="the-key") as url:
        key = {"x-api-key": "the-key", "content-type": "text/plain"}
        asked = {**CHAT, "model": "small"}
        answer = httpx.post(f"{url}/chat/completions", content=json.dumps(asked), headers=key, timeout=60)
        assert answer.json()["model"] == "small"
        names = [entry["id"] for entry in httpx.get(f"{url}/models", headers=key, timeout=60).json()["data"]]
        assert names == ["deepseek-ai/DeepSeek-V4-Pro", "small"]
        port = url.removesuffix("/v1").rpartition(":")[2]
        line = refused("gateway", *server, "--port", port)
        assert f"port {port} of 127.0.0.1 cannot be used" in line
        assert "give another port" in line
        assert "wants the key of a caller" in refused("launch", "codex", "--url", url)


def test_a_key_in_the_usual_variable_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSEEK_V4_GATEWAY_KEY", "the-key")
    arguments = ["launch", "codex", "--url", "http://127.0.0.1:9", "--model", "v4", "--folder", str(tmp_path)]
    assert CliRunner().invoke(app, arguments).stdout.splitlines() == [f"export CODEX_HOME={tmp_path}", "codex"]


@pytest.mark.parametrize("tool", TOOLS)
def test_each_tool_is_told_of_a_folder_of_its_own(tool: str, tmp_path: Path) -> None:
    folder = tmp_path / "its own"
    arguments = ["launch", tool, "--url", "http://127.0.0.1:9/v1", "--model", "v4", "--folder", str(folder)]
    result = CliRunner().invoke(app, [*arguments, "--", "--verbose"])
    assert result.exit_code == 0, result.output
    *exports, command = result.stdout.splitlines()
    assert command == f"{TOOLS[tool].command} --verbose"
    assert all(line.startswith("export ") for line in exports)
    assert "export DEEPSEEK_V4_GATEWAY_KEY=unused" in exports
    assert not (tmp_path / "home").exists()
    written = "".join(path.read_text(encoding="utf-8") for path in folder.iterdir())
    assert "http://127.0.0.1:9" in written + result.stdout
    assert "v4" in written + result.stdout
    for path in folder.glob("*.json"):
        json.loads(path.read_text(encoding="utf-8"))


def test_claude_keeps_the_state_in_its_folder(tmp_path: Path) -> None:
    arguments = ["launch", "claude", "--url", "http://127.0.0.1:9", "--model", "v4", "--folder", str(tmp_path)]
    (tmp_path / ".claude.json").write_text('{"mine": 1}', encoding="utf-8")
    result = CliRunner().invoke(app, arguments)
    assert (tmp_path / ".claude.json").read_text(encoding="utf-8") == '{"mine": 1}'
    assert 'export ANTHROPIC_AUTH_TOKEN="$DEEPSEEK_V4_GATEWAY_KEY"' in result.stdout


def test_run_starts_the_tool_with_its_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "bin" / "claude"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent))
    monkeypatch.setenv("MY_KEY", "the-key")
    started: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda *given: started.append(given))
    arguments = ["launch", "claude", "--model", "v4", "--key-env", "MY_KEY", "--url", "http://127.0.0.1:9"]
    result = CliRunner().invoke(app, [*arguments, "--folder", str(tmp_path), "--run", "--", "-p", "Hi"])
    assert result.exit_code == 0, result.output
    ((program, words, environment),) = started
    assert (program, words) == (str(tool), ["claude", "-p", "Hi"])
    assert environment["ANTHROPIC_AUTH_TOKEN"] == "the-key"
    assert environment["CLAUDE_CONFIG_DIR"] == str(tmp_path)
    monkeypatch.setenv("PATH", "")
    line = refused(*arguments, "--folder", str(tmp_path), "--run")
    assert "there is no command 'claude' here: npm install -g @anthropic-ai/claude-code" in line


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["emacs"], "there is no tool 'emacs': one of claude, codex, opencode, openclaw"),
        (["codex", "--url", "http://127.0.0.1:9"], "does not list its models"),
        (["codex", "--key-env", "NO_SUCH"], "--key-env names the variable 'NO_SUCH'"),
    ],
)
def test_launches_that_are_wrong(arguments: list[str], told: str) -> None:
    assert told in refused("launch", *arguments)
