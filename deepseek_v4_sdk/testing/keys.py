"""Finds keys in what would be kept of an exchange, also where a model has said one in pieces, or in base64."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import JsonValue, read_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from deepseek_v4_sdk.testing.cassette import RecordedExchange

__all__ = ["body_holds", "place_of_key"]

_SHORTEST = 6  # of a spelling that is looked for: a shorter one stands in any text


def place_of_key(exchange: RecordedExchange, secrets: Iterable[str]) -> str | None:
    """Where an exchange holds one of the secrets, or None."""
    known = _spellings(secrets)
    headers = [*exchange.request_headers.values(), *exchange.headers.values()]
    if any(secret in text for secret in known for text in (exchange.path, *headers)):
        return "its path or headers"
    if _holds_one(exchange.request_body, known):
        return "the request"
    return "the answer" if _holds_one(exchange.body, known) else None


def body_holds(body: bytes, secrets: Iterable[str]) -> bool:
    """Whether a body holds one of the secrets: as it is, in its texts, or in the texts that a stream's pieces make."""
    return _holds_one(body, _spellings(secrets))


def _spellings(secrets: Iterable[str]) -> tuple[str, ...]:
    """The secrets, and what of each is the same in base64 whatever stands before and after it."""
    known = dict.fromkeys(secrets)
    for secret in tuple(known):
        data = secret.encode()
        for before in range(3):  # where the secret begins within three bytes, which are four characters
            whole = (before + len(data)) // 3 * 4
            for encode in (b64encode, urlsafe_b64encode):
                spelled = encode(bytes(before) + data).decode()[0 if before == 0 else before + 1 : whole]
                if len(spelled) >= _SHORTEST:
                    known[spelled] = None
    return tuple(known)


def _holds_one(body: bytes, known: tuple[str, ...]) -> bool:
    if not known:
        return False
    texts: dict[str, list[str]] = {"": [body.decode(errors="replace")]}
    for document in _documents(body):
        for path, text in _texts(document, ""):
            texts.setdefault(path, []).append(text)
    joined = ["".join(pieces) for pieces in texts.values()]
    return any(_holds(text, secret) for secret in known for text in joined)


def _holds(text: str, secret: str) -> bool:
    """Whether a text holds a secret; where the text breaks off within one, half of it is enough."""
    return secret in text or any(text.endswith(secret[:end]) for end in range(len(secret) // 2, len(secret)))


def _documents(body: bytes) -> Iterator[JsonValue]:
    """The JSON in a body: the body itself, or the data of its events."""
    for piece in (body, *(line[5:] for line in body.splitlines() if line.startswith(b"data:"))):
        try:
            yield read_json(piece)
        except ValueError:
            continue


def _texts(value: JsonValue, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield f"{path}.{key} ", key  # a name is a text too; the blank keeps it apart from its value
            yield from _texts(item, f"{path}.{key}")
