"""Each example runs as a user would start it, and says what it promises."""

from __future__ import annotations

import io
import os
import re
import runpy
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from deepseek_v4_sdk import __version__, count_text
from deepseek_v4_sdk.testing import MockProvider
from tests.support.address import serve
from tests.support.forked import run_forked

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"


def run(name: str, *arguments: str) -> str:
    """Run an example in a process of its own, as `python -W error`; gives what it printed."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("DEEPSEEK_V4_")}
    done = run_forked(EXAMPLES / name, *arguments, env=variables)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def run_here(name: str, *arguments: str) -> str:
    """Run an example in this process, which has loaded all it needs; gives what it printed.

    It is for the second and further runs of an example. The first is in a process of its own (`run`).
    """
    shown, told = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(shown), redirect_stderr(told):
        patch.setattr(sys, "argv", [str(EXAMPLES / name), *arguments])
        ended = None
        try:
            runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        except SystemExit as end:
            ended = end.code
    assert (ended or 0, told.getvalue()) == (0, "")
    shown.seek(0)
    return shown.read()


def test_there_is_a_test_for_each_example() -> None:
    tested = {"demo.py", "chat.py", "stream.py", "tools_by_hand.py", "async_many.py", "unit_test.py", "extract.py"}
    tested |= {"pack_source.py", "weather_tool.py", "coding_agent.py", "long_agent.py"}  # in test_loops.py
    tested |= {"broken_answer.py", "keep_talking.py", "browser.py", "classify.py"}
    assert {path.name for path in EXAMPLES.glob("*.py")} == tested


@pytest.mark.parametrize("profile", ["mock", "mock-sglang"])
def test_chat(profile: str) -> None:
    shown = run("chat.py", "--profile", profile)
    assert "[thinking] The tool get_weather fits" in shown
    assert '[call] get_weather {"city": "Paris"}' in shown
    assert "[result] 18 °C and sunny in Paris" in shown
    assert "[answer] According to the tools: 18 °C and sunny in Paris." in shown
    assert shown.rstrip().splitlines()[-1].startswith("[stop] ")


@pytest.mark.parametrize("provider", ["vllm", "sglang"])
def test_chat_by_the_profile_of_a_server(provider: str, tmp_path: Path) -> None:
    """The same file, the same words, over a socket; only the profile's name differs."""
    mock = MockProvider(flavor=provider)
    with serve(mock) as url:
        config = tmp_path / "deepseek_v4.toml"
        config.write_text((EXAMPLES / "deepseek_v4.toml").read_text(encoding="utf-8"), encoding="utf-8")
        text = config.read_text(encoding="utf-8")
        for address in ("http://localhost:8000", "http://localhost:30000"):
            text = text.replace(address, url)
        config.write_text(text, encoding="utf-8")
        shown = run_here("chat.py", "--profile", provider, "--config", str(config))
    on_the_mock = run_here("chat.py", "--profile", {"vllm": "mock", "sglang": "mock-sglang"}[provider])
    assert shown.splitlines()[1:] == on_the_mock.splitlines()[1:]
    kwargs = [request.body["chat_template_kwargs"] for request in mock.requests]
    assert len(kwargs) == 2
    assert all(switch["reasoning_effort"] == "high" for switch in kwargs if isinstance(switch, dict))


def test_stream() -> None:
    shown = run("stream.py")
    assert shown.startswith("~The~ user")
    assert "cats, purr.\nstop, " in shown


def test_tools_by_hand() -> None:
    assert run("tools_by_hand.py").splitlines() == [
        'call    get_price {"article": "Tea"}',
        "result  Tea costs 3 euros",
        "answer  According to the tools: Tea costs 3 euros.",
    ]


@pytest.mark.parametrize(
    ("profile", "mechanism"),
    [("mock", "json_schema"), ("mock-sglang", "json_schema"), ("mock-deepseek", "json_object")],
)
def test_extract(profile: str, mechanism: str) -> None:
    shown = run_here("extract.py", "--profile", profile).splitlines()
    assert shown[0] == "3 boxes of coffee to Lisbon"
    assert shown[1].startswith(f"by {mechanism}, ")


