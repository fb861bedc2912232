"""The ledger and what hooks are told: every HTTP request of a chat, however it ended, and those before it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from deepseek_v4_sdk import (
    AsyncDeepSeekV4,
    Attempt,
    AttemptDetails,
    Cost,
    DeepSeekV4,
    DeepSeekV4Error,
    Hooks,
    Ledger,
    OverloadedError,
    PhaseTimeoutError,
    Price,
    PriceTable,
    Rates,
    RequestDetails,
    StreamClosedError,
    Timeouts,
    Usage,
)
from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.testing.answer import json_answer
from tests.support.any_name import ANY_NAME
from tests.support.duo import named
from tests.transport.limits.still import StrictServer, in_still_time

HELLO = script.text("Hello there, all of you.")


class Told(Hooks):
    """What hooks were told, in words."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def on_request(self, details: Any) -> None:
        self.told.append(f"{details.attempt} {details.method} {details.url.partition('/v')[2]}")

    def on_attempt(self, details: Any) -> None:
        attempt = details.attempt
        self.told.append(f"{attempt.number} ended {attempt.status} {attempt.error or 'well'}")


def test_answers_refusals_and_what_nobody_counted_add_up() -> None:
    ledger = Ledger()
    steps = (faults.status(503), HELLO, HELLO | faults.cut(after_bytes=700), HELLO, HELLO | faults.no_usage())
    client = DeepSeekV4(MockProvider(*steps, flavor=ANY_NAME), model="m", hooks=[ledger], max_retries=1)
    counted = client.chat("one").usage  # after a refusal
    with pytest.raises(DeepSeekV4Error):
        client.chat("two")  # broken off
    with client.stream("three") as stream:
        next(stream)  # left
    client.chat("four")  # without a count
    total = ledger.total
    assert (total.requests, total.counted, total.refused, total.unknown) == (5, 1, 1, 3)
    assert repr(ledger) == f"Ledger({total})"
    assert (total.prompt_tokens, total.completion_tokens) == (counted.prompt_tokens, counted.completion_tokens)


def test_who_leaves_is_told_of_and_listed() -> None:
    told = Told()
    client = DeepSeekV4(MockProvider(default=HELLO, flavor=ANY_NAME), model="m", hooks=[told])
    with client.stream("x") as stream:
        next(stream)
    with pytest.raises(StreamClosedError) as caught:
        stream.reply()
    (attempt,) = caught.value.attempts
    assert (attempt.status, attempt.error, attempt.usage) == (200, "StreamClosedError", None)
    assert told.told == ["1 POST 1/chat/completions", "1 ended 200 StreamClosedError"]


