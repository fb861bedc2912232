"""The 86 conversations of cases.jsonl, each with the prompt that each encoder makes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

RECIPE = "deepseek-recipe 0.2.0 (sglang 0.5.23)"
APRIL = "april preview encoder (sglang 0.5.15)"


@dataclass(frozen=True)
class Case:
    name: str
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] | None
    options: dict[str, Any]
    """In the names of `render_prompt`."""
    rendered: str
    """By vLLM 0.33; a refusal begins with ERROR."""
    differs: dict[str, str | None]
    """By another encoder, where it parts; None where it has no notion of the case."""

    def wanted(self, encoder: str | None = None) -> str | None:
        return self.differs.get(encoder, self.rendered) if encoder else self.rendered


_OPTIONS = {"drop_thinking": "drop_thinking", "add_default_bos_token": "add_bos", "response_format": "response_format"}


@cache
def cases() -> tuple[Case, ...]:
    lines = (Path(__file__).parent / "cases.jsonl").read_text("utf-8").splitlines()
    return tuple(_case(json.loads(line)) for line in lines)


def _case(data: dict[str, Any]) -> Case:
    given = dict(data["kwargs"])
    mode, effort = given.pop("thinking_mode"), given.pop("reasoning_effort", None)
    options = {_OPTIONS[name]: value for name, value in given.items()}
    options["thinking"] = effort if mode == "thinking" else "off"
    return Case(data["name"], data["messages"], data["tools"], options, data["rendered"], data.get("differs", {}))
