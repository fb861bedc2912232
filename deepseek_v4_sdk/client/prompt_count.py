"""Counting the prompt of a chat: between the provider, which names the renderer, and the packages that render it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import AssistantMessage, TokenCount, write_json
from deepseek_v4_sdk.errors import ConfigurationError, ServerError
from deepseek_v4_sdk.providers.bodies import thinking_level
from deepseek_v4_sdk.providers.learned_limits import RUST

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import ChatRequest, JsonValue, Message
    from deepseek_v4_sdk.prompt import Generation
    from deepseek_v4_sdk.providers import Provider, Target
    from deepseek_v4_sdk.tokens.prompts import PromptForm

__all__ = ["count_request", "form_of", "is_exact", "is_large", "prompt_form", "read_count", "warm_up"]

_LARGE = 100_000


def prompt_form(request: ChatRequest, provider: Provider, generation: Generation) -> PromptForm:
    """Describe the form in which a provider's server renders a chat.

    Raises:
        UnsupportedOptionError: The server lacks the thinking level.
    """
    from deepseek_v4_sdk.tokens.prompts import PromptForm  # loaded when something is counted

    renderer, tools, choice = provider.data.renderer, request.tools, request.tool_choice
    if renderer.forces_by_grammar and request.forces_a_call:
        if renderer.dialect == "recipe" and choice != "required":
            tools = tuple(tool for tool in tools if tool.name == choice)
        choice = None
    return PromptForm(
        dialect=renderer.dialect,
        generation=generation,
        thinking=thinking_level(provider.data, request),
        tools=tools,
        response_format=request.response_format if renderer.shows_format else None,
        tool_choice=choice,
        as_sent=lambda messages: provider.as_rendered(replace(request, messages=messages)),
        renderer_id=provider.data,
        sent_form=request.control_tokens,
    )


def form_of(request: ChatRequest, provider: Provider, target: Target) -> PromptForm:
    """Describe the form in which a server renders a chat for the requested model.

    Raises:
        UnsupportedOptionError: The server lacks the thinking level.
    """
    generation = _generation(request, provider, target)
    # vLLM and SGLang render every V4 checkpoint in the later form.
    return prompt_form(request, provider, "2026-08" if generation == "2026-04" else generation)


def is_exact(request: ChatRequest, provider: Provider, target: Target) -> bool:
    """Whether a server is known to render a chat in exactly this form."""
    version = target.server_version or target.limits.version_of(target.base_url, request.model)
    if version is not None and version.endswith(RUST) and any(tool.description is None for tool in request.tools):
        return False  # it leaves out what Python's front end writes as null
    return _generation(request, provider, target) != "v4.1" and provider.data.renderer.exact(version)


def _generation(request: ChatRequest, provider: Provider, target: Target) -> Generation:
    entry = target.catalogue.find(provider.data.name, request.model) if request.model else None
    return entry.generation if entry is not None else "2026-08"


def count_request(request: ChatRequest, provider: Provider, target: Target) -> TokenCount:
    """Count the tokens of a chat's prompt here.

    Without the vocabulary it is an estimate from the number of bytes: too high for ordinary texts, and it says so.

    Raises:
        InvalidRequestError: The server's encoder would refuse the conversation.
        UnsupportedOptionError: The encoder does not support something in it.
    """
    from deepseek_v4_sdk.tokens.prompts import count_prompt

    form = form_of(request, provider, target)
    try:
        counted = count_prompt(request.messages, form)
    except ConfigurationError:
        return _estimated(request)
    return TokenCount(
        total=counted.total,
        exact=is_exact(request, provider, target),
        method="rendered",
        per_message=counted.per_message,
        special_in_text=counted.special_in_text,
    )


def read_count(payload: JsonValue, messages: int, provider: str) -> TokenCount:
    """Read the count that a server returned. It returns only the sum, which goes to the last message.

    Raises:
        ServerError: It returned none.
    """
    count = payload.get("count") if isinstance(payload, dict) else None
    if not isinstance(count, int) or isinstance(count, bool):
        raise ServerError(f"{provider} sent no count of tokens")
    return TokenCount(total=count, exact=True, method="server", per_message=(*[0] * (messages - 1), count))


def is_large(request: ChatRequest) -> bool:
    """Whether counting takes long enough to be kept off an event loop: a large prompt, or a vocabulary to be loaded."""
    from deepseek_v4_sdk.tokens.vocabulary import vocabulary_is_loaded

    if not vocabulary_is_loaded():
        return True
    size = sum(len(write_json(tool.to_dict())) for tool in request.tools)
    for message in request.messages:
        size += _size(message)
        if size > _LARGE:
            return True
    return False


def warm_up() -> None:
    """Load the vocabulary, where it is installed, so that later small counts need not wait for it."""
    from deepseek_v4_sdk.tokens.vocabulary import load_vocabulary

    with suppress(ConfigurationError):
        load_vocabulary()


def _size(message: Message) -> int:
    """The number of bytes of a message's texts, or of characters where they are many."""
    texts = [message.content or ""] if isinstance(message.content, str | None) else [*message.content]
    if isinstance(message, AssistantMessage):
        texts += [message.reasoning or "", *(call.arguments for call in message.tool_calls)]
    size = sum(map(len, texts))
    return size if size > _LARGE else sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


def _estimated(request: ChatRequest) -> TokenCount:
    from deepseek_v4_sdk.tokens.prompts import estimate_text

    # The longest text about thinking has 92 tokens, the introduction of tools 270, that of a format 60.
    head = 100
    if request.tools:
        head += 300 + estimate_text(write_json([tool.to_dict() for tool in request.tools]).decode())
    if request.response_format is not None:
        head += 100 + estimate_text(write_json(request.response_format).decode())
    counts = [estimate_text(_as_text(message)) for message in request.messages]
    counts[0] += head
    return TokenCount(total=sum(counts), exact=False, method="estimate", per_message=tuple(counts))


def _as_text(message: Message) -> str:
    try:
        return write_json(message.to_dict()).decode()
    except ValueError:
        return repr(message)  # a surrogate, which the request itself will report
