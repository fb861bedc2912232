"""Pydantic's generator of JSON Schemas, with additions: texts next to types, and names of fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticSerializationError

from deepseek_v4_sdk.chat import is_list, is_mapping, plain_json
from deepseek_v4_sdk.errors import InvalidRequestError

__all__ = ["CheckedSchema", "PlainSchema"]

_Node = dict[str, Any]
_KEY_OF_WHOLE = r"^-?\d+$"
_DECIMAL = r"^-?\d+(\.\d+)?$"


class PlainSchema(GenerateJsonSchema):
    """The schema of a type for the model.

    Defaults are the same in every process, and those that are not JSON are left out. A text or a `Doc` in `Annotated`
    describes its type, where no `Field` does. A field that `__init__` does not take is not offered, and a `NamedTuple`
    is an object with the names of its fields.
    """

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012  # like pydantic

    def encode_default(self, dft: Any) -> Any:
        """Encode a default as JSON. A set is sorted, because its order would differ from process to process."""
        value = super().encode_default(_ordered(dft))
        try:
            return plain_json(value, "default")
        except InvalidRequestError as error:
            raise PydanticSerializationError(str(error)) from None

    def model_schema(self, schema: Any) -> _Node:
        """A pydantic model, with the texts next to its fields."""
        node = super().model_schema(schema)
        fields = cast("type[BaseModel]", schema["cls"]).model_fields
        for name, field in fields.items():
            for key in (field.validation_alias, field.alias, name):
                if isinstance(key, str) and _describe(_property(node, key), field.annotation, field.metadata):
                    break
        return node

    def dataclass_schema(self, schema: Any) -> _Node:
        """A dataclass, with the texts next to its fields."""
        return _described(super().dataclass_schema(schema), schema["cls"])

    def dataclass_args_schema(self, schema: Any) -> _Node:
        """The fields of a dataclass that `__init__` takes."""
        fields = [field for field in schema["fields"] if field.get("init", True)]
        given: Any = {**schema, "fields": fields}
        return super().dataclass_args_schema(given)

    def typed_dict_schema(self, schema: Any) -> _Node:
        """A `TypedDict`, with the texts next to its keys."""
        return _described(super().typed_dict_schema(schema), schema.get("cls"))

    def named_tuple_schema(self, schema: Any) -> _Node:
        """A `NamedTuple`: in an array the names of its fields would be lost."""
        fields = {field["name"]: field["schema"] for field in schema["fields"]}
        required = [name for name, inner in fields.items() if inner["type"] != "default"]
        node: _Node = {
            "type": "object",
            "properties": {name: self.generate_inner(inner) for name, inner in fields.items()},
            **({"required": required} if required else {}),
            "additionalProperties": False,
        }
        return _described(node, schema["cls"])

    def call_schema(self, schema: Any) -> _Node:
        """A `NamedTuple` before pydantic 2.14, where it is a call of its class."""
        arguments = dict(schema["arguments_schema"])
        arguments["metadata"] = {
            key: value
            for key, value in arguments.get("metadata", {}).items()
            if key != "pydantic_js_prefer_positional_arguments"
        }
        given: Any = {**schema, "arguments_schema": arguments}
        node = super().call_schema(given)
        return _described(node, schema["function"]) if isinstance(schema["function"], type) else node

    def dict_schema(self, schema: Any) -> _Node:
        """A map; where its keys are whole numbers, the schema says so."""
        node = super().dict_schema(schema)
        if schema.get("keys_schema", {}).get("type") == "int":
            node["propertyNames"] = {"pattern": _KEY_OF_WHOLE}
        return node

    def decimal_schema(self, schema: Any) -> _Node:
        """A decimal number, as a number or as a text that holds only a number."""
        node = super().decimal_schema(schema)
        for branch in node.get("anyOf", ()):
            if branch.get("type") == "string":
                branch["pattern"] = _DECIMAL
        return node


class CheckedSchema(PlainSchema):
    """The schema that arguments must match in addition to pydantic's own check.

    The type does not show the values that a validator accepts before pydantic reads them, so any value is allowed
    there. Pydantic checks texts: its patterns are not Python's.
    """

    def function_before_schema(self, schema: Any) -> _Node:
        """The input of `BeforeValidator`."""
        return super().function_before_schema(schema) if schema.get("json_schema_input_schema") else {}

    def function_wrap_schema(self, schema: Any) -> _Node:
        """The input of `WrapValidator`."""
        return super().function_wrap_schema(schema) if schema.get("json_schema_input_schema") else {}

    def function_plain_schema(self, schema: Any) -> _Node:
        """The input of `PlainValidator`."""
        return super().function_plain_schema(schema) if schema.get("json_schema_input_schema") else {}

    def str_schema(self, schema: Any) -> _Node:
        """A text of any form."""
        return {"type": "string"}


def _ordered(value: object) -> object:
    if isinstance(value, set | frozenset):
        return sorted((_ordered(item) for item in cast("set[object]", value)), key=repr)
    fields: Mapping[str, object] | None = cast("Any", value)._asdict() if _is_named(value) else None
    if fields:
        return {name: _ordered(item) for name, item in fields.items()}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in cast("list[object]", value)]
    if is_mapping(value):
        return {key: _ordered(item) for key, item in value.items()}
    if isinstance(value, BaseModel) or (is_dataclass(value) and not isinstance(value, type)):
        return _ordered(TypeAdapter(type(value)).dump_python(value, by_alias=True))
    return value


def _is_named(value: object) -> bool:
    return isinstance(value, tuple) and hasattr(cast("object", value), "_asdict")


def _property(node: object, name: str) -> object:
    properties = node.get("properties") if is_mapping(node) else None
    return properties.get(name) if is_mapping(properties) else None


def _described(node: _Node, cls: object) -> _Node:
    """The schema of a class, with the texts in the annotations of its fields."""
    try:
        hints = get_type_hints(cls, include_extras=True)
    except (NameError, TypeError, AttributeError):  # names that pydantic found elsewhere, or not a class
        return node
    for name, hint in hints.items():
        _describe(_property(node, name), hint, ())
    return node


def _describe(node: object, hint: object, metadata: Iterable[object]) -> bool:
    """Add the text next to a type to its schema, and to those within; return whether there is a schema."""
    if not isinstance(node, dict):
        return False
    written = cast("_Node", node)
    inner, beside = hint, list(metadata)
    while get_origin(inner) is Annotated or (get_origin(inner) is not None and _wraps(get_origin(inner))):
        beside = [*getattr(inner, "__metadata__", ()), *beside]
        inner = get_args(inner)[0]
    text = _text_in(beside)
    if text is not None:
        written.setdefault("description", text)
    for place, part in _parts(written, inner):
        _describe(place, part, ())
    return True


def _wraps(origin: object) -> bool:
    return getattr(origin, "_name", None) in {"Required", "NotRequired", "ReadOnly"}


def _text_in(metadata: Iterable[object]) -> str | None:
    for item in metadata:
        if isinstance(item, FieldInfo):
            if item.description is not None:
                return None  # pydantic adds it
            continue
        text = item if isinstance(item, str) else getattr(item, "documentation", None)
        if isinstance(text, str) and text.strip():
            return text
    return None


def _parts(node: Mapping[str, Any], hint: object) -> Iterable[tuple[object, object]]:
    """The schemas within a schema, each with its type."""
    arguments = [item for item in get_args(hint) if item is not Ellipsis]
    branches = node.get("anyOf")
    if is_list(branches):
        if len(branches) == len(arguments):
            yield from zip(branches, arguments, strict=True)
    elif is_list(items := node.get("prefixItems")):
        yield from zip(items, arguments, strict=False)
    elif "items" in node and arguments:
        yield node["items"], arguments[0]
    elif "additionalProperties" in node and len(arguments) == 2:
        yield node["additionalProperties"], arguments[1]
