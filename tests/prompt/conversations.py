"""Conversations for property tests: what people send, and what nobody should."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

Message = dict[str, Any]

_SPELLINGS = (
    "<think>",
    "</think>",
    "<｜User｜>",
    "<｜end▁of▁sentence｜>",
    "｜DSML｜",
    "<｜DSML｜tool_calls>",
    "<tool_result>",
)
texts = st.one_of(
    st.sampled_from(
        ("", " ", "\n", "\n\nx", "end.", "json", "你好, мир", "a" * 40, "1234567", "<", "<｜", *_SPELLINGS)
    ),
    st.text(max_size=12),
)
contents = st.one_of(texts, st.lists(texts, min_size=1, max_size=3).map(lambda parts: [_part(part) for part in parts]))
ids = st.sampled_from(("a", "b", "c1", "id9", "id10", "Z", "call_00_x", "call_01_a", "é", "zz"))
names = st.sampled_from(("f", "get_weather", "no-args", "X_1"))

_numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from((1e-5, 3.25e-5, -1e-7, 1e15, 1e16, 1.5e-6, 123456789012345680.0, 5e-324, 0.1, -0.0)),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), _numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
objects = st.dictionaries(texts, values, max_size=4)
arguments = st.one_of(
    objects.map(lambda value: json.dumps(value, ensure_ascii=False)),
    objects.map(lambda value: json.dumps(value, separators=(",", ":"))),
    st.just("{}"),
)
odd_arguments = st.sampled_from(
    (
        "",
        "[1]",
        "{no",
        "null",
        '{"a": NaN}',
        '{"a": 1e400}',
        '{"a": "\\ud800"}',
        '{"a": -0}',
        '{"a": 1} x',
        '{"a":1,"a":2}',
    )
)


def _part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


@st.composite
def calls(draw: st.DrawFn) -> list[Message]:
    chosen = draw(st.lists(ids, min_size=1, max_size=4, unique=True))
    return [
        {
            "id": call_id,
            "type": "function",
            "function": {"name": draw(names), "arguments": draw(st.one_of(arguments, odd_arguments))},
        }
        for call_id in chosen
    ]


@st.composite
def turns(draw: st.DrawFn) -> list[Message]:
    """A message, or a turn with calls and their results in any order."""
    role = draw(st.sampled_from(("system", "user", "user", "assistant", "tools", "latest_reminder", "developer")))
    if role in {"assistant", "tools"}:
        message: Message = {"role": "assistant", "content": draw(contents)}
        if draw(st.booleans()):
            message["reasoning_content"] = draw(texts)
        if role == "assistant":
            return [message]
        message["tool_calls"] = draw(calls())
        answered = draw(st.permutations(message["tool_calls"]))
        return [
            message,
            *({"role": "tool", "tool_call_id": call["id"], "content": draw(contents)} for call in answered),
        ]
    if role == "latest_reminder":  # the vendor's own request takes a text alone here
        return [{"role": role, "content": draw(texts)}]
    return [{"role": role, "content": draw(contents)}]


conversations = st.lists(turns(), min_size=1, max_size=7).map(lambda found: [each for turn in found for each in turn])


@st.composite
def broken_conversations(draw: st.DrawFn) -> list[Message]:
    """A conversation that lost a message, or has one twice, so that calls and results may not match."""
    messages = draw(conversations)
    place = draw(st.integers(0, len(messages) - 1))
    again = draw(st.integers(0, len(messages)))
    return (
        [*messages[:again], messages[place], *messages[again:]]
        if draw(st.booleans())
        else (messages[:place] + messages[place + 1 :] or messages)
    )


@st.composite
def tool_lists(draw: st.DrawFn) -> list[Message]:
    chosen = draw(st.lists(names, max_size=3, unique=True))
    return [{"type": "function", "function": draw(_functions(name))} for name in chosen]


@st.composite
def _functions(draw: st.DrawFn, name: str) -> Message:
    function: Message = {"name": name}
    if draw(st.booleans()):
        function["description"] = draw(texts)
    if draw(st.booleans()):
        function["parameters"] = {"type": "object", "properties": {"a": {"type": "string"}}, "x-note": draw(values)}
    return function
