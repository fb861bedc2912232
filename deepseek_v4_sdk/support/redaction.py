"""Safe representations of objects and variables in tracebacks, debuggers and logs: never an error, and never a key."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["forget_variables", "forgets", "hide_headers", "never_raises"]

P = ParamSpec("P")
R = TypeVar("R")
SelfT = TypeVar("SelfT")

_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep  # noqa: PTH120  # pathlib is not loaded for this


def never_raises(show: Callable[[Any], str]) -> Callable[[Any], str]:
    """Make a `__repr__` show only the class where it would raise, as for an object whose `__init__` raised."""

    @wraps(show)
    def shown(self: object) -> str:
        try:
            return show(self)
        except Exception:  # noqa: BLE001  # parts may be missing, and a user's object may raise anything
            return f"<{type(self).__name__}, not whole>"

    return shown


def forgets(method: Callable[Concatenate[SelfT, P], R]) -> Callable[Concatenate[SelfT, P], R]:
    """Make a method leave no values in the package's frames once it has raised.

    Error reporting tools record the variables of each frame, and keys are among the arguments.
    """

    @wraps(method)
    def called(self: SelfT, /, *args: P.args, **options: P.kwargs) -> R:
        try:
            return method(self, *args, **options)
        except BaseException as error:
            del args, options
            forget_variables(error)
            raise

    return called


def forget_variables(error: BaseException) -> None:
    """Empty the package's frames that an error, and its causes, have left."""
    for each in _chain(error):
        trace = each.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename.startswith(_PACKAGE):
                with suppress(RuntimeError):  # it runs: this one, and those above
                    trace.tb_frame.clear()
            trace = trace.tb_next


def hide_headers(options: Mapping[str, Any]) -> None:
    """Hide the values of a call's headers from now on, wherever its options are shown: a key may be among them."""
    headers: object = options.get("extra_headers")
    if isinstance(headers, dict) and isinstance(options, dict):  # a call's own: nobody else has it
        options["extra_headers"] = _Headers(cast("dict[str, Any]", headers))


class _Headers(dict[str, Any]):
    """Headers that are shown without their values."""

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{name!r}: ***' for name in self)}}}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes."""
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            left += [each.__cause__, each.__context__]
