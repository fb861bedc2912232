"""Names in annotations that can be resolved at run time, although their modules are loaded only then.

`typing.get_type_hints`, pydantic and FastAPI look a name of an annotation up in the module that has the annotation. A
module that is loaded late, or that would close a circle of imports, cannot be imported there; a reference takes its
place. `late_names` imports the names of a package when they are first used.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, ForwardRef

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["late_module", "late_names", "late_type"]


def late_type(module: str, name: str) -> ForwardRef:
    """Return a reference that stands for a type in an annotation, and imports it when the annotation is resolved.

    Args:
        module: The full name of the module that has the type.
        name: The name of the type there.
    """
    return ForwardRef(f"__import__({module!r}, fromlist=({name!r},)).{name}")


class late_module:  # noqa: N801  # used as `late_type` is
    """A reference to a module, such as `httpx` in `httpx.Client`: it is imported when an attribute is read."""

    __slots__ = ("_module",)

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> object:
        from importlib import import_module

        return getattr(import_module(self._module), name)


def late_names(package: str, places: Mapping[str, str]) -> Callable[[str], object]:
    """Return the `__getattr__` of a package that imports names when they are first used.

    Args:
        package: The full name of the package.
        places: The module in it that has a name, by that name.
    """

    def find(name: str) -> object:
        from importlib import import_module

        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{package}.{places[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return find
