"""A map of either client, run to its end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, Message, Reply, UserMessage
from deepseek_v4_sdk.batch import AsyncMapResults, MapRequest, MapResult, MapResults
from deepseek_v4_sdk.batch.results import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepseek_v4_sdk.testing import MockProvider
    from tests.support.replay import Mode


class Rows:
    """A client as a map sees it, that answers with a function."""

    price_table = None

    def __init__(self, ask: Callable[[MapRequest], Any]) -> None:
        self.ask = ask

    def digest(self, request: MapRequest) -> str:
        return f"digest of {request.messages}"

    def messages(self, request: MapRequest) -> list[Message]:
        return [UserMessage(str(request.messages))]

    def parsed(self, request: MapRequest, reply: Reply, mechanism: str) -> Any:
        raise AssertionError


def answered(text: str = "Hi") -> Answer:
    return Answer(reply=Reply(text=text))


@dataclass
class Mapped:
    """All results, by id and in their order, and the iterator after them."""

    results: list[MapResult]
    of: MapResults | AsyncMapResults

    @property
    def texts(self) -> dict[str, str]:
        return {result.id: result.text for result in self.results}

    @property
    def errors(self) -> dict[str, str]:
        return {result.id: result.error.type for result in self.results if result.error is not None}

    def __getitem__(self, row_id: str) -> MapResult:
        return next(result for result in self.results if result.id == row_id)


def mapped(mode: Mode, mock: MockProvider | str, requests: Any, *, client: Any = None, **options: Any) -> Mapped:
    """Map rows with a client of a mock."""
    arguments = client or {}
    if mode == "sync":
        with DeepSeekV4(mock, **arguments) as blocking, blocking.map(requests, **options) as results:
            return Mapped(list(results), results)

    async def run() -> Mapped:
        async with AsyncDeepSeekV4(mock, **arguments) as waiting, waiting.map(requests, **options) as results:
            return Mapped([result async for result in results], results)

    return asyncio.run(run())
