"""The wire of NVIDIA Dynamo's front end 1.6.1 from the server's side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from deepseek_v4_sdk.chat import JsonValue
from deepseek_v4_sdk.prompt import Dialect
from deepseek_v4_sdk.testing.flavors.base import DONE, Chat, Counts, Flavor, Refusal, sse, wanted
from deepseek_v4_sdk.testing.flavors.completions import CompletionRoute
from deepseek_v4_sdk.testing.flavors.served import KNOWN, ServedNames
from deepseek_v4_sdk.testing.generated_output import GeneratedOutput, OutputSpan, Token
from deepseek_v4_sdk.testing.model_markup import one_call, unread, unseparated
from deepseek_v4_sdk.testing.output_parser import OutputParser
from deepseek_v4_sdk.testing.prefix_cache import CacheRule
from deepseek_v4_sdk.testing.script import Error

__all__ = ["DynamoFlavor"]

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
"""Fields that a body may hold at its root."""


_HINTS = frozenset({"priority", "strict_priority", "osl", "speculative_prefill", "latency_sensitivity"})
_NVEXT_WORDS = """
greed_sampling use_raw_prompt annotations backend_instance_id token_data max_thinking_tokens cache_salt extra_fields
metadata_upload prefill_worker_id decode_worker_id dp_rank prefill_dp_rank agent_hints request_timestamp_ms
routing_constraints router
"""
_NVEXT = frozenset(_NVEXT_WORDS.split())
_ROLES = frozenset({"developer", "system", "user", "assistant", "tool", "function"})
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_MOST_TOKENS = 1_048_576
"""Its bound on `max_tokens`, whatever the model's window."""


