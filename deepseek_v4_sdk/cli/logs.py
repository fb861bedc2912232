"""`deepseek-v4 logs`: lists, shows, searches and deletes the conversations that `chat` has saved."""

from __future__ import annotations

import shutil
import sys
from typing import Annotated

import typer

from deepseek_v4_sdk import ConfigurationError
from deepseek_v4_sdk.cli import conversations
from deepseek_v4_sdk.cli.connection import AsJson
from deepseek_v4_sdk.cli.output import Raw, in_one_line, live_console, say, say_json

__all__ = ["logs"]


def logs(
    name: Annotated[str | None, typer.Argument(help="The conversation to show.", show_default=False)] = None,
    search: Annotated[
        str | None, typer.Option("--search", "-q", help="Only messages with this text, in any case.")
    ] = None,
    number: Annotated[int, typer.Option("--number", "-n", help="The most lines of a list.", min=1)] = 20,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the conversation.")] = False,
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """List the saved conversations, the last one first; show one; or search in them.

    `chat --save NAME` saves a conversation, and `chat --resume NAME` continues it.
    """
    if delete:
        if name is None:
            raise ConfigurationError("--delete needs the name of a conversation")
        conversations.delete(name)
        say_json({"deleted": name}, indent=None) if as_json else say(f"{in_one_line(name)} is deleted")
    elif search is not None:
        _search(search, name, number, as_json=as_json)
    elif name is not None:
        _show(name, as_json=as_json)
    else:
        _list(number, as_json=as_json)


def _list(number: int, *, as_json: bool) -> None:
    saved = conversations.saved()[:number]
    if as_json:
        rows = [{"name": each.name, "updated": each.updated, "messages": each.messages} for each in saved]
        say_json({"conversations": rows})
        return
    if not saved:
        say("no conversation is saved: deepseek-v4 chat --save NAME saves one", err=True)
        return
    from deepseek_v4_sdk.cli.earlier import text_of

    for each in saved:
        questions = (text_of(message) for message in conversations.load(each.name) if message.role == "user")
        _row(f"{each.updated:%Y-%m-%d %H:%M}  {each.name}, {each.messages} messages", next(questions, ""))


def _show(name: str, *, as_json: bool) -> None:
    messages = conversations.load(name)
    if as_json:
        say_json({"name": name, "messages": [message.to_dict() for message in messages]})
        return
    from deepseek_v4_sdk.cli.earlier import show_messages

    show_messages(messages, live_console())


def _search(text: str, name: str | None, number: int, *, as_json: bool) -> None:
    from deepseek_v4_sdk.cli.earlier import text_of

    found: list[dict[str, object]] = []
    for each in [name] if name is not None else [saved.name for saved in conversations.saved()]:
        for place, message in enumerate(conversations.load(each)):
            content = " ".join(text_of(message).split())
            if (start := content.casefold().find(text.casefold())) >= 0:
                around = content[max(0, start - 30) : start + len(text) + 60]
                found.append({"name": each, "message": place, "role": message.role, "text": around})
    if as_json:
        say_json({"found": found[:number]})
        return
    for row in found[:number]:
        _row(f"{row['name']}, message {row['message']}, {row['role']}", str(row["text"]))
    if len(found) > number:
        say(f"and {len(found) - number:,} more: -n shows them", err=True)


def _row(heading: str, text: str) -> None:
    """A row of a list: on a terminal it ends at the edge, and on a narrow one the text is below its heading."""
    heading, text = in_one_line(heading), in_one_line(" ".join(text.split()))
    width = shutil.get_terminal_size().columns - 1 if sys.stdout.isatty() else None
    if width is None or len(heading) + 24 < width:
        say(f"{heading}: {text}"[:width])
    else:
        say(heading)
        say(f"    {text}"[:width])
