"""Commands of servers in a shell's script: started there, or in a container by `docker run`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile

__all__ = ["IMAGES", "ScriptedCommand", "commands_of"]

IMAGES = {
    r"vllm/vllm-openai:v?(\d[\w.]*)": "vllm",
    r"lmsysorg/sglang:v?(\d[\w.]*)": "sglang",
    r"(?:vllm|sglang)-runtime:(\d[\w.]*)": "dynamo",
}
"""Images with the release in their tag, by engine."""

_ENDS = frozenset(";&|\n")
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_SERVE = re.compile(r"(^|/)(vllm|sglang)$")


@dataclass(frozen=True, slots=True)
class ScriptedCommand:
    """A command of a script that may start a server.

    Attributes:
        label: The label of a `case` that it belongs to; else an empty text.
        argv: The command.
        env: The variables that the script sets for it.
        image: The image that it runs in; else an empty text.
    """

    label: str
    argv: list[str]
    env: dict[str, str] = field(default_factory=dict[str, str])
    image: str = ""


def commands_of(script: str) -> Iterator[ScriptedCommand]:
    """The commands of a script that may start a server.

    Raises:
        ValueError: A quotation has no end.
    """
    label, exported = "", dict[str, str]()
    for words in _simple_commands(script):
        if len(words) == 1 and words[0].endswith(")"):
            label = words[0][:-1]
        elif words[0] == "export":
            exported |= _assigned(words)
        elif (start := _start(words)) is not None:
            before, argv, image = start
            kept = list(takewhile(lambda word: not re.match(r"\d?>", word), argv))
            yield ScriptedCommand(label, kept, exported | _assigned(before), image)


def _simple_commands(script: str) -> Iterator[list[str]]:
    """The words of each command, as a shell splits them."""
    lexer = shlex.shlex(script.replace("\\\n", " "), posix=True, punctuation_chars="".join(_ENDS))
    lexer.whitespace, lexer.whitespace_split = " \t\r", True
    words: list[str] = []
    for word in lexer:
        if word and set(word) <= _ENDS:
            if words:
                yield words
            words = []
        else:
            words.append(word)
    if words:
        yield words


def _assigned(words: list[str]) -> dict[str, str]:
    return {found[1]: found[2] for word in words if (found := _ASSIGNED.fullmatch(word))}


def _start(words: list[str]) -> tuple[list[str], list[str], str] | None:
    """The words before a command, the command, and its image; None where no server is in it."""
    for at, word in enumerate(words):
        if any(re.search(pattern, word) for pattern in IMAGES):
            before = words[:at]
            entry = before[before.index("--entrypoint") + 1 :][:1] if "--entrypoint" in before else []
            return before, [*entry, *words[at + 1 :]], word
        if _SERVE.search(word) and words[at + 1 : at + 2] == ["serve"]:
            return words[:at], words[at:], ""
        if word == "-m" and at and words[at + 1 : at + 2] and words[at + 1].startswith(("dynamo.", "sglang", "vllm.")):
            return words[: at - 1], words[at - 1 :], ""
    return None
