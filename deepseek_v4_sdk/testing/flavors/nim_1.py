"""The engine of a NIM 1.x container from the server's side: vLLM of its time with a strict validator before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.testing.flavors.base import Refusal, refusal
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepseek_v4_sdk.chat import JsonValue

__all__ = ["OlderNim"]

_KEY_WORDS = """
model messages stream stream_options tools tool_choice parallel_tool_calls max_tokens max_completion_tokens temperature
top_p top_k min_p n stop seed frequency_penalty presence_penalty repetition_penalty logit_bias logprobs top_logprobs
response_format user chat_template_kwargs nvext ignore_eos guided_decoding_backend
"""
_KEYS = frozenset(_KEY_WORDS.split())
_GUIDES = {"guided_json": "json", "guided_regex": "regex", "guided_choice": "choice", "guided_grammar": "grammar"}


class OlderNim(VLLMFlavor):
    """Refuses what it does not know, and reads the grammar of an answer in `nvext`."""

    def refuse(self, body: dict[str, JsonValue], window: int) -> Refusal | None:
        """It refuses unknown fields as a text that is not JSON; it checks a grammar in `nvext` as one at the root."""
        for key in body.keys() - _KEYS:
            fault: dict[str, object] = {"type": "extra_forbidden", "loc": ("body", key)}
            fault |= {"msg": "Extra inputs are not permitted", "input": body[key]}
            return refusal(400, {"error": str([fault])})
        extension = body.get("nvext")
        given: Mapping[str, JsonValue] = extension if isinstance(extension, dict) else {}
        guides: dict[str, JsonValue] = {_GUIDES[key]: value for key, value in given.items() if key in _GUIDES}
        return super().refuse({**body, "structured_outputs": guides} if guides else body, window)
