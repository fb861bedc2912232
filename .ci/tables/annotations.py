"""Type annotations, read for the values that a flag takes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

SIMPLE = {"bool", "int", "float", "str"}
LISTS = {"list", "List", "tuple", "Tuple", "set", "Sequence"}


class Unknown:
    """A value that only running the program would tell."""


UNKNOWN = Unknown()


@dataclass
class Scope:
    """The names that annotations and defaults refer to."""

    constants: dict[str, ast.expr] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    enums: dict[str, list[str]] = field(default_factory=dict)

    def add(self, tree: ast.Module) -> None:
        """Learn the classes and constants of a file; what is known already stays."""
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                if any("Enum" in ast.unparse(base) for base in node.bases):
                    self.enums.setdefault(node.name, _members(node))
                else:
                    self.classes.setdefault(node.name, node)
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        self.constants.setdefault(target.id, node.value)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
                self.constants.setdefault(node.target.id, node.value)


def _members(node: ast.ClassDef) -> list[str]:
    named = (item.targets[0] for item in node.body if isinstance(item, ast.Assign))
    return [target.id for target in named if isinstance(target, ast.Name) and not target.id.startswith("_")]


def value_of(node: ast.expr | None, scope: Scope, depth: int = 0) -> object:
    """The value of an expression, or UNKNOWN."""
    if node is None or depth > 8:
        return UNKNOWN
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        pass
    if isinstance(node, ast.Name) and node.id in scope.constants:
        return value_of(scope.constants[node.id], scope, depth + 1)
    if isinstance(node, ast.List | ast.Tuple):
        return _items(node.elts, scope, depth)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = (value_of(side, scope, depth + 1) for side in (node.left, node.right))
        if isinstance(left, list) and isinstance(right, list):
            return left + right
    if isinstance(node, ast.Call) and ast.unparse(node.func) in {"list", "sorted", "set", "tuple"} and node.args:
        inner = value_of(node.args[0], scope, depth + 1)
        return list(inner) if isinstance(inner, list | dict | tuple | set) else UNKNOWN
    return UNKNOWN


def _items(nodes: Iterable[ast.expr], scope: Scope, depth: int) -> object:
    out: list[object] = []
    for node in nodes:
        inner = value_of(node.value if isinstance(node, ast.Starred) else node, scope, depth + 1)
        if inner is UNKNOWN:
            return UNKNOWN
        out += inner if isinstance(node, ast.Starred) and isinstance(inner, list) else [inner]
    return out


@dataclass
class Shape:
    """An annotation, taken apart."""

    kinds: list[str] = field(default_factory=list)
    choices: list[object] = field(default_factory=list)
    nested: str | None = None
    optional: bool = False

    @property
    def kind(self) -> str:
        """The way in which the value of such a flag is read."""
        kinds = self.kinds
        if "json" in kinds and self.nested:
            return "json"
        if "bool" in kinds:
            return "bool-or-str" if "str" in kinds else "bool"
        if "choice" in kinds:
            return "choice-or-str" if "str" in kinds else "choice"
        return next((kind for kind in ("list", "int", "float", "json") if kind in kinds), "str")

    def as_info(self) -> dict[str, object]:
        """The row of a table."""
        info: dict[str, object] = {"kind": self.kind}
        if self.choices:
            info["choices"] = list(dict.fromkeys(map(str, self.choices)))
        if self.nested:
            info["nested"] = self.nested
        return info


def shape_of(annotation: ast.expr, scope: Scope, depth: int = 0) -> Shape:
    """Take an annotation apart."""
    shape = Shape()
    for part in _union(annotation):
        source = ast.unparse(part)
        base = source.partition("[")[0].rpartition(".")[2]
        if source == "None":
            shape.optional = True
        elif base == "Literal" and isinstance(part, ast.Subscript):
            shape.kinds.append("choice")
            shape.choices += _literals(part.slice, scope, depth)
        elif base in SIMPLE:
            shape.kinds.append(base)
        elif base in LISTS:
            shape.kinds.append("list")
        elif base in {"dict", "Dict", "Mapping"}:
            shape.kinds.append("json")
        elif base in scope.enums:
            shape.kinds += ["choice", "str"]  # names of such an enumeration are found late, and plugins add theirs
            shape.choices += scope.enums[base]
        elif base in scope.classes:
            shape.kinds.append("json")
            shape.nested = base
        elif base in scope.constants and depth < 6:
            inner = shape_of(scope.constants[base], scope, depth + 1)
            shape.kinds += inner.kinds
            shape.choices += inner.choices
            shape.nested = shape.nested or inner.nested
            shape.optional = shape.optional or inner.optional
        else:
            shape.kinds.append("str")
    return shape


def _literals(node: ast.expr, scope: Scope, depth: int) -> list[object]:
    found: list[object] = []
    for item in node.elts if isinstance(node, ast.Tuple) else [node]:
        name = ast.unparse(item).rpartition(".")[2]
        if isinstance(item, ast.Name | ast.Attribute) and name in scope.constants and depth < 6:
            found += shape_of(scope.constants[name], scope, depth + 1).choices
        else:
            found.append(value_of(item, scope))
    return found


def _union(node: ast.expr) -> list[ast.expr]:
    """The members of a union, whatever way it is written."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union(node.left) + _union(node.right)
    if isinstance(node, ast.Subscript):
        name = ast.unparse(node.value).rpartition(".")[2]
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name == "Union":
            return [part for each in inner for part in _union(each)]
        if name == "Optional":
            return [*_union(inner[0]), ast.Constant(None)]
        if name in {"Annotated", "A", "SkipValidation", "Final"}:
            return _union(inner[0])
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return _union(ast.parse(node.value, mode="eval").body)
        except SyntaxError:
            return [node]
    return [node]


