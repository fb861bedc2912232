"""The files of `deepseek-v4 batch`: rows out of JSON lines or tables, and the files of results and of failed rows."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from deepseek_v4_sdk import ConfigurationError, InvalidRequestError
from deepseek_v4_sdk.batch import MapError, MapRequest, MapResult
from deepseek_v4_sdk.cli.batch_lines import id_of, parsed_line, read_line, result_line
from deepseek_v4_sdk.cli.batch_tables import Columns, CsvTable, ParquetTable
from deepseek_v4_sdk.support.files import open_private

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Outputs", "Source", "check_output", "failed_path", "open_source"]

_TABLES = {".csv", ".parquet"}


class RowWriter(Protocol):
    """A file of rows that is being written."""

    def write(self, raw: object, result: MapResult | None = None) -> None:
        """Write a row, with its result where it has one."""
        ...

    def close(self) -> None:
        """Write what is left, and close the file."""
        ...


class Source(Protocol):
    """A file of rows."""

    def rows(self) -> Iterator[tuple[object, MapRequest | InvalidRequestError]]:
        """Yield each row as the file has it, with its request, or with the reason why there is none."""
        ...

    def results(self, path: Path, /) -> RowWriter:
        """Open the file of results."""
        ...

    def failures(self, path: Path, /) -> RowWriter:
        """Open the file of rows that failed, which has the form of the requests."""
        ...


def open_source(
    path: Path, model: str | None, prompt_column: str | None, template: str | None, id_column: str | None
) -> Source:
    """Open a file of rows by the ending of its name.

    Raises:
        ConfigurationError: It cannot be read, or the options do not fit it.
    """
    if not path.is_file():
        raise ConfigurationError(f"{path} is not a file: give one with a request in each line")
    if (kind := path.suffix.lower()) in _TABLES:
        columns = Columns(path, prompt_column, template, id_column)
        return CsvTable(path, columns) if kind == ".csv" else ParquetTable(path, columns)
    if prompt_column or template or id_column:
        raise ConfigurationError("--prompt-column, --template and --id-column are for CSV and Parquet: leave them out")
    return _Lines(path, model)


def check_output(path: Path, output: Path) -> None:
    """Check that the name of the file of results does not promise another format than that of the rows.

    Raises:
        ConfigurationError: It does.
    """
    kind = path.suffix.lower() if path.suffix.lower() in _TABLES else ".jsonl"
    if output.suffix.lower() in {*_TABLES, ".jsonl"} - {kind}:
        raise ConfigurationError(
            f"the results of {path} have its format, and {output} names another: give -o {output.with_suffix(kind)}"
        )


class _Lines:
    """A file in OpenAI's batch format."""

    def __init__(self, path: Path, model: str | None) -> None:
        self._path = path
        self._model = model

    def rows(self) -> Iterator[tuple[str, MapRequest | InvalidRequestError]]:
        with self._path.open("rb") as lines:
            for line in lines:
                if line.strip():
                    yield line.decode("utf-8", "replace").rstrip("\n") + "\n", self._read(line)

    def _read(self, line: bytes) -> MapRequest | InvalidRequestError:
        try:
            return read_line(parsed_line(line), self._model)
        except InvalidRequestError as error:
            return error

    def results(self, path: Path) -> _LineWriter:
        return _LineWriter(path)

    def failures(self, path: Path) -> _LineWriter:
        return _LineWriter(path)


class _LineWriter:
    def __init__(self, path: Path) -> None:
        self._file = open_private(path)

    def write(self, raw: object, result: MapResult | None = None) -> None:
        self._file.write(str(raw) if result is None else result_line(result))

    def close(self) -> None:
        self._file.close()


def failed_path(output: Path) -> Path:
    """The file of failed rows that belongs to a file of results; it has the form of the requests."""
    return output.with_name(f"{output.stem}.failed{output.suffix}")


class Outputs:
    """The file of results and that of failed rows. They take their places when the `with` block ends.

    Args:
        source: The file of rows.
        output: The file of results.

    Attributes:
        failed: Number of rows that failed or were not sent.
        errors: Number of rows that failed, by the class of their error.
    """

    def __init__(self, source: Source, output: Path) -> None:
        self._source = source
        self._places = (output, failed_path(output))
        self._raw: dict[str, object] = {}  # of the rows in flight
        self.failed = 0
        self.errors: Counter[str] = Counter()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        results, failures = self._places
        try:
            self._results = self._stack.enter_context(closing(self._source.results(_part(results))))
            self._failures = self._stack.enter_context(closing(self._source.failures(_part(failures))))
        except OSError as error:
            self._stack.close()
            raise ConfigurationError(f"{results} cannot be written: {error.strerror or error}") from None
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stack.close()
        for path, has_rows in zip(self._places, (True, self.failed > 0), strict=True):
            if kind is None and has_rows:
                _part(path).replace(path)
            else:
                _part(path).unlink()
            if kind is None and not has_rows:
                with suppress(FileNotFoundError):
                    path.unlink()

    def requests(self) -> Iterator[MapRequest]:
        """Yield the requests of the file. A row that is none is written as failed."""
        for position, (raw, request) in enumerate(self._source.rows()):
            if not isinstance(request, MapRequest):
                row_id, wrong = _id_in(raw) or str(position), request
            elif str(request.id) not in self._raw:
                self._raw[str(request.id)] = raw
                yield request
                continue
            else:
                row_id = str(request.id)
                wrong = InvalidRequestError(f"an earlier row has the id {row_id!r}, too: give each row its own")
            self._write(raw, MapResult(id=row_id, position=position, error=MapError.of(wrong)))

    def add(self, result: MapResult) -> None:
        """Write a result."""
        raw = self._raw.pop(result.id, None)
        if raw is not None:
            self._write(raw, result)

    def not_sent(self) -> int:
        """Write the rows that were read and not sent as failed ones; return their number."""
        rows = list(self._raw.values())
        self._raw.clear()
        self.failed += len(rows)
        for raw in rows:
            self._failures.write(raw)
        return len(rows)

    def rest(self, rows: Iterator[MapRequest]) -> int:
        """Write the rows that were not sent, and those that were not even read; return their number."""
        left = self.not_sent()
        for _ in rows:
            left += self.not_sent()
        return left

    def _write(self, raw: object, result: MapResult) -> None:
        self._results.write(raw, result)
        if result.error is not None:
            self.failed += 1
            self.errors[result.error.type] += 1
            self._failures.write(raw)


def _id_in(raw: object) -> str | None:
    try:
        return id_of(parsed_line(str(raw)))
    except InvalidRequestError:
        return None


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")
