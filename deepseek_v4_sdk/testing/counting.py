"""Prompts on the server's side: what the flavor's encoder makes of a request's body, and how many tokens that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk.chat import JsonValue, Message, read_messages, read_tools

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import Thinking
    from deepseek_v4_sdk.prompt import Dialect
    from deepseek_v4_sdk.tokens.prompts import PromptForm

__all__ = ["as_tokenized", "count_body", "encode_body", "render_body"]

# Servers pass over what they do not know on a message; we read what they read.
_READ = frozenset(
    {"role", "content", "reasoning", "reasoning_content", "tool_calls", "tool_call_id", "task", "wo_eos", "prefix"}
)


def render_body(body: dict[str, JsonValue], dialect: Dialect, thinking: str, *, grammar: bool = True) -> str:
    """The prompt that a body becomes.

    Args:
        body: The body.
        dialect: The encoder.
        thinking: The level that it asks for.
        grammar: Whether the server forces a call by a grammar, which does not show in the prompt.

    Raises:
        InvalidRequestError: The encoder refuses it.
    """
    messages, form = _read(body, dialect, thinking, grammar=grammar)
    return form.render(messages).text


def count_body(body: dict[str, JsonValue], dialect: Dialect, thinking: str, *, grammar: bool = True) -> int:
    """The tokens of that prompt; the arguments are those of `render_body`.

    Raises:
        InvalidRequestError: The encoder refuses it.
    """
    from deepseek_v4_sdk.tokens.prompts import count_prompt  # loaded when something is counted

    messages, form = _read(body, dialect, thinking, grammar=grammar)
    return count_prompt(messages, form).total


def encode_body(body: dict[str, JsonValue], dialect: Dialect, thinking: str) -> list[int]:
    """The tokens of that prompt, one by one.

    Raises:
        InvalidRequestError: The encoder refuses it.
    """
    from deepseek_v4_sdk.tokens.segments import encode_segment  # loaded when something is counted

    messages, form = _read(body, dialect, thinking, grammar=True)
    return [token for segment in form.render(messages).segments for token in encode_segment(segment, dialect)]


def as_tokenized(body: dict[str, JsonValue], dialect: Dialect) -> dict[str, JsonValue]:
    """What of a chat's body the routes that count tokens see (vLLM 0.33, SGLang 0.5.23)."""
    if dialect == "recipe":  # the effort is read at the root alone
        kwargs = body.get("chat_template_kwargs")
        if isinstance(kwargs, dict):
            kwargs = {key: value for key, value in kwargs.items() if key != "reasoning_effort"}
        return {**body, "chat_template_kwargs": kwargs}
    # Neither the effort at the root is read, nor reasoning under its other name.
    seen = {key: value for key, value in body.items() if key not in {"reasoning_effort", "tool_choice"}}
    seen["messages"] = [
        {key: value for key, value in item.items() if key != "reasoning_content"} if isinstance(item, dict) else item
        for item in cast("list[JsonValue]", body["messages"])
    ]
    return seen


def _read(
    body: dict[str, JsonValue], dialect: Dialect, thinking: str, *, grammar: bool
) -> tuple[tuple[Message, ...], PromptForm]:
    from deepseek_v4_sdk.tokens.prompts import PromptForm

    given = cast("list[JsonValue]", body["messages"])
    messages = read_messages(
        [
            {key: value for key, value in item.items() if key in _READ} if isinstance(item, dict) else item
            for item in given
        ]
    )
    choice = body.get("tool_choice")
    function = choice.get("function") if isinstance(choice, dict) else None
    chosen = function.get("name") if isinstance(function, dict) else choice
    tools = read_tools(body.get("tools"))
    if grammar and chosen not in {None, "auto", "none"}:
        # SGLang's server forces a call by a grammar, and renders the prompt as for "auto", with the chosen tool alone.
        if dialect == "recipe" and chosen != "required":
            tools = tuple(tool for tool in tools if tool.name == chosen)
        chosen = None
    form = PromptForm(
        dialect=dialect,
        generation="2026-08",
        thinking=cast("Thinking", thinking),
        tools=tools,
        response_format=cast("dict[str, object] | None", body.get("response_format")) if dialect == "recipe" else None,
        tool_choice=cast("str | None", chosen),
    )
    return messages, form
