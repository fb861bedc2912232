"""Reading a release from its wheel: sources are parsed, and a table of many releases gives back each of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from deepseek_v4_sdk.deploy.engines import known_versions
from deepseek_v4_sdk.deploy.tables import read_tables
from tests.support.tree import PACKAGE, ROOT

READER = ROOT / ".ci" / "tables"
VLLM = {
    "vllm/config/attention.py": """
from typing import Literal
Kind = Literal["fp8", "mxfp4"]
INNER = "inner"
class AttentionConfig:
    backend: "Backend | None" = None
    index: Kind | Literal["auto"] = "auto"
    backend_kind: Literal["outer", "inner"] = "outer"
    deep: InnerConfig = Field(default_factory=InnerConfig)
class InnerConfig:
    depth: int = 3
class ParallelConfig:
    tensor_parallel_size: int = 1
    enable_expert_parallel: bool = False
    names: list[str] | None = None
""",
    "vllm/engine/arg_utils.py": """
class EngineArgs:
    @staticmethod
    def add_cli_args(parser):
        attention_kwargs = get_kwargs(AttentionConfig)
        parallel_kwargs = get_kwargs(ParallelConfig)
        config_kwargs = get_kwargs(VllmConfig)
        attention_kwargs["backend_kind"]["choices"].remove(INNER)
        parser.add_argument("--tensor-parallel-size", "-tp", **parallel_kwargs["tensor_parallel_size"])
        parser.add_argument("--enable-expert-parallel", **parallel_kwargs["enable_expert_parallel"])
        parser.add_argument("--names", **{**parallel_kwargs["names"], "default": None})
        parser.add_argument("--backend-kind", **attention_kwargs["backend_kind"])
        parser.add_argument("--index", **attention_kwargs["index"])
        parser.add_argument("--attention-config", **config_kwargs["attention_config"])
        parser.add_argument("--old", action="store_true", help="Deprecated: not read")
        parser.add_argument("--max-num-batched-tokens", type=int)
""",
    "vllm/config/vllm.py": "class VllmConfig:\n    attention_config: AttentionConfig = None\n",
    "vllm/entrypoints/openai/cli_args.py": """
class FrontendArgs:
    tool_call_parser: str | None = None
    default_chat_template_kwargs: dict | None = None
def make_arg_parser(parser):
    parser.add_argument("--headless", action="store_true")
""",
    "vllm/tool_parsers/__init__.py": "P = {" + ", ".join(f"'p{n}': 1" for n in range(6)) + "}",
    "vllm/reasoning/__init__.py": "",
    "vllm/envs.py": "environment_variables = {'VLLM_PORT': lambda: 1}",
}
SGLANG = {
    "sglang/srt/server_args.py": """
class ServerArgs:
    tp_size: A[int, Arg(help="x", aliases=["--tensor-parallel-size"])] = 1
    hidden: A[int, Arg(help="x", no_cli=True)] = 1
    backend: A[Literal["a", "b"], "words"] = "a"
    length: A[Optional[int], Arg(help="x", type_parser=human_readable_int)] = None
    @staticmethod
    def add_cli_args(parser):
        parser.add_argument("--gone", action=DeprecatedAction, error_message="use --new")
        parser.add_argument("--renamed", action=DeprecatedAliasStoreAction, new_flag="--tp-size", type=int)
