"""What the tests of this folder ask for, and of whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from deepseek_v4_sdk.chat import write_json
from deepseek_v4_sdk.testing import MockProvider, script
from tests.support.modes import connect

if TYPE_CHECKING:
    from deepseek_v4_sdk.structured import Mechanism
    from deepseek_v4_sdk.testing.script import Step, Turn
    from tests.support.replay import Mode

FLAVORS = ("vllm", "sglang", "nim", "nvidia", "dynamo", "deepseek")
HOW: list[tuple[str, Mechanism]] = [
    (flavor, mechanism)
    for flavor in FLAVORS
    for mechanism in ("json_schema", "json_object", "tool")
    if (flavor, mechanism) != ("deepseek", "json_schema")
]
"""Each flavor with each mechanism that it has."""


class ResponseStream(BaseModel):
    """One line of an invoice."""

    what: str
    cents: int


class Invoice(BaseModel):
    """What somebody owes."""

    number: str
    kind: Literal["invoice", "credit note"]
    lines: list[ResponseStream]


RIGHT: dict[str, Any] = {"number": "A-7", "kind": "invoice", "lines": [{"what": "Tea", "cents": 300}]}
WRONG: dict[str, Any] = {"number": "A-7", "kind": "invoice", "lines": [{"what": "Tea", "cents": "three euros"}]}
VALUE = Invoice.model_validate(RIGHT)


def said(mechanism: Mechanism, value: object) -> Turn:
    """The model's turn that gives a value by a mechanism."""
    if mechanism == "tool":
        return script.tool_call("answer", write_json(value).decode())
    return script.text(write_json(value).decode())


def client_of(mode: Mode, flavor: str, *steps: Step, **arguments: Any) -> tuple[MockProvider, Any]:
    """A mock of a flavor, and a client of it."""
    mock = MockProvider(*steps, flavor=flavor)
    return mock, connect(mode, mock, model="pro" if flavor in {"nvidia", "deepseek"} else None, **arguments)


def prompt_of(body: dict[str, Any]) -> str:
    """All that the messages of a request say."""
    return "\n".join(str(message.get("content")) for message in body["messages"])
