"""Streams as users write them: `match` over events, texts alone, sync and async, errors with what had arrived."""

from __future__ import annotations

from typing import Literal, assert_never, assert_type

from deepseek_v4_sdk import (
    AsyncChatStream,
    AsyncDeepSeekV4,
    ChatEvent,
    ChatStream,
    DeepSeekV4,
    DeepSeekV4Error,
    Finished,
    OverloadedError,
    PhaseTimeoutError,
    ReasoningDelta,
    Repaired,
    Reply,
    StreamRestarted,
    StreamResumed,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallReady,
    ToolCallStarted,
)


def described(event: ChatEvent) -> str:
    """Every event is named, and a type checker sees that none is missing."""
    match event:
        case TextDelta(text) | ReasoningDelta(text):
            assert_type(text, str)
            return text
        case ToolCallStarted(index, call_id, name):
            assert_type(index, int)
            return f"{call_id} {name}"
        case ToolCallDelta(_, arguments):
            return arguments
        case ToolCallReady(call):
            assert_type(call, ToolCall)
            return call.name
        case Repaired(repair):
            return repair.kind
        case StreamRestarted(error):
            assert_type(error, DeepSeekV4Error)
            return str(error)
        case StreamResumed(error, at_tokens, provider):
            assert_type(at_tokens, int)
            return f"{provider}: {error}"
        case Finished(reply):
            assert_type(reply, Reply)
            return reply.text
        case _:
            assert_never(event)


def by_type(event: ChatEvent) -> str:
    """The other way of telling events apart."""
    if event.type == "text_delta":
        assert_type(event.type, Literal["text_delta"])
        return event.text
    return ""


def sync(client: DeepSeekV4) -> str:
    pieces: list[str] = []
    with client.stream("Hello", thinking="low") as stream:
        assert_type(stream, ChatStream)
        for event in stream:
            assert_type(event, ChatEvent)
            pieces.append(described(event))
        for text in stream.text_deltas():
            assert_type(text, str)
        assert_type(stream.partial, Reply)
        assert_type(stream.reply(), Reply)
    return "".join(pieces)


async def awaited(client: AsyncDeepSeekV4) -> None:
    async with client.stream("Hello") as stream:
        assert_type(stream, AsyncChatStream)
        async for event in stream:
            assert_type(event, ChatEvent)
        async for text in stream.text_deltas():
            assert_type(text, str)
        assert_type(await stream.reply(), Reply)


def failures(client: DeepSeekV4) -> Reply | None:
    try:
        return client.chat("Hello")
    except OverloadedError as error:
        assert_type(error.retry_after, float | None)
        assert_type(error.status_code, int | None)
    except PhaseTimeoutError as error:
        assert_type(error.phase, Literal["connect", "first_event", "idle", "total"])
    except DeepSeekV4Error as error:
        assert_type(error.partial, Reply | None)
        return error.partial
    return None
