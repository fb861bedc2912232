"""The report of a provider's check: the problems found, and the parts of an answer that no recording has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ProviderProblem", "ProviderReport"]


@dataclass(frozen=True, slots=True)
class ProviderProblem:
    """A law that a provider breaks.

    Attributes:
        law: The law: "data" (its fields agree with its requests), "options" (each is sent, refused by name, or noted),
            "history" (a conversation goes out whole), "key" (it goes out in a header only), "splitting" (an answer is
            the same however its bytes are cut), "endings" (a finish reason ends each answer), "fields" (nothing
            of an answer is unread in silence), "forms" (streamed and plain answers have the same parts), "refusals"
            (they become the right error), or "recordings" (they can be read).
        place: The option, the field, the status or the recording; `known` of `check_provider` takes it.
        text: The problem, and the remedy.
    """

    law: Literal[
        "data", "options", "history", "key", "splitting", "endings", "fields", "forms", "refusals", "recordings"
    ]
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text} [{self.law}]"


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """The result of `check_provider`.

    Attributes:
        provider: The provider's name.
        problems: The broken laws; empty when it keeps all of them.
        untested: The parts that no recording has, such as a tool call: nothing is known about them.
    """

    provider: str
    problems: tuple[ProviderProblem, ...] = ()
    untested: tuple[str, ...] = ()

    def raise_for_problems(self) -> None:
        """Fail the test when there are problems.

        Raises:
            AssertionError: There are; the text has a line for each.
        """
        if self.problems:
            raise AssertionError(str(self))

    def __str__(self) -> str:
        lines = [f"{self.provider}: {len(self.problems)} problem(s)", *map(str, self.problems)]
        if self.untested:
            lines.append(f"no recording has: {', '.join(self.untested)}")
        return "\n  ".join(lines)
