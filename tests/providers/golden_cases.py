"""The cases of the golden bodies: every option of a chat alone, some together, in each of sixteen frames."""

from __future__ import annotations

from itertools import product
from typing import Any, Final

PROMPT: Final = "Give JSON."
MODEL: Final = "deepseek-ai/DeepSeek-V4-Pro"
TOOLS: Final = (
    {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
    {"name": "now"},
)
SCHEMA: Final = {"type": "object", "properties": {"a": {"type": "integer"}}}

FRAMES: Final[dict[str, dict[str, Any]]] = {
    f"{thinking}, {wire}, {tools}": {
        "model": MODEL,
        "thinking": thinking,
        "wire": wire,
        **({"tools": TOOLS} if tools == "tools" else {}),
    }
    for thinking, wire, tools in product(("off", "low", "high", "max"), ("stream", "plain"), ("no tools", "tools"))
}
"""Thinking level, wire and tools in all combinations: each case is encoded in each of them."""

GROUPINGS: Final = ((), (2,), (1,), (1, 2), (0,), (0, 2), (0, 1, 2))
"""The ways in which a case may depend on its frame, from "not at all" to "on everything"."""

LOCAL: Final = ("continue_from", "spend", "until_done", "window")
"""The options that no server is sent: the client keeps to them."""

IN_FRAMES: Final = ("thinking", "wire")
"""The options that the frames themselves try."""

OPTIONS: Final[dict[str, tuple[Any, ...]]] = {
    "model": ("other-model",),
    "tools": ([], [{"type": "function", "function": {"name": "f", "strict": True}}]),
    "tool_choice": (
        "auto",
        "none",
        "required",
        "now",
        {"type": "function", "function": {"name": "get_weather"}},
        "absent",
    ),
    "parallel_tool_calls": (True, False),
    "max_tokens": (100,),
    "max_reasoning_tokens": (100,),
    "temperature": (0, 1.5, 2.5),
    "top_p": (0.9,),
    "top_k": (-1, 0, 40),
    "min_p": (0.1,),
    "presence_penalty": (-0.5,),
    "frequency_penalty": (0.5,),
    "stop": ("END", ["a", "b"], ["a", "b", "c", "d", "e"], [str(number) for number in range(33)]),
    "seed": (7,),
    "response_format": (
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}},
        {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "array"}, "strict": True}},
        {"type": "json_schema", "json_schema": {"name": "n"}},
        {"type": "xml"},
    ),
    "logprobs": (True, False, 5),
    "priority": (3, 0, -3),
    "cache_salt": ("tenant-1", "a@b", "x" * 129),
    "user": ("user-1",),
    "timeout": (30.0,),
    "metadata": ({"note": "local"},),
    "overflow": ("raise",),
    "dsml": ("auto", "off"),
    "control_tokens": ("send", "mark"),
    "on_unsupported": ("nearest",),
    "on_interrupt": ("raise",),
    "extra_body": (
        {"new_field": {"a": [1]}},
        {"chat_template_kwargs": {"drop_thinking": False}},
        {"temperature": 0.1},
    ),
    "extra_headers": ({"x-trace": "1"},),
}
"""The values that each option is tried with."""

TOGETHER: Final[dict[str, dict[str, Any]]] = {
    "sampling": {"temperature": 0.7, "top_p": 0.8, "top_k": 20, "min_p": 0.05, "seed": 1, "max_tokens": 10},
    "a forced call and a format": {"tool_choice": "required", "response_format": {"type": "json_object"}},
    "a free call and a format": {"tool_choice": "auto", "response_format": {"type": "json_object"}},
    "an option and the same in extra_body": {"max_tokens": 10, "extra_body": {"max_tokens": 20}},
}
"""Options that meet."""
