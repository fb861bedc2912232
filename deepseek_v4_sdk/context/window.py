"""How large a window is, and who says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from deepseek_v4_sdk.errors import BudgetError

__all__ = ["Window", "WindowSource", "resolve_window"]

WindowSource: TypeAlias = Literal["configured", "asked", "learned", "catalogue"]
"""Who says how large a window is: you, the server, a refusal of the server, or the catalogue (hosted models alone)."""


@dataclass(frozen=True, slots=True)
class Window:
    """A context window.

    Attributes:
        tokens: Its size; prompt and answer share it.
        source: Who says so.
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
    """The window to go by.

    What you say counts. Else what the server says of itself, unless it has refused a request and named less: a gateway
    in front of it may allow less than the server behind. The catalogue comes last.

    Args:
        configured: What the caller says.
        asked: What the server's list of models says.
        learned: What a refusal said.
        catalogue: What is published of a hosted model; None for a deployment of one's own, which may have any window.
        where: The server's address, for the error.
        why: Why nothing could be asked, for the error.

    Raises:
        BudgetError: Nobody says.
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
