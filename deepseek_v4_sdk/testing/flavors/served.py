"""The names under which a mock serves its model, and those that it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deepseek_v4_sdk.catalogue.models import Catalogue

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue

__all__ = ["KNOWN", "ServedNames"]

_CHECKPOINTS = (
    "deepseek-ai/DeepSeek-V4-Pro",
    "deepseek-ai/DeepSeek-V4-Pro-0813",
    "deepseek-ai/DeepSeek-V4-Flash",
    "deepseek-ai/DeepSeek-V4-Flash-0731",
)
KNOWN: tuple[str, ...] = ("pro", "flash", *_CHECKPOINTS)
"""The aliases of V4 and the names of its checkpoints. Where a flavor serves these, it takes any published id of V4."""


class ServedNames:
    """The names that a server was started with.

    Args:
        given: The names; those of `KNOWN` stand for every alias and published id of V4, None for any name.

    Attributes:
        takes_known: Whether it serves every alias and published id of V4.
        names: The names that it lists and answers with; none where it serves those of V4, or any.
    """

    def __init__(self, given: Sequence[str] | None) -> None:
        self.takes_known = given is None or set(KNOWN) <= set(given)
        self.names: tuple[str, ...] = () if given is None or self.takes_known else tuple(given)
        self._all = () if given is None else tuple(given)
        self._catalogue = Catalogue()

    def deciding(self, body: dict[str, JsonValue]) -> tuple[str, ...]:
        """The names that a request is held to; none where any would do, or the one it has is a name of V4's."""
        model = body.get("model")
        if not self.takes_known or not isinstance(model, str) or self._catalogue.family(model) is not None:
            return self.names
        return self._all

    def refused(self, body: dict[str, JsonValue]) -> str | None:
        """The name that a request asks for and the server does not have; None where it has it, or none is given."""
        names, model = self.deciding(body), body.get("model")
        return model if names and isinstance(model, str) and model not in names else None
