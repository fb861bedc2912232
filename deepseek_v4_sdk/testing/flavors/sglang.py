"""The wire of SGLang 0.5.23 from the server's side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deepseek_v4_sdk.testing.flavors.base import DONE, Spoken, Token, level_of, speak, sse
from deepseek_v4_sdk.testing.markup import OutputParser

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.prompt import Dialect
    from deepseek_v4_sdk.testing.script import Turn

__all__ = ["FLAVOR"]

_CREATED = 1_795_282_181
_MODEL = "deepseek-ai/DeepSeek-V4-Pro"
_EOS = 1


class _SGLang:
    name = "sglang"
    chat_paths: tuple[str, ...] = ("/v1/chat/completions",)

    dialect: Dialect = "recipe"
    count_paths: tuple[str, ...] = ("/v1/tokenize", "/tokenize")
    parser = OutputParser()

    def thinking(self, body: dict[str, JsonValue]) -> str:
        """Thinking is off by default; a top-level effort switches it on, one inside the kwargs does not."""
        given = body.get("chat_template_kwargs")
        kwargs = given if isinstance(given, dict) else {}
        effort = body.get("reasoning_effort")
        on = bool(kwargs["thinking"]) if "thinking" in kwargs else effort not in {None, "none"}
        return level_of(kwargs.get("reasoning_effort", effort)) if on else "off"

    def stream(self, turn: Turn, body: dict[str, JsonValue], number: int, prompt: int) -> Iterator[bytes]:
        """Role, deltas, finish, usage if asked for, end."""
        spoken = speak(turn, body, prompt)
        frame = self._frame(body, number, "chat.completion.chunk")

        def chunk(delta: JsonValue, *, finish: str | None = None, stop: JsonValue = None, **more: JsonValue) -> bytes:
            choice: JsonValue = {
                "index": 0,
                "delta": delta,
                "logprobs": None,
                "finish_reason": finish,
                "matched_stop": stop,
            }
            return sse({**frame, "choices": [choice], **more})

        yield chunk({"reasoning_content": None, "role": "assistant", "content": ""})
        for token in spoken.tokens:
            if token.kind == "call":
                yield chunk(_call_delta(token, number), usage=None)
            else:
                yield chunk(_text_delta(token))
        stop = None if spoken.finish_reason == "length" else _EOS
        yield chunk({"reasoning_content": None}, finish=spoken.finish_reason, stop=stop)
        options = body.get("stream_options")
        if isinstance(options, dict) and options.get("include_usage"):
            yield sse({**frame, "choices": [], "usage": _usage(spoken)})
        yield DONE

    def plain(self, turn: Turn, body: dict[str, JsonValue], number: int, prompt: int) -> JsonValue:
        """Content is never null, reasoning always there; `tool_calls` alone is absent when there are none."""
        spoken = speak(turn, body, prompt)
        message: dict[str, JsonValue] = {
            "role": "assistant",
            "content": spoken.text,
            "reasoning_content": spoken.reasoning or None,
        }
        if spoken.calls:
            message["tool_calls"] = [
                {
                    "id": _call_id(number, index),
                    "index": index,
                    "type": "function",
                    "function": {"name": name, "arguments": arguments},
                }
                for index, (name, arguments) in enumerate(spoken.calls)
            ]
        stop = None if spoken.calls or spoken.finish_reason == "length" else _EOS
        choice: JsonValue = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": spoken.finish_reason,
            "matched_stop": stop,
        }
        return {
            **self._frame(body, number, "chat.completion"),
            "choices": [choice],
            "usage": _usage(spoken),
            "metadata": {"weight_version": "default"},
        }

    def error(self, status: int, message: str) -> JsonValue:
        """Flat, without an `error` key; a wrong key is a plain text."""
        if status == 401:
            return {"error": "Unauthorized"}
        kinds = {400: "BadRequestError", 500: "InternalServerError"}
        kind = kinds.get(status, str(status))
        return {"object": "error", "message": message, "type": kind, "param": None, "code": status}

    def too_long(self, window: int, prompt: int, answer: int) -> str | None:
        """A prompt beyond the window is refused, and so are prompt and answer together."""
        if prompt >= window:
            return f"The input ({prompt} tokens) is longer than the model's context length ({window} tokens)."
        if answer and prompt + answer > window:
            return (
                f"Requested token count exceeds the model's maximum context length of {window} tokens. You requested a "
                f"total of {prompt + answer} tokens: {prompt} tokens from the input messages and {answer} tokens for "
                "the completion. Please reduce the number of tokens in the input messages or the completion to fit "
                "within the limit."
            )
        return None

    def error_event(self, status: int, message: str) -> bytes:
        """The flat shape of HTTP, wrapped."""
        kind = {503: "SERVICE_UNAVAILABLE", 500: "INTERNAL_SERVER_ERROR"}.get(status, "BAD_REQUEST")
        error: JsonValue = {"object": "error", "message": message, "type": kind, "param": None, "code": status}
        return sse({"error": error})

    def refuse(self, body: dict[str, JsonValue]) -> None:
        """Unknown fields are passed over."""

    def read(self, path: str, window: int) -> JsonValue:
        """Health, readiness and models."""
        if path in {"/health", "/health_generate", "/ready", "/ping"}:
            return ""
        if path == "/model_info":
            return {
                "model_path": _MODEL,
                "is_generation": True,
                "reasoning_parser": "deepseek-v4",
                "tool_call_parser": "deepseekv4",
            }
        if path != "/v1/models":
            return None
        return {
            "object": "list",
            "data": [
                {
                    "id": _MODEL,
                    "object": "model",
                    "created": _CREATED,
                    "owned_by": "sglang",
                    "root": _MODEL,
                    "parent": None,
                    "max_model_len": window,
                }
            ],
        }

    def _frame(self, body: dict[str, JsonValue], number: int, kind: str) -> dict[str, JsonValue]:
        return {
            "id": f"{number:032x}",
            "object": kind,
            "created": _CREATED,
            "model": body.get("model", "default"),
        }


def _call_id(number: int, index: int) -> str:
    return f"call_{number:020x}{index:04x}"


def _text_delta(token: Token) -> JsonValue:
    if token.kind == "reasoning":
        return {"reasoning_content": token.text}
    return {"reasoning_content": None, "content": token.text}


def _call_delta(token: Token, number: int) -> JsonValue:
    """The first piece has id and name; later ones have both as null."""
    first = token.name is not None
    call: JsonValue = {
        "id": _call_id(number, token.index) if first else None,
        "index": token.index,
        "type": "function",
        "function": {"name": token.name, "arguments": token.text},
    }
    return {"role": None, "content": None, "reasoning_content": None, "tool_calls": [call]}


def _usage(spoken: Spoken) -> JsonValue:
    thought = spoken.count("reasoning")
    return {
        "prompt_tokens": spoken.prompt_tokens,
        "total_tokens": spoken.prompt_tokens + spoken.count(),
        "completion_tokens": spoken.count(),
        "prompt_tokens_details": None,
        "reasoning_tokens": thought,
        "completion_tokens_details": {"reasoning_tokens": thought} if thought else None,
    }


FLAVOR = _SGLang()
