"""The wire of vLLM 0.33 from the server's side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deepseek_v4_sdk.testing.flavors.base import DONE, Spoken, Token, speak, sse
from deepseek_v4_sdk.testing.markup import OutputParser

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.prompt import Dialect
    from deepseek_v4_sdk.testing.script import Turn

__all__ = ["FLAVOR"]

_CREATED = 1_795_280_709
_FINGERPRINT = "vllm-0.33.0-mock"
_MODEL = "deepseek-ai/DeepSeek-V4-Pro"


class _VLLM:
    name = "vllm"
    chat_paths: tuple[str, ...] = ("/v1/chat/completions",)

    dialect: Dialect = "vllm"
    count_paths: tuple[str, ...] = ("/tokenize",)
    parser = OutputParser(("tool_calls", "toolcalls", "tool"), "drop", bare=True, keeps_breaks=True)

    def thinking(self, body: dict[str, JsonValue]) -> str:
        """Thinking is on by default; the two switches are ORed; a top-level effort adds one of them."""
        given = body.get("chat_template_kwargs")
        kwargs = dict(given) if isinstance(given, dict) else {}
        effort = body.get("reasoning_effort")
        if effort is not None:
            kwargs["reasoning_effort"] = effort
            kwargs.setdefault("enable_thinking", effort != "none")
        wanted = kwargs.get("reasoning_effort")
        switches = [kwargs[key] for key in ("thinking", "enable_thinking") if key in kwargs]
        if wanted == "none" or (switches and not any(switches)):
            return "off"
        return "low" if wanted in {"minimal", "low", "medium"} else "max" if wanted == "max" else "high"

    def stream(self, turn: Turn, body: dict[str, JsonValue], number: int, prompt: int) -> Iterator[bytes]:
        """Role, deltas, finish, usage if asked for, end."""
        spoken = speak(turn, body, prompt, one_call=True)
        frame = self._frame(body, number, "chat.completion.chunk")

        def chunk(delta: JsonValue, **choice: JsonValue) -> bytes:
            fields: dict[str, JsonValue] = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
            return sse({**frame, "choices": [{**fields, **choice}], "kv_transfer_params": None})

        yield sse(
            {
                **frame,
                "choices": [
                    {
                        "index": 0,
                        "delta": {"role": "assistant", "content": ""},
                        "logprobs": None,
                        "finish_reason": None,
                    }
                ],
                "prompt_token_ids": None,
                "prompt_text": None,
            }
        )
        for token in spoken.tokens:
            yield chunk(_delta(token, number), token_ids=None)
        yield chunk(
            {},
            finish_reason=_finish(spoken, body),
            stop_reason=None,
            token_ids=None,
            weight_versions=None,
        )
        options = body.get("stream_options")
        if isinstance(options, dict) and options.get("include_usage"):
            usage = _usage(spoken)
            yield sse({**frame, "choices": [], "usage": usage, "system_fingerprint": _FINGERPRINT})
        yield DONE

    def plain(self, turn: Turn, body: dict[str, JsonValue], number: int, prompt: int) -> JsonValue:
        """Everything written out, nulls too; `tool_calls` alone is absent when there are none."""
        spoken = speak(turn, body, prompt, one_call=True)
        cut = spoken.finish_reason == "length"
        message: dict[str, JsonValue] = {
            "role": "assistant",
            "content": spoken.text or None,
            "refusal": None,
            "annotations": None,
            "audio": None,
            "function_call": None,
            "reasoning": spoken.reasoning or None,
        }
        if spoken.calls:
            last = len(spoken.calls) - 1
            message["tool_calls"] = [
                {
                    "id": _call_id(number, index),
                    "type": "function",
                    # a call that was cut reads like one without arguments
                    "function": {"name": name, "arguments": "{}" if cut and index == last else arguments},
                }
                for index, (name, arguments) in enumerate(spoken.calls)
            ]
        choice: dict[str, JsonValue] = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": _finish(spoken, body),
            "stop_reason": None,
            "token_ids": None,
            "routed_experts": None,
            "weight_versions": None,
        }
        return {
            **self._frame(body, number, "chat.completion"),
            "choices": [choice],
            "service_tier": None,
            "system_fingerprint": _FINGERPRINT,
            "usage": _usage(spoken),
            "prompt_logprobs": None,
            "prompt_token_ids": None,
            "prompt_text": None,
            "kv_transfer_params": None,
            "ec_transfer_params": None,
            "metrics": None,
        }

    def error(self, status: int, message: str) -> JsonValue:
        """Nested, with the status as code; a wrong key is a plain text."""
        if status == 401:
            return {"error": "Unauthorized"}
        kinds = {400: "BadRequestError", 404: "NotFoundError", 503: "Service Unavailable"}
        kind = kinds.get(status, "InternalServerError")
        return {"error": {"message": message, "type": kind, "param": None, "code": status}}

    def too_long(self, window: int, prompt: int, answer: int) -> str | None:
        """A prompt beyond the window is refused, and so is an answer; both together are cut."""
        if prompt >= window:
            return (
                f"This model's maximum context length is {window} tokens. However, your prompt contains at least "
                f"{window + 1} input tokens, which exceeds this limit even without any output tokens. Please reduce "
                f"the length of the input prompt. (parameter=input_tokens, value={window + 1})"
            )
        if answer > window:
            return (
                f"max_tokens={answer} cannot be greater than max_model_len={window}. Please request fewer output "
                f"tokens. (parameter=max_tokens, value={answer})"
            )
        return None

    def error_event(self, status: int, message: str) -> bytes:
        """The same shape as over HTTP; a status that is no error of the engine's own keeps its code."""
        return sse({"error": {"message": message, "type": "InternalServerError", "param": None, "code": status}})

    def refuse(self, body: dict[str, JsonValue]) -> None:
        """Unknown fields are passed over."""

    def read(self, path: str, window: int) -> JsonValue:
        """Health, version and models."""
        if path in {"/health", "/ping"}:
            return ""
        if path == "/version":
            return {"version": "0.33.0"}
        if path != "/v1/models":
            return None
        return {
            "object": "list",
            "data": [
                {
                    "id": _MODEL,
                    "object": "model",
                    "created": _CREATED,
                    "owned_by": "vllm",
                    "root": _MODEL,
                    "parent": None,
                    "max_model_len": window,
                    "permission": [],
                }
            ],
        }

    def _frame(self, body: dict[str, JsonValue], number: int, kind: str) -> dict[str, JsonValue]:
        return {
            "id": f"chatcmpl-{number:016x}",
            "object": kind,
            "created": _CREATED,
            "model": body.get("model") or _MODEL,
        }


