"""The wire of vLLM from the server's side: 0.33, or an older one by its version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from deepseek_v4_sdk.chat import JsonValue
from deepseek_v4_sdk.prompt import Dialect, Generation
from deepseek_v4_sdk.testing.flavors.base import DONE, Chat, Counts, Flavor, Refusal, refusal, same_key, sse, wanted
from deepseek_v4_sdk.testing.flavors.completions import CompletionRoute
from deepseek_v4_sdk.testing.flavors.served import KNOWN, ServedNames
from deepseek_v4_sdk.testing.flavors.vllm_checks import (
    bad_value,
    check_chat,
    check_detokenize,
    check_tokenize,
    not_json,
    without_parser,
)
from deepseek_v4_sdk.testing.flavors.vllm_deltas import (
    finish,
    joined,
    opening,
    plain_calls,
    streamed,
    with_border,
    with_fingerprint,
    with_ids,
)
from deepseek_v4_sdk.testing.flavors.vllm_prompts import answering_role, mended, older_thinking, plain_prompt
from deepseek_v4_sdk.testing.flavors.vllm_routes import CREATED, card, measures
from deepseek_v4_sdk.testing.flavors.vllm_usage import counted, prompt_details, usage
from deepseek_v4_sdk.testing.generated_output import GeneratedOutput, OutputSpan
from deepseek_v4_sdk.testing.model_markup import bursts, one_call, unseparated
from deepseek_v4_sdk.testing.output_parser import OutputParser
from deepseek_v4_sdk.testing.prefix_cache import CacheRule
from deepseek_v4_sdk.testing.prompt_tokens import token_spellings
from deepseek_v4_sdk.testing.script import Error

__all__ = ["VLLMFlavor"]

_MODEL = "deepseek-ai/DeepSeek-V4-Pro"
_NO_TEMPLATE = (
    "As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template if the "
    "tokenizer does not define one."
)
_GUARDED = ("/v1", "/v2", "/inference", "/cohere")


class VLLMFlavor(Flavor):
    """vLLM, as it is started with the flags of the recipes.

    Args:
        version: Which one. Before 0.28 thinking is off by default, `max` is the strongest of two levels
            (0.20 does not take it at the root of a body), and the usage does not report reasoning tokens. Before 0.33
            a plain answer has the finish reason `tool_calls` for a cut call.
        models: The names it serves. It refuses others, and answers in the name of the first. Without it every alias and
            published id of V4 is served and another name refused, as a mistake; None takes any name.
        api_key: Its `--api-key`; None takes every key. It guards `/v1` and some others, not `/health` or `/tokenize`.
        reasoning_parser: Whether it has `--reasoning-parser`; without it thinking stays in the content.
        tool_call_parser: Whether it has `--enable-auto-tool-choice` and `--tool-call-parser`. Without both, any tool
            choice but "none" fails; a forced one too where only the first is missing (0.32).
        prompt_tokens_details: Whether it has `--enable-prompt-tokens-details`, and reports the cached tokens.
        block_size: Its `--block-size`: the tokens in a block of the prefix cache. The recipes have 256.
        encoding: The maker of its prompts: "v4", as `--tokenizer-mode deepseek_v4` does; "template", a plain chat
            template given to it, which has no thinking; "none", without either; it refuses every chat.
        default_thinking: The `thinking` of its `--default-chat-template-kwargs`, if it has that.
        reads_switch: Whether the thinking switch reaches it; a gateway may drop `chat_template_kwargs`.
        streams_usage: Whether a stream ends with the usage on request; a gateway may drop
            `stream_options`. "always" is `--enable-force-include-usage`: in every chunk, requested or not.
        request_id_headers: Whether it has `--enable-request-id-headers`, and sends `X-Request-Id` back.
        frontend: Its Python server, or with `VLLM_USE_RUST_FRONTEND=1` the one in Rust (0.33),
            which reads calls and refuses bodies by its own rules. With the latter the parsers are always on.
    """

    name = "vllm"
    encoder_refuses = False
    keeps_stop = "include_stop_str_in_output"
    holds_back = True
    needs_type = True
    dialect: Dialect = "vllm"
    count_paths: tuple[str, ...] = ("/tokenize",)
    completions = CompletionRoute(stop_key="stop_reason", gives_ids=True)
    parser = OutputParser(
        bursts,
        ("tool_calls", "toolcalls", "tool"),
        "drop",
        bare=True,
        keeps_breaks=True,
        trims="end",
        rethinks=True,
        several=True,
        fits=True,
    )

    def __init__(
        self,
        *,
        version: str = "0.33.0",
        models: Sequence[str] | None = KNOWN,
        api_key: str | None = None,
        reasoning_parser: bool = True,
        tool_call_parser: bool = True,
        prompt_tokens_details: bool = False,
        block_size: int = 256,
        encoding: Literal["v4", "template", "none"] = "v4",
        default_thinking: bool | None = None,
        reads_switch: bool = True,
        streams_usage: bool | Literal["always"] = True,
        request_id_headers: bool = False,
        frontend: Literal["python", "rust"] = "python",
    ) -> None:
        self._version = version
        self._release = tuple(int(part) for part in version.split(".")[:2])
        self._served = ServedNames(models)
        self._models, self.takes_known = self._served.names, self._served.takes_known
        self._api_key = api_key
        self._reasoning_parser = reasoning_parser
        self._tool_call_parser = tool_call_parser
        self._encoding = encoding
        self._default_thinking = default_thinking
        self._reads_switch = reads_switch
        self._streams_usage = streams_usage
        self._request_id_headers = request_id_headers
        self.prefix_cache = CacheRule(block_size) if prompt_tokens_details else None
        self._rust: Flavor | None = None
        if frontend == "rust":
            from deepseek_v4_sdk.testing.flavors.vllm_rust import RustFrontEnd

            self._rust = RustFrontEnd(version, self._served, self.prefix_cache, default_thinking=default_thinking)

    @property
    def engine(self) -> Flavor:
        """The server that answers chats: itself, or the front end in Rust."""
        return self._rust or self

    def thinking(self, body: dict[str, JsonValue]) -> str:
        """Thinking is on by default; the two switches are ORed; a top-level effort adds one of them."""
        if self._encoding != "v4":
            return "off"
        if not self._reads_switch:
            return "high"
        given = body.get("chat_template_kwargs")
        kwargs = dict(given) if isinstance(given, dict) else {}
        if self._default_thinking is not None:
            kwargs.setdefault("thinking", self._default_thinking)
        effort = body.get("reasoning_effort")
        if effort is not None:
            kwargs["reasoning_effort"] = effort
            kwargs.setdefault("enable_thinking", effort != "none")
        effort = kwargs.get("reasoning_effort")
        switches = [kwargs[key] for key in ("thinking", "enable_thinking") if key in kwargs]
        if self._release < (0, 28):
            return older_thinking(self._release, effort, on=any(switches))
        if effort == "none" or (switches and not any(switches)):
            return "off"
        return "low" if effort in {"minimal", "low", "medium"} else "max" if effort == "max" else "high"

    def generation(self, body: dict[str, JsonValue]) -> Generation:
        """The encoder of its time, whatever the model."""
        del body
        return "2026-08" if self._release >= (0, 28) else "2026-04"

    def admit(self, path: str, headers: Mapping[str, str]) -> Refusal | None:
        """The key guards only some paths."""
        guarded = path.startswith(_GUARDED)
        return None if not guarded or same_key(headers, self._api_key) else refusal(401, {"error": "Unauthorized"})

    def prompt_body(self, body: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Odd histories are taken."""
        return mended(body)

    def limit(self, body: dict[str, JsonValue], window: int, prompt: int) -> int:
        """The requested limit, cut to the tokens that are left."""
        room = window - prompt
        asked = wanted(body, "max_completion_tokens", "max_tokens")
        return room if asked is None else min(asked, room)

    def shown(self, spans: list[OutputSpan], body: dict[str, JsonValue]) -> list[OutputSpan]:
        """Without a reasoning parser thinking stays in the text; without `parallel_tool_calls` one call is left."""
        if not self._reasoning_parser and self.thinking(body) != "off":
            spans = unseparated(spans)
        if body.get("parallel_tool_calls") is False:
            spans = one_call(spans)
        return spans

    def stream(self, generated: GeneratedOutput, chat: Chat) -> Iterator[bytes]:
        """Role, deltas, finish, usage if asked for, end."""
        frame = self._frame(chat, "chat.completion.chunk")
        options = chat.body.get("stream_options")
        always = self._streams_usage == "always"
        ends_with_usage = always or (self._streams_usage and chat.streams_usage)
        running = ends_with_usage and (
            always or (isinstance(options, dict) and bool(options.get("continuous_usage_stats")))
        )
        reasoning: dict[str, JsonValue] = {} if chat.body.get("include_reasoning", True) else {"reasoning": None}

        def chunk(delta: dict[str, JsonValue], count: int, **choice: JsonValue) -> bytes:
            fields: dict[str, JsonValue] = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
            event: dict[str, JsonValue] = {**frame, "choices": [{**fields, **choice}]}
            if running:
                event["usage"] = self._counts(chat.prompt, count, generated.reasoning_by(count))
            return sse(event | ({"kv_transfer_params": None} if self._release >= (0, 33) else {}))

        begun = opening(frame, answering_role(chat.body))
        if running:
            begun["usage"] = self._counts(chat.prompt, 0, 0)
        ids = generated.ids() if chat.body.get("return_token_ids") else None
        yield sse({**begun, "prompt_token_ids": None if ids is None else [*chat.ids], "prompt_text": None})
        tokens = streamed(generated)
        last = [token for token in tokens if token.count >= generated.completion_tokens]
        if not last and not generated.calls and not generated.text.strip():
            last = [token for token in tokens if token.kind == "text"]  # blanks wait for what follows them
        shown = [token for token in tokens[: len(tokens) - len(last)] if token.kind != "reasoning" or not reasoning]
        groups = with_border(shown, generated) if chat.body.get("stop") else ([token] for token in shown)
        count = 0
        for group, count, own in with_ids(groups, ids):
            yield chunk(joined(group, chat.number) | reasoning, count, token_ids=own)
        versions: dict[str, JsonValue] = {"weight_versions": None} if self._release >= (0, 33) else {}
        final = chunk(
            joined(last, chat.number),
            generated.completion_tokens,
            finish_reason=finish(generated, chat.body, plain=False),
            stop_reason=generated.stop,
            token_ids=None if ids is None else [*ids[count:]],
            **versions,
        )
        yield final if ends_with_usage else with_fingerprint(final, self._fingerprint)
        if ends_with_usage:
            usage = self._usage(generated, chat, plain=False)
            yield sse({**frame, "choices": [], "usage": usage, "system_fingerprint": self._fingerprint})
        yield DONE

    def plain(self, generated: GeneratedOutput, chat: Chat) -> JsonValue:
        """Everything written out, nulls too; only `tool_calls` is absent when there are none."""
        forced = chat.body.get("tool_choice") not in (None, "auto", "none")
        reasoning = generated.reasoning if chat.body.get("include_reasoning", True) else ""
        message: dict[str, JsonValue] = {
            "role": answering_role(chat.body),
            "content": generated.text or ("" if forced and generated.calls else None),
            "refusal": None,
            "annotations": None,
            "audio": None,
            "function_call": None,
        }
        if generated.calls:
            message["tool_calls"] = [*plain_calls(generated, chat.number)]
        choice: dict[str, JsonValue] = {
            "index": 0,
            "message": {**message, "reasoning": reasoning or None},
            "logprobs": None,
            "finish_reason": finish(generated, chat.body, plain=self._release < (0, 33)),
            "stop_reason": generated.stop,
            "token_ids": None,
            "routed_experts": None,
        }
        if self._release >= (0, 33):
            choice["weight_versions"] = None
        return {
            **self._frame(chat, "chat.completion"),
            "choices": [choice],
            "service_tier": None,
            "system_fingerprint": self._fingerprint,
            "usage": self._usage(generated, chat, plain=True),
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

    def error_event(self, status: int, message: str) -> bytes:
        """The same shape as over HTTP; a status that is not an error of the engine keeps its code."""
        return sse({"error": {"message": message, "type": "InternalServerError", "param": None, "code": status}})

    def refuse(self, body: dict[str, JsonValue], window: int) -> Refusal | None:
        """Bodies it cannot read, chats without an encoding, tools without their flags; what it does not know passes."""
        found = check_chat(body, served=self._served.deciding(body), window=window, oldest=self._release <= (0, 20))
        if found is not None:
            return found
        if self._encoding == "none":
            return Error(400, _NO_TEMPLATE)
        if body.get("thinking_token_budget") is not None and not self._reasoning_parser:
            return Error(400, "thinking_token_budget is set but reasoning_config is not configured.")
        return None if self._tool_call_parser else without_parser(body)

    def refuse_length(self, body: dict[str, JsonValue], window: int, prompt: int) -> Refusal | None:
        """Refuse a prompt beyond the window, and one that leaves no tokens; cut prompt and answer together."""
        del body
        if prompt < window:
            return None
        if prompt == window:
            return bad_value("max_tokens must be at least 1, got 0.", "max_tokens", 0)
        beyond = window + 1  # it stops counting there
        return bad_value(
            f"This model's maximum context length is {window} tokens. However, your prompt contains at least {beyond} "
            "input tokens, which exceeds this limit even without any output tokens. Please reduce the length of the "
            "input prompt.",
            "input_tokens",
            beyond,
        )

    def refuse_count(self, body: dict[str, JsonValue]) -> Refusal | None:
        """Neither a text nor a chat, or another model."""
        return check_tokenize(body, served=self._served.deciding(body))

    def refuse_tokens(self, body: dict[str, JsonValue]) -> Refusal | None:
        """Tokens that are not numbers."""
        return check_detokenize(body)

    def unreadable(self, path: str, body: bytes, content_type: str) -> Refusal:
        """A body that is not a JSON object."""
        return not_json(body, content_type, ways=2 if path in self.count_paths else 1)

    def read(self, path: str, window: int) -> JsonValue:
        """Health, version and models."""
        if self._rust is not None:
            return self._rust.read(path, window)
        if path in {"/health", "/ping"}:
            return ""
        if path == "/version":
            return {"version": self._version}
        if path == "/load":
            return {"server_load": 0}
        if path != "/v1/models":
            return None
        served = self._models or (_MODEL,)
        return {"object": "list", "data": [card(name, served[0], window) for name in served]}

    def no_such_path(self, path: str) -> Refusal | None:
        """The front end in Rust has its own answer."""
        return None if self._rust is None else self._rust.no_such_path(path)

    def tokenized(self, ids: list[int], body: dict[str, JsonValue], window: int) -> JsonValue:
        """The count first."""
        spelled: JsonValue = None
        if body.get("return_token_strs"):
            spelled = [*token_spellings(ids)]
        return {"count": len(ids), "max_model_len": window, "tokens": [*ids], "token_strs": spelled}

    def count_prompt(self, body: dict[str, JsonValue]) -> int | None:
        """The tokens of a prompt that is not V4's; None when it is."""
        return plain_prompt(body) if self._encoding != "v4" else None if body.get("messages") else 1

    def headers(self, request: Mapping[str, str], number: int) -> dict[str, str]:
        """The request's id, where the server has the flag for it."""
        if not self._request_id_headers:
            return {}
        return {"x-request-id": request.get("x-request-id") or f"{number:032x}"}

    def measures(self, counts: Counts) -> str | None:
        """The metrics that it exports."""
        return measures((self._models or (_MODEL,))[0], counts)

    @property
    def _fingerprint(self) -> str:
        return f"vllm-{self._version}-mock"

    def _counts(self, prompt: int, completion: int, reasoned: int) -> dict[str, JsonValue]:
        reports_reasoning = self._release >= (0, 28) and self._reasoning_parser
        return counted(prompt, completion, reasoned if reports_reasoning else None)

    def _usage(self, generated: GeneratedOutput, chat: Chat, *, plain: bool) -> JsonValue:
        details = None if self.prefix_cache is None else prompt_details(chat, self.prefix_cache.block, plain=plain)
        reasoned = generated.reasoning_tokens if plain else len(generated.streamed_reasoning)
        counts = self._counts(chat.prompt, generated.completion_tokens, reasoned)
        return usage(counts, details, plain=plain, reports_reasoning=self._release >= (0, 28))

    def _frame(self, chat: Chat, kind: str) -> dict[str, JsonValue]:
        given = chat.headers.get("x-request-id") or chat.body.get("request_id")
        return {
            "id": f"chatcmpl-{given}" if given else f"chatcmpl-{chat.number:016x}",
            "object": kind,
            "created": CREATED,
            "model": self._models[0] if self._models else chat.body.get("model") or _MODEL,
        }


FLAVOR = VLLMFlavor()
