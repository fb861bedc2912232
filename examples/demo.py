"""What can it do? The main job on the embedded mock, with this repository as input: `make demo`."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import time
from pathlib import Path

from deepseek_v4_sdk import (
    DeepSeekV4,
    Message,
    ReasoningDelta,
    Reply,
    TextDelta,
    ToolMessage,
    ToolSpec,
    UserMessage,
    __version__,
    count_text,
)

ROOT = Path(__file__).resolve().parent.parent
WINDOW = 1_048_576
SHOWN = 8
ABOUT = "README.md"
LEFT = {"build", "dist", "site", "__pycache__", "node_modules"}

TTY = sys.stdout.isatty()
COLOUR = TTY and "NO_COLOR" not in os.environ
WIDTH = min(shutil.get_terminal_size((100, 24)).columns, 100)


def styled(text: str, code: str) -> str:
    """The text in a style, where there are styles."""
    return f"\x1b[{code}m{text}\x1b[0m" if COLOUR else text


def dim(text: str) -> str:
    """Grey, for what is not the answer."""
    return styled(text, "2")


def title(text: str) -> None:
    """The head of a section."""
    print(f"\n{styled(text, '1')}")


def row(label: str, text: str) -> None:
    """A labelled line, wrapped under itself."""
    first, *more = textwrap.wrap(text, WIDTH - 13) or [""]
    print(f"  {dim(f'{label:<9}')} {first}", *(f"{'':<12}{line}" for line in more), sep="\n")


class Column:
    """Print pieces on arrival, as one column of lines next to a label."""

    def __init__(self) -> None:
        self._label = ""
        self._used = 0

    def add(self, label: str, piece: str, style: str = "0") -> None:
        """Print a piece; a new label begins a new line."""
        if label != self._label:
            self.end()
            self._label = label
            print(f"  {dim(f'{label:<9}')} ", end="")
        if self._used + len(piece) > WIDTH - 13:
            print(f"\n{'':<12}", end="")
            self._used, piece = 0, piece.lstrip()
        self._used += len(piece)
        print(styled(piece.replace("\n", " "), style), end="", flush=True)
        if TTY:
            time.sleep(0.02)  # the mock has no reason to wait; an eye has

    def end(self) -> None:
        """End the line."""
        if self._label:
            print()
        self._label, self._used = "", 0


def text_files() -> dict[str, str]:
    """Every text file of this repository, by its path."""
    found: dict[str, str] = {}
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in LEFT and not name.startswith(".")]
        for name in names:
            path = Path(folder, name)
            try:
                found[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
            except (UnicodeDecodeError, OSError):
                continue
    return found


def count(files: dict[str, str]) -> None:
    """Section 1: tokens, the biggest files first."""
    title("1  How many V4 tokens is this repository?")
    started = time.perf_counter()
    counts = {path: count_text(text) for path, text in files.items()}
    seconds = time.perf_counter() - started
    biggest = sorted(counts, key=lambda path: -counts[path])[:SHOWN]
    wide = min(max(len(path) for path in biggest), WIDTH - 32)
    for path in biggest:
        shown = path if len(path) <= wide else f"...{path[3 - wide :]}"
        print(f"  {shown:<{wide}} {counts[path]:>11,} {dim(f'{counts[path] / WINDOW:>8.2%}')}")
    rest = len(counts) - len(biggest)
    others = sum(counts.values()) - sum(counts[path] for path in biggest)
    print(dim(f"  {f'{rest} smaller files':<{wide}} {others:>11,} {others / WINDOW:>8.2%}"))
    total = sum(counts.values())
    print(styled(f"  {f'{len(counts)} files':<{wide}} {total:>11,} {total / WINDOW:>8.2%}", "1"), f"of {WINDOW:,}")
    megabytes = sum(len(text.encode()) for text in files.values()) / 1e6
    print(dim(f"  exact, with the model's own vocabulary, here and offline: {megabytes:.1f} MB in {seconds:.2f} s"))


def stream(client: DeepSeekV4, text: str) -> Reply:
    """Section 2: an answer, streamed, with its reasoning."""
    title(f"2  What is {ABOUT} about? An answer while it is being written")
    column = Column()
    with client.stream(f"{text}\n\nWhat is this file about?", thinking="high") as answer:
        for event in answer:
            match event:
                case ReasoningDelta(piece):
                    column.add("thinking", piece, "2")
                case TextDelta(piece):
                    column.add("answer", piece)
                case _:
                    pass
        column.end()
        return answer.reply()


def tools(client: DeepSeekV4, files: dict[str, str]) -> tuple[Reply, Reply]:
    """Section 3: offer a tool, run the call by hand, send the result back."""
    title("3  One round of tool calling, by hand")
    names = [ABOUT, *sorted(path for path in files if path.startswith("docs/"))]
    path_schema = {"type": "object", "properties": {"path": {"type": "string", "enum": names}}, "required": ["path"]}
    tool = ToolSpec("count_tokens", "The number of V4 tokens in a file.", path_schema)
    question = f"How many tokens does {ABOUT} have?"
    row("offered", f"{tool.name}(path)")
    row("question", question)
    messages: list[Message] = [UserMessage(question)]
    called = client.chat(messages, tools=[tool])
    messages.append(called.message)  # with its reasoning and its calls
    for call in called.tool_calls:
        row("call", f"{call.name} {call.arguments}")
        path = str(call.parsed.get("path"))
        result = f"{path} has {count_text(files[path]):,} tokens" if path in files else f"there is no file {path}"
        row("result", result)
        messages.append(ToolMessage(result, tool_call_id=call.id))
    answered = client.chat(messages, tools=[tool])
    row("answer", answered.text)
    return called, answered


def costs(replies: dict[str, Reply], seconds: float) -> None:
    """Section 4: what the server counted, and when it answered."""
    title("4  Usage and timing")
    print(dim(f"  {'tokens':<9} {'prompt':>8} {'reasoning':>10} {'answer':>8} {'first token':>13} {'all':>9}"))
    for label, reply in replies.items():
        usage, timing = reply.usage, reply.timing
        thought, said = usage.reasoning_tokens or 0, usage.completion_tokens or 0
        print(
            f"  {label:<9} {usage.prompt_tokens or 0:>8,} {thought:>10,} {said - thought:>8,} "
            f"{timing.first_token or 0:>11.3f} s {timing.total:>7.3f} s"
        )
    print(dim(f"  The clock of the mock stands still. On yours it took {seconds:.2f} s."))


def main() -> None:
    """Run all sections, and end with the line to change."""
    print(f"{styled(f'deepseek_v4_sdk {__version__}', '1')} on its embedded mock: no server, no key, no GPU.")
    files = text_files()
    count(files)
    started = time.perf_counter()
    with DeepSeekV4("mock") as client:
        streamed = stream(client, files[ABOUT])
        called, answered = tools(client, files)
    seconds = time.perf_counter() - started
    costs({"stream": streamed, "call": called, "result": answered}, seconds)
    title("5  The same program on a real server: change one line of examples/demo.py")
    print(styled('  -  with DeepSeekV4("mock") as client:', "31"))
    print(styled('  +  with DeepSeekV4("vllm", base_url="http://localhost:8000") as client:', "32"))


if __name__ == "__main__":
    main()
