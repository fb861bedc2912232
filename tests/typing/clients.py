"""HTTP clients that users bring: those of httpx and httpx2, and one of their own of the same shape."""

from __future__ import annotations

import httpx
import httpx2

from deepseek_v4_sdk import AsyncDeepSeekV4, AsyncHttpClient, ClientArguments, DeepSeekV4, HttpClient


class Own:
    def build_request(self, method: str, url: str, **options: object) -> object:
        return method, url, options

    def send(self, request: object, **options: object) -> object:
        return request, options


def brought() -> None:
    clients: list[HttpClient] = [httpx.Client(), httpx2.Client(), Own()]
    awaited: list[AsyncHttpClient] = [httpx.AsyncClient(), httpx2.AsyncClient()]
    DeepSeekV4("vllm", base_url="http://localhost:8000", http_client=clients[0])
    AsyncDeepSeekV4("vllm", base_url="http://localhost:8000", http_client=awaited[0])
    arguments: ClientArguments = {"base_url": "http://localhost:8000", "http_client": httpx.Client()}
    DeepSeekV4("vllm", fallback=["deepseek", arguments, DeepSeekV4("mock"), AsyncDeepSeekV4("mock")])


def wrong() -> None:
    DeepSeekV4("vllm", http_client="httpx")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    DeepSeekV4("vllm", http_client=httpx.Request("GET", "/"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    blocking: AsyncHttpClient = httpx.Client()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    del blocking
