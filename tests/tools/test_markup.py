"""Markup behind arguments is cut off only when a JSON object is left."""

from __future__ import annotations

import time

import pytest

from deepseek_v4_sdk.tools import trim_markup


@pytest.mark.parametrize("bar", ["｜", "|", "｜｜", "||"])
@pytest.mark.parametrize(
    "tail",
    [
        "</#DSML#invoke>",
        "\n</#DSML#parameter>\n</#DSML#invoke>\n</#DSML#tool_calls>",
        "</#DSML#function_calls>\n",
        "</#DSML# calls>",
        "</#DSML#inv",
        "</#DSML",
        '\n<#DSML#invoke name="g">',
        "</#DSML#tool_calls><#end▁of▁sentence#>",
    ],
)
def test_trimmed(tail: str, bar: str) -> None:
    assert trim_markup('{"a": 1}' + tail.replace("#", bar)) == '{"a": 1}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"a": 1}',
        '{"a": "</｜DSML｜invoke>"}',
        '{"a": "x</｜DSML｜parameter>',
        '{"a": 1</｜DSML｜invoke>',
        "[1]</｜DSML｜invoke>",
        "</｜DSML｜invoke>",
        '{"a": 1}</｜DSML｜invoke> and more',
        '{"a": 1}</div>',
        '{"a": 1}<｜User｜>',
    ],
)
def test_left_alone(text: str) -> None:
    assert trim_markup(text) is None


def test_time_grows_with_the_length() -> None:
    started = time.perf_counter()
    assert trim_markup("{}" + "</｜DSML｜invoke>" * 100_000) == "{}"
    assert trim_markup("<" * 5_000_000) is None
    assert trim_markup("</｜DSML｜" + "x" * 5_000_000) is None
    assert time.perf_counter() - started < 10
