"""A conversation made of another one is counted as from nothing, at the cost of what is new."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk.chat import AssistantMessage, Message, ToolMessage, UserMessage, read_messages
from deepseek_v4_sdk.errors import InvalidRequestError, UnsupportedOptionError
from deepseek_v4_sdk.tokens import edited
from deepseek_v4_sdk.tokens.edited import count_edited
from deepseek_v4_sdk.tokens.prompts import count_prompt
from deepseek_v4_sdk.tokens.stable_prefix import STABLE_PREFIXES
from tests.counting.test_going_on import CALLS, FORMS, TOOL, VLLM
from tests.counting.whole import from_nothing, whole
from tests.prompt import conversations as some
from tests.support.profiles import examples


@examples(50)
@given(st.data(), st.sampled_from(FORMS))
def test_as_from_nothing(data: st.DataObject, form: Any) -> None:
    """Messages are left out, replaced and put in at random; the counts are those of the whole prompt."""
    STABLE_PREFIXES.clear()
    source = list(read_messages(data.draw(some.conversations)))
    with suppress(InvalidRequestError, UnsupportedOptionError):
        known = count_prompt(source, form)
        messages: list[Message] = []
        places: list[int | None] = []
        for place, message in enumerate(source):
            match data.draw(st.sampled_from(("keep", "keep", "keep", "drop", "replace", "insert"))):
                case "drop":
                    continue
                case "replace" if isinstance(message, ToolMessage):
                    messages.append(ToolMessage("short", message.tool_call_id))
                    places.append(None)
                    continue
                case "insert":
                    messages.append(UserMessage("put in"))
                    places.append(None)
            messages.append(message)
            places.append(place)
        if messages:
            expected = from_nothing(messages, form)
            assert count_edited(messages, places, source, known, form) == expected
            assert expected.total == whole(form.render(messages), form.dialect)
            # What was kept of it for the next count is right as well.
            grown = [*messages, UserMessage("So?")]
            assert count_prompt(grown, form) == from_nothing(grown, form)


def test_only_what_is_new_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    source = [UserMessage("q"), *CALLS[1:] * 50, UserMessage("b")]
    known = count_prompt(source, VLLM)
    seen: list[int] = []
    count = edited.count_segment

    def see(segment: Any, *args: Any) -> Any:
        seen.append(len(segment.message_indices))
        return count(segment, *args)

    monkeypatch.setattr(edited, "count_segment", see)
    messages, places = [source[0], *source[41:]], [0, *range(41, len(source))]
    assert count_edited(messages, places, source, known, VLLM) == from_nothing(messages, VLLM)
    assert len(seen) <= 3
    seen.clear()
    clipped = list(source)
    clipped[2] = ToolMessage("short", "c2")
    changed = [None if at == 2 else at for at in range(len(source))]
    assert count_edited(clipped, changed, source, known, VLLM) == from_nothing(clipped, VLLM)
    assert len(seen) <= 3
    assert isinstance(source[1], AssistantMessage)
    assert TOOL.name == "f"
