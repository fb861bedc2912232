"""The servers that gateway.py measures, each in a separate process: a bare relay, and the gateway.

The relay passes bytes on: starlette and uvicorn towards the callers, aiohttp towards the server.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
from typing import Any

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from deepseek_v4_sdk import AsyncDeepSeekV4
from deepseek_v4_sdk.gateway import Gateway


def relay(upstream: str) -> Any:
    """A relay that passes bytes on."""
    session: list[aiohttp.ClientSession] = []

    async def answer(request: Request) -> StreamingResponse:
        if not session:
            session.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        body = await request.body()
        given = await session[0].post(
            f"{upstream}/v1/chat/completions", data=body, headers={"content-type": "application/json"}
        )

        async def blocks() -> Any:
            async with given:
                async for block in given.content.iter_any():
                    yield block

        return StreamingResponse(blocks(), media_type="text/event-stream")

    return Starlette(
        routes=[Route(path, answer, methods=["POST"]) for path in ("/v1/chat/completions", "/v1/messages")]
    )


def gateway(upstream: str, transport: Any) -> Gateway:
    """The gateway with its default options."""
    return Gateway(AsyncDeepSeekV4("vllm", base_url=upstream, model="m", transport=transport))


async def serve(name: str, upstream: str) -> None:
    """Serve on a free port of this machine, and print it."""
    app = relay(upstream) if name == "relay" else gateway(upstream, "aiohttp" if name == "gateway-aiohttp" else "httpx")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    config = uvicorn.Config(app, lifespan="off", log_level="critical", access_log=False, http="h11")
    print(listener.getsockname()[1], flush=True)
    await uvicorn.Server(config).serve([listener])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=["relay", "gateway", "gateway-aiohttp"])
    parser.add_argument("upstream")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.name, arguments.upstream))
