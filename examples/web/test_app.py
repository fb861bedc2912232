"""The web application without a browser, a server or a model."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
from app import make_app

from deepseek_v4_sdk import AsyncDeepSeekV4
from deepseek_v4_sdk.store import ConversationStore
from deepseek_v4_sdk.testing import MockProvider, script


def send(file: Path, mock: MockProvider, path: str, body: object = None) -> Any:
    """Send a request to the application, as if it had just been started; gives the events, or the JSON."""

    async def talk() -> httpx.Response:
        app = make_app(AsyncDeepSeekV4(mock), ConversationStore(f"sqlite:///{file}"))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as browser:
            return await (browser.get(path) if body is None else browser.post(path, json=body))

    response = asyncio.run(talk())
    if not response.headers["content-type"].startswith("text/event-stream"):
        return response.json()
    parts = [each.split("\ndata: ") for each in response.text.split("\n\n") if each]
    return [(kind.removeprefix("event: "), json.loads(data)) for kind, data in parts]


def test_tools_run_and_the_answer_streams(tmp_path: Path) -> None:
    mock = MockProvider(script.tool_call("get_weather", city="Rome"), script.text("Sunny in Rome."))
    events = send(tmp_path / "chats.db", mock, "/chats/a", {"text": "How is Rome?"})
    assert [kind for kind, _ in events if kind != "text"] == ["tool", "result", "end"]
    assert "".join(data["text"] for kind, data in events if kind == "text") == "Sunny in Rome."
    (failed,) = send(tmp_path / "chats.db", MockProvider(script.error(400, "no")), "/chats/b", {"text": "Hello"})
    assert failed[0] == "error"


def test_a_booking_waits_for_a_person_over_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "chats.db"
    mock = MockProvider(script.tool_call("book_table", restaurant="Da Anna", hour=20), script.text("Done."))
    assert send(file, mock, "/chats/a", {"text": "Book!"})[-1][1]["stopped"] == "pending"
    (call,) = send(file, mock, "/chats/a")["pending"]
    events = send(file, mock, "/chats/a/decisions", {call["id"]: True})
    assert ("result", {"text": "a table at Da Anna is booked for 20 o'clock"}) in events
    assert send(file, mock, "/chats/a")["pending"] == []
