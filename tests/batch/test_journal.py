"""Journals: what is in one is given out again and not asked; a line that a kill has torn is mended."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from pydantic import BaseModel

from deepseek_v4_sdk import ConfigurationError, DeepSeekV4, Price, PriceTable, Rates
from deepseek_v4_sdk.batch import JournalFound, MapRequest, MapResults, read_journal
from deepseek_v4_sdk.batch.journal import Journal
from deepseek_v4_sdk.batch.settings import MapSettings
from deepseek_v4_sdk.support.files import open_to_append
from deepseek_v4_sdk.testing import MockProvider, script
from tests.batch.maps import Rows, answered, mapped
from tests.support.modes import in_both_modes

if TYPE_CHECKING:
    from tests.support.replay import Mode


class Label(BaseModel):
    label: Literal["cat", "dog"]
    sure: float = 1.0


def weather(city: str) -> str:
    """Report the weather of a city."""
    return f"rain in {city}"


def _echo() -> MockProvider:
    return MockProvider(default=script.from_function(lambda request: script.text(_asked(request))))


def _asked(request: Any) -> str:
    return str(request.body["messages"][-1]["content"])


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


@in_both_modes
def test_a_second_start_asks_nothing_and_gives_the_same(mode: Mode, journal: Path) -> None:
    first = mapped(mode, _echo(), ["a", "b", "c"], order="input", journal=journal)
    mock = _echo()
    second = mapped(mode, mock, ["a", "b", "c"], order="input", journal=journal)
    assert mock.requests == []
    assert second.of.found == JournalFound(done=3)
    for before, after in zip(first.results, second.results, strict=True):
        assert (before.from_journal, after.from_journal) == (False, True)
        assert before.reply is not None
        assert after.reply is not None
        for name in ("text", "reasoning", "usage", "timing", "raw", "attempts", "model", "id", "finish_reason"):
            assert getattr(before.reply, name) == getattr(after.reply, name)
        assert (before.usage, before.cost, before.attempts) == (after.usage, after.cost, after.attempts)
    assert second.of.usage.total_tokens == 0
    assert (second.of.progress.from_journal, second.of.done) == (3, 3)


@in_both_modes
def test_only_missing_rows_are_asked(mode: Mode, journal: Path) -> None:
    mapped(mode, _echo(), ["a", "b"], journal=journal)
    mock = _echo()
    done = mapped(mode, mock, ["a", "b", "c", "d"], journal=journal)
    assert sorted(map(_asked, mock.requests)) == ["c", "d"]
    assert done.texts == {"0": "a", "1": "b", "2": "c", "3": "d"}
    assert {result.id for result in done.results if result.from_journal} == {"0", "1"}


@in_both_modes
def test_skip_done_leaves_them_out(mode: Mode, journal: Path) -> None:
    mapped(mode, _echo(), ["a", "b"], journal=journal)
    done = mapped(mode, _echo(), ["a", "b", "c"], journal=journal, skip_done=True, order="input")
    assert done.texts == {"2": "c"}
    assert done.of.done == 3


@in_both_modes
def test_a_row_that_has_changed_is_asked_again_and_named(
    mode: Mode, journal: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [{"id": "x", "messages": "a"}, {"id": "y", "messages": "b"}]
    mapped(mode, _echo(), rows, journal=journal)
    mock = _echo()
    rows[1]["messages"] = "B"
    with caplog.at_level(logging.WARNING, "deepseek_v4_sdk.batch"):
        done = mapped(mode, mock, rows, journal=journal)
    assert list(map(_asked, mock.requests)) == ["B"]
    assert (done.of.changed, done.texts) == (1, {"x": "a", "y": "B"})
    assert "row 'y' has changed" in caplog.text
    assert mapped(mode, _echo(), rows, journal=journal).of.found == JournalFound(done=2)  # the last line counts


_ONE = {"messages": "Hello", "id": "x"}


@pytest.mark.parametrize(
    ("row", "options", "client"),
    [
        ({**_ONE, "messages": "Hello!"}, {}, {}),
        ({**_ONE, "messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "Hello"}]}, {}, {}),
        ({**_ONE, "temperature": 0.1}, {}, {}),
        (_ONE, {"max_tokens": 7}, {}),
        (_ONE, {"thinking": "off"}, {}),
        (_ONE, {}, {"thinking": "max"}),
        (_ONE, {"schema": Label}, {}),
        (_ONE, {"tools": [weather]}, {}),
        (_ONE, {"extra_body": {"x": 1}}, {}),
        (_ONE, {}, {"model": "deepseek-ai/DeepSeek-V4-Flash"}),
        (_ONE, {}, {"control_tokens": "mark"}),
    ],
)  # fmt: skip
def test_what_decides_the_answer(row: Any, options: Any, client: Any, journal: Path) -> None:
    pro = {"model": "deepseek-ai/DeepSeek-V4-Pro"}
    mock = MockProvider(default=script.text('{"label": "cat"}'))
    mapped("sync", mock, [_ONE], journal=journal, client=pro)
    done = mapped("sync", mock, [row], journal=journal, client={**pro, **client}, **options)
    assert (done.of.changed, len(mock.requests)) == (1, 2)


@pytest.mark.parametrize(
    ("row", "options", "client"),
    [
        ({**_ONE, "messages": [{"role": "user", "content": "Hello"}]}, {}, {}),
        (MapRequest("Hello", id="x"), {}, {}),
        (_ONE, {"timeout": 5, "metadata": {"a": 1}, "wire": "plain", "user": "me", "extra_headers": {"x-y": "z"}}, {}),
        (_ONE, {"thinking": "high"}, {}),
        (_ONE, {}, {"max_retries": 7, "api_key": "secret", "model": "deepseek-v4-pro-0813"}),
        (_ONE, {"concurrency": 3, "order": "input"}, {}),
    ],
)
def test_what_does_not(row: Any, options: Any, client: Any, journal: Path) -> None:
    mock = MockProvider(default=script.text("Hi"))
    mapped("sync", mock, [_ONE], journal=journal, client={"model": "deepseek-ai/DeepSeek-V4-Pro-0813"})
    arguments = {"model": "deepseek-ai/DeepSeek-V4-Pro-0813", **client}
    done = mapped("sync", mock, [row], journal=journal, client=arguments, **options)
    assert (done.of.changed, len(mock.requests)) == (0, 1)


@in_both_modes
def test_failures_for_a_retryable_cause_are_asked_again(mode: Mode, journal: Path) -> None:
    first = MockProvider(script.error(503), script.error(400), script.text("c"))
    done = mapped(mode, first, ["a", "b", "c"], journal=journal, concurrency=1, client={"max_retries": 0})
    assert done.errors == {"0": "OverloadedError", "1": "BadRequestError"}
    mock = _echo()
    again = mapped(mode, mock, ["a", "b", "c"], journal=journal, order="input")
    assert again.of.found == JournalFound(done=1, failed=1, retryable=1)
    assert list(map(_asked, mock.requests)) == ["a"]
    assert [(result.text, result.from_journal) for result in again.results] == [("a", False), ("", True), ("c", True)]
    assert again["1"].error == done["1"].error
    assert again["1"].attempts == done["1"].attempts


def test_failures_for_good_are_sent_again_where_that_is_wanted(journal: Path) -> None:
    first = MockProvider(script.error(400), script.text("b"))
    mapped("sync", first, ["a", "b"], journal=journal, concurrency=1, client={"max_retries": 0})
    assert read_journal(journal) == (JournalFound(done=1, failed=1), {"BadRequestError": 1})
    mock = _echo()
    assert mapped("sync", mock, ["a", "b"], journal=journal, retry_failed=True).texts == {"0": "a", "1": "b"}
    assert list(map(_asked, mock.requests)) == ["a"]
    assert read_journal(journal) == (JournalFound(done=2), {})


def test_a_journal_is_read_while_a_map_writes_it(journal: Path, tmp_path: Path) -> None:
    settings = MapSettings(journal=journal, concurrency=1)
    with MapResults(Rows(lambda request: answered()), settings, ["a"]) as results:
        next(results)
        assert read_journal(journal) == (JournalFound(done=1), {})
        assert read_journal(tmp_path)[0] == JournalFound(done=1)
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        read_journal(tmp_path / "none.jsonl")


def test_a_row_that_was_not_sent_is_tried_again(journal: Path) -> None:
    """Its fault may have been in the settings of the client: here the price is missing."""
    from deepseek_v4_sdk import Spend

    done = mapped("sync", _echo(), ["a"], journal=journal, spend=Spend(5))
    assert done.errors == {"0": "ConfigurationError"}
    assert mapped("sync", _echo(), ["a"], journal=journal).texts == {"0": "a"}


@in_both_modes
@pytest.mark.parametrize("mechanism", ["json_schema", "json_object", "tool"])
def test_structured_answers_come_back_checked(mode: Mode, journal: Path, mechanism: str) -> None:
    step = (
        script.tool_call("answer", label="dog", sure=0.5)
        if mechanism == "tool"
        else script.text('{"label": "dog", "sure": 0.5}')
    )
    rows = [{"messages": "a", "mechanism": mechanism}]
    first = mapped(mode, MockProvider(step), rows, journal=journal, schema=Label)
    again = mapped(mode, MockProvider(), rows, journal=journal, schema=Label)
    assert again["0"].from_journal
    assert first["0"].parsed is not None
    assert again["0"].parsed is not None
    assert again["0"].parsed.value == first["0"].parsed.value == Label(label="dog", sure=0.5)
    assert again["0"].parsed.mechanism == mechanism


@in_both_modes
def test_runs_come_back_with_their_messages(mode: Mode, journal: Path) -> None:
    mock = MockProvider(script.tool_call("weather", city="Paris"), script.text("It rains"))
    rows = [{"messages": [{"role": "system", "content": "secret prompt"}, {"role": "user", "content": "Paris?"}]}]
    first = mapped(mode, mock, rows, journal=journal, tools=[weather])["0"].run
    again = mapped(mode, MockProvider(), rows, journal=journal, tools=[weather])["0"].run
    assert first is not None
    assert again is not None
    assert list(again.messages) == list(first.messages)
    assert again.text == "It rains"
    assert (again.stopped, again.usage, len(again.rounds)) == (first.stopped, first.usage, 2)
    assert again.rounds[0].results == first.rounds[0].results
    assert "secret prompt" not in journal.read_text()


def test_costs_come_back_with_the_prices_of_the_client(journal: Path) -> None:
    from datetime import UTC, date, datetime
    from decimal import Decimal

    rates = Rates(Decimal(1), Decimal(2), Decimal(4))
    since, checked = datetime(2026, 1, 1, tzinfo=UTC), date(2026, 11, 1)
    prices = PriceTable([Price(provider="vllm", rates=rates, since=since, as_of=checked)])
    first = mapped("sync", _echo(), ["a"], journal=journal, client={"prices": prices})
    again = mapped("sync", _echo(), ["a"], journal=journal, client={"prices": prices})
    assert first["0"].cost is not None
    assert again["0"].cost == first["0"].cost
    assert again["0"].reply is not None
    assert again["0"].reply.cost() == first["0"].cost


def test_it_is_only_for_its_owner_and_holds_no_prompts(journal: Path) -> None:
    mapped("sync", MockProvider(default=script.text("Hi")), ["my secret"], journal=journal, metadata={"a": "my secret"})
    assert "my secret" not in journal.read_text()
    assert os.name == "nt" or journal.stat().st_mode & 0o777 == 0o600
    journal.chmod(0o644)
    mapped("sync", MockProvider(default=script.text("Hi")), ["my secret"], journal=journal, keep_prompts=True)
    assert os.name == "nt" or journal.stat().st_mode & 0o777 == 0o600
    mapped("sync", MockProvider(default=script.text("Hi")), ["my other"], journal=journal, keep_prompts=True)
    assert json.loads(journal.read_text().splitlines()[-1])["messages"] == [{"role": "user", "content": "my other"}]


def _written(journal: Path, count: int = 3) -> bytes:
    mapped("sync", _echo(), [str(number) for number in range(count)], journal=journal, concurrency=1)
    return journal.read_bytes()


def test_a_line_torn_anywhere_is_mended(journal: Path) -> None:
    whole = _written(journal)
    begin = whole.rindex(b"\n", 0, -1) + 1
    for cut in {*range(begin, len(whole), 97), begin, begin + 1, len(whole) - 2, len(whole) - 1}:
        journal.write_bytes(whole[:cut])
        kept = 3 if cut == len(whole) - 1 else 2
        opened = Journal(journal)
        assert opened.found == JournalFound(done=kept, broken=int(begin < cut < len(whole) - 1))
        assert journal.read_bytes() == (whole if kept == 3 else whole[:begin])
        assert [opened.look_up(str(number))[0] is not None for number in range(3)] == [True, True, kept == 3]
        opened.close()


def test_a_broken_line_in_the_middle_is_counted_and_asked_again(journal: Path) -> None:
    lines = _written(journal).splitlines(keepends=True)
    journal.write_bytes(lines[0] + b"\x00\x00rubbish\n" + b'{"id": 5}\n' + b"[]\n" + lines[2])
    mock = _echo()
    done = mapped("sync", mock, ["0", "1", "2"], journal=journal)
    assert done.of.found == JournalFound(done=2, broken=3)
    assert list(map(_asked, mock.requests)) == ["1"]


def test_a_long_torn_line_is_mended(journal: Path) -> None:
    whole = _written(journal)
    journal.write_bytes(whole + b'{"id": "' + b"x" * 200_000)
    Journal(journal).close()
    assert journal.read_bytes() == whole


def test_one_writer_of_a_file(journal: Path) -> None:
    with (
        DeepSeekV4("mock") as client,
        client.map(["a"], journal=journal),
        pytest.raises(ConfigurationError, match="another run writes the journal"),
    ):
        client.map(["a"], journal=journal)
    Journal(journal).close()


def test_a_folder_has_many_writers_and_all_of_them_count(tmp_path: Path) -> None:
    rows = [{"id": name, "messages": name} for name in "abcd"]
    settings = MapSettings(journal=tmp_path)
    with (
        MapResults(Rows(lambda request: answered(str(request.messages))), settings, rows[:2]) as one,
        MapResults(Rows(lambda request: answered(str(request.messages))), settings, rows[2:]) as other,
    ):
        assert {result.id for result in [*one, *other]} == set("abcd")
    files = sorted(tmp_path.iterdir())
    assert len(files) == 2
    torn = files[0].read_bytes()
    files[0].write_bytes(torn[:-5])  # of another writer: it is left as it is, and its row asked again
    with MapResults(Rows(lambda request: answered(str(request.messages))), settings, rows) as third:
        assert len([result for result in third if result.from_journal]) == 3
        assert third.found == JournalFound(done=3, broken=1)
    assert files[0].read_bytes() == torn[:-5]


@pytest.mark.parametrize("where", ["no/such/folder/rows.jsonl", "file/rows.jsonl"])
def test_a_journal_that_cannot_be_opened(where: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        mapped("sync", "mock", ["a"], journal=tmp_path / where)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/dev/full is Linux's")
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_journal_that_is_only_read_refuses_a_line(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"")
    journal = Journal(path if kind == "file" else tmp_path, only_read=True)
    with pytest.raises(ConfigurationError, match="only read: open it without only_read=True"):
        journal.write("a", b"{}\n")
    journal.close()
    assert path.read_bytes() == b""


def test_a_full_disk_ends_the_map(journal: Path) -> None:
    settings = MapSettings(journal=journal, concurrency=1)
    with MapResults(Rows(lambda request: answered()), settings, ["a", "b", "c"]) as results:
        held = results._state._journal
        assert held is not None
        held._file.close()
        held._file = open_to_append(Path("/dev/full"))
        with pytest.raises(OSError, match="No space left"):
            list(results)
    assert journal.read_bytes() == b""


def test_a_row_that_is_met_twice_is_not_given_out_twice(journal: Path) -> None:
    rows = [{"id": "x", "messages": "a"}, {"id": "x", "messages": "a"}]
    for _ in range(2):
        done = mapped("sync", _echo(), rows, journal=journal, order="input")
        assert [result.error is None for result in done.results] == [True, False]
    assert len(journal.read_text().splitlines()) == 1


def test_what_the_journal_holds_is_told_before_it_begins(journal: Path, caplog: pytest.LogCaptureFixture) -> None:
    _written(journal)
    with caplog.at_level(logging.INFO, "deepseek_v4_sdk.batch"):
        assert mapped("sync", _echo(), [], journal=journal).of.found.done == 3
    assert "3 rows that are done" in caplog.text


def test_maps_share_an_open_journal_and_see_the_lines_of_other_writers(tmp_path: Path) -> None:
    rows = [{"id": name, "messages": name} for name in "abcd"]
    asked: list[str] = []

    def ask(request: MapRequest) -> Any:
        asked.append(str(request.messages))
        return answered(f"answer to {request.messages}")

    mine, theirs = Journal(tmp_path), Journal(tmp_path)
    with MapResults(Rows(ask), MapSettings(journal=mine), rows[:1]) as results:
        list(results)
    with MapResults(Rows(ask), MapSettings(journal=theirs), rows[:3]) as results:
        assert [result.id for result in results if result.from_journal] == ["a"]
    theirs._file.write(b'{"id": "torn')  # type: ignore[union-attr]
    for _ in range(2):
        with MapResults(Rows(ask), MapSettings(journal=mine), [*rows, rows[0]]) as results:
            found = {result.id: result for result in results if result.error is None}
            assert results.progress.failed == 1  # an id that is in the rows twice
        assert {name: found[name].text for name in "abc"} == {name: f"answer to {name}" for name in "abc"}
    assert sorted(asked) == ["a", "b", "c", "d"]
    theirs.close()
    again = Journal(tmp_path)
    assert again.found == JournalFound(done=4, broken=1)
    assert again.look_up("d")[0] is not None
    again.close()
    mine.close()
