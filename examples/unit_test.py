"""How do I test my application without a server? With scripts: this file holds a function and its tests.

python -m pytest examples/unit_test.py
python examples/unit_test.py
"""

from __future__ import annotations

from deepseek_v4_sdk import DeepSeekV4, OverloadedError
from deepseek_v4_sdk.testing import MockProvider, script


# --- the application -------------------------------------------------------------------------------------------------
def is_spam(client: DeepSeekV4, mail: str) -> bool | None:
    """Whether a mail is spam; None when the server has no room now."""
    question = f"Answer yes or no. Is this mail spam?\n\n{mail}"
    try:
        reply = client.chat(question, thinking="off", temperature=0.0, max_tokens=3)
    except OverloadedError:
        return None
    return reply.text.strip().lower().startswith("yes")


# --- its tests -------------------------------------------------------------------------------------------------------
def test_yes_means_spam() -> None:
    """The answer is read, and the request is the one we mean to send."""
    mock = MockProvider(script.text("Yes."))
    assert is_spam(DeepSeekV4(mock), "You have won!") is True
    body = mock.requests[0].body
    assert body["temperature"] == 0.0
    assert body["max_tokens"] == 3
    assert body["chat_template_kwargs"] == {"thinking": False, "enable_thinking": False}


def test_no_means_no_spam() -> None:
    """The same on SGLang's wire."""
    mock = MockProvider(script.text("No"), flavor="sglang")
    assert is_spam(DeepSeekV4(mock), "See you at lunch") is False


def test_a_busy_server_is_no_verdict() -> None:
    """The client retries automatically; when all attempts fail, the application gets an error."""
    mock = MockProvider(default=script.error(503, "The engine is currently busy"))
    assert is_spam(DeepSeekV4(mock, max_retries=1), "You have won!") is None
    assert len(mock.requests) == 2


if __name__ == "__main__":
    for test in (test_yes_means_spam, test_no_means_no_spam, test_a_busy_server_is_no_verdict):
        test()
        print(f"passed  {test.__name__}")
