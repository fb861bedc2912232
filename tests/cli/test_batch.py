"""`deepseek-v4 batch`: files in OpenAI's format and CSV, the journal beside the output, failures, checks and costs."""

from __future__ import annotations

import csv
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.batch.off_peak import OffPeak
from deepseek_v4_sdk.cli import batch
from deepseek_v4_sdk.testing import MockProvider, script
from tests.cli.batch_rows import chat_line, echo, write
from tests.support.commands import complaint, run

if TYPE_CHECKING:
    from collections.abc import Callable


def _read(name: str = "out.jsonl") -> dict[str, Any]:
    lines = [json.loads(line) for line in Path(name).read_text(encoding="utf-8").splitlines()]
    return {line["custom_id"]: line for line in lines}


def _go(*arguments: str, code: int = 0) -> Any:
    return run("batch", "run", "in.jsonl", "-o", "out.jsonl", *arguments, code=code)


def test_results_are_in_openais_format(serve: Callable[..., MockProvider]) -> None:
    mock = serve()
    write(chat_line("a", "Hello", temperature=0.5, max_tokens=9), "", chat_line("b", "Bye", reasoning_effort="none"))
    shown = _go().stdout
    assert shown.startswith("2 answered, 0 failed, 0 not sent\n")
    done = _read()
    assert sorted(done) == ["a", "b"]
    assert done["a"].keys() == {"id", "custom_id", "response", "error"}
    assert done["a"]["error"] is None
    assert done["a"]["response"].keys() == {"status_code", "request_id", "body"}
    body = done["a"]["response"]["body"]
    assert (body["object"], body["choices"][0]["finish_reason"]) == ("chat.completion", "stop")
    assert body["choices"][0]["message"] == {
        "role": "assistant",
        "content": "echo: Hello",
        "reasoning_content": "hm",
    }
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]
    sent = {request.body["messages"][0]["content"]: request.body for request in mock.requests}
    assert (sent["Hello"]["temperature"], sent["Hello"]["max_tokens"]) == (0.5, 9)
    assert sent["Bye"]["chat_template_kwargs"]["thinking"] is False
    assert not Path("out.failed.jsonl").exists()


def test_calls_of_tools_are_the_answer(serve: Callable[..., MockProvider]) -> None:
    serve(script.tool_call("get_weather", city="Paris"))
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}
    write(chat_line("a", "Paris?", tools=[tool]))
    _go()
    choice = _read()["a"]["response"]["body"]["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": '{"city": "Paris"}'}


def test_a_second_start_sends_only_what_is_missing(serve: Callable[..., MockProvider]) -> None:
    serve()
    write(chat_line("a", "Hello"), chat_line("b", "Bye"))
    _go()
    first = _read()
    mock = serve()
    write(chat_line("a", "Hello"), chat_line("b", "Bye"), chat_line("c", "New"))
    done = _go()
    assert [request.body["messages"][0]["content"] for request in mock.requests] == ["New"]
    assert "the journal has 2 rows that are done" in done.stderr
    assert done.stdout.startswith("3 answered (2 were in the journal), 0 failed, 0 not sent\n")
    again = _read()
    assert {name: again[name]["response"]["body"] for name in "ab"} == {
        name: first[name]["response"]["body"] for name in "ab"
    }


def test_failures_are_lines_and_a_file_of_requests(serve: Callable[..., MockProvider]) -> None:
    def answer(request: Any) -> Any:
        return script.error(400, "too odd") if request.body["messages"][0]["content"] == "odd" else echo(request)

    serve(default=script.from_function(answer))
    odd = chat_line("b", "odd")
    write(chat_line("a", "Hello"), odd, "{broken", chat_line("d", "x", n=3), chat_line("a", "twice"), {"body": {}})
    done = _go(code=1)
    assert done.stdout.startswith(
        "1 answered, 5 failed, 0 not sent\nfailed: 3 InvalidRequestError, 1 UnsupportedOptionError, 1 BadRequestError\n"
    )
    assert "out.failed.jsonl has the rows that failed" in done.stderr
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert len(lines) == 6
    failed = {
        line["custom_id"]: line for line in lines if not (line["response"] and line["response"]["status_code"] == 200)
    }
    assert failed["b"]["response"]["status_code"] == 400
    assert "too odd" in failed["b"]["response"]["body"]["error"]["message"]
    assert failed["d"]["response"] is None
    assert "n cannot be done" in failed["d"]["error"]["message"]
    assert Path("out.failed.jsonl").read_text().splitlines()[0] in {json.dumps(odd), "{broken"}
    assert len(Path("out.failed.jsonl").read_text().splitlines()) == 5


