"""Calls of tools in a conversation: the user is asked, in words that no text of the model can disguise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk import Conversation, DeepSeekV4
from deepseek_v4_sdk.cli.approval import Approval
from deepseek_v4_sdk.cli.chat_session import ChatSession
from deepseek_v4_sdk.cli.screen import PlainScreen
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.flavors.sglang import SGLangFlavor
from tests.support.commands import complaint

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepseek_v4_sdk.testing.script import Step

    Answer = Callable[..., list[str]]

RAN: list[str] = []


def run_command(command: str) -> str:
    """Run a command."""
    RAN.append(command)
    return "done"


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    RAN.clear()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Type answers; gives the list of the questions."""

    def type_in(*typed: str | BaseException) -> list[str]:
        left, questions = list(typed), list[str]()

        def read(prompt: str) -> str:
            questions.append(prompt)
            if isinstance(item := left.pop(0), str):
                return item
            raise item

        monkeypatch.setattr("builtins.input", read)
        return questions

    return type_in


def session_of(*steps: Step, flavor: object = "vllm") -> ChatSession:
    screen = PlainScreen("hidden")
    client = DeepSeekV4(MockProvider(*steps, flavor=flavor, default=script.text("So.")))  # type: ignore[arg-type]
    return ChatSession(client, Conversation(), [run_command], {}, screen, approve=Approval(screen))


def call(command: str) -> Step:
    return script.tool_call("run_command", command=command)


def test_yes_no_and_always(answers: Answer) -> None:
    session = session_of(call("a"), call("b"), call("c"), call("d"), script.text("Done."))
    questions = answers("y", "maybe", "no", "always")
    turn = session.ask("Go on.")
    assert RAN == ["a", "c", "d"]
    assert questions == ["Run run_command? y/n/always: "] * 4
    assert turn.reply is not None
    results = [message.to_dict()["content"] for message in turn.messages if message.role == "tool"]
    assert results == ["done", "error: this call was denied", "done", "done"]


def test_end_of_input_is_no(answers: Answer) -> None:
    answers(EOFError())
    session_of(call("a")).ask("Go on.")
    assert RAN == []


def test_ctrl_c_stops_the_answer(answers: Answer) -> None:
    answers("y", KeyboardInterrupt())
    turn = session_of(call("a"), call("b")).ask("Go on.")
    assert turn.stopped
    assert RAN == ["a"]
    assert turn.remark == "stopped; the calls that were run are kept"


def test_hostile_arguments_are_shown_whole_and_escaped(answers: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    """The end of a long argument is not hidden, and no character of it moves the cursor or turns the order around."""
    hostile = "ls \x1b[2K\r" + " " * 300 + "; rm -rf ~ \u202e\x07"
    answers("n")
    session_of(call(hostile)).ask("Go on.")
    shown = capsys.readouterr().out
    assert "rm -rf ~" in shown
    assert not {"\x1b", "\r", "\u202e", "\x07"} & set(shown)
    assert RAN == []


def test_a_call_that_was_read_from_a_text_is_marked_and_always_asked_for(
    answers: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    leaks = SGLangFlavor(tool_call_parser=False)
    session = session_of(call("a"), flavor=leaks)
    assert session.approve is not None
    session.approve.always.add("run_command")
    questions = answers("a", "n")
    session.ask("Go on.")
    assert questions == ["Run run_command? y/n: "] * 2
    told = capsys.readouterr()
    assert '-> run_command {"command": "a"} (read from the text)' in told.err
    assert "The server did not send this call: it was read from the text of the answer." in told.out
    assert RAN == []


def test_nobody_can_be_asked() -> None:
    line = complaint("chat", "--provider", "mock", "--tool", "tests.cli.test_approval:run_command", "Hi")
    assert line == "--tool asks you before each call, and there is no terminal to ask on: give --yes"
