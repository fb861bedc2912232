"""Which repairs a person may want to hear of."""

from __future__ import annotations

import ast

import pytest

from deepseek_v4_sdk import DeepSeekV4, Repair, Reply
from deepseek_v4_sdk.chat.reply import _NOTES
from deepseek_v4_sdk.testing import MockProvider, faults, script
from tests.support.tree import PACKAGE


def kinds() -> set[str]:
    """Every kind that is written in the package."""
    found: set[str] = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Repair" and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    found.add(str(first.value))
    return found


def test_every_note_is_a_kind_that_exists() -> None:
    assert kinds() >= _NOTES


@pytest.mark.parametrize(
    "kind", ["failover", "fit_request_to_window", "thinking_level", "recovered_calls", "split_reasoning", "new"]
)
def test_what_is_not_known_as_harmless_is_an_alarm(kind: str) -> None:
    assert Repair(kind, "x").level == "alarm"


def test_a_level_that_is_given_counts() -> None:
    assert Repair("fit_request_to_window", "x", level="note").level == "note"
    assert Repair("a", "b") == Repair("a", "b")


def test_an_alias_is_a_note_and_a_leak_an_alarm() -> None:
    tools = [{"name": "look", "parameters": {"type": "object"}}]
    mock = MockProvider(script.tool_call("look") | faults.leak_dsml("ascii"))
    reply = DeepSeekV4(mock, model="pro").chat("Hi", tools=tools)
    assert {repair.kind: repair.level for repair in reply.repairs} == {
        "model_alias": "note",
        "recovered_calls": "alarm",
    }
    assert [repair.kind for repair in reply.alarms] == ["recovered_calls"]
    assert Reply().alarms == ()
    told = reply.to_dict()["repairs"]
    assert {"level": "note"}.items() <= told[0].items()  # type: ignore[index]
