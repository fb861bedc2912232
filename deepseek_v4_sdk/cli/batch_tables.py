"""Tables of rows for `deepseek-v4 batch`, CSV and Parquet: a prompt in a column, or a template over the columns."""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias, cast

from deepseek_v4_sdk import ConfigurationError
from deepseek_v4_sdk.batch import MapRequest
from deepseek_v4_sdk.support.files import make_private, open_private
from deepseek_v4_sdk.support.installed import install_command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from deepseek_v4_sdk.batch import MapResult

__all__ = ["Columns", "CsvTable", "ParquetTable"]

_ADDED = ("answer", "finish_reason", "error", "prompt_tokens", "completion_tokens")
_FIELD = re.compile(r"\{([^{}]+)\}")
_AT_ONCE = 1024  # rows of Parquet that are read, and written, together

_Values: TypeAlias = "Sequence[object]"


class Columns:
    """The columns of a table that make the requests.

    Args:
        path: The file.
        prompt_column: The column with the prompt, or None.
        template: A prompt with {columns} in it, or None.
        id_column: The column with the id; None takes the number of the row.
    """

    def __init__(self, path: Path, prompt_column: str | None, template: str | None, id_column: str | None) -> None:
        if (prompt_column is None) == (template is None):
            raise ConfigurationError(f"{path} is a table: give --prompt-column or --template, and only one of them")
        self._path = path
        self._template = template if template is not None else f"{{{prompt_column}}}"
        self._id_column = id_column

    @property
    def named(self) -> list[str]:
        """The columns that the template and the ids name."""
        return [*_FIELD.findall(self._template), *([self._id_column] if self._id_column else [])]

    def check(self, columns: Sequence[str]) -> None:
        """Check them against the columns of the file.

        Raises:
            ConfigurationError: One is missing, or has the name of one that the results add.
        """
        for name in self.named:
            if name not in columns:
                has = ", ".join(columns) or "none"
                raise ConfigurationError(f"{self._path} has no column {name!r}; it has {has}")
        if taken := [name for name in _ADDED if name in columns]:
            raise ConfigurationError(f"{self._path} has a column {taken[0]!r}, which the results add: rename it")

    def request(self, number: int, row: Mapping[str, object]) -> MapRequest:
        """Make the request of a row."""
        given = row.get(self._id_column) if self._id_column else None
        prompt = _FIELD.sub(lambda found: _text(row.get(found[1])), self._template)
        return MapRequest(prompt, id=_text(given) or str(number))


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _added(result: MapResult) -> tuple[str | int | None, ...]:
    """The values of a result's further columns."""
    answer = result.text
    if result.parsed is not None and not isinstance(result.parsed.value, str):
        answer = json.dumps(result.parsed.value, ensure_ascii=False)
    return (
        answer,
        None if result.reply is None else result.reply.finish_reason,
        None if result.error is None else str(result.error),
        result.usage.prompt_tokens,
        result.usage.completion_tokens,
    )


class CsvTable:
    """A CSV file."""

    def __init__(self, path: Path, columns: Columns) -> None:
        self._path = path
        self._columns = columns
        with path.open(encoding="utf-8-sig", newline="") as opened:
            self._names = next(csv.reader(opened), list[str]())
        columns.check(self._names)

    def rows(self) -> Iterator[tuple[_Values, MapRequest]]:
        """Yield the values of each row with its request."""
        with self._path.open(encoding="utf-8-sig", newline="") as opened:
            for number, row in enumerate(csv.DictReader(opened)):
                yield [row.get(name) or "" for name in self._names], self._columns.request(number, row)

    def results(self, path: Path) -> _CsvWriter:
        """Open the file of results."""
        return _CsvWriter(path, (*self._names, *_ADDED))

    def failures(self, path: Path) -> _CsvWriter:
        """Open the file of rows that failed."""
        return _CsvWriter(path, self._names)


class _CsvWriter:
    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self._file: TextIO = open_private(path)
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(names)

    def write(self, raw: object, result: MapResult | None = None) -> None:
        """Write a row, with its result where it has one."""
        self._writer.writerow([*cast("_Values", raw), *(() if result is None else _added(result))])

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ParquetTable:
    """A Parquet file. Its columns keep their types in the files of results and of failed rows.

    Raises:
        ConfigurationError: The extra `parquet` is not installed, or the file cannot be read.
    """

    def __init__(self, path: Path, columns: Columns) -> None:
        self._arrow, self._parquet = _arrow()
        self._path = path
        self._columns = columns
        try:
            self._schema: Any = self._parquet.read_schema(path)
        except (OSError, self._arrow.ArrowException) as error:
            raise ConfigurationError(f"{path} cannot be read as Parquet: {error}") from None
        columns.check(self._schema.names)
        for name in columns.named:
            kind = self._schema.field(name).type
            if self._arrow.types.is_nested(kind) or self._arrow.types.is_binary(kind):
                raise ConfigurationError(f"the column {name!r} of {path} is {kind}: name one of text or numbers")

    def rows(self) -> Iterator[tuple[_Values, MapRequest]]:
        """Yield the values of each row with its request."""
        number = 0
        with self._parquet.ParquetFile(self._path) as opened:
            for batch in opened.iter_batches(_AT_ONCE):
                for row in batch.to_pylist():
                    yield list(row.values()), self._columns.request(number, row)
                    number += 1

    def results(self, path: Path) -> _ParquetWriter:
        """Open the file of results."""
        text, count = self._arrow.string(), self._arrow.int64()
        kinds = (text, text, text, count, count)
        added = [self._arrow.field(name, kind) for name, kind in zip(_ADDED, kinds, strict=True)]
        return _ParquetWriter(path, self._arrow.schema([*self._schema, *added]))

    def failures(self, path: Path) -> _ParquetWriter:
        """Open the file of rows that failed."""
        return _ParquetWriter(path, self._schema)


class _ParquetWriter:
    def __init__(self, path: Path, schema: Any) -> None:
        self._arrow, parquet = _arrow()
        make_private(path)
        self._schema = schema
        self._writer = parquet.ParquetWriter(path, schema)
        self._rows: list[_Values] = []

    def write(self, raw: object, result: MapResult | None = None) -> None:
        """Write a row, with its result where it has one."""
        self._rows.append([*cast("_Values", raw), *(() if result is None else _added(result))])
        if len(self._rows) >= _AT_ONCE:
            self._flush()

    def close(self) -> None:
        """Write what is left, and close the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            columns = zip(self._schema, zip(*self._rows, strict=True), strict=True)
            arrays = [self._arrow.array(values, field.type) for field, values in columns]
            self._writer.write_table(self._arrow.table(arrays, schema=self._schema))
            self._rows.clear()


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]
        import pyarrow.parquet as parquet  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise ConfigurationError(f"Parquet needs its extra: {install_command('parquet', 'pyarrow')}") from None
    return pa, parquet
