"""The real coding tools run a command by a scripted model's call, and end with its answer: `make integrations`.

`GATEWAY_TOOLS` names the folder with their commands (`npm install @openai/codex @anthropic-ai/claude-code opencode-ai`
makes `node_modules/.bin`); else they are looked for on the `PATH`. They run in a network name space that has only the
loopback. Where the system allows none (`unshare -n`), they are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway.real_tools import LINES, REASONING
from tests.support.tree import ROOT

pytestmark = pytest.mark.integrations
ISOLATED = 'ip link set lo up && exec "$@"'


def alone() -> list[str]:
    """The command that runs a program in a network name space of its own; skips the test where that is not allowed."""
    for option in ("-n", "-rn"):
        command = ["unshare", option, "sh", "-c", ISOLATED, "sh"]
        if shutil.which("unshare") and not subprocess.run([*command, "true"], capture_output=True).returncode:
            return command
    pytest.skip("this system allows no network name space (unshare -n): the tool would reach the network")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("flavor", ["vllm", "sglang", "deepseek", "nvidia"])
@pytest.mark.parametrize("tool", LINES)
def test_a_tool_runs_a_command_and_ends_with_the_answer(tool: str, flavor: str, tmp_path: Path) -> None:
    program = shutil.which(tool, path=os.environ.get("GATEWAY_TOOLS"))
    if program is None:
        pytest.skip(f"{tool} is not installed: name its folder in GATEWAY_TOOLS")
    run = [sys.executable, "-m", "tests.gateway.real_tools", tool, program, str(tmp_path), flavor]
    done = subprocess.run([*alone(), *run], cwd=ROOT, capture_output=True, text=True, timeout=390)
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    assert result["interfaces"] == ["lo"]
    assert result["code"] == 0, result["output"]
    assert result["ran"], result["output"]
    assert result["answered"], result["output"]
    assert result["reasoning"] == [REASONING]
    home = tmp_path / "home"
    touched = {path.name for path in home.iterdir()} if home.exists() else set()
    assert not touched & {".codex", ".claude", ".claude.json"}
