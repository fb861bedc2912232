"""The annotations of public names can be resolved at run time, and cost nothing until they are."""

from __future__ import annotations

import inspect
import sys
import typing
from types import FunctionType, ModuleType

import pytest

from tests.house.border import PLACES
from tests.house.test_imports import loaded
from tests.house.test_public_names import of_place


def _parts(thing: object) -> list[object]:
    """A public class with its methods, those of its bases in the package included; a function."""
    if not inspect.isclass(thing):
        return [thing] if isinstance(thing, FunctionType) else []
    parts: list[object] = [thing]
    for base in thing.__mro__:
        if base.__module__.startswith("deepseek_v4_sdk"):
            for name, value in vars(base).items():
                function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
                if isinstance(function, FunctionType) and (
                    not name.startswith("_") or name in {"__init__", "__call__"}
                ):
                    parts.append(function)
    return parts


def _unresolved(module: ModuleType) -> list[str]:
    """The public names of a module, or their methods, with an annotation that cannot be resolved."""
    found: list[str] = []
    for name in module.__all__:
        for part in _parts(getattr(module, name)):
            try:
                hints = typing.get_type_hints(part)
            except Exception as error:  # noqa: BLE001  # an annotation is a program: it can raise anything
                found.append(f"{name}: {getattr(part, '__qualname__', part)}: {error}")
            else:
                if any(isinstance(hint, str | typing.ForwardRef) for hint in hints.values()):
                    found.append(f"{name}: {getattr(part, '__qualname__', part)}: an unresolved reference")
    return found


@pytest.mark.parametrize("place", PLACES)
def test_hints_resolve(place: str) -> None:
    assert _unresolved(of_place(place)) == []


def test_a_hint_that_does_not_resolve_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("bad")
    program = """
class Public:
    field: "Elsewhere"
    def method(self) -> "int | Missing": ...
    @property
    def made(self) -> "int": ...
def function(given: "Absent") -> None: ...
__all__ = ["Public", "function"]
"""
    exec(program, vars(module))
    module.Public.__module__ = "deepseek_v4_sdk.bad"  # members of other packages' classes are not looked at
    monkeypatch.setitem(sys.modules, "deepseek_v4_sdk.bad", module)
    assert [line.split(": ")[1] for line in _unresolved(module)] == ["Public", "Public.method", "function"]


def test_a_hint_of_a_late_type_is_the_type_itself() -> None:
    from deepseek_v4_sdk import DeepSeekV4, PriceTable, Reply, ToolRun

    assert typing.get_type_hints(Reply)["prices"] == PriceTable | None
    assert typing.get_type_hints(DeepSeekV4.run_tools)["return"] is ToolRun


def test_types_that_can_be_fields_load_no_schemas() -> None:
    program = "from deepseek_v4_sdk import Conversation, Reply, TextDelta, UserMessage; UserMessage('a'), Reply()"
    modules = loaded(program)
    assert "deepseek_v4_sdk.chat.model_schemas" not in modules
    assert "pydantic" not in modules
