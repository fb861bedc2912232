"""Writing the body of a request with a rendered prompt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, cast

from deepseek_v4_sdk.chat import AssistantMessage, History, JsonValue, UserMessage, read_json
from deepseek_v4_sdk.errors import InvalidRequestError, UnsupportedOptionError
from deepseek_v4_sdk.providers.bodies import encoded

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import ChatRequest
    from deepseek_v4_sdk.providers.completions import Completions, RenderedRequest
    from deepseek_v4_sdk.providers.http_call import EncodedChat, Target
    from deepseek_v4_sdk.providers.provider import Provider

__all__ = ["check_completion", "check_continuation", "encode_continuation", "encode_rendered"]

_BARE = (UserMessage("?"),)
# Fields of a chat's body that this route does not read; the prompt has what they say.
_OF_CHATS = ("messages", "parallel_tool_calls", "max_completion_tokens", "reasoning_effort", "thinking")


def check_completion(provider: Provider, request: ChatRequest, *, thinks: bool | None = None) -> Completions:
    """Return the route of a server for rendered prompts, if the request means the same there.

    Args:
        provider: The provider of the server.
        request: The request.
        thinks: Whether the output begins inside reasoning; None where the thinking level says it.

    Raises:
        UnsupportedOptionError: There is no such route, or an option has no effect on it.
        InvalidRequestError: The prompt would not be what `extra_body` says.
    """
    data = provider.data
    if data.completions is None:
        raise _without(provider, "wire", "it has no route for rendered prompts that is known")
    if request.forces_a_call:
        raise _without(provider, "tool_choice", "a call is not forced there")
    if any(tool.strict for tool in request.tools):
        raise _without(provider, "tools", "a strict tool is not enforced there")
    if request.parallel_tool_calls is False:
        raise _without(provider, "parallel_tool_calls", "it has no effect there")
    if request.logprobs is not None:
        raise _without(provider, "logprobs", "they have another form there")
    if (
        _held(request)
        and (request.thinking != "off" if thinks is None else thinks)
        and not data.completions.waits_for_reasoning
    ):
        raise _without(provider, "response_format", "the grammar would also hold inside the reasoning")
    for key in ("chat_template_kwargs", "tools", "tool_choice"):
        if key in request.extra_body:
            raise InvalidRequestError(
                f"extra_body.{key} has no effect on a rendered prompt: leave it out, or leave out wire='raw'"
            )
    return data.completions


def check_continuation(provider: Provider, request: ChatRequest, *, thinks: bool | None = None) -> None:
    """Check that a server can go on with an answer to a request: with a rendered prompt, or with a last message.

    Raises:
        UnsupportedOptionError: It cannot, or an option has no effect there.
        InvalidRequestError: The prompt would not be what `extra_body` says.
    """
    data = provider.data
    if data.completions is not None or not data.continues_prefix:
        check_completion(provider, request, thinks=thinks)
        return
    called = any(isinstance(message, AssistantMessage) and message.tool_calls for message in request.messages)
    refused = {
        "tools": request.tools or called,
        "response_format": _held(request),
        "logprobs": request.logprobs is not None,
    }
    for option in (name for name, given in refused.items() if given):
        raise UnsupportedOptionError(
            f"{provider.name} does not go on with an answer where the request has {option}",
            option=option,
            provider=provider.name,
        )


def encode_continuation(
    provider: Provider, request: ChatRequest, target: Target, rendered: RenderedRequest
) -> EncodedChat:
    """Make the HTTP request for the rest of an answer: a rendered prompt, or a chat that ends with the part.

    Raises:
        InvalidRequestError: This server would refuse or misread the request.
    """
    if rendered.last_message is None:
        return encode_rendered(provider, request, target, rendered)
    messages = (*request.messages, rendered.last_message)
    limited = request.max_tokens is not None or request.until_done is not None
    return provider.encode(
        replace(
            request,
            messages=messages,
            history=History(messages),
            max_tokens=rendered.limit if limited else None,
            wire="stream",
        ),
        target,
    )


def _held(request: ChatRequest) -> bool:
    """Whether a grammar holds the text."""
    return request.response_format is not None and request.response_format.get("type") != "text"


def _without(provider: Provider, option: str, reason: str) -> UnsupportedOptionError:
    return UnsupportedOptionError(
        f"{provider.name}, with a rendered prompt: {reason}; leave out {option}, or wire='raw'",
        option=option,
        provider=provider.name,
    )


def encode_rendered(
    provider: Provider, request: ChatRequest, target: Target, rendered: RenderedRequest | None
) -> EncodedChat:
    """Make the HTTP request for the answer to a rendered prompt.

    Args:
        provider: The provider of the server.
        request: The chat that the prompt was rendered from.
        target: The server.
        rendered: The prompt. None checks the request before it is rendered, and gives the chat.

    Raises:
        InvalidRequestError: This server would refuse or misread the request.
    """
    if rendered is None:
        if provider.engine is not None:  # else the client discovers it first
            check_completion(provider, request)
        return provider.encode(replace(request, wire="stream"), target)
    route = check_completion(provider, request, thinks=rendered.ends_in_reasoning)
    data, messages = provider.data, _BARE
    # The options of a chat with another, short conversation: they mean the same on both routes.
    bare = replace(
        request,
        messages=messages,
        history=History(messages),
        tools=(),
        tool_choice=None,
        max_tokens=rendered.limit,
        response_format=None,
        wire="stream",
    )
    chat = provider.encode(bare, target)
    sent = cast("dict[str, JsonValue]", read_json(chat.call.body or b"{}"))
    dropped = {*_OF_CHATS, *(key for fields in data.thinking.values() for key in fields)}
    body = {key: value for key, value in sent.items() if key not in dropped}
    if request.response_format is not None:
        body["response_format"] = cast("JsonValue", request.response_format)
    body |= {**route.body, "prompt": [*rendered.ids], "max_tokens": rendered.limit}
    call = replace(chat.call, url=target.base_url + route.path, body=encoded(body))
    begins: Literal["reasoning", "text"] = "reasoning" if rendered.thinks else "text"
    return replace(chat, call=call, max_tokens=rendered.limit, raw_output=begins)
