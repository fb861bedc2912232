"""`chat --schema` prints JSON; `chat -t` takes instructions, a question and options from a file of the user's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from deepseek_v4_sdk.cli import conversations
from deepseek_v4_sdk.cli.templates import Template
from deepseek_v4_sdk.support.files import own_folder
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.server import MockServer
from tests.support.commands import complaint, run

if TYPE_CHECKING:
    from collections.abc import Iterator


class Person(BaseModel):
    """A person."""

    name: str
    age: int


SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


@pytest.fixture
def mock() -> MockProvider:
    return MockProvider(default=script.text('{"name": "Ann\\u001b", "age": 7}'))


@pytest.fixture
def server(mock: MockProvider) -> Iterator[tuple[str, ...]]:
    """The options that lead to the mock."""
    with MockServer(mock) as served:
        yield ("chat", "--provider", "vllm", "--base-url", served.url)


def messages(mock: MockProvider) -> list[Any]:
    """The messages of the last request."""
    return list(mock.requests[-1].messages)


def test_a_type_and_a_file(server: tuple[str, ...]) -> None:
    result = run(*server, "Who?", "--schema", f"{__name__}:Person", "--save", "ann")
    assert json.loads(result.stdout) == {"name": "Ann\x1b", "age": 7}
    assert "\x1b" not in result.stdout
    assert [message.role for message in conversations.load("ann")] == ["user", "assistant"]
    Path("person.json").write_text(json.dumps(SCHEMA), "utf-8")
    (line,) = run(*server, "Who?", "--schema", "person.json", "--json").stdout.splitlines()
    assert json.loads(line)["value"] == {"name": "Ann\x1b", "age": 7}
    assert json.loads(line)["reply"]["finish_reason"] == "stop"


def test_an_answer_of_another_form(server: tuple[str, ...]) -> None:
    Path("list.json").write_text('{"type": "array", "items": {"type": "integer"}}', "utf-8")
    line = complaint(*server, "Who?", "--schema", "list.json", code=4)
    assert "the answer" in line


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("none.json", "--schema none.json cannot be read: No such file"),
        ("broken.json", "--schema broken.json is not JSON: "),
        ("seven.json", "--schema seven.json is not a JSON Schema: give an object"),
        ("json:NoType", "--schema json:NoType: json has no type 'NoType'"),
        ("no_module:Type", "there is no module 'no_module' here or installed"),
    ],
)
def test_a_schema_that_is_none(schema: str, reason: str) -> None:
    Path("broken.json").write_text("{", "utf-8")
    Path("seven.json").write_text("7", "utf-8")
    assert reason in complaint("chat", "--provider", "mock", "Who?", "--schema", schema)


def template(name: str, text: str) -> None:
    """Write a template into the user's own folder."""
    folder = own_folder("config")
    assert folder is not None
    (folder / "templates").mkdir(parents=True, exist_ok=True)
    (folder / "templates" / f"{name}.toml").write_text(text, "utf-8")


REVIEW = 'system = "Be strict."\nprompt = "Review this."\n[options]\nthinking = "low"\ntemperature = 0.2\n'


def test_a_template(server: tuple[str, ...], mock: MockProvider) -> None:
    template("review", REVIEW)
    run(*server, "-t", "review", stdin="- old\n")
    assert [message["content"] for message in messages(mock)] == [
        "Be strict.",
        "File stdin:\n```\n- old\n```\n\nReview this.",
    ]
    assert mock.requests[-1].body["temperature"] == 0.2
    run(*server, "-t", "review", "Mind the names.", "--system", "Be kind.", "-o", "temperature=1", stdin="")
    assert [message["content"] for message in messages(mock)] == ["Be kind.", "Review this.\n\nMind the names."]
    assert mock.requests[-1].body["temperature"] == 1


def test_only_the_users_own_templates(server: tuple[str, ...]) -> None:
    """Whatever lies in the working directory is somebody else's."""
    for place in (Path("templates"), Path()):
        place.mkdir(exist_ok=True)
        (place / "review.toml").write_text(REVIEW, "utf-8")
    for name in ("review", "./review", "templates/review", str(Path("review").absolute())):
        assert "there is no template" in complaint(*server, "-t", name, "Hi")
    template("mine", REVIEW)
    assert complaint(*server, "-t", str(Path("..", "..", Path.cwd().name, "review")), "Hi").endswith(
        "; there are: mine"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("system = ", "cannot be read as TOML"),
        ("sistem = 'x'", "there is no key 'sistem'; known: system, prompt, options"),
        ("prompt = 7", "prompt is int: give a text"),
        ("options = 'x'", "options is str: give a table"),
    ],
)
def test_a_broken_template(text: str, reason: str) -> None:
    template("broken", text)
    assert reason in complaint("chat", "--provider", "mock", "-t", "broken", "Hi")


def test_an_option_that_there_is_not() -> None:
    template("odd", "[options]\ntemprature = 1")
    assert "template odd: there is no option 'temprature'; do you mean 'temperature'?" in complaint(
        "chat", "--provider", "mock", "-t", "odd", "Hi"
    )
    assert Template.read("odd").prompt == ""
