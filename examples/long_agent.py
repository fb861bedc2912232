"""How does an agent stay inside a window? 300 turns in 64K, and what the prefix cache makes of it.

python examples/long_agent.py
python examples/long_agent.py --plot long_agent.png      # needs matplotlib: pip install 'deepseek-v4-sdk[plot]'
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from typing import Any

from deepseek_v4_sdk import Conversation, DeepSeekV4
from deepseek_v4_sdk.testing import MockProvider, MockRequest, script
from deepseek_v4_sdk.testing.script import Step

WINDOW = 65_536


def read_page(number: int) -> str:
    """Read a page of the report.

    Args:
        number: The page.
    """
    return f"Page {number} of the report.\n" + f"Entry {number}: the figures of the day were checked, and hold.\n" * 60


def model(request: MockRequest, pages: int) -> Step:
    """In place of a model: it reads the next page, as long as there is one."""
    last = str(request.messages[-1]["content"])
    number = int(last.split()[1]) + 1 if last.startswith("Page ") else 1
    if number > pages:
        return script.text(f"All {pages} pages are read, and their figures hold.")
    return script.turn(script.think(f"Page {number} comes next."), script.tool_call("read_page", number=number))


@dataclass(frozen=True)
class Request:
    """The size of a request of the agent, in tokens, and whether its conversation had just been cut."""

    whole: int
    prompt: int
    cached: int
    cut: bool


def run_agent(turns: int) -> list[Request]:
    """Let the agent read a report of so many pages; gives its requests."""
    answers = script.from_function(lambda request: model(request, turns))
    mock = MockProvider(default=answers, flavor="dynamo", window=WINDOW)
    requests: list[Request] = []
    sent = 0
    with DeepSeekV4(mock) as client:
        budget = client.budget()
        talk = Conversation().system("You read reports, page by page.").user("Read all of it. Do the figures hold?")
        with client.tool_rounds(talk, [read_page], max_rounds=turns + 1, max_tokens=4_096, overflow="fit") as rounds:
            for turn in rounds:
                usage = turn.reply.usage
                whole = budget.measure(rounds.messages, [read_page]).total  # as if nothing had been left out
                prompt, cached = usage.prompt_tokens or 0, usage.cached_tokens or 0
                requests.append(Request(whole, prompt, cached, prompt < sent))
                sent = prompt
            print(f"{rounds.run.text}\n")
    return requests


def chart(requests: list[Request], rows: int = 30) -> str:
    """The requests as text: tokens from the cache, tokens read again, and free tokens."""
    lines = ["turn   # from the cache   + read again   . free"]
    step = max(1, len(requests) // rows)
    for number in range(0, len(requests), step):
        group = requests[number : number + step]
        shown = next((request for request in group if request.cut), group[0])
        width = 60
        cached, prompt = (tokens * width // WINDOW for tokens in (shown.cached, shown.prompt))
        bar = "#" * cached + "+" * (prompt - cached) + "." * (width - prompt)
        lines.append(f"{number + 1:>4}   {bar} {shown.prompt:>6,}{'  cut' if shown.cut else ''}")
    return "\n".join(lines)


def told(requests: list[Request]) -> str:
    """The sums."""
    prompts, cached = sum(request.prompt for request in requests), sum(request.cached for request in requests)
    cuts = sum(request.cut for request in requests)
    return (
        f"{len(requests)} requests, the largest prompt {max(request.prompt for request in requests):,} of {WINDOW:,} "
        f"tokens, the whole conversation {requests[-1].whole:,}\n"
        f"{cuts} cuts; {cached / prompts:.1%} of {prompts:,} prompt tokens came from the prefix cache"
    )


def plot(requests: list[Request], path: str) -> None:
    """The requests as a picture."""
    try:
        figures: Any = import_module("matplotlib.figure")
    except ImportError:
        print("there is no matplotlib for the picture: pip install 'deepseek-v4-sdk[plot]'")
        return
    figure = figures.Figure(figsize=(10, 5), layout="constrained")
    axes = figure.add_subplot()
    turns = range(1, len(requests) + 1)
    cached = [request.cached / 1000 for request in requests]
    prompts = [request.prompt / 1000 for request in requests]
    axes.fill_between(turns, cached, color="#4c8c5a", label="from the prefix cache", linewidth=0)
    axes.fill_between(turns, cached, prompts, color="#d9803f", label="read again", linewidth=0)
    axes.plot(turns, [request.whole / 1000 for request in requests], color="#555555", label="the whole conversation")
    axes.axhline(WINDOW / 1000, color="#a03030", linestyle="--", label="the window")
    axes.set(xlabel="turn", ylabel="thousand tokens", xlim=(1, len(requests)), ylim=(0, 2.2 * WINDOW / 1000))
    axes.set_title("An agent in 64K: a few large cuts, and the prefix cache in between")
    axes.legend(loc="upper right", framealpha=1)
    figure.savefig(path, dpi=120)
    print(f"the picture is in {path}")


def main() -> None:
    """Run the agent, and show what it cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", metavar="FILE", help="draw a picture too, such as long_agent.png")
    parser.add_argument("--turns", type=int, default=300, help="how many pages the agent reads")
    arguments = parser.parse_args()
    requests = run_agent(arguments.turns)
    assert all(after.cut or after.prompt >= before.prompt for before, after in pairwise(requests))
    print(chart(requests))
    print(f"\n{told(requests)}")
    if arguments.plot:
        plot(requests, arguments.plot)


if __name__ == "__main__":
    main()
