"""A sink that writes down every piece that a provider decodes, and the values of a JSON document by their places."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.providers import Provider, Sink

__all__ = ["Hearing", "JsonPath", "leaves", "shown_path", "without"]

JsonPath = tuple[str | int, ...]


class Hearing:
    """The pieces of an answer, in the order of arrival: the name of the sink's method, and what it was given."""

    def __init__(self) -> None:
        self.pieces: list[tuple[object, ...]] = []

    @property
    def begun(self) -> bool:
        """Whether the id and the model are known."""
        return self.has_heard("begin")

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *given, **named: self.pieces.append((name, *given, *named.values()))

    def hear(self, provider: Provider, payload: dict[str, JsonValue]) -> Hearing:
        """Hear one event."""
        provider.decode(payload, cast("Sink", self))
        return self

    def has_heard(self, name: str) -> bool:
        """Whether a method was called."""
        return any(piece[0] == name for piece in self.pieces)

    def has(self, value: JsonValue) -> bool:
        """Whether a value is in one of the pieces, also as a part of a text."""
        return any(_holds(item, value) for piece in self.pieces for item in piece[1:])


def _holds(item: object, value: JsonValue) -> bool:
    if isinstance(item, dict | list):
        return any(_holds(inner, value) for _, inner in leaves(cast("JsonValue", item)))
    if isinstance(item, str) and isinstance(value, str):
        return value in item
    return type(item) is type(value) and item == value


def leaves(value: JsonValue, path: JsonPath = ()) -> Iterator[tuple[JsonPath, JsonValue]]:
    """Yield the texts, numbers and words of a JSON document, each with its place."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


def without(value: JsonValue, path: JsonPath) -> JsonValue:
    """Return a document without the value at a place."""
    if isinstance(value, dict):
        pairs = value.items()
        return {key: without(inner, path[1:]) if key == path[0] else inner for key, inner in pairs if path != (key,)}
    if isinstance(value, list):
        items = enumerate(value)
        return [without(inner, path[1:]) if key == path[0] else inner for key, inner in items if path != (key,)]
    return value


def shown_path(path: JsonPath) -> str:
    """A place as a person writes it: `choices[].delta.content`."""
    return "".join("[]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
