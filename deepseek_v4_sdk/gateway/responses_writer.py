"""Writing streamed answers of Responses: numbered events, each item opened, filled and closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic_core import to_json

from deepseek_v4_sdk import ReasoningDelta, TextDelta, ToolCall, ToolCallDelta, ToolCallReady, ToolCallStarted
from deepseek_v4_sdk.gateway.custom_tools import InputReader
from deepseek_v4_sdk.gateway.responses_items import Items, response, whole_response

if TYPE_CHECKING:
    from deepseek_v4_sdk import ChatEvent, JsonValue
    from deepseek_v4_sdk.gateway.errors import Failure
    from deepseek_v4_sdk.gateway.turn import Asking, Outcome

__all__ = ["ResponsesWriter"]


class ResponsesWriter:
    """Writes one streamed answer as the events of Responses."""

    ping = b": keep-alive\n\n"

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._items = Items(asking)
        self._output: list[JsonValue] = []  # the items that are whole
        self._place = -1  # of the item that was opened last
        self._open: Literal["reasoning", "message", "call"] | None = None
        self._id = ""
        self._texts: list[str] = []
        self._head = b""  # of each delta of the open item
        self._input: InputReader | None = None
        self._number = 0

    def begin(self) -> bytes:
        """The events with the response as it begins."""
        out: list[bytes] = []
        begun: JsonValue = response(self._asking, "in_progress", [])
        self._event(out, "created", response=begun)
        self._event(out, "in_progress", response=begun)
        return b"".join(out)

    def events(self, batch: list[ChatEvent]) -> bytes:
        """The events of the pieces."""
        out: list[bytes] = []
        for event in batch:
            if isinstance(event, TextDelta):
                if self._open != "message":
                    self._begin_message(out)
                self._texts.append(event.text)
                self._delta(out, event.text)
            elif isinstance(event, ReasoningDelta):
                if self._open != "reasoning":
                    self._begin_reasoning(out)
                self._texts.append(event.text)
                self._delta(out, event.text)
            elif isinstance(event, ToolCallDelta):
                piece = event.arguments if self._input is None else self._input.feed(event.arguments)
                if piece:
                    self._delta(out, piece)
            elif isinstance(event, ToolCallStarted):
                self._begin_call(out, event)
            elif isinstance(event, ToolCallReady) and self._open == "call":
                self._end_call(out, event.call)
        return b"".join(out)

    def end(self, outcome: Outcome) -> bytes:
        """The end of the open item, and the response. A call that was cut is left open, and is not in the response."""
        out: list[bytes] = []
        self._end_text(out, "incomplete" if outcome.finish == "length" else "completed")
        whole = whole_response(self._asking, self._output, outcome)
        self._event(out, str(whole["status"]), response=whole)
        return b"".join(out)

    def fail(self, failure: Failure) -> bytes:
        """A failed response; nothing follows it."""
        out: list[bytes] = []
        self._event(out, "failed", response=response(self._asking, "failed", self._output, failure=failure))
        return b"".join(out)

    def _begin_reasoning(self, out: list[bytes]) -> None:
        self._begin_item(out, "reasoning", "rs", {"type": "reasoning", "summary": [], "encrypted_content": None})
        where: dict[str, JsonValue] = {"item_id": self._id, "output_index": self._place, "summary_index": 0}
        self._event(out, "reasoning_summary_part.added", **where, part={"type": "summary_text", "text": ""})
        self._head = self._delta_head("reasoning_summary_text.delta", where)

    def _begin_message(self, out: list[bytes]) -> None:
        begun: dict[str, JsonValue] = {"type": "message", "role": "assistant", "status": "in_progress", "content": []}
        self._begin_item(out, "message", "msg", begun)
        where: dict[str, JsonValue] = {"item_id": self._id, "output_index": self._place, "content_index": 0}
        empty: JsonValue = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        self._event(out, "content_part.added", **where, part=empty)
        self._head = self._delta_head("output_text.delta", {**where, "logprobs": []})

    def _begin_call(self, out: list[bytes], event: ToolCallStarted) -> None:
        custom = event.name in self._asking.asked.custom_tools
        begun = self._items.begun_call(self._place + 1, event.id, event.name)
        self._begin_item(out, "call", "ctc" if custom else "fc", begun)
        self._input = InputReader() if custom else None
        kind = "custom_tool_call_input.delta" if custom else "function_call_arguments.delta"
        self._head = self._delta_head(kind, {"item_id": self._id, "output_index": self._place})

    def _begin_item(
        self,
        out: list[bytes],
        kind: Literal["reasoning", "message", "call"],
        prefix: str,
        begun: dict[str, JsonValue],
    ) -> None:
        self._end_text(out, "completed")
        self._place += 1
        self._open = kind
        self._id = self._items.id(prefix, self._place)
        self._event(out, "output_item.added", output_index=self._place, item={**begun, "id": self._id})

    def _end_text(self, out: list[bytes], status: str) -> None:
        """Close the open item where it is reasoning or a text."""
        text = "".join(self._texts)
        where: dict[str, JsonValue] = {"item_id": self._id, "output_index": self._place}
        self._texts.clear()
        kind, self._open = self._open, None
        item: dict[str, JsonValue]
        if kind == "reasoning":
            item = self._items.reasoning(self._place, text)
            self._event(out, "reasoning_summary_text.done", **where, summary_index=0, text=text)
            part: JsonValue = {"type": "summary_text", "text": text}
            self._event(out, "reasoning_summary_part.done", **where, summary_index=0, part=part)
        elif kind == "message":
            item = self._items.message(self._place, text, status)
            self._event(out, "output_text.done", **where, content_index=0, text=text, logprobs=[])
            part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
            self._event(out, "content_part.done", **where, content_index=0, part=part)
        else:
            return
        self._end_item(out, item)

    def _end_call(self, out: list[bytes], call: ToolCall) -> None:
        where: dict[str, JsonValue] = {"item_id": self._id, "output_index": self._place}
        item = self._items.call(self._place, call)
        if self._input is not None:
            if rest := self._input.rest(call.arguments):
                self._delta(out, rest)
            self._event(out, "custom_tool_call_input.done", **where, input=item["input"])
        else:
            self._event(out, "function_call_arguments.done", **where, arguments=call.arguments)
        self._open = self._input = None
        self._end_item(out, item)

    def _end_item(self, out: list[bytes], item: dict[str, JsonValue]) -> None:
        self._event(out, "output_item.done", output_index=self._place, item=item)
        self._output.append(item)

    def _delta_head(self, kind: str, where: dict[str, JsonValue]) -> bytes:
        """The bytes before the number and the text of each delta of an item."""
        head = to_json({"type": f"response.{kind}", **where})[:-1].replace(b"%", b"%%")
        return b"event: response.%b\ndata: %b" % (kind.encode(), head) + b',"sequence_number":%d,"delta":'

    def _delta(self, out: list[bytes], text: str) -> None:
        out += (self._head % self._number, to_json(text), b"}\n\n")
        self._number += 1

    def _event(self, out: list[bytes], kind: str, **fields: JsonValue) -> None:
        data = to_json({"type": f"response.{kind}", "sequence_number": self._number, **fields})
        self._number += 1
        out.append(b"event: response.%b\ndata: %b\n\n" % (kind.encode(), data))
