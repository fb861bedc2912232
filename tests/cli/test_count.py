"""`deepseek-v4 count`: files, folders and stdin, what is skipped, and what a pipe gets."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deepseek_v4_sdk import count_text
from deepseek_v4_sdk.cli import count as command
from deepseek_v4_sdk.cli import progress
from deepseek_v4_sdk.cli.app import app
from deepseek_v4_sdk.cli.count import WINDOW, count_files
from deepseek_v4_sdk.tokens import vocabulary
from tests.support.commands import CliRunner

PROSE = "The quick brown fox jumps over the lazy dog.\n" * 20


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with texts at several depths, hidden ones, and two that are no text."""
    texts = {
        "b.txt": PROSE,
        "a.md": "Grüße, 你好 <think>",
        "empty": "",
        "sub/c.py": "x = 1\r\n",
        "sub/deeper/d": "d",
        ".hidden": "no",
        ".git/config": "no",
        "sub/.cache/x.txt": "no",
    }
    for name, text in texts.items():
        path = tmp_path / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    (tmp_path / "work" / "sub" / "picture.png").write_bytes(b"\x89PNG\r\n\x00\x01")
    (tmp_path / "work" / "latin.txt").write_bytes("Grüße".encode("latin-1"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def run(*arguments: str, stdin: bytes | None = None, code: int = 0) -> Any:
    result = CliRunner().invoke(app, ["count", *arguments], input=stdin)
    assert result.exit_code == code, result.output
    return result


def as_json(*arguments: str, **options: Any) -> dict[str, Any]:
    result = run("--json", *arguments, **options)
    assert result.stderr == ""
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def test_files(folder: Path) -> None:
    prose, other = count_text(PROSE), count_text("Grüße, 你好 <think>")
    result = run("b.txt", "a.md", "empty")
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        f"{prose:>6}  {prose / WINDOW:>8.2%}  b.txt",
        f"{other:>6}  {other / WINDOW:>8.2%}  a.md",
        "     0     0.00%  empty",
        f"{prose + other:>6}  {(prose + other) / WINDOW:>8.2%}  total, of a window of 1,048,576",
    ]


def test_json(folder: Path) -> None:
    prose, other = count_text(PROSE), count_text("x = 1\r\n")
    assert as_json("b.txt", "sub/c.py", "latin.txt", code=1) == {
        "files": [{"path": "b.txt", "tokens": prose}, {"path": os.path.join("sub", "c.py"), "tokens": other}],  # noqa: PTH118
        "total": prose + other,
        "window": 1_048_576,
        "skipped": [{"path": "latin.txt", "reason": "no UTF-8 text: byte 2 does not belong there"}],
    }


def test_a_folder(folder: Path) -> None:
    found = as_json("sub", code=1)
    assert [Path(file["path"]).as_posix() for file in found["files"]] == ["sub/c.py", "sub/deeper/d"]
    assert [Path(file["path"]).as_posix() for file in found["skipped"]] == ["sub/picture.png"]
    every = as_json(".", code=1)
    names = [Path(file["path"]).as_posix() for file in every["files"]]
    assert names == ["a.md", "b.txt", "empty", "sub/c.py", "sub/deeper/d"]


def test_what_is_hidden_is_counted_when_it_is_named(folder: Path) -> None:
    assert as_json(".hidden")["total"] == 1
    assert [file["path"] for file in as_json(".git")["files"]] == [str(Path(".git/config"))]


def test_links_to_folders_are_not_followed(folder: Path) -> None:
    (folder / "sub" / "loop").symlink_to(folder)
    (folder / "sub" / "link.txt").symlink_to(folder / "b.txt")
    (folder / "sub" / "broken").symlink_to(folder / "nothing")
    found = as_json("sub", code=1)
    assert [Path(file["path"]).name for file in found["files"]] == ["c.py", "link.txt", "d"]
    assert [Path(file["path"]).name for file in found["skipped"]] == ["broken", "picture.png"]


def test_stdin() -> None:
    assert as_json("-", stdin=PROSE.encode())["files"] == [{"path": "-", "tokens": count_text(PROSE)}]
    assert as_json("-", stdin=b"\xff", code=1)["skipped"][0]["path"] == "-"


def test_what_is_skipped_is_named(folder: Path) -> None:
    result = run("b.txt", "none.txt", "sub/picture.png", code=1)
    assert result.stderr.splitlines() == [
        "deepseek-v4: none.txt is skipped: cannot be read: No such file or directory",
        f"deepseek-v4: {Path('sub/picture.png')} is skipped: binary: it holds a zero byte",
    ]
    assert result.stdout.splitlines()[-1].endswith("total, of a window of 1,048,576")


def test_a_folder_that_cannot_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def walk(top: str, onerror: Any) -> Any:
        onerror(PermissionError(13, "Permission denied", top))
        return iter(())

    monkeypatch.setattr(command.os, "walk", walk)
    found = as_json("sub", code=1)
    assert found["skipped"] == [{"path": "sub", "reason": "cannot be read: Permission denied"}]


def test_a_name_that_is_no_text(folder: Path) -> None:
    try:
        Path(os.fsdecode(b"bad\xff.txt")).write_text("text", encoding="utf-8")
    except OSError:
        pytest.skip("this file system has names in UTF-8 alone")
    names = [file["path"] for file in as_json(".", code=1)["files"]]
    assert "bad\ufffd.txt" in names


def test_nothing_given() -> None:
    assert "missing argument 'files'" in run(code=2).stderr


def test_without_the_vocabulary(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary._load.cache_clear()
    monkeypatch.setattr(vocabulary, "find_spec", lambda _: None)
    (line,) = run("b.txt", code=2).stderr.splitlines()
    assert line.startswith("deepseek-v4: Counting tokens needs the vocabulary")


class Screen(io.StringIO):
    """What a terminal, or a file in its place, is written."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(("terminal", "patience", "shown"), [(True, -1, True), (True, 3600, False), (False, -1, False)])
def test_progress(folder: Path, terminal: bool, patience: float, shown: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", patience)
    monkeypatch.setattr(progress, "_PAUSE", -1)
    screen = Screen(terminal=terminal)
    count_files(["a.md", "b.txt"], io.BytesIO(), screen)
    told = screen.getvalue()
    assert ("2 of 2 files, 0 s left" in told) is shown
    assert told.endswith("\r") is shown  # the line is wiped


def test_in_a_pipe(folder: Path) -> None:
    program = [sys.executable, "-c", "from deepseek_v4_sdk.cli import main; main()", "count", "-", "b.txt", "latin.txt"]
    environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(program, input=b"Hello there", capture_output=True, timeout=60, check=False, env=environment)
    assert done.returncode == 1
    assert done.stdout.decode().split()[::3][:1] == ["2"]
    assert b"\x1b" not in done.stdout + done.stderr
    assert [line.split()[-1] for line in done.stdout.decode().splitlines()] == ["-", "b.txt", "1,048,576"]
    assert done.stderr.decode().startswith("deepseek-v4: latin.txt is skipped: no UTF-8 text")
