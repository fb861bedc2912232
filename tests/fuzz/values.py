"""What the fuzzers feed: arbitrary JSON, and JSON that is nearly an answer, an error or a message."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck
from hypothesis import strategies as st

from tests.support.profiles import examples

__all__ = ["HEADERS", "JSON", "KEYS", "MESSAGES", "SOME", "TOML", "body_like", "event_like"]

SOME = examples(
    25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
)
"""Few in the suite; `make fuzz` tries 20,000."""
NUMBERS = (
    st.integers()
    | st.floats()
    | st.sampled_from([10**400, -(10**400), 2**53, -1, 0, 200, 429, 503, "400", "9" * 5_000])
)
TEXTS = st.text(max_size=30) | st.sampled_from(
    [
        "stop", "length", "tool_calls", "abort", "</think>", "<think>", "assistant", "user", "tool", "error", "f",
        "<｜DSML｜tool_calls>", '<｜DSML｜invoke name="f">', "{", '{"a": 1}', "ResourceExhausted", "data: x",
        "maximum context length is " + "9" * 5_000, "end of life on 2026-02-30", "function",
    ]
)  # fmt: skip
KEYS = st.sampled_from(
    [
        "id", "model", "choices", "usage", "error", "code", "status", "type", "message", "detail", "title", "object",
        "delta", "content", "reasoning", "reasoning_content", "tool_calls", "function", "name", "arguments", "index",
        "finish_reason", "stop_reason", "logprobs", "prompt_tokens", "completion_tokens", "completion_tokens_details",
        "reasoning_tokens", "other_choices", "annotations", "role", "tool_call_id", "input", "data", "max_model_len",
    ]
)  # fmt: skip
LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS
JSON: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)


def nearly(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with these fields, some left out and some of another kind, and others beside them."""
    return st.fixed_dictionaries({}, optional={name: value | JSON for name, value in fields.items()}).flatmap(
        lambda known: st.dictionaries(KEYS, JSON, max_size=2).map(lambda more: {**more, **known})
    )


CALLS = st.lists(
    nearly(index=NUMBERS, id=TEXTS, function=nearly(name=TEXTS, arguments=TEXTS | JSON)) | JSON, max_size=3
)
DELTA = nearly(role=TEXTS, content=TEXTS, reasoning=TEXTS, reasoning_content=TEXTS, tool_calls=CALLS)
CHOICE = nearly(index=st.sampled_from([0, 1, None]), delta=DELTA, message=DELTA, finish_reason=TEXTS, logprobs=JSON)
USAGE = nearly(prompt_tokens=NUMBERS, completion_tokens=NUMBERS, total_tokens=NUMBERS, completion_tokens_details=JSON)
event_like = nearly(id=TEXTS, model=TEXTS, choices=st.lists(CHOICE, max_size=2), usage=USAGE) | JSON
body_like = (
    nearly(error=nearly(message=TEXTS, type=TEXTS, code=NUMBERS | TEXTS) | TEXTS)
    | nearly(object=st.just("error"), message=TEXTS, code=NUMBERS, detail=JSON, title=TEXTS, status=NUMBERS)
    | JSON
)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "x-request-id", "location", "content-type", "nvcf-reqid", "content-length"]),
    st.text(max_size=40) | st.sampled_from(["7", "-1", "1e999", "nan", "Wed, 21 Oct 2015 07:28:00 +9999999999999999"]),
    max_size=4,
)
ROLES = st.sampled_from(["user", "assistant", "system", "tool", "developer", "latest_reminder", "robot"])
MESSAGE = nearly(role=ROLES, content=TEXTS | JSON, tool_calls=CALLS, tool_call_id=TEXTS, reasoning=TEXTS, name=TEXTS)
MESSAGES = MESSAGE | st.lists(MESSAGE | JSON, max_size=5) | JSON
PLAIN_TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\"'\\"), max_size=20)
TOML = st.recursive(
    PLAIN_TEXT | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["vllm", "mock", "nim", "http://localhost:8000", "high", "key-123456"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "a_b", "x"]), inner),
    max_leaves=8,
)  # fmt: skip
