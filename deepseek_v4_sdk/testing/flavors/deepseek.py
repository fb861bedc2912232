"""The wire of DeepSeek's own API from the server's side, as the vendor's encoder 0.2.0 writes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deepseek_v4_sdk.testing.flavors.base import DONE, Spoken, Token, level_of, speak, sse
from deepseek_v4_sdk.testing.markup import OutputParser
from deepseek_v4_sdk.testing.script import Error

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.prompt import Dialect
    from deepseek_v4_sdk.testing.script import Turn

__all__ = ["FLAVOR"]

_CREATED = 1_795_200_000
_MODELS = ("deepseek-flash", "deepseek-v4-pro")


class _DeepSeek:
    name = "deepseek"
    chat_paths: tuple[str, ...] = ("/chat/completions", "/v1/chat/completions", "/beta/chat/completions")

    dialect: Dialect = "recipe"
    count_paths: tuple[str, ...] = ()
    parser = OutputParser()

    def thinking(self, body: dict[str, JsonValue]) -> str:
        """Thinking is on by default; the explicit switch wins over the effort."""
        switch, effort = body.get("thinking"), body.get("reasoning_effort")
        on = switch.get("type") != "disabled" if isinstance(switch, dict) else effort != "none"
        return level_of(effort) if on else "off"

    def too_long(self, window: int, prompt: int, answer: int) -> str | None:
        """Prompt and answer together beyond the window are refused."""
        if prompt + answer <= window:
            return None
        return (
            f"This model's maximum context length is {window} tokens. However, you requested {prompt + answer} tokens "
            f"({prompt} in the messages, {answer} in the completion). Please reduce the length of the messages or "
            "completion."
        )

    def error_event(self, status: int, message: str) -> bytes:
        """The same shape as over HTTP."""
        return sse(self.error(status, message))

    def refuse(self, body: dict[str, JsonValue]) -> Error | None:
        """Unknown models and out-of-range limits; unknown fields are passed over."""
        model, limit = body.get("model"), body.get("max_tokens")
        if model not in (*_MODELS, "deepseek-v4-flash"):
            return Error(400, f"The supported API model names are {' or '.join(_MODELS)}, but you passed {model}.")
        if isinstance(limit, int) and not 1 <= limit <= 393_216:
            return Error(400, "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]")
        return None

    def stream(self, turn: Turn, body: dict[str, JsonValue], number: int, prompt: int) -> Iterator[bytes]:
        """Every delta carries both texts, one of them null; the last chunk has finish reason and usage together."""
        spoken = speak(turn, body, prompt)
        frame = self._frame(body, number, "chat.completion.chunk")
        options = body.get("stream_options")
        if isinstance(options, dict) and options.get("include_usage"):
            frame["usage"] = None

        def chunk(delta: JsonValue, finish: str | None = None, **more: JsonValue) -> bytes:
            choice: JsonValue = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            return sse({**frame, "choices": [choice], **more})

        yield chunk({"role": "assistant", "content": None, "reasoning_content": ""})
        for token in spoken.tokens:
            yield chunk(_delta(token, number))
        yield chunk({"content": "", "reasoning_content": None}, spoken.finish_reason, usage=_usage(spoken))
        yield DONE

    def plain(self, turn: Turn, body: dict[str, JsonValue], number: int, prompt: int) -> JsonValue:
        """Content is never null."""
        spoken = speak(turn, body, prompt)
        message: dict[str, JsonValue] = {"role": "assistant", "content": spoken.text}
        if self.thinking(body) != "off":
            message["reasoning_content"] = spoken.reasoning
        if spoken.calls:
            message["tool_calls"] = [
                {
                    "index": index,
                    "id": _call_id(number, index),
                    "type": "function",
                    "function": {"name": name, "arguments": arguments},
                }
                for index, (name, arguments) in enumerate(spoken.calls)
            ]
        choice: JsonValue = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": spoken.finish_reason,
        }
        return {**self._frame(body, number, "chat.completion"), "choices": [choice], "usage": _usage(spoken)}

    def error(self, status: int, message: str) -> JsonValue:
        """Nested, type and code the same word."""
        kind = "authentication_error" if status == 401 else "invalid_request_error"
        return {"error": {"message": message, "type": kind, "param": None, "code": "invalid_request_error"}}

    def read(self, path: str, window: int) -> JsonValue:
        """The list of models, without their windows."""
        del window
        if path not in {"/models", "/v1/models"}:
            return None
        entries: list[JsonValue] = [{"id": name, "object": "model", "owned_by": "deepseek"} for name in _MODELS]
        return {"object": "list", "data": entries}

    def _frame(self, body: dict[str, JsonValue], number: int, kind: str) -> dict[str, JsonValue]:
        return {
            "id": f"{number:08x}-0000-4000-8000-000000000000",
            "object": kind,
            "created": _CREATED,
            "model": body.get("model"),
            "system_fingerprint": "fp_mock",
        }


def _call_id(number: int, index: int) -> str:
    return f"call_{index:02d}_{number:024d}"


def _delta(token: Token, number: int) -> JsonValue:
    if token.kind == "reasoning":
        return {"content": None, "reasoning_content": token.text}
    if token.kind == "text":
        return {"content": token.text, "reasoning_content": None}
    if token.name is not None:
        function: JsonValue = {"name": token.name, "arguments": ""}
        call_id = _call_id(number, token.index)
        return {"tool_calls": [{"index": token.index, "id": call_id, "type": "function", "function": function}]}
    return {"tool_calls": [{"index": token.index, "function": {"arguments": token.text}}]}


def _usage(spoken: Spoken) -> JsonValue:
    usage: dict[str, JsonValue] = {
        "prompt_tokens": spoken.prompt_tokens,
        "completion_tokens": spoken.count(),
        "total_tokens": spoken.prompt_tokens + spoken.count(),
        "prompt_tokens_details": {"cached_tokens": 0},
        "prompt_cache_hit_tokens": 0,
        "prompt_cache_miss_tokens": spoken.prompt_tokens,
    }
    if thought := spoken.count("reasoning"):
        usage["completion_tokens_details"] = {"reasoning_tokens": thought}
    return usage


FLAVOR = _DeepSeek()
