"""`client.map` of both clients: many requests, side by side."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Unpack, cast

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import ChatOptions, MessagesInput
from deepseek_v4_sdk.client.parsing import AsyncParseCalls, ParseCalls
from deepseek_v4_sdk.support.option_signatures import shows_options

if TYPE_CHECKING:
    from deepseek_v4_sdk.batch import AsyncMapResults, Journal, MapProgress, MapRequest, MapResult, MapResults
    from deepseek_v4_sdk.batch.settings import MapConcurrency, MapOrder
else:
    AsyncMapResults = late_type("deepseek_v4_sdk.batch", "AsyncMapResults")
    Journal = late_type("deepseek_v4_sdk.batch", "Journal")
    MapProgress = late_type("deepseek_v4_sdk.batch", "MapProgress")
    MapRequest = late_type("deepseek_v4_sdk.batch", "MapRequest")
    MapResult = late_type("deepseek_v4_sdk.batch", "MapResult")
    MapResults = late_type("deepseek_v4_sdk.batch", "MapResults")
    MapConcurrency = late_type("deepseek_v4_sdk.batch.settings", "MapConcurrency")
    MapOrder = late_type("deepseek_v4_sdk.batch.settings", "MapOrder")

__all__ = ["AsyncMapCalls", "MapCalls"]


class MapCalls(ParseCalls):
    """The map of the sync client."""

    @shows_options("chat:ChatOptions")
    def map(
        self,
        requests: Iterable[MapRequest | MessagesInput],
        *,
        schema: object = None,
        concurrency: MapConcurrency = "auto",
        max_concurrency: int = 256,
        journal: str | os.PathLike[str] | Journal | None = None,
        skip_done: bool = False,
        retry_failed: bool = False,
        keep_prompts: bool = False,
        order: MapOrder = "done",
        deadline: float | None = None,
        off_peak: bool = False,
        on_result: Callable[[MapResult], object] | None = None,
        progress: Callable[[MapProgress], object] | None = None,
        **options: Unpack[ChatOptions],
    ) -> MapResults:
        """Send many requests side by side, and take their results as they end. No row raises: a result has its error.

        Use it as `with client.map(...) as results`, and iterate. It may read an iterator that is longer than memory:
        at most twice as many results as rows may be in flight wait to be taken. After a limit of `spend` or the
        deadline no more is sent; `results.stopped` and `results.left` tell.

        Args:
            requests: The rows: texts, messages, lists of messages, mappings with `messages` (a request with its
                options, and `id`, `schema` or `tools`), or `MapRequest`s. The thread that iterates reads them.
            schema: The type of the answers, as for `parse`; a row may have its own.
            concurrency: Number of rows in flight. "auto" starts at 4, grows as long as the server refuses nothing and
                answers as fast as before, and shrinks when it does not.
            max_concurrency: The most that "auto" reaches.
            journal: A file that keeps each finished row, a folder of such files, or an open `batch.Journal`. A second
                start takes the rows from there, and asks only those that are missing, have changed, or failed for a
                cause that may have gone.
            skip_done: Whether results of the journal are left out.
            retry_failed: Whether rows of the journal that failed for good are sent again too.
            keep_prompts: Whether the journal holds the prompts too, and not only digests of them.
            order: "done" gives results as the rows end, "input" in the order of the rows.
            deadline: Seconds after which no more rows are sent; rows in flight finish.
            off_peak: Whether to send nothing in the peak hours of DeepSeek's own API; rows in flight go on.
            on_result: A callback that receives each result before the loop does.
            progress: A callback that receives a `MapProgress` after each result.
            options: The options of every row; those of a row win. See `ChatOptions`. With `tools` a row is a tool run.

        Raises:
            ConfigurationError: An argument makes no sense, or the journal cannot be opened.
        """
        from deepseek_v4_sdk.batch.maps import MapResults
        from deepseek_v4_sdk.client.map_rows import MapRows

        settings = self._map_settings(
            schema,
            cast("Mapping[str, object]", options),
            concurrency=concurrency,
            max_concurrency=max_concurrency,
            journal=journal,
            skip_done=skip_done,
            retry_failed=retry_failed,
            keep_prompts=keep_prompts,
            order=order,
            deadline=deadline,
            off_peak=off_peak,
            on_result=on_result,
            progress=progress,
        )
        return MapResults(self._map_rows(MapRows, settings), settings, requests)


class AsyncMapCalls(AsyncParseCalls):
    """The map of the async client."""

    @shows_options("chat:ChatOptions")
    def map(
        self,
        requests: Iterable[MapRequest | MessagesInput] | AsyncIterable[MapRequest | MessagesInput],
        *,
        schema: object = None,
        concurrency: MapConcurrency = "auto",
        max_concurrency: int = 256,
        journal: str | os.PathLike[str] | Journal | None = None,
        skip_done: bool = False,
        retry_failed: bool = False,
        keep_prompts: bool = False,
        order: MapOrder = "done",
        deadline: float | None = None,
        off_peak: bool = False,
        on_result: Callable[[MapResult], object] | None = None,
        progress: Callable[[MapProgress], object] | None = None,
        **options: Unpack[ChatOptions],
    ) -> AsyncMapResults:
        """Send many requests side by side, and take their results as they end. No row raises: a result has its error.

        Use it as `async with client.map(...) as results`, and iterate with `async for`. Leaving the block cancels the
        rows in flight. Everything else is as for the sync client's `map`.

        Args:
            requests: As for the sync client; also an async iterator.
            schema: As for the sync client.
            concurrency: As for the sync client.
            max_concurrency: As for the sync client.
            journal: As for the sync client.
            skip_done: As for the sync client.
            retry_failed: As for the sync client.
            keep_prompts: As for the sync client.
            order: As for the sync client.
            deadline: As for the sync client.
            off_peak: As for the sync client.
            on_result: As for the sync client; it may be async.
            progress: As for the sync client; it may be async.
            options: The options of every row; those of a row win. See `ChatOptions`. With `tools` a row is a tool run.

        Raises:
            ConfigurationError: An argument makes no sense, or the journal cannot be opened.
        """
        from deepseek_v4_sdk.batch.maps import AsyncMapResults
        from deepseek_v4_sdk.client.map_rows import AsyncMapRows

        settings = self._map_settings(
            schema,
            cast("Mapping[str, object]", options),
            concurrency=concurrency,
            max_concurrency=max_concurrency,
            journal=journal,
            skip_done=skip_done,
            retry_failed=retry_failed,
            keep_prompts=keep_prompts,
            order=order,
            deadline=deadline,
            off_peak=off_peak,
            on_result=on_result,
            progress=progress,
        )
        return AsyncMapResults(self._map_rows(AsyncMapRows, settings), settings, requests)