""",
    "sglang/srt/function_call/parser_names.py": "TOOL_CALL_PARSER_NAMES = ['deepseekv4']",
    "sglang/srt/environ.py": "class Envs:\n    SGLANG_PORT = EnvInt(1)\n",
    "sglang/other.py": "os.environ['SGLANG_BY_NAME']",
}


def wheel(folder: Path, name: str, files: dict[str, str]) -> Path:
    path = folder / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return path


def surface(path: Path) -> dict[str, Any]:
    """What the reader makes of a wheel, in a process of its own: its modules have short names."""
    code = (
        f"import sys, json; sys.path.insert(0, {str(READER)!r})\n"
        "from dataclasses import asdict; from pathlib import Path; import importlib\n"
        "from wheel import Wheel\n"
        f"wheel = Wheel.open(Path({str(path)!r}))\n"
        "print(json.dumps(asdict(importlib.import_module(wheel.engine).read(wheel))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_vllm(tmp_path: Path) -> None:
    found = surface(wheel(tmp_path, "vllm-1.0.0", VLLM))
    flags = found["flags"]
    assert flags["--tensor-parallel-size"] == {"kind": "int", "aliases": ["-tp"]}
    assert flags["--enable-expert-parallel"] == {"kind": "bool", "off": ["--no-enable-expert-parallel"]}
    assert flags["--names"] == {"kind": "list", "nargs": "+"}
    assert flags["--index"] == {"kind": "choice", "choices": ["fp8", "mxfp4", "auto"]}
    assert flags["--backend-kind"] == {"kind": "choice", "choices": ["outer"]}
    assert flags["--attention-config"] == {"kind": "json", "nested": "AttentionConfig"}
    assert flags["--old"] == {"kind": "flag", "deprecated": True}
    assert flags["--max-num-batched-tokens"] == {"kind": "human"}
    assert flags["--tool-call-parser"] == {"kind": "str", "front": True}
    assert flags["--default-chat-template-kwargs"]["kind"] == "json"
    assert flags["--headless"] == {"kind": "flag", "front": True}
    assert found["nested"]["AttentionConfig"]["index"]["choices"] == ["fp8", "mxfp4", "auto"]
    assert found["nested"]["InnerConfig"] == {"depth": {"kind": "int"}}
    assert found["tool_parsers"] == [f"p{n}" for n in range(6)]
    assert found["env"] == ["VLLM_PORT"]


def test_sglang(tmp_path: Path) -> None:
    found = surface(wheel(tmp_path, "sglang-1.0.0", SGLANG))
    assert found["flags"] == {
        "--tp-size": {"kind": "int", "aliases": ["--tensor-parallel-size"]},
        "--backend": {"kind": "choice", "choices": ["a", "b"]},
        "--length": {"kind": "human"},
        "--gone": {"kind": "flag", "deprecated": True, "refused": True},
        "--renamed": {"kind": "int", "deprecated": True, "instead": "--tp-size"},
    }
    assert found["tool_parsers"] == ["deepseekv4"]
    assert found["env"] == ["SGLANG_BY_NAME", "SGLANG_PORT"]


def test_dynamo(tmp_path: Path) -> None:
    files = {
        "dynamo/common/args.py": 'add_argument(g, flag_name="--dyn-x", env_var="DYN_X", choices=["a"])',
        "dynamo/vllm/args.py": 'add_negatable_bool_argument(g, flag_name="--fast", env_var="DYN_FAST")',
        "dynamo/vllm/tests/test_args.py": 'parser.add_argument("--of-a-test")',
        "ai_dynamo-1.0.0.dist-info/METADATA": "Requires-Dist: vllm[flashinfer]==0.31.0; extra == 'vllm'\n",
    }
    path = wheel(tmp_path, "ai_dynamo-1.0.0", files)
    program = (
        f"import sys, json; sys.path.insert(0, {str(READER)!r})\n"
        "from dataclasses import asdict; from pathlib import Path\n"
        "import dynamo; from wheel import Wheel\n"
        f"print(json.dumps(asdict(dynamo.read(Wheel.open(Path({str(path)!r}))))))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    found = json.loads(done.stdout)
    assert found["flags"]["--dyn-x"] == {"kind": "choice", "choices": ["a"], "parts": ["common"]}
    assert found["flags"]["--fast"]["off"] == ["--no-fast"]
    assert "--of-a-test" not in found["flags"]
    assert found["pins"] == {"vllm": "0.31.0"}
    assert found["env"] == ["DYN_FAST", "DYN_X"]


def test_a_table_gives_back_every_release() -> None:
    program = (
        f"import sys, json; sys.path.insert(0, {str(READER)!r})\n"
        "from eras import pack, text, unpack; from datetime import date; from pathlib import Path\n"
        f"folder = Path({str(PACKAGE / 'deploy' / 'tables')!r})\n"
        "for engine in ('vllm', 'sglang', 'dynamo'):\n"
        "    written = (folder / f'{engine}.json').read_text()\n"
        "    table = json.loads(written)\n"
        "    again = text(pack(engine, unpack(table), date.fromisoformat(table['as_of'])))\n"
        "    assert again == written, engine\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_the_tables_are_small_and_dated() -> None:
    folder = PACKAGE / "deploy" / "tables"
    assert sum(file.stat().st_size for file in folder.iterdir()) < 1_000_000
    for file in folder.glob("*.json"):
        table = json.loads(file.read_text(encoding="utf-8"))
        assert date.fromisoformat(table["as_of"]) <= date(2100, 1, 1)
    assert {"0.31.0", "0.32.0"} <= set(known_versions("vllm"))
    assert "0.5.21" in known_versions("sglang")
    pins = read_tables().engine("dynamo", "1.6.1").pins
    assert pins["vllm"] in known_versions("vllm")
    assert pins["sglang"] in known_versions("sglang")


LIVE = os.environ.get("ENGINE_PARSERS", "")


@pytest.mark.realserver
@pytest.mark.skipif(not LIVE, reason="ENGINE_PARSERS is a folder with what .ci/tables/live.py wrote")
@pytest.mark.parametrize("file", sorted(Path(LIVE).glob("*.json")) if LIVE else [], ids=lambda file: file.stem)
def test_the_table_is_the_engines_own_parser(file: Path) -> None:
    engine, _, version = file.stem.partition("-")
    table = read_tables().engine(engine, version)
    live = json.loads(file.read_text(encoding="utf-8"))
    names = {name for row in live for name in row["names"] if name.startswith("--")}
    ours = {name for name in table.names if name.startswith("--")}
    assert names - ours == set()
    assert ours - names == set()
    for row in live:
        found = next(found for name in row["names"] if (found := table.find(name)) is not None)
        flag, _ = found
        if row["choices"] and flag.kind == "choice":
            assert set(flag.choices) == set(row["choices"]) - {"None"}, flag.name
