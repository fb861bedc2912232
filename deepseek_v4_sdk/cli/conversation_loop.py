"""A conversation in a terminal: what the user types, line by line, and its answers."""

from __future__ import annotations

import contextlib
import importlib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepseek_v4_sdk import DeepSeekV4Error
from deepseek_v4_sdk.cli.chat_commands import FENCE, LEAVE, answer, run_command
from deepseek_v4_sdk.cli.earlier import show_end
from deepseek_v4_sdk.cli.outcome import complain
from deepseek_v4_sdk.cli.output import live_console, say, say_paragraph

if TYPE_CHECKING:
    from deepseek_v4_sdk.cli.chat_session import ChatSession

__all__ = ["converse"]


def converse(session: ChatSession) -> None:
    """Answer question after question, until the user ends it."""
    for line in [*session.banner(), "/help shows the commands, Ctrl-D ends."]:
        say_paragraph(line, dim=True)
    if session.messages:
        show_end(session.messages, live_console())
    for typed in _typed():
        try:
            if typed.text in LEAVE and not typed.is_text:
                break
            if typed.text.startswith("/") and not typed.is_text:
                run_command(session, typed.text)
            elif typed.text:
                answer(session, typed.text)
        except DeepSeekV4Error as error:
            complain(error)
    if session.name is not None and session.messages:
        say_paragraph(f"to go on: deepseek-v4 chat --resume {shlex.quote(session.name)}")


@dataclass(frozen=True, slots=True)
class _Typed:
    text: str
    is_text: bool = False  # never a command


def _typed() -> Iterator[_Typed]:
    """Yield what the user types: a line, a paste of several lines, or a block between triple quotes.

    A line that ends with a backslash continues on the next one; Ctrl-C drops it, Ctrl-D ends.
    """
    with contextlib.suppress(ImportError):  # it adds editing and history to input()
        # Python turns this off. With it a terminal marks a paste, which is then one input, whatever its line ends.
        importlib.import_module("readline").parse_and_bind("set enable-bracketed-paste on")
    pending: list[str] = []
    fenced = False
    while True:
        try:
            line = input("... " if pending else "> ")
        except KeyboardInterrupt:
            pending, fenced = [], False
            say()
            continue
        except EOFError:
            say()
            return
        except UnicodeDecodeError:
            complain("that line is not UTF-8 text and does not count")
            continue
        if not fenced and line.lstrip().startswith(FENCE):
            fenced, line = True, line.lstrip().removeprefix(FENCE)
        if fenced:
            fenced = not line.rstrip().endswith(FENCE)
            pending.append(line if fenced else line.rstrip().removesuffix(FENCE))
            if not fenced:
                yield _Typed("\n".join(pending).strip(), is_text=True)
                pending = []
            continue
        if line.endswith("\\"):
            pending.append(line[:-1])
            continue
        yield _Typed("\n".join([*pending, line]).strip())
        pending = []
