"""The iterators of `client.map`: blocking, with threads, and awaited, with tasks."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, Self, cast

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.batch.outcomes import RowClient
from deepseek_v4_sdk.batch.progress import MapProgress
from deepseek_v4_sdk.batch.settings import check_requests
from deepseek_v4_sdk.batch.state import MapState, MapStopped
from deepseek_v4_sdk.chat import Shared, Usage
from deepseek_v4_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from types import TracebackType

    from deepseek_v4_sdk.batch.journal import JournalFound
    from deepseek_v4_sdk.batch.requests import MapRequest
    from deepseek_v4_sdk.batch.results import Answer, MapResult
    from deepseek_v4_sdk.batch.settings import MapSettings
    from deepseek_v4_sdk.batch.state import Row
    from deepseek_v4_sdk.catalogue.prices import Cost
else:
    Cost = late_type("deepseek_v4_sdk.catalogue.prices", "Cost")
    JournalFound = late_type("deepseek_v4_sdk.batch.journal", "JournalFound")
    MapSettings = late_type("deepseek_v4_sdk.batch.settings", "MapSettings")

__all__ = ["AsyncMapResults", "AsyncRowClient", "MapResults", "SyncRowClient"]


class SyncRowClient(RowClient, Protocol):
    """A blocking client, as a map sees it."""

    def ask(self, request: MapRequest, /) -> Answer:
        """Ask for the answer to a row."""
        ...


class AsyncRowClient(RowClient, Protocol):
    """An async client, as a map sees it."""

    async def ask(self, request: MapRequest, /) -> Answer:
        """Ask for the answer to a row."""
        ...


class _Results(Shared):
    """The common part of both iterators."""

    def __init__(self, _client: RowClient, _settings: MapSettings, _requests: object, *, _awaited: bool) -> None:
        self._requests, total = check_requests(_requests, awaited=_awaited)
        self._settings = _settings
        self._state = MapState(_client, _settings, total)
        self._broken: BaseException | None = None  # the error that ends the map: of an iterator, or of a full disk
        self._closed = False

    @property
    def progress(self) -> MapProgress:
        """The progress of the map: its rows, tokens and cost so far."""
        return self._state.progress

    @property
    def done(self) -> int:
        """Number of rows with an answer so far, those of the journal included."""
        return self.progress.done

    @property
    def failed(self) -> int:
        """Number of rows that failed so far."""
        return self.progress.failed

    @property
    def found(self) -> JournalFound:
        """The rows that the journal held when the map began; zeros without a journal."""
        return self._state.found

    @property
    def changed(self) -> int:
        """Number of rows that the journal knew with another request, so that they were sent again."""
        return self._state.changed_rows

    @property
    def stopped(self) -> MapStopped | None:
        """The limit that was used up before all rows were sent: "spend" or "deadline"; else None."""
        return self._state.stopped

    @property
    def left(self) -> int | None:
        """Number of rows that have not been sent; None as long as `requests` has no length and was not read whole."""
        return self._state.left

    @property
    def usage(self) -> Usage:
        """The tokens of the requests that this map has made."""
        return self.progress.usage

    @property
    def cost(self) -> Cost | None:
        """Their cost, as far as it is known; None where none is."""
        return self.progress.cost


class MapResults(_Results):
    """The results of a map, one by one. Use it in a `with` block, and iterate.

    The rows are sent on threads. The thread that iterates reads `requests`, and calls `on_result` and `progress`.
    Leaving the block lets the rows in flight end, and journals them; no other row is sent.
    """

    def __init__(self, _client: SyncRowClient, _settings: MapSettings, _requests: object) -> None:
        for name in ("on_result", "progress"):
            if inspect.iscoroutinefunction(getattr(_settings, name)):
                raise ConfigurationError(f"{name} is async: use AsyncDeepSeekV4, or make it a plain function")
        super().__init__(_client, _settings, _requests, _awaited=False)
        self._client = _client
        self._rows: Iterator[object] = iter(cast("Iterable[object]", self._requests))
        self._threads = ThreadPoolExecutor(_settings.most, thread_name_prefix="deepseek-v4-map")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ask no other row, and wait for those in flight; what they gave is in the journal."""
        self._closed = True
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._state.close()

    def __iter__(self) -> Iterator[MapResult]:
        return self

    def __next__(self) -> MapResult:
        """The next result.

        Raises:
            OSError: The journal cannot be written.
        """
        result = self._next()
        if result is None:
            self.close()
            raise StopIteration
        if self._settings.on_result is not None:
            self._settings.on_result(result)
        if self._settings.progress is not None:
            self._settings.progress(self.progress)
        return result

    def _next(self) -> MapResult | None:
        state = self._state
        while True:
            if not self._closed:
                self._fill()
            if (result := state.take()) is not None:
                return result
            if self._broken is not None:
                raise self._broken
            if self._closed or state.is_over:
                return None
            state.wait()

    def _fill(self) -> None:
        state = self._state
        while self._broken is None and state.may_ask():
            row = state.held()
            if row is None:
                try:
                    given = next(self._rows)
                except StopIteration:
                    state.read_all()
                    return
                row = state.admit(given)
            if row is not None:
                state.begin(row)
                self._threads.submit(self._work, row)

    def _work(self, row: Row) -> None:
        try:
            outcome: Answer | Exception = self._client.ask(row.request)
        except Exception as error:  # noqa: BLE001  # a tool or a hook may raise anything
            outcome = error
        try:
            self._state.finish(row, outcome)
        except BaseException as error:  # noqa: BLE001  # the thread that iterates raises it
            self._broken = error


