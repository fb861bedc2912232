"""DeepSeek's own API, as of November 2026: V4-Pro-0813 under `deepseek-v4-pro`, V4.1-Flash under `deepseek-flash`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import AssistantMessage, Repair
from deepseek_v4_sdk.providers import rules
from deepseek_v4_sdk.providers.chat_completions import COMMON_OPTIONS, ChatCompletions, as_key
from deepseek_v4_sdk.providers.provider import Lacks, ProviderData, Refused

if TYPE_CHECKING:
    from deepseek_v4_sdk.catalogue import ServedModel
    from deepseek_v4_sdk.chat import ChatRequest, JsonValue

__all__ = ["PROVIDER"]


def _thinking(level: str) -> dict[str, JsonValue]:
    if level == "off":
        return {"thinking": {"type": "disabled"}}
    return {"thinking": {"type": "enabled"}, "reasoning_effort": level}


def _has_prefix(request: ChatRequest) -> bool:
    last = request.messages[-1]
    return isinstance(last, AssistantMessage) and last.extra.get("prefix") is True


def _is_strict(request: ChatRequest) -> bool:
    return any(tool.strict for tool in request.tools)


def _route(request: ChatRequest) -> str:
    """Continuing a given prefix and strict tools exist under the beta address alone."""
    return "/beta/chat/completions" if _has_prefix(request) or _is_strict(request) else "/chat/completions"


def _strict_is_all(request: ChatRequest) -> str | None:
    if _is_strict(request) and not all(tool.strict for tool in request.tools):
        loose = next(index for index, tool in enumerate(request.tools) if not tool.strict)
        return f"tools[{loose}] is not strict, and others are: strict tools need all of them strict"
    return None


def _prefix_is_last(request: ChatRequest) -> str | None:
    for index, message in enumerate(request.messages[:-1]):
        if message.extra.get("prefix"):
            return f"messages[{index}] has prefix and is not the last: only a last assistant message is continued"
    return None if _has_prefix(request) else rules.no_answer_at_the_end(request)


def _no_forced_call_while_thinking(request: ChatRequest) -> Lacks | None:
    if request.forces_a_call and request.thinking != "off":
        return Lacks(
            "tool_choice",
            f"tool_choice={request.tool_choice!r} is refused while thinking: "
            "give thinking='off', or leave tool_choice out",
        )
    return None


def _no_schema(request: ChatRequest) -> Lacks | None:
    kind = (request.response_format or {}).get("type")
    if kind in {"json_schema", "structural_tag"}:
        return Lacks(
            "response_format",
            f"response_format {kind} is not offered: give json_object and describe the schema in the messages",
        )
    return None


def _parallel_is_fixed(request: ChatRequest) -> Lacks | None:
    if request.parallel_tool_calls is False:
        return Lacks("parallel_tool_calls", "parallel_tool_calls=False is passed over: leave it out")
    return None


def _seed_is_positive(request: ChatRequest) -> str | None:
    if request.seed is not None and request.seed < 0:
        return f"seed is {request.seed}: it goes from 0 here"
    return None


def _sampling_while_thinking(request: ChatRequest, entry: ServedModel | None) -> Repair | None:
    """Values that are taken and do nothing while thinking."""
    if request.thinking == "off":
        return None
    idle = [
        name for name in ("temperature", "presence_penalty", "frequency_penalty") if getattr(request, name) is not None
    ]
    if request.top_p is not None and (entry is None or entry.generation != "v4.1"):
        idle.append("top_p")
    if not idle:
        return None
    return Repair("no_effect", f"deepseek takes {', '.join(idle)} while thinking, and they have no effect")


def _another_generation(request: ChatRequest, entry: ServedModel | None) -> Repair | None:
    del request
    if entry is None or entry.generation != "v4.1":
        return None
    return Repair("model_generation", f"{entry.id} is DeepSeek-V4.1 here, with a prompt format of its own")


PROVIDER = ChatCompletions(
    ProviderData(
        name="deepseek",
        base_url="https://api.deepseek.com",
        hosts=frozenset({"api.deepseek.com"}),
        key_variables=("DEEPSEEK_API_KEY",),
        needs_key=True,
        base_suffixes=("/v1", "/beta"),
        chat_path="/chat/completions",
        models_path="/models",
        health_path="/models",  # there is no route for health
        thinking={
            "off": _thinking("off"),
            "low": _thinking("low"),
            "high": _thinking("high"),
            "max": _thinking("max"),
        },
        model="required",
        reasoning_keys=("reasoning_content",),
        sorts_calls_by_id=True,
        options={
            **{name: rule for name, rule in COMMON_OPTIONS.items() if name != "parallel_tool_calls"},
            "parallel_tool_calls": lambda _: {},  # True is what happens anyway; a rule refuses False
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
            _strict_is_all,
            rules.limit("temperature", 2),
            rules.limit("max_tokens", 393_216),
            rules.stops(16),
            rules.format_is_known,
            rules.json_is_mentioned,
        ),
        notes=(_another_generation, _sampling_while_thinking),
        route=_route,
    )
)