def test_retry_sends_failed_rows_again(serve: Callable[..., MockProvider]) -> None:
    serve(script.error(400, "no"), script.text("fine"))
    write(chat_line("a", "Hello"), chat_line("b", "Bye"))
    _go("--concurrency", "1", code=1)
    mock = serve()
    _go(code=1)
    assert mock.requests == []
    run("batch", "retry", "in.jsonl", "-o", "out.jsonl")
    assert len(mock.requests) == 1
    assert not Path("out.failed.jsonl").exists()
    assert _read()["a"]["response"]["body"]["choices"][0]["message"]["content"] == "echo: Hello"


def test_rows_that_a_limit_left_are_in_the_file_of_failed_rows(serve: Callable[..., MockProvider]) -> None:
    serve()
    write(*(chat_line(str(number), "Hello", max_tokens=10) for number in range(30)))
    with pytest.MonkeyPatch.context() as patch:
        from deepseek_v4_sdk import Spend

        patch.setattr(batch, "Spend", lambda amount: Spend(amount, unit="tokens"))
        done = _go("--spend", "500", code=1)
    assert "it was stopped by --spend" in done.stdout
    answered = len([line for line in _read().values() if line["error"] is None])
    assert 1 <= answered < 10
    assert len(Path("out.failed.jsonl").read_text().splitlines()) == 30 - answered


def test_csv_by_column_and_template(serve: Callable[..., MockProvider]) -> None:
    serve()
    Path("in.csv").write_text('key,text,lang\nx,"one, two",de\ny,three,fr\n', encoding="utf-8")
    run("batch", "run", "in.csv", "-o", "out.csv", "--template", "To {lang}: {text}", "--id-column", "key")
    with Path("out.csv").open(encoding="utf-8", newline="") as opened:
        rows = {row["key"]: row for row in csv.DictReader(opened)}
    assert rows["x"]["answer"] == "echo: To de: one, two"
    assert rows["y"] | {"answer": ""} == {
        "key": "y", "text": "three", "lang": "fr", "answer": "", "finish_reason": "stop", "error": "",
        "prompt_tokens": rows["y"]["prompt_tokens"], "completion_tokens": rows["y"]["completion_tokens"],
    }  # fmt: skip


def test_csv_with_a_schema(serve: Callable[..., MockProvider]) -> None:
    serve(default=script.text('{"mood": "glad"}'))
    Path("in.csv").write_text("text\ngreat\n", encoding="utf-8")
    schema = {"type": "object", "properties": {"mood": {"type": "string"}}, "required": ["mood"]}
    Path("mood.json").write_text(json.dumps(schema), encoding="utf-8")
    run("batch", "run", "in.csv", "-o", "out.csv", "--prompt-column", "text", "--schema", "mood.json")
    with Path("out.csv").open(encoding="utf-8", newline="") as opened:
        assert [json.loads(row["answer"]) for row in csv.DictReader(opened)] == [{"mood": "glad"}]


def _table(name: str, **columns: list[Any]) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    table = pa.table(columns)
    parquet.write_table(table, name)
    return table


def _rows_of(name: str) -> list[dict[str, Any]]:
    import pyarrow.parquet as parquet

    return list(parquet.read_table(name).to_pylist())


def test_parquet_keeps_its_columns_and_their_types(serve: Callable[..., MockProvider]) -> None:
    def answer(request: Any) -> Any:
        return script.error(400) if "three" in request.body["messages"][0]["content"] else echo(request)

    serve(default=script.from_function(answer))
    when = [datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2, 3)]
    given = _table("in.parquet", key=[7, 8, 9], text=["one", None, "three"], when=when, tags=[["a"], [], None])
    arguments = ("in.parquet", "-o", "out.parquet", "--template", "{key}: {text}", "--id-column", "key")
    run("batch", "run", *arguments, code=1)
    rows = {row["key"]: row for row in _rows_of("out.parquet")}
    assert rows[7] == {
        "key": 7, "text": "one", "when": when[0], "tags": ["a"], "answer": "echo: 7: one", "finish_reason": "stop",
        "error": None, "prompt_tokens": rows[7]["prompt_tokens"], "completion_tokens": rows[7]["completion_tokens"],
    }  # fmt: skip
    assert rows[8]["answer"] == "echo: 8: "
    assert (rows[9]["answer"], rows[9]["finish_reason"]) == ("", None)
    assert "BadRequestError" in rows[9]["error"]
    assert _rows_of("out.failed.parquet") == given.slice(2).to_pylist()
    assert os.name == "nt" or Path("out.parquet").stat().st_mode & 0o777 == 0o600
    serve()
    run("batch", "retry", *arguments)
    assert len([row for row in _rows_of("out.parquet") if row["error"] is None]) == 3


