"""`deepseek-v4 mock-server`: what it says to wrong arguments, and a run of it from its first line to Ctrl-C."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from deepseek_v4_sdk import DeepSeekV4, InvalidRequestError, __version__
from deepseek_v4_sdk.cli.app import app
from deepseek_v4_sdk.cli.mock_server import build
from deepseek_v4_sdk.testing.server import MockServer
from tests.support.commands import CliRunner

CHAT = {"messages": [{"role": "user", "content": "Tell me about owls."}]}


def refused(*arguments: str) -> str:
    """The one line that the command says on stderr."""
    result = CliRunner().invoke(app, ["mock-server", "--port", "0", *arguments])
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


def test_a_flavor_that_there_is_not() -> None:
    assert refused("--flavor", "vlm") == (
        "deepseek-v4: there is no flavor 'vlm' (did you mean 'vllm'?); "
        "known: nvidia, nim, vllm, sglang, deepseek, dynamo"
    )


def test_a_port_in_use() -> None:
    with MockServer() as server:
        port = server.url.rpartition(":")[2]
        line = refused("--port", port)
    assert line.startswith(f"deepseek-v4: port {port} of 127.0.0.1 cannot be used: ")


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "none.py"
    assert refused("--script", str(path)) == f"deepseek-v4: --script names {path}: there is no such file"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("steps = [", "does not run: SyntaxError: "),
        ("import no_such_module", "does not run: ModuleNotFoundError: No module named 'no_such_module'"),
        ("1 / 0", "does not run: ZeroDivisionError: division by zero"),
        (
            "raise ValueError('first line' + chr(10) + 'second line')",
            "does not run: ValueError: first line second line",
        ),
        ("raise SystemExit(0)", "does not run: SystemExit: 0"),
        ("", "has no list named steps: write steps = [script.text('Hello'), ...]"),
        ("steps = 'Hello'", "has no list named steps: "),
    ],
)
def test_a_script_that_is_broken(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "broken.py"
    path.write_text(text, encoding="utf-8")
    assert refused("--script", str(path)).startswith(f"deepseek-v4: {path} {told}")


@pytest.mark.parametrize("text", ["steps = ['Hello']", "steps = []\ndefault = 'Hello'"])
def test_a_script_of_what_is_no_step(tmp_path: Path, text: str) -> None:
    path = tmp_path / "texts.py"
    path.write_text(text, encoding="utf-8")
    line = refused("--script", str(path))
    assert line == "deepseek-v4: a step of the script is 'Hello': give script.text(...) or another step or fault"


@pytest.mark.parametrize(
    ("chaos", "told"),
    [
        ("0.1", "--chaos has '0.1': give it as rate=0.1,seed=7"),
        ("rate=0.1,speed=7", "--chaos has 'speed=7': give it as rate=0.1,seed=7"),
        ("rate=often", "--chaos is 'rate=often': rate is a number, seed a whole one"),
        ("seed=1.5", "--chaos is 'seed=1.5': rate is a number, seed a whole one"),
        ("rate=1.5", "--chaos has rate=1.5: give a share from 0 to 1"),
        ("rate=nan", "--chaos has rate=nan: give a share from 0 to 1"),
    ],
)
def test_chaos_of_another_form(chaos: str, told: str) -> None:
    assert refused("--chaos", chaos) == f"deepseek-v4: {told}"


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "http"], ["--flavour", "vllm"]])
def test_what_the_command_does_not_know(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["mock-server", *arguments])
    assert result.exit_code == 2
    assert arguments[0] in result.stderr


def test_help_and_version() -> None:
    shown = CliRunner().invoke(app, ["mock-server", "--help"], env={"COLUMNS": "120", "NO_COLOR": "1"})
    assert shown.exit_code == 0
    assert "--flavor" in re.sub(r"\x1b\[[0-9;]*m", "", shown.stdout)
    assert CliRunner().invoke(app, ["--version"]).stdout == f"{__version__}\n"


@contextmanager
def running(*arguments: str) -> Iterator[str]:
    """The command in a process of its own, ended by Ctrl-C; gives the address that its first line names."""
    command = [sys.executable, "-c", "from deepseek_v4_sdk.cli import main; main()", "mock-server", "--port", "0"]
    process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"listens on (http://\S+) ", line)
        assert found, line or process.communicate()
        yield found[1]
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
        assert process.returncode in {0, 130}
        assert rest == ""
        assert "Traceback" not in errors
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl-C is no signal that can be sent so")
def test_it_answers_until_it_is_interrupted() -> None:
    with running("--flavor", "sglang") as url:
        with DeepSeekV4("sglang", base_url=url, model="m") as client:
            assert "owls" in client.chat("Tell me about owls.").text
        assert "matched_stop" in httpx.post(f"{url}/v1/chat/completions", json=CHAT, timeout=60).json()["choices"][0]


@pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl-C is no signal that can be sent so")
def test_a_script_with_chaos(tmp_path: Path) -> None:
    """The steps of the file, then its default; an answer that hangs does not keep the command from ending."""
    path = tmp_path / "answers.py"
    path.write_text(
        "from deepseek_v4_sdk.testing import faults, script\n"
        "steps = [script.text('Hello'), faults.status(503)]\n"
        "default = faults.slow_prefill(600)\n",
        encoding="utf-8",
    )
    arguments = ("--script", str(path), "--chaos", "rate=0,seed=7")
    with running(*arguments) as url, httpx.Client(base_url=url, timeout=60) as client:
        hello = client.post("/v1/chat/completions", json=CHAT)
        assert hello.json()["choices"][0]["message"]["content"] == "Hello"
        assert client.post("/v1/chat/completions", json=CHAT).status_code == 503
        with pytest.raises(httpx.ReadTimeout):
            client.post("/v1/chat/completions", json=CHAT, timeout=httpx.Timeout(20, read=0.2))


@pytest.mark.parametrize(
    ("flavor", "models"), [("vllm", ["pro", "flash"]), ("dynamo", ["flash"]), ("sglang", ["flash"])]
)
def test_it_lists_the_models_that_it_is_given(flavor: str, models: list[str]) -> None:
    mock = build(flavor, "127.0.0.1", 0, None, None, models)
    with mock as server, DeepSeekV4(flavor, base_url=server.url) as client:
        assert [model.id.rpartition("-")[2].lower() for model in client.models()] == models
        assert client.chat("Tell me about owls.", model="flash").text


def test_it_serves_one_model_where_none_is_given() -> None:
    mock = build("vllm", "127.0.0.1", 0, None, None)
    with (
        mock as server,
        DeepSeekV4("vllm", base_url=server.url) as client,
        pytest.raises(InvalidRequestError, match="'flash' is not one of the models there"),
    ):
        client.chat("Hello", model="flash")


def test_models_that_it_cannot_serve() -> None:
    assert "sglang serves one model" in refused("--flavor", "sglang", "-m", "pro", "-m", "flash")
    assert "deepseek serves a fixed list of models" in refused("--flavor", "deepseek", "--model", "flash")
