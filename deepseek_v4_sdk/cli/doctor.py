"""`deepseek-v4 doctor`: the client that its arguments name, and how far the questions are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TextIO

from deepseek_v4_sdk import ConfigurationError, DeepSeekV4, ProbeReport

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["connect", "examine"]


def connect(provider: str | None, profile: str | None, base_url: str | None, model: str | None) -> DeepSeekV4:
    """A client of the named provider, or of a profile. Keys come from the environment or the profile alone.

    Raises:
        ConfigurationError: There is no such client; the text names what is wrong.
    """
    given = {"base_url": base_url, "model": model}
    changes = {name: value for name, value in given.items() if value is not None}
    if provider is None:
        return DeepSeekV4.from_profile(profile, **changes)  # type: ignore[arg-type]  # each key has its own type
    if profile is not None:
        raise ConfigurationError("--provider and --profile were both given: give one of them")
    return DeepSeekV4(provider, base_url=base_url, model=model)


def examine(client: DeepSeekV4, progress: TextIO) -> ProbeReport:
    """Probe, and show on a terminal what is asked.

    Raises:
        DeepSeekV4Error: The server lets nobody in, or does not answer at all.
    """
    with client, _Progress(progress) as bar:
        return client.probe(on_question=bar.show)


class _Progress:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream if stream.isatty() else None
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write("")
        if self._stream is not None:
            self._stream.write("\r")
            self._stream.flush()

    def show(self, about: str) -> None:
        self._write(f"asking for {about} ...")

    def _write(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write("\r" + text.ljust(self._width))
            self._stream.flush()
            self._width = len(text)
