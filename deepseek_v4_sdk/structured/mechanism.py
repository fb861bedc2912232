"""Holding an answer to a schema: the provider's mechanisms, its refusals, and the options of the request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from deepseek_v4_sdk.chat import Conversation, SystemMessage, ToolSpec, nearest, read_messages, write_json
from deepseek_v4_sdk.errors import InvalidRequestError, UnsupportedOptionError

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue, MessagesInput
    from deepseek_v4_sdk.providers import ProviderData
    from deepseek_v4_sdk.providers.grammar import Grammar

__all__ = ["TOOL", "Mechanism", "MechanismChoice", "Plan"]

Mechanism: TypeAlias = Literal["json_schema", "json_object", "tool"]
"""The way in which the server was held to the schema.

That is a grammar of it, a JSON object with the schema in the prompt, or a strict tool whose arguments are the answer.
"""

MechanismChoice: TypeAlias = Literal["auto", "json_schema", "json_object", "tool"]
"""A mechanism, or "auto": the first of these that the provider has."""

TOOL = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan for requesting an answer of a shape from one provider.

    Attributes:
        provider: The provider's properties.
        mechanism: The mechanism.
        shows_format: Whether it certainly shows the response format to the model.
        options: The options of the chat, as the caller gave them.
    """

    provider: ProviderData
    mechanism: Mechanism
    shows_format: bool
    options: Mapping[str, Any]

    @classmethod
    def make(
        cls, provider: ProviderData, choice: MechanismChoice, options: Mapping[str, Any], *, engine_known: bool
    ) -> Plan:
        """Choose the mechanism.

        Args:
            provider: The provider's properties.
            choice: The caller's choice.
            options: The options of the chat.
            engine_known: Whether the provider is final, and not one of several.

        Raises:
            InvalidRequestError: An option makes no sense here.
            UnsupportedOptionError: The provider lacks the mechanism.
        """
        if choice not in get_args(MechanismChoice):
            known: tuple[str, ...] = get_args(MechanismChoice)
            hint = nearest(str(choice), known)
            raise InvalidRequestError(f"mechanism is {choice!r}{hint}: one of {', '.join(known)}")
        if options.get("response_format") is not None:
            raise InvalidRequestError("parse sets response_format itself: leave it out, or ask with chat")
        offers = bool(options.get("tools"))
        if offers and (choice == "tool" or options.get("tool_choice") != "none"):
            raise InvalidRequestError(
                "parse runs no tools: end a run of tools first and parse its messages, or give tool_choice='none'"
                + (" and another mechanism" if choice == "tool" else "")
            )
        if not offers and options.get("tool_choice") is not None:
            raise InvalidRequestError("parse sets tool_choice itself: leave it out")
        holds = provider.renderer.holds_schema
        if choice == "json_schema" and not holds:
            raise UnsupportedOptionError(
                f"{provider.name} holds no answer to a JSON Schema: give mechanism='auto', 'json_object' or 'tool'",
                option="mechanism",
                provider=provider.name,
            )
        mechanism: Mechanism = choice if choice != "auto" else "json_schema" if holds else "json_object"
        return cls(
            provider=provider,
            mechanism=mechanism,
            shows_format=engine_known and provider.renderer.shows_format,
            options=options,
        )

    def check(self, schema: Mapping[str, JsonValue]) -> None:
        """Refuse a schema that the server would refuse.

        Raises:
            UnsupportedOptionError: The text names the first keyword that the server refuses, and all their places.
        """
        if self.mechanism == "json_object":
            return
        if self.provider.renderer.holds_schema:
            found = [f"{place}: {reason}" for place, reason in refusals(schema, self.provider.grammar)]
        else:
            from deepseek_v4_sdk.tools.schema_lint import lint_schema

            lines = lint_schema(self._tool(schema), self.provider)
            found = [line.removeprefix("parameters.") for line in lines]
        if found:
            raise UnsupportedOptionError(
                f"{self.provider.name} cannot hold an answer to this schema: {'; '.join(found)}; leave it out and "
                "check the value yourself, or give mechanism='json_object', which is only checked here",
                option="schema",
                provider=self.provider.name,
            )

    def conversation(self, messages: MessagesInput, schema: Mapping[str, JsonValue]) -> Conversation:
        """Return the messages, with the schema where the model can read it: vLLM enforces it, but does not show it."""
        conversation = Conversation(list(messages) if isinstance(messages, Conversation) else read_messages(messages))
        if self.mechanism == "tool":
            _instruct(conversation, f"Answer by calling the tool {TOOL}, once, and with nothing else.")
        elif not (self.mechanism == "json_schema" and self.shows_format):
            written = write_json(schema).decode()
            _instruct(
                conversation, f"Answer with JSON that matches this JSON Schema, and with nothing else:\n{written}"
            )
        return conversation

    def asked(self, name: str, schema: Mapping[str, JsonValue], *, thinks: bool) -> dict[str, Any]:
        """Return the options of the chat.

        Args:
            name: A name for the schema.
            schema: The schema of the answer.
            thinks: Whether the model thinks: no call is forced then, which DeepSeek's own API refuses.
        """
        if self.mechanism == "tool":
            forced = {} if thinks else {"tool_choice": TOOL}
            return {**self.options, "tools": [self._tool(schema)], **forced}
        asked: dict[str, object] = {"type": "json_object"}
        if self.mechanism == "json_schema":
            asked = {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}
        return {**self.options, "response_format": asked}

    def _tool(self, schema: Mapping[str, JsonValue]) -> ToolSpec:
        return ToolSpec(TOOL, "Give the answer.", schema, strict=True)


def refusals(schema: Mapping[str, object], grammar: Grammar) -> Iterator[tuple[str, str]]:
    """Yield the keywords of a schema that a grammar refuses: each with its place and the reason."""
    from deepseek_v4_sdk.tools.places import schemas_in
    from deepseek_v4_sdk.tools.refusal import path_of

    for place, node in schemas_in(schema):
        for key, reason in _refused(node, grammar):
            yield path_of((*place, key)), reason


def _refused(node: Mapping[str, object], grammar: Grammar) -> Iterator[tuple[str, str]]:
    for key in node:
        if key in grammar.refuses:
            yield key, f"its grammar refuses {key}"
    for key, others in grammar.refuses_beside:
        beside = sorted(others & node.keys())
        if key in node and beside:
            yield key, f"its grammar refuses {key} next to {beside[0]}"
    if isinstance(known := node.get("format"), str) and known not in grammar.formats:
        yield "format", f"its grammar does not know the format {known}"
    if isinstance(pattern := node.get("pattern"), str):
        for part, name in grammar.refuses_in_patterns:
            if re.search(part, pattern):
                yield "pattern", f"its grammar refuses {name} in a pattern"


def _instruct(conversation: Conversation, text: str) -> None:
    """Add a text to the end of the system text: the text before it stays unchanged for the prefix cache."""
    first = conversation[0] if len(conversation) else None
    if isinstance(first, SystemMessage):
        parts = (first.content,) if isinstance(first.content, str) else first.content
        conversation[0] = replace(first, content="\n\n".join((*parts, text)))
    else:
        conversation.insert(0, SystemMessage(text))
