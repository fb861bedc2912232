"""How do I let the model run my functions, several at once, and answer with what they say?

python examples/weather_tool.py
python examples/weather_tool.py --profile vllm "Where is it warmer, in Oslo or in Rome?"
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Literal

from deepseek_v4_sdk import ChatEvent, DeepSeekV4, ReasoningDelta, TextDelta, ToolCallReady, tool
from deepseek_v4_sdk.testing import MockProvider, script

DEGREES = {"Paris": 18, "Oslo": 4, "Rome": 23}


@tool
def get_weather(city: str, unit: Literal["celsius", "fahrenheit"] = "celsius") -> str:
    """The weather in a city right now.

    Args:
        city: The city's English name.
        unit: The unit of the temperature.
    """
    if city not in DEGREES:
        raise LookupError(f"no weather for {city!r}; there is some for {', '.join(DEGREES)}")
    degrees = DEGREES[city]
    return f"{degrees * 9 / 5 + 32:g} °F" if unit == "fahrenheit" else f"{degrees} °C"


def scripted() -> DeepSeekV4:
    """A model that looks in two places, one of them wrong, corrects itself, and answers."""
    return DeepSeekV4(
        MockProvider(
            script.think("Two cities, so two calls.")
            + script.text("Let me look.")
            + script.tool_call("get_weather", city="Rome")
            + script.tool_call("get_weather", city="Olso"),
            script.think("I mistyped one.") + script.tool_call("get_weather", city="Oslo"),
            script.text("It is warmer in Rome: 23 °C against 4 °C in Oslo."),
        )
    )


class Printer:
    """Prints what happens, while it happens."""

    def __init__(self) -> None:
        self.section = ""

    def __call__(self, event: ChatEvent) -> None:
        """Take one event of any turn."""
        match event:
            case ReasoningDelta(text):
                self.piece("thinking", text)
            case TextDelta(text):
                self.piece("says", text)
            case ToolCallReady(call):
                self.section = "call"
                print(f"\n[call] {call.name} {call.arguments}", end="", flush=True)
            case _:
                pass

    def piece(self, section: str, text: str) -> None:
        """Print a piece of text, after a label where a new one begins."""
        if section != self.section:
            print(f"\n[{section}] ", end="")
            self.section = section
        print(text, end="", flush=True)


def main() -> None:
    """Ask, let the loop run, and say how it ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", nargs="?", default="Where is it warmer, in Rome or in Oslo?")
    parser.add_argument("--profile", help="a name from the file of profiles; without it a scripted mock answers")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("deepseek_v4.toml"))
    arguments = parser.parse_args()

    client = scripted() if arguments.profile is None else None
    with client or DeepSeekV4.from_profile(arguments.profile, path=arguments.config) as client:
        print(f"{client.provider} at {client.base_url}: {arguments.question}", end="")
        printer = Printer()
        rounds = client.tool_rounds(arguments.question, [get_weather], max_rounds=5, deadline=300, on_event=printer)
        with rounds:
            for turn in rounds:
                for result in turn.results:
                    print(f"\n[result] {result.content}", end="")
                printer.section = ""
        run = rounds.run
        print(f"\n[{run.stopped}] rounds: {len(run.rounds)}")


if __name__ == "__main__":
    main()
