"""How do I put a chat with tools into a page? Answers by server-sent events, bookings that a person allows, SQLite.

uvicorn --factory --app-dir examples/web app:app
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, StreamingResponse

import deepseek_v4_sdk as v4
from deepseek_v4_sdk.store import ConversationStore, Store

HERE = Path(__file__).parent


async def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"18 degrees and sunny in {city}"


async def book_table(restaurant: str, hour: int) -> str:
    """Book a table at a restaurant for an hour of the evening."""
    return f"a table at {restaurant} is booked for {hour} o'clock"


def approve(call: v4.ToolCall) -> bool | v4.Postpone:
    """The weather is free. About a booking a person decides, now or tomorrow."""
    return call.name == "get_weather" or v4.Postpone("a booking costs money")


def pending(talk: v4.Conversation) -> list[dict[str, str]]:
    """The calls that wait for a person."""
    done = {message.tool_call_id for message in talk if isinstance(message, v4.ToolMessage)}
    calls = [call for message in talk if isinstance(message, v4.AssistantMessage) for call in message.tool_calls]
    return [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in calls if call.id not in done]


def make_app(client: v4.AsyncDeepSeekV4, store: Store) -> FastAPI:
    """The application, on any client and any store."""
    app = FastAPI()

    async def answer(chat: str, question: str | None, decisions: Mapping[str, bool | str]) -> AsyncIterator[str]:
        def event(kind: str, **data: object) -> str:
            return f"event: {kind}\ndata: {json.dumps(data)}\n\n"

        try:
            talk, version = await asyncio.to_thread(store.load, chat)
            known = len(talk)
            if question is not None:
                talk.user(question)
            tools = [get_weather, book_table]
            async with client.stream_tools(talk, tools, approve=approve, approvals=decisions) as run:
                async for each in run:
                    match each:
                        case v4.TextDelta(text):
                            yield event("text", text=text)
                        case v4.ToolRunning(call):
                            yield event("tool", name=call.name, arguments=call.arguments)
                        case v4.ToolFinished(_, result):
                            yield event("result", text=result.content)
                        case v4.RunFinished(ended):
                            await asyncio.to_thread(store.append, chat, ended.messages[known:], version)
                            yield event("end", stopped=ended.stopped, pending=pending(ended.messages))
                        case _:
                            pass
        except v4.DeepSeekV4Error as error:  # of the model; or a ConflictError: another tab has gone on with the chat
            yield event("error", text=str(error))

    @app.get("/")
    def page() -> FileResponse:
        return FileResponse(HERE / "page.html")

    @app.get("/chats/{chat}")
    def show(chat: str) -> dict[str, object]:
        talk, _ = store.load(chat)
        return {"messages": [{"role": each.role, "text": each.content} for each in talk if each.content],
                "pending": pending(talk)}  # fmt: skip

    @app.post("/chats/{chat}")
    def ask(chat: str, question: dict[str, str]) -> StreamingResponse:
        return StreamingResponse(answer(chat, question["text"], {}), media_type="text/event-stream")

    @app.post("/chats/{chat}/decisions")
    def decide(chat: str, decisions: dict[str, bool | str]) -> StreamingResponse:
        return StreamingResponse(answer(chat, None, decisions), media_type="text/event-stream")

    return app


def app() -> FastAPI:
    """The application by the profile of the examples, with a file next to this one."""
    client = v4.AsyncDeepSeekV4.from_profile(path=HERE.parent / "deepseek_v4.toml")
    return make_app(client, ConversationStore(os.environ.get("CHATS", f"sqlite:///{HERE / 'chats.db'}")))
