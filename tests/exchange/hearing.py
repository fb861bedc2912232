"""What a user hears of a scripted answer: its events, and the reply or the error, by both clients."""

from __future__ import annotations

from typing import Any

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4
from deepseek_v4_sdk.testing import MockProvider
from tests.support import replay
from tests.support.replay import MODEL, Mode, Outcome

__all__ = ["TOOLS", "hear", "kinds", "listen", "spoken"]

TOOLS = [
    {"name": name, "parameters": {"type": "object", "properties": {}}} for name in ("get_weather", "now", "write_file")
]


def hear(*steps: Any, mode: Mode = "sync", flavor: str = "vllm", **options: Any) -> Outcome:
    """Ask a new mock, and take all events."""
    return listen(MockProvider(*steps, flavor=flavor), mode, **options)


def listen(mock: MockProvider, mode: Mode = "sync", **options: Any) -> Outcome:
    """Ask a mock, and take all events."""
    kind = DeepSeekV4 if mode == "sync" else AsyncDeepSeekV4
    headers = {"x-request-id": "r-1"}  # vLLM makes the id of its answer of it
    return replay.hear(kind(mock, model=MODEL), {"tools": TOOLS, "extra_headers": headers, **options})


def spoken(outcome: Outcome, kind: str) -> str:
    """The joined texts of all events of a kind."""
    return "".join(getattr(event, "text", "") for event in outcome.events if event.type == f"{kind}_delta")


def kinds(outcome: Outcome) -> list[str]:
    """The kinds of the events, each run of one kind once."""
    found: list[str] = []
    for event in outcome.events:
        kind = event.type.removesuffix("_delta")
        if found[-1:] != [kind]:
            found.append(kind)
    return found
