"""NVIDIA Dynamo's OpenAI front end, 1.6.1, its workers started with the `deepseek_v4` parsers of Dynamo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import HistoryRules
from deepseek_v4_sdk.providers import option_rules as rules
from deepseek_v4_sdk.providers.chat_completions import COMMON_OPTIONS, ChatCompletions, as_key, top_k
from deepseek_v4_sdk.providers.completions import Completions
from deepseek_v4_sdk.providers.probe_flags import GATEWAY
from deepseek_v4_sdk.providers.provider import ProviderData, Renderer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepseek_v4_sdk.chat import JsonValue, Thinking
    from deepseek_v4_sdk.providers.provider import OptionRule, Rule

__all__ = ["AGENT_HINTS", "NVEXT", "OPTIONS", "PROVIDER", "RULES", "thinking"]

NVEXT = frozenset(
    {
        "agent_hints",
        "annotations",
        "backend_instance_id",
        "cache_salt",
        "decode_worker_id",
        "dp_rank",
        "extra_fields",
        "greed_sampling",
        "max_thinking_tokens",
        "metadata_upload",
        "prefill_dp_rank",
        "prefill_worker_id",
        "request_timestamp_ms",
        "router",
        "routing_constraints",
        "token_data",
        "use_raw_prompt",
    }
)
"""The allowed keys of `nvext`; any other key is a 400 (Dynamo 1.6.1)."""

AGENT_HINTS = frozenset({"latency_sensitivity", "osl", "priority", "speculative_prefill", "strict_priority"})
"""The allowed keys of `nvext.agent_hints`; any other key is a 400 (Dynamo 1.6.1)."""


def thinking(*levels: Thinking) -> Mapping[Thinking, Mapping[str, JsonValue]]:
    """The switch in the only form that hosted, Dynamo's Rust and its SGLang front end all read."""
    table: dict[Thinking, Mapping[str, JsonValue]] = {"off": {"chat_template_kwargs": {"thinking": False}}}
    for level in levels:
        table[level] = {"chat_template_kwargs": {"thinking": True, "reasoning_effort": level}}
    return table


# The body is checked against a closed list of keys; all of these are on it.
OPTIONS: Mapping[str, OptionRule] = {
    **COMMON_OPTIONS,
    "top_k": top_k,
    "min_p": as_key("min_p"),
    "cache_salt": as_key("cache_salt"),
}
"""The options that Dynamo's front end takes at the body's root."""

RULES: tuple[Rule, ...] = (
    rules.no_prefix,
    rules.no_answer_at_the_end,
    rules.limit("temperature", 2),
    rules.limit("max_tokens", 1_048_576),
    rules.format_is_known,
    rules.no_format_with_forced_call,
    rules.strict_tools_are_closed,
)
"""The requests that Dynamo's front end refuses."""

PROVIDER = ChatCompletions(
    ProviderData(
        name="dynamo",
        cache_block=256,
        key_variables=("DYNAMO_API_KEY",),  # Dynamo requires none; a gateway in front of it may
        thinking=thinking("low", "high", "max"),
        model="discovered",
        reasoning_keys=("reasoning_content",),
        renderer=Renderer(dialect="vllm"),
        completions=Completions(),  # its front end passes tokens on to the worker (1.6.1, by its documents)
        history=HistoryRules(reminders=False),
        options={
            **OPTIONS,
            # it refuses `priority` at the root; here higher is more important, as the option means it
            "priority": lambda urgency: {"nvext": {"agent_hints": {"priority": urgency}}},
        },
        rules=(
            *RULES,
            rules.known_keys(("nvext",), NVEXT, "Dynamo 1.6.1"),
            rules.known_keys(("nvext", "agent_hints"), AGENT_HINTS, "Dynamo 1.6.1"),
        ),
        session_header="x-dynamo-session-id",  # passed on to the worker (1.6.1)
        schema_lints=("grammar",),
        strict_schema_lints=("closed",),
        probe_flags={
            "window": "register the model with its context length: the front end reports it in /v1/models",
            "thinking": f"{GATEWAY}chat_template_kwargs",
            "reasoning": "--dyn-reasoning-parser deepseek_v4 on each worker",
            "tools": "--dyn-tool-call-parser deepseek_v4 on each worker",
            "streamed_usage": f"{GATEWAY}stream_options",
            "structured_output": f"{GATEWAY}response_format",
            "prompt_format": "--tokenizer-mode deepseek_v4 on each worker",
        },
    )
)
