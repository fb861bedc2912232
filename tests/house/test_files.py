"""Files that the package writes: whole, only for their owner, through no link, and all in one place."""

from __future__ import annotations

import ast
import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk.providers.learned_limits import ServerLimits
from deepseek_v4_sdk.providers.learned_limits_file import LimitsFile
from deepseek_v4_sdk.support.files import open_to_append, write_private
from tests.support.tree import PACKAGE

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files have no such modes there")


@pytest.fixture
def wide_open() -> object:
    """A mask that would let everybody read and write."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


@pytest.mark.usefixtures("wide_open")
def test_only_the_owner_reads_a_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_private(file, b"one")
    assert mode(file) == 0o600
    file.chmod(0o666)
    write_private(file, b"two")
    assert (mode(file), file.read_bytes()) == (0o600, b"two")
    with open_to_append(tmp_path / "lines") as opened:
        opened.write(b"line")
    assert mode(tmp_path / "lines") == 0o600
    LimitsFile(tmp_path / "limits").write("http://localhost", None, ServerLimits(1000, None))
    assert mode(tmp_path / "limits") == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "limits", "lines"]


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"mine")
    for name, target in (("link", other), ("dangling", tmp_path / "made")):
        link = tmp_path / name
        link.symlink_to(target)
        with pytest.raises(FileExistsError):
            write_private(link, b"new", replace=False)
        assert link.is_symlink()
        write_private(link, b"new")
        assert not link.is_symlink()
    assert other.read_bytes() == b"mine"
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("links", [True, False])
def test_what_is_there_stays_when_it_is_not_to_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    """Also on a file system that has no hard links."""

    def no_links(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", no_links)
    file = tmp_path / "file"
    write_private(file, b"one", replace=False)
    with pytest.raises(FileExistsError):
        write_private(file, b"two", replace=False)
    assert (file.read_bytes(), mode(file)) == (b"one", 0o600)
    assert list(tmp_path.iterdir()) == [file]


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_private(file, b"two")
    assert file.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [file]


_WRITERS = {
    "write_text",
    "write_bytes",
    "mkstemp",
    "NamedTemporaryFile",
    "symlink_to",
    "hardlink_to",
    "touch",
}


def test_all_files_are_written_in_one_place() -> None:
    """Whoever writes a file elsewhere has to look at modes and links again."""
    found: set[str] = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            if isinstance(called, ast.Attribute) and ast.unparse(called.value) in {"super()", "self"}:
                continue  # a method of that class, such as aiohttp's write_bytes, and none of a path
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            modes = [each.value for each in (*node.args, *(word.value for word in node.keywords)) if _is_text(each)]
            writes = name in {"open", "fdopen", "FileIO"} and any(
                set(each) & set("wax+") for each in modes if len(each) < 4
            )
            if name in _WRITERS or writes:
                found.add(file.relative_to(PACKAGE).as_posix())
    assert found == {"support/files.py"}


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
