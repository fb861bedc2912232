"""What a person types into a conversation, besides what takes a terminal: commands, lines that go on, and mistakes."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk import AssistantMessage, Conversation, DeepSeekV4
from deepseek_v4_sdk.cli import conversations
from deepseek_v4_sdk.cli.chat_session import ChatSession
from deepseek_v4_sdk.cli.conversation_loop import converse
from deepseek_v4_sdk.cli.screen import PlainScreen
from deepseek_v4_sdk.testing import MockProvider, script

if TYPE_CHECKING:
    from collections.abc import Callable

    Type = Callable[..., tuple[str, str]]

    from deepseek_v4_sdk.testing.script import Step

HELLO = script.text("Hello.")


@pytest.fixture
def mock() -> MockProvider:
    return MockProvider(default=HELLO)


@pytest.fixture
def session(mock: MockProvider) -> ChatSession:
    return ChatSession(
        client=DeepSeekV4(mock, max_retries=0),
        messages=Conversation().system("Be brief."),
        tools=[],
        options={},
        screen=PlainScreen("hidden"),
    )


@pytest.fixture
def says(session: ChatSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Type:
    """Type lines, then Ctrl-D; gives what was shown on stdout, without the banner, and on stderr."""

    def type_in(*typed: str | BaseException) -> tuple[str, str]:
        left = [*typed, EOFError()]

        def read(_: str) -> str:
            item = left.pop(0)
            if isinstance(item, str):
                return item
            raise item

        monkeypatch.setattr("builtins.input", read)
        converse(session)
        shown = capsys.readouterr()
        return shown.out.partition("Ctrl-D ends.\n")[2], shown.err

    return type_in


def contents(mock: MockProvider) -> list[object]:
    """The contents of the messages of the last request."""
    messages = mock.requests[-1].messages
    return [message["content"] for message in messages]


def test_save_keeps_it_from_now_on(says: Type) -> None:
    told, wrong = says("One?", "/save talk", "Two?")
    assert told == (
        "Hello.\nsaved as talk, from now on after each answer\nHello.\n\nto go on: deepseek-v4 chat --resume talk\n"
    )
    assert wrong == ""
    assert [message.role for message in conversations.load("talk")] == ["system", *["user", "assistant"] * 2]


def test_a_block_of_lines_is_one_question(says: Type, mock: MockProvider) -> None:
    says('"""Review:', "/file none", "  x = 1", "", 'Thanks."""')
    assert contents(mock)[-1] == "Review:\n/file none\n  x = 1\n\nThanks."
    says('"""', "/new", '"""')
    assert contents(mock)[-1] == "/new"
    says('"""One line."""')
    assert contents(mock)[-1] == "One line."


def test_a_paste_of_several_lines_is_one_question(says: Type, mock: MockProvider) -> None:
    says("One\ntwo\nthree")
    assert contents(mock)[-1] == "One\ntwo\nthree"


@pytest.mark.parametrize("word", ["exit", "quit", "/quit", "/exit"])
def test_words_that_end_it(says: Type, mock: MockProvider, word: str) -> None:
    says(word, "Never asked.")
    assert mock.requests == []


def test_the_last_question_again(says: Type, mock: MockProvider) -> None:
    told, wrong = says("/retry", "One?", "Two?", "/retry")
    assert contents(mock) == ["Be brief.", "One?", "Hello.", "Two?"]
    assert (told, wrong) == ("Hello.\n" * 3 + "\n", "deepseek-v4: /retry repeats a question, and there is none\n")


def test_other_instructions_and_another_model(says: Type, mock: MockProvider) -> None:
    told, _ = says("/system Be rude.", "/model deepseek-ai/DeepSeek-V4-Flash", "One?", "/system", "Two?")
    assert contents(mock) == ["One?", "Hello.", "Two?"]
    assert [each.messages[0]["content"] for each in mock.requests] == ["Be rude.", "One?"]
    assert mock.requests[-1].body["model"] == "deepseek-ai/DeepSeek-V4-Flash"
    assert told.startswith("the instructions are set\nthe model is deepseek-ai/DeepSeek-V4-Flash\nHello.\n")


def test_the_size_of_the_conversation(says: Type, session: ChatSession) -> None:
    told, _ = says("One?", "/tokens")
    assert f"{session.client.count_tokens(session.messages).total} tokens" in told


def test_save_again_and_under_another_name(says: Type) -> None:
    _, wrong = says("One?", "/save one", "/save", "/save two", "Two?", "/save one")
    assert wrong == "deepseek-v4: there is a conversation 'one' already: give another name\n"
    assert (len(conversations.load("one")), len(conversations.load("two"))) == (3, 5)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/save", "/save needs a name"),
        ("/save ?", "'?' is not a name for a conversation: give up to 250 letters and digits, or a path"),
        (
            "/save " + "a" * 300,
            f"{'a' * 60!r} is not a name for a conversation: give up to 250 letters and digits, or a path",
        ),
        ("/file", "/file takes the path of a text file"),
        ("/file -", "/file takes the path of a text file"),
        ("/thinking", "/thinking takes off, low, high, max"),
        ("/sav x", "there is no /sav: /help shows what there is"),
    ],
)
def test_what_cannot_be_done_is_told_and_the_conversation_goes_on(
    line: str, told: str, says: Type, session: ChatSession, mock: MockProvider
) -> None:
    shown, wrong = says(line, "One?")
    assert wrong.startswith("deepseek-v4: ")
    assert wrong.endswith(f"{told}\n")
    assert shown == "Hello.\n\n"
    assert contents(mock) == ["Be brief.", "One?"]
    assert session.name is None


def test_new_keeps_the_instructions_and_leaves_what_is_kept_alone(
    says: Type, session: ChatSession, mock: MockProvider
) -> None:
    session.name = "talk"
    told, _ = says("One?", "/new", "Two?")
    assert told == "Hello.\na new conversation\nHello.\n\n"
    assert contents(mock) == ["Be brief.", "Two?"]
    assert [message.role for message in conversations.load("talk")] == ["system", "user", "assistant"]


def test_thinking_holds_from_the_next_question_on(says: Type, mock: MockProvider) -> None:
    told, _ = says("/thinking off", "One?", "/thinking max", "Two?")
    assert told == "thinking is off\nHello.\nthinking is max\nHello.\n\n"
    assert [request.thinking for request in mock.requests] == ["off", "max"]


def test_help_names_every_command(says: Type) -> None:
    told, _ = says("/help")
    rows = [line.split()[0] for line in told.strip().splitlines() if line[2] != " "]
    own = ["/help", "/file", "/thinking", "/model", "/system", "/retry", "/edit", "/tokens", "/save", "/new"]
    assert rows == [*own, "/quit", "Ctrl-C", "\\", '"""']


