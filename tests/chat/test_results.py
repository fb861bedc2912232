"""Results of tools whose form in JSON is plain to see, whatever their class; and what has none."""

from __future__ import annotations

import collections
import fractions
import ipaddress
import itertools
import json
import pathlib
import types
import unittest.mock
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from deepseek_v4_sdk import InvalidRequestError
from deepseek_v4_sdk.chat import result_text


class Number:
    """A whole number of somebody's own."""

    def __index__(self) -> int:
        return 7


class Measure:
    """A real one."""

    def __float__(self) -> float:
        return 2.5


class Keyed(Mapping[str, int]):
    """A mapping of somebody's own."""

    def __getitem__(self, key: str) -> int:
        return {"a": 1}[key]

    def __iter__(self) -> Iterator[str]:
        return iter("a")

    def __len__(self) -> int:
        return 1


class Row:
    """A row of a database: neither dict nor Mapping."""

    def keys(self) -> list[str]:
        return ["id", "when"]

    def __getitem__(self, key: str) -> object:
        return {"id": np.int16(3), "when": date(2026, 1, 2)}[key]


class Bag:
    """Only iterable."""

    def __iter__(self) -> Iterator[object]:
        return iter([Number(), Measure()])


class Labels:
    """The index of a table."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.start, self.step = (None, None) if names else (0, 1)
        self.is_unique = len(set(names)) == len(names)


class Table:
    """A table as pandas has it."""

    columns = ("n",)

    def __init__(self, *names: str) -> None:
        self.index = Labels(*names)
        self.kept: tuple[str, ...] = ()

    def reset_index(self) -> Table:
        table = Table()
        table.kept = self.index.names
        return table

    def to_dict(self, orient: str) -> list[dict[str, object]]:
        assert orient == "records"
        labels = self.kept or (None, None)
        return [{**({"index": label} if label else {}), "n": number} for label, number in zip(labels, (1, 2.5))]  # noqa: B905


class Column:
    """A column of one."""

    def __init__(self, *names: str) -> None:
        self.index = Labels(*names)

    def tolist(self) -> list[float]:
        return [1, float("nan")]

    def items(self) -> Iterator[tuple[str, float]]:
        return zip(self.index.names, self.tolist(), strict=True)

    def to_dict(self) -> dict[str, float]:
        return dict(self.items())


class NAType:
    """What pandas has in a gap: it answers no comparison."""

    def __eq__(self, other: object) -> bool:
        raise TypeError

    __hash__ = None  # type: ignore[assignment]


class NaTType(datetime):
    """And where a time is missing."""


@dataclass
class Found:
    """A dataclass with such things in it."""

    count: object
    place: object


PLAIN: list[tuple[object, object]] = [
    (np.int64(3), 3),
    (np.uint8(255), 255),
    (np.float32(1.5), 1.5),
    (np.float64(0.1), 0.1),
    (np.bool_(True), True),
    (np.str_("x"), "x"),
    ([np.str_("x")], ["x"]),
    (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    (np.array(5), 5),
    (np.array([1.5, np.nan]), [1.5, None]),
    (np.array(["2026-01-02T03:04", "NaT"], dtype="datetime64[ns]"), ["2026-01-02T03:04:00", None]),
    (np.datetime64("2026-01-02T03:04", "ns"), "2026-01-02T03:04:00"),
    (np.timedelta64(90_000_000_000, "ns"), "PT1M30S"),
    ({"m": {"x": np.int8(1)}, "list": [np.float16(0.5)]}, {"m": {"x": 1}, "list": [0.5]}),
    ({np.int64(4): 1, date(2026, 1, 2): 2, True: 3}, {"4": 1, "2026-01-02": 2, "true": 3}),
    (Found(np.int8(1), pathlib.PurePosixPath("/x")), {"count": 1, "place": "/x"}),
    (Number(), 7),
    (Measure(), 2.5),
    (Decimal("1.10"), "1.10"),
    (fractions.Fraction(1, 3), "1/3"),
    (Keyed(), {"a": 1}),
    (Row(), {"id": 3, "when": "2026-01-02"}),
    (types.MappingProxyType({"a": Number()}), {"a": 7}),
    (collections.UserDict(a=1), {"a": 1}),
    (collections.ChainMap({"a": 1}, {"b": 2}), {"a": 1, "b": 2}),
    (collections.UserList([1, 2]), [1, 2]),
    (collections.deque([np.int8(1)]), [1]),
    (types.SimpleNamespace(a=Number()), {"a": 7}),
    (pathlib.PurePosixPath("/x"), "/x"),
    (pathlib.PureWindowsPath("c:/x"), "c:\\x"),
    (ipaddress.ip_address("::1"), "::1"),
    (range(3), [0, 1, 2]),
    ({"b": 1}.keys(), ["b"]),
    ({"b": 1}.items(), [["b", 1]]),
    (map(abs, [-1, 2]), [1, 2]),
    ((number for number in (np.int8(1), 2)), [1, 2]),
    (itertools.chain([1], "a"), [1, "a"]),
    (memoryview(b"ab"), [97, 98]),
    (Bag(), [7, 2.5]),
    (timedelta(hours=1), "PT1H"),
    (float("nan"), None),
    ({"gap": float("nan"), "at": datetime(2026, 1, 2, 3, 4)}, {"gap": None, "at": "2026-01-02T03:04:00"}),
    ([NAType(), NaTType(2026, 1, 2)], [None, None]),
    (Table(), [{"n": 1}, {"n": 2.5}]),
    (Table("x", "y"), [{"index": "x", "n": 1}, {"index": "y", "n": 2.5}]),
    (Column(), [1, None]),
    (Column("x", "y"), {"x": 1, "y": None}),
    (Column("x", "x"), [["x", 1], ["x", None]]),
]


@pytest.mark.parametrize(("value", "plain"), PLAIN, ids=lambda value: type(value).__name__)
def test_what_json_has_a_form_for(value: object, plain: object) -> None:
    text = result_text(value)
    assert text == plain if isinstance(value, str) else json.loads(text) == plain


def _nested(levels: int) -> object:
    value: object = Number()
    for _ in range(levels):
        value = (value,)
    return value


class Fails:
    """Says that it can, and cannot."""

    def tolist(self) -> object:
        raise OSError("the disk is gone")


class Again:
    """Never comes nearer to JSON."""

    def tolist(self) -> object:
        return Again()


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda: {"rows": [{"ratio": float("inf")}]}, r"it\.rows\[0\]\.ratio is inf"),
        (lambda: np.array([-np.inf]), r"\[0\] is -inf"),
        (lambda: {"a": [1, object()]}, r"it\.a\[1\] is object"),
        (lambda: [print], r"it\[0\] is builtin_function_or_method"),
        (lambda: int, "it is type"),
        (lambda: Found(ValueError("x"), 1), "ValueError"),
        (lambda: {Number: 1}, "type"),
        (lambda: {np.int8(1): "a", "1": "b"}, "the key '1' twice"),
        (lambda: b"\xff", "utf-8"),
        (lambda: Fails(), "the disk is gone"),
        (lambda: Again(), "levels deep"),
        (lambda: _nested(5000), "levels deep"),
        (lambda: 10**5000, "digits"),
    ],
)
def test_what_has_no_form_is_named_by_its_place(make: Callable[[], Any], where: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"the result cannot be written as JSON: .*{where}"):
        result_text(make())


def test_what_pretends_to_be_everything_comes_to_an_end() -> None:
    assert result_text(unittest.mock.MagicMock()) == "[]"


def test_a_nesting_of_ordinary_depth_is_none_of_this() -> None:
    assert json.loads(result_text(_nested(50)))
