"""Keywords that a server's grammar refuses are named before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, Field

from deepseek_v4_sdk import InvalidRequestError, UnsupportedOptionError
from deepseek_v4_sdk.providers import find_provider
from deepseek_v4_sdk.providers.nim import NIM
from deepseek_v4_sdk.structured.mechanism import refusals
from tests.structured.cases import client_of, said
from tests.support.modes import in_both_modes

if TYPE_CHECKING:
    from tests.support.replay import Mode

VLLM, SGLANG = {"vllm"}, {"sglang"}
BOTH, NONE = VLLM | SGLANG, set[str]()
_INTS = {"type": "array", "items": {"type": "integer"}}
_TEXT = {"type": "string"}

# Each schema was sent to vLLM 0.32.0 and to SGLang 0.5.23 under the key "value": who answered 400 (or 500) is listed.
ASKED: list[tuple[str, Mapping[str, object], set[str]]] = [
    ("uniqueItems", {**_INTS, "uniqueItems": True}, BOTH),
    ("uniqueItems", {**_INTS, "uniqueItems": False}, BOTH),
    ("contains", {**_INTS, "contains": {"const": 1}}, BOTH),
    ("maxContains", {"type": "array", "maxContains": 1}, BOTH),
    ("multipleOf", {"type": "integer", "multipleOf": 5}, SGLANG),
    ("not", {"not": _TEXT}, SGLANG),
    ("if", {"if": _TEXT, "then": {"minLength": 1}}, SGLANG),
    ("dependentRequired", {"type": "object", "dependentRequired": {"a": ["b"]}}, SGLANG),
    ("dependentSchemas", {"type": "object", "dependentSchemas": {"a": {"required": ["b"]}}}, SGLANG),
    ("minLength", {**_TEXT, "pattern": "^a+$", "minLength": 2}, SGLANG),
    ("minLength", {**_TEXT, "format": "date", "minLength": 3}, SGLANG),
    ("propertyNames", {"type": "object", "properties": {"x": _TEXT}, "propertyNames": {"pattern": "^a"}}, VLLM),
    *[("format", {**_TEXT, "format": name}, BOTH) for name in ("regex", "binary", "password", "uuid4", "iri", "path")],
    *[("pattern", {**_TEXT, "pattern": text}, BOTH) for text in (r"(a)\1", r"\bfoo\b", r"a\Bb", r"(?<=a)b", r"\p{L}+")],
    *[("", {**_TEXT, "format": name}, NONE) for name in ("date", "date-time", "uuid", "email", "uri", "duration")],
    *[("", {**_TEXT, "pattern": text}, NONE) for text in ("(?=a)b", "a+?b", "(?P<x>a)", "(?i)a", r"\\b", r"a\d{2}")],
    ("", {**_TEXT, "maxLength": 10, "minLength": 1}, NONE),
    ("", {"allOf": [_TEXT, {"minLength": 1}]}, NONE),
    ("", {"oneOf": [_TEXT, {"type": "integer"}]}, NONE),
    ("", {"type": "object", "patternProperties": {"^a": _TEXT, "^b": _TEXT}}, NONE),
    ("", {"type": "object", "propertyNames": {"pattern": "^a"}}, NONE),
    ("", {"type": "number", "exclusiveMinimum": 0, "maximum": 2.5}, NONE),
    ("", {**_INTS, "minItems": 3, "maxItems": 5}, NONE),
]


@pytest.mark.parametrize(("keyword", "schema", "who"), ASKED, ids=[f"{c[0]}-{i}" for i, c in enumerate(ASKED)])
def test_what_the_servers_said(keyword: str, schema: Mapping[str, object], who: set[str]) -> None:
    whole = {"type": "object", "properties": {"value": schema}}
    for name in ("vllm", "sglang", "nvidia", "dynamo", "nim"):
        places = [place for place, _ in refusals(whole, find_provider(name).data.grammar)]
        refused = name in who if name in BOTH else who == BOTH  # where the engine is not known: what both refuse
        assert places == ([f"properties.value.{keyword}"] if refused else []), name
    assert NIM("sglang").data.grammar == find_provider("sglang").data.grammar
    assert NIM("vllm").data.grammar == find_provider("vllm").data.grammar


class Order(BaseModel):
    tags: set[str]
    pack: int = Field(multiple_of=6)


@in_both_modes
@pytest.mark.parametrize("mechanism", ["auto", "json_schema", "tool"])
@pytest.mark.parametrize("flavor", ["vllm", "sglang"])
def test_it_is_named_with_its_place(mode: Mode, flavor: str, mechanism: str) -> None:
    mock, client = client_of(mode, flavor)
    with pytest.raises(UnsupportedOptionError) as caught:
        client.parse("The order", Order, mechanism=mechanism)
    error = caught.value
    assert isinstance(error, InvalidRequestError)
    assert "properties.tags.uniqueItems: its grammar refuses uniqueItems" in str(error)
    assert ("properties.pack.multipleOf" in str(error)) == (flavor == "sglang")
    assert "mechanism='json_object'" in str(error)
    assert error.option == "schema"
    assert not mock.requests


@in_both_modes
@pytest.mark.parametrize("flavor", ["vllm", "sglang", "deepseek"])
def test_the_way_out(mode: Mode, flavor: str) -> None:
    """Without a grammar every keyword is fine: the check is here."""
    _, client = client_of(mode, flavor, said("json_object", {"tags": ["a", "a"], "pack": 12}))
    assert client.parse("The order", Order, mechanism="json_object").value == Order(tags={"a"}, pack=12)


class Short(BaseModel):
    word: str = Field(max_length=5)


@in_both_modes
def test_strict_tools_of_deepseek(mode: Mode) -> None:
    mock, client = client_of(mode, "deepseek")
    with pytest.raises(UnsupportedOptionError, match=r"properties\.word\.maxLength: strict tools"):
        client.parse("One word", Short, mechanism="tool")
    assert not mock.requests


@in_both_modes
@pytest.mark.parametrize("flavor", ["vllm", "deepseek"])
def test_a_strict_tool_requires_all(mode: Mode, flavor: str) -> None:
    """A property with a default is required too: strict tools know no other."""

    class Loose(BaseModel):
        word: str = "none"

    mock, client = client_of(mode, flavor, said("tool", {"word": "tea"}))
    assert client.parse("One word", Loose, mechanism="tool").value.word == "tea"
    [tool] = mock.requests[-1].body["tools"]
    parameters: Any = tool["function"]["parameters"]
    assert parameters["required"] == ["word"]
