"""Both type checkers read the sample programs of this folder: what must be an error is one, and nothing else is."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from deepseek_v4_sdk import DeepSeekV4, ToolCall
from deepseek_v4_sdk.testing import MockProvider, script
from tests.typing.chat import fields, messages
from tests.typing.checkers import check
from tests.typing.mocks import scripts
from tests.typing.options import by_keyword, chosen, gathered, tools
from tests.typing.runs import events, sums
from tests.typing.streams import failures, sync
from tests.typing.structured import unions, values
from tests.typing.tools import right

HERE = Path(__file__).parent
SAMPLES = [
    str(HERE / f"{name}.py")
    for name in ("chat", "options", "streams", "mocks", "structured", "runs", "stores", "tools")
]


@pytest.mark.timeout(400)
def test_mypy() -> None:
    """Strict, and an ignore that is not needed is an error: each wrong line must be found."""
    check("mypy", *SAMPLES)


@pytest.mark.timeout(400)
def test_pyright() -> None:
    """The same with pyright, in its strict mode."""
    summary = check("pyright", "--pythonpath", sys.executable, "--outputjson", *SAMPLES)
    assert json.loads(summary)["summary"]["filesAnalyzed"] == len(SAMPLES)


def test_samplescheck() -> None:
    """What is typed so also runs so, the wrong lines aside."""
    mock = DeepSeekV4("mock")
    messages(mock)
    fields(mock)
    by_keyword(mock)
    tools(mock)
    gathered(mock)
    assert chosen(mock, hard=True)
    assert sync(mock)
    assert failures(mock) is not None
    assert scripts().data.name == "sglang"
    assert sums(mock).text
    assert events(mock)
    assert values(mock).number
    assert unions(mock) is not None
    right(DeepSeekV4(MockProvider(script.text("Hello"))), ToolCall("c", "weather", '{"city": "Paris"}'))
