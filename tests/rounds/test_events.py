"""Every turn of a loop can be listened to while it streams."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from deepseek_v4_sdk import ChatEvent, ConfigurationError, Finished, ReasoningDelta, TextDelta, ToolCallReady
from deepseek_v4_sdk.testing import faults, script
from tests.rounds.play import Kind, Play, each_flavor, each_kind

Pauses = Generator[float, None, object]


def look(city: str) -> Pauses:
    """Looks at a city."""
    yield 0
    return f"Saw {city}."


def play_for(kind: Kind, **more: Any) -> Play:
    first = script.think("Which city?") + script.text("Let me look.") + script.tool_call("look", city="Paris")
    return Play(kind, first, script.think("Now I know.") + script.text("Sunny in Paris."), **more)


@each_flavor
@pytest.mark.parametrize(
    ("kind", "form"), [("sync", "plain"), ("threads", "plain"), ("threads", "async"), ("awaited", "async")]
)
def test_every_event_of_every_turn(kind: Kind, form: str, flavor: str) -> None:
    heard: list[ChatEvent] = []

    async def listen(event: ChatEvent) -> None:
        await asyncio.sleep(0)
        heard.append(event)

    play = play_for(kind, flavor=flavor)
    run = play.run([play.tool(look)], on_event=heard.append if form == "plain" else listen)
    assert "".join(e.text for e in heard if isinstance(e, ReasoningDelta)) == "Which city?Now I know."
    assert "".join(e.text for e in heard if isinstance(e, TextDelta)) == "Let me look.Sunny in Paris."
    assert sum(isinstance(e, TextDelta) for e in heard) > 2  # pieces, as they come
    assert [e.call.name for e in heard if isinstance(e, ToolCallReady)] == ["look"]
    assert [e.reply for e in heard if isinstance(e, Finished)] == [each.reply for each in run.rounds]
    play.goes_on()


@each_kind
def test_listening_changes_nothing(kind: Kind) -> None:
    quiet, loud = play_for(kind), play_for(kind)
    without, with_it = quiet.run([quiet.tool(look)]), loud.run([loud.tool(look)], on_event=lambda _: None)
    assert without.messages.to_json() == with_it.messages.to_json()
    assert [r.body for r in quiet.mock.requests] == [r.body for r in loud.mock.requests]


@pytest.mark.parametrize("hidden", [False, True])
def test_an_async_listener_in_the_blocking_client_is_refused(hidden: bool) -> None:
    async def listen(event: ChatEvent) -> None:
        del event

    play = play_for("sync")
    with pytest.raises(ConfigurationError, match="on_event is async: use AsyncDeepSeekV4"):
        play.run([play.tool(look)], on_event=(lambda event: listen(event)) if hidden else listen)
    assert hidden or play.mock.requests == []


@each_kind
def test_a_failure_is_raised_after_what_was_heard(kind: Kind) -> None:
    heard: list[ChatEvent] = []
    play = Play(kind, script.text("One two three four five six.") | faults.stall(after=4, seconds=900))
    with pytest.raises(Exception, match="stood still"):
        play.run([play.tool(look)], on_event=heard.append)
    assert any(isinstance(event, TextDelta) for event in heard)
