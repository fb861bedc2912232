"""Every leak that was seen is read to the same calls, or to the same loss, wherever it is cut."""

from __future__ import annotations

import json

import pytest

from deepseek_v4_sdk.dsml import calls_at_the_end
from tests.dsml.leaks import MARK, MARKS, WRAPPERS, Read, block, cuts, invoke, parameter, read

CITY = parameter("city", "Paris")
PARIS = ("get_weather", '{"city": "Paris"}', True)
NOW = ("now", "{}", True)
OPEN = ("get_weather", '{"city": "Paris"', False)
VALUES = {
    "less than": "if a < b and c<d: <b>x</b>",
    "other tags": "</parameter></invoke></tool_calls><parameter>",
    "a closing tag with no end": f"</{MARK}parameter and </{MARK}para",
    "closing tags of other bars": "</|DSML|parameter></|DSML|invoke></\N{FULLWIDTH VERTICAL LINE}>",
    "an opening tag": f'<{MARK}invoke name="now">',
    "an outer closing tag": f"</{MARK}tool_calls>",
    "line ends": "\n\na\r\n\tb\n\n",
    "quotes": """He said "it's \\"so\\"" \\ \\n""",
    "unicode": "天气 ☀ 👩‍👩‍👧 é",
    "controls": "\x00\x1f\x7f\u2028",
    "fences": "```python\nprint('`')\n```",
    "nothing": "",
    "json": '{"a": [1, 2]}',
}

LEAKS: dict[str, tuple[str, list[tuple[str, str, bool]]]] = {
    "no outer tag": (invoke("get_weather", CITY), [PARIS]),
    "no outer tag, two calls": (f"{invoke('get_weather', CITY)}\n{invoke('now')}", [PARIS, NOW]),
    "only the closing outer tag": (f"{invoke('get_weather', CITY)}\n</{MARK}tool_calls>", [PARIS]),
    "no closing outer tag": (f"<{MARK}tool_calls>\n{invoke('get_weather', CITY)}\n", [PARIS]),
    "several calls": (block(invoke("get_weather", CITY), invoke("now"), invoke("now", "")), [PARIS, NOW, NOW]),
    "an unknown tool behind a known one": (block(invoke("now"), invoke("guess")), [NOW, ("guess", "{}", True)]),
    "no blanks between tags": (block(invoke("get_weather", CITY)).replace("\n", ""), [PARIS]),
    "many blanks between tags": (block(invoke("get_weather", CITY)).replace(">\n<", ">\r\n \t\n<"), [PARIS]),
    "a json object": (
        block(invoke("get_weather", '{"city": "Paris"}')),
        [("get_weather", '{"city": "Paris"}\n', True)],
    ),
    "an open json object": (block(invoke("now", '{"a": ')), [("now", '{"a": \n', True)]),
    "values that are no texts": (
        block(invoke("now", *(parameter(name, name, "false") for name in ("1.50", "true", "null", "[1, {}]")))),
        [("now", '{"1.50": 1.50, "true": true, "null": null, "[1, {}]": [1, {}]}', True)],
    ),
    "a value that is no json": (block(invoke("now", parameter("days", "x", "false"))), [("now", '{"days": x}', True)]),
    "values that do not say what they are": (
        block(invoke("now", parameter("a", "7", None), parameter("b", "7 days", None), parameter("c", '"q"', None))),
        [("now", '{"a": 7, "b": "7 days", "c": "q"}', True)],
    ),
}
for spelling, mark in MARKS.items():
    LEAKS[f"{spelling} bars, no outer tag"] = (
        invoke("get_weather", parameter("city", "Paris", mark=mark), mark=mark),
        [PARIS],
    )
    for wrapper in WRAPPERS:
        leak = block(
            invoke("get_weather", parameter("city", "Paris", mark=mark), mark=mark), mark=mark, wrapper=wrapper
        )
        LEAKS[f"{spelling} bars, {wrapper}"] = (leak, [PARIS])

BROKEN: dict[str, tuple[str, list[tuple[str, str, bool]]]] = {
    "a text between calls": (block(invoke("now"), "and then", invoke("now")), [NOW]),
    "a text in a call": (block(invoke("now", "what?")), [("now", "", False)]),
    "a text behind an argument": (block(invoke("get_weather", CITY, "what?")), [OPEN]),
    "a closing tag in a value": (
        block(invoke("get_weather", parameter("city", f"a</{MARK}parameter>b"))),
        [("get_weather", '{"city": "a"', False)],
    ),
    "an argument with no name": (block(invoke("now", f"<{MARK}parameter>x</{MARK}parameter>")), [("now", "", False)]),
    "a tag with no end": (block(invoke("now", "<" + "x" * 600)), [("now", "", False)]),
    "a name with no end": (block(invoke("now", parameter("x" * 600, "y"))), [("now", "", False)]),
    "the end in a value": (
        block(invoke("get_weather", CITY)).partition("ris")[0],
        [("get_weather", '{"city": "Pa', False)],
    ),
    "the end in a tag": (block(invoke("get_weather", CITY))[:-28], [OPEN]),
    "the end in the second call": (
        block(invoke("get_weather", CITY), invoke("now")).partition('"now')[0],
        [PARIS],
    ),
    "the end behind the first name": (f'<{MARK}tool_calls>\n<{MARK}invoke name="now"', []),
}