def test_files_go_before_the_next_question_alone(says: Type, mock: MockProvider) -> None:
    Path("a.txt").write_text("a note", "utf-8")
    told, _ = says("/file a.txt", "One?", "Two?")
    assert told == "a.txt goes before the next question\nHello.\nHello.\n\n"
    assert contents(mock) == ["Be brief.", "File a.txt:\n```\na note\n```\n\nOne?", "Hello.", "Two?"]


def test_lines_that_go_on_and_lines_that_are_dropped(says: Type, mock: MockProvider) -> None:
    undecodable = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    _, wrong = says("dropped\\", KeyboardInterrupt(), undecodable, "", "One\\", "more?")
    assert wrong == "deepseek-v4: that line is not UTF-8 text and does not count\n"
    assert [request.messages[-1]["content"] for request in mock.requests] == ["One\nmore?"]


@pytest.mark.parametrize("word", ["/quit", "/exit"])
def test_the_end(word: str, says: Type, mock: MockProvider) -> None:
    assert says(word, "One?") == ("", "")
    assert mock.requests == []


@pytest.mark.parametrize("step", [script.error(500, "overloaded")])
def test_an_error_of_the_server_is_told_and_the_conversation_goes_on(
    step: Step, says: Type, session: ChatSession
) -> None:
    mock = MockProvider(step, default=HELLO)
    session.client = DeepSeekV4(mock, max_retries=0)
    told, wrong = says("One?", "Two?")
    assert told == "Hello.\n\n"
    assert "overloaded; nothing had arrived: the question is taken back" in wrong
    assert contents(mock) == ["Be brief.", "Two?"]


