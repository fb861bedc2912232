"""Rendering prompts: the text that a server makes of a conversation, in segments. `tokens` counts their tokens."""

from deepseek_v4_sdk.prompt.literals import Generation, Piece
from deepseek_v4_sdk.prompt.render import render_prompt
from deepseek_v4_sdk.prompt.render_job import Dialect
from deepseek_v4_sdk.prompt.rendered import RenderedPrompt, Segment

__all__ = ["Dialect", "Generation", "Piece", "RenderedPrompt", "Segment", "render_prompt"]
