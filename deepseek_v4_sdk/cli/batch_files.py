"""The files of `deepseek-v4 batch`: rows out of JSON lines or CSV, and the files of results and of failed rows."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from deepseek_v4_sdk import ConfigurationError, InvalidRequestError
from deepseek_v4_sdk.batch import MapError, MapRequest, MapResult
from deepseek_v4_sdk.cli.batch_lines import id_of, parsed_line, read_line, result_line
from deepseek_v4_sdk.support.files import open_private

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Outputs", "Source", "failed_path", "open_source"]

_ADDED = ("answer", "finish_reason", "error", "prompt_tokens", "completion_tokens")
_FIELD = re.compile(r"\{([^{}]+)\}")


class Source(Protocol):
    """A file of rows."""

    header: str
    """The first line of the file of failed rows; empty where that has none."""
    result_header: str
    """The first line of the file of results."""

    def rows(self) -> Iterator[tuple[str, MapRequest | InvalidRequestError]]:
        """Yield the text of each row with its request, or with the reason why there is none."""
        ...

    def result(self, raw: str, result: MapResult) -> str:
        """Write a result."""
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
    if path.suffix.lower() == ".csv":
        return _Table(path, prompt_column, template, id_column)
    if path.suffix.lower() == ".parquet":
        raise ConfigurationError(f"{path} is Parquet, which is not read yet: write it as CSV or JSON lines")
    if prompt_column or template or id_column:
        raise ConfigurationError("--prompt-column, --template and --id-column are for CSV: leave them out")
    return _Lines(path, model)


class _Lines:
    """A file in OpenAI's batch format."""

    header = result_header = ""

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

    def result(self, raw: str, result: MapResult) -> str:
        return result_line(result)


class _Table:
    """A CSV file with a prompt in a column, or a template over its columns."""

    def __init__(self, path: Path, prompt_column: str | None, template: str | None, id_column: str | None) -> None:
        self._path = path
        with path.open(encoding="utf-8-sig", newline="") as opened:
            self._columns = next(csv.reader(opened), list[str]())
        if (prompt_column is None) == (template is None):
            raise ConfigurationError(f"{path} is a table: give --prompt-column or --template, and only one of them")
        self._template = template if template is not None else f"{{{prompt_column}}}"
        self._id_column = id_column
        named = [*_FIELD.findall(self._template), *([id_column] if id_column else [])]
        for name in named:
            if name not in self._columns:
                raise ConfigurationError(f"{path} has no column {name!r}; it has {', '.join(self._columns) or 'none'}")
        if taken := [name for name in _ADDED if name in self._columns]:
            raise ConfigurationError(f"{path} has a column {taken[0]!r}, which the results add: rename it")
        self.header = _csv(self._columns)
        self.result_header = _csv([*self._columns, *_ADDED])

    def rows(self) -> Iterator[tuple[str, MapRequest | InvalidRequestError]]:
        with self._path.open(encoding="utf-8-sig", newline="") as opened:
            for number, row in enumerate(csv.DictReader(opened)):
                values = [row.get(name) or "" for name in self._columns]
                row_id = (row.get(self._id_column) if self._id_column else None) or str(number)
                yield _csv(values), MapRequest(self._prompt(row), id=row_id)

    def _prompt(self, row: Mapping[str, str | None]) -> str:
        return _FIELD.sub(lambda found: row.get(found[1]) or "", self._template)

    def result(self, raw: str, result: MapResult) -> str:
        (values,) = csv.reader(io.StringIO(raw, newline=""))
        answer = result.text
        if result.parsed is not None and not isinstance(result.parsed.value, str):
            answer = json.dumps(result.parsed.value, ensure_ascii=False)
        added = [
            answer,
            "" if result.reply is None else result.reply.finish_reason or "",
            "" if result.error is None else str(result.error),
            result.usage.prompt_tokens,
            result.usage.completion_tokens,
        ]
        return _csv([*values, *added])


def _csv(values: list[str] | list[str | int | None]) -> str:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerow(values)
    return written.getvalue()


def failed_path(output: Path) -> Path:
    """The file of failed rows that belongs to a file of results; it has the form of the requests."""
    return output.with_name(f"{output.stem}.failed{output.suffix}")


class Outputs:
    """The file of results and that of failed rows. They take their places when the `with` block ends.

    Args:
        source: The file of rows.
        output: The file of results.
    """

    def __init__(self, source: Source, output: Path) -> None:
        self._source = source
        self._places = (output, failed_path(output))
        self._raw: dict[str, str] = {}  # of the rows in flight
        self.failed = 0
        self._stack = ExitStack()
        self._results: TextIO = io.StringIO()
        self._failures: TextIO = io.StringIO()

    def __enter__(self) -> Self:
        results, failures = self._places
        try:
            self._results = self._stack.enter_context(open_private(_part(results)))
            self._failures = self._stack.enter_context(open_private(_part(failures)))
        except OSError as error:
            self._stack.close()
            raise ConfigurationError(f"{results} cannot be written: {error.strerror or error}") from None
        self._results.write(self._source.result_header)
        self._failures.write(self._source.header)
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
            if isinstance(request, MapRequest) and str(request.id) not in self._raw:
                self._raw[str(request.id)] = raw
                yield request
                continue
            wrong = (
                request
                if isinstance(request, InvalidRequestError)
                else InvalidRequestError(f"an earlier row has the id {request.id!r}, too: give each row its own")
            )
            row_id = _id_in(raw) or str(position)
            self._write(raw, MapResult(id=row_id, position=position, error=MapError.of(wrong)))

    def add(self, result: MapResult) -> None:
        """Write a result."""
        raw = self._raw.pop(result.id, "")
        if raw:
            self._write(raw, result)

    def not_sent(self) -> int:
        """Write the rows that were read and not sent as failed ones; return their number."""
        rows = list(self._raw.values())
        self._raw.clear()
        self.failed += len(rows)
        self._failures.writelines(rows)
        return len(rows)

    def rest(self, rows: Iterator[MapRequest]) -> int:
        """Write the rows that were not sent, and those that were not even read; return their number."""
        left = self.not_sent()
        for _ in rows:
            left += self.not_sent()
        return left

    def _write(self, raw: str, result: MapResult) -> None:
        self._results.write(self._source.result(raw, result))
        if result.error is not None:
            self.failed += 1
            self._failures.write(raw)


def _id_in(raw: str) -> str | None:
    try:
        return id_of(parsed_line(raw))
    except InvalidRequestError:
        return None


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")
