"""Rendered prompts as tokens, for servers that take them: between the provider and the packages that render."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.client.prompt_count import form_of
from deepseek_v4_sdk.providers import RenderedRequest

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import ChatRequest
    from deepseek_v4_sdk.providers import Provider, Target

__all__ = ["render_request"]


def render_request(request: ChatRequest, provider: Provider, target: Target) -> RenderedRequest:
    """Render a chat as its server would, as tokens.

    Tokens and not a text, because some servers read control tokens in the text that a user wrote (SGLang 0.5.23).

    Raises:
        InvalidRequestError: The server's encoder would refuse the conversation.
        UnsupportedOptionError: The encoder does not support something in it.
        ConfigurationError: The vocabulary is not installed.
    """
    from deepseek_v4_sdk.prompt.literals import THINK_OPEN
    from deepseek_v4_sdk.tokens import special_tokens
    from deepseek_v4_sdk.tokens.segments import encode_segment

    form = form_of(request, provider, target)
    segments = form.render(request.messages).segments
    ids = [token for segment in segments for token in encode_segment(segment, form.dialect)]
    return RenderedRequest(ids, thinks=ids[-1] == special_tokens()[THINK_OPEN[0]])
