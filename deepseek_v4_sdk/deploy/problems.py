"""Problems that `check` finds in a command."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

__all__ = ["CommandProblem", "Severity", "problem"]

Severity: TypeAlias = Literal["error", "warning", "note"]
"""With an error the server exits or fails later; with a warning it runs differently than wanted; a note informs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandProblem:
    """Something that is wrong with a command.

    Attributes:
        severity: "error": the process exits or fails later. "warning": it runs differently than wanted. "note".
        flag: The flag or environment variable, as it was given; the missing one where one is missing.
        text: The problem.
        remedy: The change that corrects it.
        since: The first release that has it, where releases differ.
        last: The last release that had it, or None.
    """

    severity: Severity
    flag: str
    text: str
    remedy: str
    since: str | None = None
    last: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Everything as plain values, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{self.severity}: {self.flag}: {self.text}; {self.remedy}" if self.remedy else f"{self.flag}: {self.text}"
        )


def problem(severity: Severity, flag: str, text: str, remedy: str, since: str | None = None) -> CommandProblem:
    """A problem, in one line."""
    return CommandProblem(severity=severity, flag=flag, text=text, remedy=remedy, since=since)
