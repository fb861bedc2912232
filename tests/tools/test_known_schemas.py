"""A tool that is known to be good is neither checked nor written again, and nothing else is taken for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from deepseek_v4_sdk import InvalidRequestError
from deepseek_v4_sdk.chat import OfferedTools, ToolSpec, read_tool, read_tools, tool_spec, write_json
from deepseek_v4_sdk.tools.forms import as_specs


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": {"type": "string", "description": "é"}, **properties}}


def offered(parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": parameters}}


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The number of schemas that were checked."""
    counted: Counter[str] = Counter()
    plain = tool_spec.plain_json

    def counting(value: object, where: str, depth: int = 0) -> Any:
        counted["times"] += 1
        return plain(value, where, depth)

    monkeypatch.setattr(tool_spec, "plain_json", counting)
    return counted


def test_one_check_is_enough(checked: Counter[str]) -> None:
    given = schema(once={"type": "integer"})
    first = as_specs([offered(given)])
    assert checked["times"] == 1
    assert as_specs([offered(given)]) == read_tools(first) == first
    assert checked["times"] == 1


def test_a_schema_that_changed_is_read_again() -> None:
    given = schema()
    before = read_tool(offered(given), "it")
    given["properties"]["b"] = {"type": "integer"}
    after = read_tool(offered(given), "it")
    assert before.parameters == schema()
    assert after.parameters == schema(b={"type": "integer"})
    given["properties"]["b"] = {1, 2}
    with pytest.raises(InvalidRequestError, match="is set"):
        read_tool(offered(given), "it")


@pytest.mark.parametrize(
    ("good", "bad", "text"),
    [
        ({"enum": [1]}, {"enum": {1}}, "is set"),
        ({"enum": [1]}, {"enum": (1,)}, None),
        ({"maximum": 1}, {"maximum": float("inf")}, "JSON has no such number"),
        ({"const": "a"}, {"const": b"a"}, "is bytes"),
        ({"const": "a"}, {"const": "\ud800"}, "half a surrogate pair"),
        ({"1": {}}, {1: {}}, "keys are texts"),
        ({"$ref": "#/x"}, {"$ref": "http://x.example/y"}, "nothing is fetched"),
    ],
)
def test_what_looks_alike_is_judged_by_itself(good: Any, bad: Any, text: str | None) -> None:
    for _ in range(2):
        read_tool(offered(schema(b=good)), "it")
        if text is None:
            assert read_tool(offered(schema(b=bad)), "it") == read_tool(offered(schema(b=good)), "it")
        else:
            with pytest.raises(InvalidRequestError, match=text):
                read_tool(offered(schema(b=bad)), "it")


def test_equal_numbers_of_other_types_stay_what_they_are() -> None:
    for value in (1, 1.0, True):
        spec = read_tool(offered(schema(b={"const": value})), "it")
        assert repr(spec.parameters) == repr(schema(b={"const": value}))


def test_the_copies_of_two_requests_are_apart() -> None:
    first, second = (read_tool(offered(schema()), "it").to_dict() for _ in range(2))
    function = first["function"]
    assert isinstance(function, dict)
    assert isinstance(function["parameters"], dict)
    function["parameters"]["properties"] = {}
    assert second == ToolSpec("f", None, schema()).to_dict()


def test_requests_send_the_tools_that_were_read() -> None:
    given = [offered(schema(b={"const": value})) for value in (1, 1.0, True, "é")]
    for tool in (*given, ToolSpec("g", "d", schema(), True)):
        for spec in (read_tool(tool, "it"), *as_specs([tool])):
            assert OfferedTools([spec]).written == write_json([spec.to_dict()])
    changed = replace(read_tool(given[0], "it"), name="other")
    assert OfferedTools([changed]).written == write_json([changed.to_dict()])


def test_a_request_whose_own_copy_was_changed_changes_no_other() -> None:
    first = read_tool(offered(schema()), "it")
    first.parameters["properties"]["b"] = {}  # type: ignore[index]
    assert OfferedTools([read_tool(offered(schema()), "it")]).written == write_json(
        [ToolSpec("f", None, schema()).to_dict()]
    )


def test_a_changed_spec_is_checked() -> None:
    spec = read_tool(offered(schema()), "it")
    with pytest.raises(InvalidRequestError, match="is set"):
        read_tool(replace(spec, parameters={"enum": {1}}), "it")
