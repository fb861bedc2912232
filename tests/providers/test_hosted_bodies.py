"""Which keys leave for which server: closed lists are kept, and what a server refuses is never sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4_sdk.errors import InvalidRequestError, UnsupportedOptionError
from deepseek_v4_sdk.providers.nim import NIM
from tests.providers.encoding import body_of
from tests.providers.golden import cases, frames_for, outcome
from tests.providers.hosted import encoded

BASICS = {
    "model",
    "messages",
    "stream",
    "stream_options",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_tokens",
    "temperature",
    "top_p",
    "stop",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "logprobs",
    "top_logprobs",
    "response_format",
    "user",
}
ALLOWED = {
    "nvidia": {*BASICS, "chat_template_kwargs", "top_k", "min_p", "cache_salt"},
    "dynamo": {*BASICS, "chat_template_kwargs", "top_k", "min_p", "cache_salt", "nvext"},
    "nim": {*BASICS, "chat_template_kwargs", "top_k", "min_p", "cache_salt", "priority"},
    "deepseek": BASICS - {"parallel_tool_calls", "user"} | {"user_id", "thinking", "reasoning_effort"},
}
NEVER = {
    "nvidia": """
        thinking reasoning_effort enable_thinking separate_reasoning include_reasoning reasoning structured_outputs
        user_id priority chat_template documents prefix max_thinking_tokens thinking_budget safety_identifier verbosity
        extra_body prompt_cache_key reasoning_budget client_metadata tool_stream nvext max_completion_tokens metadata
        """,
    "dynamo": """
        enable_thinking separate_reasoning include_reasoning reasoning structured_outputs user_id priority chat_template
        documents prefix max_thinking_tokens thinking_budget safety_identifier verbosity extra_body metadata thinking
        reasoning_effort max_completion_tokens
        """,
    "nim": "nvext guided_json user_id thinking reasoning_effort separate_reasoning max_completion_tokens prefix",
    "deepseek": """
        max_completion_tokens chat_template_kwargs functions user parallel_tool_calls top_k min_p priority cache_salt n
        """,
}
OWN = [name for name in cases() if not name.startswith("extra_body")]


@pytest.mark.parametrize("case", OWN)
@pytest.mark.parametrize("provider", ALLOWED)
def test_only_keys_that_the_server_knows_leave(provider: str, case: str) -> None:
    options = cases()[case]
    for frame in frames_for(options):
        body = outcome(provider, frame, options)
        if "refused" not in body:
            assert body.keys() <= ALLOWED[provider]
            assert not body.keys() & set(NEVER[provider].split())


@pytest.mark.parametrize("provider", ["nvidia", "dynamo"])
def test_messages_have_no_fields_of_other_servers(provider: str) -> None:
    user: dict[str, Any] = {"role": "user", "content": "x"}
    for message in ({"role": "latest_reminder", "content": "x"}, {**user, "prefix": True}, {**user, "prefix": False}):
        with pytest.raises(InvalidRequestError, match=r"messages\[0\]"):
            body_of(provider, [message, user], model="pro")


@pytest.mark.parametrize("provider", ["nvidia", "nim", "dynamo", "deepseek"])
def test_a_developer_becomes_the_system(provider: str) -> None:
    """The role is a 400 at DeepSeek and was a 500 on NVIDIA's endpoints."""
    body = body_of(
        provider, [{"role": "developer", "content": "Be brief"}, {"role": "user", "content": "x"}], model="m"
    )
    assert [message["role"] for message in body["messages"]] == ["system", "user"]


@pytest.mark.parametrize(
    ("provider", "value", "text"),
    [
        ("dynamo", 1_048_577, "max_tokens is 1048577: it goes up to 1048576"),
        ("nvidia", 1_048_577, "max_tokens is 1048577: it goes up to 1048576"),
        ("deepseek", 393_217, "max_tokens is 393217: it goes up to 393216"),
    ],
)
def test_a_limit_is_told_in_full(provider: str, value: int, text: str) -> None:
    with pytest.raises(InvalidRequestError, match=text):
        body_of(provider, model="pro", max_tokens=value)
    assert body_of(provider, model="pro", max_tokens=value - 1)["max_tokens"] == value - 1


def test_nim_1x_has_strict_bodies_and_its_extension_alone() -> None:
    def sent(**options: Any) -> Any:
        return json.loads(encoded(NIM("1.x"), "x", **options).call.body or b"")

    assert sent(top_k=40)["nvext"] == {"top_k": 40}
    assert sent(top_p=0.5).keys() == {"messages", "chat_template_kwargs", "top_p", "stream", "stream_options"}
    for option, value in (("min_p", 0.1), ("priority", 1), ("cache_salt", "a")):
        with pytest.raises(UnsupportedOptionError, match=f"{option}: NIM 1.x refuses the field"):
            sent(**{option: value})