class DynamoFlavor(Flavor):
    """Dynamo's shapes: flat errors, whole tool calls in one delta, no empty first chunk.

    Args:
        models: The names of its workers' models. It refuses others, also in another case. Without it every alias and
            published id of V4 is served and another name refused, as a mistake; None takes any name.
        reasoning_parser: Whether its workers have `--dyn-reasoning-parser`; without it thinking stays in the content.
        tool_call_parser: Whether they have `--dyn-tool-call-parser`; without it calls stay in the content as markup.
        default_thinking: Its `--dyn-default-thinking-mode`: whether thinking is on without an option in the request.
        reasoning_field: Its `--reasoning-field-name`.
        block_size: The tokens in a block of its workers' prefix caches. The recipes have 256.
        ready: Whether it has a worker. Without one each chat is 503.
    """

    name = "dynamo"
    keys = _KEYS
    served = _MODEL

    dialect: Dialect = "vllm"
    completions = CompletionRoute()
    parser = OutputParser()

    def __init__(
        self,
        *,
        models: Sequence[str] | None = KNOWN,
        reasoning_parser: bool = True,
        tool_call_parser: bool = True,
        default_thinking: bool = True,
        reasoning_field: Literal["reasoning_content", "reasoning"] = "reasoning_content",
        block_size: int = 256,
        ready: bool = True,
    ) -> None:
        self._names = ServedNames(models)
        self.takes_known = self._names.takes_known
        if self._names.names:
            self.served = self._names.names[0]
        self._reasoning_parser = reasoning_parser
        self._tool_call_parser = tool_call_parser
        self._default_thinking = default_thinking
        self._reasoning_field = reasoning_field
        self._ready = ready
        self.prefix_cache = CacheRule(block_size)

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
        generated = (
            effort is not None or switch is not None or kwargs.keys() & {"thinking", "enable_thinking", "thinking_mode"}
        )
        if off or not (generated or self._default_thinking):
            return "off"
        return "low" if effort in {"minimal", "low"} else "max" if effort == "max" else "high"

    def cache_salt(self, body: dict[str, JsonValue]) -> str:
        """At the root, or among the extensions."""
        extension = body.get("nvext")
        return str(body.get("cache_salt") or (isinstance(extension, dict) and extension.get("cache_salt")) or "")

    def prompt_body(self, body: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """`none` takes the tools out of the prompt, and reasoning has one name."""
        messages = body.get("messages")
        kept: list[JsonValue] = [
            {key: value for key, value in item.items() if key != "reasoning"} if isinstance(item, dict) else item
            for item in (messages if isinstance(messages, list) else [])
        ]
        body = {**body, "messages": kept}
        return (
            {key: value for key, value in body.items() if key != "tools"} if body.get("tool_choice") == "none" else body
        )

    def refuse(self, body: dict[str, JsonValue], window: int) -> Refusal | None:
        """Refuse unknown keys, values out of range, and models that it does not have."""
        del window
        if not self._ready:
            detail = (
                f"Model '{self.served}' is not ready to serve requests yet: no workers are available; retry shortly."
            )
            return Error(503, detail)
        unknown = ", ".join(sorted(body.keys() - self.keys))
        if unknown:
            return Error(400, f"Validation: Unsupported parameter(s): {unknown}")
        if found := next((Error(400, message) for message in _faults(body)), None):
            return found
        if self._names.refused(body) is None:
            return None
        # Dynamo does not list its models here; only a mock without given names does.
        return Error(404, f"Model not found. Valid: {', '.join(KNOWN)}" if self.takes_known else "Model not found")

    def refuse_length(self, body: dict[str, JsonValue], window: int, prompt: int) -> Refusal | None:
        """The engine behind it refuses a prompt beyond the window."""
        del body
        if prompt < window:
            return None
        return Error(
            400,
            f"This model's maximum context length is {window} tokens. However, your messages resulted in {prompt} "
            "tokens. Please reduce the length of the messages.",
        )

    def shown(self, spans: list[OutputSpan], body: dict[str, JsonValue]) -> list[OutputSpan]:
        """The output that its parsers leave."""
        if not self._tool_call_parser and any(span.kind == "call" for span in spans):
            spans = unread(spans)
        if not self._reasoning_parser and self.thinking(body) != "off":
            spans = unseparated(spans)
        if body.get("parallel_tool_calls") is False:
            spans = one_call(spans)
        return spans

    def stream(self, generated: GeneratedOutput, chat: Chat) -> Iterator[bytes]:
        """Deltas, the first with the role; calls whole, in one delta with the finish reason."""
        frame = self._frame(chat, "chat.completion.chunk")
        role: dict[str, JsonValue] = {"role": "assistant"}
        options = chat.body.get("stream_options")
        running = isinstance(options, dict) and bool(options.get("continuous_usage_stats"))
        yield from _annotations(chat)

        def chunk(delta: dict[str, JsonValue], count: int, finish: str | None = None) -> bytes:
            choice: JsonValue = {"index": 0, "delta": {**role, **delta}, "finish_reason": finish, "logprobs": None}
            role.clear()
            usage: dict[str, JsonValue] = {}
            if running:
                usage["usage"] = {
                    "prompt_tokens": chat.prompt,
                    "completion_tokens": count,
                    "total_tokens": chat.prompt + count,
                }
            return sse({**frame, "choices": [choice], **usage})

        for token in generated.tokens:
            if token.kind != "call":
                yield chunk(self._delta(token), token.count)
        calls: dict[str, JsonValue] = (
            {"tool_calls": _calls(generated, chat.number, indexed=True)} if generated.calls else {}
        )
        yield chunk(calls, generated.completion_tokens, generated.finish_reason)
        if chat.streams_usage:
            yield sse({**frame, "choices": [], "usage": _usage(generated, chat), **_extension(chat)})
        yield DONE

    def plain(self, generated: GeneratedOutput, chat: Chat) -> JsonValue:
        """Reasoning is absent when there is none, content null when there is none."""
        message: dict[str, JsonValue] = {"role": "assistant", "content": generated.text or None, "refusal": None}
        if generated.reasoning:
            message[self._reasoning_field] = generated.reasoning
        if generated.calls:
            message["tool_calls"] = _calls(generated, chat.number, indexed=False)
        choice: JsonValue = {
            "index": 0,
            "message": message,
            "finish_reason": generated.finish_reason,
            "logprobs": None,
        }
        frame = self._frame(chat, "chat.completion")
        return {**frame, "choices": [choice], "usage": _usage(generated, chat), **_extension(chat)}

    def error(self, status: int, message: str) -> JsonValue:
        """Flat, with the status as a number."""
        kinds = {400: "Bad Request", 404: "Not Found", 503: "Service Unavailable"}
        return {"message": message, "type": kinds.get(status, "Internal Server Error"), "code": status}

    def error_event(self, status: int, message: str) -> bytes:
        """Wrapped, unlike over HTTP, and with types of another spelling."""
        kind = "service_unavailable" if status == 503 else "internal_server_error"
        return sse({"error": {"message": message, "type": kind, "code": status}})

    def headers(self, request: Mapping[str, str], number: int) -> dict[str, str]:
        """The request's id comes back as it was sent."""
        del number
        given = request.get("x-request-id")
        return {"x-request-id": given} if given else {}

    def read(self, path: str, window: int) -> JsonValue:
        """Health and models."""
        if path == "/health":
            return {"status": "healthy", "endpoints": ["dyn://mock"], "instances": []}
        if path == "/live":
            return {"status": "live", "message": "Service is live"}
        names = self._names.names or (self.served,)
        entries: dict[str, JsonValue] = {
            name: {
                "id": name,
                "object": "model",
                "created": _CREATED,
                "owned_by": "nvidia",
                "context_window": window,
            }
            for name in names
        }
        name = path.removeprefix("/v1/models/")
        if name in entries:
            return entries[name]
        if name.endswith("/ready") and name.removesuffix("/ready") in entries:
            worker: JsonValue = {"aggregated": {"workers": int(self._ready), "needs": []}}
            space: JsonValue = {
                "ready": self._ready,
                "worker_types": worker,
                "present": ["aggregated"] if self._ready else [],
                "missing_worker_types": [] if self._ready else ["aggregated"],
            }
            return {"model": name.removesuffix("/ready"), "ready": self._ready, "namespaces": {"dynamo": space}}
        return {"object": "list", "data": [*entries.values()]} if path == "/v1/models" else None

    def no_such_path(self, path: str) -> Refusal | None:
        """Flat, as every error here."""
        detail = "Model not found" if path.startswith("/v1/models/") else f"Route not found: GET {path}"
        return Error(404, detail)

    def measures(self, counts: Counts) -> str | None:
        """The metrics that it exports."""
        label = f'{{model="{self.served.lower()}"}}'
        gauges = {
            "dynamo_frontend_inflight_requests": counts.running,
            "dynamo_frontend_queued_requests": 0,
            "dynamo_frontend_output_tokens_total": counts.completion_tokens,
        }
        return "".join(f"{name}{label} {value}\n" for name, value in gauges.items())

    def _delta(self, token: Token) -> dict[str, JsonValue]:
        return {self._reasoning_field if token.kind == "reasoning" else "content": token.text}

    def _frame(self, chat: Chat, kind: str) -> dict[str, JsonValue]:
        return {
            "id": f"chatcmpl-00000000-0000-4000-8000-{chat.number:012x}",
            "object": kind,
            "created": _CREATED,
            "model": chat.body.get("model", self.served),
        }


def _faults(body: dict[str, JsonValue]) -> Iterator[str]:
    """Values that are out of range, and extensions that are not known."""
    extension = body.get("nvext")
    if isinstance(extension, dict):
        hints = extension.get("agent_hints")
        for known, given in ((_NVEXT, extension), (_HINTS, hints if isinstance(hints, dict) else {})):
            for key in given.keys() - known:
                yield f"Failed to deserialize the JSON body into the target type: nvext: unknown field `{key}`"
    for name, low, high in (("temperature", 0, 2), ("top_p", 0, 1)):
        value = body.get(name)
        if isinstance(value, int | float) and not low <= value <= high:
            yield f"Validation: {name} must be between {low} and {high}, got {value}"
    limit = wanted(body, "max_completion_tokens", "max_tokens")
    if limit is not None and not 1 <= limit <= _MOST_TOKENS:
        yield f"Validation: max_tokens must be between 1 and {_MOST_TOKENS}, got {limit}"
    messages = body.get("messages")
    items = [item for item in messages if isinstance(item, dict)] if isinstance(messages, list) else []
    if not items:
        yield "Validation: messages must not be empty"
    for item in items:
        if item.get("role") not in _ROLES:
            yield f"Failed to deserialize the JSON body into the target type: unknown variant `{item.get('role')}`"
    effort = body.get("reasoning_effort")
    if effort is not None and effort not in _EFFORTS:
        yield f"Validation: reasoning_effort must be one of {', '.join(_EFFORTS)}, got {effort}"
    if body.get("stream_options") is not None and not body.get("stream"):
        yield "Validation: stream_options is only allowed when stream is true"


def _annotations(chat: Chat) -> Iterator[bytes]:
    """Events whose payload is a comment."""
    extension = chat.body.get("nvext")
    asked = extension.get("annotations") if isinstance(extension, dict) else None
    if isinstance(asked, list) and "request_id" in asked:
        yield f'event: request_id\n: "00000000-0000-4000-8000-{chat.number:012x}"\n\n'.encode()


def _extension(chat: Chat) -> dict[str, JsonValue]:
    """The extra data that the body requests in addition to the answer."""
    extension = chat.body.get("nvext")
    asked = extension.get("extra_fields") if isinstance(extension, dict) else None
    fields: dict[str, JsonValue] = {}
    if isinstance(asked, list) and "worker_id" in asked:
        fields["worker_id"] = {"prefill_worker_id": 2**63 + 1, "decode_worker_id": 2**63 + 1}
    if isinstance(asked, list) and "timing" in asked:
        fields["timing"] = {"request_received_ms": _CREATED * 1000, "ttft_ms": 12.5, "total_time_ms": 40.0}
    return {"nvext": fields} if fields else {}


def _calls(generated: GeneratedOutput, number: int, *, indexed: bool) -> list[JsonValue]:
    calls: list[JsonValue] = []
    for index, (name, arguments) in enumerate(generated.calls):
        call: dict[str, JsonValue] = {"index": index} if indexed else {}
        call["id"] = f"call_{number:020x}{index:04x}"
        call["type"] = "function"
        call["function"] = {"name": name, "arguments": arguments}
        calls.append(call)
    return calls


def _usage(generated: GeneratedOutput, chat: Chat) -> JsonValue:
    usage: dict[str, JsonValue] = {
        "prompt_tokens": chat.prompt,
        "completion_tokens": generated.completion_tokens,
        "total_tokens": chat.prompt + generated.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": chat.cached},
    }
    if generated.reasoning_tokens:
        usage["completion_tokens_details"] = {"reasoning_tokens": generated.reasoning_tokens}
    return usage


FLAVOR = DynamoFlavor()
