"""A stream as events of OpenAI's Responses API. A call is handed on only when it is whole and checked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseContentPartAddedEvent,
    ResponseCreatedEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseOutputItemAddedEvent,
    ResponseOutputItemDoneEvent,
    ResponseOutputText,
    ResponseReasoningTextDeltaEvent,
    ResponseTextDeltaEvent,
)
from openai.types.responses.response import IncompleteDetails
from openai.types.responses.response_usage import ResponseUsage

from deepseek_v4_sdk import Finished, ReasoningDelta, StreamRestarted, TextDelta, ToolCallReady
from deepseek_v4_sdk.integrations.common import OnRecovered, check_recovered
from deepseek_v4_sdk.integrations.openai_agents.items import (
    FAKE_ID,
    call_item,
    message_item,
    output_items,
    reasoning_item,
    usage_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.items import TResponseOutputItem, TResponseStreamEvent

    from deepseek_v4_sdk import ChatEvent, Reply, ToolCall

__all__ = ["EventMaker"]


class EventMaker:
    """Makes events of the events of one stream.

    Args:
        model: The model of the request.
        on_recovered: The action for calls that were read from markup.
    """

    def __init__(self, model: str, on_recovered: OnRecovered) -> None:
        self._on_recovered: OnRecovered = on_recovered
        self._model = model
        self._created = time.time()
        self._number = -1
        self._index = -1  # of the output item that is open, or was last
        self._open = ""  # the kind of that item: "reasoning", "message", or nothing
        self._text: list[str] = []

    def begin(self) -> TResponseStreamEvent:
        """The first event."""
        return ResponseCreatedEvent(response=self._response([]), type="response.created", sequence_number=self._next())

    def events(self, event: ChatEvent, partial: Reply) -> Iterator[TResponseStreamEvent]:
        """The events of one event.

        Args:
            event: The event.
            partial: The part of the answer that has arrived.

        Raises:
            LostToolCallError: A call was read from markup that no server reads as one.
            DeepSeekV4Error: The client restarted the answer, and these events cannot express that; it is the error of
                the first attempt.
        """
        match event:
            case ReasoningDelta(text):
                yield from self._opened("reasoning")
                self._text.append(text)
                yield ResponseReasoningTextDeltaEvent(
                    delta=text, type="response.reasoning_text.delta", **self._place(content_index=0)
                )
            case TextDelta(text):
                yield from self._opened("message")
                self._text.append(text)
                yield ResponseTextDeltaEvent(
                    delta=text, logprobs=[], type="response.output_text.delta", **self._place(content_index=0)
                )
            case ToolCallReady(call):
                check_recovered((call,), self._on_recovered, partial)
                yield from self._closed()
                yield from self._call(call)
            case Finished(reply):
                yield from self._closed()
                yield self._completed(reply)
            case StreamRestarted(error):
                raise error
            case _:
                pass

    def _opened(self, kind: str) -> Iterator[TResponseStreamEvent]:
        if self._open == kind:
            return
        yield from self._closed()
        self._open, self._index = kind, self._index + 1
        yield self._added(self._item(kind, ""))
        if kind == "message":
            part = ResponseOutputText(text="", type="output_text", annotations=[], logprobs=[])
            yield ResponseContentPartAddedEvent(
                part=part, type="response.content_part.added", **self._place(content_index=0)
            )

    def _closed(self) -> Iterator[TResponseStreamEvent]:
        if self._open:
            yield self._done(self._item(self._open, "".join(self._text)))
        self._open = ""
        self._text.clear()

    def _call(self, call: ToolCall) -> Iterator[TResponseStreamEvent]:
        self._index += 1
        item = call_item(call)
        yield self._added(item.model_copy(update={"arguments": ""}))
        yield ResponseFunctionCallArgumentsDeltaEvent(
            delta=item.arguments, type="response.function_call_arguments.delta", **self._place()
        )
        yield self._done(item)

    def _completed(self, reply: Reply) -> TResponseStreamEvent:
        used = usage_of(reply.usage)
        response = self._response(output_items(reply), reply.model)
        response.status = "completed"
        if reply.finish_reason == "length":
            response.status, response.incomplete_details = "incomplete", IncompleteDetails(reason="max_output_tokens")
        response.usage = ResponseUsage(
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
            total_tokens=used.total_tokens,
            input_tokens_details=used.input_tokens_details,
            output_tokens_details=used.output_tokens_details,
        )
        if reply.request_id is not None:
            response._request_id = reply.request_id  # pyright: ignore[reportPrivateUsage]  # the framework reads it
        return ResponseCompletedEvent(response=response, type="response.completed", sequence_number=self._next())

    def _response(self, output: list[TResponseOutputItem], model: str | None = None) -> Response:
        return Response(
            id=FAKE_ID,
            created_at=self._created,
            model=model or self._model,
            object="response",
            output=output,
            tool_choice="auto",
            tools=[],
            parallel_tool_calls=False,
        )

    def _item(self, kind: str, text: str) -> TResponseOutputItem:
        return reasoning_item(text) if kind == "reasoning" else message_item(text)

    def _added(self, item: TResponseOutputItem) -> TResponseStreamEvent:
        return ResponseOutputItemAddedEvent(
            item=item, output_index=self._index, type="response.output_item.added", sequence_number=self._next()
        )

    def _done(self, item: TResponseOutputItem) -> TResponseStreamEvent:
        return ResponseOutputItemDoneEvent(
            item=item, output_index=self._index, type="response.output_item.done", sequence_number=self._next()
        )

    def _place(self, **more: int) -> dict[str, Any]:
        return {"item_id": FAKE_ID, "output_index": self._index, "sequence_number": self._next(), **more}

    def _next(self) -> int:
        self._number += 1
        return self._number
