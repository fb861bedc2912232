"""`deepseek-v4 chat`: one question, or a conversation."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from deepseek_v4_sdk import ConfigurationError, Conversation
from deepseek_v4_sdk.cli.connection import AsJson, NamedServer, names_server
from deepseek_v4_sdk.cli.outcome import ExitCode, code_of, complain
from deepseek_v4_sdk.cli.output import Raw, colors, in_one_line, is_raw, say, say_json

if TYPE_CHECKING:
    from deepseek_v4_sdk.cli.chat_turn import ChatTurn
    from deepseek_v4_sdk.cli.conversation_loop import ChatSession
    from deepseek_v4_sdk.cli.screen import Reasoning, Screen

__all__ = ["chat"]


class Level(StrEnum):
    """A thinking level."""

    OFF = "off"
    LOW = "low"
    HIGH = "high"
    MAX = "max"


class Shown(StrEnum):
    """The ways of showing reasoning."""

    FOLDED = "folded"
    LIVE = "live"
    HIDDEN = "hidden"


@names_server()
def chat(
    question: Annotated[
        list[str] | None, typer.Argument(help="The question; without it, a conversation, or stdin.", show_default=False)
    ] = None,
    *,
    server: NamedServer,
    thinking: Annotated[Level | None, typer.Option(help="The thinking level.")] = None,
    reasoning: Annotated[Shown, typer.Option(help="How the model's thinking is shown.")] = Shown.FOLDED,
    system: Annotated[str | None, typer.Option(help="Instructions for the model.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="The most tokens of an answer.", min=1)] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", help="Any option of a chat as name=value, such as temperature=0.5."),
    ] = None,
    file: Annotated[
        list[str] | None, typer.Option("--file", "-f", help="A text file that goes before the question; - is stdin.")
    ] = None,
    tool: Annotated[
        list[str] | None, typer.Option("--tool", help="A function that the model may call, as module:function.")
    ] = None,
    save: Annotated[str | None, typer.Option(help="Keep the conversation under this name, or in this file.")] = None,
    resume: Annotated[str | None, typer.Option(help="Go on with a kept conversation, and keep it.")] = None,
    kept: Annotated[bool, typer.Option("--list", help="List the kept conversations.")] = False,
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """Send a question, or hold a conversation.

    Ctrl-C stops an answer and keeps the part that had arrived. In a pipe only the answer goes to stdout, as plain text.
    """
    from deepseek_v4_sdk.cli import conversations
    from deepseek_v4_sdk.cli import inputs as given
    from deepseek_v4_sdk.cli.conversation_loop import ChatSession, converse

    if kept:
        _list(as_json=as_json)
        return
    stdin = typer.get_binary_stream("stdin")
    text = " ".join(question or ()).strip()
    files = file or []
    talks = not text and not files and sys.stdin.isatty() and sys.stdout.isatty() and not as_json
    if not text and not files and not talks:
        if sys.stdin.isatty():
            raise ConfigurationError("there is no question: give one, or pipe it in")
        text = given.read_stdin(stdin).strip()
        if not text:
            raise ConfigurationError("there is no question: stdin is empty")
    elif text and "-" not in files and not sys.stdin.isatty():
        files = [*files, "-"]  # `git diff | deepseek-v4 chat "Review"`
    asked = given.with_files(text, files, stdin)
    if save is not None and resume is None and conversations.is_kept(save):
        raise ConfigurationError(f"there is a conversation {save!r} already: --resume {save} goes on with it")
    options = given.options(option or [])
    if thinking is not None:
        options["thinking"] = thinking.value
    if max_tokens is not None:
        options["max_tokens"] = max_tokens
    talk = ChatSession(
        client=server.connect(),
        messages=conversations.load(resume) if resume is not None else Conversation(),
        tools=given.functions(tool or []),
        options=options,
        screen=_screen(reasoning.value, as_json=as_json),
        name=save or resume,
    )
    if system is not None:
        if talk.messages:
            raise ConfigurationError("--system begins a conversation, and this one has begun: leave it out")
        talk.messages.system(system)
    with talk.client:
        if talks:
            converse(talk)
        else:
            _answer(talk, asked, as_json=as_json)


def _answer(talk: ChatSession, question: str, *, as_json: bool) -> None:
    """Answer one question, and end."""
    turn = talk.ask(question)
    if as_json and turn.reply is None:
        say_json(_broken(turn), indent=None)
    if line := turn.remark:
        complain(line)
    if turn.error is not None:
        raise typer.Exit(code_of(turn.error))
    if turn.stopped:
        raise typer.Exit(ExitCode.STOPPED)


def _broken(turn: ChatTurn) -> dict[str, object]:
    """The last line of JSON for an answer that is not whole: the error, and the part that had arrived."""
    partial = turn.error.partial if turn.error is not None else None
    told = {"error": type(turn.error).__name__, "message": str(turn.error)} if turn.error else {"error": "stopped"}
    return {"type": "error", **told, "partial": partial.to_dict() if partial is not None else None}


def _screen(reasoning: Reasoning, *, as_json: bool) -> Screen:
    """The screen for this output."""
    from rich.console import Console

    from deepseek_v4_sdk.cli.screen import JsonScreen, LiveScreen, PlainScreen

    if as_json:
        return JsonScreen()
    console = Console(highlight=False, color_system=colors())
    live = console.is_terminal and not console.is_dumb_terminal and not console.legacy_windows
    return LiveScreen(console, reasoning) if live and not is_raw() else PlainScreen(reasoning)


def _list(*, as_json: bool) -> None:
    from deepseek_v4_sdk.cli import conversations

    names = conversations.kept()
    if as_json:
        say_json({"kept": names}, indent=None)
    else:
        for name in names:
            say(in_one_line(name))
