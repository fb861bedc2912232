"""The wire of a NIM 2.x container from the server's side: an engine's own, and NVIDIA's management routes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from deepseek_v4_sdk.testing.flavors import sglang, vllm

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.prompt import Dialect
    from deepseek_v4_sdk.testing.flavors.base import Flavor
    from deepseek_v4_sdk.testing.markup import OutputParser
    from deepseek_v4_sdk.testing.script import Error, Raw, Turn

__all__ = ["FLAVOR", "NimFlavor"]

_MODEL = "deepseek-ai/deepseek-v4-pro-0813"


class NimFlavor:
    """A container.

    Args:
        engine: What runs inside, by name or as it was started. The V4-Pro-0813 image has SGLang.
    """

    name = "nim"
    chat_paths: tuple[str, ...] = ("/v1/chat/completions",)

    def __init__(self, engine: Literal["vllm", "sglang"] | Flavor = "sglang") -> None:
        named: dict[str, Flavor] = {"vllm": vllm.FLAVOR, "sglang": sglang.FLAVOR}
        self._engine: Flavor = named[engine] if isinstance(engine, str) else engine

    @property
    def dialect(self) -> Dialect:
        """As the engine does."""
        return self._engine.dialect

    @property
    def count_paths(self) -> tuple[str, ...]:
        """As the engine does."""
        return self._engine.count_paths

    def too_long(self, window: int, prompt: int, answer: int) -> str | None:
        """As the engine does."""
        return self._engine.too_long(window, prompt, answer)

    @property
    def parser(self) -> OutputParser:
        """As the engine does."""
        return self._engine.parser

    def thinking(self, body: dict[str, JsonValue]) -> str:
        """As the engine does."""
        return self._engine.thinking(body)

    def error_event(self, status: int, message: str) -> bytes:
        """As the engine does."""
        return self._engine.error_event(status, message)

    def refuse(self, body: dict[str, JsonValue]) -> Error | Raw | None:
        """As the engine does."""
        return self._engine.refuse(body)

    def stream(self, turn: Turn, body: dict[str, JsonValue], number: int, prompt: int) -> Iterator[bytes]:
        """As the engine does."""
        return self._engine.stream(turn, body, number, prompt)

    def plain(self, turn: Turn, body: dict[str, JsonValue], number: int, prompt: int) -> JsonValue:
        """As the engine does."""
        return self._engine.plain(turn, body, number, prompt)

    def error(self, status: int, message: str) -> JsonValue:
        """As the engine does."""
        return self._engine.error(status, message)

    def read(self, path: str, window: int) -> JsonValue:
        """Management routes, and the engine's list of models."""
        words = {"/v1/health/live": "Service is live.", "/v1/health/ready": "Service is ready."}
        if path in words:
            return {"object": "health.response", "message": words[path]}
        if path == "/v1/version":
            return {"release": "2.1.5", "api": "2.1.5"}
        if path != "/v1/models":
            return None
        entry: JsonValue = {
            "id": _MODEL,
            "object": "model",
            "created": 1_780_000_000,
            "owned_by": self._engine.name,
            "root": _MODEL,
            "parent": None,
            "max_model_len": window,
        }
        return {"object": "list", "data": [entry]}


FLAVOR = NimFlavor()
