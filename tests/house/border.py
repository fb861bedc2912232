"""The public border, read from the source: which names are public, and what their signatures and docstrings say.

`public_places.txt` lists the public modules. The names in their `__all__` are public; so are the members of a public
class whose names have no underscore in front, those from bases of this package included. A parameter with an underscore
in front is private: only the package gives it.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import griffe

from tests.support.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LIST = Path(__file__).with_name("public_places.txt")
PLACES = tuple(line for line in LIST.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))

# Members that Python calls: they are part of the face where a program writes their operator.
_OPERATORS = {"__init__", "__call__", "__enter__", "__aenter__", "__iter__", "__next__", "__aiter__", "__anext__"} | {
    "__getitem__", "__len__", "__contains__", "__or__", "__ror__", "__add__", "__get__",
}  # fmt: skip
_VARIABLES = ("typing.TypeVar", "typing.ParamSpec", "typing_extensions.TypeVar")


@dataclass(frozen=True)
class Named:
    """A type of the package, or `Any`, that a public signature names.

    Attributes:
        where: The public name, with the member and the parameter.
        type: The full name of the type.
        part: "base", "parameter", "result" or "value".
    """

    where: str
    type: str
    part: str


class Border:
    """The public border of a package.

    Args:
        places: The full names of its public modules; the first is the package.
        folder: The folder that has the package.
    """

    def __init__(self, places: Sequence[str], folder: Path) -> None:
        self.name = places[0]
        self._root = griffe.load(self.name, search_paths=[str(folder)], resolve_aliases=True, allow_inspection=False)
        assert isinstance(self._root, griffe.Module)
        self.places = {place: self.thing(place) for place in places}
        self.public: dict[str, str] = {}
        for place in places:
            for name in self.names(place):
                if not (thing := self.named_thing(place, name)).is_module:
                    self.public.setdefault(thing.path, f"{place}.{name}")

    def names(self, place: str) -> list[str]:
        """The names in `__all__` of a place, without `__version__`."""
        return [str(name) for name in self.places[place].exports or () if not str(name).startswith("__")]

    def named_thing(self, place: str, name: str) -> griffe.Object:
        """What a name in `__all__` of a place stands for: with `from x.plan import plan` that is not the module."""
        return self._imported(self.places[place], name)

    def named(self) -> Iterator[Named]:
        """Each type that a public signature names and that is not public; `Any` among them."""
        for thing, public in self._things():
            for where, expression, part in _signatures(thing, public):
                for path in _paths(expression):
                    if path in {"typing.Any", "typing_extensions.Any"}:
                        yield Named(where, "Any", part)
                    elif (found := self._ours(path)) is not None and found not in self.public:
                        yield Named(where, found, part)

    def undescribed(self) -> Iterator[str]:
        """The public names, and the public methods and properties, that have no docstring."""
        for thing, public in self._things():
            if thing.docstring is None:
                yield public
            if isinstance(thing, griffe.Class):
                for member in _members(thing):
                    described = member.is_function or "property" in member.labels
                    if described and not member.name.startswith("_") and not _described(member, thing):
                        yield f"{public}.{member.name}"

    def inner_names(self, program: str) -> Iterator[str]:
        """The names of the package that a program imports, or reads from a module, and that are not public."""
        bound: dict[str, str] = {}
        tree = ast.parse(program)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and _is_within(node.module or "", self.name):
                for alias in node.names:
                    if node.module in self.places:
                        yield from self._read(node.module, [alias.name])
                    else:
                        yield f"{node.module}.{alias.name}"
                    bound[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if _is_within(alias.name, self.name):
                        yield from () if alias.name in self.places else (alias.name,)
                        bound |= {alias.asname: alias.name} if alias.asname else {self.name: self.name}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                first, *names = ast.unparse(node).split(".")
                yield from self._read(bound.get(first, ""), names)

    def _read(self, place: str, names: Sequence[str]) -> Iterator[str]:
        """The first of these names, each read from the one before, that is not public; none below a public class."""
        for name in names:
            if place not in self.places:
                return
            within = f"{place}.{name}"
            if name not in (self.places[place].exports or ()) and within not in self.places:
                yield within
                return
            place = within

    def _things(self) -> Iterator[tuple[griffe.Object, str]]:
        for path, public in self.public.items():
            yield self.thing(path), public

    def thing(self, path: str) -> griffe.Object:
        """What the package defines under a full name."""
        return self._root if path == self.name else _final(self._root[path.removeprefix(f"{self.name}.")])

    def _imported(self, module: griffe.Object, name: str) -> griffe.Object:
        source, _, there = module.imports.get(name, "").rpartition(".")
        if source == module.path or not _is_within(source, self.name):
            return _final(module[name])
        return self._imported(self.thing(source), there)

    def _ours(self, path: str) -> str | None:
        """The full name of a type of the package; None for others, for functions, and for variables of types."""
        if not path.startswith(f"{self.name}."):
            return None
        try:
            found = self.thing(path)
        except KeyError:  # `P.args`
            return None if path.endswith((".args", ".kwargs")) else path
        value = found.value if isinstance(found, griffe.Attribute) else None
        makes = value.canonical_path if isinstance(value, griffe.ExprCall) else ""
        return None if makes in _VARIABLES or found.is_module or found.is_function else found.path


def _is_within(module: str, package: str) -> bool:
    return module.partition(".")[0] == package


def _final(thing: griffe.Object | griffe.Alias) -> griffe.Object:
    return thing.final_target if isinstance(thing, griffe.Alias) else thing


def _paths(expression: griffe.Expr | str | None) -> Iterator[str]:
    """The full names in an annotation."""
    if isinstance(expression, griffe.Expr):
        parts = [expression] if isinstance(expression, griffe.ExprName) else expression.iterate(flat=True)
        yield from (part.canonical_path for part in parts if isinstance(part, griffe.ExprName))


def _members(kind: griffe.Class) -> Iterator[griffe.Object]:
    for name, member in kind.all_members.items():
        if not name.startswith("_") or name in _OPERATORS:
            yield _final(member)


def _described(member: griffe.Object, kind: griffe.Class) -> bool:
    """Whether a member has a docstring, or overrides one that has it."""
    above = [base.members.get(member.name) for base in kind.mro() if isinstance(base, griffe.Class)]
    return any(_final(each).docstring is not None for each in [member, *above] if each is not None)


_Signature = tuple[str, "griffe.Expr | str | None", str]


def _signatures(thing: griffe.Object, public: str) -> Iterator[_Signature]:
    """The annotations of a public thing, each with its place and its part."""
    if isinstance(thing, griffe.Class):
        yield from ((public, base, "base") for base in thing.bases)
        for member in _members(thing):
            yield from _annotations(member, f"{public}.{member.name}")
    else:
        yield from _annotations(thing, public)


def _annotations(thing: griffe.Object, where: str) -> Iterator[_Signature]:
    if isinstance(thing, griffe.Function):
        overloads = thing.parent.overloads.get(thing.name) if isinstance(thing.parent, griffe.Class) else None
        for function in [thing, *(overloads or thing.overloads or ())]:
            for parameter in function.parameters:
                if not parameter.name.startswith("_"):
                    yield f"{where}({parameter.name})", parameter.annotation, "parameter"
            yield where, function.returns, "result"
    elif isinstance(thing, griffe.Attribute):
        made = thing.value.function if isinstance(thing.value, griffe.ExprCall) else None
        yield where, thing.annotation or made, "result"
        if thing.annotation is not None and list(_paths(thing.annotation)) == ["typing.TypeAlias"]:
            yield where, thing.value, "value"


@cache
def border() -> Border:
    """The border of this package."""
    return Border(PLACES, ROOT)
