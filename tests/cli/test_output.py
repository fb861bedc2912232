"""Texts of strangers on a terminal: what a terminal would obey is shown as a mark, by every command."""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from deepseek_v4_sdk import DeepSeekV4, ReasoningDelta, TextDelta, cli
from deepseek_v4_sdk.cli import screen
from deepseek_v4_sdk.cli.app import app
from deepseek_v4_sdk.cli.context import ConversationPicture, DocumentsPicture, draw, examine
from deepseek_v4_sdk.cli.facts import facts_of_run
from deepseek_v4_sdk.cli.output import choose_raw, in_one_line, say_paragraph, visible
from deepseek_v4_sdk.cli.screen import LiveScreen
from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.testing.server import MockServer
from tests.support.commands import CliRunner, complaint, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deepseek_v4_sdk import ChatEvent

# The clipboard, a link that hides where it leads, a screen that is wiped, a title; the forms of one byte; a name that
# is turned around.
HOSTILE = (
    "a\x1b]52;c;ZXZpbA==\x1b\\b",
    "a\x1b]8;;http://elsewhere.example\x07bank\x1b]8;;\x07b",
    "a\x1b[2J\x1b[1;1Hb",
    "a\x1bc\x1bP+q\x1b\\b",
    "a\x9b2Jb\x9d52;c;ZXZpbA==\x9cb",
    "a\x07\x08\x00\x7f\x0bb",
    "a\u202egnp.exe\u2066b",
)
ALL = " ".join(HOSTILE)
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "_PAUSE", 0.001)


@contextmanager
def serving(*steps: script.Step) -> Iterator[tuple[str, ...]]:
    with MockServer(MockProvider(*steps)) as served:
        yield ("chat", "--provider", "vllm", "--base-url", served.url, "--model", "deepseek-ai/DeepSeek-V4-Pro")


@contextmanager
def saying(code: int, body: str) -> Iterator[str]:
    """A server that says the same to everything."""

    class Same(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(code)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Same) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def check(*texts: str) -> None:
    """Nothing that a terminal would obey is in them."""
    for text in texts:
        assert OBEYED.search(text) is None, ascii(OBEYED.sub(lambda found: f"<<{found[0]}>>", text))


@pytest.mark.parametrize("text", HOSTILE)
def test_marks(text: str) -> None:
    check(visible(text), in_one_line(text))
    assert visible(text).startswith("a")
    assert visible(text).endswith("b")


def test_each_character_has_a_mark_of_its_own_and_others_stay() -> None:
    marks = [visible(chr(code)) for code in (*range(9), *range(11, 32), *range(127, 160), 0x202E, 0x2069)]
    assert len(set(marks)) == len(marks)
    plain = "Ünï\u00e7ode \U0001f600 \u200f\u05d0\n\tend\u00a0"
    assert visible(plain) == plain
    assert visible("a\r\nb\rc") == "a\nb\N{SYMBOL FOR CARRIAGE RETURN}c"
    assert in_one_line("a\nb\tc") == "a\N{SYMBOL FOR LINE FEED}b\N{SYMBOL FOR HORIZONTAL TABULATION}c"


def fetch(url: str) -> str:
    """Fetch a page."""
    return ALL


def shown_live(events: Sequence[ChatEvent], *, reasoning: screen.Reasoning = "live") -> str:
    """What goes to a terminal."""
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, color_system=None, width=500, height=30, legacy_windows=False)
    live = LiveScreen(console, reasoning)
    live.begin()
    for event in events:
        live.show(event)
    live.end()
    # What the screen itself sends: the cursor hidden and shown, lines erased, the cursor one line up.
    return re.sub(r"\x1b\[(\?25[lh]|2K|1A|[\d;]*m)|\r|\n", "", written.getvalue())


@pytest.mark.parametrize("kind", [TextDelta, ReasoningDelta])
@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("cut", [1, 2, 5])
def test_a_terminal_also_where_a_sequence_is_cut(kind: type[TextDelta], text: str, cut: int) -> None:
    shown = shown_live([kind(text[at : at + cut]) for at in range(0, len(text), cut)])
    check(shown)
    assert visible(text).replace("\\", "")[:4] in shown.replace("\\", "")


