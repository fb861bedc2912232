"""`deepseek-v4 deploy`, and the log that the doctor reads."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.commands import complaint, run

if TYPE_CHECKING:
    from pathlib import Path

PRO = "deepseek-ai/DeepSeek-V4-Pro"


def test_other_commands_do_not_load_the_tables() -> None:
    code = "import sys, deepseek_v4_sdk.cli.app; print('deepseek_v4_sdk.deploy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"


def test_plan(tmp_path: Path) -> None:
    wish = ("deploy", "plan", "pro", "h200", "8", "-V", "0.33.0", "-r", "long-context", "--host", "10.0.0.7")
    shown = run(*wish, "-o", str(tmp_path / "out")).stdout
    assert "vllm serve" not in shown
    assert "command.sh                # on 10.0.0.7" in shown
    assert "vllm serve deepseek-ai/DeepSeek-V4-Pro-0813" in run(*wish).stdout
    assert "verified by: ai-dynamo/dynamo" in shown
    assert "deepseek-v4 doctor --config" in shown
    assert {each.name for each in (tmp_path / "out").iterdir()} >= {"command.sh", "compose.yaml", "deepseek_v4.toml"}
    told = json.loads(run(*wish, "--json").stdout)
    assert told["gpus"] == 8
    assert told["files"] == []
    assert told["nodes"][0]["host"] == "10.0.0.7"


def test_a_plan_needs_its_version_and_names_what_is_known() -> None:
    assert "0.33.0" in complaint("deploy", "plan", "pro", "h200", "8")
    assert "the nearest is 0.33.0" in complaint("deploy", "plan", "pro", "h200", "8", "-V", "0.99.0")
    assert "take more GPUs" in complaint("deploy", "plan", "pro", "h200", "4", "-V", "0.33.0")


def test_check_of_a_command() -> None:
    line = ["vllm", "serve", PRO, "--tensor-parallel-size", "16"]
    shown = run("deploy", "check", "-V", "0.33.0", "--", *line, code=1).stdout
    assert "error    --tensor-parallel-size: 16 ways" in shown
    assert "mend with: use --tensor-parallel-size 8" in shown
    told = json.loads(run("deploy", "check", "-V", "0.33.0", "--json", "--", *line, code=1).stdout)
    assert told[0]["problems"][0]["flag"] == "--tensor-parallel-size"
    good = ["--tool-call-parser", "deepseek_v4", "--enable-auto-tool-choice", "--reasoning-parser", "deepseek_v4"]
    assert run("deploy", "check", "-e", "vllm", "-V", "0.33.0", "--", PRO, *good).stdout == "nothing is wrong\n"
    env = run("deploy", "check", "-e", "vllm", "-V", "0.33.0", "--env", "VLLM_NO=1", "--", PRO, *good).stdout
    assert "VLLM_NO" in env


def test_check_of_a_file(tmp_path: Path) -> None:
    run("deploy", "plan", "pro", "gb200", "16", "-V", "0.33.0", "-r", "pd", "-o", str(tmp_path))
    shown = run("deploy", "check", "-f", str(tmp_path / "compose.yaml"), "--gpu", "gb200").stdout
    assert "prefill-0-0" in shown
    assert "error" not in shown
    (tmp_path / "old.yaml").write_text(
        "services: {v4: {image: 'vllm/vllm-openai:v0.33.0', command: [--model, m, --calculate-kv-scales]}}"
    )
    shown = run("deploy", "check", "-f", str(tmp_path / "old.yaml"), code=1).stdout
    assert "0.26.0 was the last release" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-V", "0.33.0"), "give a command after --, or a file"),
        (("-V", "0.33.0", "--", PRO), "give --engine"),
        (("-e", "vllm", "--", PRO), "give --engine-version"),
        (("-e", "vllm", "-V", "0.33.0", "--env", "X", "--", PRO), "give it as NAME=VALUE"),
        (("-e", "vllm", "-V", "0.33.0", "--gpu", "h20", "--", PRO), "'h20' is not known"),
        (("-f", "missing.yaml"), "cannot be read"),
    ],
)
def test_check_that_is_asked_wrongly(words: tuple[str, ...], said: str) -> None:
    assert said in complaint("deploy", "check", *words)


def test_capacity_and_its_arithmetic() -> None:
    wish = ("pro", "h200", "8", "-V", "0.33.0")
    shown = run("deploy", "capacity", *wish, "--", "--max-num-batched-tokens", "4096").stdout
    assert "longest conversation: 1,048,576 tokens" in shown
    told = json.loads(run("deploy", "capacity", *wish, "--json").stdout)
    assert told["weights_gib"] == 104
    assert "so 9,846 to 15,828 blocks" in " ".join(run("deploy", "explain", *wish).stdout.split())
    assert json.loads(run("deploy", "explain", *wish, "--json").stdout)["assumptions"]


def test_nim() -> None:
    shown = run("deploy", "nim", "pro", "--context", "131072").stdout
    assert "list-model-profiles" in shown
    assert "NIM_MAX_MODEL_LEN=131072" in shown
    flags = ("--inside-version", "0.5.21", "--", "--enable-deepep-waterfill")
    assert "# error: --enable-deepep-waterfill" in run("deploy", "nim", "flash", *flags, code=1).stdout
    told = json.loads(run("deploy", "nim", "flash", "--json", *flags, code=1).stdout)
    assert told["problems"][0]["last"] == "0.5.14"
    assert "give inside_version" in complaint("deploy", "nim", "flash", "--", "--x")


def test_a_key_is_only_referred_to() -> None:
    shown = run("deploy", "plan", "flash", "h200", "4", "-V", "0.33.0", "--key").stdout
    assert ': "${VLLM_API_KEY:?' in shown


def test_recipes() -> None:
    shown = run("deploy", "recipes", "pro", "--gpu", "gb300", "-e", "vllm").stdout
    assert "vllm    pro    gb300 x 4" in shown
    assert "sglang" not in shown.partition("tables as of")[0]
    assert "vllm 2026-11-30" in shown  # how old the tables are
    told = json.loads(run("deploy", "recipes", "--json").stdout)
    assert {row["engine"] for row in told} == {"vllm", "sglang"}


def test_recipes_that_are_ranked() -> None:
    wish = ("deploy", "recipes", "pro", "--gpu", "h200=8", "--context", "1048576")
    shown = run(*wish).stdout
    assert shown.startswith("long-context: deepseek-ai/DeepSeek-V4-Pro-0813 on 8 x h200")
    command = next(line.strip() for line in shown.splitlines() if line.startswith("  deepseek-v4 deploy plan"))
    assert "on 8 x h200" in run(*command.split()[1:]).stdout
    assert json.loads(run(*wish, "--json").stdout)[0]["recipe"] == "long-context"
    assert "nothing in the tables" in run(*wish, "--sessions", "9999", code=1).stdout
    assert "give the model" in complaint("deploy", "recipes", "--context", "8192")
    assert "KIND=NUMBER" in complaint("deploy", "recipes", "pro", "--gpu", "h200=many", "--context", "8192")


def test_the_doctor_reads_a_log(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text(
        "vLLM API server version 0.33.0\nAttentionConfig: use_fp4_indexer_cache: Unexpected keyword argument\n"
    )
    shown = run("doctor", "--log", str(log), code=1).stdout
    assert shown.startswith("vllm 0.33.0, 2 lines")
    assert "mend with: use --attention-config.indexer_kv_dtype mxfp4" in shown
    told = json.loads(run("doctor", "--log", "-", "--json", stdin=log.read_bytes(), code=1).stdout)
    assert told["findings"][0]["trouble"] == 1
    log.write_text("all is well\n")
    assert "none of the known troubles" in run("doctor", "--log", str(log)).stdout
    assert "cannot be read" in complaint("doctor", "--log", str(tmp_path))


def test_the_doctor_names_the_trouble_and_the_flags_of_the_release() -> None:
    from deepseek_v4_sdk.testing import MockProvider
    from deepseek_v4_sdk.testing.server import MockServer

    with MockServer(MockProvider(flavor="sglang", window=65_536)) as server:
        shown = run("doctor", "--provider", "sglang", "--base-url", server.url, code=1).stdout
    assert " 2  the window comes out shorter than asked" in shown
    assert "change: give --swa-full-tokens-ratio 0.1" in shown
