"""A JSON Schema for a reader of unfinished JSON: the types that a place admits, the texts to hold back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from deepseek_v4_sdk.chat import is_list, is_mapping

__all__ = ["Outline"]

_DEEPEST = 30  # references and unions that are followed
_SAYS = frozenset(
    {
        "type", "properties", "patternProperties", "additionalProperties", "items", "prefixItems",
        "enum", "const", "format", "pattern", "contentEncoding",
    }
)  # fmt: skip
_HOLDS = frozenset({"enum", "const", "format", "pattern", "contentEncoding"})
_ANY: Mapping[str, object] = {}


class Outline:
    """One place of a schema: all the alternatives that its value may follow.

    Args:
        nodes: The schemas; of a union there are several.
        root: The whole schema, for its definitions.
    """

    def __init__(
        self, nodes: Sequence[object], root: Mapping[str, object], known: dict[tuple[int, ...], Outline] | None = None
    ) -> None:
        self._root = root
        self._known = {} if known is None else known  # the outlines of a schema are shared by all its places
        self._nodes = _distinct(part for node in nodes for part in self._parts(node, 0))
        self._children: dict[str | int, Outline] = {}

    @cached_property
    def kinds(self) -> frozenset[str] | None:
        """The types of JSON that are admitted, a whole number as "number"; None when all are."""
        found: set[str] = set()
        for node in self._nodes:
            kinds = _kinds_of(node)
            if kinds is None:
                return None
            found |= kinds
        return frozenset(found) if found else None

    @cached_property
    def holds_text(self) -> bool:
        """Whether the beginning of a text is useless here: of an enum, a date, a text with a pattern."""
        return any(_HOLDS & node.keys() for node in self._nodes if "string" in (_kinds_of(node) or {"string"}))

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of an object that the schema names."""
        return frozenset(key for node in self._nodes if is_mapping(named := node.get("properties")) for key in named)

    def admits(self, kind: str) -> bool:
        """Whether a value of a type of JSON is admitted here."""
        return self.kinds is None or kind in self.kinds

    def property(self, key: str) -> Outline:
        """The outline of a value in an object."""
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._child([part for node in self._nodes for part in _property(node, key)])
        return child

    def item(self, index: int) -> Outline:
        """The outline of an item of a list."""
        place = min(index, self._most_places)
        child = self._children.get(place)
        if child is None:
            child = self._children[place] = self._child([_item(node, index) for node in self._nodes])
        return child

    @cached_property
    def _most_places(self) -> int:
        return max((len(items) for node in self._nodes if is_list(items := node.get("prefixItems"))), default=0)

    def _child(self, nodes: Sequence[object]) -> Outline:
        key = tuple(id(node) for node in nodes)
        if key not in self._known:
            self._known[key] = Outline(nodes or [_ANY], self._root, self._known)
        return self._known[key]

    def _parts(self, node: object, depth: int) -> Iterator[Mapping[str, object]]:
        """A schema without references and unions."""
        if not is_mapping(node) or depth > _DEEPEST:
            yield _ANY
            return
        followed = False
        if isinstance(reference := node.get("$ref"), str):
            yield from self._parts(self._found(reference), depth + 1)
            followed = True
        for key in ("anyOf", "oneOf", "allOf"):
            for branch in branches if is_list(branches := node.get(key)) else ():
                yield from self._parts(branch, depth + 1)
                followed = True
        if not followed or _SAYS & node.keys():
            yield node

    def _found(self, reference: str) -> object:
        node: object = self._root
        for part in reference.removeprefix("#").split("/")[1:]:
            node = node.get(part.replace("~1", "/").replace("~0", "~")) if is_mapping(node) else None
        return node


def _distinct(nodes: Iterator[Mapping[str, object]]) -> list[Mapping[str, object]]:
    return list({id(node): node for node in nodes}.values())


def _kinds_of(node: Mapping[str, object]) -> frozenset[str] | None:
    """The types of one schema; None when it does not restrict them."""
    kinds = node.get("type")
    named = [str(kind) for kind in kinds] if is_list(kinds) else [kinds] if isinstance(kinds, str) else []
    if not named and is_list(values := node.get("enum", [node["const"]] if "const" in node else None)):
        named = [_kind_of(value) for value in values]
    if not named and is_mapping(node.get("properties")):
        named = ["object"]
    return frozenset("number" if kind == "integer" else kind for kind in named) or None


def _kind_of(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if is_list(value):
        return "array"
    return "object" if is_mapping(value) else "number"


def _property(node: Mapping[str, object], key: str) -> Iterator[object]:
    named = node.get("properties")
    if is_mapping(named) and key in named:
        yield named[key]
        return
    patterns = node.get("patternProperties")
    matching = (
        [schema for pattern, schema in patterns.items() if _matches(pattern, key)] if is_mapping(patterns) else []
    )
    yield from matching
    if not matching and node.get("additionalProperties", True) is not False:
        yield node.get("additionalProperties", _ANY)


def _matches(pattern: str, key: str) -> bool:
    try:
        return re.search(pattern, key) is not None
    except re.error:
        return False


def _item(node: Mapping[str, object], index: int) -> object:
    places = node.get("prefixItems")
    if is_list(places) and index < len(places):
        return places[index]
    return node.get("items", _ANY)
