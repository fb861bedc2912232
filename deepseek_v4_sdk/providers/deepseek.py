"""DeepSeek's own API, as of November 2026: V4-Pro-0813 under `deepseek-v4-pro`, V4.1-Flash under `deepseek-flash`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import AssistantMessage, HistoryRules, RateLimits, Repair
from deepseek_v4_sdk.providers import option_rules as rules
from deepseek_v4_sdk.providers.chat_completions import COMMON_OPTIONS, ChatCompletions, as_key
from deepseek_v4_sdk.providers.provider import Lacks, ProviderData, Refused, Renderer, every_level

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepseek_v4_sdk.catalogue.models import ServedModel
    from deepseek_v4_sdk.chat import ChatRequest, JsonValue, Thinking

__all__ = ["PROVIDER"]


def _thinking(level: Thinking) -> dict[str, JsonValue]:
    if level == "off":
        return {"thinking": {"type": "disabled"}}
    return {"thinking": {"type": "enabled"}, "reasoning_effort": level}


def _has_prefix(request: ChatRequest) -> bool:
    last = request.messages[-1]
    return isinstance(last, AssistantMessage) and last.extra.get("prefix") is True


def _is_strict(request: ChatRequest) -> bool:
    return any(tool.strict for tool in request.tools)


def _route(request: ChatRequest) -> str:
    """The path: continuing a given prefix and strict tools exist only under the beta address."""
    return "/beta/chat/completions" if _has_prefix(request) or _is_strict(request) else "/chat/completions"


def _strict_is_all(request: ChatRequest) -> str | None:
    if _is_strict(request) and not all(tool.strict for tool in request.tools):
        loose = next(index for index, tool in enumerate(request.tools) if not tool.strict)
        return f"tools[{loose}] is not strict, and others are: strict tools need all of them strict"
    return None


def _strict_has_no_format(request: ChatRequest) -> str | None:
    """The vendor's encoder 0.2.0 refuses a format together with strict tools, unless no tool may be called."""
    if request.response_format is None or request.tool_choice == "none" or not _is_strict(request):
        return None
    return "response_format goes with no strict tools: leave one of the two out, or make the tools not strict"


def _prefix_is_last(request: ChatRequest) -> str | None:
    last = len(request.messages) - 1
    for index, message in enumerate(request.messages):
        if message.extra.get("prefix") and not (index == last and isinstance(message, AssistantMessage)):
            return f"messages[{index}] has prefix: only a last assistant message is continued"
    if isinstance(request.messages[last], AssistantMessage) and not _has_prefix(request):
        return (
            f"messages[{last}] is an assistant message and the last: give it prefix=True to have it continued, "
            "or end with a user message or a tool result"
        )
    return None


_WAYS_OUT: Mapping[str, Mapping[str, object]] = {"disable_thinking": {"thinking": "off"}, "auto": {"tool_choice": None}}


def _no_forced_call_while_thinking(request: ChatRequest) -> Lacks | None:
    if request.forces_a_call and request.thinking != "off":
        return Lacks(
            "tool_choice",
            f"tool_choice={request.tool_choice!r} does not work while thinking: "
            "give thinking='off', or leave tool_choice out, or let on_unsupported='disable_thinking' or 'auto' do it",
            _WAYS_OUT,
        )
    return None


def _no_schema(request: ChatRequest) -> Lacks | None:
    kind = (request.response_format or {}).get("type")
    if kind is not None and kind not in ("text", "json_object"):
        return Lacks(
            "response_format",
            f"response_format {kind!r} is not offered: give json_object and describe the schema in the messages",
        )
    return None


def _parallel_is_fixed(request: ChatRequest) -> Lacks | None:
    if request.parallel_tool_calls is False:
        return Lacks("parallel_tool_calls", "parallel_tool_calls=False has no effect here: leave it out")
    return None


