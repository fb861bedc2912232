"""A provider that there is not, as somebody outside would add one: docs/architecture.md, "A provider in an hour".

Its server speaks Chat Completions under `/api/openai`, takes thinking as one word at the body's root, knows no `low`,
sends reasoning as `reasoning_content`, and has a `top_k` under another name.
"""

from __future__ import annotations

from deepseek_v4_sdk.providers.chat_completions import COMMON_OPTIONS, ChatCompletions, as_key
from deepseek_v4_sdk.providers.provider import ProviderData, Refused, Renderer

ACME = ChatCompletions(
    ProviderData(
        name="acme",
        base_url="https://v4.acme.example",
        hosts=frozenset({"v4.acme.example"}),
        key_variables=("ACME_API_KEY",),
        needs_key=True,
        chat_path="/api/openai/chat/completions",
        models_path="/api/openai/models",
        health_path="/api/openai/models",
        thinking={"off": {"mind": "off"}, "high": {"mind": "on"}, "max": {"mind": "deep"}},
        model="required",
        reasoning_keys=("reasoning_content",),
        renderer=Renderer(dialect="recipe"),
        options={
            **COMMON_OPTIONS,
            "top_k": as_key("k"),
            "seed": Refused("Acme draws as it likes; leave it out"),
        },
    )
)
