"""Limits that a server tells by refusing: learned at once, kept by address and model, and used by the next request."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest

from deepseek_v4_sdk.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ContextLengthExceededError,
    OverloadedError,
)
from deepseek_v4_sdk.providers.http_call import Target
from deepseek_v4_sdk.providers.learned_limits import LEARNED, LearnedLimits, ServerLimits
from deepseek_v4_sdk.testing import script
from tests.providers.hosted import KEY, KINDS, Network, Talk, nvidia, willing

BASE = "https://integrate.api.nvidia.com"
PRO, FLASH = "deepseek-ai/deepseek-v4-pro-0813", "deepseek-ai/deepseek-v4-flash-0731"
TOO_LONG = "This model's maximum context length is 262144 tokens. However, your messages resulted in 300000 tokens."
TEXTS = {
    "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]": 393_216,
    "Validation: max_tokens must be between 1 and 8192": 8_192,
    "max_tokens must be less than or equal to 4096, got 16384": 4_096,
    "max_tokens 16384 exceeds the maximum of 4096": 4_096,
    "max_tokens: 16384 > 8192, which is the maximum of this model": None,
    "max_completion_tokens must be at most 65536": 65_536,
    "max_tokens <= 2048 is required": 2_048,
    "max_tokens is too large: at most 8192. Seen 16384.": 8_192,
    "Invalid temperature value, the valid range of temperature is [0, 2]": None,
    "max_tokens must be at least 1": None,
    "Unsupported parameter(s): max_completion_tokens": None,
}


@pytest.mark.parametrize("kind", KINDS)
class TestLearning:
    def test_the_default_follows_what_was_refused(self, kind: str) -> None:
        refusal = script.error(400, "Validation: max_tokens must be between 1 and 8192")
        talk, network = nvidia(kind, refusal, *[script.text("Hello")] * 3)
        with pytest.raises(BadRequestError):
            talk.chat()
        assert talk.chat().max_tokens_sent == 8_192
        assert talk.chat(max_tokens=9_000).max_tokens_sent == 9_000
        assert talk.chat(model="flash").max_tokens_sent == 16_384
        assert [body["max_tokens"] for body in network.bodies] == [16_384, 8_192, 9_000, 16_384]

    def test_another_client_of_the_process_knows_it_and_another_address_does_not(self, kind: str) -> None:
        refusal = script.error(400, "Validation: max_tokens must be between 1 and 8192")
        talk, _ = nvidia(kind, refusal)
        with pytest.raises(BadRequestError):
            talk.chat()
        talk, _ = nvidia(kind, script.text("Hello"))
        assert talk.chat().max_tokens_sent == 8_192
        talk, _ = nvidia(kind, script.text("Hello"), base_url="http://localhost:8000")
        assert talk.chat().max_tokens_sent == 16_384

    def test_a_limit_above_the_default_leaves_it(self, kind: str) -> None:
        talk, _ = nvidia(kind, script.error(400, "max_tokens must be at most 1048576"), script.text("Hello"))
        with pytest.raises(BadRequestError):
            talk.chat(max_tokens=1_000_000)
        assert talk.chat().max_tokens_sent == 16_384
        assert LEARNED.of(BASE, PRO) == ServerLimits(None, 1_048_576)

    def test_the_window_is_kept_by_address_and_model(self, kind: str) -> None:
        talk, _ = nvidia(kind, script.error(400, TOO_LONG))
        with pytest.raises(ContextLengthExceededError):
            talk.chat(model="pro")
        assert LEARNED.of(BASE, PRO).window == 262_144
        assert LEARNED.of(BASE, FLASH) == LEARNED.of("http://localhost:8000", PRO) == ServerLimits()

    def test_both_are_kept_side_by_side_and_the_last_word_counts(self, kind: str) -> None:
        talk, _ = nvidia(
            kind,
            script.error(400, TOO_LONG),
            script.error(400, "max_tokens must be at most 8192"),
            script.error(400, TOO_LONG.replace("262144", "131072")),
        )
        for _ in range(3):
            with pytest.raises(APIError):
                talk.chat()
        assert LEARNED.of(BASE, PRO) == ServerLimits(131_072, 8_192)

    def test_an_error_inside_a_stream_teaches_as_well(self, kind: str) -> None:
        event = f'data: {{"error": {{"message": "{TOO_LONG}", "code": 400}}}}\n\ndata: [DONE]\n\n'
        talk, _ = nvidia(kind, script.raw(event))
        with pytest.raises(ContextLengthExceededError):
            talk.chat()
        assert LEARNED.of(BASE, PRO).window == 262_144

    def test_deepseeks_own_words_are_understood(self, kind: str) -> None:
        network = Network(flavor="deepseek")
        talk = Talk(kind, "deepseek", network, api_key=KEY, model="pro")
        with pytest.raises(BadRequestError):
            talk.chat(extra_body={"max_tokens": 400_000})
        assert LEARNED.of("https://api.deepseek.com", "deepseek-v4-pro").max_output == 393_216


@pytest.mark.parametrize(("text", "limit"), TEXTS.items())
def test_a_text_tells_its_limit_or_nothing(text: str, limit: int | None) -> None:
    network = Network(script.error(400, text), flavor=willing("nvidia"))
    with pytest.raises(APIError):
        Talk("sync", "nvidia", network, api_key=KEY, model="some-model").chat()
    assert LEARNED.of(BASE, "some-model").max_output == limit


@pytest.mark.parametrize("kind", [AuthenticationError, OverloadedError])
def test_errors_of_another_kind_teach_nothing(kind: type[APIError]) -> None:
    limits = LearnedLimits()
    limits.learn("http://a", "m", kind("max_tokens must be at most 8192; maximum context length is 10 tokens"))
    assert limits.of("http://a", "m") == ServerLimits()


def test_limits_can_be_ones_own_and_forgotten() -> None:
    limits = LearnedLimits()
    limits.learn("http://a", "m", BadRequestError("max_tokens must be at most 8192"))
    own = Target("http://a", lambda: None, limits=limits)
    assert own.limits.of("http://a", "m").max_output == 8_192
    assert Target("http://a", lambda: None).limits.of("http://a", "m") == ServerLimits()
    limits.forget()
    assert limits.of("http://a", "m") == ServerLimits()


def test_threads_that_learn_at_once_lose_nothing() -> None:
    limits = LearnedLimits()

    def learn(number: int) -> None:
        for step in range(200):
            too_long: Any = ContextLengthExceededError("")
            too_long.limit = 1_000 + number
            error = BadRequestError(f"max_tokens must be at most {2_000 + number}") if step % 2 else too_long
            limits.learn("http://a", f"m{number}", error)

    threads = [Thread(target=learn, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [limits.of("http://a", f"m{number}") for number in range(8)] == [
        ServerLimits(1_000 + number, 2_000 + number) for number in range(8)
    ]
