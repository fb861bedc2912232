"""The arguments of a function as a pydantic model: their schema, and checking and binding a call's arguments."""

from __future__ import annotations

from functools import cached_property
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, ValidationError, create_model
from pydantic.errors import PydanticUndefinedAnnotation
from pydantic.fields import FieldInfo
from pydantic_core import SchemaError

from deepseek_v4_sdk.chat import JsonValue
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.tools.coercion import ArgumentReading, ReadingCheck, read_call
from deepseek_v4_sdk.tools.function import Argument, UnresolvedNameError
from deepseek_v4_sdk.tools.generator import CheckedSchema, PlainSchema
from deepseek_v4_sdk.tools.handwritten import hold
from deepseek_v4_sdk.tools.refusal import pydantic_refusal
from deepseek_v4_sdk.tools.schema import compact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepseek_v4_sdk.chat import ToolCall

__all__ = ["ArgumentsModel"]

_CANNOT = (PydanticUserError, SchemaError, TypeError, ValueError, AttributeError, KeyError, NotImplementedError)


class ArgumentsModel(ReadingCheck):
    """Checks the calls of one function: by its types, and by the schema that was offered to the model.

    The two agree on most values. If only one of them refuses a value, the check refuses it: pydantic ignores a key that
    a nested type does not have, or an item that a set has twice, and no schema knows a custom validator. The schema of
    a strict tool requires every property; the check leaves the function its defaults.

    Args:
        label: The tool's name, for errors.
        arguments: The parameters, in their order.

    Raises:
        ConfigurationError: The type of one of them has no schema; the text names the parameter.
    """

    def __init__(self, label: str, arguments: Sequence[Argument]) -> None:
        self._label = label
        self._arguments = {f"p{index}": argument for index, argument in enumerate(arguments)}
        for argument in arguments:
            self._check_fields(argument)
        try:
            self._model = _model(self._arguments)
            self._raw = self._model.model_json_schema(schema_generator=PlainSchema)
        except PydanticUndefinedAnnotation as error:
            raise UnresolvedNameError(f"a type of {label!r} names {error.name!r}, which is not found") from None
        except (*_CANNOT, RecursionError) as error:
            raise self._named(error) from None

    def schema(self, *, strict: bool) -> dict[str, JsonValue]:
        """The JSON Schema of the arguments: compact, and the same bytes each time."""
        described = {item.name: item.description for item in self._arguments.values() if item.description}
        return compact(self._raw, described, require_all=strict)

    def read(self, call: ToolCall) -> ArgumentReading:
        """Read the arguments by the schema."""
        return read_call(call, self._held, marked=True)

    def hold(self, call: ToolCall, reading: ArgumentReading) -> None:
        """Refuse arguments that the types or the schema do not allow."""
        self._validated(call, reading)

    def bind(self, call: ToolCall) -> dict[str, object]:
        """Convert the model's values to the function's types."""
        validated = self._validated(call, self.read(call))
        given = validated.model_fields_set
        return {item.name: getattr(validated, key) for key, item in self._arguments.items() if key in given}

    @cached_property
    def _held(self) -> dict[str, JsonValue]:
        return compact(self._model.model_json_schema(schema_generator=CheckedSchema), {}, marks=True)

    def _validated(self, call: ToolCall, reading: ArgumentReading) -> BaseModel:
        try:
            # As text: only in JSON may a date be a text where types are strict.
            validated = self._model.model_validate_json(reading.text, strict=True)
        except ValidationError as error:
            details = error.errors(include_url=False, include_context=False, include_input=False)
            raise pydantic_refusal(
                call, reading.value, [(item["loc"], item["type"], item["msg"]) for item in details]
            ) from None
        hold(call, reading.value, self._held)
        return validated

    def _check_fields(self, argument: Argument) -> None:
        where = f"the parameter {argument.name!r} of {self._label!r}"
        if isinstance(argument.default, FieldInfo):
            raise ConfigurationError(f"{where} has Field(...) as its default: write Annotated[type, Field(...)]")
        metadata = get_args(argument.annotation)[1:] if get_origin(argument.annotation) is Annotated else ()
        for item in metadata:
            if isinstance(item, FieldInfo) and (item.alias is not None or item.validation_alias is not None):
                raise ConfigurationError(f"{where} has an alias: the model is offered the parameter's own name")
            if isinstance(item, FieldInfo) and not item.is_required():
                raise ConfigurationError(f"{where} has its default in Field(...): write it into the signature")

    def _named(self, error: Exception) -> ConfigurationError:
        """Make the error with the name of the parameter: each is tried separately."""
        for argument in self._arguments.values():
            try:
                _model({"p0": argument}).model_json_schema(schema_generator=PlainSchema)
            except (*_CANNOT, RecursionError) as cause:
                where = f"the parameter {argument.name!r} of {self._label!r}"
                return ConfigurationError(f"{where} has a type that cannot be offered: {_first_line(cause)}")
        return ConfigurationError(f"the parameters of {self._label!r} cannot be offered: {_first_line(error)}")


def _model(arguments: dict[str, Argument]) -> type[BaseModel]:
    """Make a model with a field for each argument. Its fields have separate names: BaseModel uses some already."""
    fields: dict[str, Any] = {}
    for key, argument in arguments.items():
        default: Any = ... if argument.default is Parameter.empty else argument.default
        fields[key] = (argument.annotation, Field(default, alias=argument.name))
    return create_model("Arguments", __config__=ConfigDict(extra="forbid"), **fields)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__
