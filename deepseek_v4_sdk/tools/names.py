"""Resolving the annotations of a function: each one separately, with the names that Python still has around it."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from types import FrameType, SimpleNamespace
from typing import cast

__all__ = ["annotation_of", "annotations_of", "signature_of"]

_LOCALS = ".<locals>"


def annotations_of(function: object) -> Mapping[str, object]:
    """The unevaluated annotations of a function; their names need not exist yet.

    From Python 3.14 on they are evaluated on access (PEP 649), and a missing name is an error unless references are
    requested.
    """
    if sys.version_info >= (3, 14):
        import annotationlib

        if isinstance(function, Callable):  # type: ignore[arg-type]
            return cast(
                "Mapping[str, object]",
                annotationlib.get_annotations(function, format=annotationlib.Format.FORWARDREF),
            )
    return cast("Mapping[str, object]", getattr(function, "__annotations__", {}))


def signature_of(function: Callable[..., object]) -> typing.Any:
    """The signature of a function, even if its annotations name missing objects."""
    if sys.version_info >= (3, 14):
        import annotationlib

        return inspect.signature(function, annotation_format=annotationlib.Format.FORWARDREF)
    return inspect.signature(function)


def annotation_of(function: object, name: str, owner: type | None) -> object:
    """The type of one parameter. Each is read separately: other annotations, and that of the result, may be unknown.

    A text is looked up as Python would at the function's place: in its class, in the functions around it (their
    closed-over variables, and those that are still running), then in its module.

    Args:
        function: The function itself, without its wrappers.
        name: The parameter.
        owner: The class through which a method was reached, or None.

    Raises:
        KeyError: The parameter has no annotation.
        NameError: A name is not found.
    """
    annotation = annotations_of(function)[name]
    holder = SimpleNamespace(__annotations__={name: annotation})
    module = cast("dict[str, object]", getattr(function, "__globals__", {}))
    known: dict[str, object] = {}
    for names in _around(function, module, owner):
        known = {**names, **known}  # the nearest one wins
    return typing.get_type_hints(holder, globalns=module, localns=known, include_extras=True)[name]


def _around(function: object, module: Mapping[str, object], owner: type | None) -> Iterator[Mapping[str, object]]:
    """The names around a function, nearest first."""
    path = str(getattr(function, "__qualname__", ""))
    place = path.rpartition(".")[0]
    if place and not place.endswith(_LOCALS):  # a method
        yield from _of_class(place, module, owner)
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    if code is not None and cells:
        yield {
            name: value
            for name, value in zip(code.co_freevars, map(_content, cells), strict=True)
            if value is not _EMPTY
        }
    while _LOCALS in place:
        place = place.rpartition(_LOCALS)[0]
        running = _running(place, module)
        if running is not None:
            yield running.f_locals
    if owner is not None:
        yield {cls.__name__: cls for cls in reversed(owner.__mro__)}


def _of_class(place: str, module: Mapping[str, object], owner: type | None) -> Iterator[Mapping[str, object]]:
    """The names in the class of a method: while it is made, as it was reached, or from its module."""
    making = _running(place, module)
    if making is not None:
        yield making.f_locals
    reached = [cls for cls in owner.__mro__ if cls.__qualname__ == place] if owner is not None else []
    for cls in reached:
        yield vars(cls)
    if not reached and _LOCALS not in place:
        found: object = SimpleNamespace(**module)
        for part in place.split("."):
            found = getattr(found, part, None)
        if isinstance(found, type):
            yield vars(found)


def _running(place: str, module: Mapping[str, object]) -> FrameType | None:
    """The innermost call of that function that is still running, or None."""
    frame: FrameType | None = inspect.currentframe()
    while frame is not None and not (frame.f_code.co_qualname == place and frame.f_globals is module):
        frame = frame.f_back
    return frame


_EMPTY = object()


def _content(cell: object) -> object:
    try:
        return cell.cell_contents  # type: ignore[attr-defined]
    except ValueError:  # a variable that is not set yet
        return _EMPTY
