"""Prompts on the server's side: what the flavor's encoder makes of a request's body, and how many tokens that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk.chat import JsonValue, Message, read_messages, read_tools

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import Thinking
    from deepseek_v4_sdk.prompt import Dialect
    from deepseek_v4_sdk.tokens.prompts import PromptForm

__all__ = ["count_body", "render_body"]

# Servers pass over what they do not know on a message; we read what they read.
_READ = frozenset(
    {"role", "content", "reasoning", "reasoning_content", "tool_calls", "tool_call_id", "task", "wo_eos", "prefix"}
)


def render_body(body: dict[str, JsonValue], dialect: Dialect, thinking: str) -> str:
    """The prompt that a body becomes.

    Raises:
        InvalidRequestError: The encoder refuses it.
    """
    messages, form = _read(body, dialect, thinking)
    return form.render(messages).text


def count_body(body: dict[str, JsonValue], dialect: Dialect, thinking: str) -> int:
    """The tokens of that prompt.

    Raises:
        InvalidRequestError: The encoder refuses it.
    """
    from deepseek_v4_sdk.tokens.prompts import count_prompt  # loaded when something is counted

    messages, form = _read(body, dialect, thinking)
    return sum(count_prompt(messages, form))


def _read(body: dict[str, JsonValue], dialect: Dialect, thinking: str) -> tuple[tuple[Message, ...], PromptForm]:
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
    named = function.get("name") if isinstance(function, dict) else choice
    form = PromptForm(
        dialect=dialect,
        generation="2026-08",
        thinking=cast("Thinking", thinking),
        tools=read_tools(body.get("tools")),
        response_format=cast("dict[str, object] | None", body.get("response_format")) if dialect == "recipe" else None,
        # SGLang's server forces a call by a grammar, and renders the prompt as for "auto".
        tool_choice="none" if named == "none" else None,
    )
    return messages, form
