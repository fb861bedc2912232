"""A call that must be made: every server is asked for it in its way, and where it cannot be, the caller decides."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk import DeepSeekV4, UnsupportedOptionError
from deepseek_v4_sdk.testing import MockProvider, script
from tests.rounds.play import FLAVORS, MODELS, Kind, Play, each_flavor, each_kind

TOOL = {"name": "look", "description": "Looks.", "parameters": {"type": "object", "properties": {}}}
CHOICES = ("required", "look")


def ask(flavor: str, **options: Any) -> tuple[MockProvider, Any]:
    mock = MockProvider(script.tool_call("look"), flavor=flavor)
    reply = DeepSeekV4(mock, model=MODELS.get(flavor), thinking="high").chat("Go.", tools=[TOOL], **options)
    return mock, reply


@pytest.mark.parametrize("flavor", [flavor for flavor in FLAVORS if flavor != "deepseek"])
@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("way", [None, "disable_thinking", "auto"])
def test_where_it_can_be_forced_while_thinking_it_is(flavor: str, choice: str, way: str | None) -> None:
    mock, reply = ask(flavor, tool_choice=choice, on_unsupported=way)
    assert mock.requests[0].thinking == "high"
    assert mock.requests[0].body["tool_choice"]
    assert not [repair for repair in reply.repairs if repair.kind == "tool_choice"]


@pytest.mark.parametrize("choice", CHOICES)
def test_where_it_cannot_nothing_is_sent(choice: str) -> None:
    mock = MockProvider(flavor="deepseek")
    with pytest.raises(UnsupportedOptionError, match="does not work while thinking") as raised:
        DeepSeekV4(mock, model="pro").chat("Go.", tools=[TOOL], tool_choice=choice)
    assert raised.value.option == "tool_choice"
    assert "on_unsupported='disable_thinking' or 'auto'" in str(raised.value)
    assert mock.requests == []


@pytest.mark.parametrize("choice", CHOICES)
def test_thinking_may_be_given_up(choice: str) -> None:
    mock, reply = ask("deepseek", tool_choice=choice, on_unsupported="disable_thinking")
    body = mock.requests[0].body
    assert body["thinking"] == {"type": "disabled"}
    assert "reasoning_effort" not in body
    assert body["tool_choice"] == (
        "required" if choice == "required" else {"type": "function", "function": {"name": "look"}}
    )
    (repair,) = [repair for repair in reply.repairs if repair.kind == "tool_choice"]
    assert repair.detail == f"deepseek: tool_choice={choice!r} does not work while thinking; sent: thinking='off'"


@pytest.mark.parametrize("choice", CHOICES)
def test_the_force_may_be_given_up(choice: str) -> None:
    mock, reply = ask("deepseek", tool_choice=choice, on_unsupported="auto")
    assert mock.requests[0].thinking == "high"
    assert "tool_choice" not in mock.requests[0].body
    assert "tool_choice" in [repair.kind for repair in reply.repairs]


@pytest.mark.parametrize("way", ["disable_thinking", "auto"])
def test_nothing_is_given_up_where_nothing_must_be(way: Any) -> None:
    for options in ({"tool_choice": "auto"}, {"tool_choice": "none"}, {}):
        mock, reply = ask("deepseek", on_unsupported=way, **options)
        assert mock.requests[0].thinking == "high"
        assert "tool_choice" not in [repair.kind for repair in reply.repairs]
    with pytest.raises(UnsupportedOptionError):  # the one word does not stand for the other
        ask("nvidia", thinking="low", on_unsupported=way)


@each_flavor
@each_kind
def test_a_loop_that_begins_with_a_forced_call(kind: Kind, flavor: str) -> None:
    """The same program on every server; thinking is back on in the second turn."""
    ran: list[int] = []

    def look() -> Any:
        """Looks."""
        ran.append(1)
        yield 0
        return "seen"

    play = Play(kind, script.tool_call("look"), script.think("Hm.") + script.text("Seen."), flavor=flavor)
    run = play.run([play.tool(look)], tool_choice="required", on_unsupported="disable_thinking", thinking="high")
    assert (run.stopped, ran) == ("answered", [1])
    first, second = play.mock.requests
    assert first.thinking == ("off" if flavor == "deepseek" else "high")
    assert second.thinking == "high"
    assert "tool_choice" not in second.body
