"""`deepseek-v4 batch cost`: tokens and money, counted before anything is sent."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import DeepSeekV4, Price, PriceTable, Rates
from deepseek_v4_sdk.cli import connection
from deepseek_v4_sdk.testing import MockProvider, script
from tests.cli.batch_rows import chat_line, write
from tests.support.commands import run

if TYPE_CHECKING:
    from collections.abc import Callable


def test_cost_counts_before_anything_is_sent(serve: Callable[..., MockProvider]) -> None:
    mock = serve(flavor="deepseek")
    write(
        chat_line("a", "Hello", model="deepseek-v4-pro", max_tokens=100),
        chat_line("b", "Hello", model="deepseek-v4-pro"),
    )
    shown = json.loads(run("batch", "cost", "in.jsonl", "--model", "deepseek-v4-pro", "--json").stdout)
    with DeepSeekV4(mock, model="deepseek-v4-pro") as client:
        assert shown["prompt_tokens"] == 2 * client.count_tokens("Hello").total
    assert (shown["rows"], shown["most_answer_tokens"], shown["unlimited"]) == (2, 100, 1)
    assert sorted(shown["costs"]) == ["off-peak", "peak"]
    assert mock.requests == []
    assert "off-peak: at most" in run("batch", "cost", "in.jsonl", "--model", "deepseek-v4-pro").stdout


def test_prices_of_the_profile_are_the_prices_of_cost(
    serve: Callable[..., MockProvider], monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = Rates(Decimal(1), Decimal(10), Decimal(100))
    price = Price(provider="vllm", rates=rates, since=datetime(2026, 1, 1, tzinfo=UTC), as_of=date(2026, 11, 1))
    mock = MockProvider()
    monkeypatch.setattr(
        connection.NamedServer, "connect", lambda self: DeepSeekV4(mock, model="m", prices=PriceTable([price]))
    )
    head = "The same long instruction. " * 200
    write(*(chat_line(str(number), f"{head}{number}", max_tokens=10) for number in range(4)))
    shown = json.loads(run("batch", "cost", "in.jsonl", "--json").stdout)
    prompt, repeated = shown["prompt_tokens"], shown["repeated_tokens"]
    assert 0.7 * prompt < repeated <= 0.75 * prompt
    million = Decimal(1_000_000)
    assert Decimal(shown["costs"]["off-peak"]["cost"].split()[0]) == (prompt * 10 + 40 * 100) / million
    assert Decimal(shown["costs"]["off-peak"]["saving"]) == repeated * 9 / million
    text = run("batch", "cost", "in.jsonl").stdout
    assert "of them repeat the beginning of another row (estimated)" in text
    assert "less with the prefix cache" in text


_SCHEMA = {"type": "object", "properties": {"mood": {"enum": ["glad", "angry"]}}, "required": ["mood"]}


@pytest.mark.parametrize("flavor", ["vllm", "sglang", "deepseek"])  # in the prompt, shown by the server, in the prompt
def test_the_schema_is_counted_as_it_will_be_sent(flavor: str, serve: Callable[..., MockProvider]) -> None:
    mock = serve(default=script.text('{"mood": "glad"}'), flavor=flavor)
    Path("in.csv").write_text("text\nIt broke.\nI love it!\n", encoding="utf-8")
    Path("mood.json").write_text(json.dumps(_SCHEMA), encoding="utf-8")
    given = ("in.csv", "--prompt-column", "text", "--model", "deepseek-v4-pro")
    plain = json.loads(run("batch", "cost", *given, "--json").stdout)
    shown = json.loads(run("batch", "cost", *given, "--schema", "mood.json", "--json").stdout)
    assert mock.requests == []
    run("batch", "run", *given, "--schema", "mood.json", "-o", "out.csv")
    with Path("out.csv").open(encoding="utf-8", newline="") as opened:
        paid = sum(int(row["prompt_tokens"]) for row in csv.DictReader(opened))
    assert shown["prompt_tokens"] == paid > plain["prompt_tokens"]


def test_a_row_that_the_schema_does_not_go_with_is_not_counted(serve: Callable[..., MockProvider]) -> None:
    """It has a format already: `batch run` refuses it. A row with tools takes no schema."""
    serve()
    tool: Any = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}
    Path("mood.json").write_text(json.dumps(_SCHEMA), encoding="utf-8")
    write(chat_line("a", "Hi", response_format={"type": "json_object"}), chat_line("b", "Hi", tools=[tool]))
    done = run("batch", "cost", "in.jsonl", "--schema", "mood.json", "--json", code=1)
    assert (json.loads(done.stdout)["rows"], json.loads(done.stdout)["wrong"]) == (1, 1)
    assert "1 rows cannot be sent, and are not counted" in done.stderr
    run("batch", "run", "in.jsonl", "-o", "out.jsonl", "--schema", "mood.json", code=1)
    assert Path("out.failed.jsonl").read_text(encoding="utf-8").count("\n") == 1
