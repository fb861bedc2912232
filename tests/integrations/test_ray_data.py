"""`ChatBatches` without Ray: what an actor does with its batches (`make frameworks FRAMEWORKS=ray` has a cluster)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pytest

from deepseek_v4_sdk import ConfigurationError, RateLimits
from deepseek_v4_sdk.integrations.ray_data import ChatBatches
from deepseek_v4_sdk.testing import MockProvider, script

if TYPE_CHECKING:
    from pathlib import Path


def _echo(request: Any) -> Any:
    text = request.body["messages"][-1]["content"]
    return script.error(400, "bad") if text == "bad" else script.think("hm") + script.text(f"echo: {text}")


@pytest.fixture
def mock() -> MockProvider:
    return MockProvider(default=script.from_function(_echo), count_tokens=False)


async def _made(batches: ChatBatches, *given: Any) -> list[Any]:
    async def one(batch: Any) -> Any:
        (made,) = [made async for made in batches(batch)]
        return made

    return list(await asyncio.gather(*map(one, given)))


async def test_a_mapping_of_columns(mock: MockProvider) -> None:
    batches = ChatBatches(provider=mock, column="prompt", max_tokens=50, thinking="low")  # type: ignore[arg-type]
    made, empty = await _made(batches, {"prompt": ["one", "bad"], "n": [1, 2]}, {"prompt": [], "n": []})
    assert (made["prompt"], made["n"]) == (["one", "bad"], [1, 2])
    assert made["answer"] == ["echo: one", ""]
    assert (made["reasoning"], made["finish_reason"]) == (["hm", ""], ["stop", ""])
    assert (made["error_type"], made["attempts"]) == (["", "BadRequestError"], [1, 1])
    assert made["completion_tokens"][0] > 0
    assert empty["answer"] == empty["attempts"] == []
    assert {request.body["max_tokens"] for request in mock.requests} == {50}
    assert {request.thinking for request in mock.requests} == {"low"}


async def test_a_table_has_nulls_of_the_right_type_and_rows_of_messages(mock: MockProvider) -> None:
    batches = ChatBatches(provider=mock, column="messages")  # type: ignore[arg-type]
    messages = [[{"role": "system", "content": "short"}, {"role": "user", "content": "one"}]]
    (made,) = await _made(batches, pa.table({"messages": messages, "tags": [["x"]]}))
    assert made.column("answer").to_pylist() == ["echo: one"]
    assert made.column("tags").to_pylist() == [["x"]]
    assert (made.schema.field("error").type, made.column("error").to_pylist()) == (pa.string(), [None])
    assert [message["role"] for message in mock.requests[0].body["messages"]] == ["system", "user"]


async def test_batches_of_an_actor_share_its_limit(mock: MockProvider) -> None:
    batches = ChatBatches(provider=mock, column="prompt", concurrency=3)  # type: ignore[arg-type]
    assert batches._client._arguments["limits"].concurrency == 3
    made = await _made(batches, *({"prompt": [f"{number} {row}" for row in range(10)]} for number in range(4)))
    assert [batch["answer"][9] for batch in made] == [f"echo: {number} 9" for number in range(4)]
    own = ChatBatches(provider=mock, column="prompt", limits=RateLimits(concurrency=5))  # type: ignore[arg-type]
    assert own._client._arguments["limits"].concurrency == 5


async def test_what_the_folder_holds_is_not_sent_again(mock: MockProvider, tmp_path: Path) -> None:
    given: dict[str, Any] = {"provider": mock, "column": "prompt", "id_column": "key", "journal": tmp_path}
    first, other = ChatBatches(**given), ChatBatches(**given)
    batch = {"prompt": ["one", "bad", "two"], "key": [7, 8, 9]}
    (done,) = await _made(first, batch)
    (again,) = await _made(other, batch)  # another actor, which was there before
    assert again == done
    assert len(mock.requests) == 3
    (changed,) = await _made(first, {"prompt": ["one", "one"], "key": [7, 9]})
    assert changed["answer"] == ["echo: one", "echo: one"]
    assert len(mock.requests) == 4


async def test_structured_answers_are_json() -> None:
    mock = MockProvider(default=script.text('{"value": "cat"}'), count_tokens=False)
    batches = ChatBatches(provider=mock, column="prompt", schema=Literal["cat", "dog"])  # type: ignore[arg-type]
    assert [made["answer"] for made in await _made(batches, {"prompt": ["which?"]})] == [['"cat"']]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "provider or profile"),
        ({"provider": "mock", "profile": "x"}, "provider or profile"),
        ({"provider": "mock", "journal": "folder"}, "journal needs id_column"),
        ({"provider": "mock", "concurrency": 0}, "concurrency is 0"),
    ],
)
def test_arguments_that_make_no_sense(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ChatBatches(column="prompt", **given)


async def test_a_column_that_is_not_there() -> None:
    with pytest.raises(ConfigurationError, match="no column 'prompt'; it has text"):
        await _made(ChatBatches(provider="mock", column="prompt"), {"text": ["x"]})
