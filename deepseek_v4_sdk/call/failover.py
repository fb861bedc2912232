"""Handing a request over to another provider: what goes along, under which model's name, and what does not."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk.errors import UnsupportedOptionError

if TYPE_CHECKING:
    from deepseek_v4_sdk.call.upstream import Upstream
    from deepseek_v4_sdk.chat import ChatRequest
    from deepseek_v4_sdk.traffic.replicas import ReplicaSet

__all__ = ["rewrite_for_failover"]

_SECRET = re.compile("auth|api-?key|token|secret|cookie|password")


def rewrite_for_failover(
    request: ChatRequest, model: str | None, first: ReplicaSet[Upstream], then: ReplicaSet[Upstream]
) -> ChatRequest:
    """The request as another provider is asked.

    Args:
        request: As the first one was asked.
        model: The model that the call names, or None.
        first: The first one.
        then: The other one.

    Raises:
        UnsupportedOptionError: It holds what is meant for the first one alone.
    """
    old, (provider, target) = first.upstreams[0].server()[0], then.upstreams[0].server()
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
