"""The routes that count tokens and turn tokens into text, as a flavor answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.errors import InvalidRequestError, UnsupportedOptionError
from deepseek_v4_sdk.testing.prompt_tokens import as_tokenized, encode_body
from deepseek_v4_sdk.testing.script import Error
from deepseek_v4_sdk.tokens import decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.testing.flavors.base import Flavor, Refusal
    from deepseek_v4_sdk.testing.prompt_tokens import Rendering

__all__ = ["detokenized", "tokenized"]


def tokenized(
    engine: Flavor, body: dict[str, JsonValue], rendering: Callable[[dict[str, JsonValue]], Rendering], window: int
) -> tuple[JsonValue, Refusal | None]:
    """A server's own count of a prompt: of a text, of several, or of a chat as it would be rendered."""
    if (refused := engine.refuse_count(body)) is not None:
        return None, refused
    text = body.get("prompt")
    if isinstance(text, str):
        ids = [*encode(text)]
    elif isinstance(text, list):
        return engine.tokenized_batch([[*encode(str(each))] for each in text], body, window), None
    else:
        seen = as_tokenized(body, engine.dialect)
        try:
            ids = encode_body(engine.prompt_body(seen), rendering(seen))
        except (InvalidRequestError, UnsupportedOptionError) as error:
            return None, Error(400, str(error))
    return engine.tokenized(ids, body, window), None


def detokenized(
    engine: Flavor, body: dict[str, JsonValue], tokens: list[JsonValue]
) -> tuple[JsonValue, Refusal | None]:
    """The text of tokens, or of several lists of them."""
    if (refused := engine.refuse_tokens(body)) is not None:
        return None, refused
    if tokens and all(isinstance(each, list) for each in tokens):
        return engine.detokenized_batch([_text(each) for each in tokens if isinstance(each, list)]), None
    return engine.detokenized(_text(tokens)), None


def _text(tokens: list[JsonValue]) -> str:
    return decode([token for token in tokens if isinstance(token, int)])
