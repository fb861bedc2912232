"""Token ids equal those of Hugging Face `tokenizers`, id for id."""

# ruff: noqa: RUF001 - characters that look alike are the subject here.

from __future__ import annotations

import json
import random
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from deepseek_v4_sdk.tokens import count_text, decode, encode, special_tokens
from deepseek_v4_sdk.tokens.texts import spells_special
from deepseek_v4_sdk.tokens.vocabulary import load_vocabulary
from tests.support.profiles import examples

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deepseek_v4_sdk.tokens import SpecialText

    Ids = Callable[[str], list[int]]

SOME = examples(60, suppress_health_check=[HealthCheck.too_slow])

PYTHON = '''\
@dataclass(frozen=True)
class Point:
\t"""A point."""
\tx: float = 0.0
    y: "np.ndarray[Any, np.dtype[np.float64]]" = field(default_factory=lambda: np.zeros((3, 1_000)))

    def __matmul__(self, other):  # O(n^2)
        if not (0 <= self.x < 10**9 and other is not None):
            raise ValueError(f"{self!r} @ {other!r}:   off by {abs(self.x - 1e-12):.3e}")
        return [i for i in range(len(self.y)) if i % 2 == 0 or i&1]



'''

TEXTS = {
    "empty": "",
    "english": "The quick brown fox, isn't it? He said: “I'd've gone — if you'd asked…”  Well.",
    "python": PYTHON,
    "javascript": "const f = async ({a, b = 2, ...c}) => { await g`x${a}`; /* … */ return a?.b ?? [...c]; };\n\n\n",
    "c": '#include <stdio.h>\r\nint main(void)\r\n{\r\n\tprintf("%d\\n", 0xFF);\r\n\treturn 0;\r\n}\r\n',
    "html": '<div class="think"><th>a</th><td>&nbsp;1</td></div><think><!-- </thinking> --></body>\n',
    "json": '{"a": [1, 2.5, -3e10, true, null], "b": {"c\\u00e9": "\\n"}}\n' * 3,
    "markdown": "# T\n\n- [x] **a** _b_ `c`\n  1. d\n\n| a | b |\n|---|:-:|\n\n```py\nx = 1\n```\n",
    "chinese": "深度求索发布了V4模型,上下文长度为1048576个token。“思考”模式下,价格是¥12.5!\n第2章 测试",
    "traditional": "臺灣的繁體中文,與簡體不同;〇是零。㐀𠀀𪜀龦鿿",
    "japanese": "東京は2024年、カタカナとひらがなを使います。ー・゠ー「ok」か゛がｶﾞ ヴァ  スーパー",
    "signs in the kana blocks": "!・・・ (・∀・) …・゛゛",
    "edges of the CJK ranges": "  一  龥  龦  \u3040  ゟ  ゠  ヿ  \u303f  \u3100",
    "korean": "한국어 텍스트 123개, 조합형 한글도 있다.",
    "russian": "Съешь же ещё этих мягких французских булок, да выпей чаю №5!",
    "arabic": "مرحبا بالعالم، ١٢٣٤ رقم. שלום עולם",
    "hindi": "नमस्ते दुनिया १२३ क्ष त्र ज्ञ",
    "thai": "สวัสดีชาวโลก ๑๒๓",
    "german": "Fußgängerübergänge, Größe 1.234,56 € – „ja“.",
    "combining": "e\u0301 a\u0308\u0304 \u0301x  \u0301 1\u0301 中\u0301\u3099か\u3099 \u200d\u0301",
    "emoji": "😀😃 👍🏽👩‍👩‍👧‍👦🏳️‍🌈 🇩🇪🇯🇵 1️⃣ ❤️ ☎︎ 🫠🪿",
    "zero width": "a\u200bb\u200dc\u2060d\ufeffe \u200d 中\u200d文 \u200d\u200d\u200dx",
    "controls": "\x00a\x01 \x1b[31mred\x1b[0m \x7f\x80\x85x\x1c\x1d \x1f\n\x00\x00\x00b \x00 \x00中\x001",
    "private": "\ue000a \uf8ff\U000f0000\U0010ffff中 \ue0001\U000e0001",
    "unassigned": "\u0378x \u0379 \U0003ffff\uffff中\uffffa",
    "spaces": "a b  c   d    e \t f\u00a0g\u3000h\u2003 \u2028i\u2029 \u202fj 1  2  中  文 \u1680",
    "trailing spaces": "a  \nb \n\n c\n\n\n  d \t\n\t\te   ",
    "line ends": "a\r\nb\rc\n\rd\r\n\r\n  \r\n e\x0bf\x0cg\x85h\n 中\n1\n !\n",
    "digits": "1 12 123 1234 12345678901234567890 1.5e10 ①②③ ½ Ⅷ 一二三 ٣٤٥ 0x1F 1,000,000 v2.10.3",
    "signs": "!a @b #c1 $$d %% ^^e &&f (( g)) _h __i-- j=>k:: l;m <n> o|p ~q `r` \\s /t a.b.c ...d ¡é ¿ñ «x» €5",
    "many signs": "=" * 79 + "\n" + "-" * 200 + "!?" * 50 + "\r\n\n* * *\n",
    "base64": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "url": "https://user:pw@example.com:8443/a/b%20c?q=1&r=%E4%BD%A0#f",
    "control tokens": "<｜begin▁of▁sentence｜>You<｜User｜>Hi <think>\nhm</think>\n\n<｜end▁of▁sentence｜>",
    "around control tokens": "  <think>  </think>1<think>中</think>  <think> \n</think>\x00<think>!<think>a<think>",
    "dsml": '\n\n<｜DSML｜invoke name="f">\n<｜DSML｜parameter name="a">1</｜DSML｜parameter>｜DSML｜｜DSML｜DSML｜',
    "almost control tokens": "< think> <think <<think>> <Think> <｜user｜> <|User|> <thi\u200dnk> <｜User｜DSML｜>",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_has_the_ids_of_the_reference(name: str, reference_ids: Ids) -> None:
    text = TEXTS[name]
    ids = reference_ids(text)
    assert encode(text) == ids
    assert count_text(text) == len(ids)
    assert decode(ids) == text


def test_texts_of_all_kinds_next_to_each_other_have_the_ids_of_the_reference(reference_ids: Ids) -> None:
    kinds = list(TEXTS.values())
    for first in kinds:
        text = "".join(first[-7:] + second[:7] for second in kinds)
        assert encode(text) == reference_ids(text)


@pytest.fixture(scope="module")
def plain_reference(tokenizer_json: Path) -> Tokenizer:
    """The reference without its added vocabulary, which is what reading special tokens as plain text means."""
    content = json.loads(tokenizer_json.read_bytes())
    content["added_tokens"] = []
    return Tokenizer.from_str(json.dumps(content))


@pytest.mark.parametrize("name", TEXTS)
def test_plain_reads_control_tokens_as_text(name: str, plain_reference: Tokenizer) -> None:
    text = TEXTS[name]
    ids = plain_reference.encode(text, add_special_tokens=False).ids
    assert encode(text, special="plain") == ids
    assert count_text(text, special="plain") == len(ids)
    assert decode(ids) == text


def test_every_special_token_is_one_token_as_control_and_several_as_plain_text() -> None:
    for spelling, token in special_tokens().items():
        assert encode(spelling) == [token]
        assert encode(f"a {spelling}1") == [*encode("a "), token, *encode("1")]
        assert count_text(spelling, special="plain") > 1


@pytest.mark.parametrize("special", ["control", "plain"])
def test_every_special_token_counts_alike_in_small_and_large_texts(special: SpecialText) -> None:
    filler = "a < b | c ｜ d\n" * 6_000  # more than what is searched for special tokens beforehand
    around = count_text(filler, special=special)
    for spelling in (*list(special_tokens())[::97], "<think>", "</think>", "｜DSML｜", "<dsml:", "<|EOT|>"):
        each = count_text(f"{spelling}\n", special=special)
        assert each == len(encode(f"{spelling}\n", special=special))
        assert count_text(f"{spelling}\n{filler}{spelling}\n", special=special) == around + 2 * each


def test_every_special_token_between_others_has_the_ids_of_the_reference(reference_ids: Ids) -> None:
    shuffled = list(special_tokens())
    random.Random(4).shuffle(shuffled)
    for separator in ("", " ", "｜", "<", "中"):
        text = separator.join(shuffled)
        assert encode(text) == reference_ids(text)


def test_no_special_token_can_overlap_another_or_a_run_of_blanks() -> None:
    # Then the first match from the left is the only possible one, whatever order a tokenizer looks in, and a text may
    # be cut at any blank.
    spellings = list(special_tokens())
    for spelling in spellings:
        assert not any(unicodedata.category(character)[0] in "CZ" for character in spelling)
        assert "<" not in spelling[1:]
        assert not any(other != spelling and other in spelling for other in spellings)
    assert [spelling for spelling in spellings if spelling[0] != "<"] == ["｜DSML｜"]


def test_every_block_of_unicode_has_the_ids_of_the_reference(reference_ids: Ids) -> None:
    # Three characters of each 16, in every context that decides where a piece begins or ends.
    rng = random.Random(8)
    for start in (
        *range(0, 0x3400, 16),
        0x4DF0,
        0x9FA0,
        *range(0xA000, 0xAC00, 16),
        *range(0xF900, 0x20000, 16),
        0x20000,
        0x30000,
    ):
        characters = [chr(code) for code in rng.sample(range(start, start + 16), 3)]
        text = "".join(f"x{c}y{c}{c}1 {c}\n {c} y{c}\u0301.{c}中{c}" for c in characters)
        assert encode(text) == reference_ids(text), hex(start)


def no_surrogates() -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


MIXED = st.lists(
    st.one_of(
        st.sampled_from(
            ["<think>", "</think>", "<｜User｜>", "｜DSML｜", "<｜end▁of▁sentence｜>", "<", "｜", "think>"]
        ),
        st.sampled_from(
            ["a", "the", "IF", "é", "ж", "ا", "ק", "한", "क्ष", "中", "文字", "カ", "ー", "゛", "・", "か\u3099"]
        ),
        st.sampled_from(["1", "12", "1234", "٣", "½", "Ⅷ", "①"]),
        st.sampled_from(
            [" ", "  ", "   ", "\t", "\n", "\r", "\r\n", "\n\n", "\u00a0", "\u3000", "\u2028", "\x0b", "\x85"]
        ),
        st.sampled_from(
            ["!", ".", "'s", "_", "--", "/", "…", "“", "€", "、", "。", "(", "😀", "👩\u200d👧", "❤\ufe0f"]
        ),
        st.sampled_from(["\u0301", "\u3099", "\u200d", "\u200b", "\x00", "\x1f", "\xad", "\ufeff", "\ue000", "\u0378"]),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=40,
).map("".join)


@SOME
@given(text=no_surrogates())
def test_any_text_has_the_ids_of_the_reference(text: str, reference_ids: Ids) -> None:
    ids = encode(text)
    assert ids == reference_ids(text)
    assert decode(ids) == text


@SOME
@given(text=MIXED)
def test_any_mixture_has_the_ids_of_the_reference(text: str, reference_ids: Ids) -> None:
    ids = encode(text)
    assert ids == reference_ids(text)
    assert count_text(text) == len(ids)
    assert decode(ids) == text


PARTS = ["<", ">", "</", "/", "|", "｜", "<|", "|>", "<｜", "｜>", "DSML", "｜DSML｜", "dsml:", "think>", "User", "EOT"]
WHOLE = [
    "<｜/table>｜",
    "<think>",
    "</think>",
    "<dsml:",
    "<|EOT|>",
    "<｜User｜>",
    "<｜begin▁of▁sentence｜>",
    "/table",
    "a",
]
FRAGMENTS = st.lists(st.sampled_from([*PARTS, *WHOLE, " "]), max_size=14).map("".join)


@examples(300)
@given(text=FRAGMENTS)
def test_special_tokens_are_found_among_fragments_of_them(text: str) -> None:
    vocabulary = load_vocabulary()
    ids = vocabulary.encoding.encode(text, allowed_special=vocabulary.special_names, disallowed_special=())
    assert encode(text) == ids
    assert count_text(text) == len(ids)
    assert spells_special(text) == any(token in vocabulary.special_tokens.values() for token in ids)


def test_every_special_token_is_found_beside_what_may_hide_it() -> None:
    names, encoding = load_vocabulary().special_names, load_vocabulary().encoding
    for name in [*sorted(names)[::9], *names.intersection(WHOLE), "｜DSML｜"]:
        for around in ("{}", "<{}>", "<{}", "<a{}b>", "｜{}｜", "<｜{}｜>", "<|{}|>", "</{}"):
            text = around.format(name)
            assert encode(text) == encoding.encode(text, allowed_special=names, disallowed_special=()), text


@SOME
@given(text=MIXED)
def test_any_mixture_as_plain_text_has_the_ids_of_the_reference(text: str, plain_reference: Tokenizer) -> None:
    ids = encode(text, special="plain")
    assert ids == plain_reference.encode(text, add_special_tokens=False).ids
    assert count_text(text, special="plain") == len(ids)


@SOME
@given(ids=st.lists(st.integers(3, 127_999), max_size=30))
def test_any_ordinary_ids_decode_as_the_reference_does(ids: list[int], reference: Tokenizer) -> None:
    # Random ids are broken UTF-8 as a rule.
    assert decode(ids) == reference.decode(ids, skip_special_tokens=False)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("a" * 100_000, 12_500),
        ("1" * 1000, 334),
        ("ー" * 1000, 1000),
        (" " * 128, 1),
        ("\n" * 16, 1),
        ("<think>" * 1000, 1000),
        ("a  b", 3),
        ("", 0),
    ],
)
def test_known_counts(text: str, tokens: int) -> None:
    assert count_text(text) == tokens


