"""The digest of a request: a hash of all that decides its answer, so that a journal knows a row that has changed."""

from __future__ import annotations

import json
from dataclasses import fields
from hashlib import blake2b
from typing import TYPE_CHECKING

from pydantic_core import to_jsonable_python

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deepseek_v4_sdk.chat import ChatRequest

__all__ = ["digest_of"]

# The answer does not depend on these: timers, the form on the wire, limits of money, notes of the caller.
_NO_PART = frozenset(
    {
        "history",
        "model",
        "timeout",
        "metadata",
        "wire",
        "spend",
        "priority",
        "user",
        "cache_salt",
        "on_interrupt",
        "extra_headers",
    }
)


def digest_of(request: ChatRequest, model: str | None, further: Mapping[str, object]) -> str:
    """Hash what decides the answer to a request.

    Args:
        request: The checked request, with the client's defaults.
        model: A name of the model that is the same at every provider, or None.
        further: Further values that decide: a schema, the limits of a tool loop.

    Returns:
        32 hexadecimal digits.
    """
    parts: dict[str, object] = {
        field.name: value
        for field in fields(request)
        if field.name not in _NO_PART and (value := getattr(request, field.name)) is not None
    }
    parts["messages"] = [message.to_dict() for message in request.messages]
    parts["tools"] = [tool.to_dict() for tool in request.tools]
    parts["model"] = model
    parts |= {f"further.{name}": value for name, value in further.items()}
    plain = to_jsonable_python(parts, fallback=_named)
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _named(value: object) -> object:
    """An object that is not JSON, such as a budget or a function, counts by its values, or by its name."""
    to_dict: Callable[[], object] | None = getattr(value, "to_dict", None)
    if to_dict is not None:
        return to_dict()
    return getattr(value, "__qualname__", type(value).__qualname__)
