"""vLLM 0.20 to 0.33 serving V4 with `--reasoning-parser deepseek_v4 --tool-call-parser deepseek_v4`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import HistoryRules
from deepseek_v4_sdk.providers import option_rules as rules
from deepseek_v4_sdk.providers.chat_completions import COMMON_OPTIONS, ChatCompletions, as_key, top_k
from deepseek_v4_sdk.providers.completions import Completions
from deepseek_v4_sdk.providers.grammar import VLLM
from deepseek_v4_sdk.providers.probe_flags import GATEWAY, OF_OPEN_ENGINES
from deepseek_v4_sdk.providers.provider import ProviderData, Renderer, every_level

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue, Thinking

__all__ = ["PROVIDER"]


def _thinking(level: Thinking) -> dict[str, JsonValue]:
    # vLLM ORs `thinking` and `enable_thinking`, and each of them may have a server default: both are always sent,
    # alike. The effort goes here and not to the body's root, where it would switch thinking on, and where 0.20 refuses
    # "max". With thinking off there is no effort: from 0.28 on the server ignores it, before that it was an error.
    on = level != "off"
    switch: dict[str, JsonValue] = {"thinking": on, "enable_thinking": on}
    if on:
        switch["reasoning_effort"] = level
    return {"chat_template_kwargs": switch}


def _release(version: str | None) -> tuple[int, ...]:
    """The first two numbers of a version; nothing when it is not known. From 0.28 on the prompt is the one we know."""
    match = re.match(r"(\d+)\.(\d+)", version or "")
    return (int(match[1]), int(match[2])) if match else ()


PROVIDER = ChatCompletions(
    ProviderData(
        name="vllm",
        cache_block=256,
        key_variables=("VLLM_API_KEY",),
        about_paths=("/version",),
        thinking=every_level(_thinking),
        reasoning_keys=("reasoning",),  # read by every release with V4; `reasoning_content` only from 0.22.1 on
        renderer=Renderer(dialect="vllm", exact=lambda version: _release(version) >= (0, 28), count_path="/tokenize"),
        completions=Completions(
            # V4's tokenizer adds no token, but that of another checkpoint might.
            body={"add_special_tokens": False},
            waits_for_reasoning=True,
            shows_written_calls="texts",  # it converts other values by the schema, and writes them again
            trims="end_of_reasoning",
            rethinks=True,
            ids_field="return_token_ids",
        ),
        grammar=VLLM,
        schema_lints=("grammar",),
        probe_flags={
            **OF_OPEN_ENGINES,
            "thinking": f"--tokenizer-mode deepseek_v4; or {GATEWAY}chat_template_kwargs",
            "reasoning": "--reasoning-parser deepseek_v4",
            "tools": "--enable-auto-tool-choice --tool-call-parser deepseek_v4",
            "streamed_usage": f"--enable-force-include-usage; or {GATEWAY}stream_options",
            "cached_tokens": "--enable-prompt-tokens-details",
            "prompt_format": "--tokenizer-mode deepseek_v4",
        },
        history=HistoryRules(late_system="here it becomes bare text in its place"),
        options={
            **COMMON_OPTIONS,
            "top_k": lambda count: top_k(count) if count else {"top_k": 0},
            "min_p": as_key("min_p"),
            "priority": lambda urgency: {"priority": -urgency},  # lower is earlier here
            "cache_salt": as_key("cache_salt"),
        },
        rules=(
            rules.no_prefill,
            rules.priority_has_a_negative,
            rules.limit("temperature", 2),
            rules.stops(4),
            rules.cache_salt_is_plain,
            rules.format_is_known,
            rules.no_format_with_forced_call,
        ),
    )
)
