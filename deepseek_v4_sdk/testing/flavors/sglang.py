"""The wire of SGLang 0.5.23 from the server's side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk.testing.flavors.base import DONE, Spoken, Token, level_of, speak, sse
from deepseek_v4_sdk.testing.markup import OutputParser, write_calls
from deepseek_v4_sdk.testing.script import Error, Turn

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.prompt import Dialect

__all__ = ["FLAVOR", "SGLangFlavor"]

_CREATED = 1_795_282_181
_MODEL = "deepseek-ai/DeepSeek-V4-Pro"
_EOS = 1
_NO_TEMPLATE = (
    "Cannot use chat template functions because tokenizer.chat_template is not set and no template argument was "
    "passed! For information about writing templates and setting the tokenizer.chat_template attribute, please see "
    "the documentation at https://huggingface.co/docs/transformers/main/en/chat_templating"
)


class SGLangFlavor:
    """SGLang, as it is started with both of its parsers.

    Args:
        reasoning_parser: Whether it has `--reasoning-parser`; without it thinking stays in the content.
        tool_call_parser: Whether it has `--tool-call-parser`; without it calls stay in the content as markup.
        v4_encoding: Whether it knows V4 by the tool call parser's name or the checkpoint's architecture; otherwise it
            has no prompt format, and refuses every chat.
        cache_report: Whether it has `--enable-cache-report`, and tells what came from its cache.
        streams_usage: Whether a stream ends with the usage; a gateway may drop `stream_options`.
    """

    name = "sglang"
    chat_paths: tuple[str, ...] = ("/v1/chat/completions",)

    dialect: Dialect = "recipe"
    count_paths: tuple[str, ...] = ("/v1/tokenize", "/tokenize")
    parser = OutputParser()

    def __init__(
        self,
        *,
        reasoning_parser: bool = True,
        tool_call_parser: bool = True,
        v4_encoding: bool = True,
        cache_report: bool = False,
        streams_usage: bool = True,
    ) -> None:
        self._reasoning_parser = reasoning_parser
        self._tool_call_parser = tool_call_parser
        self._v4_encoding = v4_encoding
        self._cache_report = cache_report
        self._streams_usage = streams_usage

    def thinking(self, body: dict[str, JsonValue]) -> str:
        """Thinking is off by default; a top-level effort switches it on, one inside the kwargs does not."""
        given = body.get("chat_template_kwargs")
        kwargs = given if isinstance(given, dict) else {}
        effort = body.get("reasoning_effort")
        on = bool(kwargs["thinking"]) if "thinking" in kwargs else effort not in {None, "none"}
        return level_of(kwargs.get("reasoning_effort", effort)) if on else "off"

    def stream(self, turn: Turn, body: dict[str, JsonValue], number: int, prompt: int) -> Iterator[bytes]:
        """Role, deltas, finish, usage if asked for, end."""
        spoken = speak(self._parsed(turn, body), body, prompt)
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
        if self._streams_usage and isinstance(options, dict) and options.get("include_usage"):
            yield sse({**frame, "choices": [], "usage": self._usage(spoken)})
        yield DONE

    def plain(self, turn: Turn, body: dict[str, JsonValue], number: int, prompt: int) -> JsonValue:
        """Content is never null, reasoning always there; `tool_calls` alone is absent when there are none."""
        spoken = speak(self._parsed(turn, body), body, prompt)
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
            "usage": self._usage(spoken),
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

    def refuse(self, body: dict[str, JsonValue]) -> Error | None:
        """Chats without an encoding; unknown fields are passed over."""
        del body
        return None if self._v4_encoding else Error(400, _NO_TEMPLATE)

    def read(self, path: str, window: int) -> JsonValue:
        """Health, readiness and models."""
        if path in {"/health", "/health_generate", "/ready", "/ping"}:
            return ""
        if path == "/model_info":
            return {
                "model_path": _MODEL,
                "is_generation": True,
                "reasoning_parser": "deepseek-v4" if self._reasoning_parser else None,
                "tool_call_parser": "deepseekv4" if self._tool_call_parser else None,
            }
        if path in {"/server_info", "/get_server_info"}:
            return {"version": "0.5.23", "context_length": window, "enable_cache_report": self._cache_report}
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

    def _parsed(self, turn: Turn, body: dict[str, JsonValue]) -> Turn:
        """What its parsers leave of a turn."""
        if not self._tool_call_parser and turn.calls:
            forced = body.get("tool_choice", "auto") not in {"auto", "none"}
            turn = replace(turn, text=turn.text + _written(turn, forced=forced), calls=())
        if not self._reasoning_parser and self.thinking(body) != "off":
            # The tool parser knows the end of thinking as well, and drops it.
            mark = "" if self._tool_call_parser else "</think>"
            turn = replace(turn, reasoning="", text=turn.reasoning + mark + turn.text)
        return turn

    def _usage(self, spoken: Spoken) -> JsonValue:
        thought = spoken.count("reasoning")
        return {
            "prompt_tokens": spoken.prompt_tokens,
            "total_tokens": spoken.prompt_tokens + spoken.count(),
            "completion_tokens": spoken.count(),
            "prompt_tokens_details": {"cached_tokens": 0} if self._cache_report else None,
            "reasoning_tokens": thought,
            "completion_tokens_details": {"reasoning_tokens": thought} if thought else None,
        }

    def _frame(self, body: dict[str, JsonValue], number: int, kind: str) -> dict[str, JsonValue]:
        return {
            "id": f"{number:032x}",
            "object": kind,
            "created": _CREATED,
            "model": body.get("model", "default"),
        }


def _written(turn: Turn, *, forced: bool) -> str:
    """Calls as the model writes them: as markup, or where a grammar forces one without a parser, as a JSON list."""
    if forced:
        return json.dumps([{"name": call.name, "parameters": json.loads(call.arguments)} for call in turn.calls])
    return "\n\n" + write_calls(turn.calls)


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


FLAVOR = SGLangFlavor()
