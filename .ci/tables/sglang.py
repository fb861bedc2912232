"""The flags of an SGLang wheel: annotated fields, and the few arguments that are added by hand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from annotations import Scope, arguments_added, by_hand, keywords, put, shape_of, value_of
from wheel import Surface, Wheel

NUMBERS = {"human_readable_int": "human"}
PARSERS = {
    "--tool-call-parser": (
        ("sglang/srt/function_call/parser_names.py", "TOOL_CALL_PARSER_NAMES"),
        ("sglang/srt/function_call/function_call_parser.py", "ToolCallParserEnum"),
    ),
    "--reasoning-parser": (
        ("sglang/srt/parser/reasoning_parser_names.py", "REASONING_PARSER_NAMES"),
        ("sglang/srt/parser/reasoning_parser.py", "DetectorMap"),
        ("sglang/srt/reasoning_parser.py", "DetectorMap"),
    ),
}


def _names(wheel: Wheel, flag: str) -> list[str]:
    """The names that a parser flag takes."""
    for path, variable in PARSERS[flag]:
        for node in ast.walk(wheel.tree(path)):
            if isinstance(node, ast.Assign | ast.AnnAssign):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if ast.unparse(target).rpartition(".")[2] == variable and node.value is not None:
                    return sorted(set(_texts(node.value)))
    return []


def _texts(node: ast.expr) -> Iterator[str]:
    items = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
    for item in items:
        if isinstance(item, ast.Constant) and isinstance(item.value, str):
            yield item.value


def _field(item: ast.AnnAssign, scope: Scope) -> tuple[list[str], dict[str, object]] | None:
    """An annotated field that is an argument: its names, and what it takes."""
    annotation = item.annotation
    if not isinstance(annotation, ast.Subscript) or ast.unparse(annotation.value) not in {"A", "Annotated"}:
        return None
    first, *rest = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
    calls = [each for each in rest if isinstance(each, ast.Call) and ast.unparse(each.func).endswith("Arg")]
    if not calls and not any(isinstance(each, ast.Constant | ast.JoinedStr | ast.BinOp) for each in rest):
        return None
    words = keywords(calls[0]) if calls else {}
    if value_of(words.get("no_cli"), scope) is True:
        return None
    info = shape_of(first, scope).as_info()
    if info["kind"] == "bool":
        info["kind"] = "flag"
    _adjust(info, words, scope)
    text = value_of(words["help"], scope) if "help" in words else None
    if text is None and calls and calls[0].args:
        text = value_of(calls[0].args[0], scope)
    if isinstance(text, str) and text.lower().lstrip("( ").startswith("deprecated"):
        info["deprecated"] = True
    target = item.target
    name = value_of(words.get("cli_name"), scope)
    main = name if isinstance(name, str) else "--" + ast.unparse(target).replace("_", "-")
    aliases = value_of(words.get("aliases"), scope)
    return [main, *(map(str, aliases) if isinstance(aliases, list | tuple) else ())], info


def _adjust(info: dict[str, object], words: dict[str, ast.expr], scope: Scope) -> None:
    """Apply what `Arg(...)` says over the annotation."""
    choices = value_of(words.get("choices"), scope)
    if isinstance(choices, list | tuple):
        info |= {"kind": "choice", "choices": [str(choice) for choice in choices]}
    nargs = value_of(words.get("nargs"), scope)
    if isinstance(nargs, str | int):
        info["nargs"] = nargs
    action = ast.unparse(words["action"]) if "action" in words else ""
    if "BooleanOptional" in action:
        info["kind"] = "bool"
    elif action.startswith("Deprecated"):
        info["deprecated"] = True
    parser = ast.unparse(words["type_parser"]) if "type_parser" in words else ""
    if "json" in parser:
        info["kind"] = "json"
    elif parser in NUMBERS:
        info["kind"] = NUMBERS[parser]
    if info["kind"] == "list":
        info.setdefault("nargs", "+")


def read(wheel: Wheel) -> Surface:
    """Read the flags of an SGLang wheel."""
    scope, surface = Scope(), Surface()
    names = ["sglang/srt/server_args.py", *wheel.under("sglang/srt/arg_groups/")]
    for name in names:
        scope.add(wheel.tree(name))

    def enter(found: list[str], info: dict[str, object]) -> None:
        if info["kind"] == "bool" and found:
            info["off"] = ["--no-" + found[0][2:]]
        put(surface.flags, found, info)

    for name in names:
        for owner in wheel.tree(name).body:
            for item in owner.body if isinstance(owner, ast.ClassDef) else ():
                if isinstance(item, ast.AnnAssign) and (field := _field(item, scope)) is not None:
                    enter(*field)
    for node in ast.walk(wheel.tree("sglang/srt/server_args.py")):
        if isinstance(node, ast.FunctionDef) and node.name in {"add_cli_args", "_add_cli_args"}:
            for call in arguments_added(node):
                enter(*by_hand(call, scope))
    surface.tool_parsers, surface.reasoning_parsers = (_names(wheel, flag) for flag in PARSERS)
    for flag, parsers in zip(PARSERS, (surface.tool_parsers, surface.reasoning_parsers), strict=True):
        if parsers and flag in surface.flags:
            surface.flags[flag] |= {"kind": "choice", "choices": ["auto", *parsers]}
    surface.env = _environment(wheel)
    return surface


def _environment(wheel: Wheel) -> list[str]:
    """The variables of `environ.py`, and those that other files read by their name."""
    found = set[str]()
    for node in ast.walk(wheel.tree("sglang/srt/environ.py")):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
            found.add(node.targets[0].id)
    for name in wheel.under("sglang/"):
        found |= set(re.findall(r"[\"'](SGLANG_[A-Z0-9_]{3,})[\"']", wheel.archive.read(name).decode(errors="replace")))
    return sorted(name for name in found if re.fullmatch(r"[A-Z][A-Z0-9_]{4,}", name))
