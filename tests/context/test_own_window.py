"""A window or a budget of the caller's own, who of several places wins, and a refusal that teaches the window."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from deepseek_v4_sdk import (
    AsyncDeepSeekV4,
    BudgetError,
    ConfigurationError,
    ContextBudget,
    ContextLengthExceededError,
    DeepSeekV4,
    InvalidRequestError,
    Repaired,
    Reply,
    UserMessage,
)
from deepseek_v4_sdk.chat import ToolMessage
from deepseek_v4_sdk.context import ClipResults, DropOldest
from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from tests.context.test_overflow import Talk, long_talk, mock_of

PUBLISHED = 1_048_576


class Behind(VLLMFlavor):
    """A server behind a gateway that allows less than it tells."""

    def read(self, path: str, window: int) -> Any:
        return super().read(path, PUBLISHED)


def gateway(window: int = 2_000, *steps: Any, **more: Any) -> MockProvider:
    return MockProvider(*steps, flavor=Behind(), window=window, default=script.text("Hello"), **more)


@pytest.fixture(params=["chat", "stream", "async chat", "async stream"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class TestWindow:
    def test_alone_it_means_raise_and_asks_nobody(self, kind: str) -> None:
        mock = mock_of(window=PUBLISHED)
        talk = Talk(kind, mock)
        with pytest.raises(ContextLengthExceededError) as raised:
            talk.chat("word " * 1_500, window=1_000)
        assert (raised.value.status_code, raised.value.limit) == (None, 1_000)
        assert "1,000 (configured)" in str(raised.value)
        assert talk.chat("word " * 500, window=1_000).text == "Hello"

    def test_of_a_client_and_with_an_overflow(self, kind: str) -> None:
        talk = Talk(kind, mock_of(window=PUBLISHED), window=2_000)
        with pytest.raises(ContextLengthExceededError, match=r"2,000 \(configured\)"):
            talk.chat("word " * 3_000)
        reply = talk.chat(long_talk(), thinking="off", max_tokens=300, overflow="fit")
        assert (reply.usage.prompt_tokens or 0) <= 2_000 - 300
        assert [repair.kind for repair in reply.alarms] == ["fit_request_to_window"]

    def test_a_budget_of_the_client_goes_by_it(self) -> None:
        client = DeepSeekV4(mock_of(window=PUBLISHED), window=64_000)
        assert (client.budget().window, client.budget().window_source) == (64_000, "configured")
        assert client.budget(window=1_000).window == 1_000

    @pytest.mark.parametrize("wrong", [0, -1, 1.5, "64K", True])
    def test_what_is_no_window(self, wrong: Any) -> None:
        with pytest.raises(ConfigurationError, match="window is "):
            DeepSeekV4(MockProvider(), window=wrong)
        with pytest.raises(InvalidRequestError, match="window is "):
            DeepSeekV4(MockProvider()).chat("Hi", window=wrong)

    def test_of_a_profile(self, tmp_path: Any) -> None:
        file = tmp_path / "deepseek_v4.toml"
        file.write_text('[profiles.a]\nprovider = "mock"\nwindow = 1000\noverflow = "clamp"\n', encoding="utf-8")
        client = DeepSeekV4.from_profile("a", path=file)
        reply = client.chat("word " * 500, max_tokens=900)
        assert reply.max_tokens_sent is not None
        assert reply.max_tokens_sent < 500
        assert client.explain()["window"].value == "1000"
        budget = ContextBudget(2_000, 100)
        assert DeepSeekV4.from_profile("a", path=file, overflow=budget)._settings.defaults["overflow"] is budget
        other = DeepSeekV4.from_profile("a", path=file, window=5_000)
        assert (other._settings.defaults["window"], other._settings.defaults["overflow"]) == (5_000, "clamp")


class TestBudget:
    def test_it_fits_with_its_own_strategies_and_reserves(self, kind: str) -> None:
        budget = ContextBudget(2_000, 500, strategies=[ClipResults(max_tokens=100), DropOldest()], low_water=0.9)
        talk = Talk(kind, mock_of(window=PUBLISHED))
        messages: list[Any] = [
            UserMessage("Look it up."),
            {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "look", "arguments": "{}"}}]},
            ToolMessage("word " * 1_900, "a"),
            {"role": "assistant", "content": "It says: word."},
            UserMessage("And now?"),
        ]
        tools = [{"name": "look", "parameters": {"type": "object"}}]
        reply = talk.chat(messages, tools=tools, thinking="off", overflow=budget)
        sent = talk.mock.requests[0].messages
        assert len(sent) == 5  # clipped, and nothing dropped
        assert (reply.usage.prompt_tokens or 0) <= 1_500
        assert [repair.kind for repair in reply.alarms] == ["fit_request_to_window"]

    def test_a_longer_answer_than_reserved_is_kept_room_for(self, kind: str) -> None:
        talk = Talk(kind, mock_of())
        reply = talk.chat(long_talk(), thinking="off", max_tokens=1_000, overflow=ContextBudget(2_000, 100))
        assert (reply.usage.prompt_tokens or 0) <= 1_000

    def test_a_tool_run_in_a_budget(self) -> None:
        """The conversation keeps everything, and what is sent fits."""

        def read(page: int) -> str:
            """Reads a page."""
            return f"Page {page}. " + "word " * 300

        turns = [script.tool_call("read", page=page) for page in range(12)]
        mock = MockProvider(*turns, script.text("Done."), window=2_000, flavor="vllm")
        run = DeepSeekV4(mock).run_tools("Read.", [read], thinking="off", overflow=ContextBudget(2_000, 300))
        assert (run.stopped, run.text) == ("answered", "Done.")
        assert len(run.messages) == 1 + 2 * 12 + 1
        assert max(each.reply.usage.prompt_tokens or 0 for each in run.rounds) <= 1_700

    def test_parse_takes_one(self) -> None:
        mock = MockProvider(script.text('{"n": 1}'), window=PUBLISHED)
        parsed = DeepSeekV4(mock).parse(long_talk(), dict[str, int], overflow=ContextBudget(2_000, 300), thinking="off")
        assert parsed.value == {"n": 1}
        assert len(mock.requests[0].messages) < len(long_talk())


class TestPlaces:
    def test_both_in_one_place(self) -> None:
        budget = ContextBudget(2_000, 100)
        with pytest.raises(ConfigurationError, match="window is given next to a ContextBudget"):
            DeepSeekV4(MockProvider(), window=1_000, overflow=budget)
        with pytest.raises(ConfigurationError, match="window is given next to a ContextBudget"):
            DeepSeekV4(MockProvider()).chat("Hi", window=1_000, overflow=budget)
        with pytest.raises(ConfigurationError, match="window is given next to a ContextBudget"):
            DeepSeekV4(MockProvider()).with_options(window=1_000, overflow=budget)

    def test_a_budget_of_the_call_takes_the_place_of_a_window_of_the_client(self) -> None:
        client = DeepSeekV4(mock_of(window=PUBLISHED), window=500)
        reply = client.chat(long_talk(), thinking="off", overflow=ContextBudget(2_000, 300))
        assert 500 < (reply.usage.prompt_tokens or 0) <= 1_700

    def test_and_the_other_way_round(self) -> None:
        client = DeepSeekV4(mock_of(window=PUBLISHED), overflow=ContextBudget(2_000, 300))
        with pytest.raises(ContextLengthExceededError, match=r"1,000 \(configured\)"):
            client.chat(long_talk(), thinking="off", window=1_000)
        other = client.with_options(window=1_000)
        with pytest.raises(ContextLengthExceededError, match=r"1,000 \(configured\)"):
            other.chat(long_talk(), thinking="off")
        budget = ContextBudget(3_000, 300)
        assert client.with_options(window=1_000).with_options(overflow=budget)._settings.defaults["overflow"] is budget

    def test_other_words_of_the_call_keep_the_window(self) -> None:
        client = DeepSeekV4(mock_of(window=PUBLISHED), window=2_000)
        assert (
            client.chat("word " * 500, max_tokens=5_000, thinking="off", overflow="clamp").max_tokens_sent is not None
        )

    @pytest.mark.parametrize("wrong", ["drop", 3, ContextBudget, object()])
    def test_what_is_no_overflow(self, wrong: Any) -> None:
        with pytest.raises(InvalidRequestError, match="'raise', 'clamp', 'fit' or a ContextBudget"):
            DeepSeekV4(MockProvider()).chat("Hi", overflow=wrong)


class TestLearning:
    @pytest.mark.parametrize("overflow", ["fit", "budget"])
    @pytest.mark.parametrize("max_retries", [0, 2])
    def test_a_refusal_that_tells_the_window_may_shorten_once(self, kind: str, overflow: str, max_retries: int) -> None:
        talk = Talk(kind, gateway(), max_retries=max_retries)
        given: Any = ContextBudget(8_000, 300) if overflow == "budget" else "fit"
        reply = talk.chat(long_talk(), thinking="off", max_tokens=300, overflow=given)
        assert reply.text == "Hello"
        asked = [attempt for attempt in reply.attempts if attempt.is_chat]
        assert [(attempt.status, attempt.error) for attempt in asked] == [
            (400, "ContextLengthExceededError"),
            (200, None),
        ]
        assert "in a window of 2,000 (learned)" in reply.alarms[0].detail
        again = talk.chat(long_talk().user("More?"), thinking="off", max_tokens=300, overflow=given)
        assert len([attempt for attempt in again.attempts if attempt.is_chat]) == 1  # it is known by now

    def test_an_error_event_before_any_other_is_one_too(self, kind: str) -> None:
        text = "This model's maximum context length is 2000 tokens. However, your request has 3000 input tokens."
        talk = Talk(kind, gateway(PUBLISHED, faults.error_event(400, text, after=0)), max_retries=0)
        reply = talk.chat(long_talk(), thinking="off", max_tokens=300, overflow="fit")
        assert [attempt.error for attempt in reply.attempts if attempt.is_chat] == ["ContextLengthExceededError", None]
        assert (reply.usage.prompt_tokens or 0) <= 1_700

    @pytest.mark.parametrize("overflow", [None, "raise", "clamp"])
    def test_otherwise_it_is_raised(self, kind: str, overflow: Any) -> None:
        talk = Talk(kind, gateway())
        with pytest.raises(ContextLengthExceededError) as raised:
            talk.chat(long_talk(), thinking="off", max_tokens=300, overflow=overflow)
        assert raised.value.status_code == 400
        assert len([attempt for attempt in raised.value.attempts if attempt.is_chat]) == 1

    def test_once_and_not_again(self, kind: str) -> None:
        text = "This model's maximum context length is {} tokens. However, your request has 9000 input tokens."
        refusals = [script.error(400, text.format(limit)) for limit in (2_500, 2_000, 1_500)]
        talk = Talk(kind, gateway(PUBLISHED, *refusals))
        with pytest.raises(ContextLengthExceededError) as raised:
            talk.chat(long_talk(), thinking="off", max_tokens=300, overflow="fit")
        assert raised.value.limit == 2_000

    def test_one_that_tells_no_window_teaches_nothing(self, kind: str) -> None:
        talk = Talk(kind, gateway(PUBLISHED, script.error(400, "prompt is too long")))
        with pytest.raises(ContextLengthExceededError):
            talk.chat(long_talk(), thinking="off", overflow="fit")

    def test_it_takes_no_retry_away(self, kind: str) -> None:
        text = "This model's maximum context length is 2000 tokens. However, your request has 9000 input tokens."
        talk = Talk(kind, gateway(PUBLISHED, script.error(400, text), script.error(503, "busy")), max_retries=1)
        reply = talk.chat(long_talk(), thinking="off", max_tokens=300, overflow="fit")
        assert [attempt.status for attempt in reply.attempts if attempt.is_chat] == [400, 503, 200]

    def test_what_cannot_be_made_to_fit_says_by_how_much(self, kind: str) -> None:
        talk = Talk(kind, gateway())
        with pytest.raises(BudgetError, match="does not fit") as raised:
            talk.chat("word " * 3_000, thinking="off", max_tokens=300, overflow="fit")
        assert [attempt.status for attempt in raised.value.attempts if attempt.is_chat] == [400]


def read_page(number: int) -> str:
    """Read a page of the report."""
    return f"Page {number} of the report.\n" + f"Entry {number}: the figures of the day were checked, and hold.\n" * 280


def reads(request: Any) -> Any:
    last = str(request.messages[-1]["content"])
    number = int(last.split()[1]) + 1 if last.startswith("Page ") else 1
    if number > 29:
        return script.text("All pages are read.")
    return script.turn(script.think(f"Page {number} comes next."), script.tool_call("read_page", number=number))


@pytest.mark.parametrize("awaited", [False, True])
def test_an_agent_of_thirty_rounds_in_64k_through_a_server_that_publishes_a_million(*, awaited: bool) -> None:
    """One refusal teaches the window, there is no error, and each cut is an event."""
    flavor = Behind(prompt_tokens_details=True)
    mock = MockProvider(default=script.from_function(reads), flavor=flavor, window=65_536)
    options: Any = {"max_rounds": 40, "max_tokens": 4_096, "overflow": "fit"}
    if awaited:

        async def main() -> list[Any]:
            async with AsyncDeepSeekV4(mock).stream_tools("Read it all.", [read_page], **options) as stream:
                return [event async for event in stream]

        events = asyncio.run(main())
    else:
        with DeepSeekV4(mock).stream_tools("Read it all.", [read_page], **options) as stream:
            events = list(stream)
    run = events[-1].run
    assert (run.stopped, len(run.rounds), run.text) == ("answered", 30, "All pages are read.")
    refused = [attempt for attempt in run.attempts if attempt.status == 400]
    assert len(refused) == 1
    assert len([attempt for attempt in run.attempts if attempt.is_chat]) == 31
    cuts = [event for event in events if isinstance(event, Repaired) and event.repair.kind == "fit_request_to_window"]
    assert 1 <= len(cuts) <= 5
    assert all("in a window of 65,536 (learned)" in event.repair.detail for event in cuts)
    sent = [each.reply.usage.prompt_tokens for each in run.rounds]
    first = next(place for place, each in enumerate(run.rounds) if each.reply.attempts[0].status == 400)
    assert max(sent[first:]) <= 65_536 - 4_096  # room for the answer is kept once the window is known
    assert run.usage.cached_tokens / run.usage.prompt_tokens > 0.8
    assert len(run.messages) == 1 + 2 * 29 + 1


def test_what_a_reply_tells_of_a_cut_that_was_made_before() -> None:
    """It is a note from then on: a person heard of it once."""
    client = DeepSeekV4(mock_of())
    talk = long_talk()
    first: Reply = client.chat(talk, thinking="off", max_tokens=300, overflow="fit")
    second = client.chat(talk.add(first).user("More?"), thinking="off", max_tokens=300, overflow="fit")
    assert [repair.kind for repair in first.alarms] == ["fit_request_to_window"]
    assert not second.alarms
    assert "fit_request_to_window" in [repair.kind for repair in second.repairs]


@pytest.mark.parametrize("kind", [DeepSeekV4, AsyncDeepSeekV4])
def test_a_client_tells_the_window_that_it_knows_without_a_request(kind: Any) -> None:
    mock = MockProvider(default=script.text("Hello."), window=64_000)
    client = kind(mock, model="pro")
    assert client.context_window is None
    assert client.with_options(window=32_000).context_window == 32_000
    asked = client.budget()
    if kind is AsyncDeepSeekV4:
        asyncio.run(asked)
    assert client.context_window == 64_000
    assert kind("nvidia", api_key="k").context_window is None  # no model yet
    assert kind("nvidia", api_key="k", window=9_000).context_window == 9_000
    assert kind("deepseek", api_key="k", model="flash").context_window == PUBLISHED
    assert kind("vllm", base_url="http://localhost:9", model="flash").context_window is None
