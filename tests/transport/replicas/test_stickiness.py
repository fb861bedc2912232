"""What sticky conversations are worth: the share of prompts that replicas find in their prefix caches."""

from __future__ import annotations

import random
import re
from typing import Any

from deepseek_v4_sdk import Conversation, DeepSeekV4
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from tests.support.pages import ROOT

REPLICAS, CONVERSATIONS, TURNS = 4, 40, 5


def cached_share(balance: Any) -> float:
    """The share of all prompt tokens that came from a cache: conversations go on side by side, in a changing order."""
    flavor = VLLMFlavor(prompt_tokens_details=True, block_size=64, models=None)
    mocks = [MockProvider(default=script.text("Yes. " * 40), flavor=flavor) for _ in range(REPLICAS)]
    client = DeepSeekV4("vllm", endpoints=mocks, model="m", balance=balance, thinking="off")
    dice = random.Random(7)
    talks = [
        Conversation(
            [{"role": "user", "content": f"{number}. " + " ".join(dice.choices(["owl", "wing", "night"], k=600))}]
        )
        for number in range(CONVERSATIONS)
    ]
    prompts = cached = 0
    for turn in range(TURNS):
        dice.shuffle(talks)
        streams = [client.stream(conversation) for conversation in talks]
        for stream in streams:
            stream.__enter__()  # all of them run at the same time
        for conversation, stream in zip(talks, streams, strict=True):
            reply = stream.reply()
            prompts += reply.usage.prompt_tokens or 0
            cached += reply.usage.cached_tokens or 0
            conversation.append(reply.message)
            conversation.user(f"And then, {turn}? " + " ".join(dice.choices(["mouse", "wood", "moon"], k=100)))
    assert prompts > 0
    return cached / prompts


def test_the_page_says_what_is_measured() -> None:
    """With the same prompts in each run, so that the page can give the figures."""
    sticky, busy = cached_share("sticky"), cached_share("least_busy")
    print(f"sticky {sticky:.1%}, least_busy {busy:.1%}")
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    shown = re.search(r"(\d+) % of the prompts' tokens with `.sticky.`, (\d+) % with `.least_busy.`", page)
    assert shown is not None
    assert [round(100 * sticky), round(100 * busy)] == [int(shown[1]), int(shown[2])]
    assert sticky > busy + 0.1
