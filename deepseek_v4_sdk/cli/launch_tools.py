"""The variables and files with which each coding tool uses a gateway, in a separate folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["TOOLS", "Setup", "Tool", "Wanted"]

_OUTPUT = 32_000  # the longest answer, for tools that need a number


@dataclass(frozen=True, slots=True)
class Wanted:
    """The settings that a tool needs.

    Attributes:
        base: The gateway's address, without `/v1`.
        model: The name of the model.
        key: The variable that holds the caller's key.
        window: The context window in tokens, or None where the gateway does not report it.
        folder: The tool's own folder.
    """

    base: str
    model: str
    key: str
    window: int | None
    folder: str


@dataclass(frozen=True, slots=True)
class Setup:
    """Variables, and files by their names in the tool's folder. `$NAME` in a value is another variable's value."""

    variables: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Tool:
    """A coding tool.

    Attributes:
        command: Its command.
        package: The command that installs it, for a hint.
        setup: Makes its variables and files.
    """

    command: str
    package: str
    setup: Callable[[Wanted], Setup]


def _claude(wanted: Wanted) -> Setup:
    names = ("", "_DEFAULT_OPUS", "_DEFAULT_SONNET", "_DEFAULT_HAIKU", "_SMALL_FAST")
    models = {f"ANTHROPIC{name}_MODEL": wanted.model for name in names}
    return Setup(
        {
            "ANTHROPIC_BASE_URL": wanted.base,
            "ANTHROPIC_AUTH_TOKEN": f"${wanted.key}",
            **models,
            "CLAUDE_CONFIG_DIR": wanted.folder,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        },
        {".claude.json": json.dumps({"hasCompletedOnboarding": True}) + "\n"},
    )


def _codex(wanted: Wanted) -> Setup:
    window = "" if wanted.window is None else f"model_context_window = {wanted.window}\n"
    text = (
        f"model = {json.dumps(wanted.model)}\n"
        'model_provider = "deepseek-v4"\n'
        f"{window}"
        "\n[model_providers.deepseek-v4]\n"
        'name = "DeepSeek-V4"\n'
        f"base_url = {json.dumps(wanted.base + '/v1')}\n"
        f"env_key = {json.dumps(wanted.key)}\n"
        'wire_api = "responses"\n'
    )
    return Setup({"CODEX_HOME": wanted.folder}, {"config.toml": text})


def _opencode(wanted: Wanted) -> Setup:
    model: dict[str, object] = {"name": wanted.model, "reasoning": True, "tool_call": True}
    if wanted.window is not None:
        model["limit"] = {"context": wanted.window, "output": _OUTPUT}
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "DeepSeek-V4",
        "options": {"baseURL": f"{wanted.base}/v1", "apiKey": f"{{env:{wanted.key}}}"},
        "models": {wanted.model: model},
    }
    settings = {
        "$schema": "https://opencode.ai/config.json",
        "provider": {"deepseek-v4": provider},
        "model": f"deepseek-v4/{wanted.model}",
        "small_model": f"deepseek-v4/{wanted.model}",
    }
    folders = {f"XDG_{kind}_HOME": f"{wanted.folder}/{kind.lower()}" for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
    config = f"{wanted.folder}/opencode.json"
    return Setup({"OPENCODE_CONFIG": config, **folders}, {"opencode.json": _json(settings)})


def _openclaw(wanted: Wanted) -> Setup:
    model: dict[str, object] = {
        "id": wanted.model,
        "name": wanted.model,
        "reasoning": True,
        "input": ["text"],
        "maxTokens": _OUTPUT,
    }
    if wanted.window is not None:
        model["contextWindow"] = wanted.window
    provider = {
        "baseUrl": f"{wanted.base}/v1",
        "apiKey": f"${{{wanted.key}}}",
        "api": "openai-completions",
        "models": [model],
    }
    settings = {
        "models": {"mode": "merge", "providers": {"deepseek-v4": provider}},
        "agents": {"defaults": {"model": {"primary": f"deepseek-v4/{wanted.model}"}}},
    }
    config = f"{wanted.folder}/openclaw.json"
    variables = {"OPENCLAW_STATE_DIR": wanted.folder, "OPENCLAW_CONFIG_PATH": config}
    return Setup(variables, {"openclaw.json": _json(settings)})


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


_Tools: TypeAlias = Mapping[str, Tool]

TOOLS: _Tools = {
    "claude": Tool("claude", "npm install -g @anthropic-ai/claude-code", _claude),
    "codex": Tool("codex", "npm install -g @openai/codex", _codex),
    "opencode": Tool("opencode", "npm install -g opencode-ai", _opencode),
    "openclaw": Tool("openclaw", "npm install -g openclaw", _openclaw),
}
"""Every tool that `deepseek-v4 launch` knows."""
