"""The server's report about itself: the models it serves, and whether it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from deepseek_v4_sdk.chat.json_value import JsonValue

__all__ = ["Health", "ModelInfo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A model that a server offers.

    Attributes:
        id: The model name.
        context_window: The window of this deployment in tokens, where the server reports it; often less than the
            model's.
        owned_by: The owner, in the server's words.
        parent: The base model of an adapter, or None.
        raw: The server's whole entry.
    """

    id: str
    context_window: int | None = None
    owned_by: str | None = None
    parent: str | None = None
    raw: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether a server answers.

    Attributes:
        ok: Whether it does.
        detail: The failure when it does not; empty when it does.
        status: The HTTP status, or None when there was no answer.
        seconds: Seconds until the answer.
    """

    ok: bool
    detail: str = ""
    status: int | None = None
    seconds: float = 0.0

    def __bool__(self) -> bool:
        return self.ok
