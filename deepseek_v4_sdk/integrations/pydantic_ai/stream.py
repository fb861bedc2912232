"""A stream as pydantic-ai's events. A call is handed on only when it is whole and checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic_ai.models import StreamedResponse

from deepseek_v4_sdk import Finished, ReasoningDelta, StreamClosedError, StreamRestarted, TextDelta, ToolCallReady
from deepseek_v4_sdk.integrations.common import OnRecovered, check_recovered
from deepseek_v4_sdk.integrations.pydantic_ai.errors import raised_as_pydantic_ai
from deepseek_v4_sdk.integrations.pydantic_ai.messages import PROVIDER, call_part, details_of, finish_reason, usage_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pydantic_ai.messages import ModelResponseStreamEvent

    from deepseek_v4_sdk import AsyncChatStream, Reply

__all__ = ["DeepSeekV4StreamedResponse"]


@dataclass
class DeepSeekV4StreamedResponse(StreamedResponse):
    """An answer of V4 while it arrives."""

    _stream: AsyncChatStream
    _model: str
    _url: str
    _on_recovered: OnRecovered
    _usage_received: bool | None = field(default=False, init=False)
    _timestamp: datetime = field(default_factory=lambda: datetime.now(UTC), init=False)
    _served: str | None = field(default=None, init=False)

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        with raised_as_pydantic_ai(self._model):
            async for event in self._stream:
                match event:
                    case ReasoningDelta(text):
                        for part in self._parts_manager.handle_thinking_delta(
                            vendor_part_id="reasoning", content=text, provider_name=PROVIDER
                        ):
                            yield part
                    case TextDelta(text):
                        for part in self._parts_manager.handle_text_delta(vendor_part_id="text", content=text):
                            yield part
                    case ToolCallReady(call):
                        check_recovered((call,), self._on_recovered, self._stream.partial)
                        yield self._parts_manager.handle_part(vendor_part_id=call.id, part=call_part(call))
                    case StreamRestarted(error):
                        raise error
                    case Finished(reply):
                        self._finish(reply)
                    case _:
                        pass

    def _finish(self, reply: Reply) -> None:
        self._served = reply.model
        self.provider_response_id = reply.id
        self.provider_details = details_of(reply)
        self.finish_reason = finish_reason(reply)
        usage = usage_of(reply.usage)
        self._add_usage(usage, reported=not usage.unmeasured_requests)

    async def close_stream(self) -> None:
        """Close the connection, so that the server stops."""
        await self._stream.close()

    def get_stream_cancel_errors(self) -> tuple[type[BaseException], ...]:
        """The error of a stream that was closed while it was read."""
        return (StreamClosedError,)

    @property
    def model_name(self) -> str:
        """The model that answers; until the server names it, the model of the request."""
        return self._served or self._model

    @property
    def provider_name(self) -> str:
        """The name of this integration."""
        return PROVIDER

    @property
    def provider_url(self) -> str:
        """The server's address."""
        return self._url

    @property
    def timestamp(self) -> datetime:
        """The time at which the answer began."""
        return self._timestamp
