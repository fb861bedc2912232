"""What does a budget cost? Measuring and fitting a conversation of 5,000 messages and a million tokens that goes on."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from deepseek_v4_sdk import BudgetError, ContextBudget, Conversation
from deepseek_v4_sdk.chat import AssistantMessage, ToolCall, ToolMessage
from deepseek_v4_sdk.context import ClipResults, DropOldest, PromptCounter, Strategy, Summarise

TOOLS = [{"name": "look", "description": "Look it up.", "parameters": {"type": "object", "properties": {}}}]
T = TypeVar("T")


def talk(messages: int, text: int, result: int) -> Conversation:
    """Turns of four messages, with texts and tool results of so many tokens."""
    conversation = Conversation().system("Be brief.")
    for number in range(messages // 4):
        conversation.user(f"Question {number}: " + "why " * text)
        conversation.add(AssistantMessage(None, "think " * (text // 3), (ToolCall(f"c{number}", "look", '{"p": 1}'),)))
        conversation.add(ToolMessage(f"Page {number}\n" + "a line of it\n" * (result // 5), f"c{number}"))
        conversation.add(AssistantMessage("so " * text, "think " * (text // 3)))
    return conversation.user("So?")


def took(run: Callable[[], T]) -> tuple[float, T]:
    """The CPU milliseconds of a call, and what it gave: other programs on the machine do not count."""
    started = time.process_time()
    given = run()
    return (time.process_time() - started) * 1e3, given


def goal(what: str, value: float, bound: float) -> None:
    """Print a figure next to its goal."""
    print(f"  {what:<60} {value:>8.2f} ms   goal <= {bound:g} ms: {'met' if value <= bound else 'MISSED'}")


def figures(name: str, counter: PromptCounter, conversation: Conversation, rounds: int) -> None:
    """The figures of one conversation."""
    large = ContextBudget(4_000_000, 16_384, counter=counter)
    first, measured = took(lambda: large.measure(conversation, TOOLS))
    print(f"\n{name}: {len(conversation):,} messages, {measured.total:,} tokens, first count {first / 1e3:.1f} s")
    measures, fits = [], []
    for number in range(rounds):
        conversation.add(AssistantMessage(f"Well, {number}.")).user(f"And {number}?")
        measures.append(took(lambda: large.measure(conversation, TOOLS))[0])
        fits.append(took(lambda: large.fit(conversation, TOOLS))[0])
    goal("measure, after one more message (median)", statistics.median(measures), 2)
    goal("fit, where all of it fits (median)", statistics.median(fits), 50)
    window = measured.total * 9 // 10
    strategies: dict[str, Strategy | None] = {
        "the default": None,
        "DropOldest": DropOldest(),
        "ClipResults": ClipResults(),
        "Summarise": Summarise(lambda messages: f"{len(messages)} messages"),
    }
    for shown, strategy in strategies.items():
        try:
            cuts = []
            for number in range(max(3, rounds // 5)):  # each a little further than the one before
                budget = ContextBudget(window - 100 * number, 1_000, counter=counter)
                cuts.append(took(lambda: budget.fit(conversation, TOOLS, strategy=strategy))[0])  # noqa: B023
            goal(f"fit, with a cut: {shown} (median)", statistics.median(cuts), 50)
        except BudgetError:
            print(f"  fit, with a cut: {shown} frees too little here")
    fits = []
    budget = ContextBudget(window, 1_000, counter=counter)
    budget.fit(conversation, TOOLS)
    for number in range(rounds):
        conversation.add(AssistantMessage(f"Well, {number}.")).user(f"And {number}?")
        fits.append(took(lambda: budget.fit(conversation, TOOLS))[0])
    goal("fit, between two cuts (median)", statistics.median(fits), 50)


def main() -> None:
    """Print all figures; `--tiny` takes small inputs, to see that it runs."""
    tiny = "--tiny" in sys.argv[1:]
    messages, rounds = (200, 5) if tiny else (5_000, 30)
    for dialect in ("vllm", "recipe"):
        figures(f"{dialect}, texts", PromptCounter.rendering(dialect), talk(messages, 240, 200), rounds)
    figures("vllm, large results", PromptCounter.rendering("vllm"), talk(messages // 4, 60, 3_000), rounds)


if __name__ == "__main__":
    main()
