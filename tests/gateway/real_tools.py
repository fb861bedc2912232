"""Runs one coding tool in front of a gateway whose model is a script, and prints what happened as JSON.

`python -m tests.gateway.real_tools TOOL PROGRAM FOLDER [FLAVOR]`, in a network name space with loopback only if wanted.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from deepseek_v4_sdk.cli.launch_tools import TOOLS, Wanted
from deepseek_v4_sdk.gateway import Gateway
from deepseek_v4_sdk.testing import MockProvider, MockRequest, script
from tests.gateway.serving import client_for, served

COMMAND = "echo the-output-of-the-command"
ANSWER = "The command said its line, and that is the answer."
REASONING = "I have to run the command first."
PROMPT = f"Run this command: {COMMAND}"
LINES = {
    "codex": ["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", PROMPT],
    "claude": ["-p", PROMPT, "--allowedTools", "Bash"],
    "opencode": ["run", PROMPT],
}
SHELLS = ("exec_command", "shell_command", "shell", "Bash", "bash")


def arguments_for(tool: dict[str, Any]) -> dict[str, object]:
    """The arguments of a shell tool, whatever it calls its command."""
    properties = tool["parameters"].get("properties", {})
    name = next(each for each in ("cmd", "command") if each in properties)
    command: object = ["sh", "-c", COMMAND] if properties[name].get("type") == "array" else COMMAND
    given: dict[str, object] = {name: command}
    if "description" in tool["parameters"].get("required", ()):
        given["description"] = "Runs the command"
    return given


def model(request: MockRequest) -> script.Step:
    """The model: it runs the command once, and then answers."""
    functions = [tool["function"] for tool in request.body.get("tools") or []]  # type: ignore[index,union-attr,call-overload]
    shell = next((each for name in SHELLS for each in functions if each["name"] == name), None)  # type: ignore[index,call-overload]
    if shell is None:
        return script.text("A title")
    if any(message["role"] == "tool" for message in request.messages):
        return script.think("It has run.") + script.text(ANSWER)
    return script.think(REASONING) + script.tool_call(shell["name"], arguments_for(shell))  # type: ignore[index,call-overload,arg-type]


def main(tool: str, program: str, folder: Path, flavor: str = "deepseek") -> dict[str, object]:
    """Run the tool once."""
    mock = MockProvider(default=script.from_function(model), flavor=flavor, count_tokens=False)
    work = folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    with served(Gateway(client_for(mock), api_keys=["the-key"])) as gateway:
        wanted = Wanted(gateway.base, "deepseek-v4-pro", "THE_KEY", 200_000, str(folder / "settings"))
        setup = TOOLS[tool].setup(wanted)
        (folder / "settings").mkdir(exist_ok=True)
        for name, text in setup.files.items():
            (folder / "settings" / name).write_text(text, encoding="utf-8")
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TERM") if name in os.environ}
        environment = {**kept, "HOME": str(folder / "home"), "PWD": str(work), "THE_KEY": "the-key"}
        environment |= {name: "the-key" if value == "$THE_KEY" else value for name, value in setup.variables.items()}
        done = subprocess.run(
            [program, *LINES[tool]],
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
    rounds = [each for each in mock.requests if any(message["role"] == "tool" for message in each.messages)]
    turns = [message for message in rounds[-1].messages if message["role"] == "assistant"] if rounds else []
    return {
        "code": done.returncode,
        "answered": ANSWER in done.stdout,
        "ran": bool(rounds) and "the-output-of-the-command" in str(rounds[-1].messages[-1]["content"]),
        "reasoning": [turn.get("reasoning_content", turn.get("reasoning")) for turn in turns],
        "requests": len(mock.requests),
        "interfaces": [name for _, name in socket.if_nameindex()],
        "output": (done.stdout + done.stderr)[-3000:],
        "tools": [str(tool.get("function", {}).get("name")) for tool in (mock.requests[-1].body.get("tools") or [])]  # type: ignore[union-attr]
        if mock.requests
        else [],
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), *sys.argv[4:])))