def test_parquet_of_many_rows_with_a_schema(serve: Callable[..., MockProvider]) -> None:
    serve(default=script.text('{"mood": "glad"}'))
    _table("in.parquet", text=[f"text {number}" for number in range(1_500)])
    schema = {"type": "object", "properties": {"mood": {"type": "string"}}, "required": ["mood"]}
    Path("mood.json").write_text(json.dumps(schema), encoding="utf-8")
    run("batch", "run", "in.parquet", "-o", "out.parquet", "--prompt-column", "text", "--schema", "mood.json")
    rows = _rows_of("out.parquet")
    assert sorted(row["text"] for row in rows) == sorted(f"text {number}" for number in range(1_500))
    assert {row["answer"] for row in rows} == {'{"mood": "glad"}'}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--prompt-column", "no"], "no column 'no'; it has text, tags"),
        (["--prompt-column", "tags"], "the column 'tags' of in.parquet is list<"),
        ([], "--prompt-column or --template"),
    ],
)
def test_parquet_that_does_not_fit(arguments: list[str], message: str, serve: Callable[..., MockProvider]) -> None:
    serve()
    _table("in.parquet", text=["one"], tags=[["a"]])
    assert message in complaint("batch", "run", "in.parquet", "-o", "out.parquet", *arguments)
    assert not Path("out.parquet").exists()


def test_parquet_without_its_extra(serve: Callable[..., MockProvider], monkeypatch: pytest.MonkeyPatch) -> None:
    serve()
    Path("in.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    shown = complaint("batch", "run", "in.parquet", "-o", "out.parquet", "--prompt-column", "text")
    assert shown.startswith("Parquet needs its extra: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.jsonl"], "is not a file"),
        (["in.csv"], "--prompt-column or --template"),
        (["in.csv", "--prompt-column", "no"], "no column 'no'; it has text, lang"),
        (["in.csv", "--template", "{text} {tone}"], "no column 'tone'"),
        (["in.jsonl", "--prompt-column", "text"], "are for CSV"),
        (["in.parquet", "--template", "{text}"], "in.parquet cannot be read as Parquet"),
        (["in.jsonl", "--concurrency", "fast"], "--concurrency is 'fast'"),
        (["in.jsonl", "--schema", "none.json"], "--schema none.json cannot be read"),
        (["in.jsonl", "--off-peak"], "off_peak is for DeepSeek's own API, and vllm"),
    ],
)
def test_a_wrong_command_line(arguments: list[str], message: str, serve: Callable[..., MockProvider]) -> None:
    mock = serve()
    write(chat_line("a", "Hello"))
    Path("in.csv").write_text("text,lang\na,b\n", encoding="utf-8")
    Path("in.parquet").write_bytes(b"PAR1")
    assert message in complaint("batch", "run", *arguments, "-o", "out.jsonl")
    assert mock.requests == []
    assert not Path("out.jsonl").exists()


def test_outputs_are_only_for_their_owner(serve: Callable[..., MockProvider]) -> None:
    serve(script.error(400))
    write(chat_line("a", "Hello"))
    _go(code=1)
    for name in ("out.jsonl", "out.failed.jsonl", "out.jsonl.journal"):
        assert os.name == "nt" or Path(name).stat().st_mode & 0o777 == 0o600


def test_a_second_run_at_once_touches_nothing(serve: Callable[..., MockProvider]) -> None:
    serve()
    write(chat_line("a", "Hello"))
    _go()
    before = Path("out.jsonl").read_text()
    with DeepSeekV4("mock") as client, client.map([], journal="out.jsonl.journal"):
        assert "another run writes the journal" in complaint("batch", "run", "in.jsonl", "-o", "out.jsonl")
    assert Path("out.jsonl").read_text() == before
    assert sorted(path.name for path in Path().iterdir()) == ["in.jsonl", "out.jsonl", "out.jsonl.journal"]


