"""Find keys in a recorded exchange, also where a model wrote one in pieces, or in another form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import JsonValue, read_json
from deepseek_v4_sdk.providers.secret_forms import holds, in_base64

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from deepseek_v4_sdk.testing.cassettes.cassette import RecordedExchange

__all__ = ["body_holds", "place_of_key"]


def place_of_key(exchange: RecordedExchange, secrets: Iterable[str]) -> str | None:
    """The place of one of the secrets in an exchange, or None."""
    known = tuple(secrets)
    headers = [*exchange.request_headers.values(), *exchange.headers.values()]
    if any(holds(text, known) for text in (exchange.path, *headers)):
        return "its path or headers"
    if _holds_one(exchange.request_body, known):
        return "the request"
    return "the answer" if _holds_one(exchange.body, known) else None


def body_holds(body: bytes, secrets: Iterable[str]) -> bool:
    """Whether a body holds one of the secrets: literally, in its texts, or in the joined pieces of a stream."""
    return _holds_one(body, tuple(secrets))


def _holds_one(body: bytes, secrets: tuple[str, ...]) -> bool:
    if not secrets:
        return False
    texts: dict[str, list[str]] = {"": [body.decode(errors="replace")]}
    for document in _documents(body):
        for path, text in _texts(document, ""):
            texts.setdefault(path, []).append(text)
    spelled = [form for secret in secrets for form in (secret, *in_base64(secret))]
    return any(holds(text, secrets) or _breaks_off(text, spelled) for text in map("".join, texts.values()))


def _breaks_off(text: str, spelled: list[str]) -> bool:
    """Whether a text ends within a secret; half of it is enough."""
    return any(text.endswith(form[:end]) for form in spelled for end in range(len(form) // 2, len(form)))


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
