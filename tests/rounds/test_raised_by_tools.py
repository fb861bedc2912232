"""Whatever a tool raises becomes its result and nobody else's, or ends the run: alike for plain and for async tools."""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4
from deepseek_v4_sdk.testing import MockProvider, script
from tests.rounds.play import Kind, Play, each_kind, results


class NoMore(StopIteration):
    """What an iterator of somebody's own may raise."""


class Speechless(Exception):
    """Cannot even say what it is."""

    def __str__(self) -> str:
        raise KeyError("text")


class WrongWords(Exception):
    """Its text is no text."""

    def __str__(self) -> str:
        return 7  # type: ignore[return-value]


def of_kind(kind: Kind, body: Callable[[], object]) -> Callable[..., Any]:
    """A tool that does what the body does."""

    def work() -> object:
        """Works."""
        return body()

    async def work_awaited() -> object:
        """Works."""
        await asyncio.sleep(0)
        return body()

    if kind == "awaited":
        work_awaited.__name__ = "work"
        return work_awaited
    return work


def raising(error: BaseException) -> Callable[[], object]:
    def body() -> object:
        raise error

    return body


def a_cancelled_future() -> object:
    future: Future[object] = Future()
    future.cancel()
    return future.result()


def run(kind: Kind, body: Callable[[], object], **options: Any) -> Play:
    play = Play(kind, script.tool_call("work"))
    play.run([of_kind(kind, body)], **options)
    return play


STOPS: list[tuple[Callable[[], object], str]] = [
    (lambda: next(iter(())), "StopIteration"),
    (raising(NoMore("a fine answer")), "NoMore: a fine answer"),
    (lambda: next(filter(str.isupper, ["oslo", "rome"])), "StopIteration"),
    (lambda: next(itertools.islice("abc", 5, None)), "StopIteration"),
    (raising(StopAsyncIteration("over")), "StopAsyncIteration: over"),
]


@each_kind
@pytest.mark.parametrize(("body", "text"), STOPS)
def test_the_end_of_an_iterator_is_an_error_like_any_other(kind: Kind, body: Callable[[], object], text: str) -> None:
    told = results(run(kind, body))
    if kind == "awaited" and not text.startswith("StopAsync"):
        text = "RuntimeError: coroutine raised StopIteration"  # Python's own rule for coroutines
    assert told == [f"error: {text}"]


@each_kind
@pytest.mark.parametrize(
    "error", [StopIteration("x"), NoMore("x"), StopAsyncIteration("x"), asyncio.CancelledError("x")]
)
def test_by_choice_it_is_raised_in_a_form_that_nobody_takes_for_an_end(kind: Kind, error: BaseException) -> None:
    with pytest.raises(RuntimeError, match=f"raised {type(error).__name__}|coroutine raised StopIteration"):
        run(kind, raising(error), raise_tool_errors=True)


@pytest.mark.parametrize("error", [StopIteration("x"), NoMore("x"), StopAsyncIteration("x")])
@pytest.mark.parametrize("where", ["approve", "on_event"])
@each_kind
def test_a_function_of_the_callers_does_not_end_the_iteration_in_silence(
    kind: Kind, where: str, error: Exception
) -> None:
    def fails(_: object) -> object:
        raise error

    with pytest.raises((RuntimeError, StopAsyncIteration)) as raised:
        run(kind, lambda: "fine", **{where: fails})
    assert not isinstance(raised.value, StopAsyncIteration) or kind == "sync"  # there it ends nothing


@each_kind
@pytest.mark.parametrize(
    ("body", "text"),
    [
        (raising(asyncio.CancelledError("the server went away")), "CancelledError: the server went away"),
        (raising(asyncio.CancelledError()), "CancelledError"),
        (a_cancelled_future, "CancelledError"),
    ],
)
def test_a_cancellation_that_nobody_asked_for_is_the_tools_own(
    kind: Kind, body: Callable[[], object], text: str
) -> None:
    assert results(run(kind, body)) == [f"error: {text}"]


async def cancels_a_task_of_its_own() -> str:
    """Works."""
    task = asyncio.create_task(asyncio.Event().wait())
    await asyncio.sleep(0)
    task.cancel("no use")
    await task
    return "never"


