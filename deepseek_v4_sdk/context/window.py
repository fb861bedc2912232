"""The size of a window, and the source of that size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from deepseek_v4_sdk.errors import BudgetError

__all__ = ["Window", "WindowSource", "resolve_window"]

WindowSource: TypeAlias = Literal["configured", "asked", "learned", "catalogue"]
"""The source of a window's size: you, the server, a refusal of the server, or the catalogue (only hosted models)."""


@dataclass(frozen=True, slots=True)
class Window:
    """A context window.

    Attributes:
        tokens: Its size; prompt and answer share it.
        source: The source of its size.
    """

    tokens: int
    source: WindowSource


def resolve_window(
    *,
    configured: int | None = None,
    asked: int | None = None,
    learned: int | None = None,
    catalogue: int | None = None,
    where: str = "the server",
    why: str = "",
) -> Window:
    """Choose the window.

    Your value wins. Otherwise the server's report counts, unless a refusal of it named less: a gateway in front of it
    may allow less than the server behind it. The catalogue comes last.

    Args:
        configured: The caller's value.
        asked: The window in the server's list of models.
        learned: The window in a refusal.
        catalogue: The published window of a hosted model; None for your own deployment, which may have any window.
        where: The server's address, for the error.
        why: The reason why the server could not be called, for the error.

    Raises:
        BudgetError: The window is not known.
    """
    if configured is not None:
        return Window(configured, "configured")
    if learned is not None and (asked is None or learned < asked):
        return Window(learned, "learned")
    if asked is not None:
        return Window(asked, "asked")
    if catalogue is not None:
        return Window(catalogue, "catalogue")
    raise BudgetError(
        f"the window of the model at {where} is not known{f' ({why})' if why else ''}: give window=, in tokens "
        "(vLLM: --max-model-len, SGLang: --context-length)"
    )
