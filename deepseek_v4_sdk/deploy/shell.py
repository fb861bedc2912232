"""A plan as commands: for a shell, and for Docker."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.plan import Node, Plan

__all__ = ["CACHE", "commands", "docker"]

# The engines' images run as root, and Hugging Face keeps its cache below the home of the user.
CACHE = ("~/.cache/huggingface", str(PurePosixPath("/", "root", ".cache", "huggingface")))
"""The one path of the host that texts name, and where it is in a container."""

_FIRST = "#!/bin/sh\n"


def _lines(words: Iterable[str]) -> str:
    """Words as one command, with a flag and its values on a line."""
    lines: list[list[str]] = [[]]
    for word in words:
        if lines[-1] and (word.startswith("--") or (word.startswith("-") and len(lines) > 1)):
            lines.append([])
        lines[-1].append(shlex.quote(word))
    return " \\\n  ".join(" ".join(line) for line in lines)


def _titled(plan: Plan, node: Node, text: str) -> str:
    if len(plan.nodes) == 1:
        return text
    return f"# {node.name}, on {node.host}\n{text}"


def _together(plan: Plan, parts: list[str]) -> str:
    needed = f': "${{{plan.key_variable}:?set it to the key of the server}}"\n' if plan.key_variable else ""
    if len(parts) == 1:
        return f"{_FIRST}{needed}{parts[0]}\n"
    cases = "\n".join(f"{node.name})\n{part}\n;;" for node, part in zip(plan.nodes, parts, strict=True))
    names = "|".join(node.name for node in plan.nodes)
    usage = f'*)\necho "usage: sh $0 {names}" >&2\nexit 2\n;;'
    first = f"# One command for each node, by its name: {plan.nodes[0].name}"
    return f'{_FIRST}{needed}{first}\ncase "${{1:-}}" in\n{cases}\n{usage}\nesac\n'


def commands(plan: Plan) -> str:
    """The commands; a plan of several nodes is a script that takes the name of one."""
    parts: list[str] = []
    for node in plan.nodes:
        env = "".join(f"{shlex.quote(f'{name}={value}')} \\\n  " for name, value in node.env.items())
        parts.append(_titled(plan, node, f"{'env ' if env else ''}{env}{_lines(node.argv)}"))
    return _together(plan, parts)


def docker(plan: Plan) -> str:
    """The commands for Docker. The token of Hugging Face is handed on from the environment, and never written."""
    parts: list[str] = []
    for node in plan.nodes:
        flags = ["docker", "run", "--rm", "--name", f"v4-{node.name}"]
        flags += ["--gpus", "all"] if node.gpus else []
        flags += ["--ipc=host", "--shm-size", "32g"]
        if len(plan.nodes) > 1:
            flags += ["--network", "host"]
            flags += ["--privileged", "--ulimit", "memlock=-1"] if node.gpus else []
        else:
            flags += ["-p", f"{node.port}:{node.port}"]
        flags += ["-e", "HF_TOKEN", *(["-e", plan.key_variable] if plan.key_variable else [])]
        for name, value in node.env.items():
            flags += ["-e", f"{name}={value}"]
        mounted = f'-v "$HOME/{CACHE[0].removeprefix("~/")}:{CACHE[1]}"'
        start, *rest = node.argv
        head = f"{_lines(flags)} \\\n  {mounted}"
        tail = _lines(["--entrypoint", start, plan.image])
        parts.append(_titled(plan, node, f"{head} \\\n  {tail} \\\n  {_lines(rest)}"))
    return _together(plan, parts)
