"""The wire of vLLM 0.33 from the server's side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pydantic_core import from_json

from deepseek_v4_sdk.chat import read_json
from deepseek_v4_sdk.testing.flavors.base import DONE, Spoken, Token, speak, sse
from deepseek_v4_sdk.testing.markup import OutputParser
from deepseek_v4_sdk.testing.script import Error, Turn
from deepseek_v4_sdk.tokens import count_text

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.prompt import Dialect

__all__ = ["FLAVOR", "VLLMFlavor"]

_CREATED = 1_795_280_709
_FINGERPRINT = "vllm-0.33.0-mock"
_MODEL = "deepseek-ai/DeepSeek-V4-Pro"
_NO_TEMPLATE = (
    "As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template if the "
    "tokenizer does not define one."
)


class VLLMFlavor:
    """vLLM, as it is started with the flags of the recipes.

    Args:
        reasoning_parser: Whether it has `--reasoning-parser`; without it thinking stays in the content.
        tool_call_parser: Whether it has `--enable-auto-tool-choice` and `--tool-call-parser`. Without both, any tool
            choice but "none" is refused; a forced one too where the first alone is missing (0.32).
        prompt_tokens_details: Whether it has `--enable-prompt-tokens-details`, and tells what came from its cache.
        encoding: What makes its prompts: "v4", as `--tokenizer-mode deepseek_v4` does; "template", a plain chat
            template given to it, which has no thinking; "none", where neither is there, and every chat is refused.
        reads_switch: Whether the thinking switch reaches it; a gateway may drop `chat_template_kwargs`.
        streams_usage: Whether a stream ends with the usage; a gateway may drop `stream_options`.
    """

    name = "vllm"
    chat_paths: tuple[str, ...] = ("/v1/chat/completions",)

    dialect: Dialect = "vllm"
    count_paths: tuple[str, ...] = ("/tokenize",)
    parser = OutputParser(("tool_calls", "toolcalls", "tool"), "drop", bare=True, keeps_breaks=True)

    def __init__(
        self,
        *,
        reasoning_parser: bool = True,
        tool_call_parser: bool = True,
        prompt_tokens_details: bool = False,
        encoding: Literal["v4", "template", "none"] = "v4",
        reads_switch: bool = True,
        streams_usage: bool = True,
    ) -> None:
        self._reasoning_parser = reasoning_parser
        self._tool_call_parser = tool_call_parser
        self._prompt_tokens_details = prompt_tokens_details
        self._encoding = encoding
        self._reads_switch = reads_switch
        self._streams_usage = streams_usage

    def thinking(self, body: dict[str, JsonValue]) -> str:
        """Thinking is on by default; the two switches are ORed; a top-level effort adds one of them."""
        if self._encoding != "v4":
            return "off"
        if not self._reads_switch:
            return "high"
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
        spoken = self._speak(turn, body, prompt)
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
            _closing(spoken),
            finish_reason=_finish(spoken, body),
            stop_reason=None,
            token_ids=None,
            weight_versions=None,
        )
        options = body.get("stream_options")
        if self._streams_usage and isinstance(options, dict) and options.get("include_usage"):
            usage = self._usage(spoken)
            yield sse({**frame, "choices": [], "usage": usage, "system_fingerprint": _FINGERPRINT})
        yield DONE

    def plain(self, turn: Turn, body: dict[str, JsonValue], number: int, prompt: int) -> JsonValue:
        """Everything written out, nulls too; `tool_calls` alone is absent when there are none."""
        spoken = self._speak(turn, body, prompt)
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
                    "function": {"name": name, "arguments": _whole(arguments) if cut and index == last else arguments},
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
            "usage": self._usage(spoken),
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

    def refuse(self, body: dict[str, JsonValue]) -> Error | None:
        """Chats without an encoding, and tools without their flags; unknown fields are passed over."""
        if self._encoding == "none":
            return Error(400, _NO_TEMPLATE)
        choice = body.get("tool_choice", "auto")
        if self._tool_call_parser or not body.get("tools") or choice == "none":
            return None
        if choice == "auto":
            flags = "--enable-auto-tool-choice and --tool-call-parser to be set"
            return Error(400, f'"auto" tool choice requires {flags}')
        function = choice.get("function") if isinstance(choice, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        asked = f'tool_choice="{choice}"' if name is None else f'tool_choice=function "{name}"'
        return Error(400, f"{asked} requires --tool-call-parser to be set")

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

    def _speak(self, turn: Turn, body: dict[str, JsonValue], prompt: int) -> Spoken:
        """A turn as tokens, after what its parsers leave of it."""
        if not self._reasoning_parser and self.thinking(body) != "off":
            turn = replace(turn, reasoning="", text=f"{turn.reasoning}</think>{turn.text}")
        if self._encoding != "v4":
            prompt = _plain_prompt(body)
        return speak(turn, body, prompt, one_call=True)

    def _usage(self, spoken: Spoken) -> JsonValue:
        details: JsonValue = {"cached_tokens": 0} if self._prompt_tokens_details else None
        thought: JsonValue = {"reasoning_tokens": spoken.count("reasoning")} if self._reasoning_parser else None
        return {
            "prompt_tokens": spoken.prompt_tokens,
            "total_tokens": spoken.prompt_tokens + spoken.count(),
            "completion_tokens": spoken.count(),
            "prompt_tokens_details": details,
            "completion_tokens_details": thought,
        }

    def _frame(self, body: dict[str, JsonValue], number: int, kind: str) -> dict[str, JsonValue]:
        return {
            "id": f"chatcmpl-{number:016x}",
            "object": kind,
            "created": _CREATED,
            "model": body.get("model") or _MODEL,
        }


def _plain_prompt(body: dict[str, JsonValue]) -> int:
    """The tokens of a prompt in a chat template that knows roles and texts alone."""
    messages = body["messages"]
    items = [item for item in messages if isinstance(item, dict)] if isinstance(messages, list) else []
    lines = [f"<|im_start|>{item.get('role')}\n{item.get('content')}<|im_end|>\n" for item in items]
    return count_text("".join([*lines, "<|im_start|>assistant\n"]))


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


def _closing(spoken: Spoken) -> JsonValue:
    """What the last delta of a cut call holds: between two parameters it closes its JSON, inside one it does not."""
    if spoken.finish_reason != "length" or not spoken.calls:
        return {}
    index, arguments = len(spoken.calls) - 1, spoken.calls[-1][1]
    for end in ("{}", "}"):
        try:
            read_json(arguments + end)
        except ValueError:
            continue
        return {"tool_calls": [{"index": index, "function": {"arguments": end}}]}
    return {}


def _whole(arguments: str) -> str:
    """The parameters of a cut call that had come whole: in a plain answer it reads like a call with these alone."""
    come: JsonValue = from_json(arguments or "{}", allow_partial=True)
    return json.dumps(come, ensure_ascii=False)


def _finish(spoken: Spoken, body: dict[str, JsonValue]) -> str:
    """`tool_calls` for calls the model chose to make, `stop` for a named tool."""
    named = isinstance(body.get("tool_choice"), dict)
    return "stop" if spoken.finish_reason == "tool_calls" and named else spoken.finish_reason


FLAVOR = VLLMFlavor()