def test_stopped_by_the_user_it_keeps_what_came(serve: Callable[..., MockProvider]) -> None:
    serve()
    write(*(chat_line(str(number), "Hello") for number in range(20)))
    with pytest.MonkeyPatch.context() as patch:
        added = batch.Outputs.add

        def add(self: Any, result: Any) -> None:
            added(self, result)
            if result.id == "3":
                raise KeyboardInterrupt

        patch.setattr(batch.Outputs, "add", add)
        _go(code=130)
    assert "3" in _read()
    serve()
    assert _go().stdout.startswith("20 answered (")


def test_status_counts_the_journal(serve: Callable[..., MockProvider]) -> None:
    serve(script.error(503), script.error(400), script.text("x"))
    write(*(chat_line(name, name) for name in "abc"))
    _go("--concurrency", "1", code=1)
    shown = run("batch", "status", "out.jsonl", code=1).stdout
    assert shown.startswith("1 answered, 1 failed, 1 to send again\n")
    assert json.loads(run("batch", "status", "out.jsonl.journal", "--json", code=1).stdout) == {
        "done": 1, "failed": 1, "retryable": 1, "errors": {"OverloadedError": 1, "BadRequestError": 1},
    }  # fmt: skip


def test_check_names_what_each_would_refuse() -> None:
    write(
        chat_line("a", "x"),
        chat_line("a", "y", stream=True),
        "[]",
        chat_line("b", "z", n=2, min_p=0.1),
        chat_line("c", "z", spice=1),
    )
    found = json.loads(run("batch", "check", "in.jsonl", "--json", code=1).stdout)
    named = {(each["line"], each["by"]) for each in found}
    assert named == {(2, "all"), (2, "deepseek-v4"), (2, "vllm"), (2, "openai"), (3, "all"), (4, "deepseek-v4"), (4, "openai"), (5, "deepseek-v4")}  # fmt: skip  # noqa: E501
    write(chat_line("a", "x"))
    assert run("batch", "check", "in.jsonl").stdout == "nothing to refuse\n"


def test_a_run_off_peak_says_that_it_waits(serve: Callable[..., MockProvider], monkeypatch: pytest.MonkeyPatch) -> None:
    mock = serve(flavor="deepseek")
    write(chat_line("a", "Hello", model="deepseek-v4-pro"))
    left = iter([7_200.0, 7_200.0])
    monkeypatch.setattr(OffPeak, "seconds_left", lambda self: next(left, 0.0))
    monkeypatch.setattr("deepseek_v4_sdk.batch.state._LONGEST_WAIT", 0.01)
    done = _go("--off-peak", "--model", "deepseek-v4-pro")
    assert "peak hours: nothing is sent for 120 min" in done.stderr
    assert len(mock.requests) == 1


def test_rows_that_begin_alike_are_sent_together_and_one_of_them_first(serve: Callable[..., MockProvider]) -> None:
    heads = {name: f"Document {name}. " + name * 3_000 for name in "abc"}
    mock = serve()
    write(
        *(chat_line(f"{name}{number}", f"{heads[name]} {number}") for number in range(3) for name in "abc"),
        chat_line("x", "alone"),
    )
    done = _go("--concurrency", "1")
    sent = [request.body["messages"][0]["content"] for request in mock.requests]
    assert [text[:10] + text[-2:] for text in sent[:9]] == [f"Document {n} {i}" for n in "abc" for i in range(3)]
    assert sent[9] == "alone"
    assert "prefix cache: about 66% of the prompts repeat an earlier row" in done.stdout
    mock = serve()
    run("batch", "run", "in.jsonl", "-o", "again.jsonl", "--concurrency", "1", "--no-prefix-order")
    assert [request.body["messages"][0]["content"][9] for request in mock.requests[:4]] == ["a", "b", "c", "a"]


@pytest.mark.parametrize(
    ("rows", "output", "right"),
    [
        ("in.parquet", "out.csv", "out.parquet"),
        ("in.csv", "out.parquet", "out.csv"),
        ("in.csv", "out.jsonl", "out.csv"),
        ("in.jsonl", "out.csv", "out.jsonl"),
    ],
)
def test_an_output_whose_name_is_of_another_format(rows: str, output: str, right: str) -> None:
    write(chat_line("a", "Hello"))
    Path("in.csv").write_text("text\na\n", encoding="utf-8")
    _table("in.parquet", text=["a"])
    columns = [] if rows == "in.jsonl" else ["--prompt-column", "text"]
    told = complaint("batch", "run", rows, "-o", output, *columns, "--provider", "mock")
    assert f"the results of {rows} have its format, and {output} names another: give -o {right}" in told
