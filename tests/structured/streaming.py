"""Streams of structured answers in both forms, read to their end or until they raise."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, DeepSeekV4Error
from deepseek_v4_sdk.testing import MockProvider, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deepseek_v4_sdk.testing.script import Step
    from tests.support.replay import Mode


@dataclass
class Seen:
    """What a stream handed out, and how it ended."""

    given: list[Any] = field(default_factory=list[Any])
    parsed: Any = None
    error: DeepSeekV4Error | None = None
    mock: Any = None

    @property
    def states(self) -> list[Any]:
        """The values of the partials."""
        return [value for value, _ in self.given]


def read(mode: Mode, method: str, wanted: Any, *steps: Step, flavor: str = "vllm", **options: Any) -> Seen:
    """Ask a mock for a value as it arrives. Of partials the value and the paths are kept, copied."""
    model = "pro" if flavor in {"nvidia", "deepseek"} else None
    mock = MockProvider(*steps, flavor=flavor)
    seen = Seen(mock=mock)

    def keep(item: Any) -> None:
        partial = method == "stream_parse"
        seen.given.append((copy.deepcopy(item.value), list(item.complete_paths)) if partial else item)

    async def read_async() -> None:
        client = AsyncDeepSeekV4(mock, model=model)
        async with getattr(client, method)("The question", wanted, **options) as stream:
            async for item in stream:
                keep(item)
            seen.parsed = await stream.parsed()

    try:
        if mode == "async":
            asyncio.run(read_async())
            return seen
        with getattr(DeepSeekV4(mock, model=model), method)("The question", wanted, **options) as stream:
            for item in stream:
                keep(item)
            seen.parsed = stream.parsed()
    except DeepSeekV4Error as error:
        seen.error = error
    return seen


def cut(text: str, *lengths: int) -> Step:
    """The model says a text, in pieces."""
    return script.turn(script.text(text), cuts=lengths)


def begins(part: Any, whole: Any) -> bool:
    """Whether a value may have been seen on the way to another."""
    if isinstance(part, dict):
        keys = list(part)
        return (
            isinstance(whole, dict)
            and keys == list(whole)[: len(keys)]
            and all(begins(part[key], whole[key]) for key in keys[-1:])
            and all(part[key] == whole[key] for key in keys[:-1])
        )
    if isinstance(part, list):
        size = len(part)
        return (
            isinstance(whole, list)
            and part[:-1] == whole[: max(size - 1, 0)]
            and size <= len(whole)
            and all(map(begins, part[-1:], whole[size - 1 : size]))
        )
    if isinstance(part, str):
        return isinstance(whole, str) and whole.startswith(part)
    return type(part) is type(whole) and part == whole


def paths_in(value: Any, path: str = "") -> Iterator[str]:
    """The paths of a value and of all within it, in the order in which they close."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths_in(item, f"{path}.{key}" if path else key)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths_in(item, f"{path}[{index}]")
    yield path
