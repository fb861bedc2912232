"""Celery, IPython and nbclient in little: as much of each as the snippets of the recipes use.

The tools of the suite lack these packages. The snippets still run, so that they fail when our own names change.
"""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import inspect
import io
import sys
from contextlib import redirect_stdout
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

__all__ = ["install_small_packages"]


class Task:
    """A task of Celery that is applied here. It runs retries at once, as Celery's own `apply` does."""

    def __init__(self, function: Callable[..., object], retried: tuple[type[Exception], ...], most: int) -> None:
        self._function = function
        self._retried = retried
        self._most = most

    def apply(self, args: list[object]) -> SimpleNamespace:
        value = self._result(args, self._most)
        return SimpleNamespace(successful=lambda: True, get=lambda: value)

    def _result(self, args: list[object], left: int) -> object:
        try:
            return self._function(*args)
        except self._retried:
            if not left:
                raise
        return self._result(args, left - 1)


class Celery:
    def __init__(self, name: str, *, broker: str, backend: str) -> None:
        del name, broker, backend
        self.conf: dict[str, object] = {}

    def task(
        self, *, name: str, autoretry_for: tuple[type[Exception], ...], retry_backoff: int, max_retries: int
    ) -> Callable[[Callable[..., object]], Task]:
        del name, retry_backoff
        return lambda function: Task(function, autoretry_for, max_retries)


class Markdown:
    def __init__(self, text: str) -> None:
        self.text = text


class Display:
    def __init__(self, shown: Markdown) -> None:
        self.shown = shown

    def update(self, shown: Markdown) -> None:
        self.shown = shown


def display(shown: Markdown, *, display_id: bool) -> Display:
    del display_id
    return Display(shown)


class NotebookClient:
    """Runs the cells of a notebook on one event loop, as a kernel does: a cell may await."""

    def __init__(self, notebook: SimpleNamespace, timeout: float) -> None:
        self._cells: list[SimpleNamespace] = notebook.cells
        self._timeout = timeout

    def execute(self) -> None:
        asyncio.run(asyncio.wait_for(self._run(), self._timeout))

    async def _run(self) -> None:
        names: dict[str, Any] = {}
        for cell in self._cells:
            code = compile(cell.source, "a cell", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            with redirect_stdout(io.StringIO()) as printed:
                made = eval(code, names)  # a cell of our own page
                if inspect.isawaitable(made):
                    await made
            cell.outputs = [SimpleNamespace(text=printed.getvalue())]


_V4 = SimpleNamespace(
    new_notebook=lambda cells: SimpleNamespace(cells=cells),
    new_code_cell=lambda source: SimpleNamespace(source=source, outputs=[]),
)
_PACKAGES: dict[str, dict[str, object]] = {
    "celery": {"Celery": Celery},
    "IPython": {},
    "IPython.display": {"Markdown": Markdown, "display": display},
    "nbformat": {"v4": _V4},
    "nbclient": {"NotebookClient": NotebookClient},
}


def install_small_packages(patch: pytest.MonkeyPatch) -> None:
    """Put each package into the place of one that is not installed."""
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name.partition(".")[0]) is None]
    for name in missing:
        module = ModuleType(name)
        vars(module).update(_PACKAGES[name])
        patch.setitem(sys.modules, name, module)
