"""Rendered prompts as tokens, for servers that take them: between the provider and the packages that render."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import AssistantMessage, is_mapping, read_json
from deepseek_v4_sdk.client.prompt_count import form_of
from deepseek_v4_sdk.errors import InvalidRequestError, SchemaViolationError
from deepseek_v4_sdk.providers import RenderedRequest

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import ChatRequest
    from deepseek_v4_sdk.exchange import Part
    from deepseek_v4_sdk.providers import Provider, Target

__all__ = ["check_format", "render_request"]

_HALF = "\N{REPLACEMENT CHARACTER}"
_MOST_TOKENS_OF_HALF = 3


def render_request(
    request: ChatRequest, provider: Provider, target: Target, part: Part | None = None
) -> RenderedRequest:
    """Render a chat as its server would, as tokens.

    Tokens and not a text, because some servers read control tokens in the text that a user wrote (SGLang 0.5.23).

    Args:
        request: The chat.
        provider: The provider of the server.
        target: The server.
        part: The part of an answer to go on with, or None.

    Raises:
        InvalidRequestError: The server's encoder would refuse the conversation, or the part cannot be written.
        UnsupportedOptionError: The encoder does not support something in it.
        ConfigurationError: The vocabulary is not installed.
    """
    from deepseek_v4_sdk.prompt.literals import THINK_OPEN
    from deepseek_v4_sdk.tokens import encode, special_tokens
    from deepseek_v4_sdk.tokens.segments import encode_segment

    form = form_of(request, provider, target)
    segments = form.render(request.messages).segments
    ids = [token for segment in segments for token in encode_segment(segment, form.dialect)]
    thinks = ids[-1] == special_tokens()[THINK_OPEN[0]]
    if part is None:
        return RenderedRequest(ids, thinks=thinks)
    message = None
    if provider.data.completions is None:
        message, part = _last_message(part, provider)
    if message is None and (own := _own_tokens(part)) is not None:
        raw, tail = own
        return RenderedRequest([*ids, *tail], thinks=thinks, raw=raw, part_tokens=len(tail), exact=True)
    raw = _written(part, thinks=thinks) if part.raw is None else part.raw
    # Spellings of control tokens in it are the model's tokens. It ends with a whole character, as all texts do.
    tail = encode(raw)
    return RenderedRequest([*ids, *tail], thinks=thinks, raw=raw, part_tokens=len(tail), last_message=message)


def _own_tokens(part: Part) -> tuple[str, list[int]] | None:
    """The part as the model's own tokens, up to a whole character; None where the server did not give all of them."""
    from deepseek_v4_sdk.tokens import decode

    ids = list(part.ids)
    text = decode(ids)
    for _ in range(_MOST_TOKENS_OF_HALF):
        if not text.endswith(_HALF):
            break
        ids.pop()  # a server would answer with the whole prompt as text (vLLM), or swallow the character (SGLang)
        text = decode(ids)
    return (text, ids) if ids and text.startswith(part.raw or "") else None


def _last_message(part: Part, provider: Provider) -> tuple[AssistantMessage, Part]:
    """The part as the last message of a chat, and what of it that says.

    Without a text, a server goes on in the reasoning. The model writes its end again.

    Raises:
        InvalidRequestError: There are calls in it.
    """
    if part.calls:
        raise InvalidRequestError(f"{provider.name} does not go on with calls")
    message = AssistantMessage(part.text, reasoning=part.reasoning or None, extra={"prefix": True})
    return message, replace(part, held="", raw=None, past_reasoning=bool(part.text))


def _written(part: Part, *, thinks: bool) -> str:
    """Write the raw output of an answer of which the server handed out the parts."""
    from deepseek_v4_sdk.prompt.answer_part import render_part

    calls, begun = (part.calls[:-1], part.calls[-1]) if part.begun else (part.calls, None)
    raw = render_part(part.reasoning, part.text, calls, begun, thinks=thinks, past_reasoning=part.past_reasoning)
    return raw + part.held


def check_format(request: ChatRequest, text: str) -> None:
    """Check an answer of which a server wrote the end without its grammar.

    Raises:
        SchemaViolationError: It is not of the requested format.
    """
    from deepseek_v4_sdk.tools.json_schema import mistake_in
    from deepseek_v4_sdk.tools.refusal import path_of

    asked = request.response_format or {}
    inner = asked.get("json_schema")
    schema = inner.get("schema") if is_mapping(inner) else {"type": "object"}
    if asked.get("type") not in {"json_object", "json_schema"} or not is_mapping(schema):
        return
    try:
        value = read_json(text)
    except ValueError:
        raise SchemaViolationError("the answer was resumed inside its JSON, and is not JSON", text=text) from None
    if (mistake := mistake_in(value, schema)) is not None:
        place, message = mistake
        path = path_of(place)
        where = f" at {path}" if path else ""
        raise SchemaViolationError(
            f"the answer was resumed inside its JSON, and is wrong{where}: {message}", path=path, text=text
        )
