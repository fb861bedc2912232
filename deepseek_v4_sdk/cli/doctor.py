"""`deepseek-v4 doctor`: what works on a server, and how far the questions are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Self, TextIO

import typer

from deepseek_v4_sdk import DeepSeekV4, ProbeReport
from deepseek_v4_sdk.cli.connection import AsJson, BaseURL, ConfigFile, Model, ProfileName, ProviderName, connect
from deepseek_v4_sdk.cli.outcome import ExitCode

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["doctor", "examine"]


def doctor(
    provider: ProviderName = None,
    profile: ProfileName = None,
    base_url: BaseURL = None,
    model: Model = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Ask a server a few small things, and print what works, what does not, and which flag would mend it.

    The key is read from the provider's variable, such as VLLM_API_KEY, or as the profile says. The exit code is 0 when
    everything works, 1 when something does not or could not be told, 3 when the server could not be asked.
    """
    report = examine(connect(provider, profile, base_url, model, config), typer.get_text_stream("stderr"))
    typer.echo(json.dumps(report.to_dict(), ensure_ascii=False, indent=2) if as_json else str(report))
    if not report.ok:
        raise typer.Exit(ExitCode.FOUND)


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
