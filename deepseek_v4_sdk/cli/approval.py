"""The approval of tool calls: the user is shown each of them, and answers yes, no, or always for that tool."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deepseek_v4_sdk.cli.output import in_one_line, say
from deepseek_v4_sdk.cli.screen import shortened

if TYPE_CHECKING:
    from deepseek_v4_sdk import ToolCall
    from deepseek_v4_sdk.cli.screen import Screen

__all__ = ["Approval"]


@dataclass(slots=True)
class Approval:
    """Asks on the terminal whether a call may run.

    Attributes:
        screen: The screen, which stands still meanwhile.
        always: Names of the tools that need no further question. A call that the client read from a text needs one
            all the same: it may be a text of somebody else's that the model repeats.
    """

    screen: Screen
    always: set[str] = field(default_factory=set[str])

    def __call__(self, call: ToolCall) -> bool:
        """Whether the call may run."""
        if call.name in self.always and not call.recovered:
            return True
        name = in_one_line(call.name)
        with self.screen.paused():
            whole = shortened(call.arguments) == call.arguments
            for argument, value in () if whole else call.parsed.items():
                say(f"   {in_one_line(argument)}: {in_one_line(json.dumps(value, ensure_ascii=False))}")
            if call.recovered:
                say("   The server did not send this call: it was read from the text of the answer.")
            choices = "y/n" if call.recovered else "y/n/always"
            while True:
                answer = _read(f"Run {name}? {choices}: ")
                if answer in {"a", "always"} and not call.recovered:
                    self.always.add(call.name)
                    return True
                if answer in {"y", "yes", "n", "no"}:
                    return answer.startswith("y")


def _read(prompt: str) -> str:
    try:
        return input(prompt).strip().lower()
    except (EOFError, KeyboardInterrupt) as error:
        say()
        if isinstance(error, KeyboardInterrupt):
            raise
        return "no"
    except UnicodeDecodeError:
        return ""
