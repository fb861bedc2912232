"""Reading a function: the parameters that a model may fill, their types, and their descriptions in the docstring."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

from deepseek_v4_sdk.chat import ToolSpec, read_tool
from deepseek_v4_sdk.errors import ConfigurationError, InvalidRequestError
from deepseek_v4_sdk.tools.docstrings import read_docstring
from deepseek_v4_sdk.tools.names import annotation_of, annotations_of, signature_of
from deepseek_v4_sdk.tools.offer import Offer

if TYPE_CHECKING:
    from inspect import Parameter

__all__ = ["Argument", "UnresolvedNameError", "is_method", "plain_offer", "read_function"]


class UnresolvedNameError(ConfigurationError):
    """An annotation names something that does not exist, or not yet."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One parameter that the model fills.

    Attributes:
        name: Its name.
        annotation: Its type.
        default: Its default, or `inspect.Parameter.empty`.
        description: Its description in the docstring, or None.
    """

    name: str
    annotation: object
    default: object
    description: str | None


def is_method(function: object) -> bool:
    """Whether it was defined in a class and takes the instance, or the class, first."""
    function = inspect.unwrap(function) if callable(function) else function
    if not isinstance(function, FunctionType):
        return False
    parts = function.__qualname__.split(".")
    if len(parts) < 2 or parts[-2] == "<locals>" or not function.__code__.co_argcount:
        return False
    first = function.__code__.co_varnames[0]
    return first in {"self", "cls"} and first not in annotations_of(function)


def read_function(
    function: object,
    name: str | None,
    description: str | None,
    strict: bool | None,
    owner: type | None = None,
) -> Offer:
    """Read the offer of a function to the model.

    Args:
        function: The function to run.
        name: Another name than the function's.
        description: Another description than the docstring's.
        strict: Whether the server should hold the model to the schema.
        owner: The class through which a method was reached: annotations may use its names.

    Raises:
        ConfigurationError: It cannot be a tool; the text names the function and the parameter.
        UnresolvedNameError: An annotation names something that does not exist, or not yet.
    """
    if isinstance(function, classmethod | staticmethod):
        kind = type(cast("object", function)).__name__
        raise ConfigurationError(f"@tool is above @{kind}: put it below, next to the function")
    if not callable(function) or inspect.isclass(function):
        what = f"the class {function.__name__}" if inspect.isclass(function) else type(function).__name__
        raise ConfigurationError(f"{what} is not a function that a model could call")
    callee, fixed = _opened(function)
    label = name or _name_of(callee)
    doc = read_docstring(_docstring_of(callee))
    arguments = list(_arguments(function, callee, fixed, label, doc.parameters, owner))
    from deepseek_v4_sdk.tools.arguments import ArgumentsModel  # pydantic, whole: not before a tool is made

    model = ArgumentsModel(label, arguments)
    try:
        purpose = description if description is not None else doc.description
        spec = read_tool(ToolSpec(label, purpose, model.schema(strict=bool(strict)), strict), f"the tool {label!r}")
    except InvalidRequestError as error:
        raise ConfigurationError(str(error)) from None
    return Offer(spec, model, model.bind)


_PLAIN: WeakKeyDictionary[FunctionType, dict[bool, Offer]] = WeakKeyDictionary()


def plain_offer(function: object) -> Offer:
    """Read the offer of an undecorated function; one that is given with each request is read once.

    Raises:
        ConfigurationError: It cannot be a tool.
    """
    inner = function.__func__ if isinstance(function, MethodType) else function
    if inner is function and is_method(function):
        name = cast("FunctionType", function).__qualname__
        raise ConfigurationError(f"{name!r} is a method without its object: give the method of an object")
    if not isinstance(inner, FunctionType):
        return read_function(function, None, None, None)
    known = _PLAIN.setdefault(inner, {})
    bound = inner is not function
    if bound not in known:
        known[bound] = read_function(function, None, None, None)
    return known[bound]


def _opened(function: Callable[..., object]) -> tuple[Callable[..., object], frozenset[str]]:
    """The function inside of partials, and the names of the arguments that they fix."""
    fixed: frozenset[str] = frozenset()
    while isinstance(function, functools.partial):
        partial = cast("functools.partial[object]", function)
        fixed |= partial.keywords.keys()
        function = partial.func
    return function, fixed


def _name_of(callee: object) -> str:
    name: object = getattr(callee, "__name__", None)
    return name if isinstance(name, str) else type(callee).__name__


def _docstring_of(callee: object) -> str | None:
    if inspect.isroutine(callee):
        return inspect.getdoc(callee)
    return inspect.getdoc(type(callee).__call__) or inspect.getdoc(type(callee))


def _arguments(
    function: Callable[..., object],
    callee: Callable[..., object],
    fixed: frozenset[str],
    label: str,
    described: Mapping[str, str],
    owner: type | None,
) -> Iterable[Argument]:
    try:
        parameters: list[Parameter] = list(signature_of(function).parameters.values())
    except (TypeError, ValueError):
        raise ConfigurationError(f"the signature of {label!r} cannot be read: write a function around it") from None
    if is_method(function):
        parameters = parameters[1:]
    target = callee
    if not inspect.isroutine(callee):
        target, owner = type(callee).__call__, type(callee)
    for parameter in parameters:
        if parameter.name in fixed:
            continue
        _check_kind(parameter, label)
        annotation = _annotation(target, parameter.name, label, owner)
        yield Argument(parameter.name, annotation, parameter.default, described.get(parameter.name))


def _check_kind(parameter: Parameter, label: str) -> None:
    if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
        stars = "*" if parameter.kind is parameter.VAR_POSITIONAL else "**"
        raise ConfigurationError(
            f"{label!r} takes {stars}{parameter.name}, which cannot be offered to a model: list the parameters by name"
        )
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise ConfigurationError(
            f"the parameter {parameter.name!r} of {label!r} takes no name: a model names its arguments; move the '/'"
        )


def _annotation(target: object, name: str, label: str, owner: type | None) -> object:
    where = f"the parameter {name!r} of {label!r}"
    inner = inspect.unwrap(cast("Callable[..., object]", target))
    if isinstance(inner, MethodType):
        owner = owner or _class_of(inner.__self__)
        inner = inner.__func__
    try:
        return annotation_of(inner, name, owner)
    except KeyError:
        raise ConfigurationError(f"{where} has no annotation: say what it takes ('object' for anything)") from None
    except NameError as error:
        raise UnresolvedNameError(
            f"the annotation of {where} names {error.name!r}, which is neither in its module nor in the class or the "
            "running functions around it: an import for type checkers is not found"
        ) from None
    except (TypeError, SyntaxError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"the annotation of {where} cannot be read: {error}") from None


def _class_of(instance: object) -> type:
    return instance if isinstance(instance, type) else type(instance)
