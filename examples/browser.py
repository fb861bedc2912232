"""How do I pass an answer on to a browser while it is being written? Needs fastapi; with uvicorn it serves.

python examples/browser.py
uvicorn --app-dir examples browser:app
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4Error, Finished, ReasoningDelta, TextDelta

client = AsyncDeepSeekV4("mock")  # for the whole application: it holds the connections


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Close the connections with the application."""
    async with client:
        yield


app = FastAPI(lifespan=lifespan)


def event(name: str, data: object) -> str:
    """One server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


async def relay(question: str) -> AsyncIterator[str]:
    """The answer's events. When the browser leaves, this is closed, and the server stops generating."""
    try:
        async with client.stream(question) as stream:
            async for each in stream:
                match each:
                    case ReasoningDelta(text):
                        yield event("reasoning", text)
                    case TextDelta(text):
                        yield event("text", text)
                    case Finished(reply):
                        yield event("end", reply.finish_reason)
                    case _:
                        pass
    except DeepSeekV4Error as error:
        yield event("failed", type(error).__name__)


@app.get("/ask")
async def ask(question: str) -> StreamingResponse:
    """Answer a question as server-sent events."""
    return StreamingResponse(relay(question), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def main() -> None:
    """A browser asks."""
    with TestClient(app) as browser:
        answer = browser.get("/ask", params={"question": "Why do cats purr?"})
    names = [line.removeprefix("event: ") for line in answer.text.splitlines() if line.startswith("event: ")]
    print(f"{answer.headers['content-type']}: {', '.join(dict.fromkeys(names))}")


if __name__ == "__main__":
    main()
