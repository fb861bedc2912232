"""What a server quotes of the caller decides nothing; what it quotes of another server counts as its own words."""

from __future__ import annotations

import time
from typing import Any

import pytest

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.chat import write_json
from deepseek_v4_sdk.providers import HttpCall, find_provider
from deepseek_v4_sdk.providers.quoted import own_words

CALL = HttpCall("POST", "http://localhost:8000/v1/chat/completions", (), b'{"model": "m"}')


def refused(status: int, body: Any) -> Any:
    """The error that an HTTP answer means."""
    return find_provider("vllm").refusal(status, {}, write_json(body), CALL)


QUOTING = [
    "Invalid value: 'my prompt is too long to read' (param: user)",
    "Input should be 'user' or 'system', got 'the maximum context length'",
    "Unknown role: prompt is too long",
    'Could not render the template: "What is the maximum context length of V4?"',
    "Failed to process the prompt: why does it say maximum context length?",
    'While handling {"messages": [{"content": "Explain: This model\'s maximum context length is 4096 tokens"}]}',
    "Error: 'prompt is too long' is not a valid role",
    "Invalid user message: 'prompt is too long, he said'",
    "Unsupported tool name: exceeds the context window",
    "Bad `stop`: `the maximum context length is 5`",
    "tool call failed for \u201cthe maximum context length\u201d",
    "Value error, got: maximum context length is 17",
    'JSON decode error near "maximum context length is 9 tok',
    "Cannot reach the tool 'no healthy upstream today'",
    "Place error: \"Invalid value: 'the prompt is too long'\"",
]


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize("text", QUOTING)
def test_what_a_server_quotes_decides_nothing(text: str, status: int) -> None:
    error = refused(status, {"error": {"message": text, "code": status}})
    assert type(error) is (errors.BadRequestError if status == 400 else errors.ServerError)
    assert text[:20] in str(error)


@pytest.mark.parametrize("field", ["user", "tools.0.function.name", "stop", "metadata"])
def test_a_refusal_of_another_field_is_not_the_window(field: str) -> None:
    told = {"message": "This value exceeds the context length", "param": field, "code": 400}
    assert type(refused(400, {"error": told})) is errors.BadRequestError
    for length in ("messages", "input_tokens", "max_tokens", "prompt", None):
        assert type(refused(400, {"error": told | {"param": length}})) is errors.ContextLengthExceededError


REPORTED: dict[str, int | None] = {
    "litellm.BadRequestError: Error code: 400 - {'error': {'message': \"This model's maximum context length is 4096 "
    'tokens. However, you requested 5000 tokens (4000 in the messages, 1000 in the completion)."}}': 4096,
    'Place error: "prompt is too long: 210000 tokens > 200000 maximum"': 200_000,
    '{"error": {"message": "This model\'s maximum context length is 8192 tokens", "code": 400}}': 8192,
    'Provider failed: {\\"error\\": {\\"message\\": \\"maximum context length is 512 tokens\\"}}': 512,
    '"This model\'s maximum context length is 8192 tokens"': 8192,
    "Error processing prompt: This model's maximum context length is 8192 tokens.": 8192,
    "Invalid value for max_tokens: 5000 exceeds the maximum context length of 4096": 4096,
    "Invalid 'messages': prompt is too long": None,
    "Unexpected error: prompt is too long": None,
    "BadRequestError('prompt is too long for the window')": None,
}


@pytest.mark.parametrize("text", REPORTED)
def test_what_a_server_quotes_of_another_server_counts(text: str) -> None:
    error = refused(400, {"error": {"message": text, "code": 400}})
    assert type(error) is errors.ContextLengthExceededError
    assert error.limit == REPORTED[text]


@pytest.mark.parametrize("piece", ['"\\"', '"', "' a", "value: ", "unknown a b c d", "error '", "\u201c ", '\\" a'])
def test_a_long_quotation_is_read_at_once(piece: str) -> None:
    started = time.process_time()
    own_words(piece * (50_000 // len(piece)))
    assert time.process_time() - started < 5
