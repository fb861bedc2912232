"""The vendor's own encoder: what it says of a body, and how it streams what a model writes."""

from __future__ import annotations

import json
from typing import Any

import deepseek_recipe as recipe
import pytest

from deepseek_v4_sdk.providers import find_provider
from tests.providers.hosted import encoded

STRICT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
USER = {"role": "user", "content": "Give JSON."}


def calls(*ids: str) -> list[dict[str, Any]]:
    """Tool calls with these ids."""
    function = {"name": "get_weather", "arguments": '{"city": "x"}'}
    return [{"id": name, "type": "function", "function": function} for name in ids]


def results(*ids: str) -> list[dict[str, Any]]:
    """Their results."""
    return [{"role": "tool", "content": f"for {name}", "tool_call_id": name} for name in ids]


CALLS, RESULTS = calls("z", "a"), results("a", "z")


def options() -> Any:
    """The validator, as strict as the API is."""
    made = recipe.ConversionOptions().with_reasoning_content_behavior(recipe.ReasoningContentBehavior.Reject)
    made = made.with_model_alias("deepseek-v4-pro", recipe.ModelVersion.DeepseekV4Pro)
    return made.with_model_alias("deepseek-flash", recipe.ModelVersion.DeepseekV41Flash)


def convert(body: dict[str, Any]) -> Any:
    """The body as the vendor's encoder reads it; what it refuses fails the test."""
    return recipe.ChatCompletionRequest(body).convert(options())


def refused(body: dict[str, Any]) -> tuple[int, bytes]:
    """How the vendor's encoder refuses a body."""
    with pytest.raises(recipe.ConversionError) as raised:
        convert(body)
    error: Any = raised.value
    return error.status_code, error.body.encode()


def sent(messages: Any, **given: Any) -> dict[str, Any]:
    """The body that goes out."""
    body: dict[str, Any] = json.loads(encoded(find_provider("deepseek"), messages, **given).call.body or b"")
    return body


def streamed(said: str, size: int, body: dict[str, Any], *, finish: str = "Stop") -> list[str]:
    """The events in which the vendor's generator streams what a model says, in pieces of that size."""
    request = convert(body)
    generator = recipe.ChatCompletionRequest.chunk_generator(request, "reply-1", "deepseek-v4-pro")
    processor = recipe.StreamProcessor(generator, request.parsing_options)
    usage = recipe.PromptUsage(prompt_tokens=10, prompt_cache_hit_tokens=4)
    chunks = processor.push(recipe.InferenceChunk.ready(prompt_usage=usage))
    for place in range(0, len(said), size):
        chunks += processor.push(recipe.InferenceChunk.text(said[place : place + size], 1))
    chunks += processor.push(recipe.InferenceChunk.finish(getattr(recipe.InferenceFinishReason, finish)))
    return [f"data: {chunk.to_json()}\n\n" for chunk in [*chunks, *processor.finish()]]
