"""NeMo Agent Toolkit: `_type: deepseek_v4` among the `llms` of a workflow, and so of AI-Q. Needs the extra `nat`.

The toolkit imports this module by its entry point, so that it loads little: LangChain comes when a model is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

from nat.builder.framework_enum import LLMFrameworkEnum
from nat.builder.llm import LLMProviderInfo
from nat.cli.register_workflow import register_llm_client, register_llm_provider
from nat.data_models.common import OptionalSecretStr
from nat.data_models.llm import LLMBaseConfig
from pydantic import (
    AliasChoices,
    ConfigDict,
    Field,
    FieldSerializationInfo,
    SecretStr,
    field_serializer,
    model_validator,
)

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4Error, Thinking
from deepseek_v4_sdk.chat.openai_form import asked_thinking, thinking_of_effort

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nat.builder.builder import Builder

    from deepseek_v4_sdk.integrations.langchain import ChatDeepSeekV4

__all__ = ["DeepSeekV4LLMConfig"]

_LEVELS = ("off", "low", "high", "max")
_SWITCHES = frozenset({"thinking", "enable_thinking", "reasoning_effort"})
_HOSTED = "integrate.api.nvidia.com"


class DeepSeekV4LLMConfig(LLMBaseConfig, name="deepseek_v4"):  # type: ignore[call-arg, misc]
    """A DeepSeek-V4 server: `_type: deepseek_v4`.

    Attributes:
        profile: A profile of the SDK's configuration file; the other keys win over it.
        provider: "nvidia", "nim", "vllm", "sglang", "deepseek" or "dynamo"; without it, and without another address,
            the hosted one of NVIDIA.
        base_url: The server's address.
        api_key: The key; without it the provider's own variable is read, such as `NVIDIA_API_KEY`.
        model_name: The model's name at the provider; `model` is the same.
        thinking: "off", "low", "high" or "max", or an effort word of another API.
        temperature: Sampling temperature.
        top_p: Nucleus sampling.
        max_tokens: The most tokens of an answer, reasoning included.
        num_retries: Number of requests that a call may make, as the toolkit counts them: 5 is the first and four more.
        parallel_tool_calls: Whether one turn may hold several calls.
        chat_template_kwargs: As files for `_type: nim` have it: `thinking`, `enable_thinking` and `reasoning_effort`
            are read as the level; the rest is sent along.
    """

    model_config = ConfigDict(protected_namespaces=(), extra="forbid")

    profile: str | None = Field(default=None, description="A profile of the SDK's configuration file.")
    provider: str | None = Field(default=None, description="nvidia, nim, vllm, sglang, deepseek or dynamo.")
    base_url: str | None = Field(default=None, description="The server's address.")
    api_key: OptionalSecretStr = Field(default=None, description="The key; else the provider's own variable.")
    model_name: str | None = Field(
        default=None,
        validation_alias=AliasChoices("model_name", "model"),
        serialization_alias="model",
        description="The model's name at the provider.",
    )
    thinking: str | bool | None = Field(default=None, description="off, low, high or max.")
    temperature: float | None = Field(default=None, description="Sampling temperature.")
    top_p: float | None = Field(default=None, description="Nucleus sampling.")
    max_tokens: int | None = Field(default=None, description="The most tokens of an answer, reasoning included.")
    num_retries: int | None = Field(default=None, ge=0, description="How many requests a call may make.")
    parallel_tool_calls: bool | None = Field(default=None, description="Whether one turn may hold several calls.")
    chat_template_kwargs: dict[str, object] = Field(
        default_factory=dict[str, object], description="As for _type nim; the thinking switches are read as the level."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        try:
            self.level()
        except DeepSeekV4Error as error:
            raise ValueError(str(error)) from None
        if self.profile is None and self.provider is None and self.base_url and _HOSTED not in self.base_url:
            raise ValueError(f"provider is missing: {self.base_url} does not tell which server it is; name it, as vllm")
        return self

    @field_serializer("api_key", when_used="unless-none")
    def _without_key(self, key: SecretStr, info: FieldSerializationInfo) -> str:
        """Hide the key in dumps: `nat eval` writes them into files. `nat serve` hands on one that goes back in."""
        return key.get_secret_value() if info.round_trip else str(key)

    def level(self) -> Thinking | None:
        """Return the thinking level of the file, or None."""
        level = asked_thinking({"chat_template_kwargs": self.chat_template_kwargs})
        if self.thinking is None:
            return level
        if isinstance(self.thinking, bool):
            return "high" if self.thinking else "off"
        return cast("Thinking", self.thinking) if self.thinking in _LEVELS else thinking_of_effort(self.thinking)

    def model(self) -> ChatDeepSeekV4:
        """The LangChain model. It owns its client: close it."""
        from deepseek_v4_sdk.integrations.langchain import ChatDeepSeekV4

        key = self.api_key.get_secret_value() if self.api_key is not None else None
        given = {"base_url": self.base_url or None, "api_key": key or None, "model": self.model_name}
        arguments: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if self.num_retries is not None:
            arguments["max_retries"] = max(0, self.num_retries - 1)
        if self.profile is not None:
            if self.provider is not None:
                arguments["provider"] = self.provider
            client = AsyncDeepSeekV4.from_profile(self.profile, **arguments)
        else:
            client = AsyncDeepSeekV4(self.provider or "nvidia", **arguments)
        options: dict[str, Any] = {
            "thinking": self.level(),
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "parallel_tool_calls": self.parallel_tool_calls,
        }
        rest = {name: value for name, value in self.chat_template_kwargs.items() if name not in _SWITCHES}
        if rest:
            options["extra_body"] = {"chat_template_kwargs": rest}
        return ChatDeepSeekV4(client=client, owns_client=True, **options)


@register_llm_provider(config_type=DeepSeekV4LLMConfig)  # type: ignore[untyped-decorator]
async def deepseek_v4(config: DeepSeekV4LLMConfig, builder: Builder) -> AsyncIterator[LLMProviderInfo]:
    """The provider, as `nat info components` shows it."""
    del builder
    yield LLMProviderInfo(config=config, description="DeepSeek-V4 on any server, through deepseek_v4_sdk.")


@register_llm_client(config_type=DeepSeekV4LLMConfig, wrapper_type=LLMFrameworkEnum.LANGCHAIN)  # type: ignore[untyped-decorator]
async def deepseek_v4_langchain(config: DeepSeekV4LLMConfig, builder: Builder) -> AsyncIterator[ChatDeepSeekV4]:
    """The LangChain model itself, unwrapped: Deep Agents take no other object, and the client has the retries."""
    del builder
    model = config.model()
    try:
        yield model
    finally:
        await model.aclose()
