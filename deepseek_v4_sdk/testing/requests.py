"""Requests as the mock received them, and checks on them that read well when they fail."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import JsonValue, read_json, write_json
from deepseek_v4_sdk.testing.prompt_tokens import Rendering, render_body

if TYPE_CHECKING:
    from deepseek_v4_sdk.prompt import Dialect
else:
    Dialect = late_type("deepseek_v4_sdk.prompt", "Dialect")

__all__ = ["MockRequest", "message_text", "same_json"]

_RENDERING = Rendering("vllm", "2026-08", "high")


@dataclass(frozen=True, slots=True)
class MockRequest:
    """A chat request as the mock received it.

    Attributes:
        body: Its body, decoded.
        path: Its path.
        headers: Its headers, names in lower case; the key is masked.
        thinking: The level that the flavor's server understood: "off", "low", "high" or "max".
        rendering: How the flavor's server makes a prompt.
        seen: The body as its encoder gets it; None for the body unchanged.
        given: The rendered prompt, where it came as such; None for a chat.
    """

    body: dict[str, JsonValue]
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    thinking: str = "high"
    rendering: Rendering = field(default=_RENDERING, repr=False)
    seen: dict[str, JsonValue] | None = field(default=None, repr=False)
    given: str | None = field(default=None, repr=False)

    @property
    def prompt(self) -> str:
        """The prompt that the flavor's server makes of it, as the model reads it; or the one that was sent."""
        if self.given is not None:
            return self.given
        return render_body(self.body if self.seen is None else self.seen, self.rendering)

    @property
    def dialect(self) -> Dialect:
        """The encoder of the flavor's server."""
        return self.rendering.dialect

    @property
    def messages(self) -> list[dict[str, JsonValue]]:
        """Its messages."""
        messages = self.body.get("messages")
        return [item for item in messages if isinstance(item, dict)] if isinstance(messages, list) else []

    @property
    def tools(self) -> list[str]:
        """The names of the tools it offers."""
        tools = self.body.get("tools")
        functions = (
            [item.get("function") for item in tools if isinstance(item, dict)] if isinstance(tools, list) else []
        )
        return [str(function.get("name")) for function in functions if isinstance(function, dict)]

    @property
    def model(self) -> str | None:
        """The model it asks for."""
        model = self.body.get("model")
        return model if isinstance(model, str) else None

    @property
    def streamed(self) -> bool:
        """Whether it asks for a stream."""
        return self.body.get("stream") is True

    @property
    def text(self) -> str:
        """The text of its last user message."""
        generated = (message_text(message) for message in reversed(self.messages) if message.get("role") == "user")
        return next(generated, "")

    def check(
        self,
        *,
        text: str | None = None,
        thinking: str | None = None,
        tools: Sequence[str] | None = None,
        model: str | None = None,
        roles: Sequence[str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> None:
        """Fail the test when the request is not as expected; what is left out is not looked at.

        Args:
            text: Text that the last user message holds.
            thinking: The level.
            tools: The names of the tools, in order.
            model: The model.
            roles: The roles of the messages, in order.
            body: Items that the body has, compared as JSON.

        Raises:
            AssertionError: It is not; the text shows each difference on its own line.
        """
        differences: list[str] = []

        def differ(what: str, wanted: object, got: object) -> None:
            differences.append(f"  {what}: expected {wanted!r}\n  {' ' * len(what)}       got {got!r}")

        def compare(what: str, wanted: object, got: object) -> None:
            if wanted is not None and wanted != got:
                differ(what, wanted, got)

        if text is not None and text not in self.text:
            differences.append(f"  text: expected something with {text!r}\n             got {self.text!r}")
        compare("thinking", thinking, self.thinking)
        compare("tools", None if tools is None else list(tools), self.tools)
        compare("model", model, self.model)
        compare("roles", None if roles is None else list(roles), [message.get("role") for message in self.messages])
        for key, wanted in (body or {}).items():
            if not same_json(wanted, self.body.get(key)):
                differ(f"body[{key!r}]", wanted, self.body.get(key))
        if differences:
            raise AssertionError("the request is not as expected:\n" + "\n".join(differences))


def same_json(one: object, other: object) -> bool:
    """Whether two values are the same JSON, in any order of their keys; true is not 1."""
    first, second = (json.dumps(read_json(write_json(value)), sort_keys=True) for value in (one, other))
    return first == second


def message_text(message: Mapping[str, JsonValue]) -> str:
    """The text of a message, its parts joined as the servers join them."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
