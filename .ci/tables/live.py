"""Writes what an engine's own parser takes, for comparing with its table.

Run it with the Python of the engine:

    .venv-of-vllm/bin/python .ci/tables/live.py vllm parsers/vllm-0.33.0.json
    .venv-of-sglang/bin/python .ci/tables/live.py sglang parsers/sglang-0.5.23.json

Then: ENGINE_PARSERS=parsers python -m pytest -m realserver tests/deploy/test_reading.py
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]
VLLM_PARSERS = (
    "vllm.entrypoints.common.cli_args",
    "vllm.entrypoints.launchers.cli_args",
    "vllm.entrypoints.openai.cli_args",
)


def vllm() -> argparse.ArgumentParser:
    """The parser of `vllm serve`."""
    parser: argparse.ArgumentParser = importlib.import_module("vllm.utils.argparse_utils").FlexibleArgumentParser()
    for name in VLLM_PARSERS:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        if hasattr(module, "make_arg_parser"):
            made: argparse.ArgumentParser = module.make_arg_parser(parser)
            return made
    raise SystemExit("this vLLM has its parser elsewhere")


def sglang() -> argparse.ArgumentParser:
    """The parser of SGLang's server."""
    parser = argparse.ArgumentParser()
    importlib.import_module("sglang.srt.server_args").ServerArgs.add_cli_args(parser)
    return parser


def main() -> None:
    """Write the parser's actions."""
    engine, target = sys.argv[1:]
    parser = {"vllm": vllm, "sglang": sglang}[engine]()
    names: dict[int, list[str]] = {}
    for name, action in parser._option_string_actions.items():  # some names are hidden from its list
        if name not in {"-h", "--help"}:
            names.setdefault(id(action), []).append(name)
    rows = [
        {"names": names[id(action)], "choices": sorted(map(str, action.choices)) if action.choices else None}
        for action in parser._actions  # argparse has no other way
        if id(action) in names
    ]
    text = json.dumps(rows, indent=1)
    Path(target).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
