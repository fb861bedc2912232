"""`deepseek-v4 context`: files, folders and conversations against the window, in a pipe, on a terminal and as JSON."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from deepseek_v4_sdk import ContextBudget, Conversation, count_text, pack
from deepseek_v4_sdk.chat import AssistantMessage
from deepseek_v4_sdk.cli import progress
from deepseek_v4_sdk.cli.context import draw, examine
from deepseek_v4_sdk.testing import MockProvider
from deepseek_v4_sdk.testing.server import MockServer
from deepseek_v4_sdk.tokens import vocabulary
from tests.support.commands import complaint, run

RECORDED = Path(__file__).resolve().parents[1] / "recordings"
PROSE = "The quick brown fox jumps over the lazy dog.\n"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in {"src/a.py": PROSE * 8, "src/b.py": PROSE, "src/sub/c.py": PROSE * 4, ".git/x": "no"}.items():
        path = tmp_path / "home" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


def as_json(*arguments: str, code: int = 0) -> dict[str, Any]:
    found = json.loads(run("context", "--json", *arguments, code=code).stdout)
    assert isinstance(found, dict)
    return found


def saved(value: object, name: str = "talk.json") -> str:
    Path(name).write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return name


def test_a_folder_in_a_pipe(tree: Path) -> None:
    packed = pack("src", 10_000)
    sizes = {item.name: item.tokens for item in packed.documents}
    result = run("context", ".")
    assert result.stdout.splitlines() == [
        "files",
        f"{sizes['src/a.py']:>6}     0.01%  src/a.py",
        f"{sizes['src/sub/c.py']:>6}     0.00%  src/sub/",
        f"{sizes['src/b.py']:>6}     0.00%  src/b.py",
        f"{packed.tokens} of 1,048,576 tokens (0.0%), {1_048_576 - packed.tokens:,} left",
        "1 passed over by name or as links: .git/",
    ]
    assert result.stderr == ""


def test_files_as_json(tree: Path) -> None:
    found = as_json("src/a.py", "src/b.py", "--window", "1000", "--reserve", "100")
    packed = pack(["src/a.py", "src/b.py"], 1_000)
    assert (found["kind"], found["total"], found["window"], found["room"]) == ("documents", packed.tokens, 1_000, 900)
    assert found["left"] == 900 - packed.tokens
    assert [item["name"] for item in found["documents"]] == ["src/a.py", "src/b.py"]


def test_more_than_fits(tree: Path) -> None:
    """What has no room in the window is counted all the same."""
    whole = as_json("src")["total"]
    result = run("context", "src", "--window", "60", code=1)
    assert f"{whole} of 60 tokens" in result.stdout
    assert f"{whole - 60:,} too many" in result.stdout
    assert as_json("src", "--window", "60", code=1)["total"] == whole


def test_what_cannot_be_counted(tree: Path) -> None:
    (tree / "picture.png").write_bytes(b"\x89PNG\x00")
    result = run("context", ".", code=1)
    assert result.stderr.splitlines() == ["deepseek-v4: picture.png is skipped: it holds a zero byte"]
    assert result.stdout.splitlines()[-1].startswith("1 passed over")
    assert run("context", "picture.png", code=1).stdout.splitlines() == ["0 of 1,048,576 tokens (0.0%), 1,048,576 left"]


def test_a_conversation(tree: Path) -> None:
    talk = Conversation().system("Be brief.").user(PROSE).add(AssistantMessage("Purr.", "Hm.")).user("And dogs?")
    measured = ContextBudget(1_048_576, 0).measure(talk)
    found = as_json(saved(talk.to_json()))
    assert (found["kind"], found["total"], found["user"]) == ("conversation", measured.total, measured.user)
    assert [turn["tokens"] for turn in found["turns"]] == [turn.tokens for turn in measured.turns]
    lines = run("context", "talk.json").stdout.splitlines()
    assert lines[0] == "prompt"
    assert lines[1] == f"{measured.system:>6}     0.01%  system"
    assert "turns" in lines
    assert f"{measured.left_out} tokens of earlier reasoning are not in the prompt" in lines
    assert as_json(saved({"messages": json.loads(talk.to_json())}))["total"] == measured.total


@pytest.mark.parametrize(
    ("options", "thinking"),
    [
        ({"thinking": "max"}, "max"),
        ({"reasoning_effort": "max"}, "max"),
        ({"reasoning_effort": "none"}, "off"),
        ({"chat_template_kwargs": {"thinking": True, "reasoning_effort": "low"}}, "low"),
        ({"chat_template_kwargs": {"thinking": False, "reasoning_effort": "max"}}, "off"),
        ({"thinking": {"type": "disabled"}, "reasoning_effort": "high"}, "off"),
        ({"thinking": {"type": "enabled"}, "reasoning_effort": "low"}, "low"),
        ({}, "high"),
    ],
)
def test_the_thinking_level_of_a_request(tree: Path, options: dict[str, Any], thinking: Any) -> None:
    expected = ContextBudget(1_000, 0).measure("Hi", thinking=thinking).total
    assert as_json(saved({"messages": [{"role": "user", "content": "Hi"}], **options}))["total"] == expected


def test_a_recorded_request() -> None:
    """The count of a real server: its `usage.prompt_tokens`."""
    folder = RECORDED / "vllm" / "chat_effort_max"
    answered = json.loads((folder / "response.txt").read_text(encoding="utf-8").partition("\n\n")[2])
    assert as_json(str(folder / "request.json"))["total"] == answered["usage"]["prompt_tokens"]


@pytest.mark.parametrize("text", ['{"messages": [{', "[]", "{}", '[{"a": 1}]', "3", "[" * 100_000, "\ufeff[]"])
def test_json_that_is_no_conversation_is_a_text(tree: Path, text: str) -> None:
    found = as_json(saved(text, "data.json"))
    assert found["documents"][0]["tokens"] > count_text(text)
    assert "the JSON holds no list of messages, and is counted as a text" in run("context", "data.json").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.txt"], "there is no file or folder none.txt"),
        (["talk.json"], "messages[0].role is 'robot'"),
        (["src", "--window", "100", "--reserve", "100"], "reserve less"),
    ],
)
def test_bad_input_is_one_line(tree: Path, arguments: list[str], told: str) -> None:
    saved({"messages": [{"role": "robot", "content": "Hi"}]})
    assert told in complaint("context", *arguments)


def test_without_the_vocabulary(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary._load.cache_clear()
    monkeypatch.setattr(vocabulary, "find_spec", lambda _: None)
    assert complaint("context", "src").startswith("Counting tokens needs the vocabulary")


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [40, 100])
def test_on_a_terminal(tree: Path, width: int) -> None:
    picture = examine(["src"], ContextBudget(1_000, 100), io.StringIO())
    out = io.StringIO()
    draw(picture, Console(file=out, width=width, force_terminal=True, color_system="truecolor"))
    bare = io.StringIO()
    draw(picture, Console(file=bare, width=width))
    assert "\x1b[" in out.getvalue()
    bar, *lines = bare.getvalue().splitlines()
    assert len(bar) == width - 1
    kept, used = bar.count("\N{MEDIUM SHADE}"), bar.count("\N{FULL BLOCK}")
    assert abs(kept - (width - 1) / 10) <= 1
    assert abs(used - picture.total * (width - 1) / 1_000) <= 1
    assert all(len(line) <= width for line in lines)
    assert any(line.endswith("src/sub/") for line in lines)
    full = io.StringIO()
    draw(examine(["src"], ContextBudget(300, 200), io.StringIO()), Console(file=full, width=width))
    assert set(full.getvalue().splitlines()[0]) == {"\N{FULL BLOCK}", "\N{MEDIUM SHADE}"}  # nothing is free


def test_many_files_are_the_largest_and_the_others(tree: Path) -> None:
    for number in range(40):
        (tree / f"{number:02}.txt").write_text("x " * (number + 1), encoding="utf-8")
    lines = run("context", ".").stdout.splitlines()
    assert lines[15].endswith("  27 others")
    assert lines[16].endswith("left")


def test_progress(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", -1)
    monkeypatch.setattr(progress, "_PAUSE", -1)
    screen = Screen()
    examine(["src"], ContextBudget(1_000, 0), screen)
    assert "3 of 3 files" in screen.getvalue()
    assert screen.getvalue().endswith("\r")


def test_the_window_of_a_server(tree: Path) -> None:
    """It is asked for; what is kept for the answer is what its budget keeps, unless it is said.

    An answer of SGLang's ends two tokens before the window does.
    """
    with MockServer(MockProvider(window=65_536, flavor="sglang")) as server:
        there = ("--provider", "sglang", "--base-url", server.url)
        found = as_json("src", *there)
        lines = run("context", "src", *there).stdout.splitlines()
        said = as_json("src", *there, "--window", "9000", "--reserve", "100")
        talk = as_json(saved([{"role": "user", "content": "<think>"}]), *there)
    assert (found["window"], found["window_source"], found["room"]) == (65_536, "asked", 65_536 - 2 - 4_096 - 8_192)
    assert "the window is reported by the server" in lines
    assert (said["window"], said["window_source"], said["room"]) == (9_000, "configured", 8_898)
    assert talk["total"] == as_json("talk.json")["total"] + 2  # SGLang reads a spelled control token as plain text


def test_a_server_that_is_not_there(tree: Path) -> None:
    told = complaint("context", "src", "--provider", "vllm", "--base-url", "http://127.0.0.1:9", code=3)
    assert "127.0.0.1:9" in told
    assert "--provider and --profile" in complaint("context", "src", "--provider", "vllm", "--profile", "x")
    assert "no deepseek_v4.toml" in complaint("context", "src", "--model", "pro")


def test_in_a_pipe(tree: Path) -> None:
    program = [sys.executable, "-c", "from deepseek_v4_sdk.cli import main; main()", "context", "src"]
    environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(program, capture_output=True, timeout=60, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert b"\x1b" not in done.stdout + done.stderr
    assert done.stdout.startswith(b"files\n")
