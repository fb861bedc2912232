"""Checking a value against a JSON Schema, with `jsonschema`."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from deepseek_v4_sdk.chat import is_mapping, read_json, write_json
from deepseek_v4_sdk.tools.refusal import path_of, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

    from deepseek_v4_sdk.chat import JsonValue

__all__ = ["BrokenSchemaError", "fault_of", "mistake_in"]

_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


class BrokenSchemaError(ValueError):
    """The schema itself is wrong; the text names the place."""


def fault_of(schema: Mapping[str, object]) -> str | None:
    """The fault that makes this not a JSON Schema, or None."""
    try:
        _compiled(write_json(schema))
    except BrokenSchemaError as error:
        return str(error)
    return None


def mistake_in(value: JsonValue, schema: Mapping[str, object]) -> tuple[list[str | int], str] | None:
    """Find the worst mistake in a value: its place, and the schema's requirement there; None when the value fits.

    Raises:
        ValueError: The schema is not one.
    """
    from jsonschema.exceptions import best_match  # pyright: ignore[reportUnknownVariableType]
    from referencing.exceptions import Unresolvable

    try:
        found = _compiled(write_json(schema)).iter_errors(value)
        error = cast("ValidationError | None", best_match(found))  # pyright: ignore[reportUnknownVariableType]
    except (Unresolvable, RecursionError) as fault:
        raise BrokenSchemaError(f"a reference leads nowhere, or in a circle ({fault})") from None
    return None if error is None else _described(error)


@lru_cache(maxsize=256)
def _compiled(schema: bytes) -> Validator:
    """A validator for a schema, made once. References lead only into the schema: nothing is fetched."""
    from jsonschema import validators
    from jsonschema.exceptions import SchemaError
    from referencing.jsonschema import EMPTY_REGISTRY

    content = cast("dict[str, JsonValue]", read_json(schema))
    kind = validators.validator_for(content, default=validators.Draft202012Validator)
    try:
        kind.check_schema(content)
    except SchemaError as error:
        where = path_of(list(error.absolute_path))
        raise BrokenSchemaError(f"{where or 'it'} is {shown(error.instance)}, which is not a JSON Schema") from None
    except RecursionError:
        raise BrokenSchemaError("it lies too deep") from None
    exact = cast("type[Validator]", cast("Any", validators).extend(kind, {"multipleOf": _multiple}))
    return exact(content, registry=EMPTY_REGISTRY)


def _multiple(_: Validator, wanted: float, value: object, __: object) -> Iterator[ValidationError]:
    """Check by its digits whether a number is a multiple: divided as floats, 19.99 is not a multiple of 0.01."""
    from jsonschema import ValidationError

    if isinstance(value, int | float) and not isinstance(value, bool) and _as_written(value) % _as_written(wanted):
        yield ValidationError(f"{value!r} is not a multiple of {wanted!r}")


def _as_written(number: float) -> Fraction:
    return Fraction(number) if isinstance(number, int) else Fraction(repr(number))


def _described(error: ValidationError) -> tuple[list[str | int], str]:
    """The place of a mistake, and the schema's requirement there."""
    place = list(error.absolute_path)
    keyword, wanted, came = str(error.validator), cast("object", error.validator_value), cast("object", error.instance)
    if keyword == "required" and is_mapping(came):
        missing = [name for name in cast("Sequence[str]", wanted) if name not in came]
        return [*place, *missing[:1]], "it is required, and missing"
    if keyword == "additionalProperties" and wanted is False and is_mapping(came):
        known = cast("Mapping[str, object]", error.schema).get("properties", {})
        others = [name for name in came if not (is_mapping(known) and name in known)]
        return [*place, *others[:1]], "there is no such argument"
    if keyword == "type":
        kinds = [wanted] if isinstance(wanted, str) else cast("list[str]", wanted)
        return place, f"it must be {' or '.join(_KINDS.get(kind, kind) for kind in kinds)}"
    if keyword == "enum":
        return place, f"it must be one of {', '.join(shown(item) for item in cast('list[object]', wanted))}"
    if keyword in {"anyOf", "oneOf"}:
        return place, "it is none of what the schema allows here"
    return place, f"the schema says {keyword}: {shown(wanted)}"
