"""The golden files: how a case is encoded, written down compactly, and read back as exact bodies."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepseek_v4_sdk.errors import DeepSeekV4Error
from deepseek_v4_sdk.providers import COMMON_OPTIONS, PROVIDER_NAMES, find_provider
from tests.providers.encoding import body_of
from tests.providers.golden_cases import FRAMES, GROUPINGS, IN_FRAMES, OPTIONS, PROMPT, TOGETHER

FOLDER = Path(__file__).parent / "golden"


@dataclass
class Golden:
    """One provider's golden file.

    `frames` has the whole body of each frame. A case has what it adds to the frame's body (objects are merged), or how
    it is refused; where that depends on the frame, one entry for each kind of frame. `why` is written by hand: the
    fact about the server that makes the form right.
    """

    frames: dict[str, Any] = field(default_factory=dict[str, Any])
    why: dict[str, str] = field(default_factory=dict[str, str])
    cases: dict[str, dict[str, Any]] = field(default_factory=dict[str, "dict[str, Any]"])

    @classmethod
    def read(cls, provider: str) -> Golden:
        """The file, or an empty one."""
        file = FOLDER / f"{provider}.json"
        return cls(**json.loads(file.read_text("utf-8"))) if file.exists() else cls()

    def write(self, provider: str) -> None:
        """Write the file."""
        content = {"why": self.why, "frames": self.frames, "cases": self.cases}
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (FOLDER / f"{provider}.json").write_text(text + "\n", "utf-8")

    def expected(self, name: str, frame: str) -> Any:
        """What the case must become in the frame: the exact body, or the refusal as text."""
        by_frame = self.cases[name.partition("=")[0]][name]
        words = frame.split(", ")
        entry = next(
            (entry for kind, entry in by_frame.items() if kind == "any" or set(kind.split(", ")) <= set(words)), None
        )
        if entry is None or "refused" in entry:
            return entry
        return entry["body"] if "body" in entry else merged(self.frames[frame], entry["adds"])


def cases() -> dict[str, dict[str, Any]]:
    """Every case by name, with its options."""
    named = {f"{name}={_shown(value)}": {name: value} for name, values in OPTIONS.items() for value in values}
    return {**named, **{f"together={name}": options for name, options in TOGETHER.items()}}


def frames_for(options: dict[str, Any]) -> list[str]:
    """The frames a case is tried in: one that brings its own tools, in those without."""
    return [frame for frame in FRAMES if "tools" not in options or frame.endswith("no tools")]


def outcome(provider: str, frame: str, options: dict[str, Any]) -> Any:
    """What the case becomes: the body, or how it is refused."""
    given = {**FRAMES[frame], **{name: None if value == "absent" else value for name, value in options.items()}}
    try:
        return body_of(provider, PROMPT, **given)
    except DeepSeekV4Error as error:
        return {"refused": f"{type(error).__name__}: {error}"}


def generate(provider: str) -> Golden:
    """The golden file of the code as it is; `why` is kept from the old one."""
    why = Golden.read(provider).why
    golden = Golden({frame: outcome(provider, frame, {}) for frame in FRAMES})
    golden.why = {name: why.get(name, "") for name in IN_FRAMES}
    for name, options in cases().items():
        found = {
            frame: _entry(golden.frames[frame], outcome(provider, frame, options)) for frame in frames_for(options)
        }
        option = name.partition("=")[0]
        golden.cases.setdefault(option, {})[name] = _grouped(found)
        golden.why[option] = why.get(option) or _common(provider, option)
    return golden


def _common(provider: str, option: str) -> str:
    """The reason for an option that is as in Chat Completions, or as everywhere; others are for people to fill in."""
    rule = find_provider(provider).data.options.get(option)
    if rule is not None and rule is COMMON_OPTIONS.get(option):
        return "as in Chat Completions"
    reasons = {Golden.read(other).why.get(option, "") for other in PROVIDER_NAMES if other != provider}
    return reasons.pop() if len(reasons) == 1 else ""


def main() -> None:
    """Write the file of each provider anew, from the code as it is, and say where a reason is missing."""
    for provider in PROVIDER_NAMES:
        golden = generate(provider)
        golden.write(provider)
        missing = [option for option, why in golden.why.items() if not why]
        print(f"{provider}: " + (f"fill in why: {', '.join(missing)}" if missing else "review what changed"))


def merged(body: Any, more: Any) -> Any:
    """A body with something added: objects are merged, everything else is replaced."""
    if not isinstance(body, dict) or not isinstance(more, dict):
        return more
    return {**body, **{key: merged(body.get(key), value) for key, value in more.items()}}


def _entry(frame: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    if "refused" in found:
        return found
    if "refused" in frame:
        return {"body": found}
    adds = _added(frame, found)
    # What a case takes away cannot be told by what it adds: then the body stands there as a whole.
    return {"adds": adds} if merged(frame, adds) == found else {"body": found}


def _added(frame: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    added: dict[str, Any] = {}
    for key, value in found.items():
        old = frame.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            if inner := _added(old, value):
                added[key] = inner
        elif key not in frame or old != value:
            added[key] = value
    return added


def _grouped(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    for places in GROUPINGS:
        groups: dict[str, list[Any]] = {}
        for frame, entry in found.items():
            words = frame.split(", ")
            groups.setdefault(", ".join(words[place] for place in places) or "any", []).append(entry)
        if all(entry == entries[0] for entries in groups.values() for entry in entries):
            return {kind: entries[0] for kind, entries in groups.items()}
    raise AssertionError("the last grouping tells every frame apart")


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) < 90 else f"{text[:60]}...({len(text)})"


if __name__ == "__main__":
    main()
