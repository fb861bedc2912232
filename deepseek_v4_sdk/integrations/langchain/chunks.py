"""The events of a stream as LangChain's chunks. A call is handed on only when it is whole and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk

from deepseek_v4_sdk import Finished, ReasoningDelta, StreamRestarted, TextDelta, ToolCallReady
from deepseek_v4_sdk.integrations.common import OnRecovered, check_recovered
from deepseek_v4_sdk.integrations.langchain.messages import REASONING, broken_arguments, metadata_of, usage_of

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage

    from deepseek_v4_sdk import ChatEvent, Reply, ToolCall

__all__ = ["ChunkMaker", "whole_chunk"]

_FIRST_INDEX = 1000
"""The index of the first call. LangChain numbers the blocks of a message itself, from 0, and merges a call into a block
of the same number, where it vanishes."""


class ChunkMaker:
    """Makes chunks of the events of one stream.

    Args:
        on_recovered: The action for calls that were read from markup.
    """

    def __init__(self, on_recovered: OnRecovered) -> None:
        self._on_recovered: OnRecovered = on_recovered
        self._calls = 0

    def chunk(self, event: ChatEvent, partial: Reply) -> ChatGenerationChunk | None:
        """The chunk of an event; None where it has none.

        Args:
            event: The event.
            partial: The part of the answer that has arrived.

        Raises:
            LostToolCallError: A call was read from markup that no server reads as one.
            DeepSeekV4Error: The client restarted the answer, and chunks cannot express that; it is the error of
                the first attempt.
        """
        match event:
            case TextDelta(text):
                return ChatGenerationChunk(message=AIMessageChunk(content=text), text=text)
            case ReasoningDelta(text):
                return ChatGenerationChunk(message=AIMessageChunk(content="", additional_kwargs={REASONING: text}))
            case ToolCallReady(call):
                check_recovered((call,), self._on_recovered, partial)
                return ChatGenerationChunk(message=self._call(call))
            case Finished(reply):
                return ChatGenerationChunk(
                    message=AIMessageChunk(
                        content="",
                        usage_metadata=usage_of(reply.usage),
                        response_metadata=metadata_of(reply),
                        chunk_position="last",
                    )
                )
            case StreamRestarted(error):
                raise error
            case _:
                return None

    def _call(self, call: ToolCall) -> AIMessageChunk:
        arguments = call.arguments if call.is_object else broken_arguments(call)
        index = _FIRST_INDEX + self._calls
        self._calls += 1
        return AIMessageChunk(
            content="", tool_call_chunks=[tool_call_chunk(name=call.name, args=arguments, id=call.id, index=index)]
        )


def whole_chunk(message: AIMessage) -> ChatGenerationChunk:
    """A whole message as the only chunk of a stream."""
    return ChatGenerationChunk(
        message=AIMessageChunk(
            content=message.content,
            additional_kwargs=message.additional_kwargs,
            tool_calls=message.tool_calls,
            invalid_tool_calls=message.invalid_tool_calls,
            usage_metadata=message.usage_metadata,
            response_metadata=message.response_metadata,
            chunk_position="last",
        )
    )
