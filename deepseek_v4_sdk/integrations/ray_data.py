"""Ray Data: `ChatBatches` for `Dataset.map_batches`, a client in each actor. It does not import Ray (extra `ray`)."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from deepseek_v4_sdk import AsyncDeepSeekV4, ConfigurationError, RateLimits
from deepseek_v4_sdk.batch import Journal, MapRequest

if TYPE_CHECKING:
    from deepseek_v4_sdk.batch import MapResult

__all__ = ["ChatBatches"]

_ADDED = {
    "answer": "string",
    "reasoning": "string",
    "finish_reason": "string",
    "error": "string",
    "error_type": "string",
    "prompt_tokens": "int64",
    "completion_tokens": "int64",
    "attempts": "int64",
}


class ChatBatches:
    """Sends a row of a dataset as a chat, and adds its answer, or its error, as columns. No row raises.

    Give the class to `map_batches`: Ray makes one in each actor, with the arguments of `fn_constructor_kwargs`. Actors
    have several batches at a time, and send their rows side by side. The columns are `answer`, `reasoning`,
    `finish_reason`, `error`, `error_type`, `prompt_tokens`, `completion_tokens` and `attempts`. With
    `batch_format="pyarrow"` a missing value is null; else a text is empty, and a number -1.

    Args:
        provider: The provider, as for the client.
        profile: A profile, in place of a provider; its file must be on every machine.
        column: The column with the prompts: texts, or lists of messages.
        id_column: The column with ids that no other row of the dataset has; a journal needs it.
        concurrency: Most rows of one actor in flight. A limit for all actors is a shared one in `limits`.
        journal: A folder that all machines share. A row that is in it is not sent again, so that a block that failed,
            or a killed actor, costs only the rows that were in flight.
        schema: The type of the answers, as for `client.parse`; `answer` is then JSON.
        arguments: The arguments of the client, such as `base_url`, `limits` and `max_retries`, and the options of the
            calls, such as `max_tokens`. A name that is both is an argument of the client.

    Raises:
        ConfigurationError: An argument makes no sense.
    """

    def __init__(
        self,
        *,
        column: str,
        provider: str | None = None,
        profile: str | None = None,
        id_column: str | None = None,
        concurrency: int = 32,
        journal: str | os.PathLike[str] | None = None,
        schema: object = None,
        **arguments: object,
    ) -> None:
        if (provider is None) == (profile is None):
            raise ConfigurationError("ChatBatches needs provider or profile: give one of them")
        if journal is not None and id_column is None:
            raise ConfigurationError("journal needs id_column: the place of a row is another one in each run")
        if type(concurrency) is not int or concurrency < 1:
            raise ConfigurationError(f"concurrency is {concurrency!r}: give a whole number from 1")
        of_client = inspect.signature(AsyncDeepSeekV4).parameters.keys()
        given: dict[str, Any] = {"limits": RateLimits(concurrency=concurrency)}
        given |= {name: value for name, value in arguments.items() if name in of_client}
        self._options: dict[str, Any] = {name: value for name, value in arguments.items() if name not in of_client}
        self._options |= {"schema": schema, "concurrency": concurrency, "order": "input"}
        if provider is not None:
            self._client = AsyncDeepSeekV4(provider, **given)
        else:
            self._client = AsyncDeepSeekV4.from_profile(profile, **given)
        if journal is not None:
            self._options["journal"] = Journal(journal)
        self._column, self._id_column = column, id_column

    async def __call__(self, batch: object) -> AsyncGenerator[object]:
        """Yield a batch with the columns of its answers.

        Args:
            batch: A mapping of columns to arrays, or a table of pyarrow.

        Raises:
            ConfigurationError: It has no such column.
            OSError: The journal cannot be written.
        """
        prompts = self._values(batch, self._column)
        ids = [None] * len(prompts) if self._id_column is None else self._values(batch, self._id_column)
        rows = [
            MapRequest(cast("Any", prompt), id=None if row_id is None else str(row_id))
            for prompt, row_id in zip(prompts, ids, strict=True)
        ]
        async with self._client.map(rows, **self._options) as results:
            values = [_values(result) async for result in results]
        yield _with_columns(batch, [list(column) for column in zip(*values, strict=True)] or [[] for _ in _ADDED])

    def _values(self, batch: Any, column: str) -> list[object]:
        names = batch.column_names if hasattr(batch, "column_names") else list(batch)
        if column not in names:
            raise ConfigurationError(f"the dataset has no column {column!r}; it has {', '.join(names)}")
        found = batch[column]
        return [_plain(value) for value in (found.to_pylist() if hasattr(found, "to_pylist") else found)]


def _plain(value: object) -> object:
    """A value of numpy as one of Python."""
    if isinstance(value, str):
        return str(value)
    to_list = getattr(value, "tolist", None)
    return value if to_list is None else to_list()


def _values(result: MapResult) -> tuple[str | int | None, ...]:
    reply, error, answer = result.reply, result.error, None if result.reply is None else result.text
    if result.parsed is not None:
        value: Any = result.parsed.value
        dump = getattr(value, "model_dump_json", None)
        answer = json.dumps(value, ensure_ascii=False, default=vars) if dump is None else str(dump())
    return (
        answer,
        None if reply is None else reply.reasoning,
        None if reply is None else reply.finish_reason,
        None if error is None else str(error),
        None if error is None else error.type,
        result.usage.prompt_tokens,
        result.usage.completion_tokens,
        len(result.attempts),
    )


def _with_columns(batch: Any, columns: Sequence[Sequence[str | int | None]]) -> Any:
    added = zip(_ADDED.items(), columns, strict=True)
    if hasattr(batch, "append_column"):
        import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]

        arrow = cast("Any", pa)
        for (name, kind), values in added:
            batch = batch.append_column(name, arrow.array(values, getattr(arrow, kind)()))
        return batch
    made: dict[str, object] = dict(cast("Mapping[str, object]", batch))
    for (name, kind), values in added:
        missing = "" if kind == "string" else -1
        made[name] = [missing if value is None else value for value in values]
    return made
