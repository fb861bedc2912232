"""What a server sees of a client: a transport in place of the network that keeps each request; and trust in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.config.file import ProfileFile

if TYPE_CHECKING:
    from pathlib import Path

REFUSAL = b'{"error":"Unauthorized"}'


class Seen:
    """Requests as they would leave; each is answered with 401."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(401, stream=httpx.ByteStream(REFUSAL), headers={"content-type": "application/json"})

    def client(self, provider: Any = "vllm", **arguments: Any) -> DeepSeekV4:
        """A client whose requests end here."""
        arguments.setdefault("base_url", "http://localhost:8000")
        return DeepSeekV4(provider, http_client=httpx.Client(transport=httpx.MockTransport(self._answer)), **arguments)

    @property
    def key(self) -> str | None:
        """The key that came with the last request."""
        value: str | None = self.requests[-1].headers.get("authorization")
        return None if value is None else value.removeprefix("Bearer ")


def key_sent(provider: Any = "vllm", **arguments: Any) -> str | None:
    """The key that a client sends."""
    seen = Seen()
    with seen.client(provider, **arguments) as client:
        client.health()
    return seen.key


def trust(file: Path) -> None:
    """Trust a file that is found, as `deepseek-v4 config trust` does."""
    ProfileFile.read_to_trust(file).trust()
