"""Finding in a server's refusal that a prompt, or prompt and answer, do not fit into the window, and the numbers."""

from __future__ import annotations

import re

__all__ = ["overflow"]

# Numbers have commas ("1,048,576") or fractions ("9351.0"); very long ones are not matched.
_N = r"(?<![\d.,])(\d[\d,]{0,23}(?:\.\d{1,6})?)"

# The server of each alternative is named after it; a gateway may have cut the text around it.
_WORDS = re.compile(
    r"maximum context length"  # vLLM 0.20-0.33, SGLang, Dynamo 1.6.1, DeepSeek's API, OpenRouter
    r"|maximum model length"  # vLLM's engine
    r"|cannot be greater than max_model_len"  # vLLM 0.32
    r"|max_tokens must be at least 1, got (?:0|-\d)"  # vLLM: the prompt fills the window
    r"|fills it with \d{1,18} input tokens"  # vLLM's Rust front end
    r"|longer than the model's context length|Requested token count exceeds"  # SGLang 0.5.12-0.5.23
    r"|exceeds the maximum allowed length \(\d[\d,]{0,23} tokens"  # SGLang whose memory is smaller than its window
    r"|max_completion_tokens is too large"  # SGLang 0.5.23
    r"|`default_max_tokens` \(-?\d{1,18}\) must be greater than 0"  # TensorRT-LLM
    r"|should not exceed max_(?:num_tokens|seq_len|input_len)"  # TensorRT-LLM
    r"|exceeds? the available context size"  # llama.cpp
    r"|(?i:\bprompt is too long\b|\bcontext[_ ](?:length|window|size)[_ ]exceeded\b"  # gateways
    r"|\bexceed(?:s|ed|ing)? (?:the |this )?(?:model'?s )?(?:maximum )?context (?:length|window|size|limit)\b)"
)
_CODES = frozenset({"context_length_exceeded", "context_window_exceeded"})  # not OpenAI's for any long field

_LIMIT = (
    rf"maximum (?:context|model|allowed) length(?: is| of|:)? ?\(?{_N}",
    rf"model's context length \({_N}",
    rf"upper bound for {_N} input tokens",
    rf"\bmax_(?:model_len|seq_len|num_tokens|input_len)\b`?[ =:]{{0,3}}\(?{_N}",
    rf"context (?:length|window|size|limit)(?: is| of|:)? ?\(?{_N}",
    rf"> {_N} maximum",
)
_PROMPT = (
    rf"(?:prompt contains|request has|fills it with)(?: at least)? {_N} input tokens",
    rf"\({_N} in the messages",
    rf"messages resulted in {_N}",
    rf"{_N} tokens from the input",
    rf"(?:The input|Input length|request|prompt length|splited_prompt_len`?) \({_N}",
    rf"prompt \(length {_N}",
    rf"prompt is too long: {_N} tokens",
)
_PARTS = rf"[(,] ?{_N} of (?:text|tool|image|audio|file) input"  # OpenRouter counts each kind separately
_REQUESTED = (
    rf"requested(?: about| a total of)? {_N} tokens",
    rf"for a total of(?: at least)? {_N} tokens",
    rf"max_(?:completion_)?tokens=?'?(?: is too large:)? ?{_N}",
)
_DIGITS = 18  # of a number of tokens at most


def overflow(message: str, code: str | int | None = None) -> dict[str, int] | None:
    """Return the numbers in a refusal for length, by the names of the error's fields; None for other refusals.

    Args:
        message: The server's message.
        code: Its code or type.
    """
    if _WORDS.search(message) is None and code not in _CODES:
        return None
    found = {"limit": _first(_LIMIT, message), "prompt_tokens": _first(_PROMPT, message)}
    found["requested"] = _first(_REQUESTED, message)
    if found["prompt_tokens"] is None and (parts := re.findall(_PARTS, message)):
        counts = [count for part in parts if (count := _number(part)) is not None]
        found["prompt_tokens"] = sum(counts)
    return {name: number for name, number in found.items() if number is not None}


def _first(patterns: tuple[str, ...], message: str) -> int | None:
    for pattern in patterns:
        if (match := re.search(pattern, message)) is not None and (number := _number(match[1])) is not None:
            return number
    return None


def _number(text: str) -> int | None:
    whole = text.partition(".")[0].replace(",", "")
    return int(whole) if len(whole) <= _DIGITS else None
