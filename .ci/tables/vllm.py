"""The flags of a vLLM wheel: dataclass fields that `add_cli_args` turns into arguments."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from annotations import Scope, arguments_added, by_hand, put, shape_of, value_of
from wheel import Surface, Wheel

HUMAN = {"--max-num-batched-tokens", "--kv-cache-memory-bytes", "--max-num-scheduled-tokens"}
HUMAN |= {"--safetensors-prefetch-block-size", "--max-num-queued-tokens"}
JSON_OF_THE_FRONT_END = {"default_chat_template_kwargs", "reasoning_effort_map"}
JSON_OF_THE_FRONT_END |= {"allowed_origins", "allowed_methods", "allowed_headers"}
OTHER_FILES = (
    "vllm/engine/arg_utils.py",
    "vllm/entrypoints/chat_utils.py",
    "vllm/entrypoints/openai/engine/protocol.py",
    "vllm/entrypoints/serve/utils/constants.py",
    "vllm/model_executor/layers/quantization/__init__.py",
    "vllm/model_executor/model_loader/__init__.py",
    "vllm/tool_parsers/tool_strict_level.py",
    "vllm/v1/attention/backends/registry.py",
    "vllm/attention/backends/registry.py",
)


class Reader:
    """One wheel, being read."""

    def __init__(self, wheel: Wheel) -> None:
        self.wheel = wheel
        self.scope = Scope()
        self.flags: dict[str, dict[str, object]] = {}
        self.front = next(
            tree
            for name in wheel.under("vllm/entrypoints/")
            if name.endswith("/cli_args.py") and _class(tree := wheel.tree(name), "FrontendArgs")
        )
        for name in (*wheel.under("vllm/config/", "vllm/logging_utils/"), *OTHER_FILES):
            self.scope.add(wheel.tree(name))
        self.scope.add(self.front)
        twins = "vllm/utils/argparse_utils.py"
        self.twins = twins in wheel.names and b"class EnableDisableAction" in wheel.archive.read(twins)

    def fields(self, name: str, seen: frozenset[str] = frozenset()) -> dict[str, tuple[ast.expr, ast.expr | None]]:
        """The fields of a dataclass, those of its bases too."""
        node = self.scope.classes.get(name)
        found: dict[str, tuple[ast.expr, ast.expr | None]] = {}
        if node is None or name in seen:
            return found
        for base in node.bases:
            found |= self.fields(ast.unparse(base).partition("[")[0].rpartition(".")[2], seen | {name})
        for item in node.body:
            if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name):
                continue
            if not ast.unparse(item.annotation).startswith(("ClassVar", "InitVar")):
                found[item.target.id] = item.annotation, item.value
        return found

    def field(self, owner: str, name: str) -> dict[str, object]:
        """The values that a field takes."""
        found = self.fields(owner).get(name)
        return {"kind": "str"} if found is None else shape_of(found[0], self.scope).as_info()

    def enter(self, names: list[str], info: dict[str, object]) -> None:
        """Enter a flag, with the forms that switch it off."""
        main = next((name for name in names if name.startswith("--")), "")
        if info["kind"] == "bool":
            off = ["--no-" + main[2:]]
            if self.twins:
                other = {"--enable-": "--disable-", "--disable-": "--enable-"}
                off += [other[start] + main[len(start) :] for start in other if main.startswith(start)]
            info["off"] = off
        if info["kind"] == "list":
            info.setdefault("nargs", "+")
        if main in HUMAN:
            info["kind"] = "human"
        elif main == "--max-model-len":
            info["kind"] = "human-or-auto"
        put(self.flags, names, info)

    def engine_arguments(self, function: ast.FunctionDef) -> None:
        """The arguments that one `add_cli_args` adds."""
        owners: dict[str, str] = {}
        renamed: dict[str, ast.Subscript] = {}
        for node in ast.walk(function):
            if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
                continue
            if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "get_kwargs":
                owners[node.targets[0].id] = ast.unparse(node.value.args[0])
            elif isinstance(node.value, ast.Subscript):
                renamed[node.targets[0].id] = node.value
        dropped = dict(_dropped(function, self.scope))
        for call in arguments_added(function):
            names, info = by_hand(call, self.scope)
            source = _source(call, renamed)
            if isinstance(source, ast.Subscript) and (owner := owners.get(ast.unparse(source.value))):
                field = value_of(source.slice, self.scope)
                if isinstance(field, str):
                    info = self.field(owner, field) | ({"deprecated": True} if info.get("deprecated") else {})
                    choices = info.get("choices")
                    if field in dropped and isinstance(choices, list):
                        info["choices"] = [choice for choice in choices if choice != dropped[field]]
            self.enter(names, info)

    def front_end(self) -> None:
        """The arguments of the HTTP server."""
        for name in self.fields("FrontendArgs"):
            info = self.field("FrontendArgs", name)
            if name in JSON_OF_THE_FRONT_END:
                info["kind"] = "json"
            self.enter(["--" + name.replace("_", "-")], info | {"front": True})
        for node in self.front.body:
            if isinstance(node, ast.FunctionDef) and node.name == "make_arg_parser":
                for call in arguments_added(node):
                    names, info = by_hand(call, self.scope)
                    if names:
                        self.enter(names, info | {"front": True})

    def nested(self) -> dict[str, dict[str, dict[str, object]]]:
        """The keys of every JSON flag, and of what stands in them."""
        todo = {str(info["nested"]) for info in self.flags.values() if "nested" in info}
        done: dict[str, dict[str, dict[str, object]]] = {}
        while todo:
            owner = todo.pop()
            if owner in done or owner not in self.scope.classes:
                continue
            done[owner] = {name: self.field(owner, name) for name in self.fields(owner) if not name.startswith("_")}
            todo |= {str(info["nested"]) for info in done[owner].values() if "nested" in info}
        return {owner: keys for owner, keys in done.items() if keys}


def _class(tree: ast.Module, name: str) -> bool:
    return any(isinstance(node, ast.ClassDef) and node.name == name for node in tree.body)


def _source(call: ast.Call, renamed: dict[str, ast.Subscript]) -> ast.expr | None:
    """The mapping that `**` brings into an `add_argument`."""
    star = next((word.value for word in call.keywords if word.arg is None), None)
    if isinstance(star, ast.Dict):  # **{**kwargs["x"], "default": None}
        star = next((value for key, value in zip(star.keys, star.values, strict=True) if key is None), None)
    return renamed.get(star.id) if isinstance(star, ast.Name) else star


def _dropped(function: ast.FunctionDef, scope: Scope) -> Iterator[tuple[str, str]]:
    """`kwargs["x"]["choices"].remove(CHOICE)`: what the command line does not offer of a field's choices."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or not ast.unparse(node.func).endswith("['choices'].remove"):
            continue
        field = getattr(getattr(node.func, "value", None), "value", None)
        if isinstance(field, ast.Subscript) and node.args:
            name, choice = value_of(field.slice, scope), value_of(node.args[0], scope)
            if isinstance(name, str) and isinstance(choice, str):
                yield name, choice


