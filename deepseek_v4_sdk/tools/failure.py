"""A tool's exception: whether it ends the run, and the texts for model and developer."""

from __future__ import annotations

import inspect
import warnings
from asyncio import CancelledError
from collections.abc import Iterator
from itertools import islice
from types import FunctionType, MethodType
from typing import cast

__all__ = ["ends_the_run", "reason", "warn_of_result"]

_MOST_LEAVES = 8


def ends_the_run(error: BaseException) -> bool:
    """Whether an exception is not the tool's own, such as `SystemExit` and `KeyboardInterrupt`.

    A `CancelledError` is: a cancellation of the run itself never arrives here as the outcome of a tool.
    """
    return any(not isinstance(leaf, Exception | CancelledError) for leaf in _leaves(error))


def reason(error: BaseException) -> str:
    """Describe an exception for the model: its kind and text, and for a group those of its leaves."""
    leaves = _leaves(error)
    texts = list(dict.fromkeys(_text(leaf) for leaf in islice(leaves, _MOST_LEAVES)))
    more = sum(1 for _ in leaves)
    return "; ".join(texts) + (f"; and {more} more" if more else "")


def warn_of_result(name: str, function: object, error: BaseException) -> None:
    """Warn the developer, at the line of the tool, that its result is an error for the model."""
    text = f"the tool {name!r}: {error}; the model sees a failed call"
    inner = inspect.unwrap(function) if callable(function) else function
    inner = inner.__func__ if isinstance(inner, MethodType) else inner
    if isinstance(inner, FunctionType):
        code, seen = inner.__code__, inner.__globals__.setdefault("__warningregistry__", {})
        warnings.warn_explicit(
            text, UserWarning, code.co_filename, code.co_firstlineno, inner.__module__, registry=seen
        )
    else:
        warnings.warn(text, UserWarning, stacklevel=2)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions in a group, and in the groups in it; an exception that is not a group is its own leaf."""
    waiting = [error]
    while waiting:
        first = waiting.pop()
        if isinstance(first, BaseExceptionGroup):
            waiting += reversed(cast("BaseExceptionGroup[BaseException]", first).exceptions)
        else:
            yield first


def _text(error: BaseException) -> str:
    name = type(error).__name__
    try:
        message = str(error)
    except Exception:  # noqa: BLE001  # the exception is the tool's own, and so is its `__str__`
        return f"{name} (its text cannot be read)"
    return f"{name}: {message}" if message else name
