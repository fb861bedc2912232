"""`deepseek-v4 chat` without a terminal: what goes to stdout, what is kept, tools, files, and how it ends."""

from __future__ import annotations

import errno
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import AssistantMessage, ConfigurationError, Conversation, count_text
from deepseek_v4_sdk.cli import conversations
from deepseek_v4_sdk.store import ConversationStore
from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.testing.flavors.sglang import SGLangFlavor
from deepseek_v4_sdk.testing.server import MockServer
from tests.support.any_name import ANY_NAME
from tests.support.commands import complaint, run

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def mock() -> MockProvider:
    return MockProvider(default=script.think("Let me see.") + script.text("Forty-two."), flavor=ANY_NAME)


@pytest.fixture
def server(mock: MockProvider) -> Iterator[tuple[str, ...]]:
    """The options that lead to the mock."""
    with MockServer(mock) as served:
        yield ("chat", "--provider", "vllm", "--base-url", served.url)


@contextmanager
def answering(*steps: script.Step) -> Iterator[tuple[str, ...]]:
    """The options that lead to a mock with a script."""
    with MockServer(MockProvider(*steps)) as served:
        yield ("chat", "--provider", "vllm", "--base-url", served.url)


def asked(mock: MockProvider) -> list[Any]:
    """The messages of the last request."""
    messages = mock.requests[-1].body["messages"]
    assert isinstance(messages, list)
    return messages


def saved() -> list[str]:
    """The names of the saved conversations, as the command lists them."""
    return [each["name"] for each in json.loads(run("logs", "--json").stdout)["conversations"]]


def test_a_question(server: tuple[str, ...], mock: MockProvider) -> None:
    result = run(*server, "What", "is", "it?")
    assert (result.stdout, result.stderr) == ("Forty-two.\n", "")
    assert asked(mock) == [{"role": "user", "content": "What is it?"}]


def test_the_mock_needs_nothing() -> None:
    assert "owls" in run("chat", "--provider", "mock", "Tell me about owls").stdout


