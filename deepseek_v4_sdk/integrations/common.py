"""Shared parts of the adapters: errors of two trees, and calls that came out of markup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from deepseek_v4_sdk import AsyncDeepSeekV4, ConfigurationError, DeepSeekV4, DeepSeekV4Error, LostToolCallError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepseek_v4_sdk import Reply, ToolCall

__all__ = ["OnRecovered", "check_recovered", "in_both_trees", "must_be_async"]

OnRecovered: TypeAlias = Literal["auto", "run"]
"""The action for a call that was read from markup that no server takes for a call.

"auto" raises `LostToolCallError`; "run" passes the call to the framework, which runs it. Both pass on calls in V4's
own markup, with a mark.
"""


def must_be_async(client: object, where: str) -> AsyncDeepSeekV4:
    """The client of a framework that is async only.

    Raises:
        ConfigurationError: It is not an async client.
    """
    if isinstance(client, AsyncDeepSeekV4):
        return client
    hint = "give client.as_async()" if isinstance(client, DeepSeekV4) else "give an AsyncDeepSeekV4"
    raise ConfigurationError(f"{where} got client={type(client).__name__}: {hint}")


_CLASSES: dict[tuple[type[Exception], ...], type[Exception]] = {}


def in_both_trees(error: DeepSeekV4Error, *theirs: type[Exception], **attributes: object) -> DeepSeekV4Error:
    """The same error as one of the SDK's class and of classes of a framework, so that either `except` catches it.

    It has the text, the notes and all attributes of the SDK's error. It can be pickled.

    Args:
        error: The error.
        theirs: The classes of the framework.
        attributes: The attributes that their constructors would set; those of the SDK's error win.
    """
    return _rebuild(type(error), theirs, error.args, {**attributes, **error.__dict__})


def _rebuild(
    ours: type[DeepSeekV4Error],
    theirs: tuple[type[Exception], ...],
    args: tuple[object, ...],
    state: Mapping[str, object],
) -> DeepSeekV4Error:
    made = _CLASSES.get((ours, *theirs))
    if made is None:
        body = {"__doc__": ours.__doc__, "__module__": ours.__module__, "__reduce__": _reduce}
        made = _CLASSES[ours, *theirs] = type(ours.__name__, (ours, *theirs), body)
    combined = made.__new__(made)
    combined.args = args
    combined.__dict__.update(state)
    return cast("DeepSeekV4Error", combined)


def _reduce(self: DeepSeekV4Error) -> tuple[object, ...]:
    ours, *theirs = type(self).__bases__
    return _rebuild, (ours, tuple(theirs), self.args, self.__dict__)


_NEVER_A_CALL = frozenset({"ascii", "doubled"})


def check_recovered(calls: tuple[ToolCall, ...], on_recovered: OnRecovered, partial: Reply) -> None:
    """Refuse calls that were read from markup that no server takes for a call: any text may contain it.

    Raises:
        LostToolCallError: There is one, and `on_recovered` is not "run".
    """
    if on_recovered == "run":
        return
    for call in calls:
        if call.bars in _NEVER_A_CALL:
            lost = LostToolCallError(
                f"the call of {call.name!r} was read from markup with {call.bars} bars, which no server reads as a "
                "call and any text may hold: it is not handed on; give on_recovered='run' to run such calls"
            )
            lost.raw = call.arguments
            raise lost.about(partial=partial, request_id=partial.request_id)
