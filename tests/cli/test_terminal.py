"""`deepseek-v4 chat` in a real terminal: what a person sees, Ctrl-C, a window that changes its size, no colour."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.testing.server import MockServer

if TYPE_CHECKING:
    from collections.abc import Iterator

pexpect = pytest.importorskip("pexpect")
pyte = pytest.importorskip("pyte")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals there")

MARKDOWN = """# Heading

Some **bold** text and a list:

- one
- two

```python
def f():
    return 1
```

Here is a longer paragraph, so that it is broken at the edge of a terminal that is eighty columns wide, twice or so.
"""


def slowly(step: script.Step, seconds: float = 0.02) -> script.Step:
    """The same step, with a pause behind every event."""
    for number in range(80):
        step = step | faults.stall(after=2 * number + 2, seconds=seconds)
    return step


ANSWER = slowly(script.think("I think about it.") + script.text(MARKDOWN))
ENDLESS = script.text("Some words, and then nothing.") | faults.stall(after=5, seconds=600)


def _listen_to_interrupts() -> None:
    """A shell's background jobs begin without it, and so would what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """The command in a terminal of 80 columns; the screen is what a terminal makes of what it writes."""

    def __init__(self, *arguments: str, **variables: str) -> None:
        environment = {
            **os.environ,
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        environment.pop("NO_COLOR", None)
        program = ["-c", "from deepseek_v4_sdk.cli import main; main()", *arguments]
        self.process = pexpect.spawn(
            sys.executable,
            program,
            env={**environment, **variables},
            dimensions=(30, 80),
            encoding="utf-8",
            timeout=60,
            preexec_fn=_listen_to_interrupts,
        )
        self.process.delaybeforesend = 0
        self.written = ""
        self._screen = pyte.HistoryScreen(80, 30, history=1000)
        self._stream = pyte.Stream(self._screen)

    def until(self, text: str) -> None:
        """Read until something is written."""
        self.process.expect(text)
        self._take()

    def interrupt(self, told: str | type[pexpect.EOF]) -> None:
        """Press Ctrl-C until something is written: one just before Python waits is seen when it wakes."""
        for _ in range(6):
            self.process.sendintr()
            if self.process.expect([told, pexpect.TIMEOUT], timeout=10) == 0:
                return self._take()
        raise AssertionError(f"Ctrl-C is not heard: {self.written!r}")

    def end(self) -> int | None:
        """Read to the end; gives the exit code."""
        self.process.expect(pexpect.EOF)
        self._take()
        self.process.close()
        code: int | None = self.process.exitstatus
        return code

    def resize(self, columns: int) -> None:
        """Make the window wider or narrower."""
        self.process.setwinsize(30, columns)
        self._screen.resize(30, columns)

    def _take(self) -> None:
        found = self.process.before + (self.process.after if isinstance(self.process.after, str) else "")
        self.written += found
        self._stream.feed(found)

    @property
    def lines(self) -> list[str]:
        """What the person sees, and what has scrolled away above it."""
        above = ["".join(line[column].data for column in sorted(line)) for line in self._screen.history.top]
        return [line.rstrip() for line in (*above, *self._screen.display) if line.strip()]


@contextmanager
def terminal(*arguments: str, answer: script.Step = ANSWER, **variables: str) -> Iterator[Terminal]:
    with MockServer(MockProvider(default=answer)) as server:
        shown = Terminal("chat", "--provider", "vllm", "--base-url", server.url, *arguments, **variables)
        try:
            yield shown
        finally:
            shown.process.close(force=True)


SHOWN = [
    "                                    Heading",
    "Some bold text and a list:",
    " • one",
    " • two",
    " def f():",
    "     return 1",
    "Here is a longer paragraph, so that it is broken at the edge of a terminal that",
    "is eighty columns wide, twice or so.",
]


def _pastes() -> bool:
    readline = pytest.importorskip("readline")
    return getattr(readline, "_READLINE_VERSION", 0) >= 0x801  # from then on a paste is told from keys


def test_a_paste_of_several_lines_is_one_question() -> None:
    if not _pastes():
        pytest.skip("this readline takes a paste for keys")
    mock = MockProvider(default=script.text("Both."))
    with MockServer(mock) as server:
        shown = Terminal("chat", "--provider", "vllm", "--base-url", server.url)
        shown.until(re.escape("\x1b[?2004h"))  # from now on the terminal marks a paste
        shown.until("> ")
        shown.process.send("\x1b[200~one\rtwo\x1b[201~\r")  # as a terminal sends it
        shown.until("Both")
        shown.until("2004h> ")
        shown.process.sendeof()
        shown.end()
    assert [each.messages[-1]["content"] for each in mock.requests] == ["one\ntwo"]


def test_an_answer_streams_as_markdown() -> None:
    with terminal("What is it?") as shown:
        assert shown.end() == 0
    assert re.fullmatch(r"reasoning: \d s, 4 words", shown.lines[0])
    assert shown.lines[1:-1] == SHOWN
    assert re.match(
        r"stop, \d+ tokens in, \d+ out \(\d+ reasoning\), first after \d\.\d\d s, \d+ tokens/s", shown.lines[-1]
    )
    assert "\x1b[1m" in shown.written  # bold
    assert shown.written.count("\x1b[?25l") == shown.written.count("\x1b[?25h") == 1  # the cursor is back


def test_it_is_painted_while_it_comes() -> None:
    with terminal(
        "What is it?", answer=script.text("First words") + script.text(" and more") | faults.stall(after=3, seconds=600)
    ) as shown:
        shown.until("First")
        assert "and more" not in shown.written


def test_reasoning_as_it_comes_and_not_at_all() -> None:
    with terminal("Hi", "--reasoning", "live") as shown:
        assert shown.end() == 0
    assert shown.lines[:2] == ["I think about it.", SHOWN[0]]
    with terminal("Hi", "--reasoning", "hidden") as shown:
        assert shown.end() == 0
    assert shown.lines[:-1] == SHOWN


def test_the_window_gets_wider() -> None:
    """Nothing is lost or shown twice, in whatever width each block was printed."""
    with terminal("What is it?") as shown:
        shown.until("bold")
        shown.resize(120)
        assert shown.end() == 0
    assert " ".join(shown.lines).split()[5:-14] == " ".join(SHOWN).split()


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux breaks lines anew when its window gets narrower")
def test_the_window_gets_narrower(tmp_path: Path) -> None:
    """As above, on a terminal that breaks the lines on it anew, which most do."""
    program = [sys.executable, "-c", "from deepseek_v4_sdk.cli import main; main()", "chat", "--provider", "vllm"]

    def tmux(*arguments: str) -> str:
        command = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null", *arguments]
        # The variables are named: what readline sets beside Python would hold the width fast.
        variables = dict(os.environ)
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30, env=variables)
        return done.stdout

    def until(text: str) -> str:
        for _ in range(300):
            if text in (shown := tmux("capture-pane", "-p", "-J", "-S", "-")):
                return shown
            time.sleep(0.05)
        raise AssertionError(shown)

    # A pause in the last paragraph to change the size in: tmux tells of it a quarter of a second late, and what is
    # painted in that time, with the width of before, cannot be taken away.
    answer = script.text(MARKDOWN) | faults.stall(after=40, seconds=4)
    with MockServer(MockProvider(default=answer)) as server:
        command = shlex.join([*program, "--base-url", server.url, "What is it?"])
        paths = os.pathsep.join(sys.path)
        tmux("new-session", "-d", "-x", "80", "-y", "30", "-e", f"PYTHONPATH={paths}", f"{command}; sleep 60")
        try:
            until("longer paragraph, so that it is broken")
            time.sleep(1)
            tmux("resize-window", "-x", "50", "-y", "30")
            shown = until("first after")
        finally:
            tmux("kill-server")
    words = " ".join(shown.split("stop, ")[0].split())
    assert words == " ".join(" ".join(SHOWN).split())