@pytest.mark.parametrize(
    "markdown",
    [
        "[bank](http://elsewhere.example)",
        "<http://elsewhere.example>",
        "![image](http://elsewhere.example)",
        "a&#27;]52;c;ZXZpbA==&#7;b &#x9b;2J &#x202e;",
        "`code \x1b[2J`",
        "```\x1b[2J\n\x1b]0;x\x07\n```",
        "| a\x1b[2J |\n|---|\n| \x9b2J |",
        "# head \x1b[2J",
        "[a](http://e.example/\x1b]8;;\x07 'title \x1b[2J')",
    ],
)
def test_markdown_makes_nothing_that_a_terminal_obeys(markdown: str) -> None:
    shown = shown_live([TextDelta(markdown)])
    check(shown)
    if "elsewhere" in markdown and not markdown.startswith("!"):
        assert "http://elsewhere.example" in shown  # a link does not hide where it leads


def test_a_live_turn_with_a_tool() -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, color_system=None, width=500, legacy_windows=False)
    steps = [
        script.think(ALL) + script.text(ALL) + script.tool_call("fetch", url=ALL),
        script.text("Done."),
    ]
    with DeepSeekV4(MockProvider(*steps)) as client:
        live = LiveScreen(console, "live")
        live.begin()
        with client.tool_rounds("Go.", [fetch], on_event=live.show) as rounds:
            for each in rounds:
                for result in each.results:
                    live.result(result)
        live.end(facts_of_run(rounds.run))
    shown = re.sub(r"\x1b\[(\?25[lh]|2K|1A|[\d;]*m)|\r|\n", "", written.getvalue())
    check(shown)
    assert "<- a\N{SYMBOL FOR ESCAPE}]52;c;" in shown


def test_a_pipe() -> None:
    Path("tools.py").write_text(f"def fetch(url: str) -> str:\n    'Fetch.'\n    return {ALL!r}\n", "utf-8")
    steps = [script.think(ALL) + script.text(ALL) + script.tool_call("fetch", url=ALL), script.text(ALL)]
    with serving(*steps) as options:
        result = run(*options, "--reasoning", "live", "--tool", "tools:fetch", "--yes", "Go.")
    check(result.stdout, result.stderr)
    assert result.stdout == f"{visible(ALL)}\n{visible(ALL)}\n"


def test_raw_gives_the_bytes_and_holds_for_one_command() -> None:
    with serving(script.text(ALL), script.text(ALL)) as options:
        assert run(*options, "--raw", "Go.").stdout == f"{ALL}\n"
        check(run(*options, "Go.").stdout)


@pytest.mark.parametrize("text", HOSTILE)
def test_json_is_escaped_by_json(text: str) -> None:
    with serving(script.text(text)) as options:
        shown = run(*options, "--json", "Go.").stdout
    check(shown)
    events = [json.loads(line) for line in shown.splitlines()]
    assert events[-1]["reply"]["text"] == "".join(each.get("text", "") for each in events) == text


def test_a_servers_error() -> None:
    with serving(script.text("x") | faults.status(400, ALL)) as options:
        check(complaint(*options, "Go.", code=3))


@pytest.mark.parametrize("code", [200, 403])
def test_names_and_messages_of_a_server_that_is_hostile_through_and_through(code: int) -> None:
    entry = {"id": ALL, "object": "model", "owned_by": ALL, "parent": ALL, "max_model_len": 1000}
    body = json.dumps({"object": "list", "data": [entry], "error": {"message": ALL, "type": ALL, "code": ALL}})
    with saying(code, body) as url:
        for command in ("models", "doctor", "chat"):
            for last in ((), ("--json",)):
                arguments = [command, "--provider", "vllm", "--base-url", url, *last, *(["x"] * (command == "chat"))]
                result = CliRunner().invoke(app, arguments)
                check(result.stdout, result.stderr)
                assert code == 403 or "elsewhere" in result.stdout + result.stderr


def test_names_of_files_and_what_was_pasted() -> None:
    name = f"{HOSTILE[0]}{HOSTILE[4]}".replace("/", "").replace("\\", "")
    folder = Path("folder\x1b[2J")
    folder.mkdir()
    (folder / f"{name}.txt").write_text("text", "utf-8")
    (folder / f"{name}.bin").write_bytes(b"\0")
    for command in (("count", str(folder)), ("context", str(folder)), ("context", str(folder), "--window", "1")):
        result = run(*command, code=1)
        check(result.stdout, result.stderr)
        assert "\N{SYMBOL FOR ESCAPE}]52;" in result.stdout + result.stderr
        shown = run(*command, "--json", code=1).stdout
        check(shown)
    pasted = ALL.replace("\0", "")  # no command line holds it
    for wrong in (
        ("chat", "--provider", pasted, "x"),
        ("chat", "--provider", "mock", "--file", pasted, "x"),
        ("chat", "--provider", "mock", "--tool", f"m:{pasted}", "x"),
        ("chat", "--provider", "mock", "--resume", pasted, "x"),
        ("chat", "--config", pasted, "x"),
        ("chat", f"--{pasted}"),
        (pasted,),
        ("context", pasted),
        ("mock-server", "--flavor", pasted),
        ("mock-server", "--chaos", pasted),
        ("config", "trust", pasted),
    ):
        check(complaint(*wrong))


