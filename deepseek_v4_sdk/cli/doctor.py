"""`deepseek-v4 doctor`: what works on a server, and how far the questions are."""

from __future__ import annotations

from typing import TextIO

import typer

from deepseek_v4_sdk import DeepSeekV4, ProbeReport
from deepseek_v4_sdk.cli.connection import AsJson, BaseURL, ConfigFile, Model, ProfileName, ProviderName, connect
from deepseek_v4_sdk.cli.outcome import ExitCode
from deepseek_v4_sdk.cli.output import Raw, say, say_json
from deepseek_v4_sdk.cli.progress import PassingLine

__all__ = ["doctor", "examine"]


def doctor(
    provider: ProviderName = None,
    profile: ProfileName = None,
    base_url: BaseURL = None,
    model: Model = None,
    config: ConfigFile = None,
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """Ask a server a few small things, and print what works, what does not, and which flag would mend it.

    The key is read from the provider's variable, such as VLLM_API_KEY, or as the profile says. The exit code is 0 when
    everything works, 1 when something does not or could not be told, 3 when the server could not be asked.
    """
    report = examine(connect(provider, profile, base_url, model, config), typer.get_text_stream("stderr"))
    if as_json:
        say_json(report.to_dict())
    else:
        say(report)
    if not report.ok:
        raise typer.Exit(ExitCode.FOUND)


def examine(client: DeepSeekV4, progress: TextIO) -> ProbeReport:
    """Probe, and show on a terminal what is asked.

    Raises:
        DeepSeekV4Error: The server lets nobody in, or does not answer at all.
    """
    line = PassingLine(progress)
    with client:
        try:
            return client.probe(on_question=lambda about: line.show(f"asking for {about} ..."))
        finally:
            line.end()
