"""The shape of an answer: the schema of a type, in the form of servers, and the check of a value against it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, cast

from deepseek_v4_sdk.chat import JsonValue, Repair, is_list, is_mapping, write_json
from deepseek_v4_sdk.chat.tool_spec import foreign_reference
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.structured.outline import Outline

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = ["ItemsShape", "MisfitError", "Shape"]

T = TypeVar("T")

KEY = "value"
"""The key of the value when it is not an object: some servers only hold answers to objects."""

_CANNOT = (TypeError, ValueError, AttributeError, KeyError, NameError, NotImplementedError, RecursionError)


class MisfitError(ValueError):
    """A value is not of the shape.

    Attributes:
        path: The place, such as `items[2].name`.
        expected: The expected value.
    """

    def __init__(self, path: str, expected: str) -> None:
        super().__init__(f"at {path}: {expected}" if path else expected)
        self.path = path
        self.expected = expected


class Shape(Generic[T]):
    """The shape of an answer.

    Args:
        schema: A pydantic model, a dataclass, a `TypedDict`, any type that pydantic knows, a `TypeAdapter`, or a JSON
            Schema.
        require_all: Whether each property is required, as strict tools want it.

    Attributes:
        name: A name for it.
        schema: The JSON Schema to send; an object at its top.
        wrapped: Whether the value is under the key `value` of that object.

    Raises:
        ConfigurationError: There is no schema for it.
    """

    _many: ClassVar[bool] = False
    """Whether the answer is a list of such values."""

    def __init__(self, schema: object, *, require_all: bool = False) -> None:
        self._adapter: TypeAdapter[T] | None = None
        if is_mapping(schema):
            self._given = cast("dict[str, JsonValue]", dict(schema))
            self.schema = self._handwritten()
        else:
            self._given = {}
            self.schema = self._from_type(schema, require_all=require_all)
        name = self._given.get("title") or getattr(schema, "__name__", "answer")
        self.name = re.sub(r"[^a-zA-Z0-9_-]", "_", str(name))[:64]

    def _handwritten(self) -> dict[str, JsonValue]:
        from deepseek_v4_sdk.tools.json_schema import fault_of

        try:
            fault = fault_of(self._given)
        except ValueError as error:
            fault = str(error)
        if fault is not None:
            raise ConfigurationError(f"the schema is not a JSON Schema: {fault}")
        if (elsewhere := foreign_reference(self._given)) is not None:
            raise ConfigurationError(f"the schema refers to {elsewhere!r}: nothing is fetched; put it under $defs")
        given = self._given
        is_object = given.get("type") == "object" or ("type" not in given and "properties" in given)
        self.wrapped = self._many or not is_object
        if not self.wrapped:
            return given
        to = f"#/properties/{KEY}/items" if self._many else f"#/properties/{KEY}"
        inner = {key: _moved(value, to) for key, value in given.items() if key not in {"$schema", *_SHARED}}
        shared = {key: _moved(given[key], to) for key in _SHARED if key in given}
        return _wrapping({"type": "array", "items": inner} if self._many else inner) | shared

    def _from_type(self, schema: object, *, require_all: bool) -> dict[str, JsonValue]:
        from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter
        from pydantic_core import SchemaError

        from deepseek_v4_sdk.tools.generator import PlainSchema
        from deepseek_v4_sdk.tools.schema import compact

        try:
            given = issubclass(type(schema), TypeAdapter)
            self._adapter = cast("TypeAdapter[T]", schema) if given else TypeAdapter(cast("type[T]", schema))
            raw: dict[str, object] = self._adapter.json_schema(schema_generator=PlainSchema)
        except (PydanticSchemaGenerationError, PydanticUserError, SchemaError, *_CANNOT) as error:
            name = getattr(schema, "__name__", None) or repr(schema)[:80]
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise ConfigurationError(f"there is no JSON Schema for {name}: {first}") from None
        definitions = cast("dict[str, dict[str, object]]", raw.get("$defs", {}))
        if isinstance(reference := raw.get("$ref"), str):  # a type that contains itself
            raw = {**definitions[reference.removeprefix("#/$defs/")], "$defs": definitions}
        self.wrapped = self._many or raw.get("type") != "object"
        if self.wrapped:
            inner = {key: value for key, value in raw.items() if key != "$defs"}
            raw = {**_wrapping({"type": "array", "items": inner} if self._many else inner), "$defs": definitions}
        written = compact(raw, {}, require_all=require_all)
        about = raw.get("description")  # a docstring; `compact` leaves it to the tool
        return {"description": about, **written} if isinstance(about, str) else written

    @property
    def wrapper(self) -> str | None:
        """The key of the object around the value, or None."""
        return KEY if self.wrapped else None

    @property
    def outline(self) -> Outline:
        """The schema of the value, for a reader of unfinished JSON."""
        outline = Outline([self.schema], self.schema)
        return outline.property(KEY) if self.wrapped else outline

    def read(self, value: JsonValue) -> tuple[T, list[Repair]]:
        """Convert the value to the requested type, and list the repairs that were needed.

        Raises:
            MisfitError: It does not match.
        """
        if not self.wrapped:
            return self._read(value)
        if not (isinstance(value, dict) and value.keys() == {KEY}):
            try:
                return self._read_bare(value)
            except MisfitError:
                raise MisfitError("", f"it must be an object with the one key {KEY!r}") from None
        try:
            return self._read(value[KEY])
        except MisfitError as misfit:
            try:
                return self._read_bare(value)
            except MisfitError:
                raise misfit from None

    def _read_bare(self, value: JsonValue) -> tuple[T, list[Repair]]:
        read, repairs = self._read(value)
        return read, [Repair("bare_value", "the value came without the object around it"), *repairs]

    def _read(self, value: JsonValue) -> tuple[T, list[Repair]]:
        from deepseek_v4_sdk.tools.coercion import coerced
        from deepseek_v4_sdk.tools.json_schema import BrokenSchemaError

        try:
            value, notes = coerced(value, self._held, marked=self._adapter is not None)
            return self._checked(value), [Repair("read_value", note) for note in notes]
        except BrokenSchemaError as error:
            raise ConfigurationError(f"the schema is not a JSON Schema: {error}") from None

    @cached_property
    def _held(self) -> Mapping[str, object]:
        """The schema for reading an answer."""
        if self._adapter is None:
            return self._given
        from deepseek_v4_sdk.tools.generator import CheckedSchema
        from deepseek_v4_sdk.tools.schema import compact

        return compact(self._adapter.json_schema(schema_generator=CheckedSchema), {}, marks=True)

    def _checked(self, value: JsonValue) -> T:
        from deepseek_v4_sdk.tools.refusal import first_mistake, path_of

        if self._adapter is None:
            from deepseek_v4_sdk.tools.json_schema import mistake_in

            mistake = mistake_in(value, self._given)
            if mistake is None:
                return cast("T", value)
            place, expected = mistake
            raise MisfitError(path_of(place), _of_answers(expected))
        from pydantic import ValidationError

        try:
            return self._adapter.validate_json(write_json(value))
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)
            at, expected = first_mistake(value, [(item["loc"], item["type"], item["msg"]) for item in found])
            raise MisfitError(path_of(at), _of_answers(expected)) from None


class ItemsShape(Shape[T]):
    """A list of values of a shape, which are checked one by one, each once.

    Attributes:
        last: The items of the list that was read last, and how many of them had been checked before.
    """

    _many = True

    def __init__(self, schema: object, *, require_all: bool = False) -> None:
        super().__init__(schema, require_all=require_all)
        self.last: tuple[list[T], int] = ([], 0)
        self._known: list[tuple[JsonValue, T, list[Repair]]] = []

    def check_next(self, value: JsonValue) -> T:
        """Check the next item of a list.

        Raises:
            MisfitError: It does not match.
        """
        item, repairs = self._item(value, len(self._known))
        self._known.append((value, item, repairs))
        return item

    def forget(self) -> None:
        """Note that a list begins."""
        self._known.clear()

    def _read(self, value: JsonValue) -> tuple[T, list[Repair]]:
        if not isinstance(value, list):
            raise MisfitError("", "it must be a list")
        known = self._known
        items: list[T] = []
        repairs: list[Repair] = []
        same = 0
        for index, raw in enumerate(value):
            if same == index < len(known) and known[index][0] == raw:
                _, item, notes = known[index]
                same += 1
            else:
                item, notes = self._item(raw, index)
            items.append(item)
            repairs += notes
        self.last = items, same
        return cast("T", items), repairs

    def _item(self, value: JsonValue, index: int) -> tuple[T, list[Repair]]:
        try:
            return super()._read(value)
        except MisfitError as misfit:
            inner = misfit.path
            path = f"[{index}]{inner if not inner or inner.startswith('[') else f'.{inner}'}"
            raise MisfitError(path, misfit.expected) from None


def _of_answers(expected: str) -> str:
    """Rewrite an error about the arguments of a call into one about an answer."""
    return expected.replace("there is no such argument", "there is no such field")


_SHARED = ("$defs", "definitions")


def _wrapping(inner: Mapping[str, object]) -> dict[str, JsonValue]:
    properties = cast("JsonValue", {KEY: inner})
    return {"type": "object", "properties": properties, "required": [KEY], "additionalProperties": False}


def _moved(node: object, to: str) -> JsonValue:
    """Move a schema into the wrapping: references within it follow, the shared definitions stay at the top."""
    if is_list(node):
        return [_moved(item, to) for item in node]
    if not is_mapping(node):
        return cast("JsonValue", node)
    moved: dict[str, JsonValue] = {key: _moved(value, to) for key, value in node.items()}
    reference = node.get("$ref")
    stays = isinstance(reference, str) and reference.startswith(tuple(f"#/{key}/" for key in _SHARED))
    if isinstance(reference, str) and reference.startswith("#") and not stays:
        moved["$ref"] = f"{to}{reference[1:]}"
    return moved
