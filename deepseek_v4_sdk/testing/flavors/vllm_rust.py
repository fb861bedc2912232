"""The wire of vLLM behind its Rust front end (0.33): another parser, and chunks that hold only what is set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import JsonValue, read_json, write_json
from deepseek_v4_sdk.testing.flavors.base import DONE, JSON, Chat, Flavor, Refusal, refusal, sse, wanted
from deepseek_v4_sdk.testing.flavors.completions import CompletionRoute
from deepseek_v4_sdk.testing.flavors.vllm_routes import CREATED
from deepseek_v4_sdk.testing.flavors.vllm_rust_checks import FieldFault, error_body, faults_of, model_fault, refused
from deepseek_v4_sdk.testing.generated_output import OutputSpan
from deepseek_v4_sdk.testing.model_markup import DSML, THINK_ENDS, Invocation, invocations
from deepseek_v4_sdk.testing.output_parser import OutputParser
from deepseek_v4_sdk.testing.prompt_tokens import token_spellings
from deepseek_v4_sdk.testing.script import Raw

if TYPE_CHECKING:
    from deepseek_v4_sdk.prompt import Dialect
    from deepseek_v4_sdk.testing.argument_types import Properties
    from deepseek_v4_sdk.testing.flavors.served import ServedNames
    from deepseek_v4_sdk.testing.generated_output import GeneratedOutput, Token
    from deepseek_v4_sdk.testing.prefix_cache import CacheRule

__all__ = ["RustFrontEnd"]

_OPENS, _ENDS = f"<{DSML}tool_calls>", f"</{DSML}tool_calls>"


@dataclass(frozen=True, slots=True)
class _Parser(OutputParser):
    """Calls inside the thinking stay there; markup that is not whole stays in the text, from its first flaw on."""

    def read(self, output: str, *, thinking: bool, tools: bool, offered: Properties | None = None) -> list[OutputSpan]:
        """The front end's reading of the model's output, which may end anywhere."""
        del offered
        spans: list[OutputSpan] = []
        text = output
        if thinking:
            reasoning, mark, text = output.partition(THINK_ENDS)
            spans = [OutputSpan(reasoning, "reasoning", copy=True, reasoning=True), OutputSpan(mark)]
        before, opened, behind = text.partition(_OPENS) if tools else (text, "", "")
        if not opened:
            return [*spans, OutputSpan(text, "text", copy=True)]
        shown = before.strip()
        lead, _, trail = before.partition(shown) if shown else (before, "", "")
        spans += [OutputSpan(lead), OutputSpan(shown, "text", copy=True), OutputSpan(trail + opened)]
        inner, closing, rest = behind.partition(_ENDS)
        whole: list[Invocation] = []
        for call in invocations(inner)[0]:
            if not call.whole:
                break
            whole.append(call)
        for index, call in enumerate(whole):
            spans += _spans_of(call, index)
        left = inner[sum(len(call.raw) for call in whole) :]
        rest = left + closing + rest
        return [*spans, OutputSpan(rest) if closing and not left.strip() else OutputSpan(rest, "text", copy=True)]


def _spans_of(call: Invocation, index: int) -> Iterator[OutputSpan]:
    """It sends a call once it is complete: its name, and all of its arguments as compact JSON."""
    yield OutputSpan(call.raw, "call", index=index, name=call.name)
    pairs = (f"{_compact(each.key)}:{_value(each.value, quoted=each.quoted)}" for each in call.parameters)
    yield OutputSpan("", "call", after=f"{{{','.join(pairs)}}}", index=index)


def _compact(value: JsonValue) -> str:
    return write_json(value).decode()


def _value(value: str, *, quoted: bool) -> str:
    """As the model wrote it."""
    try:
        return _compact(value if quoted else read_json(value))
    except ValueError:
        return _compact(value)


class RustFrontEnd(Flavor):
    """The front end that answers chats in place of the Python one.

    Args:
        version: The version of both.
        served: The names it serves.
        prefix_cache: The cache of the beginnings of prompts, where it reports them.
        default_thinking: The `thinking` of its `--default-chat-template-kwargs`, if it has that.
    """

    name = "vllm"
    encoder_refuses = True
    dialect: Dialect = "vllm"
    count_paths: tuple[str, ...] = ("/tokenize",)
    completions = CompletionRoute(shows_halves=True)
    parser = _Parser()

    def __init__(
        self,
        version: str,
        served: ServedNames,
        prefix_cache: CacheRule | None,
        *,
        default_thinking: bool | None,
    ) -> None:
        self._version = version
        self._served, self._models = served, served.names
        self._default_thinking = default_thinking
        self.prefix_cache = prefix_cache

    def read(self, path: str, window: int) -> JsonValue:
        """Health, version and models."""
        if path == "/health":
            return ""
        if path == "/version":
            return {"version": self._version, "rust_frontend_version": self._version}
        if path != "/v1/models":
            return None
        card: dict[str, JsonValue] = {"object": "model", "created": CREATED, "owned_by": "vllm-frontend-rs"}
        more: dict[str, JsonValue] = {"root": self._model, "parent": None, "max_model_len": window}
        return {"object": "list", "data": [{"id": name, **card, **more} for name in self._models or (self._model,)]}

    @property
    def _model(self) -> str:
        return self._models[0] if self._models else "deepseek-ai/DeepSeek-V4-Pro"

    def thinking(self, body: dict[str, JsonValue]) -> str:
        """One switch counts, not either of two; an effort at the root goes before one inside."""
        given = body.get("chat_template_kwargs")
        kwargs = given if isinstance(given, dict) else {}
        effort = body.get("reasoning_effort") or kwargs.get("reasoning_effort")
        on = kwargs.get("thinking", kwargs.get("enable_thinking", self._default_thinking))
        if on is False or (on is None and effort == "none"):
            return "off"
        return "low" if effort in {"minimal", "low", "medium"} else "max" if effort == "max" else "high"

    def prompt_body(self, body: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Parts of a text are joined with nothing between them."""
        messages = body.get("messages")
        if not isinstance(messages, list):
            return body
        return {**body, "messages": [_with_one_text(each) for each in messages]}

    def limit(self, body: dict[str, JsonValue], window: int, prompt: int) -> int:
        """The requested limit, cut to the tokens that are left."""
        room = window - prompt
        asked = wanted(body, "max_completion_tokens", "max_tokens")
        return room if asked is None else min(asked, room)

    def shown(self, spans: list[OutputSpan], body: dict[str, JsonValue]) -> list[OutputSpan]:
        """Values of no type in the schema stay texts; without `parallel_tool_calls` one call is left."""
        properties, name = _properties(body), ""
        shown: list[OutputSpan] = []
        for span in spans:
            if span.kind == "call":
                name = span.name or name
                span = replace(span, after=_typed(span.after, properties.get(name, {}))) if span.after else span
                if span.index and body.get("parallel_tool_calls") is False:
                    span = OutputSpan(span.raw)
            shown.append(span)
        return shown

    def stream(self, generated: GeneratedOutput, chat: Chat) -> Iterator[bytes]:
        """Role, deltas, finish, usage if asked for, end."""
        frame = self._frame(chat, "chat.completion.chunk")
        options = chat.body.get("stream_options")
        running = chat.streams_usage and isinstance(options, dict) and bool(options.get("continuous_usage_stats"))

        def chunk(delta: JsonValue, count: int, **choice: JsonValue) -> bytes:
            event: dict[str, JsonValue] = {**frame, "choices": [{"index": 0, "delta": delta, **choice}]}
            if running:
                event["usage"] = self._counts(chat, count, min(count, generated.reasoning_tokens), cached=False)
            return sse(event)

        yield chunk({"role": "assistant"}, 0)
        for token in generated.tokens:
            yield chunk(_delta_of(token, chat.number), token.count)
        stop: dict[str, JsonValue] = {} if generated.stop is None else {"stop_reason": generated.stop}
        yield chunk({}, generated.completion_tokens, finish_reason=_finish(generated), **stop)
        if chat.streams_usage:
            usage = self._counts(chat, generated.completion_tokens, generated.reasoning_tokens)
            yield sse({**frame, "choices": [], "usage": usage})
        yield DONE

    def plain(self, generated: GeneratedOutput, chat: Chat) -> JsonValue:
        """Everything written out, nulls too; `tool_calls` only where there are some."""
        message: dict[str, JsonValue] = {
            "role": "assistant",
            "content": generated.text or None,
            "refusal": None,
            "annotations": None,
            "audio": None,
            "function_call": None,
        }
        if generated.calls:
            message["tool_calls"] = [
                {
                    "id": _call_id(chat.number, index),
                    "type": "function",
                    "function": {"name": name, "arguments": arguments},
                }
                for index, (name, arguments) in enumerate(generated.calls)
            ]
        choice: dict[str, JsonValue] = {
            "index": 0,
            "message": {**message, "reasoning": generated.reasoning or None},
            "logprobs": None,
            "finish_reason": _finish(generated),
            "stop_reason": generated.stop,
            "token_ids": None,
            "routed_experts": None,
            "weight_versions": None,
        }
        return {
            **self._frame(chat, "chat.completion"),
            "choices": [choice],
            "service_tier": None,
            "usage": self._counts(chat, generated.completion_tokens, generated.reasoning_tokens),
            "metrics": None,
            "system_fingerprint": None,
            "prompt_logprobs": None,
            "prompt_token_ids": None,
            "prompt_text": None,
            "kv_transfer_params": None,
            "ec_transfer_params": None,
        }

    def error(self, status: int, message: str) -> JsonValue:
        """Nested, with the status as code; a wrong key is a plain text."""
        if status == 401:
            return {"error": "Unauthorized"}
        return error_body(status, message)

    def error_event(self, status: int, message: str) -> bytes:
        """The same shape as over HTTP."""
        return sse(error_body(status, message))

    def refuse(self, body: dict[str, JsonValue], window: int) -> Refusal | None:
        """Bodies that it cannot read, and values out of range."""
        del window
        return next((refused(each) for each in faults_of(body, self._served.deciding(body))), None)

    def refuse_length(self, body: dict[str, JsonValue], window: int, prompt: int) -> Refusal | None:
        """Refuse a prompt beyond the window with its real size; cut prompt and answer together."""
        if prompt < window:
            return None
        size = (
            f"fills it with {prompt} input tokens, leaving no room for output tokens"
            if prompt == window
            else f"contains {prompt} input tokens, which exceeds this limit even without any output tokens"
        )
        detail = f"This model's maximum context length is {window} tokens. However, your prompt {size}. "
        return refused(FieldFault(f"{detail}Please reduce the length of the input prompt.", "input_tokens"))

    def refuse_count(self, body: dict[str, JsonValue]) -> Refusal | None:
        """Neither a text nor a chat, or another model."""
        found = model_fault(body, self._served.deciding(body))
        if found is None and "prompt" not in body and not isinstance(body.get("messages"), list):
            found = FieldFault("data did not match any variant of untagged enum TokenizeRequest", unreadable=True)
        return None if found is None else refused(found)

    def unreadable(self, path: str, body: bytes, content_type: str) -> Refusal:
        """A body that is not a JSON object, or not declared as JSON."""
        del path
        if content_type.partition(";")[0].strip() != JSON:
            detail = "Expected request with `Content-Type: application/json`"
        else:
            detail = f"Failed to parse the request body as JSON: EOF while parsing a value at line 1 column {len(body)}"
        return refusal(400, error_body(400, detail, kind="Bad Request"))

    def no_such_path(self, path: str) -> Refusal | None:
        """An empty body."""
        del path
        return Raw((), 404, {"content-length": "0"})

    def tokenized(self, ids: list[int], body: dict[str, JsonValue], window: int) -> JsonValue:
        """The count first."""
        spelled: JsonValue = [*token_spellings(ids)] if body.get("return_token_strs") else None
        return {"count": len(ids), "max_model_len": window, "tokens": [*ids], "token_strs": spelled}

    def _counts(self, chat: Chat, completion: int, reasoned: int, *, cached: bool = True) -> JsonValue:
        detail = cached and self.prefix_cache is not None
        return {
            "prompt_tokens": chat.prompt,
            "total_tokens": chat.prompt + completion,
            "completion_tokens": completion,
            "prompt_tokens_details": {"cached_tokens": chat.cached} if detail else None,
            "completion_tokens_details": {"reasoning_tokens": reasoned},
        }

    def _frame(self, chat: Chat, kind: str) -> dict[str, JsonValue]:
        served = self._models[0] if self._models else chat.body.get("model") or self._model
        return {"id": f"chatcmpl-{chat.number:08x}", "object": kind, "created": CREATED, "model": served}


