"""Large texts counted on several threads: the pieces join, the counts are those of one thread, small texts see none."""

# ruff: noqa: RUF001 - full-width signs are a subject here.

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.tokens import count_text, parallel
from deepseek_v4_sdk.tokens.parallel import count_large
from deepseek_v4_sdk.tokens.runs import cut_between_words
from tests.support.profiles import examples

_PARTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        (
            "word ",
            "line\n",
            "\n\n",
            "\r\n",
            "  ",
            " \n",
            "a\n\u0085b",
            "\n\u00a0x",
            "x \ty",
            "\n\u200b",
            "</think>",
            ".\n",
            "12 345 6",
            "! ",
            "\u0301 ",
            "\x00 x",
            "\u200d ",
            "\u3000 ",
            "\x1c 1",
            "，世界。",
            "。か",
            "，\u3099",
            " 中",
        )
    ),
)


def varied(seed: int, size: int) -> str:
    """Prose, code, numbers, CJK, blanks and odd characters, in an order that a seed decides."""
    draw = random.Random(seed)
    parts = (
        "The quick brown fox jumps over the lazy dog. ",
        "def f(x):\n    return x ** 2\n\n",
        "1234567 3.14159 ",
        "你好世界 こんにちは ",
        "é ü ß — “quoted” ",
        "\t\t\n   \n",
        "<div class='a'>text</div>\r\n",
        "a" * 50,
        "\u200b\u0301\ufeff",
    )
    pieces: list[str] = []
    length = 0
    while length < size:
        pieces.append(draw.choice(parts))
        length += len(pieces[-1])
    return "".join(pieces)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Two threads, whatever the machine has; the sizes of the pieces are noted."""
    sizes: list[int] = []

    def count(text: str, **options: Any) -> int:
        sizes.append(len(text))
        return count_text(text, **options)

    monkeypatch.setattr(parallel.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(parallel, "count_text", count)
    return sizes


@examples(100)
@given(st.lists(_PARTS, max_size=60).map("".join), st.integers(1, 40), st.sampled_from(("control", "plain")))
def test_pieces_join_and_count_the_same(text: str, size: int, special: Any) -> None:
    pieces = list(cut_between_words(text, size))
    assert "".join(pieces) == text
    assert sum(count_text(piece, special=special) for piece in pieces) == count_text(text, special=special)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("special", ["control", "plain"])
def test_large_texts(seed: int, special: Any, threads: list[int]) -> None:
    text = varied(seed, 400_000)
    assert count_large(text, special=special) == count_text(text, special=special)
    assert len(threads) >= 16
    assert sum(threads) == len(text)
    assert max(threads) < len(text) / 8


def test_control_tokens_in_a_large_text(threads: list[int]) -> None:
    text = "<think>some words\n</think><｜User｜>more words\n" * 8_000
    assert count_large(text) == count_text(text)
    assert count_large(text) < count_large(text, special="plain")
    assert len(threads) >= 16


@pytest.mark.parametrize("text", ["12345 6789 ", "深度求索，发布模型。", "!!! ??? "])
def test_texts_without_letters_have_places_to_cut(text: str, threads: list[int]) -> None:
    text *= 300_000 // len(text)
    assert count_large(text) == count_text(text)
    assert len(threads) >= 16


def test_a_large_text_without_a_place_to_cut(threads: list[int]) -> None:
    text = "1" * 300_000
    assert count_large(text) == 100_000
    assert threads == [300_000]


def test_small_texts_stay_on_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "ThreadPoolExecutor", None)
    monkeypatch.setattr(parallel.os, "cpu_count", None)
    assert count_large("word " * 30_000) == count_text("word " * 30_000)


def test_one_core_means_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "ThreadPoolExecutor", None)
    monkeypatch.setattr(parallel.os, "cpu_count", lambda: None)
    assert count_large("word " * 60_000) == count_text("word " * 60_000)


def test_a_surrogate_in_a_large_text(threads: list[int]) -> None:
    with pytest.raises(InvalidRequestError, match=r"U\+D800 at position 300000"):
        count_large("word " * 60_000 + "\ud800")
