"""SGLang 0.5.12 to 0.5.23 serving V4 with `--reasoning-parser deepseek-v4 --tool-call-parser deepseekv4`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import HistoryRules
from deepseek_v4_sdk.providers import option_rules as rules
from deepseek_v4_sdk.providers.chat_completions import COMMON_OPTIONS, ChatCompletions, as_key, top_k
from deepseek_v4_sdk.providers.completions import Completions
from deepseek_v4_sdk.providers.grammar import SGLANG
from deepseek_v4_sdk.providers.probe_flags import GATEWAY, OF_OPEN_ENGINES
from deepseek_v4_sdk.providers.provider import ProviderData, Renderer, every_level

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue, Thinking

__all__ = ["PROVIDER"]


def _thinking(level: Thinking) -> dict[str, JsonValue]:
    # Only an effort does not switch thinking on inside the kwargs, and at the body's root it would: both go inside.
    if level == "off":
        return {"chat_template_kwargs": {"thinking": False}}
    return {"chat_template_kwargs": {"thinking": True, "reasoning_effort": level}}


PROVIDER = ChatCompletions(
    ProviderData(
        name="sglang",
        cache_block=256,
        key_variables=("SGLANG_API_KEY",),
        about_paths=("/server_info", "/get_server_info"),  # the second is the only one before 0.5.19
        memory_key="max_req_input_len",
        names_itself=False,
        edge=(7, 2),  # the longest prompt that 0.5.23 takes, and where prompt and answer end
        thinking=every_level(_thinking),
        reasoning_keys=("reasoning_content",),
        sorts_calls_by_id=True,  # 0.5.23 renders with the vendor's encoder
        closes_cut_calls=False,  # the vendor's parser leaves their JSON open
        renderer=Renderer(
            dialect="recipe",
            shows_format=True,
            exact=lambda version: version == "0.5.23",
            count_path="/v1/tokenize",
            # on this route, unlike on chats, the server ignores one inside the kwargs (0.5.23)
            count_effort_at_root=True,
        ),
        completions=Completions(shows_written_calls="all", trims="line_ends", drops_ends=True),
        grammar=SGLANG,
        schema_lints=("grammar",),
        probe_flags={
            **OF_OPEN_ENGINES,
            "thinking": f"--tool-call-parser deepseekv4, which brings the encoder; or {GATEWAY}chat_template_kwargs",
            "reasoning": "--reasoning-parser deepseek-v4",
            "tools": "--tool-call-parser deepseekv4",
            "streamed_usage": f"--stream-response-default-include-usage; or {GATEWAY}stream_options",
            "cached_tokens": "--enable-cache-report",
            "prompt_format": "--tool-call-parser deepseekv4",
        },
        history=HistoryRules(late_system="here it is pulled to the front"),
        options={
            **COMMON_OPTIONS,
            "top_k": top_k,
            "min_p": as_key("min_p"),
            "priority": as_key("priority"),  # larger is first, as the option means it
            "cache_salt": as_key("cache_salt"),
        },
        rules=(
            rules.no_answer_at_the_end,
            rules.stops(32),
            rules.format_is_known,
            rules.no_format_with_forced_call,
            rules.json_is_mentioned,
            rules.strict_schema_is_an_object,
            rules.tools_can_be_printed,
        ),
        session_header="x-smg-routing-key",  # of sglang-router 0.3.2 and smg 1.13.0
    )
)
