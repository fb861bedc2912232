"""No string makes counting fail: long runs, surrogates, things that are no strings, ids that are no tokens."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.tokens import count_text, decode, encode, special_tokens
from deepseek_v4_sdk.tokens.runs import RUN_LIMIT, cut_long_runs

if TYPE_CHECKING:
    from collections.abc import Callable

    Ids = Callable[[str], list[int]]

# One character of each class that the engine backtracks over.
BLANKS = {
    "space": " ",
    "newline": "\n",
    "tab": "\t",
    "ideographic space": "\u3000",
    "mongolian vowel separator": "\u180e",
    "NUL": "\x00",
    "file separator": "\x1c",
    "zero width joiner": "\u200d",
    "soft hyphen": "\xad",
    "private use": "\ue000",
    "unassigned": "\u0378",
}


# Without the cut, the first two end in an exception of the engine. The counts are those of `tokenizers`.
@pytest.mark.parametrize(
    ("character", "tokens"),
    [(" ", 7814), ("\x00", 1_000_001), ("\n", 62_502)],
    ids=["space", "NUL", "newline"],
)
def test_a_million_blanks_are_counted(character: str, tokens: int) -> None:
    assert count_text(character * 1_000_001) == tokens


@pytest.mark.parametrize("special", ["control", "plain"])
def test_a_million_blanks_between_words_are_counted(special: str) -> None:
    text = "<think>" + "\x00" * 1_000_001 + "word"
    assert count_text(text, special=special) == count_text("<think>", special=special) + 1_000_001 + 1  # type: ignore[arg-type]


@pytest.mark.parametrize("follower", ["", "x", "é", "1", "中", "!", "\u0301"])
@pytest.mark.parametrize("blank", ["\x00", "\u0378"])
def test_the_longest_run_left_whole_is_within_what_the_engine_bears(blank: str, follower: str) -> None:
    assert count_text(blank * RUN_LIMIT + follower) >= RUN_LIMIT


@pytest.mark.parametrize("follower", ["", "x", "1", "!"])
def test_the_longest_run_of_spaces_left_whole_is_within_what_the_engine_bears(follower: str) -> None:
    assert RUN_LIMIT // 128 <= count_text(" " * RUN_LIMIT + follower) <= RUN_LIMIT // 128 + 3


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("a" * 200_000, 25_000),
        ("=" * 200_000, 3_125),
        ("1" * 1_000_000, 333_334),
        ("ー" * 200_000, 200_000),
        ("\t\n" * 100_000, 50_000),
        ("e\u0301" * 100_000, 200_000),
        ("<think>" * 100_000, 100_000),
    ],
    ids=["a", "=", "1", "ー", "tab newline", "accents", "think"],
)
def test_long_monotonous_text_is_counted(text: str, tokens: int) -> None:
    assert count_text(text) == tokens


@pytest.mark.parametrize(
    "alphabet",
    [
        "<",
        "abcdefghijklmnopqrstuvwxyz",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        [chr(code) for code in range(0x4E00, 0x9FA6)],
        [*BLANKS.values(), "a", "1", "中", "!"],
    ],
    ids=["<", "letters", "base64", "Han", "blanks"],
)
def test_long_random_text_has_the_ids_of_the_reference(alphabet: str | list[str], reference_ids: Ids) -> None:
    text = "".join(random.Random(1).choices(alphabet, k=50_000))
    assert encode(text) == reference_ids(text)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 15, 16, 17, 24, 25, 100])
@pytest.mark.parametrize("before", range(12))
@pytest.mark.parametrize("after", ["", "x", "x \x00x  "])
def test_a_run_is_cut_after_every_limit_counted_from_its_start(length: int, before: int, after: str) -> None:
    text = "x" * before + " \x00"[before % 2] * length + after
    pieces = cut_long_runs(text, limit=8)
    cuts = range(before + 8, before + length, 8)
    assert [len(piece) for piece in pieces] == [
        end - start for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)
    ]
    assert "".join(pieces) == text


@pytest.mark.parametrize("seed", range(20))
def test_no_long_run_is_left_and_no_other_cut_is_made(seed: int) -> None:
    rng = random.Random(seed)
    runs = [(rng.choice(list(BLANKS.values())), rng.randint(1, 60)) for _ in range(50)]
    text = "".join(blank * length + rng.choice(["a", "中", "1", "!"]) * rng.randint(1, 9) for blank, length in runs)
    pieces = cut_long_runs(text, limit=16)
    assert "".join(pieces) == text
    assert len(pieces) - 1 == sum((length - 1) // 16 for _, length in runs)


def test_the_limit_is_a_multiple_of_the_longest_token_of_blanks() -> None:
    """So what holds for cuts at 256, as below, holds at the limit."""
    assert RUN_LIMIT % 128 == 0
    assert max(len(decode([token])) for token in range(3, 128_000) if not decode([token]).strip()) == 128


@pytest.mark.parametrize("name", BLANKS)
def test_a_cut_in_a_run_of_one_repeated_blank_costs_at_most_one_token(name: str) -> None:
    for length in range(505, 650):
        text = "a" + BLANKS[name] * length + "b"
        pieces = cut_long_runs(text, limit=256)
        assert len(pieces) == (length + 255) // 256
        assert abs(sum(map(count_text, pieces)) - count_text(text)) <= 1


def test_a_cut_in_a_mixture_of_blanks_costs_few_tokens() -> None:
    rng = random.Random(3)
    for _ in range(300):
        run = "".join(rng.choice(" \n\t\u3000\x00") * rng.randint(1, 60) for _ in range(100))
        pieces = cut_long_runs(f"a{run}b", limit=256)
        change = sum(map(count_text, pieces)) - count_text(f"a{run}b")
        assert abs(change) <= 4 * (len(pieces) - 1)


def test_a_run_of_characters_newer_than_unicode_3_2_is_cut_too() -> None:
    # Whether an engine takes a character for unassigned depends on the age of its Unicode table.
    assert [len(piece) for piece in cut_long_runs("a" + "😀" * 20 + "b", limit=8)] == [9, 8, 5]
    assert len(cut_long_runs("中文aé!1=\u0301か゛한" * 20, limit=8)) == 1


def test_ordinary_text_is_never_cut() -> None:
    text = "ein Wort,  zwei\n\n" * (3 * RUN_LIMIT // 16)
    assert len(text) > 3 * RUN_LIMIT
    assert cut_long_runs(text) == [text]


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("\ud800", "U+D800", 0),
        ("abc\udfff", "U+DFFF", 3),
        ("😀中 \udc80\ud800", "U+DC80", 3),
        ("\ud83d\ude00", "U+D83D", 0),
    ],
)
def test_a_surrogate_is_named_with_its_place_and_a_way_out(text: str, code: str, position: int) -> None:
    for function in (count_text, encode):
        with pytest.raises(InvalidRequestError) as caught:
            function(text)
        message = str(caught.value)
        assert f"{code} at position {position}," in message
        repair = 'text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")'
        assert repair in message
    assert count_text(eval(repair)) > 0


@pytest.mark.parametrize("value", [None, b"bytes", 5, ["a"], {"content": "secret"}])
def test_what_is_no_string_is_refused_by_type(value: object) -> None:
    for function in (count_text, encode):
        with pytest.raises(InvalidRequestError, match=type(value).__name__) as caught:
            function(value)  # type: ignore[arg-type]
        assert "secret" not in str(caught.value)


def test_a_subclass_of_str_is_a_string() -> None:
    class Prompt(str):
        __slots__ = ()

    assert count_text(Prompt("<think>ab")) == count_text("<think>ab")


def test_an_unknown_reading_of_special_tokens_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match=r"'all'.*'control' or 'plain'"):
        count_text("a", special="all")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("token", "said"),
    [(-1, "-1"), (129_280, "129280"), (2**70, str(2**70)), ("secret", "type str"), (1.0, "type float")],
)
def test_what_is_no_token_is_refused_with_its_place(token: object, said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        decode([5, 6, token])  # type: ignore[list-item]
    assert "ids[2]" in str(caught.value)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_decoding_a_part_of_a_character_gives_the_replacement_character() -> None:
    ids = encode("\u0378")
    assert len(ids) == 2
    assert decode(ids[:1]) == "\ufffd"
    assert decode(iter(ids)) == "\u0378"
    assert decode([]) == ""
    assert decode([special_tokens()["<think>"], *ids]) == "<think>\u0378"
