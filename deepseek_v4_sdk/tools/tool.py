"""`@tool`, and the object it makes of a function: a tool for the model that is still the same function."""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import sys
from collections.abc import Callable
from types import MethodType
from typing import Concatenate, Generic, ParamSpec, Self, TypeVar, cast, overload

from deepseek_v4_sdk.chat import JsonValue, ToolCall, ToolSpec
from deepseek_v4_sdk.support.redaction import never_raises
from deepseek_v4_sdk.tools.function import UnresolvedNameError, is_method, read_function
from deepseek_v4_sdk.tools.offer import Offer

__all__ = ["Tool", "tool"]

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R", covariant=True)
S = TypeVar("S")
T = TypeVar("T")


class Tool(Generic[P, R]):
    """A function that the model may call. It stays callable like the function.

    In a class it is a method like any other: `agent.search` is the tool bound to `agent`, and `self` is not offered.

    Args:
        function: The function to run.
        runs: Whether it has a function at all; a tool with only a schema is run by the caller.
        read_only: Whether it is known to change nothing; `approve` sees it on the calls.

    Attributes:
        owner: The class of the method, or None: annotations may use the class's names.
    """

    def __init__(
        self,
        function: Callable[P, R],
        _offer: Callable[[type | None], Offer],
        *,
        runs: bool = True,
        _known: Offer | None = None,
        read_only: bool = False,
    ) -> None:
        self.function = function
        self.runs = runs
        self.read_only = read_only
        functools.update_wrapper(self, function)
        self._make = _offer
        self._made = _known
        self.owner: type | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function."""
        return self.function(*args, **kwargs)

    @overload
    def __get__(self, instance: None, owner: type[object]) -> Self: ...
    @overload
    def __get__(self: Tool[Concatenate[S, Q], T], instance: S, owner: type[object] | None = None) -> Tool[Q, T]: ...
    def __get__(self, instance: object, owner: type[object] | None = None) -> object:
        if instance is None or not is_method(self.function):
            return self
        if self.owner is None:  # below @classmethod no name was set
            self.owner = instance if isinstance(instance, type) else owner
        return self._with(MethodType(self.function, instance), self._offer)

    def _with(self, function: Callable[..., object], offer: Callable[[type | None], Offer]) -> Tool[..., object]:
        """Make the same tool for another function."""
        return Tool(function, offer, runs=self.runs, _known=self._made, read_only=self.read_only)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Tool[..., object]:
        function = copy.deepcopy(self.function, memo)  # of a method: that of a copied object
        return self if function is self.function else self._with(function, self._make)

    def __reduce__(self) -> str | tuple[object, ...]:
        """Pickle like a function: by name where it has its own, else with its function."""
        if isinstance(self.function, MethodType):
            return getattr, (self.function.__self__, self.function.__name__)
        path = str(getattr(self.function, "__qualname__", ""))
        found: object = sys.modules.get(str(self.__module__))
        for name in path.split("."):
            found = getattr(found, name, None)
        return path if found is self else (_again, (self.function, self._make, self.runs, self.read_only))

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner = owner

    @never_raises
    def __repr__(self) -> str:
        return f"<Tool {getattr(self.function, '__qualname__', self.function)!s}>"

    def _offer(self, _: type | None = None) -> Offer:
        if self._made is None:
            self._made = self._make(self.owner)
        return self._made

    @property
    def name(self) -> str:
        """The name under which the model knows it."""
        return self._offer().spec.name

    @property
    def description(self) -> str | None:
        """The description for the model."""
        return self._offer().spec.description

    @property
    def parameters(self) -> dict[str, JsonValue]:
        """A copy of the JSON Schema of its arguments; empty without one."""
        offered = cast("dict[str, dict[str, JsonValue]]", self.tool_spec().to_dict())["function"]
        return cast("dict[str, JsonValue]", offered.get("parameters", {}))

    @property
    def strict(self) -> bool | None:
        """Whether the server should hold the model to the schema; None leaves it to the server."""
        return self._offer().spec.strict

    @property
    def is_async(self) -> bool:
        """Whether calling it returns an awaitable, or an async iterator."""
        target: object = self.function
        while isinstance(target, functools.partial):
            target = cast("functools.partial[object]", target).func
        if not inspect.isroutine(target):
            target = type(target).__call__
        return inspect.iscoroutinefunction(target) or inspect.isasyncgenfunction(target)

    def tool_spec(self) -> ToolSpec:
        """Return the tool in the form that is offered to the model, with the check of its arguments."""
        return self._offer().spec

    def check(self, call: ToolCall) -> dict[str, JsonValue]:
        """Return the decoded arguments of a call, unchanged, if they fit.

        Raises:
            InvalidToolArgumentsError: They do not; the error names the place.
        """
        return self._offer().check(call)

    def bind(self, call: ToolCall) -> dict[str, object]:
        """Return the arguments of a call in the function's own types, ready for `tool(**arguments)`.

        Arguments that the model left out are absent: the function's own defaults apply. Without annotations, as with
        handwritten schemas, the arguments are plain JSON values.

        Raises:
            InvalidToolArgumentsError: They do not fit; the error names the place.
        """
        return self._offer().bind(call)


def _again(
    function: Callable[..., object],
    offer: Callable[[type | None], Offer],
    runs: bool,
    read_only: bool = False,
) -> Tool[..., object]:
    """Make a tool out of a pickle."""
    return Tool(function, offer, runs=runs, read_only=read_only)


@overload
def tool(
    function: Callable[P, R],
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool | None = None,
    read_only: bool = False,
) -> Tool[P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool | None = None,
    read_only: bool = False,
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...
def tool(
    function: Callable[..., object] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool | None = None,
    read_only: bool = False,
) -> object:
    """Make a tool of a function, as `@tool` or `@tool(...)`.

    The offer to the model is the function's name, the docstring's texts about it and about each parameter (Google,
    NumPy and Sphinx style), and a JSON Schema of the parameters made from their annotations. Arguments are checked as
    JSON: `"3"` is not a whole number, unless a validator of the parameter converts it (`BeforeValidator(int)`).

    Args:
        function: The function: a function, an async function, a method, a `functools.partial` or an object with
            `__call__`. Each parameter needs an annotation; `*args` and `**kwargs` cannot be offered.
        name: Another name than the function's.
        description: Another description than the docstring's.
        strict: Whether the server should hold the model to the schema. The schema then requires every property.
        read_only: Whether it changes nothing. The model does not see it; `approve` sees it as `call.read_only`.

    Raises:
        ConfigurationError: The function cannot be a tool; the text names the parameter and the remedy.
    """

    def make(function: Callable[..., object]) -> Tool[..., object]:
        inner = function.function if isinstance(function, Tool) else function
        offer = functools.partial(read_function, inner, name, description, strict)
        made: Tool[..., object] = Tool(inner, offer, read_only=read_only)
        with contextlib.suppress(UnresolvedNameError):  # the name may be defined later: read again at the first use
            made.tool_spec()
        return made

    return make if function is None else make(function)
