"""`deepseek-v4 batch`: a file of requests through a client, with a journal, and what it costs before it is paid."""

from __future__ import annotations

import functools
import inspect
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from deepseek_v4_sdk import ConfigurationError, InvalidRequestError, Spend
from deepseek_v4_sdk.batch import MapRequest, read_journal
from deepseek_v4_sdk.cli.batch_check import problems_of
from deepseek_v4_sdk.cli.batch_files import Outputs, check_output, open_source
from deepseek_v4_sdk.cli.batch_prefixes import PrefixOrder
from deepseek_v4_sdk.cli.batch_report import RunProgress, bills_of, show_cost, show_found, summarize
from deepseek_v4_sdk.cli.connection import AsJson, NamedServer, names_server
from deepseek_v4_sdk.cli.outcome import ExitCode, complain
from deepseek_v4_sdk.cli.output import in_one_line, say, say_json
from deepseek_v4_sdk.cli.progress import PassingLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deepseek_v4_sdk.batch import MapConcurrency
    from deepseek_v4_sdk.cli.batch_files import Source

__all__ = ["commands"]

commands = typer.Typer(
    help="Send a file of requests, and go on where a run was stopped.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

_Input: TypeAlias = Annotated[
    Path, typer.Argument(help="OpenAI's batch format (.jsonl), or a table (.csv, .parquet).", show_default=False)
]
_Output: TypeAlias = Annotated[Path, typer.Option("--output", "-o", help="The file of results.")]
_PromptColumn: TypeAlias = Annotated[str | None, typer.Option(help="Of a table: the column with the prompt.")]
_Template: TypeAlias = Annotated[str | None, typer.Option(help="Of a table: a prompt with {columns} in it.")]
_IdColumn: TypeAlias = Annotated[
    str | None, typer.Option(help="Of a table: the column with the id; else the row's number.")
]
_Schema: TypeAlias = Annotated[Path | None, typer.Option(help="A file with the JSON Schema of the answers.")]
_Thinking: TypeAlias = Annotated[
    Literal["off", "low", "high", "max"] | None, typer.Option(help="How much the model thinks, where a row is silent.")
]
_MaxTokens: TypeAlias = Annotated[int | None, typer.Option(min=1, help="Most tokens of an answer, likewise.")]
_Concurrency: TypeAlias = Annotated[str, typer.Option(help="Requests in flight: a number, or auto.")]
_Journal: TypeAlias = Annotated[
    Path | None, typer.Option(help="The journal; else the output with .journal at its end.", show_default=False)
]
_Money: TypeAlias = Annotated[str | None, typer.Option("--spend", metavar="USD", help="Stop before this is passed.")]
_Deadline: TypeAlias = Annotated[float | None, typer.Option(help="Seconds after which nothing more is sent.")]
_OffPeak: TypeAlias = Annotated[bool, typer.Option("--off-peak", help="DeepSeek: send nothing in peak hours.")]
_PrefixOrder: TypeAlias = Annotated[
    bool, typer.Option(help="Send rows that begin alike together, and one of them first: for the prefix cache.")
]


def _send(
    requests: _Input,
    output: _Output,
    server: NamedServer,
    prompt_column: _PromptColumn = None,
    template: _Template = None,
    id_column: _IdColumn = None,
    schema: _Schema = None,
    thinking: _Thinking = None,
    max_tokens: _MaxTokens = None,
    concurrency: _Concurrency = "auto",
    journal: _Journal = None,
    spend: _Money = None,
    deadline: _Deadline = None,
    off_peak: _OffPeak = False,
    prefix_order: _PrefixOrder = True,
    as_json: AsJson = False,
    *,
    retry_failed: bool,
) -> None:
    source = open_source(
        requests, model=server.model, prompt_column=prompt_column, template=template, id_column=id_column
    )
    check_output(requests, output)
    options: dict[str, Any] = {
        "journal": journal or output.with_name(f"{output.name}.journal"),
        "concurrency": _concurrency(concurrency),
        "schema": None if schema is None else _read_schema(schema),
        "retry_failed": retry_failed,
        "deadline": deadline,
        "thinking": thinking,
        "max_tokens": max_tokens,
        "spend": None if spend is None else Spend(spend),
        "off_peak": off_peak,
    }
    line = PassingLine(sys.stderr)
    began, total = time.monotonic(), sum(1 for _ in source.rows())
    with server.connect() as client:
        files, stopped = Outputs(source, output), False
        shown = RunProgress(line, total, began, files.errors)
        order = PrefixOrder()
        rows = order(files.requests()) if prefix_order else files.requests()
        with client.map(rows, progress=shown.step, **options) as results, files:  # the journal's lock comes first
            show_found(results)
            try:
                for result in results:
                    files.add(result)
            except KeyboardInterrupt:
                stopped = True
                line.show("stopping: waiting for the rows in flight")
                results.close()
                for result in results:
                    files.add(result)
            line.end()
            left = files.rest(rows)
    summarize(results, files.errors, left, output, order.share, as_json=as_json)
    if stopped:
        raise typer.Exit(ExitCode.STOPPED)
    if files.failed:
        raise typer.Exit(ExitCode.FOUND)


def _command(doc: str, *, retry_failed: bool) -> Callable[..., None]:
    """The command that sends a file, with or without the rows that failed."""

    @functools.wraps(_send)
    def command(**given: Any) -> None:
        _send(**given, retry_failed=retry_failed)

    signature = inspect.signature(_send, eval_str=True)
    kept = [each for each in signature.parameters.values() if each.name != "retry_failed"]
    command.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    command.__doc__ = doc
    return names_server()(command)


commands.command("run")(
    _command(
        """Send every request of a file. Start it again after a crash: it goes on from its journal.

        The results are in the output, in the order in which the rows ended. Rows that failed, or were not sent, are in
        OUTPUT.failed.jsonl, which is a file of requests again; then the exit code is 1.
        """,
        retry_failed=False,
    )
)
commands.command("retry")(
    _command(
        """Send the rows that failed, whatever the reason, and those that are missing.

        Give it the same file, output and options as `run`.
        """,
        retry_failed=True,
    )
)


@commands.command("status")
def status(
    journal: Annotated[Path, typer.Argument(help="A journal, or the file of results that it belongs to.")],
    as_json: AsJson = False,
) -> None:
    """Show how far a run is, also while it runs."""
    beside = journal.with_name(f"{journal.name}.journal")
    found, errors = read_journal(beside if beside.exists() else journal)
    if as_json:
        say_json({"done": found.done, "failed": found.failed, "retryable": found.retryable, "errors": errors})
    else:
        say(f"{found.done:,} answered, {found.failed:,} failed, {found.retryable:,} to send again")
        for kind, count in errors.items():
            say(f"{count:>8,}  {in_one_line(kind)}")
    if found.failed or found.retryable:
        raise typer.Exit(ExitCode.FOUND)


@commands.command("check")
def check(requests: _Input, as_json: AsJson = False) -> None:
    """Say for each line what this command, `vllm run-batch` and OpenAI's batch API would refuse. Nothing is sent."""
    found = list(problems_of(requests))
    if as_json:
        say_json([{"line": line, "by": by, "problem": problem} for line, by, problem in found])
    for line, by, problem in [] if as_json else found:
        say(f"{line:>6}  {by:<12}  {in_one_line(problem)}")
    if found:
        raise typer.Exit(ExitCode.FOUND)
    if not as_json:
        say("nothing to refuse")


_OF_THE_PROMPT = ("thinking", "model", "response_format", "tool_choice")


@commands.command("cost")
@names_server()
def cost(
    requests: _Input,
    server: NamedServer,
    prompt_column: _PromptColumn = None,
    template: _Template = None,
    id_column: _IdColumn = None,
    schema: _Schema = None,
    thinking: _Thinking = None,
    max_tokens: _MaxTokens = None,
    as_json: AsJson = False,
) -> None:
    """Count what a file would cost, before anything is paid: its prompts exactly, its answers by their limits."""
    source = open_source(
        requests, model=server.model, prompt_column=prompt_column, template=template, id_column=id_column
    )
    counts, order = Counter[str](), PrefixOrder()
    shape = None if schema is None else _read_schema(schema)
    with server.connect() as client:
        for row in order(_requests(source, counts)):
            given: dict[str, Any] = {name: row.options.get(name) for name in _OF_THE_PROMPT}
            given["thinking"] = given["thinking"] or thinking
            tools: Any = list(row.tools) or None
            given["schema"] = None if tools else shape  # a row with tools takes none
            try:
                counts["prompt_tokens"] += client.count_tokens(row.messages, tools, **given).total
            except InvalidRequestError:
                counts["wrong"] += 1
                continue
            limit = row.options.get("max_tokens") or max_tokens
            counts["unlimited"] += limit is None
            counts["most_answer_tokens"] += limit if isinstance(limit, int) else 0
            counts["rows"] += 1
        counts["repeated_tokens"] = int(counts["prompt_tokens"] * order.share)
        bills = bills_of(client.prices, client.flavor, client.model, counts)
    show_cost(counts, bills, as_json=as_json)
    if counts["wrong"]:
        complain(
            f"{counts['wrong']:,} rows cannot be sent, and are not counted: see deepseek-v4 batch check {requests}"
        )
        raise typer.Exit(ExitCode.FOUND)


def _requests(source: Source, counts: Counter[str]) -> Iterator[MapRequest]:
    for _, row in source.rows():
        if isinstance(row, MapRequest):
            yield row
        else:
            counts["wrong"] += 1


def _concurrency(given: str) -> MapConcurrency:
    if given == "auto":
        return "auto"
    if not given.isdecimal():
        raise ConfigurationError(f"--concurrency is {given!r}: give a number, or auto")
    return int(given)


def _read_schema(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"--schema {path} cannot be read: {error}") from None
