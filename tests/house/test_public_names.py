"""The public names: complete, sorted, and each with words about it."""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise
from types import ModuleType

import pytest

import deepseek_v4_sdk
from deepseek_v4_sdk import deploy, testing
from tests.house.tree import PACKAGE

MODULES: list[ModuleType] = [deepseek_v4_sdk, deploy, testing]
NAMES = [(module, name) for module in MODULES for name in module.__all__ if not name.startswith("__")]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_all_is_sorted_and_resolves(module: ModuleType) -> None:
    assert module.__all__ == sorted(set(module.__all__))
    assert all(hasattr(module, name) for name in module.__all__)


def test_all_is_complete() -> None:
    """What the package imports from its rooms by name is public."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("deepseek_v4_sdk")
        for alias in node.names
    }
    assert imported == set(deepseek_v4_sdk.__all__)


def _described_aliases() -> set[str]:
    """Names that are assigned in a module and have a docstring under them."""
    found: set[str] = set()
    for file in PACKAGE.rglob("*.py"):
        body = ast.parse(file.read_text(encoding="utf-8")).body
        for node, after in pairwise(body):
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


@pytest.mark.parametrize(("module", "name"), NAMES, ids=lambda value: getattr(value, "__name__", value))
def test_docstring(module: ModuleType, name: str) -> None:
    thing = getattr(module, name)
    if isinstance(thing, ModuleType):
        assert thing.__doc__
        return
    if not (inspect.isclass(thing) or inspect.isfunction(thing)) or thing.__module__ == "typing":
        assert name in _described_aliases(), f"{name} has no docstring under it"
        return
    text = vars(thing).get("__doc__") if inspect.isclass(thing) else thing.__doc__
    assert text, f"{name} has no docstring"
    assert not text.startswith(f"{name}("), f"{name} has only the docstring that dataclass makes"


@pytest.mark.parametrize(("module", "name"), NAMES, ids=lambda value: getattr(value, "__name__", value))
def test_docstrings_of_methods(module: ModuleType, name: str) -> None:
    thing = getattr(module, name)
    if not inspect.isclass(thing):
        return
    for method, value in vars(thing).items():
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if not method.startswith("_") and inspect.isfunction(function):
            assert function.__doc__, f"{name}.{method} has no docstring"
