"""The models of a gateway: each a client, under one name or several, and what is known of its window."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from deepseek_v4_sdk import ConfigurationError, DeepSeekV4Error
from deepseek_v4_sdk.gateway.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from deepseek_v4_sdk import AsyncDeepSeekV4, JsonValue, ModelInfo

__all__ = ["Models", "Upstream"]

_KEPT = 60.0
"""Seconds for which the answer of a server about its models is used."""
_PATIENCE = 10.0
"""Seconds that a request waits for that answer; then it goes on without."""


class Upstream:
    """One client and the model behind it.

    Args:
        client: The client.
        name: The name under which callers know it; None takes the client's model, or the first one of its server.

    Attributes:
        client: The client.
    """

    def __init__(self, client: AsyncDeepSeekV4, name: str | None = None) -> None:
        self.client = client
        self._name = name or client.model
        self._served: list[ModelInfo] = []
        self._window: int | None = None
        self._asked_at: float | None = None
        self._window_at: float | None = None
        self._asking = asyncio.Lock()

    @property
    def label(self) -> str:
        """The name for seals: of the configuration, never one that a caller made up."""
        return self._name or self.client.flavor

    @property
    def model(self) -> str:
        """The name for metrics: of the configuration, else the server's, never one that a caller made up."""
        return self._name or (self._served[0].id if self._served else self.client.flavor)

    async def name(self) -> str | None:
        """The name under which callers know it; None where it is unknown."""
        if self._name is None:
            await self._ask()
        return self._name or (self._served[0].id if self._served else None)

    async def names(self) -> list[str]:
        """Every name that means this client."""
        own = await self.name()
        if self.client.model is not None:
            return [own] if own else []
        await self._ask()
        return list(dict.fromkeys([*([own] if own else []), *(model.id for model in self._served)]))

    async def model_for(self, asked: str | None) -> str | None:
        """The model to ask the server for; None for the client's own.

        A client that names no model serves what its server has: the asked name where the server lists it.
        """
        if self.client.model is not None or asked is None:
            return None
        await self._ask()
        served = [model.id for model in self._served]
        return asked if asked in served else served[0] if served else None

    async def window(self) -> int | None:
        """The context window in tokens, or None where it is unknown."""
        await self._ask()
        listed = next((each.context_window for each in self._served if each.id == self.client.model), None)
        if listed is None and len(self._served) == 1:
            listed = self._served[0].context_window
        if listed is not None:
            return listed
        async with self._asking:
            if self._window_at is None or monotonic() - self._window_at > _KEPT:
                self._window_at = monotonic()
                with suppress(DeepSeekV4Error, TimeoutError):
                    self._window = (await asyncio.wait_for(self.client.budget(), _PATIENCE)).window
        return self._window

    async def _ask(self) -> None:
        """Fetch the server's list of models, unless a recent one is known. Simultaneous requests share one answer."""
        async with self._asking:
            if self._asked_at is not None and monotonic() - self._asked_at < _KEPT:
                return
            with suppress(DeepSeekV4Error, TimeoutError):  # the last list stays
                self._served = await asyncio.wait_for(self.client.models(), _PATIENCE)
            self._asked_at = monotonic()


class Models:
    """Finds the client for a model's name.

    Args:
        client: The client for every name that is not known.
        named: Further clients by name.
        unknown: "serve" sends an unknown name to `client`, "refuse" raises.

    Raises:
        ConfigurationError: `unknown` is neither.
    """

    def __init__(
        self,
        client: AsyncDeepSeekV4,
        named: Mapping[str, AsyncDeepSeekV4],
        unknown: Literal["serve", "refuse"],
    ) -> None:
        if unknown not in ("serve", "refuse"):
            raise ConfigurationError(f"unknown_models is {unknown!r}: give 'serve' or 'refuse'")
        self._refuses = unknown == "refuse"
        self._named = {name: Upstream(each, name) for name, each in named.items()}
        own = next((each for each in self._named.values() if each.client is client), None)
        self.first = own or Upstream(client)

    @property
    def all(self) -> list[Upstream]:
        """Every client, the first one at the front."""
        return list(dict.fromkeys([self.first, *self._named.values()]))

    async def find(self, asked: str | None) -> Upstream:
        """The client for a name.

        Raises:
            Refusal: The name is unknown, and `unknown` is "refuse".
        """
        if asked is None:
            return self.first
        plain = asked.partition("[")[0]  # some tools append the window to a name: deepseek-v4-pro[1m]
        for name in (asked, plain):
            if name in self._named:
                return self._named[name]
        if self._refuses and not {asked, plain} & set(await self.first.names()):
            raise Refusal(404, f"the model {asked[:100]!r} is not one of this gateway's", code="model_not_found")
        return self.first

    async def listed(self) -> list[dict[str, JsonValue]]:
        """The entries of `/v1/models`, readable by OpenAI's clients and by Anthropic's."""
        entries: list[dict[str, JsonValue]] = []
        for upstream in self.all:
            window = await upstream.window()
            name = await upstream.name()
            names = [name] if name is not None and name in self._named else await upstream.names()
            entries += [_entry(each, window) for each in names]
        return entries


def _entry(name: str, window: int | None) -> dict[str, JsonValue]:
    entry: dict[str, JsonValue] = {
        "id": name,
        "object": "model",
        "created": 1_777_000_000,  # V4 was published in the spring of 2026; no server reports the date
        "owned_by": "deepseek",
        "type": "model",
        "display_name": name,
        "created_at": "2026-04-24T00:00:00Z",
    }
    if window is not None:
        entry["max_model_len"] = window
        entry["context_length"] = window
    return entry
