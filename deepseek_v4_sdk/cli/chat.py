"""`deepseek-v4 chat`: one question, or a conversation."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from deepseek_v4_sdk import ConfigurationError, Conversation
from deepseek_v4_sdk.cli.connection import NamedServer, names_server
from deepseek_v4_sdk.cli.outcome import ExitCode, code_of, complain
from deepseek_v4_sdk.cli.output import Raw, live_console, say_json

if TYPE_CHECKING:
    from deepseek_v4_sdk.cli.chat_session import ChatSession
    from deepseek_v4_sdk.cli.chat_turn import ChatTurn
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


_TALK = "The conversation"
_ASK = "The question"
_ANSWER = "The answer"


@names_server()
def chat(
    question: Annotated[
        list[str] | None, typer.Argument(help="The question; without it, a conversation, or stdin.", show_default=False)
    ] = None,
    *,
    server: NamedServer,
    file: Annotated[
        list[str] | None,
        typer.Option(
            "--file", "-f", help="A text file that goes before the question; - is stdin.", rich_help_panel=_ASK
        ),
    ] = None,
    system: Annotated[str | None, typer.Option(help="Instructions for the model.", rich_help_panel=_ASK)] = None,
    template: Annotated[
        str | None,
        typer.Option("--template", "-t", help="A template of yours: instructions, a question.", rich_help_panel=_ASK),
    ] = None,
    tool: Annotated[
        list[str] | None,
        typer.Option(help="A function that the model may call, as module:function.", rich_help_panel=_ASK),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Run calls of tools without asking you.", rich_help_panel=_ASK)
    ] = False,
    thinking: Annotated[Level | None, typer.Option(help="The thinking level.", rich_help_panel=_ANSWER)] = None,
    reasoning: Annotated[
        Shown, typer.Option(help="How the model's reasoning is shown.", rich_help_panel=_ANSWER)
    ] = Shown.FOLDED,
    schema: Annotated[
        str | None,
        typer.Option(help="Answer in JSON of this schema: a file, or module:Type.", rich_help_panel=_ANSWER),
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="The most tokens of an answer.", min=1, rich_help_panel=_ANSWER)
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", help="Any option of a chat, such as temperature=0.5.", rich_help_panel=_ANSWER),
    ] = None,
    save: Annotated[
        str | None, typer.Option(help="Save the conversation under this name, or in this file.", rich_help_panel=_TALK)
    ] = None,
    resume: Annotated[
        str | None, typer.Option(help="Continue a saved conversation, and save it.", rich_help_panel=_TALK)
    ] = None,
    last: Annotated[
        bool, typer.Option("--continue", "-c", help="Continue the one saved last.", rich_help_panel=_TALK)
    ] = False,
    raw: Raw = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print each event as a line of JSON.")] = False,
) -> None:
    """Send a question, or hold a conversation.

    Ctrl-C stops an answer and keeps the part that had arrived. In a pipe only the answer goes to stdout, as plain text.
    """
    from deepseek_v4_sdk.cli import conversations
    from deepseek_v4_sdk.cli import inputs as given
    from deepseek_v4_sdk.cli.approval import Approval
    from deepseek_v4_sdk.cli.chat_session import ChatSession
    from deepseek_v4_sdk.cli.conversation_loop import converse
    from deepseek_v4_sdk.cli.templates import Template

    chosen = Template.read(template) if template is not None else Template()
    asks = sys.stdin.isatty() and sys.stdout.isatty() and not as_json
    asked = _asked(" ".join(question or ()).strip(), file or [], chosen.prompt, asks=asks)
    if schema is not None and (tool or asked is None):
        raise ConfigurationError(f"--schema needs {'a question' if asked is None else 'a chat without --tool'}")
    tools = given.functions(tool or [])
    if tools and not yes and not asks:
        raise ConfigurationError("--tool asks you before each call, and there is no terminal to ask on: give --yes")
    if last:
        if resume is not None:
            raise ConfigurationError("--continue and --resume were both given: give one of them")
        resume = conversations.last()
    if save is not None and resume is None and conversations.is_saved(save):
        raise ConfigurationError(f"there is a conversation {save!r} already: --resume {save} continues it")
    options = given.checked_names(chosen.options, f"template {template}")
    options.update(given.options(option or []))
    if server.model is not None:
        options.pop("model", None)
    if thinking is not None:
        options["thinking"] = thinking.value
    if max_tokens is not None:
        options["max_tokens"] = max_tokens
    screen = _screen(reasoning.value, as_json=as_json)
    session = ChatSession(
        client=server.connect(),
        messages=conversations.load(resume) if resume is not None else Conversation(),
        tools=tools,
        options=options,
        screen=screen,
        name=save or resume,
        lead=chosen.prompt,
        approve=None if yes else Approval(screen),
    )
    if (instructions := system if system is not None else chosen.system) is not None:
        if not session.messages:
            session.messages.system(instructions)
        elif system is not None:
            raise ConfigurationError("--system begins a conversation, and this one has begun: leave it out")
    with session.client:
        if asked is None:
            converse(session)
        elif schema is not None:
            _parse(session, asked, given.schema(schema), as_json=as_json)
        else:
            _answer(session, asked, as_json=as_json)


def _asked(text: str, files: list[str], prompt: str, *, asks: bool) -> str | None:
    """The question with its files and a template's prompt; None for a conversation."""
    from deepseek_v4_sdk.cli import inputs as given

    stdin, piped = typer.get_binary_stream("stdin"), not sys.stdin.isatty()
    if not text and not files and asks:
        return None
    if not text and not files and not prompt:
        if not piped:
            raise ConfigurationError("there is no question: give one, or pipe it in")
        if not (text := given.read_stdin(stdin).strip()):
            raise ConfigurationError("there is no question: stdin is empty")
        return text
    if piped and (text or prompt) and "-" not in files:
        files = [*files, "-"]  # `git diff | deepseek-v4 chat "Review"`
    return given.with_files("\n\n".join(part for part in (prompt, text) if part), files, stdin)


