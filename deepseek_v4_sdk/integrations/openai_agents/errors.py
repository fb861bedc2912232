"""Errors as OpenAI Agents knows them: each is of the SDK's class and of the framework's."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from agents import exceptions as theirs

import deepseek_v4_sdk as ours
from deepseek_v4_sdk.integrations.common import in_both_trees

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

__all__ = ["as_agents", "raised_as_agents"]

# The first class that an error is of counts. For an API that fails the framework has no class but its base.
_TABLE: Mapping[type[ours.DeepSeekV4Error], type[theirs.AgentsException]] = {
    ours.IncompleteReplyError: theirs.ModelBehaviorError,
    ours.PhaseTimeoutError: theirs.ModelTimeoutError,
    ours.InvalidRequestError: theirs.UserError,
    ours.DeepSeekV4Error: theirs.AgentsException,
}


def as_agents(error: ours.DeepSeekV4Error) -> ours.DeepSeekV4Error:
    """The error as one of both trees."""
    kind = next(known for mine, known in _TABLE.items() if isinstance(error, mine))
    seconds = getattr(error, "seconds", 0.0)
    return in_both_trees(error, kind, message=str(error), run_data=None, timeout_seconds=seconds)


@contextmanager
def raised_as_agents() -> Generator[None, None, None]:
    """Raise the SDK's errors as those of both trees."""
    try:
        yield
    except ours.DeepSeekV4Error as error:
        if isinstance(error, theirs.AgentsException):
            raise
        raise as_agents(error).with_traceback(error.__traceback__) from error.__cause__
