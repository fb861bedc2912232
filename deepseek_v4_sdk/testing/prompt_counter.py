"""The prompts of one mock server: their tokens by its own encoder, and the prefixes in its cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import write_json
from deepseek_v4_sdk.providers import find_provider
from deepseek_v4_sdk.testing.prefix_cache import PrefixCache
from deepseek_v4_sdk.testing.prompt_tokens import Rendering, count_body, encode_body
from deepseek_v4_sdk.tokens import encode

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.testing.flavors.base import Chat, Flavor
    from deepseek_v4_sdk.testing.flavors.completions import GivenPrompt
    from deepseek_v4_sdk.testing.generated_output import GeneratedOutput

__all__ = ["CountedPrompt", "PromptCounter", "rough_count"]


@dataclass(frozen=True, slots=True)
class CountedPrompt:
    """A counted prompt, and its tokens where something needs them."""

    size: int
    ids: tuple[int, ...] = ()


def rough_count(body: dict[str, JsonValue]) -> CountedPrompt:
    """Estimate the tokens of a prompt."""
    return CountedPrompt(len(write_json(body["messages"])) // 4 + 5)


class PromptCounter:
    """Counts the prompts of a server, and looks up their prefixes in its cache. Many threads may call it.

    Args:
        flavor: The server whose encoder and cache it has.
        exact: Whether it counts; else it estimates.

    Attributes:
        cache: The prefix cache; None where the server reports none.
    """

    def __init__(self, flavor: Flavor, *, exact: bool) -> None:
        self._engine = flavor.engine
        self._exact = exact
        self._grammar = find_provider(flavor.name).data.renderer.forces_by_grammar
        rule = self._engine.prefix_cache
        self.cache = None if rule is None else PrefixCache(rule)

    def rendering(self, body: dict[str, JsonValue]) -> Rendering:
        """The form of the prompt of a chat."""
        engine = self._engine
        return Rendering(engine.dialect, engine.generation(body), engine.thinking(body), self._grammar)

    def rendering_of(self, given: GivenPrompt) -> Rendering:
        """The form of a prompt that came rendered."""
        return Rendering(self._engine.dialect, "2026-08", "high" if given.thinks else "off", self._grammar)

    def count(self, body: dict[str, JsonValue]) -> CountedPrompt:
        """Count the prompt of a chat by the flavor's own encoder; estimate it where counting is off."""
        engine = self._engine
        if not self._exact:
            return rough_count(body)
        if (own := engine.count_prompt(body)) is not None:
            return CountedPrompt(own)
        seen, rendering = engine.prompt_body(body), self.rendering(body)
        if self.cache is None and not (body.get("return_prompt_token_ids") or body.get("return_token_ids")):
            return CountedPrompt(count_body(seen, rendering))
        return CountedPrompt(count_body(seen, rendering), tuple(encode_body(seen, rendering)))

    def look_up(self, prompt: CountedPrompt, body: dict[str, JsonValue]) -> int:
        """The tokens of a prompt that are in the cache; from now on all of them are."""
        if self.cache is None or not prompt.ids:
            return 0
        salt = self._engine.cache_salt(body)
        found = self.cache.look_up(prompt.ids, salt)
        self.cache.keep(prompt.ids, salt)
        return found

    def keep(self, chat: Chat, generated: GeneratedOutput) -> None:
        """Put the computed tokens into the cache: the prompt, and all of the answer but its last token."""
        if self.cache is not None and chat.ids:
            spoken = encode(generated.raw)
            whole = generated.finish_reason != "length"
            self.cache.keep([*chat.ids, *(spoken if whole else spoken[:-1])], self._engine.cache_salt(chat.body))
