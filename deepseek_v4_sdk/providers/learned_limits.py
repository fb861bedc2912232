"""Limits that servers reveal by refusing and by answering: kept for the process, by address and model."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from deepseek_v4_sdk import errors
from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import JsonValue
from deepseek_v4_sdk.support.forks import new_lock

if TYPE_CHECKING:
    from deepseek_v4_sdk.providers.learned_limits_file import LimitsFile
else:
    LimitsFile = late_type("deepseek_v4_sdk.providers.learned_limits_file", "LimitsFile")

__all__ = ["LEARNED", "RUST", "LearnedLimits", "ServerLimits", "learned_through"]

RUST = "+rust"
"""The suffix for the version of a vLLM whose Rust front end takes the requests."""

_OUTPUT = (
    r"valid range of max_tokens is \[1, (\d+)\]",  # DeepSeek's API
    r"max_(?:completion_)?tokens\b[^.\d]*(?:between|range)[^.\d]*1[^.\d]+(\d{3,})",
    r"max_(?:completion_)?tokens\b[^.]*(?:at most|maximum(?: is| of)?|less than or equal to|<=|exceeds?)"
    r"\D{0,20}(\d{3,})",
)


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """The limits that a server has revealed for one model.

    Attributes:
        window: Its context window in tokens, from a refusal; None when there was none.
        max_output: Most tokens of an answer, or None.
        asked: Its context window from the server's list of models, or None.
        reasoning_in_text: Whether it leaves reasoning in the text.
        version: The server's version, where its answers show it.
    """

    window: int | None = None
    max_output: int | None = None
    reasoning_in_text: bool = False
    version: str | None = None
    asked: int | None = None


_NOTHING = ServerLimits()


class LearnedLimits:
    """The learned limits, by address and model. It may be used from many threads."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str | None], ServerLimits] = {}
        self._versions: dict[str, str] = {}
        self._file: LimitsFile | None = None
        self._lock = new_lock()

    def of(self, base_url: str, model: str | None) -> ServerLimits:
        """The known limits of a model at an address."""
        return self._known.get((base_url, model), _NOTHING)

    def learn(self, base_url: str, model: str | None, error: errors.APIError) -> None:
        """Keep the limits in a refusal, at once: a later success may never come."""
        window, output = None, None
        if isinstance(error, errors.ContextLengthExceededError):
            window = error.limit
        elif isinstance(error, errors.BadRequestError):
            text = str(error)
            output = next((int(match[1]) for pattern in _OUTPUT if (match := re.search(pattern, text))), None)
        if window is None and output is None:
            return
        with self._lock:
            known = self.of(base_url, model)
            self._keep(
                base_url, model, replace(known, window=window or known.window, max_output=output or known.max_output)
            )

    def learn_asked(self, base_url: str, model: str | None, window: int | None) -> None:
        """Keep the window that the server reports.

        If it differs from an earlier report, the server was set up again, and the limits of its refusals are void.
        """
        with self._lock:
            known = self.of(base_url, model)
            if known.asked != window:
                learned = known.window if known.asked is None else None
                self._keep(base_url, model, replace(known, asked=window, window=learned))

    def keep_in(self, path: str | os.PathLike[str]) -> None:
        """Load a file, and keep in it the limits that are learned from now on.

        Raises:
            ConfigurationError: The file holds something else, or cannot be read.
        """
        from deepseek_v4_sdk.providers.learned_limits_file import LimitsFile  # few programs use it

        with self._lock:
            self._file = file = LimitsFile(path)
            for (base_url, model), saved in file.read().items():
                known = self.of(base_url, model)
                window, output = known.window or saved.window, known.max_output or saved.max_output
                asked = known.asked or saved.asked
                self._known[base_url, model] = replace(known, window=window, max_output=output, asked=asked)

    def _keep(self, base_url: str, model: str | None, limits: ServerLimits) -> None:
        self._known[base_url, model] = limits
        if self._file is not None:
            self._file.write(base_url, model, limits)

    def learn_version(self, base_url: str, model: str | None, fingerprint: object) -> None:
        """Keep the version in a fingerprint: vLLM's is `vllm-0.33.0-…`."""
        if not isinstance(fingerprint, str) or not fingerprint.startswith("vllm-"):
            return
        version = fingerprint[5:].partition("-")[0].partition("+")[0]
        if version[:1].isdecimal() and self.of(base_url, model).version != version:
            with self._lock:
                self._known[base_url, model] = replace(self.of(base_url, model), version=version)

    def learn_reported_version(self, base_url: str, version: str) -> None:
        """Keep the version that the server at an address reports."""
        with self._lock:
            self._versions[base_url] = version

    def version_of(self, base_url: str, model: str | None) -> str | None:
        """The version of the server for a model at an address, as it reports or its answers show; else None."""
        return self.of(base_url, model).version or self._versions.get(base_url)

    def learn_reasoning_in_text(self, base_url: str, model: str | None, *, reasoning_in_text: bool) -> None:
        """Keep whether a server leaves reasoning in the text."""
        if self.of(base_url, model).reasoning_in_text != reasoning_in_text:
            with self._lock:
                self._known[base_url, model] = replace(self.of(base_url, model), reasoning_in_text=reasoning_in_text)

    def default_body(
        self, defaults: Mapping[str, JsonValue], base_url: str, model: str | None
    ) -> Mapping[str, JsonValue]:
        """Return a provider's defaults, with `max_tokens` reduced to the server's known limit."""
        limit, known = defaults.get("max_tokens"), self.of(base_url, model).max_output
        if isinstance(limit, int) and known is not None and known < limit:
            return {**defaults, "max_tokens": known}
        return defaults

    def forget(self) -> None:
        """Forget everything."""
        with self._lock:
            self._known.clear()
            self._versions.clear()
            self._file = None


LEARNED = LearnedLimits()
"""The limits that this process has learned."""

_OF_CARRIERS: WeakKeyDictionary[object, LearnedLimits] = WeakKeyDictionary()


def learned_through(transport: object) -> LearnedLimits:
    """The learned limits of a server without an address: two mocks share only their name."""
    return _OF_CARRIERS.setdefault(transport, LearnedLimits())
