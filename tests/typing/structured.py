"""Structured answers as users ask for them: the value has the type that was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, assert_type

from pydantic import BaseModel, TypeAdapter

from deepseek_v4_sdk import (
    AsyncDeepSeekV4,
    DeepSeekV4,
    ItemStream,
    JsonValue,
    Parsed,
    ParseStream,
    Partial,
    Reply,
    UserMessage,
)


class Invoice(BaseModel):
    number: str


@dataclass
class Point:
    x: int


def values(client: DeepSeekV4) -> Invoice:
    parsed = client.parse("The invoice A-7", Invoice)
    assert_type(parsed, Parsed[Invoice])
    assert_type(parsed.value, Invoice)
    assert_type(parsed.value.number, str)
    assert_type(parsed.reply, Reply)
    assert_type(parsed.mechanism, Literal["json_schema", "json_object", "tool"])
    assert_type(client.parse([UserMessage("A point")], Point, thinking="off", mechanism="tool").value, Point)
    assert_type(client.parse("Some numbers", list[int], retries=0, mechanism="json_object").value, list[int])
    assert_type(client.parse("Any JSON", {"type": "object"}).value, JsonValue)
    adapter: TypeAdapter[int | str] = TypeAdapter(int | str)
    assert_type(client.parse("A number or a word", adapter).value, int | str)
    return parsed.value


def unions(client: DeepSeekV4) -> object:
    """A union and a literal are types like any other."""
    parsed = client.parse("A number or a word", int | str)
    assert_type(parsed, Parsed[int | str])
    match parsed.value:
        case int(number):
            return number
        case other:
            return other


def others(client: DeepSeekV4) -> None:
    assert_type(client.parse("A number, if there is one", int | None).value, int | None)
    assert_type(client.parse("Yes or no", Literal["yes", "no"]).value, Literal["yes", "no"])
    assert_type(client.parse("Some", list[Invoice | Point]).value, list[Invoice | Point])
    assert_type(client.parse("A point", Annotated[Point, "in space"]).value, Point)


def arriving(client: DeepSeekV4) -> Invoice:
    with client.stream_parse("The invoice A-7", Invoice, mechanism="tool", thinking="off") as stream:
        assert_type(stream, ParseStream[Invoice])
        for partial in stream:
            assert_type(partial, Partial)
            assert_type(partial.value, JsonValue)
            print("number" in partial.complete_paths)
        assert_type(stream.partial, Reply)
        assert_type(stream.parsed(), Parsed[Invoice])
    with client.iter_parse("Some points", Point, retries=0) as points:
        assert_type(points, ItemStream[Point])
        for point in points:
            assert_type(point.x, int)
        assert_type(points.parsed().value, list[Point])
    words = client.iter_parse("Numbers and words", int | str)
    assert_type(words, ItemStream[int | str])
    assert_type(next(client.iter_parse("Any JSON", {"type": "object"})), JsonValue)
    return stream.parsed().value


def wrong(client: DeepSeekV4) -> None:
    client.stream_parse("x", Invoice, temprature=1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    client.iter_parse("x", Invoice, mechanism="grammar")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    client.parse("x", Invoice, mechanism="grammar")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    client.parse("x", Invoice, retry=2)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    print(client.parse("x", Invoice).value.total)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]


async def awaited() -> None:
    async with AsyncDeepSeekV4("mock") as client:
        parsed = await client.parse("The invoice A-7", Invoice)
        assert_type(parsed, Parsed[Invoice])
        assert_type((await client.parse("Any JSON", {"type": "object"})).value, JsonValue)
        assert_type((await client.parse("A number or a word", int | str)).value, int | str)
        async with client.stream_parse("The invoice A-7", Invoice) as stream:
            async for partial in stream:
                assert_type(partial.value, JsonValue)
            assert_type((await stream.parsed()).value, Invoice)
        async for point in client.iter_parse("Some points", Point):
            assert_type(point, Point)