def _parse(session: ChatSession, question: str, schema: object, *, as_json: bool) -> None:
    """Answer one question in JSON of a schema, and end."""
    from pydantic_core import to_jsonable_python

    from deepseek_v4_sdk.cli.facts import facts_of

    session.screen.begin()
    try:
        parsed = session.client.parse(session.messages.user(question), schema, **session.options)
    finally:
        session.screen.end()
    value = to_jsonable_python(parsed.value)
    if as_json:
        say_json({"type": "finished", "value": value, "reply": parsed.reply.to_dict()}, indent=None)
    else:
        say_json(value)
    session.screen.end(facts_of(parsed.reply))
    session.messages.add(parsed.reply)
    session.save()


def _answer(session: ChatSession, question: str, *, as_json: bool) -> None:
    """Answer one question, and end."""
    turn = session.ask(question)
    if as_json and turn.reply is None:
        say_json(_failure(turn), indent=None)
    if line := turn.remark:
        complain(line)
    if turn.error is not None:
        raise typer.Exit(code_of(turn.error))
    if turn.stopped:
        raise typer.Exit(ExitCode.STOPPED)


def _failure(turn: ChatTurn) -> dict[str, object]:
    """The last line of JSON for an answer that is not whole: the error, and the part that had arrived."""
    if turn.error is None:
        return {"type": "error", "error": "stopped", "partial": None}
    partial = turn.error.partial.to_dict() if turn.error.partial is not None else None
    return {"type": "error", "error": type(turn.error).__name__, "message": str(turn.error), "partial": partial}


def _screen(reasoning: Reasoning, *, as_json: bool) -> Screen:
    """The screen for this output."""
    from deepseek_v4_sdk.cli.screen import JsonScreen, LiveScreen, PlainScreen

    if as_json:
        return JsonScreen()
    console = live_console()
    return LiveScreen(console, reasoning) if console is not None else PlainScreen(reasoning)
