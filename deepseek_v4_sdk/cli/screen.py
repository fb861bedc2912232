"""The display of a turn while it streams: on a terminal, in a pipe, or as lines of JSON."""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from rich.markdown import Markdown
from rich.text import Text

from deepseek_v4_sdk import (
    ChatEvent,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallReady,
    ToolCallStarted,
    ToolResult,
)
from deepseek_v4_sdk.cli.blocks import blocks
from deepseek_v4_sdk.cli.output import in_one_line, say, say_json, visible
from deepseek_v4_sdk.cli.painter import Painter

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from rich.console import Console, RenderableType

__all__ = ["JsonScreen", "LiveScreen", "PlainScreen", "Reasoning", "Screen", "as_markdown", "shortened"]

Reasoning: TypeAlias = Literal["folded", "live", "hidden"]
"""The display of reasoning: its length, its text as it arrives, or nothing."""

_PAUSE = 0.1  # seconds between two pictures
_LONG = 4_000  # characters of one block above which only its end is shown, without Markdown, while it grows


class Screen(Protocol):
    """The display of a turn."""

    def begin(self) -> None:
        """Note that a question is sent."""
        ...

    def show(self, event: ChatEvent) -> None:
        """Show an event of the answer."""
        ...

    def result(self, result: ToolResult) -> None:
        """Show the result of a tool."""
        ...

    def paused(self) -> AbstractContextManager[None]:
        """Leave the terminal to a question to the user, meanwhile."""
        ...

    def end(self, facts: str = "") -> None:
        """Note that nothing more arrives, and show the facts of the answer."""
        ...


class PlainScreen:
    """The text on stdout, as plain text while it arrives. Everything else goes to stderr.

    Args:
        reasoning: "live" for the reasoning too.
    """

    def __init__(self, reasoning: Reasoning) -> None:
        self._live = reasoning == "live"
        self._open = {"stdout": False, "stderr": False}  # whether a line has begun

    def begin(self) -> None:
        """Show nothing before something arrives."""

    def show(self, event: ChatEvent) -> None:
        """Write the pieces."""
        match event:
            case TextDelta(text):
                self._close("stderr")
                self._write("stdout", text)
            case ReasoningDelta(text) if self._live:
                self._write("stderr", text)
            case ToolCallReady(call):
                self._close("stdout")
                self._close("stderr")
                say(f"-> {_call(call)}", err=True)
            case _:
                pass

    def result(self, result: ToolResult) -> None:
        """Show the result of a call."""
        say(f"<- {shortened(result.content)}", err=True)

    @contextmanager
    def paused(self) -> Generator[None]:
        """End the last line, and write nothing meanwhile."""
        self.end()
        yield

    def end(self, facts: str = "") -> None:
        """End the last line."""
        self._close("stdout")
        self._close("stderr")

    def _write(self, stream: str, text: str) -> None:
        say(text, end="", err=stream == "stderr")
        self._open[stream] = not text.endswith("\n")

    def _close(self, stream: str) -> None:
        if self._open[stream]:
            self._write(stream, "\n")


class JsonScreen:
    """Every event on stdout, as one line of JSON."""

    def begin(self) -> None:
        """Print nothing before something arrives."""

    def show(self, event: ChatEvent) -> None:
        """Print an event."""
        say_json(event.to_dict(), indent=None)

    def result(self, result: ToolResult) -> None:
        """Print the result of a call."""
        content = {"call": result.call.to_dict(), "content": result.content, "error": result.error}
        say_json({"type": "tool_result", **content}, indent=None)

    def paused(self) -> AbstractContextManager[None]:
        """Change nothing."""
        return nullcontext()

    def end(self, facts: str = "") -> None:
        """Print nothing: the last event has the reply."""


