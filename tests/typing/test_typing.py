"""Both type checkers read the sample programs of this folder: what must be an error is one, and nothing else is.

`make lint` runs the checkers, in their strict modes, over the samples and the package at once.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from deepseek_v4_sdk import DeepSeekV4, ToolCall
from deepseek_v4_sdk.testing import MockProvider, script
from tests.typing.chat import fields, messages
from tests.typing.mocks import scripts
from tests.typing.options import by_keyword, chosen, gathered, tools
from tests.typing.runs import events, sums
from tests.typing.streams import failures, sync
from tests.typing.structured import unions, values
from tests.typing.tools import right

ROOT = Path(__file__).parents[2]


def test_both_checkers_read_the_samples() -> None:
    """An ignore that is not needed is an error, so each wrong line must be found."""
    lint = (ROOT / "Makefile").read_text("utf-8").partition("\nlint:")[2].partition("\n\n")[0]
    assert re.findall(r"^\t@\$\(BIN\)/(mypy|pyright)$", lint, re.MULTILINE) == ["mypy", "pyright"]
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    assert "tests/typing" in tool["mypy"]["files"]
    assert "tests/typing" in tool["pyright"]["include"]
    assert tool["mypy"]["strict"] is True
    (samples,) = tool["pyright"]["executionEnvironments"]
    assert samples["root"] == "tests/typing"
    assert samples["reportUnnecessaryTypeIgnoreComment"] is True
    assert not [each for each in tool["mypy"]["overrides"] if any("tests" in name for name in [*each["module"]])]


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
