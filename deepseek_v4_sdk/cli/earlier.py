"""Messages of a conversation that was begun earlier: shown when it is continued, and by `deepseek-v4 logs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from deepseek_v4_sdk import AssistantMessage
from deepseek_v4_sdk.chat.openai_form import is_mapping
from deepseek_v4_sdk.cli.blocks import blocks
from deepseek_v4_sdk.cli.output import in_one_line, say, visible
from deepseek_v4_sdk.cli.painter import Painter
from deepseek_v4_sdk.cli.screen import as_markdown, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from deepseek_v4_sdk import Conversation, Message

__all__ = ["show_end", "show_messages", "text_of"]

_TURNS = 2  # questions that are shown again, with their answers
_LINES = 12  # of each message of them


def text_of(message: Message) -> str:
    """The text of a message; parts that are not text are named in brackets."""
    content = message.to_dict().get("content")
    parts = content if isinstance(content, list) else [content]
    return "".join(_part(part) for part in parts)


def show_end(messages: Conversation, console: Console | None) -> None:
    """Show the last turns of a conversation that is continued.

    Args:
        messages: The conversation.
        console: The terminal; None for plain text.
    """
    questions = [place for place, message in enumerate(messages) if message.role == "user"]
    if not questions:
        return
    start = questions[-_TURNS] if len(questions) >= _TURNS else 0
    if start:
        say(f"({start} earlier messages)", dim=True)
    show_messages(messages[start:], console, lines=_LINES)


def show_messages(messages: Iterable[Message], console: Console | None, *, lines: int | None = None) -> None:
    """Show messages: questions as they were typed, answers as they were shown.

    Args:
        messages: The messages.
        console: The terminal; None for plain text.
        lines: The most lines of each; None for all.
    """
    painter = Painter(console) if console is not None else None
    for place, message in enumerate(messages):
        text = text_of(message).strip("\n")
        rows = text.splitlines()
        if lines is not None and len(rows) > lines:
            text = "\n".join([*rows[:lines], f"... ({len(rows) - lines} more lines)"])
        if message.role == "user":
            if place:
                say()
            _show("\n".join(f"> {row}" for row in text.splitlines()), painter, "bold")
        elif isinstance(message, AssistantMessage):
            if painter is not None and text:
                for number, block in enumerate(filter(str.strip, blocks(visible(text)))):
                    painter.print(as_markdown(block), apart=number > 0)
            elif text:
                say(text)
            for call in message.tool_calls:
                _show(f"-> {shortened(f'{call.name} {call.arguments}')}", painter, "cyan")
        elif message.role == "tool":
            _show(f"<- {shortened(text)}", painter, "dim")
        else:
            _show(f"[{in_one_line(message.role)}] {text}", painter, "dim")


def _show(text: str, painter: Painter | None, style: str) -> None:
    if painter is None:
        say(text)
    else:
        painter.print(Text(text, style=style))


def _part(part: object) -> str:
    if part is None:
        return ""
    if is_mapping(part):
        return str(part["text"]) if "text" in part else f"[{part.get('type', 'part')}]"
    return str(part)
