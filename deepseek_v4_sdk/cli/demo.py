"""`deepseek-v4 demo`: the main features in half a minute, on the mock inside the package."""

from __future__ import annotations

import sys
import time

from deepseek_v4_sdk import (
    DeepSeekV4,
    Finished,
    IncompleteReplyError,
    ReasoningDelta,
    TextDelta,
    ToolCallReady,
    __version__,
    count_text,
)
from deepseek_v4_sdk.cli.connection import AsJson
from deepseek_v4_sdk.cli.output import say, say_json

__all__ = ["demo"]

_QUESTION = "Why do cats purr?"


def get_weather(city: str) -> str:
    """The weather in a city.

    Args:
        city: Its name.
    """
    return f"18 degrees and sunny in {city}"


def demo(as_json: AsJson = False) -> None:
    """See the main features work: counting, streaming, a tool, an answer that breaks off. No server, no key."""
    if as_json:
        say_json(_run(quiet=True))
        return
    say(f"deepseek_v4_sdk {__version__} on its mock: no server, no key, no GPU", bold=True)
    _run(quiet=False)
    say("\nThe same on your own server", bold=True)
    say("  deepseek-v4 config init            write a file of profiles")
    say("  deepseek-v4 doctor --profile prod  see what works there")
    say("  deepseek-v4 chat --profile prod    talk to it")


def _run(*, quiet: bool) -> dict[str, object]:
    show = _Show(quiet=quiet)
    show.title("Tokens are counted here, exactly")
    tokens = count_text(_QUESTION)
    show.line(f"{_QUESTION!r} has {tokens} tokens")

    show.title("An answer is streamed, its thinking apart from its text")
    with DeepSeekV4("mock") as client, client.stream(_QUESTION, thinking="high") as stream:
        thinks = False
        for event in stream:
            match event:
                case ReasoningDelta(text):
                    thinks = True
                    show.piece(text, dim=True)
                case TextDelta(text):
                    if thinks:
                        show.line("")
                        thinks = False
                    show.piece(text)
                case Finished(reply):
                    show.line("")
                    show.line(f"{reply.finish_reason}, {reply.usage.completion_tokens} tokens", dim=True)
                case _:
                    pass
        answer = stream.reply()

    show.title("The model calls a function")

    def show_call(event: object) -> None:
        if isinstance(event, ToolCallReady):
            show.line(f"-> {event.call.name} {event.call.arguments}")

    with DeepSeekV4("mock") as client:
        run = client.run_tools("What is the weather in Paris?", [get_weather], on_event=show_call)
    for result in run.rounds[0].results:
        show.line(f"<- {result.content}")
    show.line(run.text)

    show.title("An answer that breaks off is an error, with all that had arrived")
    broken = _broken()
    show.line(f"{type(broken).__name__}: {broken}")
    had = broken.partial.text if broken.partial is not None else ""
    show.line(f"had come: {had!r}")
    return {
        "version": __version__,
        "tokens": tokens,
        "answer": answer.text,
        "tool_result": run.rounds[0].results[0].content,
        "broken": type(broken).__name__,
        "partial": had,
    }


def _broken() -> IncompleteReplyError:
    """Return the error for an answer that the server cuts in the middle."""
    from deepseek_v4_sdk.testing import MockProvider, faults, script

    mock = MockProvider(script.text("The sky is blue because") | faults.cut(after_bytes=900))
    with DeepSeekV4(mock) as client:
        try:
            client.chat("Why is the sky blue?", thinking="off")
        except IncompleteReplyError as error:
            return error
    raise AssertionError("an answer that breaks off was taken for a whole one")


class _Show:
    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def title(self, text: str) -> None:
        if not self._quiet:
            say(f"\n{text}", bold=True)

    def line(self, text: str, *, dim: bool = False) -> None:
        if not self._quiet:
            say(f"  {text}" if text else "", dim=dim)

    def piece(self, text: str, *, dim: bool = False) -> None:
        if not self._quiet:
            say(text, dim=dim, end="")
            if sys.stdout.isatty():
                time.sleep(0.02)  # the mock answers at once; a reader needs time to follow