class LiveScreen:
    """Markdown on a terminal. Finished blocks are printed permanently; the growing one is painted again as it grows.

    Args:
        console: The terminal.
        reasoning: The display of reasoning.
    """

    def __init__(self, console: Console, reasoning: Reasoning) -> None:
        self._console = console
        self._reasoning = reasoning
        self._painter = Painter(console)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._fresh()

    def _fresh(self) -> None:
        self._state = "waiting"
        self._since = time.monotonic()
        self._text = ""
        self._reasoning_text = ""
        self._reasoning_words = 0
        self._blocks = 0

    def begin(self) -> None:
        """Show that an answer is awaited."""
        self._fresh()
        self._over.clear()
        self._thread = threading.Thread(target=self._repaint, daemon=True, name="deepseek-v4-screen")
        self._console.show_cursor(show=False)
        self._thread.start()

    def show(self, event: ChatEvent) -> None:
        """Take an event; it is painted with the next picture."""
        with self._lock:
            match event:
                case ReasoningDelta(text):
                    self._enter("thinking")
                    self._reasoning_text += visible(text)
                    self._reasoning_words += text.count(" ")
                case TextDelta(text):
                    self._enter("answering")
                    self._text += visible(text)
                case ToolCallStarted(_, _, name):
                    self._enter(f"calling {in_one_line(name)}")
                case ToolCallReady(call):
                    self._enter("calling")
                    self._settle()
                    self._painter.print(Text(f"-> {_call(call)}", style="cyan"))
                case _:
                    pass

    def result(self, result: ToolResult) -> None:
        """Show the result of a call."""
        with self._lock:
            style = "red" if result.error is not None else "dim"
            self._painter.print(Text(f"<- {shortened(result.content)}", style=style))
            self._enter("waiting")

    @contextmanager
    def paused(self) -> Generator[None]:
        """Print the current content permanently, and paint nothing meanwhile."""
        with self._lock:
            self._settle()
            self._painter.erase()
            self._console.show_cursor()
            try:
                yield
            finally:
                self._console.show_cursor(show=False)
                self._since = time.monotonic()

    def end(self, facts: str = "") -> None:
        """Print the rest permanently, and the facts."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        with self._lock:
            self._settle()
            self._painter.erase()
            self._console.show_cursor()
            if facts:
                self._painter.print(Text(facts, style="dim"), apart=True)

    def _enter(self, state: str) -> None:
        """End the current state, and begin another."""
        if state == self._state:
            return
        if self._state == "thinking" or self._state == "answering":
            self._settle()
        self._state, self._since, self._blocks = state, time.monotonic(), 0

    def _settle(self) -> None:
        """Print the current content permanently."""
        if self._state == "thinking" and self._reasoning == "folded" and self._reasoning_text:
            seconds = time.monotonic() - self._since
            words = self._reasoning_words + 1
            self._painter.print(Text(f"reasoning: {seconds:.0f} s, {words:,} words", style="dim italic"))
        elif self._reasoning_text and self._reasoning == "live":
            self._painter.print(_thinking(self._reasoning_text.rstrip("\n")))
        self._print(blocks(self._text))
        self._text = self._reasoning_text = ""
        self._reasoning_words = 0

    def _repaint(self) -> None:
        while not self._over.wait(_PAUSE):
            with self._lock:
                if not self._over.is_set():
                    self._picture()

    def _picture(self) -> None:
        if self._reasoning == "live" and (cut := self._reasoning_text.rfind("\n") + 1):
            self._painter.print(_thinking(self._reasoning_text[: cut - 1]))
            self._reasoning_text = self._reasoning_text[cut:]
        *done, self._text = blocks(self._text)
        self._print(done)
        self._painter.paint(self._growing())

    def _print(self, finished: Sequence[str]) -> None:
        for text in finished:
            if text.strip():
                self._painter.print(as_markdown(text), apart=self._blocks > 0)
                self._blocks += 1

    def _growing(self) -> RenderableType:
        if self._text.strip():
            return as_markdown(self._text) if len(self._text) < _LONG else Text(self._text[-_LONG:])
        if self._reasoning_text and self._reasoning == "live":
            return _thinking(self._reasoning_text[-_LONG:])
        state = f"{self._state} {time.monotonic() - self._since:.0f} s"
        if self._state == "thinking" and self._reasoning == "folded":
            state += f", {self._reasoning_words + 1:,} words"
        return Text(state, style="dim italic")


def as_markdown(text: str) -> RenderableType:
    """A text of the model as Markdown."""
    return Markdown(text, code_theme="ansi_dark", hyperlinks=False)  # a link shows where it leads


def _thinking(text: str) -> RenderableType:
    return Text(text, style="dim italic")


def _call(call: ToolCall) -> str:
    origin = " (read from the text)" if call.recovered else ""
    return f"{in_one_line(call.name)} {shortened(call.arguments)}{origin}"


def shortened(text: str) -> str:
    """The beginning of a text, in one line."""
    line = " ".join(text.split())
    return in_one_line(line if len(line) <= 200 else f"{line[:197]}...")
