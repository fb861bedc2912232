"""The doctor's page names each feature once, in the order in which the table has them."""

from __future__ import annotations

import re
from typing import get_args

from deepseek_v4_sdk.probe import ProbeFeature
from tests.support.pages import ROOT

PAGE = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
FEATURES = ["window", "version", "prompt_format", "thinking", "reasoning", "tools", "structured_output"]
FEATURES += ["streamed_usage", "cached_tokens"]


def test_the_table_of_meanings() -> None:
    rows = re.findall(r"^\| ([a-z ]+) \|", PAGE, re.MULTILINE)
    assert [row.replace(" ", "_") for row in rows if row != "row"] == FEATURES
    assert set(FEATURES) == set(get_args(ProbeFeature))


def test_the_printed_table() -> None:
    printed = PAGE.partition("```console\n")[2].partition("```")[0]
    names = re.findall(r"^([a-z ]+?) {2,}(?:works|does not|unknown)  ", printed, re.MULTILINE)
    assert [name.replace(" ", "_") for name in names] == FEATURES