def _seed_is_positive(request: ChatRequest) -> str | None:
    if request.seed is not None and request.seed < 0:
        return f"seed is {request.seed}: it goes from 0 here"
    return None


def _user_is_short(request: ChatRequest) -> str | None:
    size = len((request.user or "").encode("utf-8", "replace"))
    return f"user has {size} bytes: at most 512 here" if size > 512 else None


def _idle_sampling(request: ChatRequest, entry: ServedModel | None) -> Repair | None:
    """Note the values that are accepted and do nothing: V4-Pro samples freely only without thinking."""
    thinks, flash = request.thinking != "off", entry is not None and entry.generation == "v4.1"
    idle = ["temperature", "presence_penalty", "frequency_penalty"] if thinks else []
    if thinks != flash:  # V4.1-Flash reads top_p only while thinking, V4-Pro only without thinking
        idle.append("top_p")
    given = [name for name in idle if getattr(request, name) is not None]
    if not given:
        return None
    when = "while thinking" if thinks else "without thinking"
    return Repair("no_effect", f"deepseek takes {', '.join(given)} {when}, to no effect")


def _raised_top_p(request: ChatRequest, entry: ServedModel | None) -> Repair | None:
    flash = entry is not None and entry.generation == "v4.1"
    if not flash or request.thinking == "off" or request.top_p is None or request.top_p >= 0.95:
        return None
    return Repair("raised", f"deepseek raises top_p={request.top_p} to 0.95 while thinking")


def _another_generation(request: ChatRequest, entry: ServedModel | None) -> Repair | None:
    del request
    if entry is None or entry.generation != "v4.1":
        return None
    return Repair("model_generation", f"{entry.id} is DeepSeek-V4.1 here, with another prompt format")


PROVIDER = ChatCompletions(
    ProviderData(
        name="deepseek",
        strict_schema_lints=("deepseek",),
        base_url="https://api.deepseek.com",
        hosts=frozenset({"api.deepseek.com"}),
        key_variables=("DEEPSEEK_API_KEY",),
        needs_key=True,
        base_suffixes=("/v1", "/beta"),
        chat_path="/chat/completions",
        models_path="/models",
        health_path="/models",  # there is no route for health
        thinking=every_level(_thinking),
        model="required",
        reasoning_keys=("reasoning_content",),
        sorts_calls_by_id=True,
        continues_prefix=True,
        closes_cut_calls=False,  # the vendor's parser leaves their JSON open
        renderer=Renderer(
            dialect="recipe", shows_format=True, forces_by_grammar=False, holds_schema=False, exact=lambda _: True
        ),
        history=HistoryRules(late_system="here it is pulled to the front", needs_reasoning=True),
        options={
            **{name: rule for name, rule in COMMON_OPTIONS.items() if name != "parallel_tool_calls"},
            "parallel_tool_calls": lambda _: {},  # True is the default anyway; a rule refuses False
            "user": as_key("user_id"),
            "top_k": Refused("the API has none"),
            "min_p": Refused("the API has none"),
            "priority": Refused("the API has none"),
            "cache_salt": Refused("the API has none; different `user` values keep caches apart"),
        },
        rules=(
            _prefix_is_last,
            _no_forced_call_while_thinking,
            _no_schema,
            _parallel_is_fixed,
            _seed_is_positive,
            _user_is_short,
            _strict_is_all,
            _strict_has_no_format,
            rules.limit("temperature", 2),
            rules.limit("max_tokens", 393_216),
            rules.stops(16),
            rules.format_is_known,
            rules.json_is_mentioned,
        ),
        notes=(_another_generation, _idle_sampling, _raised_top_p),
        route=_route,
        # Its page on limits: so many answers of an account at a time, and no others. It refuses more at once, and
        # accepts again as soon as another has ended, so there is no reason to wait longer.
        limits={
            "pro": RateLimits(concurrency=500, refusals=None),
            "flash": RateLimits(concurrency=2_500, refusals=None),
        },
    )
)