def test_a_profile_and_the_variable_that_switches(server: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    url = server[-1]
    file = Path("deepseek_v4.toml")
    file.write_text(
        f'default = "dev"\n[profiles.dev]\nprovider = "mock"\n[profiles.prod]\nprovider = "vllm"\nbase_url = "{url}"\n',
        "utf-8",
    )
    assert "Forty-two" not in run("chat", "Hello").stdout
    assert run("chat", "Hello", "--profile", "prod").stdout == "Forty-two.\n"
    monkeypatch.setenv("DEEPSEEK_V4_PROFILE", "prod")
    assert run("chat", "Hello").stdout == "Forty-two.\n"
    assert run("chat", "Hello", "--config", str(file.absolute())).stdout == "Forty-two.\n"


def test_a_question_from_a_pipe(server: tuple[str, ...], mock: MockProvider) -> None:
    assert run(*server, stdin="What is it?\n").stdout == "Forty-two.\n"
    assert asked(mock) == [{"role": "user", "content": "What is it?"}]


def test_options(server: tuple[str, ...], mock: MockProvider) -> None:
    run(*server, "Hi", "--thinking", "off", "--max-tokens", "7", "--system", "Be brief.", "--model", "mine")
    body = mock.requests[-1].body
    assert body["max_tokens"] == 7
    assert body["model"] == "mine"
    assert asked(mock)[0] == {"role": "system", "content": "Be brief."}
    assert isinstance(kwargs := body["chat_template_kwargs"], dict)
    assert kwargs["thinking"] is False


def test_only_alarms_are_told() -> None:
    """A call that a parser of the server has missed is one; an alias is not."""
    call = script.tool_call("get_weather", city="Paris")
    tool = Path("weather.py")
    tool.write_text('def get_weather(city: str) -> str:\n    """The weather."""\n    return "mild"\n', "utf-8")
    leaks = MockProvider(call, script.text("Mild."), flavor=SGLangFlavor(tool_call_parser=False))
    with MockServer(leaks) as served:
        way = ("chat", "--provider", "sglang", "--base-url", served.url, "--model", "pro")
        told = run(*way, "--tool", "weather:get_weather", "--yes", "How is it?")
        assert told.stdout == "Mild.\n"
        assert "1 tool call(s) were left in the text as markup" in told.stderr
        assert "'pro'" not in told.stderr
    with answering(script.text("Hi.")) as way:
        assert run(*way, "Hello", "--model", "pro").stderr == ""


def test_reasoning(server: tuple[str, ...]) -> None:
    live = run(*server, "Hi", "--reasoning", "live")
    assert (live.stdout, live.stderr) == ("Forty-two.\n", "Let me see.\n")
    assert run(*server, "Hi", "--reasoning", "hidden").stderr == ""


def test_files(server: tuple[str, ...], mock: MockProvider) -> None:
    Path("a.py").write_text("x = 1\n", "utf-8")
    Path("b.md").write_text("```\ncode\n```\n", "utf-8")
    run(*server, "--file", "a.py", "-f", "b.md", "-f", "-", "What is this?", stdin="piped")
    assert asked(mock)[0]["content"] == (
        "File a.py:\n```\nx = 1\n```\n\nFile b.md:\n````\n```\ncode\n```\n````\n\n"
        "File stdin:\n```\npiped\n```\n\nWhat is this?"
    )


def test_json(server: tuple[str, ...]) -> None:
    result = run(*server, "Hi", "--json")
    *pieces, last = map(json.loads, result.stdout.splitlines())
    reply = last["reply"]
    assert [each["text"] for each in pieces if each["type"] == "reasoning_delta"] == ["Let", " me", " see", "."]
    assert "".join(each["text"] for each in pieces if each["type"] == "text_delta") == "Forty-two."
    assert last["type"] == "finished"
    assert (reply["text"], reply["reasoning"], reply["finish_reason"]) == ("Forty-two.", "Let me see.", "stop")
    assert reply["usage"]["completion_tokens"] >= count_text("Forty-two.")
    assert result.stderr == ""


def test_options_by_name(server: tuple[str, ...], mock: MockProvider) -> None:
    run(*server, "Hi", "-o", "temperature=0.5", "--option", "stop=The end", "-o", "user=007", "-o", "seed=7")
    body = mock.requests[-1].body
    assert (body["temperature"], body["stop"], body["user"], body["seed"]) == (0.5, ["The end"], "007", 7)


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("temprature=1", "--option: there is no option 'temprature'; do you mean 'temperature'?"),
        ("tools=[]", "--option: there is no option 'tools'"),
        ("quite=1", "--option: there is no option 'quite'; known: "),
        ("top_p", "--option is 'top_p': give it as name=value, such as temperature=0.5"),
        ("temperature=warm", "temperature is 'warm': give a number from 0"),
    ],
)
def test_wrong_options(option: str, text: str) -> None:
    assert text in complaint("chat", "--provider", "mock", "Hi", "-o", option)


def test_a_pipe_and_a_question(server: tuple[str, ...], mock: MockProvider) -> None:
    run(*server, "Review this", stdin="- old\n+ new\n")
    assert asked(mock)[0]["content"] == "File stdin:\n```\n- old\n+ new\n```\n\nReview this"
    run(*server, "Review this", stdin="")
    assert asked(mock)[0]["content"] == "Review this"


TOOLS = '''
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"18 degrees in {city}"

number = 5
'''


def test_tools() -> None:
    Path("my_tools.py").write_text(TOOLS, "utf-8")
    result = run("chat", "--provider", "mock", "--tool", "my_tools:get_weather", "-y", "What is the weather in Paris?")
    assert result.stdout == "According to the tools: 18 degrees in Paris.\n"
    assert result.stderr.splitlines() == ['-> get_weather {"city": "Paris"}', "<- 18 degrees in Paris"]


def test_a_conversation_is_kept_and_gone_on_with(server: tuple[str, ...], mock: MockProvider) -> None:
    run(*server, "One?", "--save", "talk", "--system", "Be brief.")
    run(*server, "Two?", "--resume", "talk")
    roles = [message["role"] for message in asked(mock)]
    assert roles == ["system", "user", "assistant", "user"]
    assert asked(mock)[2]["reasoning"] == "Let me see."
    (kept,) = (Path.cwd().parent / "home").rglob("conversations.db")
    assert kept.stat().st_mode & 0o077 == 0
    assert len(ConversationStore(f"sqlite:///{kept}").load("talk")[0]) == 5
    assert [file.name for file in kept.parent.iterdir()] == ["conversations.db"]
    assert saved() == ["talk"]


