"""A chat as users write it: messages in every accepted form, the reply's fields, sync and async."""

from __future__ import annotations

from typing import assert_type

from deepseek_v4_sdk import (
    AssistantMessage,
    AsyncDeepSeekV4,
    DeepSeekV4,
    FinishReason,
    Health,
    JsonValue,
    Message,
    MessagesInput,
    ModelInfo,
    Reply,
    SystemMessage,
    Timeouts,
    ToolCall,
    Usage,
    UserMessage,
    count_text,
)


def construction() -> DeepSeekV4:
    client = DeepSeekV4("vllm", base_url="http://localhost:8000", api_key=lambda: "key", timeout=Timeouts(idle=30))
    assert_type(client, DeepSeekV4)
    assert_type(client.with_options(max_retries=0), DeepSeekV4)
    assert_type(DeepSeekV4.from_profile("prod", thinking="off"), DeepSeekV4)
    assert_type(AsyncDeepSeekV4.from_profile(), AsyncDeepSeekV4)
    with DeepSeekV4("mock") as inner:
        assert_type(inner, DeepSeekV4)
    return client


def messages(client: DeepSeekV4) -> None:
    client.chat("a text")
    client.chat(UserMessage("one message"))
    client.chat({"role": "user", "content": "one mapping"})
    client.chat([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "a list of mappings"}])
    client.chat([SystemMessage("Be brief."), {"role": "user", "content": "a mixed list"}])

    role, said = "user", ["x"]
    client.chat([{"role": role, "content": said[0]}])  # the role is a plain str

    history = [{"role": "user", "content": "a variable"}]
    history += [{"role": "assistant", "content": "of type list"}, {"role": "user", "content": "of dict[str, str]"}]
    client.chat(history)

    mixed = [{"role": "user", "content": "a variable, too"}, UserMessage("of two kinds")]
    client.chat(mixed)
    client.chat([*mixed, AssistantMessage("and more"), {"role": "user", "content": "of both"}])
    client.chat([{"role": "user", "content": "a mapping first"}, UserMessage("and a message")])

    parts = [{"role": "user", "content": [{"type": "text", "text": "parts"}]}]
    client.chat(parts)

    typed: list[Message] = [UserMessage("a list of messages")]
    typed += [client.chat(typed).message, UserMessage("with an answer in it")]
    client.chat(typed)

    only_users = [UserMessage("a list of one kind")]
    client.chat(only_users)
    client.chat((*typed, UserMessage("a tuple")))

    replies = [client.chat(typed)]
    client.chat((*typed, *replies, UserMessage("a tuple with replies")))
    with_a_reply: list[Message | Reply] = [UserMessage("a list"), *replies, UserMessage("with replies in it")]
    client.chat(with_a_reply)


def passed_on(client: DeepSeekV4, given: MessagesInput) -> str:
    return client.chat(given).text


def fields(client: DeepSeekV4) -> None:
    reply = client.chat("Hello")
    assert_type(reply, Reply)
    assert_type(reply.text, str)
    assert_type(reply.reasoning, str | None)
    assert_type(reply.tool_calls, tuple[ToolCall, ...])
    assert_type(reply.finish_reason, FinishReason | None)
    assert_type(reply.usage, Usage)
    assert_type(reply.usage.reasoning_tokens, int | None)
    assert_type(reply.timing.first_token, float | None)
    assert_type(reply.message, AssistantMessage)
    assert_type(reply.raw, dict[str, JsonValue])
    assert_type(reply.attempts[0].status, int | None)
    for call in reply.tool_calls:
        assert_type(call.parsed, dict[str, JsonValue])
        assert_type(call.arguments, str)
    assert_type(client.models(), list[ModelInfo])
    assert_type(client.models()[0].context_window, int | None)
    assert_type(client.health(deep=True), Health)
    assert_type(client.wait_until_ready(5), Health)
    assert_type(count_text("Hello"), int)


async def awaited() -> None:
    async with AsyncDeepSeekV4("mock") as client:
        assert_type(client, AsyncDeepSeekV4)
        assert_type(await client.chat("Hello", thinking="max"), Reply)
        assert_type(await client.models(), list[ModelInfo])
        assert_type(await client.health(), Health)
        assert_type(await client.wait_until_ready(timeout=5), Health)
