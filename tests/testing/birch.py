"""A provider of somebody's own, and the recordings of its server."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from deepseek_v4_sdk import DeepSeekV4, DeepSeekV4Error
from deepseek_v4_sdk.providers import (
    COMMON_OPTIONS,
    ChatCompletions,
    ProviderData,
    Refused,
    Renderer,
    as_key,
)
from deepseek_v4_sdk.testing import MockProvider, RecordedExchange, Recorder, read_cassette, script

if TYPE_CHECKING:
    from pathlib import Path


TOOL = {"name": "get_price", "parameters": {"type": "object", "properties": {"article": {"type": "string"}}}}


def _mind(**switch: object) -> dict[str, Any]:
    return {"chat_template_kwargs": switch}


DATA = ProviderData(
    name="birch",
    thinking={"off": _mind(thinking=False), "high": _mind(thinking=True), "max": _mind(thinking=True, deep=True)},
    reasoning_keys=("reasoning",),
    renderer=Renderer(dialect="recipe"),
    options={**COMMON_OPTIONS, "top_k": as_key("k"), "seed": Refused("Birch draws as it likes; leave it out")},
)
BIRCH = ChatCompletions(DATA)


@cache
def recorded(folder: Path) -> tuple[RecordedExchange, ...]:
    """What a server of Birch answers: each part of an answer once, with streamed and plain forms of one question."""
    think, look = script.think("Tea, then."), script.tool_call("get_price", article="tea")
    tells = think + script.text("It is a leaf, dried and steeped in hot water for some minutes.")
    counts = script.turn(script.text("One, two"), finish_reason="length")
    mock = MockProvider(tells, tells, think + look, counts, script.error(429, "Slow down"), count_tokens=False)
    served: Any = ChatCompletions(DATA)
    served.transport = mock.transport
    recorder = Recorder(served, path=folder / "birch.jsonl")
    with DeepSeekV4(recorder, max_retries=0) as client:
        client.models()
        client.chat("What is tea?")
        client.chat("What is tea?", wire="plain")
        client.chat("What does it cost?", tools=[TOOL])
        client.chat("Count.", max_tokens=2)
        with contextlib.suppress(DeepSeekV4Error):
            client.chat("Once more.")
    return tuple(read_cassette(recorder.path))


def with_data(**changes: Any) -> ChatCompletions:
    """Birch with other data."""
    return ChatCompletions(replace(DATA, **changes))


def with_options(**rules: Any) -> ChatCompletions:
    """Birch with other rules for options."""
    return with_data(options={**DATA.options, **rules})
