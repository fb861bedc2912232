"""A conversation on the command line: its turns, and the user's commands."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast, get_args

import typer

from deepseek_v4_sdk import ConfigurationError, Conversation, DeepSeekV4, DeepSeekV4Error, SystemMessage, Thinking
from deepseek_v4_sdk.cli import conversations
from deepseek_v4_sdk.cli import inputs as given
from deepseek_v4_sdk.cli.chat_turn import ChatTurn, take
from deepseek_v4_sdk.cli.outcome import complain
from deepseek_v4_sdk.cli.output import say

if TYPE_CHECKING:
    from deepseek_v4_sdk import ChatOptions
    from deepseek_v4_sdk.cli.screen import Screen

__all__ = ["ChatSession", "converse"]

_LEAVE = {"/quit", "/exit", "quit", "exit"}
_FENCE = '"""'


@dataclass(slots=True)
class ChatSession:
    """A conversation that is going on.

    Attributes:
        client: The client.
        messages: The messages so far.
        tools: Functions that the model may call.
        options: The options of each question.
        screen: The screen for answers.
        name: The name under which it is kept, or None.
        files: Files that go before the next question.
        before: The conversation before the last question, and that question.
    """

    client: DeepSeekV4
    messages: Conversation
    tools: list[object]
    options: ChatOptions
    screen: Screen
    name: str | None = None
    files: list[str] = field(default_factory=list[str])
    before: tuple[Conversation, str] | None = None

    def ask(self, question: str) -> ChatTurn:
        """Take a turn, and keep the conversation."""
        self.before = self.messages.copy(), question
        turn = take(self.client, self.messages.copy().user(question), self.tools, self.screen, self.options)
        self.messages = turn.messages
        self.keep()
        return turn

    def keep(self) -> None:
        """Keep the conversation, where it has a name."""
        if self.name is not None and self.messages:
            conversations.save(self.name, self.messages)


def converse(talk: ChatSession) -> None:
    """Answer question after question, until the user ends it."""
    say(f"{talk.client.provider} at {talk.client.base_url}. /help shows what else there is, Ctrl-D ends.")
    for typed in _typed():
        try:
            if typed.text in _LEAVE:
                break
            if typed.text.startswith("/") and not typed.is_text:
                _obey(talk, typed.text)
            elif typed.text:
                question = given.with_files(typed.text, talk.files, typer.get_binary_stream("stdin"))
                talk.files = []
                _answer(talk, question)
        except DeepSeekV4Error as error:
            complain(error)
    if talk.name is not None and talk.messages:
        say(f"to go on: deepseek-v4 chat --resume {talk.name}")


def _answer(talk: ChatSession, question: str) -> None:
    if remark := talk.ask(question).remark:
        complain(remark)


@dataclass(frozen=True, slots=True)
class _Typed:
    text: str
    is_text: bool = False  # never a command


def _typed() -> Iterator[_Typed]:
    """Yield what the user types: a line, a paste of several lines, or a block between triple quotes.

    A line that ends with a backslash continues on the next one; Ctrl-C drops it, Ctrl-D ends.
    """
    with contextlib.suppress(ImportError):
        importlib.import_module("readline")  # adds editing and history to input(), and makes a paste one line
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
        if not fenced and line.lstrip().startswith(_FENCE):
            fenced, line = True, line.lstrip().removeprefix(_FENCE)
        if fenced:
            fenced = not line.rstrip().endswith(_FENCE)
            pending.append(line if fenced else line.rstrip().removesuffix(_FENCE))
            if not fenced:
                yield _Typed("\n".join(pending).strip(), is_text=True)
                pending = []
            continue
        if line.endswith("\\"):
            pending.append(line[:-1])
            continue
        yield _Typed("\n".join([*pending, line]).strip())
        pending = []


def _obey(talk: ChatSession, line: str) -> None:
    name, _, argument = line.partition(" ")
    command = _COMMANDS.get(name)
    if command is None:
        raise ConfigurationError(f"there is no {name}: /help shows what there is")
    if told := command.run(talk, argument.strip()):
        say(told)


def _help(talk: ChatSession, argument: str) -> str:
    rows = [(f"{name} {command.takes}".strip(), command.about) for name, command in _COMMANDS.items()]
    rows += [("/quit", "end; so does Ctrl-D"), ("Ctrl-C", "stop an answer, and keep its arrived part")]
    rows += [("\\", "at the end of a line: go on in the next one"), (_FENCE, "around a text of several lines")]
    return "\n".join(f"  {what:<16}  {about}" for what, about in rows)


def _new(talk: ChatSession, argument: str) -> str:
    talk.messages = Conversation([message for message in talk.messages[:1] if isinstance(message, SystemMessage)])
    talk.name = None
    return "a new conversation"


def _save(talk: ChatSession, argument: str) -> str:
    if not argument and talk.name is None:
        raise ConfigurationError("/save needs a name")
    if argument:
        if conversations.is_kept(argument) and argument != talk.name:
            raise ConfigurationError(f"there is a conversation {argument!r} already: give another name")
        talk.name = argument
    talk.keep()
    return f"kept as {talk.name}, from now on after each answer"


def _file(talk: ChatSession, argument: str) -> str:
    if argument in {"", "-"}:  # the questions come from stdin
        raise ConfigurationError("/file takes the path of a text file")
    given.with_files("", [argument], typer.get_binary_stream("stdin"))  # raised now when it cannot be read
    talk.files.append(argument)
    return f"{argument} goes before the next question"


def _thinking(talk: ChatSession, argument: str) -> str:
    levels = get_args(Thinking)
    if argument not in levels:
        raise ConfigurationError(f"/thinking takes {', '.join(levels)}")
    talk.options["thinking"] = cast("Thinking", argument)
    return f"thinking is {argument}"


def _model(talk: ChatSession, argument: str) -> str:
    if not argument:
        raise ConfigurationError("/model takes the name of a model")
    talk.options["model"] = argument
    return f"the model is {argument}"


def _system(talk: ChatSession, argument: str) -> str:
    rest = talk.messages[1:] if talk.messages and isinstance(talk.messages[0], SystemMessage) else talk.messages
    talk.messages = Conversation([*([SystemMessage(argument)] if argument else []), *rest])
    return "the instructions are set" if argument else "there are no instructions now"


def _retry(talk: ChatSession, argument: str) -> str:
    if talk.before is None:
        raise ConfigurationError("/retry repeats a question, and there is none")
    talk.messages, question = talk.before
    _answer(talk, question)
    return ""


def _tokens(talk: ChatSession, argument: str) -> str:
    counted = talk.client.count_tokens(talk.messages, cast("list[Any]", talk.tools))
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
    "/tokens": _Command("", "count the conversation", _tokens),
    "/save": _Command("NAME", "keep the conversation", _save),
    "/new": _Command("", "begin a new conversation; instructions stay", _new),
}
