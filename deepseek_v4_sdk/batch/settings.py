"""The arguments of `client.map` except for its rows, checked."""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from deepseek_v4_sdk.batch.concurrency import AutoConcurrency, FixedConcurrency
from deepseek_v4_sdk.batch.requests import MapRequest
from deepseek_v4_sdk.chat import is_iterable, is_mapping
from deepseek_v4_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    import os

    from deepseek_v4_sdk.batch.journal import Journal
    from deepseek_v4_sdk.batch.off_peak import OffPeak
    from deepseek_v4_sdk.batch.progress import MapProgress
    from deepseek_v4_sdk.batch.results import MapResult

__all__ = ["MapConcurrency", "MapOrder", "MapSettings", "check_requests"]

MapOrder: TypeAlias = Literal["done", "input"]
"""The order of results: as the rows end, or as they were given."""

MapConcurrency: TypeAlias = int | Literal["auto"]
"""The number of rows in flight, or "auto" to follow the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapSettings:
    """The arguments of a map that hold for all rows.

    Raises:
        ConfigurationError: One of them makes no sense.
    """

    shared: MapRequest = field(default_factory=lambda: MapRequest(""))
    concurrency: MapConcurrency = "auto"
    max_concurrency: int = 256
    journal: str | os.PathLike[str] | Journal | None = None
    skip_done: bool = False
    keep_prompts: bool = False
    retry_failed: bool = False
    order: MapOrder = "done"
    deadline: float | None = None
    off_peak: OffPeak | None = None
    on_result: Callable[[MapResult], object] | None = None
    progress: Callable[[MapProgress], object] | None = None

    def __post_init__(self) -> None:
        for name in ("concurrency", "max_concurrency"):
            value = getattr(self, name)
            if (type(value) is not int or value < 1) and not (name == "concurrency" and value == "auto"):
                also = " or 'auto'" if name == "concurrency" else ""
                raise ConfigurationError(f"{name} is {value!r}: give a whole number from 1{also}")
        if self.order not in get_args(MapOrder):
            raise ConfigurationError(f"order is {self.order!r}: give 'done' or 'input'")
        seconds: object = self.deadline
        if seconds is not None and (
            isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0
        ):
            raise ConfigurationError(f"deadline is {seconds!r}: give seconds above 0")
        for name in ("skip_done", "keep_prompts", "retry_failed"):
            if self.journal is None and getattr(self, name):
                raise ConfigurationError(f"{name} needs a journal: give journal= too")
        if self.shared.schema is not None and self.shared.tools:
            raise ConfigurationError("schema and tools were both given: give one of them, or give them by row")

    @property
    def most(self) -> int:
        """The highest number of rows in flight."""
        return self.max_concurrency if self.concurrency == "auto" else self.concurrency

    def rule(self) -> AutoConcurrency | FixedConcurrency:
        """The rule for the number of rows in flight."""
        return AutoConcurrency(self.most) if self.concurrency == "auto" else FixedConcurrency(self.concurrency)


def check_requests(requests: object, *, awaited: bool) -> tuple[object, int | None]:
    """Check the rows, and count them where that takes no reading.

    Raises:
        ConfigurationError: They are one text or one mapping, or cannot be iterated.
    """
    if isinstance(requests, str | bytes) or is_mapping(requests):
        raise ConfigurationError(f"requests is {type(requests).__name__}: give an iterable of rows, such as a list")
    if not is_iterable(requests) and not (awaited and hasattr(requests, "__aiter__")):
        hint = ": use AsyncDeepSeekV4 for an async iterator" if hasattr(requests, "__aiter__") else ""
        raise ConfigurationError(f"requests is {type(requests).__name__}, and not an iterable of rows{hint}")
    return requests, len(requests) if isinstance(requests, Sized) else None
