"""The places of schemas within a JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from deepseek_v4_sdk.chat import is_list, is_mapping

__all__ = ["MANY", "NAMED", "ONE", "schemas_in"]

ONE = frozenset({"items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else"})
"""The keywords that hold one schema."""
MANY = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
"""The keywords that hold a list of schemas."""
NAMED = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
"""The keywords that hold schemas by name."""


def schemas_in(
    node: object, place: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, object]]]:
    """Yield each schema in a schema, itself first, with its place."""
    if not is_mapping(node):
        return
    yield place, node
    for key, value in node.items():
        if key in ONE:
            yield from schemas_in(value, (*place, key))
        elif key in MANY and is_list(value):
            for index, item in enumerate(value):
                yield from schemas_in(item, (*place, key, index))
        elif key in NAMED and is_mapping(value):
            for name, item in value.items():
                yield from schemas_in(item, (*place, key, name))
