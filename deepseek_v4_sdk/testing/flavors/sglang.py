"""The wire of SGLang from the server's side: 0.5.23, or an older one by its version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from deepseek_v4_sdk.chat import JsonValue
from deepseek_v4_sdk.prompt import Dialect
from deepseek_v4_sdk.testing.flavors.base import (
    DONE,
    STREAM,
    Chat,
    Flavor,
    Refusal,
    level_of,
    refusal,
    same_key,
    sse,
    wanted,
)
from deepseek_v4_sdk.testing.flavors.completions import CompletionRoute
from deepseek_v4_sdk.testing.flavors.fields import Wrong
from deepseek_v4_sdk.testing.flavors.sglang_checks import bad_request, check_chat, not_json, refused, too_long
from deepseek_v4_sdk.testing.flavors.sglang_deltas import call_delta, call_id, finish, paced, stop, text_delta, written
from deepseek_v4_sdk.testing.flavors.sglang_prompts import read_history
from deepseek_v4_sdk.testing.flavors.sglang_routes import CREATED, card, model_info, no_such_model
from deepseek_v4_sdk.testing.generated_output import GeneratedOutput, OutputSpan, Token
from deepseek_v4_sdk.testing.model_markup import THINK_ENDS, fragments, unread, unseparated, whole_calls
from deepseek_v4_sdk.testing.output_parser import OutputParser
from deepseek_v4_sdk.testing.prefix_cache import CacheRule
from deepseek_v4_sdk.testing.script import Error, Raw
from deepseek_v4_sdk.tokens import count_text

__all__ = ["SGLangFlavor"]

_MODEL = "deepseek-ai/DeepSeek-V4-Pro"
_TOKENIZER_LENGTH = 1_048_576
_NO_TEMPLATE = (
    "Cannot use chat template functions because tokenizer.chat_template is not set and no template argument was "
    "passed! For information about writing templates and setting the tokenizer.chat_template attribute, please see "
    "the documentation at https://huggingface.co/docs/transformers/main/en/chat_templating"
)
_OPEN = ("/health", "/ready", "/metrics")


class SGLangFlavor(Flavor):
    """SGLang, as it is started with both of its parsers.

    Args:
        version: Which one. 0.5.21 and 0.5.22 stream each call whole; before 0.5.23 the usage has reasoning tokens
            only at its root.
        model: The name it lists. SGLang takes any name; an alias is of the listed model, where you give one.
        api_key: Its `--api-key`; None takes every key. It guards all but `/health`, `/ready` and `/metrics`.
        reasoning_parser: Whether it has `--reasoning-parser`; without it thinking stays in the content.
        tool_call_parser: Whether it has `--tool-call-parser`; without it calls stay in the content as markup.
        v4_encoding: Whether it knows V4 by the tool call parser's name or the checkpoint's architecture; otherwise it
            has no prompt format, and refuses every chat.
        cache_report: Whether it has `--enable-cache-report`, and reports the cached tokens.
        page_size: Tokens in a page of the prefix cache. For V4 it is 256.
        memory: How many tokens its KV memory holds (`--max-total-tokens`, or what is left on its GPUs); None for
            enough. Its error for a prompt beyond it differs from that for the window, and is an event in a stream.
        context_length: Whether it has `--context-length`, and so refuses a limit beyond the window.
        default_thinking: Whether thinking is on unless it is switched off, as with `SGLANG_DEFAULT_THINKING=1`. The
            engine does not know of it then, and counts no reasoning tokens.
        streams_usage: Whether a stream ends with the usage; a gateway may drop `stream_options`.
    """

    name = "sglang"
    keeps_stop = "no_stop_trim"
    needs_type = True
    stops_in_order = True
    dialect: Dialect = "recipe"
    completions = CompletionRoute(
        stop_key="matched_stop",
        end_stop=1,
        prefix="",
        clamps=False,
        null_is_default=False,
        counts_reasoning=True,
        shows_halves=True,
    )
    count_paths: tuple[str, ...] = ("/v1/tokenize", "/tokenize")

    def __init__(
        self,
        *,
        version: str = "0.5.23",
        model: str = _MODEL,
        api_key: str | None = None,
        reasoning_parser: bool = True,
        tool_call_parser: bool = True,
        v4_encoding: bool = True,
        cache_report: bool = False,
        page_size: int = 256,
        memory: int | None = None,
        context_length: bool = False,
        default_thinking: bool = False,
        streams_usage: bool = True,
    ) -> None:
        self._version = version
        self._release = tuple(int(part) for part in version.split(".")[:3])
        self._model, self.takes_known = model, model == _MODEL
        self._api_key = api_key
        self._reasoning_parser = reasoning_parser
        self._tool_call_parser = tool_call_parser
        self._v4_encoding = v4_encoding
        self._cache_report = cache_report
        self._context_length = context_length
        self._memory = memory
        self._default_thinking = default_thinking
        self._streams_usage = streams_usage
        self.prefix_cache = CacheRule(page_size) if cache_report else None
        in_one = (0, 5, 21) <= self._release <= (0, 5, 22)
        self.parser = OutputParser(
            whole_calls if in_one else fragments, (r"\w+",), bare=True, trims="start", drops_ends=True
        )

    def thinking(self, body: dict[str, JsonValue]) -> str:
        """Thinking is off by default; a top-level effort switches it on, one inside the kwargs does not."""
        kwargs, effort = _switches(body)
        asked = body.get("reasoning")
        on = self._default_thinking if effort is None else effort != "none"
        if isinstance(asked, dict) and effort is None:
            on = bool(asked.get("enabled", asked.get("enable", on)))
        on = bool(kwargs["thinking"]) if "thinking" in kwargs else on
        return level_of(kwargs.get("reasoning_effort", effort)) if on else "off"

    def admit(self, path: str, headers: Mapping[str, str]) -> Refusal | None:
        """The key guards all but a few paths."""
        is_open = path.startswith(_OPEN) or same_key(headers, self._api_key)
        return None if is_open else refusal(401, {"error": "Unauthorized"})

    def limit(self, body: dict[str, JsonValue], window: int, prompt: int) -> int:
        """The requested limit, or the tokens that are left."""
        asked = wanted(body, "max_completion_tokens", "max_tokens")
        room = self._held(window) - prompt - 2
        return room if asked is None else min(asked, room)

    def _held(self, window: int) -> int:
        """The number of tokens of prompt and answer it holds, except the last two."""
        return window if self._memory is None else min(window, self._memory)

    def prompt_body(self, body: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """It reads reasoning under only one name, and an answer at the end does not count as an answer."""
        return read_history(body)

    def shown(self, spans: list[OutputSpan], body: dict[str, JsonValue]) -> list[OutputSpan]:
        """Without its parsers thinking and markup stay in the text."""
        if not self._tool_call_parser and any(span.kind == "call" for span in spans):
            forced = body.get("tool_choice", "auto") not in ("auto", "none")
            spans = written(spans) if forced else unread(spans)
        if not self._reasoning_parser and self.thinking(body) != "off":
            # The tool parser knows the end of thinking as well, and drops it.
            spans = unseparated(spans, None if self._tool_call_parser else THINK_ENDS)
        elif body.get("separate_reasoning") is False:
            spans = [replace(span, kind="text") if span.kind == "reasoning" else span for span in spans]
        return spans

    def stream(self, generated: GeneratedOutput, chat: Chat) -> Iterator[bytes]:
        """Role, deltas, finish, usage if asked for, end."""
        frame = self._frame(chat, "chat.completion.chunk")
        choices = range(max(1, wanted(chat.body, "n") or 1))
        options = chat.body.get("stream_options")
        running = isinstance(options, dict) and bool(options.get("continuous_usage_stats"))

        def counts(token: Token) -> dict[str, JsonValue]:
            return {"usage": self._usage(generated, chat, token.count)} if running else {}

        def chunk(
            delta: JsonValue,
            usage: dict[str, JsonValue] | None = None,
            *,
            finish: str | None = None,
            stop: JsonValue = None,
        ) -> Iterator[bytes]:
            for index in choices:
                choice: JsonValue = {
                    "index": index,
                    "delta": delta,
                    "logprobs": None,
                    "finish_reason": finish,
                    "matched_stop": stop,
                }
                yield sse({**frame, "choices": [choice], **(usage or {})})

        yield from chunk({"reasoning_content": None, "role": "assistant", "content": ""})
        for token in paced(generated, chat.body):
            if token.kind == "call":
                yield from chunk(call_delta(token, chat.number), counts(token) or {"usage": None})
            else:
                yield from chunk(text_delta(token), counts(token))
        reason = finish(generated)
        if (
            generated.stop
            and generated.tokens
            and generated.tokens[-1].kind != "call"
            and count_text(generated.stop[-1]) > 1
        ):
            # Of a character of several tokens it learns too late that it ends a stop text.
            yield from chunk(text_delta(replace(generated.tokens[-1], text=generated.stop)))
        yield from chunk({"reasoning_content": None}, finish=reason, stop=stop(generated))
        if self._streams_usage and chat.streams_usage:
            yield sse({**frame, "choices": [], "usage": self._usage(generated, chat)})
        yield DONE

    def plain(self, generated: GeneratedOutput, chat: Chat) -> JsonValue:
        """Content is never null, reasoning is always present; only `tool_calls` is absent when there are none."""
        message: dict[str, JsonValue] = {
            "role": "assistant",
            "content": generated.text,
            "reasoning_content": generated.reasoning or None,
        }
        if generated.calls:
            message["tool_calls"] = [
                {
                    "id": call_id(chat.number, index),
                    "index": index,
                    "type": "function",
                    "function": {"name": name, "arguments": arguments},
                }
                for index, (name, arguments) in enumerate(generated.calls)
            ]
        choice: dict[str, JsonValue] = {
            "message": message,
            "logprobs": None,
            "finish_reason": finish(generated),
            "matched_stop": None if generated.calls else stop(generated),
        }
        if chat.body.get("return_prompt_token_ids"):
            choice["prompt_token_ids"] = [*chat.ids]
        weights: dict[str, JsonValue] = {"weight_version": "default"}
        if self._release >= (0, 5, 23):
            weights["weight_versions"] = [{"version": "default", "start": 0, "end": generated.completion_tokens}]
        several = range(max(1, wanted(chat.body, "n") or 1))
        return {
            **self._frame(chat, "chat.completion"),
            "choices": [{"index": index, **choice} for index in several],
            "usage": self._usage(generated, chat),
            "metadata": weights,
        }

    def error(self, status: int, message: str) -> JsonValue:
        """Flat, without an `error` key; a wrong key is a plain text."""
        if status == 401:
            return {"error": "Unauthorized"}
        kinds = {400: "BadRequestError", 500: "InternalServerError"}
        kind = kinds.get(status, str(status))
        return {"object": "error", "message": message, "type": kind, "param": None, "code": status}

    def refuse_length(self, body: dict[str, JsonValue], window: int, prompt: int) -> Refusal | None:
        """Refuse a prompt, or prompt and answer together, beyond the window or the memory."""
        answer = wanted(body, "max_completion_tokens", "max_tokens") or 0
        message = too_long(prompt, answer, window)
        if message is not None:
            return refused(message)
        longest = self._held(window) - 6
        if prompt < longest:
            return None
        message = f"Input length ({prompt} tokens) exceeds the maximum allowed length ({longest} tokens). "
        message += "Use a shorter input or enable --allow-auto-truncate."
        # Its scheduler refuses this, and by then a stream has begun.
        return (
            Raw((self.error_event(400, message), DONE), 200, {"content-type": STREAM})
            if body.get("stream")
            else refused(message)
        )

    def error_event(self, status: int, message: str) -> bytes:
        """The flat shape of HTTP, wrapped."""
        kind = {503: "SERVICE_UNAVAILABLE", 500: "INTERNAL_SERVER_ERROR"}.get(status, "BAD_REQUEST")
        error: JsonValue = {"object": "error", "message": message, "type": kind, "param": None, "code": status}
        return sse({"error": error})

    def refuse(self, body: dict[str, JsonValue], window: int) -> Refusal | None:
        """Refuse unreadable bodies, and chats without an encoding; skip unknown fields."""
        found = check_chat(body, most=window if self._context_length else None, encodes=self._v4_encoding)
        return found if found is not None or self._v4_encoding else Error(400, _NO_TEMPLATE)

    def refuse_count(self, body: dict[str, JsonValue]) -> Refusal | None:
        """Neither a text nor a chat, or both."""
        if isinstance(body.get("prompt"), str | list) != isinstance(body.get("messages"), list):
            return None
        message = "Value error, Exactly one of 'prompt' or 'messages' must be provided."
        return bad_request([Wrong("value_error", (), message, body)], "/tokenize")

    def unreadable(self, path: str, body: bytes, content_type: str) -> Refusal:
        """A body that is not a JSON object."""
        return not_json(body, content_type, path)

    def read(self, path: str, window: int) -> JsonValue:
        """Health, readiness and models."""
        opened = {"/health", "/health_generate", "/ready", "/ping"}
        if path in opened and not (path == "/ready" and self._release < (0, 5, 20)):
            return ""
        if path in {"/model_info", "/get_model_info"}:
            return model_info(self._model, self._parsers)
        if path in {"/server_info", "/get_server_info"}:
            options: dict[str, JsonValue] = {"enable_cache_report": self._cache_report, "version": self._version}
            held: dict[str, JsonValue] = {
                "max_total_num_tokens": self._memory or 8 * window,
                "max_req_input_len": self._held(window) - 6,
            }
            return {"model_path": self._model, "context_length": window, **self._parsers, **options, **held}
        if path == f"/v1/models/{self._model}":
            return card(self._model, window)
        return {"object": "list", "data": [card(self._model, window)]} if path == "/v1/models" else None

    def no_such_path(self, path: str) -> Refusal | None:
        """Its own error for an unknown model."""
        model = path.removeprefix("/v1/models/")
        return None if model == path else refusal(404, {"error": no_such_model(model)})

    def tokenized(self, ids: list[int], body: dict[str, JsonValue], window: int) -> JsonValue:
        """With the length of the tokenizer, not of the server."""
        del body, window
        return {"tokens": [*ids], "count": len(ids), "max_model_len": _TOKENIZER_LENGTH}

    def tokenized_batch(self, ids: list[list[int]], body: dict[str, JsonValue], window: int) -> JsonValue:
        """Lists in place of numbers."""
        del body, window
        counts: list[JsonValue] = [len(each) for each in ids]
        return {"tokens": [[*each] for each in ids], "count": counts, "max_model_len": _TOKENIZER_LENGTH}

    def detokenized(self, text: str) -> JsonValue:
        """The text."""
        return {"text": _unopened(text)}

    def detokenized_batch(self, texts: list[str]) -> JsonValue:
        """The texts."""
        return {"text": [_unopened(text) for text in texts]}

    @property
    def _parsers(self) -> dict[str, JsonValue]:
        """The report about its parsers."""
        return {
            "reasoning_parser": "deepseek-v4" if self._reasoning_parser else None,
            "tool_call_parser": "deepseekv4" if self._tool_call_parser else None,
        }

    def _usage(self, generated: GeneratedOutput, chat: Chat, by: int | None = None) -> JsonValue:
        """The usage, or what it was by so many tokens of the answer."""
        completed = generated.completion_tokens if by is None else by
        kwargs, effort = _switches(chat.body)
        gated = self._reasoning_parser and (kwargs.get("thinking") is True or (effort is not None and effort != "none"))
        # The engine counts up to the token that ends the thinking, and all when it never came.
        ended = THINK_ENDS in generated.raw
        reasoned = generated.reasoning_tokens + 1 if ended else generated.completion_tokens
        reasoned = reasoned if gated and self.thinking(chat.body) != "off" else 0
        reasoned = min(reasoned, completed)
        several = max(1, wanted(chat.body, "n") or 1)
        usage: dict[str, JsonValue] = {
            "prompt_tokens": chat.prompt,
            "total_tokens": chat.prompt + completed * several,
            "completion_tokens": completed * several,
            "prompt_tokens_details": {"cached_tokens": chat.cached} if self._cache_report else None,
            "reasoning_tokens": reasoned * several,
        }
        if self._release >= (0, 5, 23):
            usage["completion_tokens_details"] = {"reasoning_tokens": reasoned * several} if reasoned else None
        return usage

    def _frame(self, chat: Chat, kind: str) -> dict[str, JsonValue]:
        return {
            "id": chat.body.get("rid") or f"{chat.number:032x}",
            "object": kind,
            "created": CREATED,
            "model": chat.body.get("model", "default"),
        }


def _switches(body: dict[str, JsonValue]) -> tuple[dict[str, JsonValue], JsonValue]:
    """The template's arguments, and the effort at the root."""
    given, asked = body.get("chat_template_kwargs"), body.get("reasoning")
    effort = body.get("reasoning_effort")
    if isinstance(asked, dict):
        effort = asked.get("effort", asked.get("reasoning_effort", effort))
    return (given if isinstance(given, dict) else {}), effort


def _unopened(text: str) -> str:
    return text.removeprefix("<｜begin▁of▁sentence｜>")


FLAVOR = SGLangFlavor()
