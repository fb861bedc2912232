"""The plan of one attempt of a chat, and the route of its attempts: values that are replaced, never changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk.traffic.replicas import conversation_key

if TYPE_CHECKING:
    from deepseek_v4_sdk.call.resuming import Resuming
    from deepseek_v4_sdk.call.upstream import PreparedRequest, Upstream
    from deepseek_v4_sdk.chat import ChatRequest, Repair
    from deepseek_v4_sdk.errors import DeepSeekV4Error
    from deepseek_v4_sdk.providers import EncodedChat, Provider, RenderedRequest, Target
    from deepseek_v4_sdk.traffic.replicas import ReplicaSet

__all__ = ["AttemptPlan", "Route", "plan_attempt"]

_BYTES_PER_TOKEN = 3  # on the low side: of program texts and most languages a token is 3 to 4 bytes of JSON


@dataclass(slots=True, eq=False)
class AttemptPlan:
    """One attempt: what is sent, to which server, and with which settings of it.

    Attributes:
        request: The caller's request, as rewritten for the provider.
        replica_set: The replicas of the provider.
        upstream: The replica that is called.
        provider: Its API, as known when the request was encoded.
        target: Its address, key, limits and prices, as known then.
        prepared: The request as prepared for that server, and the decisions made for the caller.
        encoded: The same in the server's form.
        version: The version of the server, as known when the request was encoded: the body depends on it.
        is_prepared: Whether the steps that come before a chat there have run.
        rendered: The prompt, where a rendered one is sent instead of a chat.
    """

    request: ChatRequest
    replica_set: ReplicaSet[Upstream]
    upstream: Upstream
    provider: Provider
    target: Target
    prepared: PreparedRequest
    encoded: EncodedChat
    version: str | None
    is_prepared: bool
    rendered: RenderedRequest | None = None

    def is_for(self, upstream: Upstream, request: ChatRequest) -> bool:
        """Whether the encoded request is what an upstream takes for a prepared request now."""
        version = self.target.limits.version_of(self.target.base_url, self.encoded.model)
        same = self.upstream is upstream and self.prepared.request is request and self.version == version
        return same and upstream.server() == (self.provider, self.target)

    def tokens_expected(self, limit: int) -> int:
        """Estimate the tokens of the prompt, and of the answer as far as the limit leaves room for them."""
        prompt = len(self.encoded.call.body or b"") // _BYTES_PER_TOKEN
        return max(prompt, min(limit, prompt + (self.prepared.request.max_tokens or 0)))


@dataclass(slots=True, eq=False)
class Route:
    """The way of a chat from attempt to attempt: the provider that is called, and what became of the others.

    Attributes:
        request: The caller's request, as rewritten for the provider.
        replica_set: The replicas of the provider that is called.
        rest: The providers for failover that have not been called yet, in order.
        avoided: The replicas at which the chat has failed.
        notes: The providers that have failed or cannot take the request.
        cause: The error because of which the last provider was left, or None.
        is_refitted: Whether the request was fitted again, after a refusal that named the window.
    """

    request: ChatRequest
    replica_set: ReplicaSet[Upstream]
    rest: tuple[ReplicaSet[Upstream], ...]
    avoided: frozenset[Upstream] = frozenset()
    notes: tuple[Repair, ...] = ()
    cause: DeepSeekV4Error | None = None
    is_refitted: bool = False


def plan_attempt(
    route: Route,
    upstream: Upstream,
    prepared: PreparedRequest,
    resuming: Resuming | None = None,
    rendered: RenderedRequest | None = None,
    *,
    is_prepared: bool = True,
) -> AttemptPlan:
    """Plan an attempt: encode a request for an upstream of the route, or its prompt.

    Args:
        route: The way of the chat so far.
        upstream: The chosen replica.
        prepared: The request as prepared for it.
        resuming: The answer that the attempt may go on with, or None.
        rendered: The prompt, where one is sent instead of a chat.
        is_prepared: Whether the steps that come before a chat there have run.

    Raises:
        InvalidRequestError: This server would refuse or misread the request.
    """
    provider, target = upstream.server()
    if rendered is None and prepared.request.wire != "raw":
        encoded = provider.encode(prepared.request, target)
    else:
        from deepseek_v4_sdk.providers import completion_bodies as bodies  # few programs render prompts

        request = prepared.request
        if resuming is not None:
            request = resuming.request_of(request, rendered)
        if rendered is None or resuming is None:
            encoded = bodies.encode_rendered(provider, request, target, rendered)
        else:
            encoded = bodies.encode_continuation(provider, request, target, rendered)
    header = provider.data.session_header
    if (
        route.replica_set.session_affinity
        and header is not None
        and all(name != header for name, _ in encoded.call.headers)
    ):
        marked = (*encoded.call.headers, (header, conversation_key(route.request).hex()))
        encoded = replace(encoded, call=replace(encoded.call, headers=marked))
    return AttemptPlan(
        route.request,
        route.replica_set,
        upstream,
        provider,
        target,
        prepared,
        encoded,
        target.limits.version_of(target.base_url, encoded.model),
        is_prepared=is_prepared,
        rendered=rendered,
    )