def test_known_ids() -> None:
    tokens = special_tokens()
    assert len(tokens) == 1283
    assert max(tokens.values()) == 129_279
    assert encode("<think></think>") == [128_821, 128_822]
    assert tokens["<｜begin▁of▁sentence｜>"] == 0
    assert tokens["<｜end▁of▁sentence｜>"] == 1
    with pytest.raises(TypeError):
        tokens["<think>"] = 5  # type: ignore[index]


MAX_EFFORT = (
    "Reasoning Effort: Beyond maximum — exhaustive, relentless, and uncompromising.\n"
    "You MUST reason with the utmost depth and rigor, leaving absolutely nothing to chance: exhaustively decompose the "
    "problem into its most fundamental components, trace every causal chain to its root, and resolve the underlying "
    "cause rather than any surface symptom.\n"
    "Do not stop reasoning until you have independently verified the solution from multiple angles and are certain "
    "that no assumption remains unchecked and no error remains undiscovered.\n\n"
)


# What the official API reported as usage.prompt_tokens for V4-Pro-0813 (public measurements of August 2026), and the
# prompts as the chat format renders them: a one-word message of the user, at the efforts low and max.
@pytest.mark.parametrize(("effort", "tokens"), [("", 5), (MAX_EFFORT, 97)], ids=["low", "max"])
def test_a_rendered_prompt_counts_what_the_official_api_reported(effort: str, tokens: int) -> None:
    assert count_text(f"<｜begin▁of▁sentence｜>{effort}<｜User｜>Hi<｜Assistant｜><think>") == tokens


def test_every_pair_of_kana_and_of_the_signs_in_their_blocks(reference: Tokenizer) -> None:
    """Signs and unassigned characters there are words of their own: フ゛ is two, though a token reaches over both."""
    kana = [chr(code) for code in range(0x3040, 0x3100)]
    pairs = [one + other for one in kana for other in kana]
    expected = reference.encode_batch(pairs, add_special_tokens=False)
    assert [pair for pair, each in zip(pairs, expected, strict=True) if encode(pair) != each.ids] == []
