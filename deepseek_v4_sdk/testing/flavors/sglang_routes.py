"""SGLang's reports about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepseek_v4_sdk.chat import JsonValue

__all__ = ["CREATED", "card", "model_info", "no_such_model"]

CREATED = 1_795_282_181
"""The creation time of its models and answers, in seconds since 1970."""


def card(name: str, window: int) -> JsonValue:
    """A name in the list of models."""
    return {
        "id": name,
        "object": "model",
        "created": CREATED,
        "owned_by": "sglang",
        "root": name,
        "parent": None,
        "max_model_len": window,
    }


def model_info(name: str, parsers: Mapping[str, JsonValue]) -> JsonValue:
    """Its models and its parsers."""
    return {
        "model_path": name,
        "served_model_name": name,
        "tokenizer_path": name,
        "is_generation": True,
        "weight_version": "default",
        **parsers,
        "disaggregation_mode": "null",
        "has_image_understanding": False,
        "has_audio_understanding": False,
        "architectures": ["DeepseekV4ForCausalLM"],
    }


def no_such_model(name: str) -> JsonValue:
    """The error for an unknown model."""
    return {
        "message": f"The model '{name}' does not exist",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }
