"""`deepseek-v4 context`: the use of the window's tokens by files, folders or a conversation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, cast

import typer

from deepseek_v4_sdk import ContextBudget, InvalidRequestError, Measure, Pack, pack
from deepseek_v4_sdk.cli.connection import AsJson, NamedServer, names_server
from deepseek_v4_sdk.cli.count import WINDOW
from deepseek_v4_sdk.cli.outcome import ExitCode, complain
from deepseek_v4_sdk.cli.output import Raw, colors, in_one_line, say, say_json
from deepseek_v4_sdk.cli.progress import Progress
from deepseek_v4_sdk.support.decoding import decoded

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from deepseek_v4_sdk import JsonValue

__all__ = ["ConversationPicture", "DocumentsPicture", "Slice", "context", "draw", "examine", "print_plain"]

_ROWS = 15  # the largest ones are shown by name
# Reasons for skipping that are intended, so that nothing of interest is missing.
_MEANT = frozenset({"excluded", "link", "twice", "no_room"})


@names_server()
def context(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|FOLDER|CONVERSATION.json", help="Files and folders, or a conversation.", show_default=False
        ),
    ],
    window: Annotated[
        int | None, typer.Option(help="The context window, in tokens; else the server's, or V4's own.", min=1)
    ] = None,
    reserve: Annotated[int | None, typer.Option(help="Tokens to keep for the answer.", min=0)] = None,
    *,
    server: NamedServer,
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """Show the use of the context window by files, folders or a conversation.

    Files are counted as `pack` puts them into a prompt. A JSON file that holds a list of messages, or a request with
    `messages`, is a conversation: it is rendered like the named server does, else like vLLM. The command requests the
    window from a server. If something could not be counted, or does not fit, the exit code is 1.
    """
    if not server.is_given:
        budget = ContextBudget(window or WINDOW, reserve or 0)
    else:
        with server.connect() as client:
            for_reasoning = None if reserve is None else 0
            budget = client.budget(window=window, reserve_output=reserve, reserve_reasoning=for_reasoning)
    picture = examine(names, budget, typer.get_text_stream("stderr"))
    out = typer.get_text_stream("stdout")
    if as_json:
        say_json(picture.to_dict())
    elif out.isatty():
        draw(picture)
    else:
        print_plain(picture)
    for name, reason in picture.skipped:
        complain(f"{name} is skipped: {reason}")
    if picture.skipped or picture.total > budget.room:
        raise typer.Exit(ExitCode.FOUND)


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the window: its name and its tokens."""

    name: str
    tokens: int


@dataclass(frozen=True, slots=True)
class DocumentsPicture:
    """Files and folders, as they would be packed into a prompt.

    `is_json`: it is one JSON file, and not a conversation.
    """

    budget: ContextBudget
    packed: Pack
    is_json: bool = False

    @property
    def total(self) -> int:
        """All tokens, including those of files that found no room."""
        return self.packed.tokens + sum(item.tokens or 0 for item in self.packed.left_out)

    @property
    def skipped(self) -> list[tuple[str, str]]:
        """Files that could not be counted, and the reasons."""
        return [(item.name, item.detail) for item in self.packed.left_out if item.reason not in _MEANT]

    @property
    def notes(self) -> list[str]:
        """Further remarks."""
        passed = [item.name for item in self.packed.left_out if item.reason in {"excluded", "link", "twice"}]
        special = [item.name for item in self.packed.documents if item.special]
        notes = ["the JSON holds no list of messages, and is counted as a text"] if self.is_json else []
        if passed:
            notes.append(f"{len(passed):,} passed over by name or as links: {_few(passed)}")
        if special:
            notes.append(f"{len(special):,} spell control tokens, which vLLM reads as such: {_few(special)}")
        return notes

    def tables(self) -> Iterator[tuple[str, Sequence[Slice]]]:
        """Yield the files, grouped by the folder at the depth where they first differ."""
        sizes = [(item.name, item.tokens) for item in self.packed.documents]
        sizes += [(item.name, item.tokens) for item in self.packed.left_out if item.tokens is not None]
        if sizes:
            yield "files", _largest(_grouped(sizes))

    def to_dict(self) -> dict[str, JsonValue]:
        """Return all fields, ready for JSON."""
        left = self.budget.room - self.total
        return {"kind": "documents", **self.budget.to_dict(), "total": self.total, "left": left, **_report(self.packed)}


@dataclass(frozen=True, slots=True)
class ConversationPicture:
    """A conversation, as the server would render it."""

    budget: ContextBudget
    measured: Measure

    @property
    def total(self) -> int:
        """All tokens."""
        return self.measured.total

    @property
    def skipped(self) -> list[tuple[str, str]]:
        """Nothing: a conversation is counted whole."""
        return []

    @property
    def notes(self) -> list[str]:
        """Further remarks."""
        notes = (
            [] if self.measured.exact else ["rendered as the server most likely does: the count may be off a little"]
        )
        if self.measured.left_out:
            notes.append(f"{self.measured.left_out:,} tokens of earlier reasoning are not in the prompt")
        return notes

    def tables(self) -> Iterator[tuple[str, Sequence[Slice]]]:
        """The kinds of text, and the turns."""
        measured = self.measured
        kinds = ("system", "tools", "user", "answers", "reasoning", "results")
        yield "prompt", [Slice(name, getattr(measured, name)) for name in kinds if getattr(measured, name)]
        yield (
            "turns",
            _largest(
                Slice(f"turn {number}, from message {turn.index}", turn.tokens)
                for number, turn in enumerate(measured.turns, 1)
            ),
        )

    def to_dict(self) -> dict[str, JsonValue]:
        """Return all fields, ready for JSON."""
        return {"kind": "conversation", **self.budget.to_dict(), **self.measured.to_dict()}


def examine(names: Sequence[str], budget: ContextBudget, progress: TextIO) -> DocumentsPicture | ConversationPicture:
    """Read the named files, and count them.

    Args:
        names: Files and folders; or one JSON file with a conversation: a list of messages, a request with `messages`,
            or a recording with such a `body`.
        budget: The budget of the window.
        progress: A terminal for the progress of a long count.

    Raises:
        InvalidRequestError: A conversation is wrong, or there is nothing under a name.
        ConfigurationError: The vocabulary is not installed.
    """
    for name in names:
        if not Path(name).exists():
            raise InvalidRequestError(f"there is no file or folder {name}")
    if len(names) == 1 and (request := _conversation(Path(names[0]))) is not None:
        return ConversationPicture(budget, budget.measure(**request))
    bars: list[Progress] = []

    def step(_: int, total: int) -> None:
        if not bars:
            bars.append(Progress(progress, total, "files"))
        bars[0].step()

    try:
        packed = pack(names, budget.window, on_progress=step)
        return DocumentsPicture(budget, packed, is_json=len(names) == 1 and names[0].endswith(".json"))
    finally:
        for bar in bars:
            bar.end()


