"""Functions and types that the tests of tools share; at module level, where annotations find them."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from deepseek_v4_sdk import tool


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Place:
    city: str
    country: str = "France"


class Item(BaseModel):
    """Something to buy."""

    name: str
    count: Annotated[int, Field(ge=1)] = 1
    tags: frozenset[str] = frozenset({"a", "b", "c", "d", "e"})


class Range(TypedDict, total=False):
    low: int
    high: int


class Node(BaseModel):
    value: int
    children: list[Node] = []


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    good: bool


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]


@tool
def everything(
    items: list[Item],
    color: Color,
    day: dt.date,
    place: Place | None = None,
    span: Range | None = None,
    tree: Node | None = None,
    pet: Pet | None = None,
    pair: tuple[int, str] = (1, "x"),
    words: frozenset[str] = frozenset({"q", "w", "e", "r", "t", "y"}),
    limits: dict[str, float] | None = None,
    either: int | str | list[int] = 0,
    *,
    mode: Literal["fast", "slow"] = "fast",
) -> None:
    """Take one of everything."""


def weather(city: str, days: int = 1) -> str:
    """The weather.

    Args:
        city: Where.
        days: How many
            days.
    """
    return f"{city} {days}"


class Station:
    """Where weather is measured."""

    def __init__(self, name: str) -> None:
        self.name = name

    @tool
    def measure(self, what: str) -> str:
        """Measure something."""
        return f"{self.name}: {what}"

    @classmethod
    @tool
    def known(cls, region: str) -> str:
        """The stations of a region."""
        return f"{cls.__name__} {region}"

    @staticmethod
    @tool
    def convert(celsius: float) -> float:
        """Celsius to Fahrenheit."""
        return celsius * 1.8 + 32

    def plain(self, what: str) -> str:
        """Not decorated."""
        return f"{self.name}, plainly: {what}"

    def __call__(self, station: str) -> str:
        """Call a station."""
        return station