def test_what_came_before_is_shown(session: ChatSession, says: Type) -> None:
    session.messages = Conversation()
    for number in range(1, 4):
        session.messages.user(f"Question {number}?").add(AssistantMessage("\n".join(["Line."] * (5 * number))))
    shown, _ = says()
    assert shown.splitlines() == [
        "(2 earlier messages)",
        "> Question 2?",
        *["Line."] * 10,
        "",
        "> Question 3?",
        *["Line."] * 12,
        "... (3 more lines)",
        "",
    ]


def test_the_banner(session: ChatSession, capsys: pytest.CaptureFixture[str]) -> None:
    assert session.banner() == [
        f"mock at {session.client.base_url}",
        "deepseek-ai/DeepSeek-V4-Pro, window 1,048,576 tokens",
    ]
    Path("deepseek_v4.toml").write_text('[profiles.dev]\nprovider = "mock"\nwindow = 9000\n', "utf-8")
    session.client, session.options = DeepSeekV4.from_profile("dev"), {"model": "flash"}
    assert session.banner()[0] == "profile dev (argument)"
    assert session.banner()[2] == "flash, window 9,000 tokens"


def test_the_banner_of_a_server_that_is_not_there(session: ChatSession) -> None:
    session.client = DeepSeekV4("vllm", base_url="http://127.0.0.1:1")
    assert "nothing listens at that address: start the server" in session.banner()[1]


def test_a_question_from_an_editor(says: Type, mock: MockProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """The editor gets the last question, or the text of the command."""
    Path("editor.py").write_text(
        "import pathlib, sys\nfile = pathlib.Path(sys.argv[1])\n"
        "file.write_text(file.read_text('utf-8') + '\\nMore.\\n', 'utf-8')\n",
        "utf-8",
    )
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", shlex.join([sys.executable, "editor.py"]))
    shown, wrong = says("One?", "/edit", "/edit Other.")
    assert [request.messages[-1]["content"] for request in mock.requests] == ["One?", "One?\nMore.", "Other.\nMore."]
    assert (shown, wrong) == ("Hello.\n> One?\n> More.\nHello.\n> Other.\n> More.\nHello.\n\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="there is neither true nor false there")
@pytest.mark.parametrize(
    ("editor", "reason"),
    [
        ("", "/edit needs an editor: set EDITOR, such as EDITOR=nano"),
        ("no-such-editor", "EDITOR is 'no-such-editor', which does not run: "),
        ("false", "the editor ended with 1: no question was sent"),
        ("true", "the file is empty: no question was sent"),
    ],
)
def test_an_editor_that_gives_no_question(
    editor: str, reason: str, says: Type, mock: MockProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", editor)
    assert reason in says("/edit")[1]
    assert mock.requests == []


def test_a_saved_conversation_that_is_changed_and_not_only_continued(says: Type) -> None:
    """/retry and /system replace what was saved."""
    _, wrong = says("One?", "/save talk", "Two?", "/retry", "/system Be rude.", "Three?")
    assert wrong == ""
    saved = conversations.load("talk")
    assert [message.to_dict()["content"] for message in saved if message.role != "assistant"] == [
        "Be rude.",
        "One?",
        "Two?",
        "Three?",
    ]


def test_retry_after_other_instructions(says: Type, mock: MockProvider) -> None:
    says("One?", "/system Be rude.", "/retry")
    assert contents(mock) == ["Be rude.", "One?"]
    _, wrong = says("/new", "/retry")
    assert "/retry repeats a question, and there is none" in wrong
