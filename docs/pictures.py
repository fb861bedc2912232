"""Draws the pictures of the documentation from real sessions of the command: `python -m docs.pictures`."""

from __future__ import annotations

import os
import re
import shlex
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pexpect
import pyte

from deepseek_v4_sdk.testing import MockProvider, ServerAnswer, Wait, faults, script
from deepseek_v4_sdk.testing.flavors import Flavor
from deepseek_v4_sdk.testing.server import MockServer
from docs.film import FilmScreen, Frame, frame, svg

IMAGES = Path(__file__).resolve().parent / "images"
ROOT = IMAGES.parents[1]
COLUMNS, LINES = 78, 26
MAIN = "from deepseek_v4_sdk.cli import main; main()"
KEY = 0.03  # seconds between two keys
PIECE = 0.05  # seconds between two events of the mock
SHORTEST, LONGEST = 0.06, 0.7  # seconds that a frame of the picture stays

CALL = script.think("Oslo, tomorrow: the tool knows the weather.") + script.tool_call("get_weather", city="Oslo")
ADVICE = script.think("Rain from noon on. The question is about an umbrella, so say when it is needed.") + script.text(
    """**Yes, from noon on.** The morning stays dry.

| time  | weather     | umbrella |
|-------|-------------|----------|
| 8-12  | cloudy      | no       |
| 12-18 | steady rain | yes      |
"""
)
TOOL = '''
def get_weather(city: str) -> str:
    """The weather in a city, hour by hour."""
    return "8-12 cloudy, 12-18 steady rain"
'''


class Paced(faults.Fault):
    """A server that takes its time for each event."""

    __slots__ = ()

    def on_answer(self, answer: ServerAnswer, flavor: Flavor) -> ServerAnswer:
        """The same events, with a pause before each."""
        del flavor
        return replace(answer, parts=tuple(each for part in answer.parts for each in (Wait(PIECE), part)))


class Terminal:
    """A terminal in which a person works, and that keeps what it shows."""

    def __init__(self, folder: Path, columns: int = COLUMNS, lines: int = LINES) -> None:
        self._screen = FilmScreen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS", "LINES"}}
        paths = os.pathsep.join([str(ROOT), str(folder)])
        home = {"HOME": str(folder / "home"), "PYTHONPATH": paths, "TERM": "xterm-256color", "HISTFILE": ""}
        self._shell = pexpect.spawn(
            "bash",
            ["--norc", "--noprofile"],
            cwd=folder,
            env={**kept, **home, "PS1": "$ "},
            dimensions=(lines, columns),
        )
        self.frames: list[Frame] = []
        self._began = time.monotonic()
        command = f"{shlex.quote(sys.executable)} -c {shlex.quote(MAIN)}"
        self._shell.sendline(f'bind "set enable-bracketed-paste off"; deepseek-v4() {{ {command} "$@"; }}; clear')
        self.until(r"^\$$")
        self.frames.clear()
        self._began = time.monotonic()

    def type(self, line: str, until: str) -> None:
        """Type a line key by key, and wait until the last line with a text is like a pattern."""
        for key in line:
            self._shell.send(key)
            self._read(KEY)
        self._read(0.5)
        self._shell.send("\r")
        self._read(0.3)
        self.until(until)

    def until(self, pattern: str) -> None:
        """Wait for a pattern in the last line with a text."""
        deadline = time.monotonic() + 60
        while not re.search(pattern, self.shown()):
            if time.monotonic() > deadline:
                raise TimeoutError("\n".join(self._screen.display))
            self._read(0.1)
        self._read(0.4)

    def _read(self, seconds: float) -> None:
        """Take what the shell writes within a time, and keep each state of the screen."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                self._stream.feed(self._shell.read_nonblocking(65_536, timeout=left))
            except pexpect.TIMEOUT:
                break
            shown = frame(self._screen, time.monotonic() - self._began)
            if not self.frames or self.frames[-1].lines != shown.lines:
                self.frames.append(shown)

    def shown(self) -> str:
        """The last line with a text."""
        return next((each.rstrip() for each in reversed(self._screen.display) if each.strip()), "")

    def close(self) -> None:
        """Close it."""
        self._shell.close(force=True)


def edited(frames: list[Frame]) -> list[Frame]:
    """The frames as a viewer wants them: none too short to be seen, no wait too long, and the first at once."""
    kept: list[Frame] = []
    at = 0.0
    for each, after in zip(frames, [*frames[1:], None], strict=True):
        stays = LONGEST if after is None else after.at - each.at
        if after is not None and stays < SHORTEST and kept:
            at += stays
            continue
        kept.append(Frame(at, each.lines))
        at += min(stays, LONGEST)
    return kept


def chat(folder: Path) -> None:
    """A conversation with a tool."""
    with MockServer(MockProvider(CALL | Paced(), ADVICE | Paced(), flavor="vllm"), port=8000):
        (folder / "deepseek_v4.toml").write_text(
            '[profiles.gpu]\nprovider = "vllm"\nbase_url = "http://localhost:8000"\n', encoding="utf-8"
        )
        terminal = Terminal(folder)
        try:
            terminal.type("deepseek-v4 chat -p gpu --tool weather:get_weather", r"^>$")
            terminal.type("Do I need an umbrella in Oslo tomorrow?", r"^>$|lways:$")
            if terminal.shown().endswith("lways:"):
                terminal.type("y", r"^>$")
        finally:
            terminal.close()
    draw("chat.svg", "deepseek-v4 chat", edited(terminal.frames))


def context(folder: Path) -> None:
    """A picture of where the tokens of this repository go."""
    terminal = Terminal(folder, 92, 34)
    try:
        terminal.type(f"cd {shlex.quote(str(ROOT))}; clear", r"^\$$")
        terminal.type("deepseek-v4 context deepseek_v4_sdk docs examples", r"^\$$")
    finally:
        terminal.close()
    draw("context.svg", "deepseek-v4 context", terminal.frames[-1:])


def draw(name: str, title: str, frames: list[Frame]) -> None:
    """Write a picture."""
    (IMAGES / name).write_text(svg(frames, title), encoding="utf-8")


def main() -> None:
    """Draw all of them."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "weather.py").write_text(TOOL, encoding="utf-8")
        chat(folder)
        (folder / "deepseek_v4.toml").unlink()
        context(folder)


if __name__ == "__main__":
    main()