def check(text: str, expected: Read) -> None:
    assert read([text]) == expected
    for pieces in cuts(text):
        assert read(pieces) == expected, pieces


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_becomes_its_calls(leak: str) -> None:
    markup, calls = LEAKS[leak]
    check(markup, Read("", calls, []))


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_between_texts(leak: str) -> None:
    markup, calls = LEAKS[leak]
    behind = "" if leak == "no closing outer tag" else " Wait <3."
    check(f"Let me look: `x`\n\n\n{markup}{behind}", Read(f"Let me look: `x`\n{behind}", calls, []))


@pytest.mark.parametrize("kind", VALUES)
def test_a_text_stays_what_it_is(kind: str) -> None:
    value = VALUES[kind]
    markup = block(invoke("write_file", parameter("path", "a.txt"), parameter("text", value)))
    arguments = json.dumps({"path": "a.txt", "text": value}, ensure_ascii=False)
    check(markup, Read("", [("write_file", arguments, True)], []))


@pytest.mark.parametrize("leak", BROKEN)
def test_what_broke_is_lost_and_kept_as_it_came(leak: str) -> None:
    markup, calls = BROKEN[leak]
    check(f"So:\n\n{markup}", Read("So:", calls, [markup]))


@pytest.mark.parametrize("style", MARKS)
def test_a_block_that_ends_early_has_the_same_end_at_every_letter(style: str) -> None:
    """Up to the first tool's name it is a text; from there it is a call, whole or lost, and never text again."""
    mark = MARKS[style]
    markup = block(invoke("get_weather", parameter("city", "Paris", mark=mark), mark=mark), mark=mark)
    decided = markup.index('weather"') + len('weather"')
    for end in range(1, len(markup)):
        cut = markup[:end]
        whole = read([cut])
        assert read(list(cut)) == whole
        assert whole.text == ("" if end >= decided else cut)
        assert bool(whole.calls) is (end > decided)
        ended = whole.calls and whole.calls[0][2]
        if end >= decided:
            assert whole.lost == ([] if ended and markup[end - 1] in ">\n" else [cut])


def test_two_blocks_with_a_text_between() -> None:
    text = f"One.\n\n{block(invoke('now'))}\nTwo.\n\n{block(invoke('get_weather', CITY))}"
    check(text, Read("One.\nTwo.", [NOW, PARIS], []))


def test_a_fence_that_was_closed_and_a_lone_tick_do_not_hide_a_call() -> None:
    for before in ("```\ncode\n```", "It costs 5`.\n\nNow:", "~~~\n```\n~~~", "`a` and ``b ` c``"):
        check(f"{before}\n{block(invoke('now'))}", Read(before, [NOW], []))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I look it up.\n\n" + block(invoke("get_weather", CITY)), ("I look it up.", [PARIS[:2]])),
        (f"I look it up.\n\n{block(invoke('get_weather', CITY))}\n\n", ("I look it up.", [PARIS[:2]])),
        (block(invoke("get_weather", CITY), invoke("now")), ("", [PARIS[:2], NOW[:2]])),
        (f"Like so:\n\n{block(invoke('get_weather', CITY))}\n\nBut not yet.", None),
        (f"It ends with </{MARK}invoke> as a rule.", None),
        (block(invoke("guess", CITY)), None),
        (block(invoke("get_weather", CITY)).partition("ris")[0], None),
        ("Nothing of the kind.", None),
    ],
    ids=["behind a text", "and blanks", "two", "in the middle", "a lone tag", "no such tool", "cut", "none"],
)
def test_calls_that_a_text_ends_with(text: str, found: tuple[str, list[tuple[str, str]]] | None) -> None:
    """What the model thought about in the middle of its reasoning is no call, and neither is half a block."""
    told = calls_at_the_end(text, {"get_weather", "now"})
    assert (told and (told[0].rstrip(), [call[:2] for call in told[1]])) == found
    assert told is None or {call[2] for call in told[1]} == {"full-width"}
