"""Draws the pictures of the documentation from the real output of the commands, in tmux: `python docs/pictures.py`."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.server import MockServer

IMAGES = Path(__file__).resolve().parent / "images"
COLUMNS, LINES = 92, 34
MAIN = "from deepseek_v4_sdk.cli import main; main()"

CALL = script.think("Oslo, tomorrow: the tool knows the weather.") + script.tool_call("get_weather", city="Oslo")
ADVICE = script.think("Rain from noon on. The question is about an umbrella, so say when it is needed.") + script.text(
    """**Yes, from noon on.** The morning stays dry.

| time  | weather    | umbrella |
|-------|------------|----------|
| 8-12  | cloudy     | no       |
| 12-18 | steady rain | yes     |

If you want to know in time, ask each morning:

```python
if "rain" in get_weather("Oslo"):
    print("Take the umbrella.")
```
"""
)
TOOL = '''
def get_weather(city: str) -> str:
    """The weather in a city, hour by hour."""
    return "8-12 cloudy, 12-18 steady rain"
'''


class Terminal:
    """A terminal in which a person works."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "socket")
        paths = os.pathsep.join([str(IMAGES.parents[1]), str(folder)])
        self._tmux("new-session", "-d", "-x", str(COLUMNS), "-y", str(LINES), "-c", str(folder),
                   "-e", f"PYTHONPATH={paths}", "bash --norc --noprofile")  # fmt: skip
        command = f"{shlex.quote(sys.executable)} -c {shlex.quote(MAIN)}"
        self.type(f'PS1="$ "; deepseek-v4() {{ {command} "$@"; }}; clear', "$ ")

    def type(self, line: str, until: str) -> None:
        """Type a line, and wait for something to be shown."""
        self._tmux("send-keys", "-l", line)
        self._tmux("send-keys", "Enter")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            time.sleep(0.3)
            if self._tmux("capture-pane", "-p").rstrip("\n").endswith(until.rstrip()):
                return
        raise TimeoutError(self._tmux("capture-pane", "-p"))

    def draw(self, name: str, title: str) -> None:
        """Draw what is shown."""
        shown = self._tmux("capture-pane", "-p", "-e").rstrip("\n")
        console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
        console.print(Text.from_ansi(shown), soft_wrap=True)
        console.save_svg(str(IMAGES / name), title=title, theme=DIMMED_MONOKAI, unique_id=name.partition(".")[0])

    def close(self) -> None:
        """Close it."""
        self._tmux("kill-server")

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", self._socket, "-f", "/dev/null", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # as written here


def chat(terminal: Terminal) -> None:
    """A conversation with a tool."""
    with MockServer(MockProvider(CALL, ADVICE, flavor="vllm")) as server:
        terminal.type(f"export VLLM={server.url}; clear", "$ ")
        terminal.type("deepseek-v4 chat --provider vllm --base-url $VLLM --tool weather:get_weather", "> ")
        terminal.type("Do I need an umbrella in Oslo tomorrow?", "> ")
        terminal.draw("chat.svg", "deepseek-v4 chat")
        terminal.type("/quit", "$ ")


def context(terminal: Terminal) -> None:
    """A picture of where the tokens of this repository go."""
    terminal.type(f"cd {shlex.quote(str(IMAGES.parents[1]))}; clear", "$ ")
    terminal.type("deepseek-v4 context deepseek_v4_sdk docs examples", "$ ")
    terminal.draw("context.svg", "deepseek-v4 context")


def main() -> None:
    """Draw all of them."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "weather.py").write_text(TOOL, encoding="utf-8")
        terminal = Terminal(Path(folder))
        try:
            chat(terminal)
            context(terminal)
        finally:
            terminal.close()


if __name__ == "__main__":
    main()
