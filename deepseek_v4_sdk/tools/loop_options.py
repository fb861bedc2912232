"""The options of a tool loop: its limits, the way in which calls are run, and which of them wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast, get_args

from deepseek_v4_sdk.chat import AskOptions, ChatEvent, ToolCall, is_mapping
from deepseek_v4_sdk.errors import ConfigurationError

__all__ = ["LoopLimits", "LoopOptions", "OnRecovered", "split_options"]

OnRecovered: TypeAlias = Literal["auto", "run", "pending"]
"""The treatment of a call that was read from markup in a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopLimits:
    """The limits of a loop, and the way in which calls are run.

    Attributes:
        max_rounds: Most turns of the model.
        max_total_tokens: Most tokens of all prompts and answers together, as the server counts them; counted here where
            it does not. The turn that goes beyond them is the last.
        deadline: Most seconds. If they end before the first turn has arrived, the loop raises a `PhaseTimeoutError`.
        tool_timeout: Most seconds for one call.
        parallel: Number of calls that run at once.
        raise_tool_errors: Whether an exception of a tool ends the loop; else the model gets its text.
        retry_empty: Whether an empty turn is requested again, with less thinking.
        approve: A callback before each call whose arguments fit, one after another: True runs it, False or a text (the
            reason) denies it, which the model sees, and `Postpone` ends the run with the call pending. With the async
            client it may be async.
        approvals: Decisions about calls that an earlier run left, by their ids: True runs one, False or a text (the
            reason) denies it. `approve` decides about the others, or they stay where there is none.
        on_recovered: The treatment of calls that were read from markup in a text. With "auto" one in V4's own bars
            runs, as the server's own parser would have made it; any other needs an `approve`, or it waits for you.
            "run" runs both, "pending" leaves both to you.
    """

    max_rounds: int = 20
    max_total_tokens: int | None = None
    deadline: float | None = None
    tool_timeout: float | None = None
    parallel: int = 8
    raise_tool_errors: bool = False
    retry_empty: bool = False
    approve: Callable[[ToolCall], object] | None = None
    approvals: Mapping[str, bool | str] | None = None
    on_recovered: OnRecovered = "auto"


class LoopOptions(AskOptions, total=False):
    """The options of a tool loop: those of every request to the model, those of `LoopLimits`, and a callback.

    Attributes:
        on_event: A callback for each event of each turn, as it streams. With the async client it may be async.
    """

    max_rounds: int
    max_total_tokens: int | None
    deadline: float | None
    tool_timeout: float | None
    parallel: int
    raise_tool_errors: bool
    retry_empty: bool
    approve: Callable[[ToolCall], object] | None
    approvals: Mapping[str, bool | str] | None
    on_recovered: OnRecovered
    on_event: Callable[[ChatEvent], object] | None


def split_options(options: Mapping[str, object]) -> tuple[LoopLimits, Mapping[str, object]]:
    """Split the options of a loop into its limits and the options of its requests.

    Raises:
        ConfigurationError: A limit makes no sense.
    """
    names = LoopLimits.__dataclass_fields__
    given = {name: options[name] for name in names if name in options}
    if "approvals" in given:
        given["approvals"] = _decisions(given["approvals"])
    limits = LoopLimits(**cast("dict[str, Any]", given))
    for name in ("max_rounds", "parallel", "max_total_tokens"):
        value = getattr(limits, name)
        if value is not None and (type(value) is not int or value < 1):
            raise ConfigurationError(f"{name} is {value!r}: give a whole number from 1")
    for name in ("deadline", "tool_timeout"):
        value = getattr(limits, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value <= 0):
            raise ConfigurationError(f"{name} is {value!r}: give seconds above 0")
    if limits.on_recovered not in get_args(OnRecovered):
        raise ConfigurationError(f"on_recovered is {limits.on_recovered!r}: give 'auto', 'run' or 'pending'")
    return limits, {name: value for name, value in options.items() if name not in names and name != "on_event"}


def _decisions(value: object) -> dict[str, bool | str] | None:
    """Check the decisions about calls: otherwise a wrong value would let a call run, or not, by accident.

    Raises:
        ConfigurationError: The value is something else.
    """
    if value is None:
        return None
    if not is_mapping(value):
        raise ConfigurationError(f"approvals is {type(value).__name__}: give a mapping of ids of calls")
    decided: dict[str, bool | str] = {}
    for call_id, decision in value.items():
        if not isinstance(decision, bool | str):
            raise ConfigurationError(
                f"approvals[{call_id!r}] is {type(decision).__name__}: give True, or the reason why not"
            )
        decided[call_id] = decision
    return decided
