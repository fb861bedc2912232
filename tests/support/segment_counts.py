"""Counting the tokens of rendered prompts as the servers of each dialect do."""

from __future__ import annotations

from deepseek_v4_sdk.prompt import RenderedPrompt, Segment
from deepseek_v4_sdk.tokens import count_text, encode


def segment_tokens(segment: Segment, dialect: str) -> list[int]:
    if dialect == "vllm":
        return encode(segment.text)
    return [
        token for text, control in segment.pieces for token in encode(text, special="control" if control else "plain")
    ]


def prompt_tokens(prompt: RenderedPrompt, dialect: str) -> list[int]:
    """Of the prompt as one piece, whatever its segments."""
    if dialect == "vllm":
        return encode(prompt.text)
    whole = Segment(tuple(joined(prompt)))
    return segment_tokens(whole, dialect)


def joined(prompt: RenderedPrompt) -> list[tuple[str, bool]]:
    """The pieces of a prompt, each text as one, and whether a piece is a control token."""
    pieces: list[tuple[str, bool]] = []
    for text, control in (piece for segment in prompt.segments for piece in segment.pieces):
        if pieces and not control and not pieces[-1][1]:
            pieces[-1] = (pieces[-1][0] + text, False)
        else:
            pieces.append((text, control))
    return pieces


def assert_adds_up(prompt: RenderedPrompt, dialect: str) -> None:
    assert "".join(segment.text for segment in prompt.segments) == prompt.text
    apart = [token for segment in prompt.segments for token in segment_tokens(segment, dialect)]
    assert apart == prompt_tokens(prompt, dialect)
    if dialect == "vllm":
        assert len(apart) == count_text(prompt.text)
