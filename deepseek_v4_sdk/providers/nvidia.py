"""NVIDIA's hosted endpoints, build.nvidia.com: a gateway in front of Dynamo."""

from __future__ import annotations

from deepseek_v4_sdk.chat import HistoryRules, RateLimits
from deepseek_v4_sdk.providers.chat_completions import ChatCompletions
from deepseek_v4_sdk.providers.dynamo import OPTIONS, RULES, thinking
from deepseek_v4_sdk.providers.provider import ProviderData, Refused, Renderer

__all__ = ["PROVIDER"]

PROVIDER = ChatCompletions(
    ProviderData(
        name="nvidia",
        base_url="https://integrate.api.nvidia.com",
        hosts=frozenset({"integrate.api.nvidia.com"}),
        key_variables=("NVIDIA_API_KEY", "NVIDIA_NIM_API_KEY", "NVIDIA_INFERENCE_API_KEY"),
        key_hints={
            "NGC_API_KEY": "which pulls containers and does not work here: make an API key on build.nvidia.com",
            "NGC_CLI_API_KEY": "which pulls containers and does not work here: make an API key on build.nvidia.com",
        },
        needs_key=True,
        health_path="/v1/models",  # there is no route for health
        # The hosted schema has none, high and max. Without the switch, requests were seen to hang without a byte.
        thinking=thinking("high", "max"),
        model="required",
        reasoning_keys=("reasoning_content",),
        fills_reasoning=True,  # calls without one were reported as refused; Dynamo renders it as empty anyway
        renderer=Renderer(dialect="vllm"),
        history=HistoryRules(reminders=False),
        options={
            **OPTIONS,
            "priority": Refused("hosted requests have none; leave it out"),
        },
        rules=RULES,
        schema_lints=("grammar",),
        strict_schema_lints=("closed",),
        # The API reference's cap for the preview models, and its samples' value. Without it the service would choose
        # the length.
        default_body={"max_tokens": 16_384},
        limits={"": RateLimits(requests_per_minute=40)},  # the known figure of build.nvidia.com; often less holds
        rate_limit_cap=60.0,  # its limit counts minutes, and it gives no hint
        poll_url="https://api.nvcf.nvidia.com",
        remedies={403: "make an inference key on build.nvidia.com: keys of NGC only pull containers"},
    )
)
