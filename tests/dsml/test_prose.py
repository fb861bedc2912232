"""A text about the markup is a text: it comes through character for character, wherever it is cut."""

from __future__ import annotations

import pytest

from tests.dsml.leaks import MARK, MARKS, Read, block, cuts, invoke, parameter, read

EXAMPLE = block(invoke("get_weather", parameter("city", "Paris")))
INDENTED = "\n".join("    " + line for line in EXAMPLE.splitlines())
PROSE = {
    "back-ticks": f"V4 writes `{EXAMPLE}` and so on.",
    "double back-ticks": f"V4 writes ``{EXAMPLE}`` and so on.",
    "back-ticks over a line end": f"V4 writes `this\n{EXAMPLE}` and so on.",
    "a fence": f"Look:\n\n```\n{EXAMPLE}\n```\n\nDone.",
    "a fence with a language": f"Look:\n\n```xml\n{EXAMPLE}\n```\n",
    "a fence of tildes": f"~~~\n{EXAMPLE}\n~~~",
    "a long fence with a short one in it": f"````\n```\n{EXAMPLE}\n```\n{EXAMPLE}\n````",
    "a fence with no end": f"```\n{EXAMPLE}\n",
    "an indented fence": f"  ```\n{EXAMPLE}\n  ```",
    "indented text": f"An example:\n\n{INDENTED}\n",
    "a list": f"- {EXAMPLE}",
    "a quotation": "\n".join("> " + line for line in EXAMPLE.splitlines()),
    "in a line": f"The model writes {EXAMPLE} for a call.",
    "behind a blank": f"\n {EXAMPLE}",
    "behind a tab": f"\n\t{EXAMPLE}",
    "chinese": f"模型会写出{EXAMPLE}这样的标记。",
    "japanese": f"モデルは「{EXAMPLE}」と書きます。\n\nそれだけです。",
    "an unknown tool": block(invoke("get_whether", parameter("city", "Paris"))),
    "an unknown tool with a known beginning": block(invoke("get_weather_now")),
    "a name with other letters": block(invoke("Get_Weather")),
    "no name": block(invoke("")),
    "no tool": f"<{MARK}tool_calls>\nnothing\n</{MARK}tool_calls>",
    "a closing tag": f"</{MARK}tool_calls>\n\n</{MARK}invoke>",
    "an argument alone": parameter("city", "Paris"),
    "another outer tag": block(invoke("now"), wrapper="all_calls").replace("\n", ""),
    "another word": f'<{MARK}invocation name="now">',
    "three bars": block(invoke("now", mark="|||DSML|||"), mark="|||DSML|||"),
    "no bars": block(invoke("now", mark=""), mark="").replace("\n", " "),
    "a lone bar": "a\n<|b|>\n<|\n<|D\n<\N{FULLWIDTH VERTICAL LINE}\n",
    "the mark alone": f"\n<{MARK}",
    "single quotes": block(invoke("now")).replace('"', "'"),
    "a long gap": f'<{MARK}tool_calls>{" " * 200}<{MARK}invoke name="now">',
    "line ends": "\n\n\n\na\n\n\nb\n\n\n",
    "nothing": "",
    "less than": "a < b\n<c\n<",
    "think tags": "<think>x</think>",
}


@pytest.mark.parametrize("kind", PROSE)
def test_prose_comes_through(kind: str) -> None:
    text = PROSE[kind]
    for pieces in ([text], *cuts(text)):
        assert read(pieces) == Read(text), pieces


@pytest.mark.parametrize("style", MARKS)
def test_an_opening_that_does_not_end_comes_through(style: str) -> None:
    opening = block(invoke("now", mark=MARKS[style]), mark=MARKS[style]).partition('now"')[0]
    for end in range(1, len(opening)):
        for text in (f"So:\n\n{opening[:end]}", f"So:\n\n{opening[:end]}~ and on\n"):
            assert read([text]) == read(list(text)) == Read(text)


def test_without_tools_everything_is_text() -> None:
    for pieces in ([EXAMPLE], *cuts(EXAMPLE)):
        assert read(pieces, tools=()) == Read(EXAMPLE)


def test_a_name_may_be_as_long_as_the_longest_tool() -> None:
    long = "x" * 300
    for gap, decided in (("", True), (" " * 60, True), (" " * 129, False)):
        text = f'<{MARK}tool_calls>{gap}<{MARK}invoke name="{long}"></{MARK}invoke></{MARK}tool_calls>'
        expected = Read("", [(long, "{}", True)]) if decided else Read(text)
        for pieces in ([text], *cuts(text)):
            assert read(pieces, tools=[long]) == expected, (gap, pieces)