def test_without_colour() -> None:
    with terminal("What is it?", NO_COLOR="1") as shown:
        assert shown.end() == 0
    assert not re.search(r"\x1b\[[0-9;]*(?:3[0-7]|9[0-7]|38)m", shown.written)
    assert shown.lines[1:-1] == SHOWN


def test_a_dumb_terminal_gets_plain_text() -> None:
    with terminal("What is it?", TERM="dumb") as shown:
        assert shown.end() == 0
    assert "\x1b" not in shown.written
    assert shown.written.replace("\r", "") == MARKDOWN


def test_ctrl_c_stops_an_answer_and_keeps_what_had_come(tmp_path: Path) -> None:
    kept = tmp_path / "talk.json"
    with terminal("What is it?", "--save", str(kept), answer=ENDLESS) as shown:
        shown.until("words")
        shown.interrupt(pexpect.EOF)
        assert shown.end() == 130
    assert shown.lines[-1] == "deepseek-v4: stopped; the arrived part of the answer is kept"
    assert "Traceback" not in shown.written
    question, answer = json.loads(kept.read_text("utf-8"))
    assert question["content"] == "What is it?"
    assert "Some words, and then nothing.".startswith(answer["content"])


def test_a_conversation(tmp_path: Path) -> None:
    """Questions, Ctrl-C in an answer and at the prompt, commands, and going on another day."""
    kept = tmp_path / "talk.json"
    note = tmp_path / "note.txt"
    note.write_text("a note", "utf-8")
    with terminal("--save", str(kept), answer=ENDLESS) as shown:
        shown.until("> ")
        shown.process.sendline("First?")
        shown.until("words")
        shown.interrupt(r"is kept\r\n\S*> ")
        shown.process.send("half a questi")
        shown.until("half a questi")  # keys that nobody has read yet are thrown away with a Ctrl-C
        shown.interrupt("> ")
        for line, told in {
            "/help": "/thinking LEVEL",
            "/thinking loud": "deepseek-v4: /thinking takes off, low, high, max",
            "/thinking off": "thinking is off",
            "/nothing": "deepseek-v4: there is no /nothing: /help shows what there is",
            f"/file {tmp_path}/none": "cannot be read: No such file or directory",
            f"/file {note}": "goes before the next question",
        }.items():
            shown.process.sendline(line)
            shown.until(re.escape(told).replace("\\ ", r"\s+"))  # it is broken at the edge
            shown.until("> ")
        shown.process.sendline("Second\\")
        shown.until(re.escape("... "))
        shown.process.sendline("part?")
        shown.until("words")
        shown.interrupt(r"is kept\r\n\S*> ")
        shown.process.sendeof()
        assert shown.end() == 0
    assert f"togoon:deepseek-v4chat--resume{kept}" in "".join("".join(shown.lines).split())  # wherever lines end
    messages = json.loads(kept.read_text("utf-8"))
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2
    assert messages[2]["content"] == f"File {note}:\n```\na note\n```\n\nSecond\npart?"
    with terminal("--resume", str(kept), answer=script.text("Third.")) as shown:
        shown.until("> ")
        shown.process.sendline("Third?")
        shown.until("Third")
        shown.until("> ")
        shown.process.sendline("/quit")
        assert shown.end() == 0
    assert len(json.loads(kept.read_text("utf-8"))) == 6


def test_a_question_before_anything_came_is_taken_back(tmp_path: Path) -> None:
    with terminal("What is it?", answer=faults.slow_prefill(600)) as shown:
        shown.until("waiting")
        time.sleep(0.2)
        shown.interrupt(pexpect.EOF)
        assert shown.end() == 130
    assert shown.lines[-1].endswith("nothing had arrived: the question is taken back")
