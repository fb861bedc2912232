"""The forms of a row, ids, and rows that are wrong: none of them raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from deepseek_v4_sdk import ConfigurationError, Conversation, UserMessage
from deepseek_v4_sdk.batch import MapRequest
from deepseek_v4_sdk.batch.requests import read_row
from deepseek_v4_sdk.testing import MockProvider, script
from tests.batch.maps import mapped
from tests.support.modes import in_both_modes

if TYPE_CHECKING:
    from tests.support.replay import Mode


class Label(BaseModel):
    name: str


def weather(city: str) -> str:
    """Report the weather of a city."""
    return f"rain in {city}"


@in_both_modes
@pytest.mark.parametrize(
    "row",
    [
        "Hello",
        ["Hello"],
        [{"role": "user", "content": "Hello"}],
        {"role": "user", "content": "Hello"},
        {"messages": "Hello"},
        {"messages": [{"role": "user", "content": "Hello"}], "id": "0"},
        MapRequest("Hello"),
        MapRequest(Conversation().user("Hello")),
        UserMessage("Hello"),
        Conversation().user("Hello"),
    ],
)
def test_each_form_is_the_same_request(mode: Mode, row: Any) -> None:
    row = [UserMessage("Hello")] if row == ["Hello"] else row
    mock = MockProvider(script.text("Hi"))
    assert mapped(mode, mock, [row]).texts == {"0": "Hi"}
    assert mock.requests[0].body["messages"] == [{"role": "user", "content": "Hello"}]


@in_both_modes
def test_options_of_a_row_win_over_those_of_the_map(mode: Mode) -> None:
    mock = MockProvider(default=script.text("Hi"))
    rows = ["a", {"messages": "b", "temperature": 0.5}, MapRequest("c", options={"seed": 7})]
    assert not mapped(mode, mock, rows, temperature=0.1, max_tokens=9).errors
    sent = {request.body["messages"][0]["content"]: request.body for request in mock.requests}
    assert [sent[text].get("temperature") for text in "abc"] == [0.1, 0.5, 0.1]
    assert [sent[text].get("seed") for text in "abc"] == [None, None, 7]
    assert {body["max_tokens"] for body in sent.values()} == {9}


@in_both_modes
def test_a_row_with_a_schema_is_parsed_and_one_with_tools_is_run(mode: Mode) -> None:
    def answer(request: Any) -> Any:
        if request.body.get("tools"):
            asked = request.body["messages"][-1]["role"] == "user"
            return script.tool_call("weather", city="Paris") if asked else script.text("It rains")
        return script.text('{"name": "cat"}') if request.body.get("response_format") else script.text("plain")

    mock = MockProvider(default=script.from_function(answer))
    rows: list[Any] = [
        {"messages": "a", "schema": Label},
        {"messages": "b", "tools": [weather]},
        MapRequest("c", schema=Label),
        MapRequest("d", tools=[weather]),
        "e",
        {"messages": "f", "tools": [weather], "schema": Label},
    ]
    done = mapped(mode, mock, rows, order="input")
    parsed = [result.parsed and result.parsed.value for result in done.results]
    assert parsed == [Label(name="cat"), None, Label(name="cat"), None, None, None]
    assert [result.run and result.run.stopped for result in done.results[:5]] == [
        None,
        "answered",
        None,
        "answered",
        None,
    ]
    assert [len(result.attempts) for result in done.results] == [1, 2, 1, 2, 1, 0]
    assert [result.text for result in done.results[1:5]] == ["It rains", '{"name": "cat"}', "It rains", "plain"]
    assert done.errors == {"5": "InvalidRequestError"}
    assert done["1"].usage.total_tokens == sum(each.usage.total_tokens for each in done["1"].attempts if each.usage)


@in_both_modes
def test_a_schema_of_all_rows(mode: Mode) -> None:
    done = mapped(mode, MockProvider(default=script.text('{"name": "x"}')), ["a", "b"], schema=Label)
    assert [result.parsed.value.name for result in done.results if result.parsed] == ["x", "x"]


@pytest.mark.parametrize(("given", "row_id"), [(None, "7"), ("a", "a"), (12, "12"), (0, "0")])
def test_ids(given: object, row_id: str) -> None:
    assert read_row({"messages": "x", "id": given}, 7)[0] == row_id


@in_both_modes
def test_a_second_row_with_an_id_is_not_asked(mode: Mode, tmp_path: Any) -> None:
    mock = MockProvider(default=script.text("Hi"))
    rows = [{"messages": "a", "id": "x"}, {"messages": "b", "id": "x"}, {"messages": "c", "id": "3"}, "d", "e", "f"]
    done = mapped(mode, mock, rows, order="input")
    assert [(result.id, result.error is None) for result in done.results] == [
        ("x", True), ("x", False), ("3", True), ("3", False), ("4", True), ("5", True),
    ]  # fmt: skip
    assert "'x'" in str(done.results[1].error)
    assert len(mock.requests) == 4
    journal = tmp_path / "rows.jsonl"
    mapped(mode, mock, rows, journal=journal)
    assert len(journal.read_text().splitlines()) == 4


@in_both_modes
@pytest.mark.parametrize(
    "row",
    [5, None, [], {"role": "nobody", "content": "x"}, {"messages": "x", "id": True}, {"messages": "x", "temprature": 1},
     {"messages": "x", "tools": "none"}, MapRequest("x", schema=object())],
)  # fmt: skip
@pytest.mark.parametrize("journal", [False, True])
def test_a_wrong_row_is_a_result_with_its_error(mode: Mode, row: Any, journal: bool, tmp_path: Any) -> None:
    mock = MockProvider(default=script.text("Hi"))
    options = {"journal": tmp_path / "rows.jsonl"} if journal else {}
    done = mapped(mode, mock, ["a", row, "b"], order="input", **options)
    assert [result.id for result in done.results] == ["0", "1", "2"]
    assert list(done.errors) == ["1"]
    assert not done["1"].error.retryable  # type: ignore[union-attr]
    assert len(mock.requests) == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"concurrency": 0}, "concurrency is 0"),
        ({"concurrency": "fast"}, "concurrency is 'fast'"),
        ({"max_concurrency": True}, "max_concurrency is True"),
        ({"order": "random"}, "order is 'random'"),
        ({"deadline": 0}, "deadline is 0"),
        ({"deadline": float("nan")}, "deadline is nan"),
        ({"skip_done": True}, "skip_done needs a journal"),
        ({"keep_prompts": True}, "keep_prompts needs a journal"),
        ({"retry_failed": True}, "retry_failed needs a journal"),
        ({"schema": Label, "tools": [weather]}, "schema and tools"),
    ],
)
def test_an_argument_that_makes_no_sense_raises(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        mapped("sync", "mock", ["a"], **given)


@in_both_modes
@pytest.mark.parametrize("requests", ["text", b"text", {"messages": "x"}, 5, None])
def test_requests_that_are_no_rows_raise(mode: Mode, requests: Any) -> None:
    with pytest.raises(ConfigurationError, match="requests is"):
        mapped(mode, "mock", requests)


def test_an_async_iterator_needs_the_async_client() -> None:
    async def rows() -> Any:
        yield "a"

    with pytest.raises(ConfigurationError, match="use AsyncDeepSeekV4"):
        mapped("sync", "mock", rows())
    assert set(mapped("async", MockProvider(script.text("Hi")), rows()).texts.values()) == {"Hi"}
