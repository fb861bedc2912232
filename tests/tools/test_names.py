"""Annotations are looked up where Python would: in the class, in the functions around, in the module."""

# pyright: reportUnknownParameterType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportAttributeAccessIssue=false, reportIncompatibleVariableOverride=false, reportUnknownVariableType=false

from __future__ import annotations
import __future__

import sys
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from deepseek_v4_sdk import ConfigurationError, tool
from deepseek_v4_sdk.chat import ToolCall
from deepseek_v4_sdk.tools import as_tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from somewhere_else import Unknown  # type: ignore[import-not-found]  # pyright: ignore[reportMissingImports]


class Query(BaseModel):
    """The module's, which others hide."""

    module: int


class Desk:
    class Query(BaseModel):
        text: str

    class Drawer:
        class Query(TypedDict):
            inner: int

        @tool
        def open(self, q: Query) -> None: ...  # its own class's, not the outer one's

    @tool
    def ask(self, q: Query) -> None: ...

    @classmethod
    @tool
    def known(cls, q: Query) -> None: ...

    @tool
    def twice(self, q: Desk.Query) -> None: ...


class Lamp(Desk):
    class Query(BaseModel):  # of the subclass, which the method above does not mean
        other: str


def shown(given: Any) -> list[str]:
    """The names of the fields of the parameter `q`."""
    schema: Any = as_tool(given).parameters
    return list(schema["properties"]["q"]["properties"])


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        (Desk().ask, ["text"]),
        (Desk.ask, ["text"]),
        (Lamp().ask, ["text"]),
        (Desk.known, ["text"]),
        (Lamp.known, ["text"]),
        (Desk().twice, ["text"]),
        (Desk.Drawer().open, ["inner"]),
    ],
    ids=repr,
)
def test_a_class_in_the_class_of_the_method(given: Any, fields: list[str]) -> None:
    assert shown(given) == fields


def test_a_class_of_the_function_around_hides_the_modules() -> None:
    @dataclass
    class Query:
        local: str

    @tool
    def unused(q: Query) -> None: ...

    def closed(q: Query) -> object:
        return Query(q.local)

    assert shown(unused) == shown(closed) == ["local"]
    assert as_tool(closed).bind(ToolCall("c", "closed", '{"q": {"local": "x"}}')) == {"q": Query("x")}


def _made_elsewhere() -> Callable[[Any], object]:
    class Query(BaseModel):
        cell: int

    def keeps(q: Query) -> object:
        return Query

    return keeps


def test_a_class_that_only_the_closure_still_holds() -> None:
    assert shown(_made_elsewhere()) == ["cell"]


def test_classes_of_a_function_that_is_running() -> None:
    class Shop:
        class Query(Enum):
            ONE = "one"

        @tool
        def early(self, kind: Query, other: Shop.Query) -> None: ...

        def plain(self, kind: Shop.Query) -> None: ...

    one = {"type": "string", "enum": ["one"]}
    assert Shop().early.parameters["properties"] == {"kind": one, "other": one}
    assert as_tool(Shop().plain).parameters["properties"] == {"kind": one}


def _shop() -> Any:
    class Shop:
        class Query(BaseModel):
            far: int

        def plain(self, q: Shop.Query) -> None: ...

        @tool
        def made(self, q: Shop.Query) -> None: ...

    return Shop()


def test_the_class_of_the_object_when_its_function_has_ended() -> None:
    assert shown(_shop().plain) == shown(_shop().made) == ["far"]


def test_an_object_that_is_called() -> None:
    class Caller:
        class Query(BaseModel):
            called: int

        def __call__(self, q: Query) -> None: ...

    assert shown(Caller()) == ["called"]


def test_what_is_nowhere_is_named() -> None:
    def lost(q: Unknown) -> None: ...

    with pytest.raises(ConfigurationError, match="'q' of 'lost' names 'Unknown', which is neither"):
        _ = as_tool(lost).name


_LATE = """
from deepseek_v4_sdk import tool

@tool
def returns(a: int) -> Nowhere:
    "Gives what type checkers know."

def plain(a: int) -> Nowhere: ...

@tool
def early(a: int, late: Late) -> None: ...

class Kit:
    @tool
    def itself(self, a: int) -> Kit: ...

Late = int
"""


def test_annotations_that_are_evaluated_late() -> None:
    """As texts by the future import; from Python 3.14 on by the language itself, where the import is not needed."""
    flags = 0 if sys.version_info >= (3, 14) else __future__.annotations.compiler_flag
    held: dict[str, Any] = {"__name__": "late"}
    exec(compile(_LATE, "late.py", "exec", flags=flags, dont_inherit=True), held)
    for given in (held["returns"], held["plain"], held["Kit"]().itself):
        assert as_tool(given).parameters["properties"] == {"a": {"type": "integer"}}
    made = as_tool(held["early"])
    assert made.parameters["properties"] == {"a": {"type": "integer"}, "late": {"type": "integer"}}
