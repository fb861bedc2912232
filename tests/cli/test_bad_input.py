"""What is wrong is said in one line on stderr, with the next step, and with the exit code that fits. No traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deepseek_v4_sdk import ConfigurationError
from deepseek_v4_sdk.cli import inputs as given
from deepseek_v4_sdk.cli.app import app
from deepseek_v4_sdk.cli.outcome import EXIT_CODES
from deepseek_v4_sdk.testing.server import MockServer
from tests.support.commands import CliRunner, complaint, run

TOML = 'default = "p"\n[profiles.p]\nprovider = "mock"\n'
MOCK = ("--provider", "mock")
LOCAL = ("--provider", "vllm", "--base-url")


@pytest.fixture(autouse=True)
def files() -> None:
    """Things that a command can stumble over."""
    Path("text.txt").write_text("a text", "utf-8")
    Path("latin.txt").write_bytes("Grüße".encode("latin-1"))
    Path("binary.bin").write_bytes(b"\x7fELF\0\0")
    Path("folder").mkdir()
    Path("mine.json").write_text('[{"role": "user", "content": "Hi"}]', "utf-8")
    Path("no_json.json").write_text("{", "utf-8")
    Path("no_list.json").write_text('{"a": 1}', "utf-8")
    Path("no_messages.json").write_text('[{"role": "usr", "content": "Hi"}]', "utf-8")
    Path("tools_of_mine.py").write_text(
        "def fine(a: int) -> int:\n    '''Fine.'''\n    return a\n\nnumber = 5\n", "utf-8"
    )
    Path("broken_tools.py").write_text("import nothing_of_this_name\n", "utf-8")
    Path("raising_tools.py").write_text("raise RuntimeError('two\\nlines')\n", "utf-8")
    Path("good.toml").write_text(TOML, "utf-8")
    Path("typo.toml").write_text(TOML + 'thinkin = "low"\n', "utf-8")
    Path("no.toml").write_text("[profiles\n", "utf-8")
    Path("circle.toml").write_text(TOML + 'fallback = ["p"]\n', "utf-8")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        # the command line
        (("chta",), "no such command 'chta'. Did you mean 'chat'? See deepseek-v4 --help"),
        (("--verison",), "no such option: --verison"),
        (("chat", "--provder", "mock"), "See deepseek-v4 chat --help"),
        (("chat", *MOCK, "--thinking", "medium", "Hi"), "'--thinking': 'medium' is not one of 'off', 'low', 'high'"),
        (
            ("chat", *MOCK, "--max-tokens", "0", "Hi"),
            "invalid value for '--max-tokens': Input should be greater than or equal to 1",
        ),
        (("chat", *MOCK, "--max-tokens", "many", "Hi"), "Input should be a valid integer"),
        (("chat", *MOCK, "--file"), "requires an argument"),
        (("count",), "missing argument 'files'"),
        (("mock-server", "--port", "http"), "Input should be a valid integer"),
        (("mock-server", "--port", "70000"), "Input should be less than or equal to 65535"),
        # which server
        (("chat", "Hi"), "(deepseek-v4 config init), give --config, or set DEEPSEEK_V4_CONFIG; or name a server"),
        (("models",), "--provider mock needs no other setting"),
        (("doctor",), "--provider mock needs no other setting"),
        (("chat", "--provider", "vlm", "Hi"), "there is no provider 'vlm' (did you mean 'vllm'?)"),
        (("chat", "--provider", "vllm", "Hi"), "give --base-url, such as http://localhost:8000"),
        (("chat", *LOCAL, "localhost", "Hi"), "base_url is 'localhost': give one such as http://localhost:8000"),
        (("chat", "--provider", "nvidia", "Hi"), "nvidia needs a key: set NVIDIA_API_KEY"),
        (("chat", *MOCK, "--profile", "p", "Hi"), "--provider and --profile were both given"),
        (("models", *MOCK, "--config", "good.toml"), "--provider and --config were both given"),
        # profiles
        (("chat", "--config", "none.toml", "Hi"), "--config names none.toml: there is no such file"),
        (("chat", "--config", "folder", "Hi"), "--config names folder: there is no such file"),
        (("chat", "--config", "binary.bin", "Hi"), "binary.bin is not valid TOML: "),
        (("chat", "--config", "latin.txt", "Hi"), "latin.txt cannot be read: it is not UTF-8 text"),
        (("chat", "--config", "no.toml", "Hi"), "no.toml is not valid TOML: "),
        (("chat", "--config", "typo.toml", "Hi"), "typo.toml:4, profile 'p': there is no setting 'thinkin' (did you"),
        (("chat", "--config", "circle.toml", "Hi"), "circle.toml:4, profile 'p': fallback goes in a circle: p -> p"),
        (("chat", "--config", "good.toml", "-p", "q", "Hi"), "good.toml has no profile 'q'; it has p"),
        (("config", "explain", "--config", "typo.toml"), "typo.toml:4"),
        (("config", "init", "good.toml"), "good.toml is there already: --force writes over it"),
        (("config", "show"), "no such command 'show'"),
        # files, conversations, tools
        (("chat", *MOCK, "-f", "none.txt", "Hi"), "--file none.txt cannot be read: No such file or directory"),
        (("chat", *MOCK, "-f", "folder", "Hi"), "--file folder cannot be read: Is a directory"),
        (("chat", *MOCK, "-f", "latin.txt", "Hi"), "--file latin.txt is not UTF-8 text: byte 2 does not belong there"),
        (("chat", *MOCK, "-f", "binary.bin", "Hi"), "--file binary.bin is binary: it holds a zero byte"),
        (("chat", *MOCK), "there is no question: stdin is empty"),
        (
            ("chat", *MOCK, "--save", "mine.json", "Hi"),
            "there is a conversation 'mine.json' already: --resume mine.json continues it",
        ),
        (("chat", *MOCK, "--save", "folder/x/../../text.txt/y", "Hi"), "cannot be written: "),
        (("chat", *MOCK, "--save", "folder/", "Hi"), "folder cannot be written: it is a folder"),
        (("chat", *MOCK, "--save", "a" * 300, "Hi"), "is not a name for a conversation: give up to 250"),
        (("chat", *MOCK, "--resume", "folder/", "Hi"), "folder cannot be read: Is a directory"),
        (("chat", *MOCK, "--save", "a\tb", "Hi"), "is not a name for a conversation"),
        (("chat", *MOCK, "--resume", "none", "Hi"), "there is no conversation 'none'"),
        (("chat", *MOCK, "--resume", "no_json.json", "Hi"), "no_json.json holds no conversation: "),
        (("chat", *MOCK, "--resume", "no_list.json", "Hi"), "no_list.json holds no conversation: "),
        (("chat", *MOCK, "--resume", "no_messages.json", "Hi"), "no_messages.json holds no conversation: "),
        (("chat", *MOCK, "--resume", "mine.json", "--system", "x", "Hi"), "--system begins a conversation"),
        (("chat", *MOCK, "--tool", "fine", "Hi"), "--tool is 'fine': give it as module:function"),
        (("chat", *MOCK, "--tool", "none_of_this:fine", "Hi"), "there is no module 'none_of_this' here or installed"),
        (("chat", *MOCK, "--tool", "tools_of_mine:find", "Hi"), "tools_of_mine has no function 'find'"),
        (("chat", *MOCK, "--tool", "tools_of_mine:number", "Hi"), "tools_of_mine has no function 'number'"),
        (("chat", *MOCK, "--tool", "broken_tools:a", "Hi"), "broken_tools does not run: No module named"),
        (("chat", *MOCK, "--tool", "raising_tools:a", "Hi"), "raising_tools does not run: RuntimeError: two lines"),
        (("mock-server", "--flavor", "vlm"), "there is no flavor 'vlm' (did you mean 'vllm'?)"),
        (("mock-server", "--host", "300.1.1.1"), "cannot be used"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_one_line(arguments: tuple[str, ...], told: str) -> None:
    assert told in complaint(*arguments)


def test_stdin_that_is_no_text() -> None:
    assert complaint("chat", *MOCK, stdin=b"\xff\xfd\x00") == "stdin is not UTF-8 text: byte 0 does not belong there"


def test_a_port_in_use() -> None:
    with MockServer() as server:
        line = complaint("mock-server", "--port", server.url.rpartition(":")[2])
    assert "cannot be used: Address already in use" in line


@pytest.mark.parametrize("command", ["chat", "models", "doctor"])
def test_a_server_that_is_not_there(command: str) -> None:
    question = ["Hi"] if command == "chat" else []
    line = complaint(command, *LOCAL, "http://127.0.0.1:1", *question, code=3)
    assert "http://127.0.0.1:1" in line


def test_errors_do_not_mix_with_json() -> None:
    result = run("models", *LOCAL, "http://127.0.0.1:1", "--json", code=3)
    assert result.stdout == ""


def test_every_command_has_json_and_help() -> None:
    listed = [("chat",), ("count",), ("models",), ("doctor",), ("demo",), ("mock-server",)]
    listed += [("config", name) for name in ("explain", "schema", "init")]
    for command in listed:
        assert "--json" in run(*command, "--help").stdout, command
    shown = run("--help").stdout
    for name, *_ in listed:
        assert name in shown
    told = " ".join(shown.replace("│", " ").split())
    for code, words in EXIT_CODES.items():
        assert f"{code.value} {words}" in told


def test_a_paragraph_of_help_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines end at the edge of the terminal, and not where those of the docstring do."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    shown = run("count", "--help").stdout
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "with a dot. A file that is binary or cannot be read is named and skipped, and" in lines


def test_no_command_shows_what_there_is() -> None:
    result = run(code=2)
    assert "mock-server" in result.stdout + result.stderr


def test_what_nobody_expected_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of this package keeps its traceback."""

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(given, "read_stdin", fail)
    assert isinstance(CliRunner().invoke(app, ["chat", *MOCK]).exception, ZeroDivisionError)


def test_json_is_json() -> None:
    for command in (("models", *MOCK), ("config", "schema"), ("demo",), ("count", "text.txt"), ("doctor", *MOCK)):
        found = run(*command, "--json", code=0 if command[0] != "doctor" else 1)
        assert isinstance(json.loads(found.stdout), dict)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no endless file")
def test_an_input_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given, "_MOST_BYTES", 1_000)
    assert complaint("chat", "Hi", "--file", "/dev/zero", *MOCK).startswith("--file /dev/zero has more than")
    with Path("/dev/zero").open("rb") as endless, pytest.raises(ConfigurationError, match="stdin has more than"):
        given.read_stdin(endless)
