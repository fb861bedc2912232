"""Combinations that a server refuses or misreads: found before anything is sent, with the place and the remedy."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk.errors import InvalidRequestError
from tests.providers.encoding import body_of

TOOLS = [{"name": "f"}]
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def schema(**parts: Any) -> dict[str, Any]:
    """A response format with a schema."""
    return {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, **parts}}


def refusal(provider: str, options: dict[str, Any], messages: object = "Say something") -> str:
    """Why the request is refused."""
    with pytest.raises(InvalidRequestError) as caught:
        body_of(provider, messages, **options)
    assert type(caught.value) is InvalidRequestError
    assert str(caught.value).startswith(f"{provider}: ")
    return str(caught.value)


REFUSED = [
    ("vllm", {"temperature": 2.01}, "temperature is 2.01: it goes up to 2 here"),
    ("vllm", {"temperature": 10**300}, "it goes up to 2 here"),
    ("vllm", {"stop": list("abcde")}, "stop has 5 texts: at most 4 here"),
    ("sglang", {"stop": [str(number) for number in range(33)]}, "stop has 33 texts: at most 32 here"),
    *(("vllm", {"cache_salt": f"a{bad}b"}, "none of @ / \\ NUL") for bad in "@/\\\0"),
    ("vllm", {"cache_salt": "x" * 129}, "at most 128 characters"),
    ("sglang", {"response_format": {"type": "json_object"}}, "needs the word 'json' somewhere in the messages"),
    *(
        (provider, {"response_format": given}, text)
        for provider in ("vllm", "sglang")
        for given, text in (
            ({"type": "yaml"}, "response_format.type is 'yaml': one of text, json_object, json_schema, structural_tag"),
            ({}, "response_format.type is None: one of text"),
            ({"type": ["json_object"]}, "response_format.type is ['json_object']: one of text"),
            ({"type": {}}, "response_format.type is {}: one of text"),
            ({"type": "json_schema"}, "response_format.json_schema.schema is missing: give {'name'"),
            ({"type": "json_schema", "json_schema": 5}, "response_format.json_schema.schema is missing"),
            ({"type": "json_schema", "schema": SCHEMA}, "response_format.json_schema.schema is missing"),
            ({"type": "json_schema", "json_schema": {"schema": SCHEMA}}, "json_schema.name is missing: give {'name'"),
            (schema(name=3), "json_schema.name is missing"),
        )
    ),
    *(
        (provider, {"tools": TOOLS, "tool_choice": choice, "response_format": given}, f"tool_choice={choice!r} leaves")
        for provider in ("vllm", "sglang")
        for choice in ("required", "f")
        for given in ({"type": "json_object"}, schema())
    ),
    ("sglang", {"response_format": schema(strict="yes")}, "json_schema.strict is 'yes': give True or False"),
    ("sglang", {"response_format": schema(strict=True, schema={"type": "array"})}, "an object with at least one prop"),
    ("sglang", {"response_format": schema(strict=True, schema={"type": "object"})}, "at the top of its schema"),
]


@pytest.mark.parametrize(("provider", "options", "text"), REFUSED)
def test_a_combination_is_refused_with_the_reason(provider: str, options: dict[str, Any], text: str) -> None:
    assert text in refusal(provider, options)


ACCEPTED = [
    ("vllm", {"temperature": 2}),
    ("sglang", {"temperature": 2.01}),
    ("vllm", {"stop": list("abcd")}),
    ("sglang", {"stop": [str(number) for number in range(32)]}),
    ("vllm", {"cache_salt": "x" * 128}),
    ("vllm", {"response_format": {"type": "json_object"}}),
    ("vllm", {"response_format": schema(strict=True, schema={"type": "array"})}),
    ("sglang", {"response_format": schema(strict=False, schema={"type": "array"})}),
    ("sglang", {"response_format": schema(strict=True)}),
    ("sglang", {"response_format": {"type": "structural_tag", "format": {}}}),
    ("sglang", {"tools": TOOLS, "tool_choice": "required", "response_format": {"type": "text"}}),
    ("vllm", {"tools": TOOLS, "tool_choice": "auto", "response_format": schema()}),
    ("vllm", {"tools": TOOLS, "tool_choice": "none", "response_format": schema()}),
]


@pytest.mark.parametrize(("provider", "options"), ACCEPTED)
def test_what_stands_at_the_edge_is_sent(provider: str, options: dict[str, Any]) -> None:
    body = body_of(provider, "Say something", **options)
    for name in options.keys() - {"tools", "tool_choice"}:
        assert body[name] == options[name]


@pytest.mark.parametrize("text", ["Answer as JSON.", "a Json object", "json"])
def test_json_may_be_asked_for_in_any_case_and_anywhere(text: str) -> None:
    messages = [{"role": "system", "content": text}, {"role": "user", "content": "Go"}]
    assert body_of("sglang", messages, response_format={"type": "json_object"})["messages"] == messages


@pytest.mark.parametrize("provider", ["vllm", "sglang"])
def test_a_lone_surrogate_is_refused_and_not_sent_as_something_else(provider: str) -> None:
    with pytest.raises(InvalidRequestError, match="messages holds half a surrogate pair") as caught:
        body_of(provider, "a secret \ud800 text")
    assert "secret" not in str(caught.value)