def _call_id(number: int, index: int) -> str:
    return f"chatcmpl-tool-{number:012x}{index:04x}"


def _delta(token: Token, number: int) -> JsonValue:
    if token.kind == "reasoning":
        return {"reasoning": token.text}
    if token.kind == "text":
        return {"content": token.text}
    if token.name is not None:
        # the first delta of a call has no arguments key
        function: JsonValue = {"name": token.name}
        call_id = _call_id(number, token.index)
        return {"tool_calls": [{"id": call_id, "type": "function", "index": token.index, "function": function}]}
    return {"tool_calls": [{"index": token.index, "function": {"arguments": token.text}}]}


def _finish(spoken: Spoken, body: dict[str, JsonValue]) -> str:
    """`tool_calls` for calls the model chose to make, `stop` for a named tool."""
    named = isinstance(body.get("tool_choice"), dict)
    return "stop" if spoken.finish_reason == "tool_calls" and named else spoken.finish_reason


def _usage(spoken: Spoken) -> JsonValue:
    return {
        "prompt_tokens": spoken.prompt_tokens,
        "total_tokens": spoken.prompt_tokens + spoken.count(),
        "completion_tokens": spoken.count(),
        "prompt_tokens_details": None,
        "completion_tokens_details": {"reasoning_tokens": spoken.count("reasoning")},
    }


FLAVOR = _VLLM()
