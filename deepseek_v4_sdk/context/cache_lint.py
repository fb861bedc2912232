"""A lint for the prefix cache: volatile texts in the head of a prompt, and changes between requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

from deepseek_v4_sdk.chat import SystemMessage, write_json
from deepseek_v4_sdk.context.budget import ContextBudget
from deepseek_v4_sdk.context.cache import PromptRequest, RenderedRequest, compared, counter_of
from deepseek_v4_sdk.context.prompt_counter import PromptCounter
from deepseek_v4_sdk.tokens import count_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deepseek_v4_sdk.chat import ChatRequest

__all__ = ["CacheProblem", "CacheProblemKind", "lint_cache"]

CacheProblemKind: TypeAlias = Literal["timestamp", "date", "uuid", "epoch", "random_id", "changed"]
"""A cause of cache misses: a text that looks volatile, or a change."""

_MONTH: Final = "January|February|March|April|May|June|July|August|September|October|November|December"
_VOLATILE: Final = re.compile(
    "|".join(
        (
            r"(?P<uuid>\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b)",
            r"(?P<timestamp>(?:\b\d{4}-\d\d-\d\d[T ]|\b)(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?![\d:]))",
            r"(?P<date>\b(?:19|20)\d\d-\d\d-\d\d\b",
            rf"\b(?:\d{{1,2}} (?:{_MONTH})|(?:{_MONTH}) \d{{1,2}},) \d{{4}}\b)",
            r"(?P<epoch>\b1[6-9]\d{8}(?:\d{3})?\b)",
            r"(?P<random_id>\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{16,}\b)",
        )
    ),
    re.IGNORECASE,
)
_MEANT: Final[Mapping[str, str]] = {
    "uuid": "a UUID",
    "timestamp": "a time",
    "date": "a date",
    "epoch": "a number of seconds or milliseconds since 1970",
    "random_id": "a random id or a hash",
}


@dataclass(frozen=True, slots=True)
class CacheProblem:
    """A problem that keeps a prompt, or much of it, from the prefix cache.

    Attributes:
        kind: Its kind.
        where: Its place: `messages[0]`, `tools[1]`, or the option that changed.
        text: The text that was found there; for "changed", the change.
        tokens: Number of tokens of the prompt after it, which miss the cache whenever it changes.
        request: The request in which it was found, by its place among those given.
    """

    kind: CacheProblemKind
    where: str
    text: str
    tokens: int
    request: int

    def __str__(self) -> str:
        return f"{self.where}: {self.text}: {self.tokens:,} tokens after it miss the cache when it changes"


def lint_cache(*requests: PromptRequest, budget: ContextBudget | PromptCounter | None = None) -> list[CacheProblem]:
    """Find the texts and changes that keep requests from the prefix cache.

    In the head of the last request (system messages at the front, and tools) it names texts that look volatile: times,
    dates, UUIDs and other random ids, numbers of seconds. Volatile texts belong after the history, in the last user
    message. It compares each of several requests with the one before it: for a changed order of tools, thinking level,
    `tool_choice` or history it names the lost tokens.

    Args:
        requests: Requests in the order in which they are sent.
        budget: The budget of the endpoint (`client.budget()`). Without one, prompts are rendered as by vLLM.

    Raises:
        InvalidRequestError: Something is wrong with a request.
        ConfigurationError: The vocabulary is not installed.
    """
    counter = counter_of(budget)
    rendered = [RenderedRequest.of(request, counter) for request in requests]
    problems: list[CacheProblem] = []
    for place, (before, after) in enumerate(pairwise(rendered), 1):
        report = compared(before, after, counter.cache_block)
        divergence = report.divergence
        # One token is the opening of the earlier answer, which is different in every history.
        if divergence is not None and report.lost > 1:
            where = divergence.field if divergence.message is None else f"messages[{divergence.message}]"
            problems.append(CacheProblem("changed", where, divergence.why, report.after - report.common, place))
    if rendered:
        problems += _volatile(rendered[-1], len(rendered) - 1)
    return problems


def _volatile(rendered: RenderedRequest, place: int) -> Iterator[CacheProblem]:
    """Yield texts in the head that look volatile; of each kind the first in each place."""
    for where, text in _head(rendered.request):
        named: set[str | None] = set()
        for match in _VOLATILE.finditer(text):
            kind = match.lastgroup
            if kind in named:
                continue
            named.add(kind)
            found = match[0] if len(match[0]) <= 40 else f"{match[0][:40]}..."
            detail = f"{_MEANT[kind or '']}, {found!r}"
            yield CacheProblem(cast("CacheProblemKind", kind), where, detail, _behind(rendered, match[0]), place)


def _head(request: ChatRequest) -> Iterator[tuple[str, str]]:
    """Yield the texts before the conversation: system messages, then tools."""
    for index, message in enumerate(request.messages):
        if not isinstance(message, SystemMessage):
            break
        yield f"messages[{index}]", message.content if isinstance(message.content, str) else "\n".join(message.content)
    for index, tool in enumerate(request.tools):
        yield f"tools[{index}]", write_json(tool.to_dict()).decode()


def _behind(rendered: RenderedRequest, found: str) -> int:
    """The tokens of a prompt from a text on."""
    for place, segment in enumerate(rendered.segments):
        text = segment.text
        if (at := text.find(found)) >= 0:
            rest = rendered.encode(rendered.segments[place + 1 :])
            return count_text(text[at:]) + sum(map(len, rest))
    return 0
