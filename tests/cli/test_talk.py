"""What a person types into a conversation, besides what takes a terminal: commands, lines that go on, and mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk import Conversation, DeepSeekV4
from deepseek_v4_sdk.cli import conversations
from deepseek_v4_sdk.cli.conversation_loop import ChatSession, converse
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
def talk(mock: MockProvider) -> ChatSession:
    return ChatSession(
        client=DeepSeekV4(mock, max_retries=0),
        messages=Conversation().system("Be brief."),
        tools=[],
        options={},
        screen=PlainScreen("hidden"),
    )


@pytest.fixture
def says(talk: ChatSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Type:
    """Type lines, then Ctrl-D; gives what was shown on stdout, without the line of greeting, and on stderr."""

    def type_in(*typed: str | BaseException) -> tuple[str, str]:
        left = [*typed, EOFError()]

        def read(_: str) -> str:
            item = left.pop(0)
            if isinstance(item, str):
                return item
            raise item

        monkeypatch.setattr("builtins.input", read)
        converse(talk)
        shown = capsys.readouterr()
        return shown.out.partition("\n")[2], shown.err

    return type_in


def said(mock: MockProvider) -> list[object]:
    """The contents of the messages of the last request."""
    messages = mock.requests[-1].messages
    return [message["content"] for message in messages]


def test_save_keeps_it_from_now_on(says: Type) -> None:
    told, wrong = says("One?", "/save talk", "Two?")
    assert told == (
        "Hello.\nkept as talk, from now on after each answer\nHello.\n\nto go on: deepseek-v4 chat --resume talk\n"
    )
    assert wrong == ""
    assert [message.role for message in conversations.load("talk")] == ["system", *["user", "assistant"] * 2]


def test_a_block_of_lines_is_one_question(says: Type, mock: MockProvider) -> None:
    says('"""Review:', "/file none", "  x = 1", "", 'Thanks."""')
    assert said(mock)[-1] == "Review:\n/file none\n  x = 1\n\nThanks."
    says('"""', "/new", '"""')
    assert said(mock)[-1] == "/new"
    says('"""One line."""')
    assert said(mock)[-1] == "One line."


def test_a_paste_of_several_lines_is_one_question(says: Type, mock: MockProvider) -> None:
    says("One\ntwo\nthree")
    assert said(mock)[-1] == "One\ntwo\nthree"


@pytest.mark.parametrize("word", ["exit", "quit", "/quit", "/exit"])
def test_words_that_end_it(says: Type, mock: MockProvider, word: str) -> None:
    says(word, "Never asked.")
    assert mock.requests == []


def test_the_last_question_again(says: Type, mock: MockProvider) -> None:
    told, wrong = says("/retry", "One?", "Two?", "/retry")
    assert said(mock) == ["Be brief.", "One?", "Hello.", "Two?"]
    assert (told, wrong) == ("Hello.\n" * 3 + "\n", "deepseek-v4: /retry repeats a question, and there is none\n")


def test_other_instructions_and_another_model(says: Type, mock: MockProvider) -> None:
    told, _ = says("/system Be rude.", "/model deepseek-ai/DeepSeek-V4-Flash", "One?", "/system", "Two?")
    assert said(mock) == ["One?", "Hello.", "Two?"]
    assert [each.messages[0]["content"] for each in mock.requests] == ["Be rude.", "One?"]
    assert mock.requests[-1].body["model"] == "deepseek-ai/DeepSeek-V4-Flash"
    assert told.startswith("the instructions are set\nthe model is deepseek-ai/DeepSeek-V4-Flash\nHello.\n")


def test_the_size_of_the_conversation(says: Type, talk: ChatSession) -> None:
    told, _ = says("One?", "/tokens")
    assert f"{talk.client.count_tokens(talk.messages).total} tokens" in told


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
    line: str, told: str, says: Type, talk: ChatSession, mock: MockProvider
) -> None:
    shown, wrong = says(line, "One?")
    assert wrong.startswith("deepseek-v4: ")
    assert wrong.endswith(f"{told}\n")
    assert shown == "Hello.\n\n"
    assert said(mock) == ["Be brief.", "One?"]
    assert talk.name is None


def test_new_keeps_the_instructions_and_leaves_what_is_kept_alone(
    says: Type, talk: ChatSession, mock: MockProvider
) -> None:
    talk.name = "talk"
    told, _ = says("One?", "/new", "Two?")
    assert told == "Hello.\na new conversation\nHello.\n\n"
    assert said(mock) == ["Be brief.", "Two?"]
    assert [message.role for message in conversations.load("talk")] == ["system", "user", "assistant"]


def test_thinking_holds_from_the_next_question_on(says: Type, mock: MockProvider) -> None:
    told, _ = says("/thinking off", "One?", "/thinking max", "Two?")
    assert told == "thinking is off\nHello.\nthinking is max\nHello.\n\n"
    assert [request.thinking for request in mock.requests] == ["off", "max"]


def test_help_names_every_command(says: Type) -> None:
    told, _ = says("/help")
    rows = [line.split()[0] for line in told.strip().splitlines()]
    own = ["/help", "/file", "/thinking", "/model", "/system", "/retry", "/tokens", "/save", "/new"]
    assert rows == [*own, "/quit", "Ctrl-C", "\\", '"""']


def test_files_go_before_the_next_question_alone(says: Type, mock: MockProvider) -> None:
    Path("a.txt").write_text("a note", "utf-8")
    told, _ = says("/file a.txt", "One?", "Two?")
    assert told == "a.txt goes before the next question\nHello.\nHello.\n\n"
    assert said(mock) == ["Be brief.", "File a.txt:\n```\na note\n```\n\nOne?", "Hello.", "Two?"]


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
def test_an_error_of_the_server_is_told_and_the_conversation_goes_on(step: Step, says: Type, talk: ChatSession) -> None:
    mock = MockProvider(step, default=HELLO)
    talk.client = DeepSeekV4(mock, max_retries=0)
    told, wrong = says("One?", "Two?")
    assert told == "Hello.\n\n"
    assert "overloaded; nothing had arrived: the question is taken back" in wrong
    assert said(mock) == ["Be brief.", "Two?"]
