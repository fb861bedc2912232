"""Rewriting a request for another provider: the parts that it keeps, the model's name there, and what it drops."""

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
    """Rewrite a request for another provider.

    Args:
        request: The request to the first provider.
        model: The model that the call names, or None.
        first: The first provider.
        then: The other provider.

    Raises:
        UnsupportedOptionError: It holds settings that are meant only for the first provider.
    """
    old, (provider, target) = first.upstreams[0].server()[0], then.upstreams[0].server()
    route, another = old.data.completions, provider.data.name != old.data.name
    if another and route is not None and route.ids_field in request.extra_body:
        request = replace(request, extra_body={k: v for k, v in request.extra_body.items() if k != route.ids_field})
    if request.extra_body and another:
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
    # A family's plain name means its model everywhere; any other name is sent unchanged.
    return replace(request, model=family or named)
