"""Counting tokens locally, with the vocabulary that V4-Pro and V4-Flash share; `prompt` renders prompts.

Importing this package reads no file and imports no tokenizer: the vocabulary is loaded at the first count.
"""

from __future__ import annotations

from deepseek_v4_sdk.tokens.texts import SpecialText, count_text, decode, encode, special_tokens

__all__ = ["SpecialText", "count_text", "decode", "encode", "special_tokens"]
