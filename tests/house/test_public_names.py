"""The public names: complete, sorted, and loadable."""

from __future__ import annotations

import ast
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

import deepseek_v4_sdk
from tests.house.border import PLACES
from tests.support.tree import PACKAGE

if TYPE_CHECKING:
    from types import ModuleType


def of_place(place: str) -> ModuleType:
    """The module; an adapter needs its framework, which an environment may lack."""
    if ".integrations." in place:
        pytest.importorskip(place, exc_type=ImportError)
    return import_module(place)


@pytest.mark.parametrize("place", PLACES)
def test_all_is_whole_and_resolves(place: str) -> None:
    module = of_place(place)
    assert set(module.__all__) <= set(dir(module))
    assert len(module.__all__) == len(set(module.__all__))
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