def _registry(tree: ast.Module) -> list[str]:
    """The largest dictionary of texts in a file: the names of its parsers."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict) and len(node.keys) > 5:
            names = [key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
            if len(names) == len(node.keys):
                found |= set(names)
    return sorted(found)


def _environment(tree: ast.Module) -> list[str]:
    keys = (key for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys)
    names = (key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))
    return sorted({name for name in names if re.fullmatch(r"[A-Z][A-Z0-9_]{4,}", name)})


def read(wheel: Wheel) -> Surface:
    """Read the flags of a vLLM wheel."""
    reader = Reader(wheel)
    for node in wheel.tree("vllm/engine/arg_utils.py").body:
        if isinstance(node, ast.ClassDef) and node.name in {"EngineArgs", "AsyncEngineArgs"}:
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name in {"add_cli_args", "_add_cli_args"}:
                    reader.engine_arguments(item)
    reader.front_end()
    return Surface(
        flags=reader.flags,
        nested=reader.nested(),
        tool_parsers=_registry(
            wheel.first("vllm/tool_parsers/__init__.py", "vllm/entrypoints/openai/tool_parsers/__init__.py")
        ),
        reasoning_parsers=_registry(wheel.tree("vllm/reasoning/__init__.py")),
        env=_environment(wheel.tree("vllm/envs.py")),
    )
