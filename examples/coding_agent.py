"""How do I build an agent? One that reads, searches and edits a folder, in a copy of it, and shows the difference.

python examples/coding_agent.py
python examples/coding_agent.py --profile vllm --folder path/to/project "Rename the function add to plus."
"""

from __future__ import annotations

import argparse
import difflib
import shutil
import tempfile
import threading
from pathlib import Path

from deepseek_v4_sdk import Conversation, DeepSeekV4, DeepSeekV4Error, ToolCall, ToolRounds, ToolRun, tool
from deepseek_v4_sdk.testing import MockProvider, script

INSTRUCTIONS = """You change files in a folder. Look before you change anything: search, then read.
Make the smallest change that does the task, and say at the end what you did."""
TASK = "The function mean fails on an empty list. Let it give 0.0 there."
SAMPLE = {
    "stats.py": "def mean(values: list[float]) -> float:\n    return sum(values) / len(values)\n",
    "report.py": "from stats import mean\n\n\ndef report(values: list[float]) -> str:\n    return f'{mean(values)}'\n",
}
MOST_LINES = 200
LEFT = {".git", ".venv", "node_modules", "__pycache__"}


class Workspace:
    """The three tools of the agent, over one folder, and nothing outside of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.changing = threading.Lock()  # the calls of one turn run at once

    def files(self) -> list[Path]:
        """Every file, in order."""
        return sorted(
            path
            for path in self.folder.rglob("*")
            if path.is_file() and not path.is_symlink() and not LEFT & set(path.relative_to(self.folder).parts)
        )

    def name(self, path: Path) -> str:
        """A file's name inside the folder."""
        return path.relative_to(self.folder).as_posix()

    def find(self, path: str) -> Path:
        """The file of that name; a file that the model may not touch is an error that it sees."""
        found = (self.folder / path).resolve()
        if not found.is_relative_to(self.folder):
            raise PermissionError(f"{path} is outside of the folder")
        if not found.is_file():
            raise FileNotFoundError(f"there is no {path}; there are {', '.join(map(self.name, self.files()))}")
        return found

    @tool
    def read(self, path: str, first_line: int = 1) -> str:
        """Read a file.

        Args:
            path: Its path inside the folder.
            first_line: The line to begin with; at most 200 lines are shown.
        """
        lines = self.find(path).read_text(encoding="utf-8").splitlines()
        shown = lines[first_line - 1 : first_line - 1 + MOST_LINES]
        return "\n".join(f"{number:>4}  {line}" for number, line in enumerate(shown, first_line))

    @tool
    def grep(self, text: str) -> str:
        """Search all files.

        Args:
            text: The exact text to search for, not a pattern.
        """
        found = [
            f"{self.name(path)}:{number}: {line}"
            for path in self.files()
            for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
            if text in line
        ]
        return "\n".join(found[:MOST_LINES]) or "nothing found"

    @tool
    def edit(self, path: str, old: str, new: str) -> str:
        """Replace a piece of a file.

        Args:
            path: Its path inside the folder.
            old: The piece, exactly as in the file; it must occur once.
            new: The new text.
        """
        file = self.find(path)
        with self.changing:
            text = file.read_text(encoding="utf-8")
            if text.count(old) != 1:
                raise ValueError(f"{path} has that piece {text.count(old)} times: give one that it has once")
            file.write_text(text.replace(old, new), encoding="utf-8")
        return f"changed {path}"


def difference(before: Path, after: Path) -> str:
    """The changes as a patch."""
    patch: list[str] = []
    workspace = Workspace(after)
    for file in workspace.files():
        name = workspace.name(file)
        old = (before / name).read_bytes()
        if old != file.read_bytes():
            lines = [old.decode().splitlines(keepends=True), file.read_text(encoding="utf-8").splitlines(keepends=True)]
            patch += difflib.unified_diff(lines[0], lines[1], f"a/{name}", f"b/{name}")
    return "".join(patch)


def scripted() -> DeepSeekV4:
    """A model that does the task on the sample, with a slip on the way."""
    new = "    if not values:\n        return 0.0\n    return sum(values) / len(values)\n"
    return DeepSeekV4(
        MockProvider(
            script.think("Where is it, and what uses it?") + script.tool_call("grep", text="mean"),
            script.text("I read both files.")
            + script.tool_call("read", path="stats.py")
            + script.tool_call("read", path="report.py"),
            script.tool_call("edit", path="../stats.py", old="x", new="y"),
            script.tool_call("edit", path="stats.py", old="    return sum(values) / len(values)\n", new=new),
            script.text("mean gives 0.0 for an empty list now; report needed no change."),
        )
    )


def allow(call: ToolCall) -> object:
    """A person's decision: reading is free, and a change is small."""
    if call.name != "edit":
        return True
    return True if len(str(call.parsed["new"])) < 4000 else "change less at once"


def walk(rounds: ToolRounds) -> ToolRun:
    """Run the loop, and print it as a log."""
    for number, turn in enumerate(rounds, 1):
        if turn.preamble:
            print(f"{number:>3}  {turn.preamble}")
        for result in turn.results:
            first = result.content.partition("\n")[0]
            print(f"{number:>3}  {result.call.name} {result.call.arguments[:60]}\n     -> {first[:90]}")
    return rounds.run


def main() -> None:
    """Copy the folder, let the agent work there, show what it changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", nargs="?", default=TASK)
    parser.add_argument("--folder", type=Path, help="the folder to work on a copy of; without it a small sample")
    parser.add_argument("--profile", help="a name from the file of profiles; without it a scripted mock answers")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("deepseek_v4.toml"))
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as made:
        before, after = Path(made, "before"), Path(made, "after")
        if arguments.folder is None:
            before.mkdir()
            for name, text in SAMPLE.items():
                (before / name).write_text(text, encoding="utf-8")
        else:
            shutil.copytree(arguments.folder, before, ignore=shutil.ignore_patterns(*LEFT))
        shutil.copytree(before, after)

        workspace = Workspace(after)
        talk = Conversation().system(INSTRUCTIONS).user(arguments.task)
        client = scripted() if arguments.profile is None else None
        with client or DeepSeekV4.from_profile(arguments.profile, path=arguments.config) as client:
            print(f"{client.provider} at {client.base_url}: {arguments.task}")
            tools = [workspace.read, workspace.grep, workspace.edit]
            with client.tool_rounds(
                talk, tools, max_rounds=30, deadline=900, tool_timeout=20, retry_empty=True, approve=allow
            ) as rounds:
                try:
                    run = walk(rounds)
                except DeepSeekV4Error as error:  # rounds.messages is valid: an agent could be taken up from there
                    print(f"broken off after {len(rounds.messages)} messages: {error}")
                else:
                    print(f"[{run.stopped}] {run.text}")
        print(difference(before, after) or "nothing was changed")


if __name__ == "__main__":
    main()
