"""The route that takes rendered prompts, as data: what it reads, and how the server's parsers show raw output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import AssistantMessage, JsonValue

if TYPE_CHECKING:
    from deepseek_v4_sdk.providers.provider import Provider, Sink
else:
    Provider = late_type("deepseek_v4_sdk.providers.provider", "Provider")
    Sink = late_type("deepseek_v4_sdk.providers.provider", "Sink")

__all__ = ["Completions", "RenderedRequest", "read_completion"]


_CLOSE = "</think>"


@dataclass(slots=True, eq=False, kw_only=True)
class Completions:
    """The properties of a server's route for rendered prompts.

    The output there is raw. The rules of reading say what the server's own parsers would make of it, so that an answer
    is the same on both routes.

    Attributes:
        path: The path, under the base URL.
        body: Fields of every body.
        waits_for_reasoning: Whether a grammar begins after the reasoning; else it also holds inside it.
        shows_written_calls: The arguments of a call that a chat's stream shows as the model wrote them, so that the
            markup of half a call can be written again: all, only texts, or None.
        trims: The blanks that its parsers take away: "end_of_reasoning" is all of them there, "line_ends" is line ends
            around the reasoning and before the text.
        rethinks: Whether reasoning may begin again, and end again, before the calls.
        ids_field: The field of a body that asks a stream for its tokens, or None. It changes nothing else.
        drops_ends: Whether a mark that ends no reasoning is taken out of the text.
    """

    path: str = "/v1/completions"
    body: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    waits_for_reasoning: bool = False
    shows_written_calls: Literal["all", "texts"] | None = None
    trims: Literal["end_of_reasoning", "line_ends"] | None = None
    rethinks: bool = False
    ids_field: str | None = None
    drops_ends: bool = False


@dataclass(slots=True, eq=False)
class RenderedRequest:
    """A request as a prompt.

    Attributes:
        ids: The tokens of the prompt.
        thinks: Whether it ends inside reasoning.
        limit: Most tokens of the answer.
        raw: The part of the answer at the end of the prompt.
        part_tokens: The number of its tokens.
        exact: Whether these tokens are the model's own.
        last_message: The part as the last message of a chat, for a server that goes on with such; else None.
    """

    ids: list[int]
    thinks: bool
    limit: int = 1
    raw: str = ""
    part_tokens: int = 0
    exact: bool = False
    last_message: AssistantMessage | None = None

    @property
    def prompt_tokens(self) -> int:
        """The tokens of the prompt without the part."""
        return len(self.ids) - self.part_tokens

    @property
    def text_begun(self) -> bool:
        """Whether the part goes past the end of the reasoning, so that no grammar can begin with its text."""
        return bool(self.raw.partition(_CLOSE)[2] if self.thinks else self.raw)

    @property
    def ends_in_reasoning(self) -> bool:
        """Whether the model goes on with reasoning."""
        return self.thinks and _CLOSE not in self.raw


def read_completion(provider: Provider, payload: dict[str, JsonValue], sink: Sink) -> None:
    """Split one event of a stream of raw output into pieces: its text is passed to the sink as text.

    Raises:
        APIError: The payload says that something went wrong on the server.
        ValueError: The payload is not a part of an answer.
    """
    choices = payload.get("choices")
    if isinstance(choices, list):
        payload = {**payload, "choices": [_as_chat(choice) for choice in choices]}
    provider.decode(payload, sink)


def _as_chat(choice: JsonValue) -> JsonValue:
    if not isinstance(choice, dict):
        return choice
    text = choice.get("text")
    return {**{key: value for key, value in choice.items() if key != "text"}, "delta": {"content": text or None}}
