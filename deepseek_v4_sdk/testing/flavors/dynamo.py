"""The wire of NVIDIA Dynamo's front end 1.6.1 from the server's side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk.testing.flavors.base import DONE, Spoken, speak, sse
from deepseek_v4_sdk.testing.markup import OutputParser, write_calls
from deepseek_v4_sdk.testing.script import Error, Raw

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.prompt import Dialect
    from deepseek_v4_sdk.testing.script import Turn

__all__ = ["FLAVOR", "DynamoFlavor"]

_CREATED = 1_795_280_661
_MODEL = "deepseek-ai/DeepSeek-V4-Pro"

_KEY_WORDS = """
model messages stream stream_options tools tool_choice parallel_tool_calls max_tokens max_completion_tokens temperature
top_p top_k min_p n stop seed frequency_penalty presence_penalty repetition_penalty logit_bias logprobs top_logprobs
response_format user metadata store service_tier chat_template_kwargs chat_template_args reasoning_effort thinking nvext
ignore_eos min_tokens stop_token_ids cache_salt thinking_token_budget prompt_cache_key add_generation_prompt
continue_final_message guided_json guided_regex guided_choice guided_grammar
"""
_KEYS = frozenset(_KEY_WORDS.split())
"""What a body may hold at its root."""


class DynamoFlavor:
    """Dynamo's shapes: flat errors, whole tool calls in one delta, no empty first chunk.

    Args:
        reasoning_parser: Whether its workers have `--dyn-reasoning-parser`; without it thinking stays in the content.
        tool_call_parser: Whether they have `--dyn-tool-call-parser`; without it calls stay in the content as markup.
    """

    name = "dynamo"
    chat_paths: tuple[str, ...] = ("/v1/chat/completions",)
    keys = _KEYS
    served = _MODEL

    dialect: Dialect = "vllm"
    count_paths: tuple[str, ...] = ()
    parser = OutputParser()

    def __init__(self, *, reasoning_parser: bool = True, tool_call_parser: bool = True) -> None:
        self._reasoning_parser = reasoning_parser
        self._tool_call_parser = tool_call_parser

    def thinking(self, body: dict[str, JsonValue]) -> str:
        """Thinking is on by default; what switches it off anywhere wins, and so does a top-level effort."""
        given = body.get("chat_template_kwargs") or body.get("chat_template_args")
        kwargs = given if isinstance(given, dict) else {}
        switch, effort = body.get("thinking"), body.get("reasoning_effort") or kwargs.get("reasoning_effort")
        off = (
            kwargs.get("thinking") is False
            or kwargs.get("enable_thinking") is False
            or kwargs.get("thinking_mode") == "chat"
            or "none" in (body.get("reasoning_effort"), kwargs.get("reasoning_effort"))
            or (isinstance(switch, dict) and switch.get("type") == "disabled")
        )
        if off:
            return "off"
        return "low" if effort in {"minimal", "low"} else "max" if effort == "max" else "high"

    def too_long(self, window: int, prompt: int, answer: int) -> str | None:
        """The engine behind it refuses a prompt beyond the window."""
        del answer
        if prompt < window:
            return None
        return (
            f"This model's maximum context length is {window} tokens. However, your messages resulted in {prompt} "
            "tokens. Please reduce the length of the messages."
        )

    def error_event(self, status: int, message: str) -> bytes:
        """Wrapped, unlike over HTTP, and with types of another spelling."""
        kind = "service_unavailable" if status == 503 else "internal_server_error"
        return sse({"error": {"message": message, "type": kind, "code": status}})

    def refuse(self, body: dict[str, JsonValue]) -> Error | Raw | None:
        """Any key that is not known is refused."""
        unknown = ", ".join(sorted(body.keys() - self.keys))
        return Error(400, f"Validation: Unsupported parameter(s): {unknown}") if unknown else None

    def stream(self, turn: Turn, body: dict[str, JsonValue], number: int, prompt: int) -> Iterator[bytes]:
        """Deltas, the first with the role; calls whole, in one delta with the finish reason."""
        spoken = speak(self._parsed(turn, body), body, prompt, one_call=True)
        frame = self._frame(body, number, "chat.completion.chunk")
        role: dict[str, JsonValue] = {"role": "assistant"}

        def chunk(delta: dict[str, JsonValue], finish: str | None = None) -> bytes:
            choice: JsonValue = {"index": 0, "delta": {**role, **delta}, "finish_reason": finish, "logprobs": None}
            role.clear()
            return sse({**frame, "choices": [choice]})

        for token in spoken.tokens:
            if token.kind == "reasoning":
                yield chunk({"reasoning_content": token.text})
            elif token.kind == "text":
                yield chunk({"content": token.text})
        calls: dict[str, JsonValue] = {"tool_calls": _calls(spoken, number, indexed=True)} if spoken.calls else {}
        yield chunk(calls, spoken.finish_reason)
        options = body.get("stream_options")
        if isinstance(options, dict) and options.get("include_usage"):
            yield sse({**frame, "choices": [], "usage": _usage(spoken)})
        yield DONE

    def plain(self, turn: Turn, body: dict[str, JsonValue], number: int, prompt: int) -> JsonValue:
        """Reasoning is absent when there is none, content null when there is none."""
        spoken = speak(self._parsed(turn, body), body, prompt, one_call=True)
        message: dict[str, JsonValue] = {"role": "assistant", "content": spoken.text or None, "refusal": None}
        if spoken.reasoning:
            message["reasoning_content"] = spoken.reasoning
        if spoken.calls:
            message["tool_calls"] = _calls(spoken, number, indexed=False)
        choice: JsonValue = {
            "index": 0,
            "message": message,
            "finish_reason": spoken.finish_reason,
            "logprobs": None,
        }
        return {**self._frame(body, number, "chat.completion"), "choices": [choice], "usage": _usage(spoken)}

    def error(self, status: int, message: str) -> JsonValue:
        """Flat, with the status as a number."""
        kinds = {400: "Bad Request", 404: "Not Found", 503: "Service Unavailable"}
        return {"message": message, "type": kinds.get(status, "Internal Server Error"), "code": status}

    def read(self, path: str, window: int) -> JsonValue:
        """Health and models."""
        if path == "/health":
            return {"status": "healthy", "endpoints": ["dyn://mock"], "instances": []}
        if path == "/live":
            return {"status": "live", "message": "Service is live"}
        if path != "/v1/models":
            return None
        entry: JsonValue = {
            "id": self.served,
            "object": "model",
            "created": _CREATED,
            "owned_by": "nvidia",
            "context_window": window,
        }
        return {"object": "list", "data": [entry]}

    def _parsed(self, turn: Turn, body: dict[str, JsonValue]) -> Turn:
        """What its parsers leave of a turn."""
        if not self._tool_call_parser and turn.calls:
            turn = replace(turn, text=f"{turn.text}\n\n{write_calls(turn.calls)}", calls=())
        if not self._reasoning_parser and self.thinking(body) != "off":
            turn = replace(turn, reasoning="", text=f"{turn.reasoning}</think>{turn.text}")
        return turn

    def _frame(self, body: dict[str, JsonValue], number: int, kind: str) -> dict[str, JsonValue]:
        return {
            "id": f"chatcmpl-00000000-0000-4000-8000-{number:012x}",
            "object": kind,
            "created": _CREATED,
            "model": body.get("model", self.served),
        }


def _calls(spoken: Spoken, number: int, *, indexed: bool) -> list[JsonValue]:
    calls: list[JsonValue] = []
    for index, (name, arguments) in enumerate(spoken.calls):
        call: dict[str, JsonValue] = {"index": index} if indexed else {}
        call["id"] = f"call_{number:020x}{index:04x}"
        call["type"] = "function"
        call["function"] = {"name": name, "arguments": arguments}
        calls.append(call)
    return calls


def _usage(spoken: Spoken) -> JsonValue:
    usage: dict[str, JsonValue] = {
        "prompt_tokens": spoken.prompt_tokens,
        "completion_tokens": spoken.count(),
        "total_tokens": spoken.prompt_tokens + spoken.count(),
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    if thought := spoken.count("reasoning"):
        usage["completion_tokens_details"] = {"reasoning_tokens": thought}
    return usage


FLAVOR = DynamoFlavor()
