"""Checks before a chat: whether prompt and answer fit the window, and changes where they do not. No I/O."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from deepseek_v4_sdk.call.upstream import PreparedRequest
from deepseek_v4_sdk.chat import History, Repair, UserMessage
from deepseek_v4_sdk.client.prompt_count import form_of, is_exact
from deepseek_v4_sdk.errors import BudgetError, InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deepseek_v4_sdk.catalogue.models import ServedModel
    from deepseek_v4_sdk.chat import ChatRequest, MessagesInput
    from deepseek_v4_sdk.chat.served import ModelInfo
    from deepseek_v4_sdk.context import PromptCounter, TrimMemory
    from deepseek_v4_sdk.context.window import Window
    from deepseek_v4_sdk.providers import EncodedChat, Provider, ProviderData, Target

__all__ = ["counter_of_server", "fit_request_to_window", "most_output", "published", "reserves", "sent_as", "window_in"]

# Default tokens to keep for an answer: enough for most, and never much of a small window.
_OUTPUT = 4_096
_REASONING = 8_192
_SHARE = 8


def reserves(window: int, *, thinks: bool) -> tuple[int, int]:
    """Default tokens to keep for the answer and for its reasoning; an eighth of the window each at most."""
    return min(_OUTPUT, window // _SHARE), min(_REASONING, window // _SHARE) if thinks else 0


def published(data: ProviderData, target: Target, model: str | None) -> ServedModel | None:
    """The catalogue's entry of a model, only at the provider's own address: a deployment may be set up differently."""
    if model is None or urlsplit(target.base_url).hostname not in data.hosts:
        return None
    return target.catalogue.entry(data.name, model)


def most_output(data: ProviderData, target: Target, model: str | None) -> int | None:
    """The longest answer of a server, as it has reported or as is published; None where it is not known."""
    entry = published(data, target, model)
    return target.limits.of(target.base_url, model).max_output or (entry.max_output if entry is not None else None)


def window_in(models: Sequence[ModelInfo], model: str | None) -> int | None:
    """Find a model's window in a list of models; that of the only model, whatever its name."""
    found = next((each for each in models if each.id == model), None)
    bases = [each for each in models if each.parent is None]
    if found is None and len(bases) == 1:
        found = bases[0]
    if found is not None and found.context_window is None and found.parent is not None:
        found = next((each for each in models if each.id == found.parent), found)
    return found.context_window if found is not None else None


def counter_of_server(
    server: Callable[[], tuple[Provider, Target]],
    request: Callable[[MessagesInput, Mapping[str, object]], ChatRequest],
) -> PromptCounter:
    """Make a function that counts prompts as a server does.

    Args:
        server: The provider and the target.
        request: Makes a request of messages and options.
    """
    from deepseek_v4_sdk.context import PromptCounter

    provider, target = server()
    return PromptCounter(
        request,
        lambda made: form_of(made, *server()),
        lambda made: is_exact(made, *server()),
        provider.data.history,
        lambda made: (server()[0].data.name, sent_as(made, *server()).model),
        target.prices,
        provider.data.cache_block,
        provider.data.edge,
    )


def sent_as(request: ChatRequest, provider: Provider, target: Target) -> EncodedChat:
    """Build the request without its texts, which may be long: its model and its limit.

    Raises:
        InvalidRequestError: This server would refuse its options.
    """
    reasoning_in_text = replace(
        request, messages=_BARE, history=History(_BARE), tools=(), tool_choice=None, response_format=None
    )
    return provider.encode(reasoning_in_text, target)


_BARE = (UserMessage("?"),)


def fit_request_to_window(
    request: ChatRequest, provider: Provider, target: Target, window: Window, trim_memory: TrimMemory
) -> PreparedRequest:
    """Make a request fit the window, as its `overflow` says.

    Raises:
        ContextLengthExceededError: The request does not fit, and `overflow` forbids changing it, or a lower limit is
            not enough.
        BudgetError: It cannot be made to fit.
    """
    from deepseek_v4_sdk.context import ContextBudget

    counter = counter_of_server(lambda: (provider, target), lambda _messages, _options: request)
    encoded = sent_as(request, provider, target)
    if request.may_shorten:
        return _shortened(request, counter, window, encoded.max_tokens, trim_memory)
    prompt, wanted = counter.count(request).total, encoded.max_tokens
    budget = ContextBudget(window.tokens, 0, window_source=window.source, counter=counter)
    if request.overflow == "raise":
        if budget.left_behind(prompt) < (wanted or 1):
            raise budget.too_long(prompt, prompt + (wanted or 1))
        return PreparedRequest(request)
    unsure = budget.unsure(request)
    left = budget.left_behind(prompt + unsure)
    if left < 1:
        raise budget.too_long(prompt, prompt + 1, unsure)
    most = most_output(provider.data, target, encoded.model)
    limit = left if most is None else min(left, most)
    if wanted is None or wanted <= limit:
        return PreparedRequest(request)
    lowered = replace(request, max_tokens=limit)
    if sent_as(lowered, provider, target).max_tokens != limit:
        raise InvalidRequestError(
            f"max_tokens={wanted} is in extra_body, which the client never changes, and {limit} would fit: "
            "give it as an option"
        )
    why = (
        f"the prompt has {prompt:,} tokens of the window of {window.tokens:,} ({window.source})"
        if limit == left
        else "the server gives no more"
    )
    return PreparedRequest(lowered, (Repair("max_tokens", f"lowered from {wanted:,} to {limit:,}: {why}"),))


def _shortened(
    request: ChatRequest, counter: PromptCounter, window: Window, wanted: int | None, trim_memory: TrimMemory
) -> PreparedRequest:
    from deepseek_v4_sdk.context.budget import UNSURE_TOKENS, ContextBudget, kept_free

    own, low_water, strategies = cast("ContextBudget | None", request.budget), 0.6, None
    output, reasoning = reserves(window.tokens, thinks=request.thinking != "off") if wanted is None else (wanted, 0)
    if own is not None:
        low_water, strategies, trim_memory = own.low_water, own.strategies, own.trim_memory
        if wanted is None or wanted <= own.reserved:
            output, reasoning = own.reserve_output, own.reserve_reasoning
    unsure = 0 if counter.exact(request) else min(UNSURE_TOKENS, window.tokens // _SHARE)
    budget = ContextBudget(
        window.tokens,
        output,
        reasoning + unsure,
        low_water=low_water,
        window_source=window.source,
        counter=counter,
        trim_memory=trim_memory,
        strategies=strategies,
    )
    try:
        plan = budget.fit_request(request)
    except BudgetError as error:
        error.args = (f"{error}{kept_free(unsure)}",)
        raise
    if not plan.changed:
        return PreparedRequest(request)
    messages = tuple(plan.messages)
    what = f"{plan}, in a window of {window.tokens:,} ({window.source})"
    note = Repair("fit_request_to_window", what, level="alarm" if plan.is_new else "note")
    return PreparedRequest(replace(request, messages=messages, history=History(messages)), (note,))
