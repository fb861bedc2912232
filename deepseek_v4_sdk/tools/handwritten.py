"""Tools with a handwritten JSON Schema: their offer, and the check of their calls against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk.chat import read_arguments
from deepseek_v4_sdk.errors import InvalidToolArgumentsError
from deepseek_v4_sdk.tools.coercion import ArgumentReading, ReadingCheck, read_call
from deepseek_v4_sdk.tools.json_schema import BrokenSchemaError, mistake_in
from deepseek_v4_sdk.tools.offer import Offer
from deepseek_v4_sdk.tools.refusal import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepseek_v4_sdk.chat import JsonValue, ToolCall, ToolSpec

__all__ = ["hold", "written_offer"]


def written_offer(spec: ToolSpec) -> Offer:
    """The offer of a tool with its own schema. The schema is compiled at the first call that is checked."""
    check = _Check(spec.parameters)

    def bind(call: ToolCall) -> dict[str, object]:
        return cast("dict[str, object]", check(call))

    return Offer(spec, check, bind)


class _Check(ReadingCheck):
    def __init__(self, schema: Mapping[str, object] | None) -> None:
        self._schema = schema

    def read(self, call: ToolCall) -> ArgumentReading:
        if self._schema is None:
            return ArgumentReading(read_arguments(call), call.arguments)
        return read_call(call, self._schema)

    def hold(self, call: ToolCall, reading: ArgumentReading) -> None:
        if self._schema is not None:
            hold(call, reading.value, self._schema)


def hold(call: ToolCall, value: dict[str, JsonValue], schema: Mapping[str, object]) -> None:
    """Refuse arguments that a schema does not allow.

    Raises:
        InvalidToolArgumentsError: It does not allow them, or it is not a JSON Schema.
    """
    try:
        mistake = mistake_in(value, schema)
    except BrokenSchemaError as fault:
        raise InvalidToolArgumentsError(
            f"the arguments of the call of {call.name!r} ({call.id}) cannot be checked: the schema of the tool is "
            f"wrong: {str(fault)[:200]}",
            call=call,
        ) from None
    if mistake is not None:
        place, expected = mistake
        raise refusal(call, value, place, expected)
