"""The commands that a user may type in a conversation: `/help`, `/edit`, `/save` and others."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import typer

from deepseek_v4_sdk import ConfigurationError, Conversation, SystemMessage, Thinking
from deepseek_v4_sdk.cli import conversations
from deepseek_v4_sdk.cli import inputs as given
from deepseek_v4_sdk.cli.chat_session import ChatSession
from deepseek_v4_sdk.cli.outcome import complain
from deepseek_v4_sdk.cli.output import say, say_paragraph
from deepseek_v4_sdk.support.files import write_private

if TYPE_CHECKING:
    from deepseek_v4_sdk.cli.chat_turn import ChatTurn

__all__ = ["FENCE", "LEAVE", "answer", "run_command"]

LEAVE = {"/quit", "/exit", "quit", "exit"}
FENCE = '"""'


def answer(session: ChatSession, text: str) -> None:
    """Ask a question, with the files that go before it, and show its answer."""
    question = given.with_files(text, session.files, typer.get_binary_stream("stdin"))
    question = f"{session.lead}\n\n{question}" if session.lead else question
    session.files, session.lead = [], ""
    _complain_of(session.ask(question))


def _complain_of(turn: ChatTurn) -> None:
    if turn.remark:
        complain(turn.remark)


def run_command(session: ChatSession, line: str) -> None:
    """Run a command.

    Raises:
        DeepSeekV4Error: There is no such command, or it cannot be done.
    """
    name, _, argument = line.partition(" ")
    command = _COMMANDS.get(name)
    if command is None:
        raise ConfigurationError(f"there is no {name}: /help shows what there is")
    if message := command.run(session, argument.strip()):
        say(message) if "\n" in message else say_paragraph(message)


def _help(session: ChatSession, argument: str) -> str:
    rows = [(f"{name} {command.takes}".strip(), command.about) for name, command in _COMMANDS.items()]
    rows += [("/quit", "end; so does Ctrl-D"), ("Ctrl-C", "stop an answer, and keep its arrived part")]
    rows += [("\\", "at the end of a line: go on in the next one"), (FENCE, "around a text of several lines")]
    width = shutil.get_terminal_size().columns - 1
    if width < 60:
        return "\n".join(textwrap.fill(f"{what}: {about}", width, subsequent_indent="  ") for what, about in rows)
    return "\n".join(textwrap.fill(f"  {what:<16}  {about}", width, subsequent_indent=" " * 20) for what, about in rows)


def _new(session: ChatSession, argument: str) -> str:
    session.messages = _instructions(session.messages)
    session.name = session.before = None
    return "a new conversation"


def _save(session: ChatSession, argument: str) -> str:
    if not argument and session.name is None:
        raise ConfigurationError("/save needs a name")
    if argument:
        if conversations.is_saved(argument) and argument != session.name:
            raise ConfigurationError(f"there is a conversation {argument!r} already: give another name")
        session.name = argument
    session.save()
    return f"saved as {session.name}, from now on after each answer"


def _file(session: ChatSession, argument: str) -> str:
    if argument in {"", "-"}:  # the questions come from stdin
        raise ConfigurationError("/file takes the path of a text file")
    given.with_files("", [argument], typer.get_binary_stream("stdin"))  # raised now when it cannot be read
    session.files.append(argument)
    return f"{argument} goes before the next question"


def _thinking(session: ChatSession, argument: str) -> str:
    levels = get_args(Thinking)
    if argument not in levels:
        raise ConfigurationError(f"/thinking takes {', '.join(levels)}")
    session.options["thinking"] = cast("Thinking", argument)
    return f"thinking is {argument}"


def _model(session: ChatSession, argument: str) -> str:
    if not argument:
        raise ConfigurationError("/model takes the name of a model")
    session.options["model"] = argument
    return f"the model is {argument}"


def _system(session: ChatSession, argument: str) -> str:
    rest = session.messages[len(_instructions(session.messages)) :]
    session.messages = Conversation([*([SystemMessage(argument)] if argument else []), *rest])
    return "the instructions are set" if argument else "there are no instructions now"


def _retry(session: ChatSession, argument: str) -> str:
    if session.before is None:
        raise ConfigurationError("/retry repeats a question, and there is none")
    before, question = session.before
    session.messages = Conversation([*_instructions(session.messages), *before[len(_instructions(before)) :]])
    _complain_of(session.ask(question))
    return ""


def _instructions(messages: Conversation) -> Conversation:
    """The system message that a conversation begins with, if any."""
    return messages[:1] if messages and isinstance(messages[0], SystemMessage) else Conversation()


def _edit(session: ChatSession, argument: str) -> str:
    text = _edited(argument or (session.before[1] if session.before is not None else "")).strip()
    if not text:
        raise ConfigurationError("the file is empty: no question was sent")
    say("\n".join(f"> {row}" for row in text.splitlines()))
    answer(session, text)
    return ""


def _edited(text: str) -> str:
    """A text after the user has changed it in an editor, in a file that only the user can read."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise ConfigurationError("/edit needs an editor: set EDITOR, such as EDITOR=nano")
    with tempfile.TemporaryDirectory(prefix="deepseek-v4-") as folder:
        file = Path(folder) / "question.md"
        write_private(file, text.encode())
        try:
            done = subprocess.run([*shlex.split(editor), str(file)], check=False)  # noqa: S603  # the user's own editor
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"EDITOR is {editor!r}, which does not run: {error}") from None
        if done.returncode:
            raise ConfigurationError(f"the editor ended with {done.returncode}: no question was sent")
        return given.read_text(file, "the edited file")


def _tokens(session: ChatSession, argument: str) -> str:
    counted = session.client.count_tokens(session.messages, cast("list[Any]", session.tools))
    return f"{counted.total:,} tokens" + ("" if counted.exact else ", an estimate")


@dataclass(frozen=True, slots=True)
class _Command:
    takes: str
    about: str
    run: Callable[[ChatSession, str], str]


_COMMANDS: Mapping[str, _Command] = {
    "/help": _Command("", "this", _help),
    "/file": _Command("PATH", "put a text file before the next question", _file),
    "/thinking": _Command("LEVEL", "off, low, high or max, from the next question on", _thinking),
    "/model": _Command("NAME", "another model of the server, from the next question on", _model),
    "/system": _Command("TEXT", "other instructions; without a text, none", _system),
    "/retry": _Command("", "ask the last question again", _retry),
    "/edit": _Command("TEXT", "write a question in $EDITOR; without a text, change the last one", _edit),
    "/tokens": _Command("", "count the conversation", _tokens),
    "/save": _Command("NAME", "keep the conversation", _save),
    "/new": _Command("", "begin a new conversation; instructions stay", _new),
}
