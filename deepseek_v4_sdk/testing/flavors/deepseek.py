"""The wire of DeepSeek's own API from the server's side, as the vendor's encoder 0.2.0 reads and writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from deepseek_v4_sdk.chat import JsonValue
from deepseek_v4_sdk.prompt import Dialect, Generation
from deepseek_v4_sdk.testing.flavors.base import DONE, Chat, Flavor, Refusal, as_uuid, level_of, same_key, sse, wanted
from deepseek_v4_sdk.testing.flavors.recipe_checks import (
    conversation_faults,
    format_fault,
    name_faults,
    option_faults,
    prefix_faults,
    stop_faults,
    too_long,
    tool_faults,
    word_fault,
)
from deepseek_v4_sdk.testing.flavors.recipe_types import UnreadableError, read_body
from deepseek_v4_sdk.testing.generated_output import GeneratedOutput, Token
from deepseek_v4_sdk.testing.output_parser import OutputParser
from deepseek_v4_sdk.testing.prefix_cache import CacheRule
from deepseek_v4_sdk.testing.script import Error

__all__ = ["DeepSeekFlavor"]

_CREATED = 1_795_200_000
_MODELS = ("deepseek-flash", "deepseek-v4-pro")
_FLASH = ("deepseek-flash", "deepseek-v4-flash", "deepseek-v4-flash-vision-exp")


class DeepSeekFlavor(Flavor):
    """DeepSeek's API.

    Args:
        api_key: The key it wants; None takes every one.
        cache_interval: The tokens between two places at which it keeps what it has computed, in addition to the ends of
            prompts and of answers. The API does not report it.
    """

    name = "deepseek"
    chat_paths: tuple[str, ...] = ("/chat/completions", "/v1/chat/completions", "/beta/chat/completions")
    dialect: Dialect = "recipe"
    parser = OutputParser(trims="start")

    def __init__(self, *, api_key: str | None = None, cache_interval: int = 64) -> None:
        self._api_key = api_key
        self.prefix_cache = CacheRule(cache_interval, ends=True)

    def thinking(self, body: dict[str, JsonValue]) -> str:
        """Thinking is on by default; the explicit switch wins over the effort."""
        switch, effort = body.get("thinking"), body.get("reasoning_effort")
        on = switch.get("type") != "disabled" if isinstance(switch, dict) else effort != "none"
        return level_of(effort) if on else "off"

    def prefix_of(self, body: dict[str, JsonValue]) -> str | None:
        """The last message where it says `prefix`: without a text its reasoning is left open."""
        messages = body.get("messages")
        last = messages[-1] if isinstance(messages, list) and messages else None
        if not isinstance(last, dict) or last.get("role") != "assistant" or last.get("prefix") is not True:
            return None
        text = str(last.get("content") or "")
        if self.thinking(body) == "off":
            return text
        reasoning = str(last.get("reasoning_content") or "")
        return f"{reasoning}</think>{text}" if text else reasoning

    def generation(self, body: dict[str, JsonValue]) -> Generation:
        """Flash is V4.1 here."""
        return "v4.1" if body.get("model") in _FLASH else "2026-08"

    def cache_salt(self, body: dict[str, JsonValue]) -> str:
        """The user."""
        return str(body.get("user_id") or "")

    def admit(self, path: str, headers: Mapping[str, str]) -> Refusal | None:
        """Every path wants the key."""
        del path
        if same_key(headers, self._api_key):
            return None
        return Error(401, "Authentication Fails (auth header format should be Bearer sk-...)")

    def unreadable(self, path: str, body: bytes, content_type: str) -> Refusal:
        """A body that is not a JSON object."""
        del path, body, content_type
        return Error(400, "invalid request body: expected a JSON object")

    def refuse(self, body: dict[str, JsonValue], window: int) -> Refusal | None:
        """The vendor's encoder's refusal, in its order; it skips unknown fields."""
        del window
        try:
            read_body(body)
        except UnreadableError as error:
            return Error(400, f"invalid request body: {error}")
        return next((Error(400, message) for message in self._faults(body)), None)

    def _faults(self, body: dict[str, JsonValue]) -> Iterator[str]:
        model, given = body.get("model"), body.get("messages")
        if model not in (*_MODELS, *_FLASH):
            yield f"The supported API model names are {', '.join(_MODELS)}, but you passed {model}."
        yield from name_faults(body)
        messages = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
        if not messages:
            yield "Empty input messages"
        thinks = self.thinking(body) != "off"
        offers = bool(body.get("tools"))
        yield from conversation_faults(messages, offers_tools=offers, thinks=thinks, rejects=True)
        if (fault := word_fault(body, messages)) is not None:
            yield fault
        yield from tool_faults(body, thinks=thinks)
        yield from prefix_faults(body, messages)
        yield from stop_faults(body)
        if body.get("stream_options") is not None and not body.get("stream"):
            yield "stream_options should be set along with stream = true"
        if (fault := format_fault(body)) is not None:
            yield fault
        yield from option_faults(body)

    def refuse_length(self, body: dict[str, JsonValue], window: int, prompt: int) -> Refusal | None:
        """Refuse prompt and answer together beyond the window."""
        message = too_long(window, prompt, wanted(body, "max_tokens") or 0)
        return None if message is None else Error(400, message)

    def limit(self, body: dict[str, JsonValue], window: int, prompt: int) -> int:
        """The requested limit, or a number that depends on the thinking; at least one."""
        asked = wanted(body, "max_tokens")
        if asked is not None:
            return asked
        usual = {"off": 8_192, "max": 131_072}.get(self.thinking(body), 65_536)
        return max(1, min(usual, window - prompt))

    def stream(self, generated: GeneratedOutput, chat: Chat) -> Iterator[bytes]:
        """Every delta carries both texts, one of them null; the last chunk has finish reason and usage together."""
        frame = self._frame(chat, "chat.completion.chunk")
        unused: dict[str, JsonValue] = {"usage": None} if chat.streams_usage else {}

        def chunk(delta: JsonValue, finish: str | None = None, **more: JsonValue) -> bytes:
            choice: JsonValue = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            return sse({**frame, "choices": [choice], **unused, **more})

        thinks = self.thinking(chat.body) != "off"
        both: dict[str, JsonValue] = {"reasoning_content": None} if thinks else {}
        opening: dict[str, JsonValue] = {"reasoning_content": ""} if thinks else {}
        yield chunk({"role": "assistant", "content": None if thinks else "", **opening})
        for token in generated.tokens:
            yield chunk(_delta(token, chat.number, both))
        yield chunk({"content": "", **both}, generated.finish_reason, usage=self._usage(generated, chat))
        yield DONE

    def plain(self, generated: GeneratedOutput, chat: Chat) -> JsonValue:
        """Content is never null."""
        message: dict[str, JsonValue] = {"role": "assistant", "content": generated.text}
        if self.thinking(chat.body) != "off":
            message["reasoning_content"] = generated.reasoning
        if generated.calls:
            message["tool_calls"] = [
                {
                    "index": index,
                    "id": _call_id(chat.number, index),
                    "type": "function",
                    "function": {"name": name, "arguments": arguments},
                }
                for index, (name, arguments) in enumerate(generated.calls)
            ]
        choice: JsonValue = {"index": 0, "message": message, "logprobs": None, "finish_reason": generated.finish_reason}
        frame = self._frame(chat, "chat.completion")
        fingerprint = frame.pop("system_fingerprint")
        return {**frame, "choices": [choice], "usage": self._usage(generated, chat), "system_fingerprint": fingerprint}

    def error(self, status: int, message: str) -> JsonValue:
        """Nested, type and code the same word."""
        kind = "authentication_error" if status == 401 else "invalid_request_error"
        return {"error": {"message": message, "type": kind, "param": None, "code": "invalid_request_error"}}

    def error_event(self, status: int, message: str) -> bytes:
        """The same shape as over HTTP."""
        return sse(self.error(status, message))

    def read(self, path: str, window: int) -> JsonValue:
        """The list of models, without their windows, and the balance."""
        del window
        if path == "/user/balance":
            amounts: JsonValue = {
                "currency": "USD",
                "total_balance": "10.00",
                "granted_balance": "0.00",
                "topped_up_balance": "10.00",
            }
            return {"is_available": True, "balance_infos": [amounts]}
        if path not in {"/models", "/v1/models"}:
            return None
        entries: list[JsonValue] = [{"id": name, "object": "model", "owned_by": "deepseek"} for name in _MODELS]
        return {"object": "list", "data": entries}

    def _usage(self, generated: GeneratedOutput, chat: Chat) -> JsonValue:
        usage: dict[str, JsonValue] = {
            "prompt_tokens": chat.prompt,
            "completion_tokens": generated.completion_tokens,
            "total_tokens": chat.prompt + generated.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": chat.cached},
        }
        if self.thinking(chat.body) != "off":
            usage["completion_tokens_details"] = {
                "reasoning_tokens": generated.reasoning_tokens + generated.reasoning_whole
            }
        hit_and_miss: dict[str, JsonValue] = {
            "prompt_cache_hit_tokens": chat.cached,
            "prompt_cache_miss_tokens": chat.prompt - chat.cached,
        }
        return usage | hit_and_miss

    def _frame(self, chat: Chat, kind: str) -> dict[str, JsonValue]:
        return {
            "id": as_uuid(chat.number),
            "object": kind,
            "created": _CREATED,
            "model": chat.body.get("model"),
            "system_fingerprint": "fp_mock",
        }


def _call_id(number: int, index: int) -> str:
    return f"call_{index:02d}_{number:024d}"


def _delta(token: Token, number: int, both: dict[str, JsonValue]) -> JsonValue:
    if token.kind == "reasoning":
        return {"content": None, "reasoning_content": token.text}
    if token.kind == "text":
        return {"content": token.text, **both}
    kind: Literal["function"] = "function"
    if token.name is not None:
        function: JsonValue = {"name": token.name, "arguments": ""}
        call_id = _call_id(number, token.index)
        return {"tool_calls": [{"index": token.index, "id": call_id, "type": kind, "function": function}]}
    return {"tool_calls": [{"index": token.index, "function": {"arguments": token.text}}]}


FLAVOR = DeepSeekFlavor()
