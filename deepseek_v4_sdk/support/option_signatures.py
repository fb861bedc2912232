"""The options of a method in its signature, for completion in notebooks and for `help()`: `**options` shows none."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from importlib import import_module
from types import FunctionType
from typing import Any, TypeVar, cast

from deepseek_v4_sdk.support.redaction import never_raises

__all__ = ["shows_options"]

F = TypeVar("F", bound="Callable[..., Any]")


class _Shown(inspect.Signature):
    """A signature that is made when somebody looks at it."""

    __slots__ = ("_function", "_options")

    def __init__(self, function: FunctionType, options: str) -> None:
        self._function = function
        self._options = options

    @property
    def parameters(self) -> Any:  # as the base class has it
        """The method's own parameters, then the options."""
        return self._whole().parameters

    @property
    def return_annotation(self) -> Any:  # as the base class has it
        """The type of the result."""
        return self._whole().return_annotation

    def replace(self, **changes: Any) -> Any:  # as the base class has it
        """Another one, with some changes."""
        return self._whole().replace(**changes)

    @never_raises
    def __repr__(self) -> str:
        return super().__repr__()

    def _whole(self) -> inspect.Signature:
        own = inspect.signature(_bare(cast("FunctionType", inspect.unwrap(self._function))))
        kept = [each for each in own.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
        names = {each.name for each in kept}
        return own.replace(parameters=[*kept, *(each for each in _of(self._options) if each.name not in names)])


def _bare(function: FunctionType) -> FunctionType:
    """The same function without an assigned signature."""
    bare = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    bare.__kwdefaults__, bare.__annotations__ = function.__kwdefaults__, function.__annotations__
    return bare


def shows_options(options: str) -> Callable[[F], F]:
    """Let a method show the options that it takes as `**options`, below `@classmethod`.

    Args:
        options: The place of their `TypedDict`, as `module:name` within the package; it is loaded on first use.
    """

    def show(function: F) -> F:
        function.__signature__ = _Shown(cast("FunctionType", function), options)  # type: ignore[attr-defined]
        return function

    return show


def _of(options: str) -> Iterable[inspect.Parameter]:
    place, _, name = options.partition(":")
    module = import_module(f"deepseek_v4_sdk.{place}")
    kind = getattr(module, name)
    limits: dict[str, Any] = getattr(getattr(module, "LoopLimits", None), "__dataclass_fields__", {})
    unset = ... if name == "ClientArguments" else None  # an argument that is left out keeps its value
    for key, written in kind.__annotations__.items():
        default = limits[key].default if key in limits else unset
        annotation = getattr(written, "__forward_arg__", written)
        yield inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
