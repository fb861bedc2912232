"""`deepseek-v4 logs`: the saved conversations, listed, shown, searched and deleted."""

from __future__ import annotations

import json
import re

import pytest

from deepseek_v4_sdk import AssistantMessage, Conversation, ToolCall, ToolMessage
from deepseek_v4_sdk.cli import conversations
from tests.support.commands import complaint, run


@pytest.fixture
def saved() -> None:
    """Two conversations; the one of trains was saved last."""
    call = ToolCall("call_1", "get_weather", '{"city": "Paris\x1b[31m"}')
    trip = Conversation().system("Be brief.").user("Where is it warm in May?")
    trip.add(AssistantMessage(None, "Hm.", (call,))).add(ToolMessage("20 degrees", "call_1"))
    trip.add(AssistantMessage("In *Seville*."))
    conversations.save("trip", trip)
    conversations.save("trains", Conversation().user("When does the train\nleave?").add(AssistantMessage("At 9.")))


@pytest.mark.usefixtures("saved")
def test_the_list_has_the_last_one_first() -> None:
    rows = run("logs").stdout.splitlines()
    assert [re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d ", "", row) for row in rows] == [
        " trains, 2 messages: When does the train leave?",
        " trip, 5 messages: Where is it warm in May?",
    ]
    assert len(run("logs", "-n", "1").stdout.splitlines()) == 1
    listed = json.loads(run("logs", "--json").stdout)["conversations"]
    assert [(each["name"], each["messages"]) for each in listed] == [("trains", 2), ("trip", 5)]


@pytest.mark.usefixtures("saved")
def test_one_of_them() -> None:
    assert run("logs", "trip").stdout.splitlines() == [
        "[system] Be brief.",
        "",
        "> Where is it warm in May?",
        '-> get_weather {"city": "Paris\N{SYMBOL FOR ESCAPE}[31m"}',
        "<- 20 degrees",
        "In *Seville*.",
    ]
    assert json.loads(run("logs", "trip", "--json").stdout)["messages"][1]["role"] == "user"


@pytest.mark.usefixtures("saved")
def test_a_search() -> None:
    assert run("logs", "-q", "TRAIN leave").stdout == "trains, message 0, user: When does the train leave?\n"
    assert run("logs", "-q", "seville", "trains").stdout == ""
    assert json.loads(run("logs", "-q", "In", "--json").stdout)["found"] == [
        {"name": "trains", "message": 0, "role": "user", "text": "When does the train leave?"},
        {"name": "trip", "message": 1, "role": "user", "text": "Where is it warm in May?"},
        {"name": "trip", "message": 4, "role": "assistant", "text": "In *Seville*."},
    ]
    assert "and 2 more" in run("logs", "-q", "in", "-n", "1").stderr


@pytest.mark.usefixtures("saved")
def test_one_is_deleted() -> None:
    assert run("logs", "trains", "--delete").stdout == "trains is deleted\n"
    assert "there is no conversation 'trains'; saved is: trip" in complaint("logs", "trains", "--delete")
    assert "needs the name" in complaint("logs", "--delete")
    assert "a file of yours" in complaint("logs", "--delete", "trip.json")


def test_nothing_is_saved() -> None:
    result = run("logs")
    assert (result.stdout, result.stderr) == (
        "",
        "no conversation is saved: deepseek-v4 chat --save NAME saves one\n",
    )
    assert "no conversation is saved" in complaint("chat", "--provider", "mock", "-c", "Hi")


@pytest.mark.usefixtures("saved")
def test_the_last_one_is_continued() -> None:
    run("chat", "--provider", "mock", "-c", "And back?")
    assert len(conversations.load("trains")) == 4
    assert "give one of them" in complaint("chat", "--provider", "mock", "-c", "--resume", "trip", "Hi")
