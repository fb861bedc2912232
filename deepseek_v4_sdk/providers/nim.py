"""NVIDIA NIM containers: vLLM or SGLang behind management routes.

The client discovers which, or the caller declares it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, TypeAlias

from deepseek_v4_sdk.chat import HistoryRules, JsonValue
from deepseek_v4_sdk.chat.served import ModelInfo
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.providers import option_rules as rules
from deepseek_v4_sdk.providers import sglang, vllm
from deepseek_v4_sdk.providers.chat_completions import ChatCompletions, as_key, top_k
from deepseek_v4_sdk.providers.provider import ProviderData, Refused, Renderer

__all__ = ["NIM", "PROVIDER", "NIMEngine"]

NIMEngine: TypeAlias = Literal["vllm", "sglang", "1.x"]
"""The engine inside: one of those of NIM 2.x, or the 1.x line with its strict bodies and `nvext`."""


_BY_EITHER = ("window", "version")
"""The features with the same remedy for both engines, which is not a flag."""
_NAME_THE_ENGINE: Mapping[str, str] = {
    feature: text
    if feature in _BY_EITHER
    else 'engine = "sglang" or "vllm" in the profile: the container does not name its engine'
    for feature, text in vllm.PROVIDER.data.probe_flags.items()
}


def _passed_through(flag: str) -> str:
    """A flag of the engine, as the container takes it."""
    return f'NIM_PASSTHROUGH_ARGS="{flag}"' if flag.startswith("--") and ";" not in flag else flag


_UNKNOWN = ProviderData(
    name="nim",
    key_variables=("NIM_API_KEY",),  # a container requires none; a gateway in front of it may
    key_hints={"NGC_API_KEY": "which pulls containers and is not an inference key"},
    health_path="/v1/health/ready",
    thinking=vllm.PROVIDER.data.thinking,  # the union of what both engines read: SGLang ignores enable_thinking
    model="discovered",
    # Until the engine is known, history is sent under both names: each engine reads one and ignores the other.
    reasoning_keys=("reasoning", "reasoning_content"),
    sorts_calls_by_id=True,
    renderer=Renderer(dialect="recipe", shows_format=True),
    options=sglang.PROVIDER.data.options,
    schema_lints=("grammar",),
    probe_flags=_NAME_THE_ENGINE,
    # The requests that both engines refuse; the rest is checked once the engine is known.
    rules=tuple(
        rule
        for rule in sglang.PROVIDER.data.rules
        if rule not in {rules.json_is_mentioned, rules.strict_schema_is_an_object}
    ),
)
_UNNAMED = replace(
    _UNKNOWN,
    renderer=replace(_UNKNOWN.renderer, shows_format=False),  # not certain, as vLLM does not
    options={
        **_UNKNOWN.options,
        "priority": Refused(
            "the container does not name its engine, and the engines differ in what comes first; declare it with "
            "NIM('vllm') or NIM('sglang'), or as engine in the profile"
        ),
    },
)


def _never(version: str | None) -> bool:
    """Never: the engine inside is known, but not its version."""
    del version
    return False


def _with_engine(engine: ProviderData) -> ProviderData:
    return replace(
        _UNKNOWN,
        reasoning_keys=engine.reasoning_keys,
        sorts_calls_by_id=engine.sorts_calls_by_id,
        closes_cut_calls=engine.closes_cut_calls,
        options=engine.options,
        history=engine.history,
        renderer=replace(engine.renderer, exact=_never),
        completions=engine.completions,
        grammar=engine.grammar,
        rules=engine.rules,
        probe_flags={feature: _passed_through(flag) for feature, flag in engine.probe_flags.items()},
    )


def _nvext_top_k(count: int) -> Mapping[str, JsonValue]:
    return {"nvext": top_k(count)}  # bodies of 1.x are strict, and this was an extension there


_DATA: Mapping[NIMEngine, ProviderData] = {
    "vllm": _with_engine(vllm.PROVIDER.data),
    "sglang": _with_engine(sglang.PROVIDER.data),
    "1.x": replace(
        _with_engine(vllm.PROVIDER.data),
        options={
            **vllm.PROVIDER.data.options,
            "top_k": _nvext_top_k,
            "min_p": Refused("NIM 1.x refuses the field"),
            "priority": Refused("NIM 1.x refuses the field"),
            "cache_salt": Refused("NIM 1.x refuses the field"),
            "user": as_key("user"),
        },
        completions=None,  # not known of 1.x
        probe_flags=_NAME_THE_ENGINE,
        history=HistoryRules(reminders=False),
    ),
}


class NIM(ChatCompletions):
    """A NIM container.

    Args:
        engine: The engine inside; None lets the client discover it.

    Raises:
        ConfigurationError: There is no such engine.
    """

    def __init__(self, engine: NIMEngine | None = None) -> None:
        if engine is not None and engine not in _DATA:
            raise ConfigurationError(f"there is no engine {engine!r}; known: {', '.join(_DATA)}")
        super().__init__(_UNKNOWN if engine is None else _DATA[engine])
        self._engine = engine

    @property
    def engine(self) -> str | None:
        """The engine; None until the container reports it."""
        return self._engine

    def discovered(self, models: list[ModelInfo]) -> ChatCompletions:
        """Return the provider for a container that lists these models: `owned_by` names the engine in NIM 2.x."""
        if self._engine is not None:
            return self
        owners = {model.owned_by for model in models}
        if "sglang" in owners:
            return NIM("sglang")
        return NIM("vllm") if "vllm" in owners else ChatCompletions(_UNNAMED)


PROVIDER = NIM()
