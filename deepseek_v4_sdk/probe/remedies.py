"""Remedies for missing features: the flags of each server, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepseek_v4_sdk.probe.report import ProbeFeature

__all__ = ["RELEASE", "remedy_for"]

_GATEWAY = "look for a gateway in front that drops "
_PROFILE_VERSION = 'server_version = "..." in the profile'

_VLLM: Mapping[ProbeFeature, str] = {
    "window": f"{_GATEWAY}max_model_len from /v1/models",
    "version": _PROFILE_VERSION,
    "thinking": f"--tokenizer-mode deepseek_v4; or {_GATEWAY}chat_template_kwargs",
    "reasoning": "--reasoning-parser deepseek_v4",
    "tools": "--enable-auto-tool-choice --tool-call-parser deepseek_v4",
    "streamed_usage": f"--enable-force-include-usage; or {_GATEWAY}stream_options",
    "cached_tokens": "--enable-prompt-tokens-details",
    "structured_output": f"{_GATEWAY}response_format",
    "prompt_format": "--tokenizer-mode deepseek_v4",
}
_SGLANG: Mapping[ProbeFeature, str] = {
    **_VLLM,
    "thinking": f"--tool-call-parser deepseekv4, which brings the encoder; or {_GATEWAY}chat_template_kwargs",
    "reasoning": "--reasoning-parser deepseek-v4",
    "tools": "--tool-call-parser deepseekv4",
    "streamed_usage": f"--stream-response-default-include-usage; or {_GATEWAY}stream_options",
    "cached_tokens": "--enable-cache-report",
    "prompt_format": "--tool-call-parser deepseekv4",
}
_DYNAMO: Mapping[ProbeFeature, str] = {
    "window": "register the model with its context length: the front end reports it in /v1/models",
    "thinking": f"{_GATEWAY}chat_template_kwargs",
    "reasoning": "--dyn-reasoning-parser deepseek_v4 on each worker",
    "tools": "--dyn-tool-call-parser deepseek_v4 on each worker",
    "streamed_usage": f"{_GATEWAY}stream_options",
    "structured_output": f"{_GATEWAY}response_format",
    "prompt_format": "--tokenizer-mode deepseek_v4 on each worker",
}
_HOSTED = "nothing of yours: the service is set up so"

_FLAGS: Mapping[str, Mapping[ProbeFeature, str]] = {"vllm": _VLLM, "sglang": _SGLANG, "dynamo": _DYNAMO}

RELEASE = ("/v1/version", "release")
"""The path and the key of a NIM container's release."""


def remedy_for(feature: ProbeFeature, provider: str, engine: str) -> str:
    """Find the remedy for a feature.

    Args:
        feature: The feature that does not work.
        provider: The kind of server.
        engine: The engine inside; the provider's own name where there is only one.
    """
    if provider != "nim":
        flags = _FLAGS.get(provider)
        return _HOSTED if flags is None else flags.get(feature, _HOSTED)
    if feature in {"version", "window"}:
        return _VLLM[feature]
    flags = _FLAGS.get(engine)
    if flags is None:
        return 'engine = "sglang" or "vllm" in the profile: the container does not name its engine'
    flag = flags[feature]
    return f'NIM_PASSTHROUGH_ARGS="{flag}"' if flag.startswith("--") and ";" not in flag else flag