def test_who_is_cancelled_is_told_of() -> None:
    told, ledger = Told(), Ledger()

    async def work() -> None:
        server = StrictServer(seconds=50)
        arguments: Any = {"base_url": "http://slow.invalid", "model": "m", "http_client": server}
        task = asyncio.create_task(AsyncDeepSeekV4("vllm", hooks=[told, ledger], **arguments).chat("x"))
        await asyncio.sleep(10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    in_still_time(work())
    assert told.told == ["1 POST 1/chat/completions", "1 ended 200 StreamClosedError"]
    assert ledger.total.unknown == 1


def test_a_stream_that_was_read_to_its_end_is_told_of_once() -> None:
    told = Told()
    client = DeepSeekV4(MockProvider(default=HELLO, flavor=ANY_NAME), model="m", hooks=[told])
    with client.stream("x") as stream:
        list(stream)
    assert told.told == ["1 POST 1/chat/completions", "1 ended 200 well"]


def test_the_question_for_the_model_is_a_part_of_the_call() -> None:
    """A NIM is asked what it serves; that counts, is told, and shares the retries and the deadline."""
    told, ledger = Told(), Ledger()
    reply = DeepSeekV4(named("nim", HELLO), hooks=[told, ledger]).chat("x")
    assert [(one.number, one.url.rpartition("/v1")[2]) for one in reply.attempts] == [
        (1, "/models"),
        (2, "/chat/completions"),
    ]
    assert told.told == [
        "1 GET 1/models",
        "1 ended 200 well",
        "2 POST 1/chat/completions",
        "2 ended 200 well",
    ]
    assert ledger.total.requests == 1  # questions cost no tokens


class Busy(MockProvider):
    """Its list of models is refused at first."""

    refusals = 2

    def handle(self, method: str, path: str, *rest: Any, **more: Any) -> Any:
        if path.endswith("/models") and self.refusals:
            self.refusals -= 1
            return json_answer(503, {"message": "busy"})
        return super().handle(method, path, *rest, **more)


def busy(*steps: Any) -> MockProvider:
    mock = Busy(*steps, flavor="nim")
    mock.transport._server = mock
    return mock


def test_the_question_for_the_model_shares_the_retries() -> None:
    reply = DeepSeekV4(busy(HELLO), max_retries=2).chat("x")
    assert [one.status for one in reply.attempts] == [503, 503, 200, 200]
    with pytest.raises(OverloadedError) as caught:
        DeepSeekV4(busy(faults.status(503)), max_retries=2).chat("x")
    assert [one.status for one in caught.value.attempts] == [503, 503, 200, 503]
    with pytest.raises(OverloadedError) as caught:
        DeepSeekV4(busy(), max_retries=1).chat("x")
    assert [one.status for one in caught.value.attempts] == [503, 503]


def test_the_question_for_the_model_is_no_retry() -> None:
    errors = []
    for retries in (0, 1, 2):
        mock = named("nim", default=faults.status(503))
        try:
            DeepSeekV4(mock, max_retries=retries).chat("x")
        except DeepSeekV4Error as error:
            errors.append([one.status for one in error.attempts])
    assert errors == [[200, 503], [200, 503, 503], [200, 503, 503, 503]]


def test_the_question_for_the_model_shares_the_deadline() -> None:
    """The chat has what the question has left."""
    slow = named("nim", default=HELLO | faults.slow_prefill(90.0))
    with pytest.raises(PhaseTimeoutError, match=r"timeout\.total") as caught:
        DeepSeekV4(slow, timeout=Timeouts(total=60)).chat("x")
    assert sum(one.seconds for one in caught.value.attempts) <= 60.01
    assert len(caught.value.attempts) == 2


def test_each_question_for_an_accepted_answer_is_told_of() -> None:
    told, ledger = Told(), Ledger()
    mock = MockProvider(HELLO | faults.accepted_then(3), flavor="nvidia")
    reply = DeepSeekV4(mock, model="pro", hooks=[told, ledger]).chat("x")
    requests = [line for line in told.told if "ended" not in line]
    assert len(requests) == len(reply.attempts) == 4
    assert requests[0] == "1 POST 1/chat/completions"
    assert all(line.startswith(f"{number} GET 2/nvcf/pexec/status/") for number, line in enumerate(requests[1:], 2))
    assert [line for line in told.told if "ended" in line] == [
        "1 ended 202 well",
        "2 ended 202 well",
        "3 ended 202 well",
        "4 ended 200 well",
    ]
    assert (ledger.total.requests, ledger.total.counted) == (1, 1)


def test_sums_for_providers_models_and_profiles(tmp_path: Path) -> None:
    file = tmp_path / "deepseek_v4.toml"
    file.write_text('[profiles.one]\nprovider = "mock"\n[profiles.two]\nprovider = "mock"\nflavor = "sglang"\n')
    ledger = Ledger()
    for profile, chats in (("one", 2), ("two", 3)):
        client = DeepSeekV4.from_profile(profile, path=file, hooks=[ledger])
        for _ in range(chats):
            client.with_options(thinking="off").chat("Hello")
    assert {name: spent.requests for name, spent in ledger.by("profile").items()} == {"one": 2, "two": 3}
    client = DeepSeekV4(named("vllm", default=faults.status(401)), model="m", fallback=[named("sglang", HELLO)])
    client.with_options(hooks=[ledger]).chat("Hello")
    providers = ledger.by("provider")
    assert (providers["vllm"].refused, providers["sglang"].counted) == (1, 1)
    assert sum(spent.requests for spent in ledger.by("model").values()) == ledger.total.requests == 7


def test_many_threads_add_up() -> None:
    ledger = Ledger()
    client = DeepSeekV4(MockProvider(default=HELLO, flavor=ANY_NAME, count_tokens=False), model="m", hooks=[ledger])
    with ThreadPoolExecutor(16) as threads:
        replies = list(threads.map(lambda number: client.chat(f"{number}"), range(200)))
    assert ledger.total.requests == ledger.total.counted == 200
    assert ledger.total.completion_tokens == sum(reply.usage.completion_tokens or 0 for reply in replies)


def test_it_does_not_grow() -> None:
    ledger = Ledger()
    attempt = Attempt(number=1, status=200, usage=Usage(prompt_tokens=1, completion_tokens=1))
    for number in range(5_000):
        request = RequestDetails(
            request_id="", provider="vllm", method="POST", url="", model=f"model {number}", is_chat=True
        )
        ledger.on_attempt(AttemptDetails(request=request, attempt=attempt))
    assert len(ledger.by("model")) <= 1_001
    assert ledger.total.requests == ledger.total.prompt_tokens == 5_000


AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def priced(*steps: Any, **arguments: Any) -> DeepSeekV4:
    mock = MockProvider(*steps, default=HELLO, flavor="deepseek", at=AT)
    return DeepSeekV4(mock, model="pro", **arguments)


def test_money_adds_up_beside_tokens() -> None:
    ledger = Ledger()
    client = priced(hooks=[ledger])
    replies = [client.chat("one"), client.chat("two", model="flash")]
    cost = ledger.total.cost
    assert cost is not None
    assert cost.amount == sum(each.amount for each in (reply.cost() for reply in replies) if each is not None) > 0
    assert (cost.unknown, ledger.total.unpriced) == (0, 0)
    for what in ("model", "provider", "profile"):
        parts = [spent.cost for spent in ledger.by(what).values()]  # type: ignore[arg-type]
        total = Cost.total(parts)
        assert total is not None
        assert total.amount == cost.amount
    assert len(ledger.by("model")) == 2


def test_a_sum_with_costs_that_nobody_knows_is_at_least() -> None:
    ledger = Ledger()
    priced(faults.status(503), HELLO, hooks=[ledger]).chat("one")  # a refusal costs nothing
    client = priced(HELLO | faults.cut(after_bytes=700), hooks=[ledger], max_retries=0)
    with pytest.raises(DeepSeekV4Error):
        client.chat("two")
    DeepSeekV4(MockProvider(HELLO), hooks=[ledger]).chat("three")  # a server of one's own
    cost = ledger.total.cost
    assert cost is not None
    assert (cost.unknown, ledger.total.unpriced, ledger.total.refused) == (2, 2, 1)
    assert str(cost).startswith("at least ")
    assert Ledger().total.cost is None


def test_prices_and_a_currency_of_ones_own() -> None:
    rates = Rates(hit=Decimal(1), miss=Decimal(1), output=Decimal(1))
    since, day = datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1)
    table = PriceTable([Price(provider="vllm", currency="EUR", rates=rates, since=since, as_of=day)])
    of_client, own, dollars = Ledger(currency="EUR"), Ledger(prices=table, currency="EUR"), Ledger()
    reply = DeepSeekV4(MockProvider(HELLO), hooks=[of_client, dollars], prices=table).chat("Hi")
    DeepSeekV4(MockProvider(HELLO), hooks=[own]).chat("Hi")
    for ledger in (of_client, own):
        cost = ledger.total.cost
        assert cost is not None
        assert (cost.currency, cost.amount) == ("EUR", Decimal(reply.usage.total_tokens or 0) / 1_000_000)
    assert dollars.total.cost is None


