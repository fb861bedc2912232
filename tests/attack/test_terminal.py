"""Answers that would command a terminal: the bytes that a real one gets of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.attack.harness import HostileServer, answered, stream_answer

if TYPE_CHECKING:
    from pathlib import Path

pty = pytest.importorskip("pty")

CLIPBOARD = "\x1b]52;c;ZXZpbA==\x1b\\"
LINK = "\x1b]8;;http://elsewhere.example\x07bank\x1b]8;;\x07"
HOSTILE = f"hi {CLIPBOARD} {LINK} \x1b[2J \x9b2J \x9d0;owned\x9c \x1b]0;owned\x07"
# What the command itself sends: colours, the cursor hidden, shown and moved, lines erased.
OWN = re.compile(r"\x1b\[(?:\?25[lh]|2K|\d*A|[\d;]*m)|[\r\n]")


def shown(url: str, home: Path, *options: str) -> str:
    """What `deepseek-v4 chat` writes to a terminal."""
    ours, theirs = pty.openpty()
    program = [sys.executable, "-c", "from deepseek_v4_sdk.cli import main; main()", "chat", "hi"]
    environment = {**os.environ, "TERM": "xterm-256color", "HOME": str(home), "LC_ALL": "C.UTF-8"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    arguments = [*program, "--provider", "vllm", "--base-url", url, "-m", "m", *options]
    with subprocess.Popen(arguments, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=home):
        os.close(theirs)
        written = b""
        try:
            while block := os.read(ours, 65_536):
                written += block
        except OSError:  # how Linux says that the other end is closed
            pass
        os.close(ours)
    return written.decode()


@pytest.mark.parametrize(
    "answer",
    [stream_answer(HOSTILE), b"HTTP/1.1 400 No\r\ncontent-length: %d\r\n\r\n%s"],
    ids=["an answer", "a refusal"],
)
def test_a_terminal_obeys_nothing_of_an_answer(answer: bytes, tmp_path: Path) -> None:
    if b"%d" in answer:
        said = json.dumps({"error": {"message": HOSTILE}}).encode()
        answer %= (len(said), said)
    with HostileServer(answered(answer)) as server:
        written = shown(server.url, tmp_path)
    left = OWN.sub("", written)
    assert "hi" in left
    assert re.search("[\x00-\x1f\x7f-\x9f]", left) is None, ascii(left)


def test_raw_is_the_bytes(tmp_path: Path) -> None:
    with HostileServer(answered(stream_answer(HOSTILE))) as server:
        assert HOSTILE in shown(server.url, tmp_path, "--raw")
