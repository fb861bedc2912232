"""The public border: signatures name only public types, everything public is described, each place has its list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.house.border import PLACES, Border, border

if TYPE_CHECKING:
    from pathlib import Path

# Bases that are an inner matter: a class of the face has their members as its own, and promises nothing about the base.
# Give a new base a public name, or write it down here.
INNER_BASES = {
    "batch.maps._Results",
    "call.event_streams.AsyncEventStream",
    "call.event_streams.EventStream",
    "call.streams._Chat",
    "chat.checked.Checked",
    "chat.events.StreamEvent",
    "chat.model_field.ModelField",
    "chat.options.AskOptions",
    "chat.shared.Shared",
    "client.mapping.AsyncMapCalls",
    "client.mapping.MapCalls",
    "client.tool_run_state.RunState",
    "integrations.langchain.model._WithOptions",
    "testing.cassettes.proxy.CheckedDelegatingProvider",
    "testing.cassettes.proxy.DelegatingProvider",
    "testing.script._Step",
    "traffic.registry.SharedLimits",
    "transport.http_clients.BuildsRequests",
}
# Signatures that have to name `Any`: a rule takes the value of one option, which has that option's own type; a type of
# a framework is generic over anything, or its method returns anything.
WITH_ANY = {
    "providers.OptionRule",
    "integrations.langchain.ChatDeepSeekV4.with_structured_output",
    "integrations.openai_agents.DeepSeekV4AgentsModel.get_response(handoffs)",
    "integrations.openai_agents.DeepSeekV4AgentsModel.stream_response(handoffs)",
    "integrations.pydantic_ai.DeepSeekV4Model.request_stream(run_context)",
}

BAD = '''
"""A package with a face that is wrong in each way that the checks find."""

from typing import Any, TypeAlias, TypeVar

from bad.inner import Fine, Hidden

__all__ = ["Choice", "Fine", "Public", "function"]

T = TypeVar("T")
Choice: TypeAlias = str | Hidden
"""A choice."""


class Public(Hidden):
    """A public class."""

    field: Hidden
    untyped: Any

    def __init__(self, given: Hidden, _own: Hidden) -> None:
        self.inferred = Hidden()

    def method(self) -> "list[Hidden]": ...

    @property
    def made(self) -> dict[str, Hidden]:
        """A property."""
        ...

    def _private(self) -> Hidden: ...


def function(fine: Fine, value: T) -> T: ...
'''
INNER = '''
class Fine:
    """A class that is public."""


class Hidden:
    """A class that is not."""

    def inherited(self, other: "Hidden") -> Fine:
        """A method."""
        ...
'''


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Border:
    folder: Path = tmp_path_factory.mktemp("border")
    (folder / "bad").mkdir()
    (folder / "bad" / "__init__.py").write_text(BAD, encoding="utf-8")
    (folder / "bad" / "inner.py").write_text(INNER, encoding="utf-8")
    return Border(["bad"], folder)


def test_a_signature_that_names_an_inner_type_is_found(bad: Border) -> None:
    found = [(named.where, named.type.removeprefix("bad.inner."), named.part) for named in bad.named()]
    assert sorted(found) == [
        ("bad.Choice", "Hidden", "value"),
        ("bad.Public", "Hidden", "base"),
        ("bad.Public.__init__(given)", "Hidden", "parameter"),
        ("bad.Public.field", "Hidden", "result"),
        ("bad.Public.inferred", "Hidden", "result"),
        ("bad.Public.inherited(other)", "Hidden", "parameter"),
        ("bad.Public.made", "Hidden", "result"),
        ("bad.Public.method", "Hidden", "result"),
        ("bad.Public.untyped", "Any", "result"),
    ]


def test_a_public_name_without_a_docstring_is_found(bad: Border) -> None:
    assert sorted(bad.undescribed()) == ["bad.Public.method", "bad.function"]


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("from bad import Public", []),
        ("from bad import Hidden", ["bad.Hidden"]),
        ("from bad.inner import Fine", ["bad.inner.Fine"]),
        ("import bad.inner", ["bad.inner"]),
        ("import bad; bad.Public.method", []),
        ("import bad; bad.inner.Fine()", ["bad.inner"]),
        ("import bad as b; print(b.Any)", ["bad.Any"]),
        ("import badly.inner; badly.inner", []),
    ],
)
def test_a_program_that_uses_an_inner_name_is_found(bad: Border, program: str, found: list[str]) -> None:
    assert sorted(set(bad.inner_names(program))) == found


def test_public_signatures_name_public_types() -> None:
    package = f"{PLACES[0]}."
    inner = [
        (named.where, named.type)
        for named in border().named()
        if not (named.part == "base" and named.type.removeprefix(package) in INNER_BASES)
        and not (named.type == "Any" and named.where.removeprefix(package) in WITH_ANY)
    ]
    assert inner == [], "give these types a public name, or take them out of the signature"


def test_the_exceptions_are_needed() -> None:
    named = list(border().named())
    package = f"{PLACES[0]}."
    assert {each.type.removeprefix(package) for each in named if each.part == "base"} == INNER_BASES
    assert {each.where.removeprefix(package) for each in named if each.type == "Any"} == WITH_ANY


def test_public_names_are_described() -> None:
    assert list(border().undescribed()) == []


@pytest.mark.parametrize("place", PLACES)
def test_a_place_lists_its_names(place: str) -> None:
    exports = [str(name) for name in border().places[place].exports or ()]
    assert exports == sorted(set(exports), key=exports.index), "a name stands there twice"
    assert exports
    for name in border().names(place):
        thing = border().named_thing(place, name)
        assert not thing.is_module or f"{place}.{name}" in PLACES, f"{place}.{name} is a module, and not a public place"
