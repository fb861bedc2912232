"""A script's expectations of a request, and the error text when the request differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import is_mapping
from deepseek_v4_sdk.testing.requests import MockRequest, same_json
from deepseek_v4_sdk.testing.script import Expected, Faulty, Step

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue

__all__ = ["MockScriptError", "expect", "summary"]


class MockScriptError(AssertionError):
    """The script and the program under test do not match."""


def expect(step: Step, request: MockRequest, where: str) -> None:
    """Fail when a step was meant for another request.

    Raises:
        MockScriptError: It was; the text shows the expectation.
    """
    if isinstance(step, Faulty):
        return expect(step.step, request, where)
    if not isinstance(step, Expected):
        return None
    wanted = step.predicate
    if isinstance(wanted, str):
        if wanted not in request.text:
            raise MockScriptError(f"{where}: expected a text with {wanted!r}\n  got: {summary(request)}")
    elif is_mapping(wanted):
        wrong = [
            f"  {key}: expected {value!r}, got {request.body.get(key)!r}"
            for key, value in wanted.items()
            if not same_json(value, request.body.get(key))
        ]
        if wrong:
            raise MockScriptError("\n".join([f"{where} is not as expected:", *wrong]))
    elif callable(wanted) and not wanted(request):
        name = getattr(wanted, "__name__", "the predicate")
        raise MockScriptError(f"{where}: {name} is not true of it\n  got: {summary(request)}")
    return None


def summary(request: MockRequest) -> str:
    """A request in a line."""
    roles = ", ".join(str(message.get("role")) for message in request.messages)
    generated: JsonValue = request.text[:120]
    return f"messages ({roles}), tools {request.tools}, thinking {request.thinking!r}, last user text {generated!r}"
