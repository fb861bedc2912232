"""What each recorded server made of a request: its body as arguments of `render_prompt`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.recorded import Recording

_VLLM_LEVELS = {"none": "off", "minimal": "low", "low": "low", "medium": "low", "max": "max"}
_SGLANG_LEVELS = {"none": "off", "minimal": "low", "low": "low", "ultra": "max", "max": "max"}
_THINKING_BY_DEFAULT = {"cache_report", "queue_full"}  # so was the SGLang started that recorded these


def vllm_arguments(recording: Recording) -> dict[str, Any]:
    """By vLLM 0.32: thinking is on unless it is switched off, and response formats stay out of the prompt."""
    body = _body(recording)
    kwargs = dict(body.get("chat_template_kwargs") or {})
    effort = body.get("reasoning_effort")
    if effort is not None:
        kwargs["reasoning_effort"] = effort
        kwargs.setdefault("enable_thinking", effort != "none")
    switches = [kwargs[name] for name in ("thinking", "enable_thinking") if name in kwargs]
    thinks = any(switches) if switches else True
    level = _VLLM_LEVELS.get(kwargs.get("reasoning_effort", "high"), "high")
    return {
        "messages": body["messages"],
        "tools": body.get("tools"),
        "thinking": level if thinks else "off",
        "drop_thinking": kwargs.get("drop_thinking", True),
        "dialect": "vllm",
    }


def sglang_arguments(recording: Recording) -> dict[str, Any]:
    """By SGLang 0.5.23: thinking is off unless asked for, and forced calls are the grammar's business."""
    body = _body(recording)
    kwargs = dict(body.get("chat_template_kwargs") or {})
    effort = body.get("reasoning_effort")
    if effort is not None:
        kwargs.setdefault("thinking", effort != "none")
    thinks = kwargs.get("thinking", recording.name in _THINKING_BY_DEFAULT)
    level = _SGLANG_LEVELS.get(kwargs.get("reasoning_effort", effort) or "high", "high")
    tools, choice = body.get("tools"), body.get("tool_choice", "auto")
    if isinstance(choice, dict):
        tools = [tool for tool in tools or () if tool["function"]["name"] == choice["function"]["name"]]
    return {
        "messages": body["messages"],
        "tools": tools,
        "thinking": level if thinks else "off",
        "dialect": "recipe",
        "response_format": body.get("response_format"),
        "tool_choice": "none" if choice == "none" else "auto",
    }


def _body(recording: Recording) -> dict[str, Any]:
    assert recording.request_body is not None
    return recording.request_body


ARGUMENTS: dict[str, Callable[[Recording], dict[str, Any]]] = {"vllm": vllm_arguments, "sglang": sglang_arguments}