def test_names_in_a_file_of_profiles() -> None:
    quoted = json.dumps(f"p{HOSTILE[0]}")
    Path("deepseek_v4.toml").write_text(
        f'default = {quoted}\n[profiles.{quoted}]\nprovider = "mock"\nmodel = {quoted}\nproxy = {quoted}\n', "utf-8"
    )
    check(complaint("chat", "x"))
    check(run("config", "trust").stdout)
    check(complaint("config", "explain"))
    Path("deepseek_v4.toml").write_text(
        f'default = {quoted}\n[profiles.{quoted}]\nprovider = "mock"\nmodel = {quoted}\n', "utf-8"
    )
    shown = run("config", "explain")
    check(shown.stdout, shown.stderr, run("config", "explain", "--json").stdout)
    assert "\N{SYMBOL FOR ESCAPE}]52;" in shown.stdout


@pytest.mark.parametrize("names", [["folder"], ["talk.json"]])
def test_a_picture_of_the_window(names: list[str]) -> None:
    Path("folder").mkdir()
    (Path("folder") / "name\x1b[2J\x9b2J.txt").write_text("text", "utf-8")
    Path("talk.json").write_text(json.dumps([{"role": "user", "content": ALL}]), "utf-8")
    written = io.StringIO()
    picture = examine(names, DeepSeekV4("mock").budget(window=1000), io.StringIO())
    assert isinstance(picture, DocumentsPicture | ConversationPicture)
    draw(picture, Console(file=written, force_terminal=True, color_system=None, width=80, legacy_windows=False))
    check(re.sub(r"\x1b\[[\d;]*m|\n", "", written.getvalue()))


def test_there_is_one_way_out() -> None:
    """No command prints by itself: whoever adds one cannot forget the marks."""
    folder = Path(str(cli.__file__)).parent
    allowed = {("output.py", "echo"), ("output.py", "write"), ("progress.py", "write"), ("painter.py", "print")}
    allowed |= {("deploy.py", "write")}  # files of a plan, and not to the terminal
    allowed |= {("batch_files.py", "write")}  # files of results
    found: set[tuple[str, str]] = set()
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
                owner = ast.unparse(called.value) if isinstance(called, ast.Attribute) else ""
                if name in {"echo", "secho", "write", "writelines"} or (
                    name == "print" and owner not in {"self._painter", "painter", "console"}
                ):
                    found.add((file.name, name))
    assert found == allowed


def test_the_choice_of_raw_is_over_with_its_command() -> None:
    choose_raw(True)
    try:
        assert run("demo").exit_code == 0
        assert visible("\x1b") == "\N{SYMBOL FOR ESCAPE}"
    finally:
        choose_raw(False)


def test_a_reply_is_kept_as_it_was() -> None:
    """Marks are for the eye: what goes into the conversation is what the model wrote."""
    with serving(script.text(ALL)) as options:
        run(*options, "--save", "talk.json", "Go.")
    assert ALL in json.loads(Path("talk.json").read_text("utf-8"))[-1]["content"]


@pytest.mark.parametrize("err", [False, True])
def test_a_paragraph_is_broken_between_words(
    err: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal; in a pipe it stays one line."""
    text = "stopped; the arrived part of\x1b the answer is kept in /a/path/that-is/longer-than/forty-columns.json"
    say_paragraph(text, err=err)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys.stderr if err else sys.stdout, "isatty", lambda: True)
    say_paragraph(text, err=err)
    captured = capsys.readouterr()
    first, *lines = (captured.err if err else captured.out).splitlines()
    assert first == text.replace("\x1b", "\N{SYMBOL FOR ESCAPE}")
    assert lines == [
        "stopped; the arrived part of\N{SYMBOL FOR ESCAPE} the",
        "answer is kept in",
        "/a/path/that-is/longer-than/forty-columns.json",
    ]