async def cancels_itself() -> str:
    """Works."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel("enough")
    await asyncio.sleep(0)
    return "never"


async def waits_for_a_cancelled_future() -> str:
    """Works."""
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    future.cancel()
    return await future


@pytest.mark.parametrize("tool_timeout", [None, 60])
@pytest.mark.parametrize("tool", [cancels_a_task_of_its_own, cancels_itself, waits_for_a_cancelled_future])
def test_what_is_cancelled_inside_leaves_the_siblings_whole(tool: Any, tool_timeout: float | None) -> None:
    async def sibling() -> str:
        """Takes longer."""
        for _ in range(5):
            await asyncio.sleep(0)
        return "fine"

    async def main() -> list[str]:
        turn = script.tool_call(tool.__name__) + script.tool_call("sibling")
        client = AsyncDeepSeekV4(MockProvider(turn, script.text("One of two.")))
        done = await client.run_tools("Go.", [tool, sibling], tool_timeout=tool_timeout)
        assert done.stopped == "answered"
        return [result.content for result in done.rounds[0].results]

    first, second = asyncio.run(main())
    assert first.startswith("error: CancelledError")
    assert second == "fine"


@pytest.mark.parametrize("how", ["cancel", "wait_for", "timeout"])
def test_who_cancels_the_run_ends_it_and_its_tools(how: str) -> None:
    ended: list[str] = []
    begun = asyncio.Event()

    async def work() -> str:
        """Works."""
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")
        return "never"

    async def main() -> None:
        client = AsyncDeepSeekV4(MockProvider(script.tool_call("work"), script.text("never")))
        if how == "cancel":
            task = asyncio.create_task(client.run_tools("Go.", [work]))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        elif how == "wait_for":
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.run_tools("Go.", [work]), 0.2)
        else:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await client.run_tools("Go.", [work])

    asyncio.run(main())
    assert ended == ["work"]


async def in_a_task_group() -> str:
    """Works."""

    async def fails(error: Exception) -> None:
        raise error

    async with asyncio.TaskGroup() as group:
        group.create_task(fails(ConnectionError("the server is down")))
    return "never"


def test_a_task_group_tells_what_went_wrong_in_it() -> None:
    async def main() -> str:
        client = AsyncDeepSeekV4(MockProvider(script.tool_call("in_a_task_group"), script.text("It is down.")))
        return (await client.run_tools("Go.", [in_a_task_group])).rounds[0].results[0].content

    assert asyncio.run(main()) == "error: ConnectionError: the server is down"


@each_kind
@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ExceptionGroup("a", [ExceptionGroup("b", [ValueError("bad city")])]), "ValueError: bad city"),
        (ExceptionGroup("a", [ValueError("bad city"), KeyError("zip")]), "ValueError: bad city; KeyError: 'zip'"),
        (ExceptionGroup("a", [OSError("disk"), ExceptionGroup("b", [OSError("disk")])]), "OSError: disk"),
        (BaseExceptionGroup("a", [asyncio.CancelledError(), ValueError("x")]), "CancelledError; ValueError: x"),
        (
            ExceptionGroup("many", [ValueError(str(number)) for number in range(5000)]),
            "; ".join(f"ValueError: {number}" for number in range(8)) + "; and 4992 more",
        ),
        (Speechless(), "Speechless (its text cannot be read)"),
        (WrongWords(), "WrongWords (its text cannot be read)"),
        (ExceptionGroup("a", [Speechless(), OSError("disk")]), "Speechless (its text cannot be read); OSError: disk"),
        (ValueError(), "ValueError"),
    ],
)
def test_the_reason_is_told_and_not_the_group(kind: Kind, error: BaseException, text: str) -> None:
    assert results(run(kind, raising(error))) == [f"error: {text}"]


class Ends(BaseException):
    """Of nobody here."""


@each_kind
@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), Ends("all"), GeneratorExit()])
@pytest.mark.parametrize("told", [True, False])
def test_what_ends_programs_ends_the_run_as_it_is(kind: Kind, error: BaseException, told: bool) -> None:
    play = Play(kind, script.tool_call("work"))
    with pytest.raises(type(error)) as raised:
        play.run([of_kind(kind, raising(error))], raise_tool_errors=not told)
    assert raised.value is error
    play.goes_on()


@each_kind
def test_a_group_with_such_a_thing_in_it_does_too(kind: Kind) -> None:
    with pytest.raises(BaseExceptionGroup):
        run(kind, raising(BaseExceptionGroup("a", [ValueError("x"), SystemExit(1)])))


def counts(upto: int) -> Iterator[int]:
    """Counts."""
    yield from range(upto)


async def counts_slowly(upto: int) -> AsyncIterator[int]:
    """Counts."""
    for number in range(upto):
        await asyncio.sleep(0)
        yield number


class Counter:
    """Counts when it is called."""

    async def __call__(self, upto: int) -> AsyncIterator[int]:
        """Counts."""
        for number in range(upto):
            yield number


@functools.wraps(counts_slowly)
def hidden(upto: int) -> object:
    return counts_slowly(upto)


async def handed_over(upto: int) -> object:
    """Counts."""
    return counts_slowly(upto)


@pytest.mark.parametrize("upto", [0, 3])
@pytest.mark.parametrize(
    "tool", [counts, counts_slowly, Counter(), hidden, handed_over, functools.partial(counts_slowly)]
)
def test_the_items_of_a_generator_are_a_list(tool: Any, upto: int) -> None:
    async def main() -> list[str]:
        from deepseek_v4_sdk.tools import as_tool

        made = as_tool(tool)
        client = AsyncDeepSeekV4(MockProvider(script.tool_call(made.name, upto=upto), script.text("Done.")))
        return [result.content for result in (await client.run_tools("Go.", [made])).rounds[0].results]

    assert asyncio.run(main()) == [str(list(range(upto)))]


def test_a_generator_that_fails_half_way_is_an_error() -> None:
    async def half() -> AsyncIterator[int]:
        """Counts."""
        yield 1
        raise OSError("half way")

    async def main() -> str:
        client = AsyncDeepSeekV4(MockProvider(script.tool_call("half"), script.text("Done.")))
        return (await client.run_tools("Go.", [half])).rounds[0].results[0].content

    assert asyncio.run(main()) == "error: OSError: half way"


def test_the_blocking_client_refuses_async_generators_and_takes_plain_ones() -> None:
    mock = MockProvider(script.tool_call("counts", upto=2), script.text("Done."))
    assert DeepSeekV4(mock).run_tools("Go.", [counts]).rounds[0].results[0].content == "[0, 1]"
    with pytest.raises(Exception, match="is async: use AsyncDeepSeekV4"):
        DeepSeekV4(mock).run_tools("Go.", [counts_slowly])
    mock = MockProvider(script.tool_call("hidden_one"))

    def hidden_one() -> object:
        """Counts."""
        return counts_slowly(2)

    with pytest.raises(Exception, match="is async: use AsyncDeepSeekV4"):
        DeepSeekV4(mock).run_tools("Go.", [hidden_one])
