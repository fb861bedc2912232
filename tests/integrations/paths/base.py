"""One way from a framework to a server: the server, the model, and whether our adapter is in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from deepseek_v4_sdk import AsyncDeepSeekV4
from tests.integrations.model import MODELS

__all__ = ["RAN", "Joke", "Way", "weather"]

RAN: list[str] = []
"""The calls that ran."""


class Joke(BaseModel):
    """A joke."""

    setup: str
    punchline: str


def weather(city: str) -> str:
    """The weather of a city."""
    RAN.append(city)
    return f"rain in {city}"


_TEMPLATE = {"thinking": True, "reasoning_effort": "max"}
# How each server is told to think as hard as it can, where a framework has no word for it.
_MAX: dict[str, dict[str, Any]] = {
    "vllm": {"chat_template_kwargs": {**_TEMPLATE, "enable_thinking": True}},
    "sglang": {"chat_template_kwargs": _TEMPLATE},
    "deepseek": {"thinking": {"type": "enabled"}, "reasoning_effort": "max"},
    "nvidia": {"chat_template_kwargs": _TEMPLATE},
    "nim": {"chat_template_kwargs": {**_TEMPLATE, "enable_thinking": True}},
    "dynamo": {"chat_template_kwargs": _TEMPLATE},
}


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to a server.

    Attributes:
        flavor: The server.
        url: Its address.
        ours: Whether our adapter is in between.
        key: The key of the server.
        named: The name of the model; None for that of the mock.
    """

    flavor: str
    url: str
    ours: bool
    key: str = "k"
    named: str | None = None

    @property
    def model(self) -> str:
        """The name of the model."""
        return self.named or MODELS[self.flavor]

    @property
    def hardest(self) -> dict[str, Any]:
        """The fields of a body that make this server think at its highest level."""
        return _MAX[self.flavor]

    def client(self) -> AsyncDeepSeekV4:
        """A client of ours."""
        return AsyncDeepSeekV4(self.flavor, base_url=self.url, api_key=self.key, model=self.model, max_retries=0)

    def openai_client(self) -> Any:
        """A client of OpenAI's package."""
        from openai import AsyncOpenAI

        return AsyncOpenAI(base_url=f"{self.url}/v1", api_key=self.key, max_retries=0)
