"""The profile of a model: its window where that is known, and its abilities, in LangChain's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_core.language_models import ModelProfile

    from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4

__all__ = ["profile_of"]


def profile_of(client: DeepSeekV4 | AsyncDeepSeekV4, name: str | None) -> ModelProfile:
    """Return the profile of the model that a client uses.

    Args:
        client: The client. Nothing is sent.
        name: The model's name; None where nobody has given one.
    """
    window = client.context_window
    known: ModelProfile = {} if window is None else {"max_input_tokens": window}
    return {
        **known,
        "name": name or "DeepSeek-V4",
        "open_weights": True,
        "text_inputs": True,
        "text_outputs": True,
        "image_inputs": False,
        "audio_inputs": False,
        "video_inputs": False,
        "pdf_inputs": False,
        "image_outputs": False,
        "audio_outputs": False,
        "video_outputs": False,
        "reasoning_output": True,
        "tool_calling": True,
        "tool_choice": True,
        # A grammar for the answer leaves no place for calls on vLLM and SGLang: agents answer through a tool.
        "structured_output": False,
        "temperature": True,
    }
