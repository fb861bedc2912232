"""Reading the history of a Chat Completions body from other programs, and mending it where servers would refuse it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deepseek_v4_sdk.chat.checks import is_list, is_mapping
from deepseek_v4_sdk.chat.foreign import says_nothing
from deepseek_v4_sdk.chat.messages import Message
from deepseek_v4_sdk.chat.reading import read_message
from deepseek_v4_sdk.errors import InvalidRequestError

__all__ = ["Noted", "read_history"]


@dataclass(slots=True)
class Noted:
    """Fields that a reader left out, and changes it made.

    Attributes:
        ignored: Fields that were left out, in the order met.
        notes: Changes, in words.
    """

    ignored: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])

    def ignore(self, name: str) -> None:
        """Name a field that is left out, once."""
        if name not in self.ignored:
            self.ignored.append(name)

    def note(self, text: str) -> None:
        """Name a change, once."""
        if text not in self.notes:
            self.notes.append(text)


_OF_A_MESSAGE = frozenset({"role", "content", "name", "tool_calls", "tool_call_id", "prefix"})
_INSTRUCTIONS = ("system", "developer")
_REASONING = ("reasoning_content", "reasoning")  # the first with a text wins
_TEXTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
_SIGHTS = {
    "image_url": "an image",
    "input_image": "an image",
    "image": "an image",
    "input_audio": "a sound",
    "file": "a file",
    "input_file": "a file",
    "document": "a file",
    "video_url": "a video",
}


def read_history(value: object, noted: Noted) -> list[Message]:
    """Read the messages of an OpenAI-shaped conversation, and mend those that the servers would refuse.

    A message between a tool call and its result moves after the results. A later system or developer message keeps
    its place. A text that names it replaces an image, unless the image is in the last message of the user and
    nothing but instructions follows. Unknown fields are left out and named.

    Args:
        value: A list of messages, or a text.
        noted: Receives the fields that were left out or changed.

    Raises:
        InvalidRequestError: Something in it is wrong; the text names the place.
    """
    if isinstance(value, str):
        return [read_message({"role": "user", "content": value}, "messages")]
    if not is_list(value):
        raise InvalidRequestError(f"messages is {type(value).__name__}: give a list of messages")
    ordered = _results_first(value, noted)
    if not ordered:
        raise InvalidRequestError("messages is empty: give at least one message")
    messages: list[Message] = []
    last = max((at for at, (_, item) in enumerate(ordered) if _role(item) not in _INSTRUCTIONS), default=0)
    front = True
    for at, (index, item) in enumerate(ordered):
        where = f"messages[{index}]"
        if not is_mapping(item):
            raise InvalidRequestError(f"{where} is {type(item).__name__}: give an object with role and content")
        system = item.get("role") in _INSTRUCTIONS
        front = front and system
        cleaned = _cleaned(item, where, at == last, noted)
        if system and not front:
            cleaned["late"] = True
        messages.append(read_message(cleaned, where))
    return messages


def _role(item: object) -> object:
    return item.get("role") if is_mapping(item) else None


def _cleaned(item: Mapping[str, object], where: str, last: bool, noted: Noted) -> dict[str, object]:
    role = item.get("role")
    cleaned: dict[str, object] = {}
    for key, value in item.items():
        if says_nothing(value) and key != "content":
            continue
        if key == "tool_calls" and is_list(value):
            cleaned[key] = [_with_arguments(call) for call in value]
        elif key in _OF_A_MESSAGE:
            cleaned[key] = value
        elif key not in _REASONING or role != "assistant":
            noted.ignore(f"messages[].{key}")
    content = cleaned.get("content")
    if is_list(content):
        content = _parts(content, f"{where}.content", last=last and role == "user", noted=noted)
    if content is None and role in ("tool", "assistant"):
        content = "" if role == "tool" else None
    cleaned["content"] = content
    if role == "assistant":
        given = [item[key] for key in _REASONING if item.get(key) is not None]
        reasoning = next((text for text in given if text != ""), given[0] if given else None)
        if reasoning is not None:
            cleaned["reasoning"] = reasoning
    return cleaned


def _with_arguments(call: object) -> object:
    """A call with empty arguments, where they are null."""
    function = call.get("function") if is_mapping(call) else None
    if not is_mapping(call) or not is_mapping(function) or function.get("arguments") is not None:
        return call
    return {**call, "function": {**function, "arguments": "{}"}}


def _parts(parts: Sequence[object], where: str, *, last: bool, noted: Noted) -> list[object]:
    texts: list[object] = []
    for index, part in enumerate(parts):
        kind = part.get("type", "text") if is_mapping(part) else None
        if isinstance(part, str):
            texts.append({"type": "text", "text": part})
        elif is_mapping(part) and isinstance(kind, str) and kind in _TEXTS:
            texts.append({"type": "text", "text": part.get(_TEXTS[kind])})
        elif isinstance(kind, str) and kind in _SIGHTS:
            if last:
                raise InvalidRequestError(
                    f"{where}[{index}] is {_SIGHTS[kind]}, which V4 cannot read: describe it in words, or leave it out"
                )
            noted.note(f"{_SIGHTS[kind].partition(' ')[2]} of an earlier turn replaced by a text")
            texts.append(
                {
                    "type": "text",
                    "text": f"[{_SIGHTS[kind].capitalize()} that this model cannot read was removed here.]",
                }
            )
        else:
            raise InvalidRequestError(
                f"{where}[{index}] has the type {str(kind)[:40]!r}: V4 reads parts of type 'text'"
            )
    return texts


def _results_first(items: Sequence[object], noted: Noted) -> list[tuple[int, object]]:
    """The messages and their places; a message between a call and its results moves after the results."""
    ordered: list[tuple[int, object]] = []
    held: list[tuple[int, object]] = []
    waiting: set[object] = set()
    for index, item in enumerate(items):
        role = item.get("role") if is_mapping(item) else None
        if is_mapping(item) and role == "tool":
            waiting.discard(_hashable(item.get("tool_call_id")))
            if held:
                noted.note("a message between a tool call and its result moved after the result")
            ordered.append((index, item))
        elif waiting and role != "assistant":
            held.append((index, item))
            continue
        else:
            ordered += held
            held = []
            ordered.append((index, item))
            calls = item.get("tool_calls") if is_mapping(item) else None
            waiting = {_hashable(call.get("id")) for call in calls if is_mapping(call)} if is_list(calls) else set()
        if not waiting:
            ordered += held
            held = []
    return ordered + held


def _hashable(value: object) -> object:
    return value if isinstance(value, str) else None