def test_a_conversation_that_an_earlier_version_kept(server: tuple[str, ...], mock: MockProvider) -> None:
    """It was a file of its own. It is gone on with in the store, and the file stays as it was."""
    run(*server, "Zero?", "--save", "newer")
    (store,) = (Path.cwd().parent / "home").rglob("conversations.db")
    old = store.parent / "conversations" / "talk.json"
    old.parent.mkdir()
    old.write_text(before := Conversation().user("One?").add(AssistantMessage("1.")).to_json(), "utf-8")
    assert saved() == ["newer", "talk"]
    assert "already" in run(*server, "One?", "--save", "talk", code=2).stderr
    run(*server, "Two?", "--resume", "talk")
    run(*server, "Three?", "--resume", "talk")
    assert [message["content"] for message in asked(mock)] == ["One?", "1.", "Two?", "Forty-two.", "Three?"]
    assert old.read_text("utf-8") == before
    assert saved() == ["talk", "newer"]


def test_a_conversation_that_was_gone_on_with_elsewhere(server: tuple[str, ...]) -> None:
    run(*server, "One?", "--save", "talk")
    mine = conversations.load("talk").user("Mine").add(AssistantMessage("So."))
    conversations.save("talk", conversations.load("talk").user("Theirs").add(AssistantMessage("So.")))
    with pytest.raises(ConfigurationError, match="continued elsewhere, in another terminal"):
        conversations.save("talk", mine)
    conversations.save("mine", mine)
    assert conversations.load("mine") == mine


def test_a_conversation_in_a_file_of_ones_own(server: tuple[str, ...]) -> None:
    run(*server, "One?", "--save", "here.json")
    run(*server, "Two?", "--resume", "here.json")
    assert len(json.loads(Path("here.json").read_text("utf-8"))) == 4


def test_a_name_as_long_as_a_file_may_have(server: tuple[str, ...]) -> None:
    name = "a" * 250
    run(*server, "One?", "--save", name)
    assert saved() == [name]


def test_what_cannot_be_kept_is_told_behind_the_answer(
    server: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    result = run(*server, "One?", "--save", "here.json", code=2)
    assert result.stdout == "Forty-two.\n"
    assert result.stderr == "deepseek-v4: here.json cannot be written: No space left on device\n"


CUT = script.text("It is a truth universally acknowledged") | faults.cut(after_bytes=1500)


def test_an_answer_that_breaks_off_is_kept_as_far_as_it_came() -> None:
    with answering(CUT) as server:
        result = run(*server, "Hi", "--save", "cut.json", code=4)
    assert result.stdout.startswith("It is")
    assert result.stdout.endswith("\n")
    (line,) = result.stderr.splitlines()
    assert line.startswith("deepseek-v4: the connection to ")
    assert line.endswith("; the arrived part of the answer is kept")
    question, answer = json.loads(Path("cut.json").read_text("utf-8"))
    assert question["content"] == "Hi"
    assert answer["content"] == result.stdout.rstrip("\n")


def test_json_of_an_answer_that_breaks_off() -> None:
    with answering(CUT) as server:
        result = run(*server, "Hi", "--json", code=4)
    *pieces, told = map(json.loads, result.stdout.splitlines())
    assert {each["type"] for each in pieces} == {"text_delta"}
    assert (told["type"], told["error"]) == ("error", "StreamInterruptedError")
    assert told["partial"]["text"].startswith("It is")


@pytest.mark.parametrize("status", [401, 404])
def test_a_server_that_refuses(status: int) -> None:
    with answering(script.error(status, "no")) as server:
        result = run(*server, "Hi", "--save", "none.json", code=3)
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert "nothing had arrived: the question is taken back" in line
    assert not Path("none.json").exists()


def test_a_server_that_is_not_there() -> None:
    line = complaint("chat", "--provider", "vllm", "--base-url", "http://127.0.0.1:1", "Hi", code=3)
    assert "127.0.0.1:1" in line
    assert "nothing listens at that address: start the server, or correct the address" in line


def test_a_file_in_the_working_directory_takes_the_place_of_no_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names a tool means its module, and not whatever else lies here."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("tools_beside_strangers", "wave", "colorsys"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in ("wave", "colorsys"):
        Path(f"{name}.py").write_text("raise SystemExit('a stranger ran')\n", "utf-8")
    Path("tools_beside_strangers.py").write_text(
        "import colorsys, wave\ndef tool() -> str:\n    'A tool.'\n    return wave.__name__\n", "utf-8"
    )
    assert (
        "owls"
        in run(
            "chat", "--provider", "mock", "--tool", "tools_beside_strangers:tool", "-y", "Tell me about owls."
        ).stdout
    )
