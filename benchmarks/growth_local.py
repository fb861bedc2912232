"""Rows of growth.py that ask nobody: conversations, counting, budgets, documents, profiles, ledgers and recordings."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import httpx
from growth_rows import MODEL, ROWS, Run, ended, event, failing, row, simple, specs, talk, words

from deepseek_v4_sdk import (
    Attempt,
    Conversation,
    DeepSeekV4,
    Document,
    Ledger,
    RequestDetails,
    ToolMessage,
    cache_report,
    cache_use,
    count_text,
    lint_cache,
    pack,
)
from deepseek_v4_sdk.chat.hooks import AttemptDetails
from deepseek_v4_sdk.testing import MockProvider, Recorder, Replayer, make_events, make_reply, script
from deepseek_v4_sdk.testing.cassettes.cassette import RecordedExchange, read_cassette, write_exchange
from deepseek_v4_sdk.tokens.stable_prefix import STABLE_PREFIXES

__all__ = ["ROWS"]

STREAM = {"content-type": "text/event-stream"}


def fresh() -> DeepSeekV4:
    """A client that only counts. It forgets earlier counts."""
    STABLE_PREFIXES.clear()
    return DeepSeekV4("vllm", base_url="http://localhost", model=MODEL)


def open_calls(messages: int) -> Conversation:
    """A conversation whose calls have no results."""
    return Conversation([message for message in talk(messages) if not isinstance(message, ToolMessage)])


def on(conversation: Conversation, name: str) -> Run:
    """A method of a copy of a conversation."""
    return lambda: getattr(conversation.copy(), name)()


def reading(text: str) -> Run:
    """A conversation read back."""
    return lambda: Conversation.from_json(text)


simple("Conversation.add", "messages", 1_000, lambda n: lambda: talk(n))
simple("Conversation.to_json", "messages", 2_000, lambda n: on(talk(n), "to_json"))
simple("Conversation.from_json", "messages", 2_000, lambda n: reading(talk(n).to_json()))
simple("Conversation.validate", "messages", 2_000, lambda n: on(talk(n), "validate"))
simple("Conversation.validate", "messages, all wrong", 2_000, lambda n: on(open_calls(n), "validate"))
simple("Conversation.repair", "messages, all wrong", 2_000, lambda n: on(open_calls(n), "repair"))


def counting(messages: Any, tools: Any = ()) -> Run:
    """A first count."""
    return lambda: fresh().count_tokens(messages, tools)


def budgeted(messages: Any, window: int, method: str) -> Run:
    """A method of a budget."""
    return lambda: getattr(fresh().budget(window=window), method)(messages)


def long_results(size: int) -> Conversation:
    """Four turns whose results share so many characters."""
    return Conversation(
        [
            ToolMessage(words(size // 4), message.tool_call_id) if isinstance(message, ToolMessage) else message
            for message in talk(16)
        ]
    )


simple("count_text", "characters", 250_000, lambda n: (lambda text: lambda: count_text(text))(words(n)))
simple("count_text", "characters without a blank", 50_000, lambda n: (lambda text: lambda: count_text(text))("a" * n))
simple("count_tokens", "messages", 500, lambda n: counting(talk(n)))
simple("count_tokens", "tools", 250, lambda n: counting("x", specs(n)))
simple("budget.measure", "messages", 500, lambda n: budgeted(talk(n), 4_000_000, "measure"))
simple("budget.fit", "messages, half of which fit", 500, lambda n: budgeted(talk(n), 20 * n, "fit"))
simple(
    "budget.fit",
    "characters of results, half of which fit",
    100_000,
    lambda n: budgeted(long_results(n), n // 10, "fit"),
)
simple("budget.max_tokens_for", "messages", 500, lambda n: budgeted(talk(n), 4_000_000, "max_tokens_for"))


def packing(documents: list[Document], budget: int) -> Run:
    """Documents into one text."""
    return lambda: pack(documents, budget, policy="clip")


simple(
    "pack",
    "documents, half of which fit",
    250,
    lambda n: packing([Document(f"d{at}", words(500)) for at in range(n)], 50 * n),
)
simple(
    "pack",
    "characters of a document, half of which fit",
    250_000,
    lambda n: packing([Document("d", words(n))], n // 10),
)


@row("pack", "files of a folder", 100)
def files(size: int, folder: Path) -> Run:
    """A folder of small files."""
    inner = folder / f"files{size}"
    inner.mkdir(exist_ok=True)
    for number in range(size):
        (inner / f"{number}.txt").write_text(words(200), "utf-8")
    return lambda: pack([inner], 10_000_000)


def compared(size: int) -> Run:
    """A conversation and the same one going on."""
    before = talk(size)
    after = before.copy().user("More.")
    return lambda: cache_report(list(before), list(after))


def linted(size: int) -> Run:
    """A system message full of what changes."""
    said = [{"role": "system", "content": "At 2026-01-01 10:00:00 " * (size // 23)}, {"role": "user", "content": "x"}]
    return lambda: lint_cache(said)


simple("cache_report", "messages", 500, compared)
simple("lint_cache", "messages", 500, lambda n: (lambda said: lambda: lint_cache(said))(list(talk(n))))
simple("lint_cache", "characters that change", 50_000, linted)
simple("cache_use", "replies", 5_000, lambda n: (lambda replies: lambda: cache_use(replies))([make_reply()] * n))


def fallbacks(size: int) -> Run:
    """A client with fallbacks."""
    return lambda: DeepSeekV4("vllm", base_url="http://a", model=MODEL, fallback=[DeepSeekV4("mock")] * size)


def replicas(size: int) -> Run:
    """A client of many replicas."""
    return lambda: DeepSeekV4("vllm", endpoints=[f"http://h{at}" for at in range(size)], model=MODEL)


def asking_replicas(size: int) -> Run:
    """Calls to a server of many replicas."""
    mocks = [MockProvider(default=script.text("a"), count_tokens=False) for _ in range(size)]
    several = DeepSeekV4("vllm", endpoints=mocks, model=MODEL)
    return lambda: [several.chat("x") for _ in range(20)]


def failing_over(size: int) -> Run:
    """A call that all but the last refuse."""

    def run() -> None:
        others: list[Any] = [MockProvider(script.error(503), count_tokens=False) for _ in range(size)]
        last = MockProvider(script.text("a"), count_tokens=False)
        DeepSeekV4(others[0], model=MODEL, max_retries=size, fallback=[*others[1:], last]).chat("x")

    return run


simple("DeepSeekV4", "endpoints", 50, replicas)
simple("DeepSeekV4", "fallbacks", 50, fallbacks)
simple("chat", "fallbacks, all but the last refuse", 20, failing_over)
simple("chat", "endpoints", 50, asking_replicas)


def profiles(folder: Path, size: int, end: str = "") -> Path:
    """A file of so many profiles."""
    file = folder / f"profiles{size}{bool(end)}.toml"
    tables = (f'[profiles.p{at}]\nprovider = "mock"\nfallback = ["p{at + 1}"]\n' for at in range(size))
    file.write_text(f'default = "p{size}"\n{"".join(tables)}[profiles.p{size}]\nprovider = "mock"\n{end}', "utf-8")
    return file


@row("from_profile", "profiles", 500)
def profile(size: int, folder: Path) -> Run:
    """One of many."""
    file = profiles(folder, size)
    return lambda: DeepSeekV4.from_profile(path=file)


@row("from_profile", "profiles that fall back to each other", 50)
def chained(size: int, folder: Path) -> Run:
    """The first of a long row."""
    file = profiles(folder, size)
    return lambda: DeepSeekV4.from_profile("p0", path=file)


@row("from_profile", "profiles, an error in the last", 500)
def wrong(size: int, folder: Path) -> Run:
    """A mistake at the end."""
    file = profiles(folder, size, 'thinkin = "low"\n')
    return failing(lambda: DeepSeekV4.from_profile(path=file))


@row("from_profile", "profiles of a file that was found, a key in the last", 500)
def found(size: int, folder: Path) -> Run:
    """A file of the working directory that asks for more than it may."""
    inner = folder / f"found{size}"
    inner.mkdir(exist_ok=True)
    profiles(folder, size, 'api_key_command = ["key"]\n').replace(inner / "deepseek_v4.toml")

    def run() -> None:
        with contextlib.chdir(inner):
            DeepSeekV4.from_profile()

    return failing(run)


@row("explain_profile", "profiles", 500)
def explained(size: int, folder: Path) -> Run:
    """The origins of each value."""
    file = profiles(folder, size)
    return lambda: DeepSeekV4.explain_profile(path=file)


def ledger(size: int) -> Run:
    """Requests of as many models."""

    def run() -> None:
        kept = Ledger()
        for number in range(size):
            request = RequestDetails(
                request_id="1",
                provider="vllm",
                method="POST",
                url="",
                model=f"m{number}",
                profile=f"p{number}",
                is_chat=True,
                metadata={"tenant": number},
            )
            attempt = Attempt(number=1, status=200, usage=make_reply().usage)
            kept.on_attempt(AttemptDetails(request=request, attempt=attempt))
        kept.by("model")
        kept.by("profile")
        kept.by_tag("tenant")
        repr(kept)

    return run


simple("Ledger", "requests, each of a different model", 1_000, ledger)


def exchanges(size: int) -> list[RecordedExchange]:
    """Calls that were recorded."""
    return [
        RecordedExchange(
            provider="vllm",
            path="/v1/chat/completions",
            request_body=b'{"model": "m", "messages": [{"role": "user", "content": "%d"}]}' % number,
            status=200,
            headers=STREAM,
            parts=(ended(event({"content": f"{number}"})),),
        )
        for number in range(size)
    ]


def replaying(size: int, match: Any, order: int) -> Run:
    """Every recorded request, asked again: forwards or backwards."""
    recorded = exchanges(size)

    def run() -> None:
        replayer = Replayer(recorded, match=match)
        for exchange in recorded[::order]:
            replayer.handle("POST", exchange.path, {}, exchange.request_body)

    return run


simple("Replayer", "exchanges, strict", 500, lambda n: replaying(n, "strict", 1))
simple("Replayer", "exchanges, normalised", 250, lambda n: replaying(n, "normalised", 1))
simple("Replayer", "exchanges, normalised and backwards", 250, lambda n: replaying(n, "normalised", -1))


@row("Replayer", "exchanges of a file", 500)
def cassette(size: int, folder: Path) -> Run:
    """A file of exchanges."""
    file = folder / f"exchanges{size}.jsonl"
    file.write_bytes(b"".join(map(write_exchange, exchanges(size))))
    return lambda: read_cassette(file)


@row("Recorder", "exchanges", 50)
def recording(size: int, folder: Path) -> Run:
    """Calls that are written down, one line each."""
    file = folder / f"recorded{size}.jsonl"
    said = ended(event({"content": "a"}))

    def run() -> None:
        file.unlink(missing_ok=True)
        recorder = Recorder("vllm", path=file, base_url="http://localhost")
        answers = httpx.MockTransport(lambda _: httpx.Response(200, headers=STREAM, content=said))
        with httpx.Client(transport=recorder.wrap_transport(answers)) as carrier:
            for _ in range(size):
                carrier.post("http://localhost/v1/chat/completions", json={"model": "m"})

    return run


def scripted(size: int) -> Run:
    """A script of so many answers, all asked for."""

    def run() -> None:
        with MockProvider(*[script.text("a")] * size, count_tokens=False) as mock:
            asked = DeepSeekV4(mock, model=MODEL)
            for _ in range(size):
                asked.chat("x")

    return run


def spoken(size: int) -> Run:
    """A long scripted answer."""
    return lambda: DeepSeekV4(MockProvider(script.text(words(size)), count_tokens=False), model=MODEL).chat("x")


simple("MockProvider", "steps", 50, scripted)
simple("MockProvider", "characters of an answer", 20_000, spoken)
simple("make_events", "characters", 50_000, lambda n: (lambda text: lambda: make_events(text))(words(n)))