def _conversation(path: Path) -> dict[str, Any] | None:
    """Find the conversation in a JSON file, or None: then it is an ordinary text."""
    if path.suffix != ".json" or not path.is_file():
        return None
    try:
        value: object = json.loads(decoded(path.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return None
    if isinstance(value, list):
        messages = cast("list[object]", value)
        is_talk = bool(messages) and all("role" in _mapping(item) for item in messages)
        return {"messages": messages} if is_talk else None
    request = _mapping(_mapping(value).get("body")) or _mapping(value)  # the first is a recording's
    if "messages" not in request:
        return None
    options = {name: request[name] for name in ("tools", "tool_choice", "response_format") if request.get(name)}
    return {"messages": request["messages"], "thinking": _thinking(request), **options}


def _thinking(request: Mapping[str, object]) -> str | None:
    """The level of a request, in the form of any of the servers; None where it has none."""
    kwargs, switch = _mapping(request.get("chat_template_kwargs")), request.get("thinking")
    off = _mapping(switch).get("type") == "disabled" or False in (kwargs.get("thinking"), kwargs.get("enable_thinking"))
    level = switch if isinstance(switch, str) else kwargs.get("reasoning_effort") or request.get("reasoning_effort")
    if off or level == "none":
        return "off"
    return level if isinstance(level, str) and level in {"off", "low", "high", "max"} else None


def _mapping(value: object) -> Mapping[str, object]:
    """A JSON object; an empty one in place of anything else."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def draw(picture: DocumentsPicture | ConversationPicture, console: Console | None = None) -> None:
    """Draw the picture on a terminal: a bar of the whole window, and its parts, largest first."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = console or Console(color_system=colors())
    for number, (title, slices) in enumerate(picture.tables()):
        if number == 0:
            console.print(_bar(slices, picture, console.width - 1))
        table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, expand=False)
        table.add_column("tokens", justify="right")
        table.add_column("window", justify="right")
        table.add_column("", no_wrap=True)
        table.add_column("", overflow="fold")
        for place, row in enumerate(slices):
            share = row.tokens / picture.budget.window
            mark = Text("\N{FULL BLOCK}\N{FULL BLOCK} " if number == 0 else "", style=_color(place))
            table.add_row(f"{row.tokens:,}", f"{share:.2%}", mark, Text(in_one_line(row.name)))
        console.print(table)
    for line in _summary(picture):
        console.print(Text(in_one_line(line)))


def print_plain(picture: DocumentsPicture | ConversationPicture) -> None:
    """Print the picture in plain lines, for pipes: tokens, share of the window, name."""
    width = max(len(f"{picture.total:,}"), 6)
    for title, slices in picture.tables():
        say(title)
        for row in slices:
            say(f"{row.tokens:>{width},}  {row.tokens / picture.budget.window:>8.2%}  {in_one_line(row.name)}")
    for line in _summary(picture):
        say(in_one_line(line))


def _summary(picture: DocumentsPicture | ConversationPicture) -> Iterator[str]:
    budget = picture.budget
    left = budget.room - picture.total
    state = f"{left:,} left" if left >= 0 else f"{-left:,} too many"
    reserved = f", with {budget.reserved:,} kept for the answer" if budget.reserved else ""
    share = picture.total / budget.window
    yield f"{picture.total:,} of {budget.window:,} tokens ({share:.1%}), {state}{reserved}"
    if budget.window_source != "configured":
        yield f"the window is {_SOURCES[budget.window_source]}"
    yield from picture.notes


_SOURCES: Mapping[str, str] = {
    "asked": "reported by the server",
    "learned": "named by the server when it refused a request",
    "catalogue": "published for the model",
}


def _bar(slices: Sequence[Slice], picture: DocumentsPicture | ConversationPicture, width: int) -> Text:
    """The window as one line: each part in its color, free and reserved space in grey."""
    from rich.text import Text

    whole = max(picture.budget.window, picture.total + picture.budget.reserved)
    bar, begun, drawn = Text(), 0, 0
    for place, row in enumerate(slices):
        begun += row.tokens
        cells = begun * width // whole - drawn
        bar.append("\N{FULL BLOCK}" * cells, style=_color(place))
        drawn += cells
    kept = (whole - picture.budget.reserved) * width // whole  # where it begins
    bar.append("\N{LIGHT SHADE}" * (kept - drawn), style="bright_black")
    bar.append("\N{MEDIUM SHADE}" * (width - kept), style="bright_black")
    return bar


_COLORS = ("cyan", "magenta", "green", "yellow", "blue", "red", "bright_cyan", "bright_magenta", "bright_green")


def _color(place: int) -> str:
    return _COLORS[place % len(_COLORS)]


def _grouped(sizes: Sequence[tuple[str, int]]) -> Iterator[Slice]:
    """Files by the first folder in which not all of them are, so that there are several groups."""
    depth = 0
    parts = [name.split("/") for name, _ in sizes]
    while parts and len({tuple(part[: depth + 1]) for part in parts}) == 1 and min(map(len, parts)) > depth + 1:
        depth += 1
    groups: dict[str, int] = {}
    for (name, tokens), part in zip(sizes, parts, strict=True):
        group = name if len(part) <= depth + 1 else "/".join(part[: depth + 1]) + "/"
        groups[group] = groups.get(group, 0) + tokens
    return (Slice(name, tokens) for name, tokens in groups.items())


def _largest(slices: Iterator[Slice]) -> list[Slice]:
    """The largest ones, and the others together."""
    rows = sorted(slices, key=lambda row: -row.tokens)
    if len(rows) <= _ROWS:
        return rows
    rest = rows[_ROWS - 1 :]
    return [*rows[: _ROWS - 1], Slice(f"{len(rest):,} others", sum(row.tokens for row in rest))]


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _report(packed: Pack) -> dict[str, JsonValue]:
    report = packed.to_dict()
    return {"documents": report["documents"], "left_out": report["left_out"]}