def _finish(generated: GeneratedOutput) -> str:
    return "tool_calls" if generated.stop is not None and generated.calls else generated.finish_reason


def _call_id(number: int, index: int) -> str:
    return f"call_{number:020x}{index:04x}"


def _delta_of(token: Token, number: int) -> JsonValue:
    if token.kind != "call":
        return {"reasoning" if token.kind == "reasoning" else "content": token.text}
    if token.name is None:
        return {"tool_calls": [{"index": token.index, "function": {"arguments": token.text}}]}
    begun: JsonValue = {"name": token.name}
    entry: JsonValue = {
        "index": token.index,
        "id": _call_id(number, token.index),
        "type": "function",
        "function": begun,
    }
    return {"tool_calls": [entry]}


def _with_one_text(message: JsonValue) -> JsonValue:
    parts = message.get("content") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(parts, list):
        return message
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return {**message, "content": "".join(text for text in texts if isinstance(text, str))}


def _properties(body: dict[str, JsonValue]) -> dict[str, dict[str, JsonValue]]:
    """The parameters of the offered tools, by the name of the tool."""
    found: dict[str, dict[str, JsonValue]] = {}
    tools = body.get("tools")
    for tool in tools if isinstance(tools, list) else []:
        function = tool.get("function") if isinstance(tool, dict) else None
        schema = function.get("parameters") if isinstance(function, dict) else None
        known = schema.get("properties") if isinstance(schema, dict) else None
        if isinstance(function, dict) and isinstance(known, dict):
            found[str(function.get("name"))] = known
    return found


def _typed(arguments: str, properties: dict[str, JsonValue]) -> str:
    """Arguments; a value without a type in the schema keeps the text that the model wrote."""
    try:
        detail = read_json(arguments)
    except ValueError:
        return arguments  # a piece of them
    if not isinstance(detail, dict):
        return arguments
    for key, value in detail.items():
        schema = properties.get(key)
        known = isinstance(schema, dict) and not schema.keys().isdisjoint({"type", "anyOf", "oneOf", "$ref"})
        if not known and value is not None and not isinstance(value, str):
            detail[key] = json.dumps(value, ensure_ascii=False)
    return _compact(detail)
