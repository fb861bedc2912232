"""The flags of a Dynamo wheel (ai-dynamo), those that stand before the engine's own, and the engines that it pins."""

from __future__ import annotations

import ast
import re

from annotations import Scope, keywords, put, value_of
from wheel import Surface, Wheel

FOLDERS = ("dynamo/common/", "dynamo/frontend/", "dynamo/router/", "dynamo/vllm/", "dynamo/sglang/", "dynamo/trtllm/")


def read(wheel: Wheel) -> Surface:
    """Read the flags of a Dynamo wheel."""
    surface, scope = Surface(), Scope()
    for path in wheel.under(*FOLDERS):
        if "/tests/" in path or "/omni/" in path or "diffusion" in path:
            continue
        tree = wheel.tree(path)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                _enter(node, surface, scope, path.split("/")[1])
    for line in (
        wheel.archive.read(next(name for name in wheel.names if name.endswith("METADATA"))).decode().splitlines()
    ):
        if found := re.match(
            r"Requires-Dist: (vllm|sglang|tensorrt-llm|tensorrt_llm)(?:\[[^\]]*\])?\s*==\s*([\w.]+)", line
        ):
            surface.pins[found[1].replace("_", "-")] = found[2]
    surface.env = _environment(wheel)
    return surface


def _enter(call: ast.Call, surface: Surface, scope: Scope, part: str) -> None:
    words = keywords(call)
    names = [name for each in call.args if isinstance(name := value_of(each, scope), str) and name.startswith("--")]
    called = ast.unparse(call.func).rpartition(".")[2]
    if isinstance(flag := value_of(words.get("flag_name"), scope), str):
        names = [flag]
    if not names or not ("add_argument" in called or "flag_name" in words):
        return
    info: dict[str, object] = {"kind": "str"}
    if "negatable" in called or "bool" in called:
        info |= {"kind": "bool", "off": ["--no-" + names[0][2:]]}
    elif "action" in words:
        info["kind"] = "flag"
    elif (kind := ast.unparse(words.get("arg_type") or words.get("type") or ast.Constant(0))) in {"int", "float"}:
        info["kind"] = kind
    choices = value_of(words.get("choices"), scope)
    if isinstance(choices, list | tuple):
        info |= {"kind": "choice", "choices": [str(choice) for choice in choices]}
    before = surface.flags.get(names[0], {}).get("parts", [])
    put(surface.flags, names, info | {"parts": sorted({part, *before})})  # type: ignore[misc]


def _environment(wheel: Wheel) -> list[str]:
    found = set[str]()
    for name in wheel.under("dynamo/"):
        found |= set(re.findall(r"[\"'](DYN_[A-Z0-9_]+)[\"']", wheel.archive.read(name).decode(errors="replace")))
    return sorted(found)
