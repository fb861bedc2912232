"""Checking values of unknown type, and naming their kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeGuard

__all__ = ["is_iterable", "is_list", "is_mapping", "kind_of"]


def is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    """Whether it is a mapping."""
    return isinstance(value, dict) or isinstance(value, Mapping)  # noqa: SIM101  # a dict is recognized without the ABC


def is_list(value: object) -> TypeGuard[list[object] | tuple[object, ...]]:
    """Whether it is a list or a tuple."""
    return isinstance(value, (list, tuple))


def is_iterable(value: object) -> TypeGuard[Iterable[object]]:
    """Whether it holds values one after another: not a text, bytes or a mapping."""
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def kind_of(value: object) -> str:
    """The kind of a decoded JSON value, in words, without its content."""
    if value is None:
        return "null"
    if is_mapping(value):
        return f"an object with {', '.join(sorted(value)) or 'nothing'}"
    if isinstance(value, bool):
        return "a boolean"
    return "a text" if isinstance(value, str) else "a list" if isinstance(value, list) else "a number"
