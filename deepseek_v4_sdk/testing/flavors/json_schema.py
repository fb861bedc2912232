"""Errors in a JSON Schema, in the words of the two libraries that servers check them with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from jsonschema.exceptions import SchemaError

    from deepseek_v4_sdk.chat import JsonValue

__all__ = ["missing_reference", "python_fault", "rust_fault"]


def python_fault(schema: JsonValue) -> str | None:
    """The error of Python's `jsonschema` for a schema of draft 2020-12; None for a valid one."""
    error = _fault(schema)
    return None if error is None else str(error)


def rust_fault(schema: JsonValue) -> str | None:
    """The error of Rust's crate `jsonschema` for it, or for a reference in it; None for a valid one."""
    error = _fault(schema)
    if error is None or (error.validator == "format" and "\\p{" in str(error.instance)):  # Rust knows these
        return missing_reference(schema, schema)
    given = json.dumps(error.instance, ensure_ascii=False, separators=(",", ":"))
    wanted = error.validator_value
    if error.validator == "type":
        kinds = cast("list[object]", wanted) if isinstance(wanted, list) else [wanted]
        listed = ", ".join(f'"{kind}"' for kind in sorted(map(str, kinds)))
        return f"{given} is not of type{'s' if len(kinds) > 1 else ''} {listed}"
    if error.validator == "format":
        return f'{given} is not a "{wanted}"'
    if error.validator == "anyOf":
        return f"{given} is not valid under any of the schemas listed in the 'anyOf' keyword"
    return str(error.message)


def missing_reference(node: JsonValue, root: JsonValue) -> str | None:
    """A reference that leads nowhere."""
    if isinstance(node, list):
        return next((found for item in node if (found := missing_reference(item, root)) is not None), None)
    if not isinstance(node, dict):
        return None
    reference = node.get("$ref")
    if isinstance(reference, str):
        if not reference.startswith("#"):
            detail = "is not present in a registry and retrieving it failed: Retrieval is disabled, cannot fetch"
            return f"Resource '{reference}' {detail} {reference}"
        if not _leads_somewhere(reference[1:], root):
            return f"Pointer '{reference[1:]}' does not exist"
    return missing_reference([*node.values()], root)


def _leads_somewhere(pointer: str, root: JsonValue) -> bool:
    at = root
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(at, dict) and key in at:
            at = at[key]
        else:
            return False
    return True


def _fault(schema: JsonValue) -> SchemaError | None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        # Draft202012Validator has its own checker for the formats of schemas, such as that of patterns.
        Draft202012Validator.check_schema(
            cast("dict[str, object]", schema), format_checker=Draft202012Validator.FORMAT_CHECKER
        )
    except SchemaError as error:
        return error
    return None
