"""The examples of tool loops run on their scripts, on every flavor of the mock, and on a server by its profile."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk.testing import MockProvider, script
from tests.examples.test_examples import EXAMPLES, run, run_here
from tests.support.address import serve

if TYPE_CHECKING:
    from pathlib import Path

PROFILES = ["mock-vllm", "mock-sglang", "mock-nim", "mock-nvidia", "mock-deepseek", "mock-dynamo"]


def config_for(url: str, folder: Path) -> str:
    """The profiles of the examples, with this address for vLLM."""
    text = (EXAMPLES / "deepseek_v4.toml").read_text(encoding="utf-8")
    file = folder / "deepseek_v4.toml"
    file.write_text(text.replace("http://localhost:8000", url), encoding="utf-8")
    return str(file)


def test_weather_tool() -> None:
    assert run("weather_tool.py").splitlines()[1:] == [
        "[thinking] Two cities, so two calls.",
        "[says] Let me look.",
        '[call] get_weather {"city": "Rome"}',
        '[call] get_weather {"city": "Olso"}',
        "[result] 23 °C",
        "[result] error: LookupError: no weather for 'Olso'; there is some for Paris, Oslo, Rome",
        "[thinking] I mistyped one.",
        '[call] get_weather {"city": "Oslo"}',
        "[result] 4 °C",
        "[says] It is warmer in Rome: 23 °C against 4 °C in Oslo.",
        "[answered] rounds: 3",
    ]


@pytest.mark.parametrize("profile", PROFILES)
def test_weather_tool_by_profile(profile: str) -> None:
    shown = run_here("weather_tool.py", "--profile", profile, "What is the weather in Paris?")
    assert "[result] 18 °C" in shown
    assert shown.splitlines()[-1] == "[answered] rounds: 2"


def test_weather_tool_on_a_server(tmp_path: Path) -> None:
    mock = MockProvider(flavor="vllm")
    with serve(mock) as url:
        shown = run_here(
            "weather_tool.py", "--profile", "vllm", "--config", config_for(url, tmp_path), "Weather in Oslo?"
        )
    assert "[answered] rounds: 2" in shown
    assert len(mock.requests) == 2


def test_coding_agent() -> None:
    shown = run("coding_agent.py")
    assert "-> error: PermissionError: ../stats.py is outside of the folder" in shown
    assert "[answered] mean gives 0.0 for an empty list now" in shown
    assert shown.endswith(
        """\
--- a/stats.py
+++ b/stats.py
@@ -1,2 +1,4 @@
 def mean(values: list[float]) -> float:
+    if not values:
+        return 0.0
     return sum(values) / len(values)

"""
    )


@pytest.mark.parametrize("profile", ["mock-vllm", "mock-deepseek"])
def test_coding_agent_by_profile(profile: str) -> None:
    assert "nothing was changed" in run_here("coding_agent.py", "--profile", profile)


def test_coding_agent_on_a_server_works_on_a_copy(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.txt").write_text("one\ntwo\n", encoding="utf-8")
    (folder / "b.bin").write_bytes(b"\xff\xfe\x00two")
    mock = MockProvider(
        script.tool_call("grep", text="two"),
        script.tool_call("edit", path="a.txt", old="two", new="2") + script.tool_call("read", path="../secret"),
        script.text("Cut off.", finish_reason="length"),
    )
    with serve(mock) as url:
        config = config_for(url, tmp_path)
        shown = run_here("coding_agent.py", "--profile", "vllm", "--config", config, "--folder", str(folder), "Count.")
    assert "-two\n+2\n" in shown
    assert "-> error: PermissionError: ../secret is outside of the folder" in shown
    assert (folder / "a.txt").read_text(encoding="utf-8") == "one\ntwo\n"


def test_coding_agent_when_the_server_fails(tmp_path: Path) -> None:
    edits = script.tool_call("edit", path="stats.py", old="mean", new="average")
    mock = MockProvider(edits, default=script.error(400, "no more"))
    with serve(mock) as url:
        shown = run_here("coding_agent.py", "--profile", "vllm", "--config", config_for(url, tmp_path))
    assert "broken off after 4 messages" in shown
    assert "+def average(" in shown


def test_long_agent(tmp_path: Path) -> None:
    """It stays inside the window, with a few cuts; the picture is drawn where it can be."""
    picture = tmp_path / "agent.png"
    shown = run("long_agent.py", "--turns", "120", "--plot", str(picture))
    found = re.search(
        r"121 requests, the largest prompt ([\d,]+) of 65,536 tokens, the whole conversation ([\d,]+)", shown
    )
    assert found is not None
    largest, whole = (int(number.replace(",", "")) for number in found.groups())
    assert largest + 4_096 <= 65_536 < whole / 1.7
    hits = re.search(r"^3 cuts; (\d\d\.\d)% of [\d,]+ prompt tokens came from the prefix cache$", shown, re.MULTILINE)
    assert hits is not None
    assert float(hits[1]) > 85
    assert all(len(line) <= 80 for line in shown.splitlines()[:33])
    if find_spec("matplotlib") is None:
        assert "pip install" in shown
    else:
        assert picture.read_bytes().startswith(b"\x89PNG")