def test_sums_by_what_the_caller_noted() -> None:
    ledger = Ledger()
    client = priced(hooks=[ledger])
    for tenant, job in (("a", 1), ("a", 2), ("b", 1)):
        client.chat("Hi", metadata={"tenant": tenant, "job": job, "note": ["not", "a", "tag"]})
    client.chat("Hi")
    assert {name: spent.requests for name, spent in ledger.by_tag("tenant").items()} == {"a": 2, "b": 1}
    assert {name: spent.requests for name, spent in ledger.by_tag("job").items()} == {"1": 2, "2": 1}
    assert ledger.by_tag("note") == {}
    assert ledger.by_tag("tenant")["a"].cost is not None


def test_tags_without_end_take_no_room_without_end() -> None:
    ledger = Ledger()
    details = AttemptDetails(
        request=RequestDetails(request_id="1", provider="vllm", method="POST", url="", is_chat=True),
        attempt=Attempt(number=1, status=200, usage=Usage(prompt_tokens=1, completion_tokens=1)),
    )
    for number in range(3_000):
        noted = replace(details.request, metadata={"id": number, f"key{number}": 1})
        ledger.on_attempt(replace(details, request=noted))
    sums = ledger.by_tag("id")
    assert len(sums) == 1_001
    assert sums["others"].requests == 2_000
    assert sum(spent.requests for spent in sums.values()) == 3_000
    assert len(ledger._tags) == 100
