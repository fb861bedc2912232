"""Handing a request over to another provider: what goes along, under which model's name, and what does not."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk.errors import UnsupportedOptionError

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import ChatRequest
    from deepseek_v4_sdk.transport.pool import Pool

__all__ = ["hand_over"]

_SECRET = re.compile("auth|api-?key|token|secret|cookie|password")


def hand_over(request: ChatRequest, model: str | None, first: Pool, then: Pool) -> ChatRequest:
    """The request as another provider is asked.

    Args:
        request: As the first one was asked.
        model: The model that the call names, or None.
        first: The first one.
        then: The other one.

    Raises:
        UnsupportedOptionError: It holds what is meant for the first one alone.
    """
    old, (provider, target) = first.places[0].server()[0], then.places[0].server()
    if request.extra_body and provider.data.name != old.data.name:
        raise UnsupportedOptionError(
            f"{provider.name} would not know what extra_body means to {old.name}",
            option="extra_body",
            provider=provider.name,
        )
    secret = next((name for name in request.extra_headers if _SECRET.search(name.lower())), None)
    if secret is not None:
        raise UnsupportedOptionError(
            f"extra_headers has {secret!r}, which is meant for {old.name} and does not go to {provider.name}",
            option="extra_headers",
            provider=provider.name,
        )
    catalogue = target.catalogue
    named = request.model
    family = None if named is None else catalogue.family(named)
    if then.model is not None and (model is None or catalogue.family(then.model) == family is not None):
        return replace(request, model=then.model)
    # A family's plain name means its model everywhere; a name of one's own is taken as it is.
    return replace(request, model=family or named)
