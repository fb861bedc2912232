"""Whatever fits a function's types comes back from JSON the same, and fits the schema that the model was given."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from deepseek_v4_sdk import InvalidToolArgumentsError, ToolCall, ToolSpec
from deepseek_v4_sdk.chat import JsonValue, write_json
from deepseek_v4_sdk.tools import as_spec, validate_arguments
from tests.support.profiles import examples
from tests.tools.samples import Cat, Color, Dog, Item, Node, Place, Range, everything

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
WHOLE = st.integers(-(2**63), 2**63 - 1)
PLACES = st.builds(Place, city=TEXTS, country=TEXTS)
RANGES: st.SearchStrategy[Range] = st.fixed_dictionaries({}, optional={"low": WHOLE, "high": WHOLE})  # type: ignore[assignment]
ITEMS = st.builds(Item, name=TEXTS, count=st.integers(1, 9), tags=st.frozensets(TEXTS, max_size=3))
NODES = st.recursive(
    st.builds(Node, value=WHOLE, children=st.just([])),
    lambda inner: st.builds(Node, value=WHOLE, children=st.lists(inner, max_size=2)),
    max_leaves=5,
)
PETS = st.builds(Cat, kind=st.just("cat"), lives=WHOLE) | st.builds(Dog, kind=st.just("dog"), good=st.booleans())
ARGUMENTS = st.fixed_dictionaries(
    {
        "items": st.lists(ITEMS, max_size=3),
        "color": st.sampled_from(Color),
        "day": st.dates(dt.date(1, 1, 1)),
    },
    optional={
        "place": st.none() | PLACES,
        "span": st.none() | RANGES,
        "tree": st.none() | NODES,
        "pet": st.none() | PETS,
        "pair": st.tuples(WHOLE, TEXTS),
        "words": st.frozensets(TEXTS, max_size=3),
        "limits": st.none() | st.dictionaries(TEXTS, st.floats(allow_nan=False, allow_infinity=False), max_size=3),
        "either": WHOLE | TEXTS | st.lists(WHOLE, max_size=3),
        "mode": st.sampled_from(["fast", "slow"]),
    },
)
WRITTEN = ToolSpec("everything", parameters=everything.parameters)


@examples(30)
@given(ARGUMENTS)
def test_what_fits_comes_back(arguments: dict[str, Any]) -> None:
    text = write_json(TypeAdapter(dict[str, Any]).dump_python(arguments, mode="json")).decode()
    call = ToolCall("c", "everything", text)
    assert everything.bind(call) == arguments
    assert validate_arguments(call, everything) == validate_arguments(call, WRITTEN)


JSON: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | WHOLE | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([*cast("dict[str, object]", everything.parameters["properties"]), "other"])


@examples(40)
@example({"items": {"\n": None}}, True)
@given(st.dictionaries(NAMES, JSON, max_size=4), st.booleans())
def test_whatever_comes_is_taken_or_refused_in_words(value: dict[str, JsonValue], by_types: bool) -> None:
    call = ToolCall("c", "everything", write_json(value).decode())
    call = call.checked_by(everything.check if by_types else as_spec(WRITTEN).check)
    error = call.error
    if error is None:
        assert call.parsed == value
        return
    assert error.path
    assert len(str(error)) < 700
    assert "\n" not in str(error)


@examples(25)
@given(TEXTS | JSON.map(lambda value: write_json(value).decode()))
def test_no_text_breaks_it(text: str) -> None:
    for by in (everything, WRITTEN):
        with pytest.raises(InvalidToolArgumentsError):
            validate_arguments(ToolCall("c", "everything", text), by)