def keywords(call: ast.Call) -> dict[str, ast.expr]:
    """The named arguments of a call."""
    return {word.arg: word.value for word in call.keywords if word.arg}


def arguments_added(function: ast.AST) -> Iterable[ast.Call]:
    """Every `add_argument(...)` in a function."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
            yield node


def by_hand(call: ast.Call, scope: Scope) -> tuple[list[str], dict[str, object]]:
    """An `add_argument` that was written out: its names, and what it takes."""
    names = [name for each in call.args if isinstance(name := value_of(each, scope), str) and name.startswith("-")]
    words = keywords(call)
    action = ast.unparse(words["action"]) if "action" in words else ""
    info: dict[str, object] = {"kind": _kind_by_hand(action, words)}
    choices = value_of(words.get("choices"), scope)
    if isinstance(choices, list | tuple):
        info |= {"kind": "choice", "choices": [str(choice) for choice in choices]}
    if "nargs" in words and isinstance(nargs := value_of(words["nargs"], scope), str | int):
        info["nargs"] = nargs
    text = value_of(words.get("help"), scope)
    if action.startswith("Deprecated") or (isinstance(text, str) and text.lower().lstrip("[( ").startswith("deprec")):
        info["deprecated"] = True
    if "error_message" in words:  # such an action ends the process
        info["refused"] = True
    if "new_flag" in words and isinstance(new := value_of(words["new_flag"], scope), str):
        info["instead"] = new
    return names, info


def _kind_by_hand(action: str, words: Mapping[str, ast.expr]) -> str:
    if "BooleanOptional" in action:
        return "bool"
    if "store_true" in action or "store_false" in action or "StoreTrue" in action:
        return "flag"
    if action in {"DeprecatedAction", "DeprecatedStoreConstAction"} and "nargs" not in words:
        return "flag"
    return {"int": "int", "float": "float"}.get(ast.unparse(words["type"]) if "type" in words else "", "str")


def put(flags: dict[str, dict[str, object]], names: list[str], info: Mapping[str, object]) -> None:
    """Enter a flag under its main name."""
    long = [name for name in names if name.startswith("--")]
    if not long:
        return
    row = dict(info)
    if others := [name for name in names if name != long[0]]:
        row["aliases"] = others
    flags[long[0]] = row