def test_extract_what_is_given() -> None:
    assert run("extract.py", "Send 12 boxes of tea to Oslo.").startswith("12 boxes of tea to Oslo\n")


def test_pack_source() -> None:
    """On this project's own package: every file is in it, exactly counted; what has no room is named."""
    package = ROOT / "deepseek_v4_sdk"
    files = [path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    shown = run("pack_source.py", str(package)).splitlines()
    count, taken = re.fullmatch(r"(\d+) files, ([\d,]+) of 1,036,[\d,]+ tokens", shown[0]).groups()  # type: ignore[union-attr]
    assert int(count) == len(files)
    tokens = sum(count_text(path.read_text(encoding="utf-8")) for path in files)
    assert tokens < int(taken.replace(",", "")) < tokens + 25 * len(files)
    (prompt,) = (line for line in shown if line.startswith("prompt: "))
    assert prompt == f"prompt: {int(taken.replace(',', '')) + 4:,} tokens, from the cache: not reported"
    assert "cost: no price is known here" in shown
    assert "lost: messages[0]: its content differs" in shown[-1]
    small = run_here("pack_source.py", str(package), "--window", "60000", "--profile", "mock-deepseek")
    assert re.search(r"left out: deepseek_v4_sdk/\S+\.py \(", small)
    assert re.search(r"^cost: 0\.\d+ USD$", small, re.MULTILINE)
    assert "tokens, from the cache: 0\n" in small


def test_async_many() -> None:
    shown = run("async_many.py")
    assert shown.startswith("100 answers, 0 failures, ")
    assert "0 times 0" in shown


def test_classify(tmp_path: Path) -> None:
    journal = str(tmp_path / "moods.jsonl")
    first = run("classify.py", "--journal", journal).splitlines()
    assert [line.split("\t")[0] for line in sorted(first[:3])] == ["0", "1", "2"]
    assert first[3].startswith("3 done (0 of them before), 0 failed, ")
    again = run("classify.py", "--journal", journal).splitlines()
    assert sorted(again[:3]) == sorted(first[:3])
    assert again[3] == "3 done (3 of them before), 0 failed, 0 tokens"


def test_unit_test() -> None:
    assert run("unit_test.py").count("passed  test_") == 3


def test_broken_answer() -> None:
    assert run("broken_answer.py").splitlines() == [
        "StreamInterruptedError after 'The three longest rivers are'",
        "then ' the Amazon and the Yangtze.'",
        "Conversation(4 messages: user, assistant, user, assistant)",
    ]


def test_keep_talking(tmp_path: Path) -> None:
    file = str(tmp_path / "talk.json")
    assert run("keep_talking.py", file, "Name three rivers.").endswith("talk.json has 3 messages\n")
    assert run("keep_talking.py", file, "Which is the longest?").endswith("talk.json has 5 messages\n")


def test_browser() -> None:
    assert run("browser.py") == "text/event-stream; charset=utf-8: reasoning, text, end\n"


def test_demo() -> None:
    """As the first thing that a user does: in a Python that has loaded nothing yet."""
    command = [sys.executable, "-W", "error", "-X", "utf8", str(EXAMPLES / "demo.py")]
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", stdin=subprocess.DEVNULL, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    shown = done.stdout
    assert shown.startswith(f"deepseek_v4_sdk {__version__} ")
    assert "\x1b" not in shown
    assert "of 1,048,576" in shown
    assert "  thinking  " in shown
    assert 'call      count_tokens {"path": "README.md"}' in shown
    tokens = f"{count_text((ROOT / 'README.md').read_text(encoding='utf-8')):,} tokens"
    assert f"answer    According to the tools: README.md has {tokens}." in shown
    last, changed = shown.rstrip().splitlines()[-1], shown.rstrip().splitlines()[-2]
    source = (EXAMPLES / "demo.py").read_text(encoding="utf-8")
    assert changed.removeprefix("  -  ") in source.replace("    ", "")
    assert 'DeepSeekV4("vllm", base_url=' in last