class AsyncMapResults(_Results):
    """The results of a map, one by one. Use it in an `async with` block, and iterate with `async for`.

    Leaving the block cancels the rows in flight. `requests` may be an async iterator, `on_result` and `progress` may be
    async.
    """

    def __init__(self, _client: AsyncRowClient, _settings: MapSettings, _requests: object) -> None:
        super().__init__(_client, _settings, _requests, _awaited=True)
        self._client = _client
        self._tasks: set[asyncio.Task[None]] = set()
        self._feeder: asyncio.Task[None] | None = None
        self._room = asyncio.Event()
        self._arrived = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Cancel the rows in flight; those that had ended are in the journal."""
        self._closed = True
        tasks = [*self._tasks, *([] if self._feeder is None else [self._feeder])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._state.close()

    def __aiter__(self) -> AsyncIterator[MapResult]:
        return self

    async def __anext__(self) -> MapResult:
        """The next result.

        Raises:
            OSError: The journal cannot be written.
        """
        self._start()
        state = self._state
        while (result := state.take()) is None:
            if self._broken is not None:
                raise self._broken
            if self._closed or state.is_over:
                await self.close()
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        self._room.set()
        if self._settings.on_result is not None:
            await _awaited(self._settings.on_result(result))
        if self._settings.progress is not None:
            await _awaited(self._settings.progress(self.progress))
        return result

    def _start(self) -> None:
        if self._feeder is None and not self._closed:
            self._feeder = asyncio.create_task(self._feed())

    async def _feed(self) -> None:
        try:
            rows = cast("Iterable[object] | AsyncIterable[object]", self._requests)
            source = aiter(rows) if isinstance(rows, AsyncIterable) else iter(rows)
            while not self._state.is_read:
                while self._broken is None and self._state.may_ask():
                    await self._ask_next(source)
                self._arrived.set()
                self._room.clear()
                await self._wait_for_room()
        except Exception as error:  # noqa: BLE001  # the task that iterates raises it
            self._broken = error
        finally:
            self._arrived.set()

    async def _ask_next(self, source: Iterator[object] | AsyncIterator[object]) -> None:
        state, row = self._state, self._state.held()
        if row is None:
            try:
                given = await anext(source) if isinstance(source, AsyncIterator) else next(source)
            except (StopIteration, StopAsyncIteration):
                state.read_all()
                return
            row = state.admit(given)
        if row is not None:
            state.begin(row)
            task = asyncio.create_task(self._work(row))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _wait_for_room(self) -> None:
        pause = self._state.pause()
        if pause is None:
            await self._room.wait()
            return
        try:
            await asyncio.wait_for(self._room.wait(), pause)
        except TimeoutError:
            return

    async def _work(self, row: Row) -> None:
        try:
            outcome: Answer | Exception = await self._client.ask(row.request)
        except Exception as error:  # noqa: BLE001  # a tool or a hook may raise anything
            outcome = error
        try:
            self._state.finish(row, outcome)
        except Exception as error:  # noqa: BLE001  # the task that iterates raises it
            self._broken = error
        finally:
            self._room.set()
            self._arrived.set()


async def _awaited(value: object) -> None:
    if inspect.isawaitable(value):
        await value
