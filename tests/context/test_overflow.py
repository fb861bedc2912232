"""The option `overflow`: what is done before a chat is sent whose prompt or answer does not fit."""

from __future__ import annotations

import asyncio
import threading
from itertools import pairwise
from typing import Any

import pytest

from deepseek_v4_sdk import (
    AsyncDeepSeekV4,
    BudgetError,
    ContextLengthExceededError,
    Conversation,
    DeepSeekV4,
    InvalidRequestError,
    Reply,
)
from deepseek_v4_sdk.chat import AssistantMessage, ChatRequest
from deepseek_v4_sdk.client import prompt_count as counting
from deepseek_v4_sdk.providers import EncodedChat, Target
from deepseek_v4_sdk.providers.chat_completions import ChatCompletions
from deepseek_v4_sdk.testing import MockProvider, script
from tests.context.talks import growing

FLAVORS = ("vllm", "sglang", "nim", "dynamo")
WINDOW = 2_000


class Talk:
    """A client of either kind, asked in either way."""

    def __init__(self, kind: str, mock: MockProvider, **arguments: Any) -> None:
        self.kind, self.mock = kind, mock
        arguments = {"model": "pro", **arguments}
        self.client: Any = (AsyncDeepSeekV4 if "async" in kind else DeepSeekV4)(mock, **arguments)

    def chat(self, messages: Any, **options: Any) -> Reply:
        if self.kind == "chat":
            return self.client.chat(messages, **options)  # type: ignore[no-any-return]
        if self.kind == "stream":
            with self.client.stream(messages, **options) as stream:
                return stream.reply()  # type: ignore[no-any-return]

        async def ask() -> Reply:
            if self.kind == "async chat":
                return await self.client.chat(messages, **options)  # type: ignore[no-any-return]
            async with self.client.stream(messages, **options) as stream:
                return await stream.reply()  # type: ignore[no-any-return]

        return asyncio.run(ask())


@pytest.fixture(params=["chat", "stream", "async chat", "async stream"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def mock_of(flavor: str = "vllm", window: int = WINDOW) -> MockProvider:
    return MockProvider(flavor=flavor, window=window, default=script.text("Hello"))


@pytest.mark.parametrize("flavor", FLAVORS)
class TestRaise:
    def test_a_prompt_that_is_too_long(self, kind: str, flavor: str) -> None:
        talk = Talk(kind, mock_of(flavor))
        with pytest.raises(ContextLengthExceededError) as raised:
            talk.chat("word " * 3_000, thinking="off", overflow="raise")
        error = raised.value
        assert (error.status_code, error.limit) == (None, WINDOW)
        assert error.prompt_tokens is not None
        assert error.prompt_tokens > 3_000
        assert error.requested == error.prompt_tokens + 1
        assert "2,000 (asked)" in str(error)
        assert not talk.mock.requests

    def test_an_answer_that_would_not_fit(self, kind: str, flavor: str) -> None:
        talk = Talk(kind, mock_of(flavor))
        with pytest.raises(ContextLengthExceededError) as raised:
            talk.chat("word " * 1_500, thinking="off", max_tokens=1_000, overflow="raise")
        assert raised.value.requested == (raised.value.prompt_tokens or 0) + 1_000
        assert not talk.mock.requests

    def test_what_fits_goes_out_as_it_is(self, kind: str, flavor: str) -> None:
        talk = Talk(kind, mock_of(flavor))
        reply = talk.chat("word " * 1_500, thinking="off", max_tokens=100, overflow="raise")
        assert (reply.text, reply.max_tokens_sent) == ("Hello", 100)
        assert not [repair for repair in reply.repairs if repair.kind != "model_alias"]


@pytest.mark.parametrize("flavor", FLAVORS)
class TestClamp:
    def test_the_limit_is_lowered_and_that_is_told(self, kind: str, flavor: str) -> None:
        talk = Talk(kind, mock_of(flavor))
        reply = talk.chat("word " * 1_500, thinking="off", max_tokens=1_000, overflow="clamp")
        prompt = reply.usage.prompt_tokens or 0
        # SGLang ends an answer two tokens early; where the version is not known, the count may be off by a hundred.
        assert reply.max_tokens_sent == WINDOW - prompt - {"vllm": 0, "sglang": 2}.get(flavor, 100)
        [note] = [repair.detail for repair in reply.repairs if repair.kind == "max_tokens"]
        why = f"the prompt has {prompt:,} tokens of the window of 2,000 (asked)"
        assert note == f"lowered from 1,000 to {reply.max_tokens_sent}: {why}"
        assert [request.body["max_tokens"] for request in talk.mock.requests] == [reply.max_tokens_sent]

    def test_a_prompt_that_leaves_nothing(self, kind: str, flavor: str) -> None:
        talk = Talk(kind, mock_of(flavor))
        words = {"vllm": 2_000, "sglang": 1_990}.get(flavor, 1_950)
        with pytest.raises(ContextLengthExceededError) as raised:
            talk.chat("word " * words, thinking="off", max_tokens=10, overflow="clamp")
        assert not talk.mock.requests
        kept_free = "100 tokens are kept free, for the count may be off: give server_version"
        assert (kept_free in str(raised.value)) is (flavor not in {"vllm", "sglang"})

    def test_no_limit_is_made_up(self, kind: str, flavor: str) -> None:
        talk = Talk(kind, mock_of(flavor))
        reply = talk.chat("word " * 1_500, thinking="off", overflow="clamp")
        assert reply.max_tokens_sent is None


@pytest.mark.parametrize("spare", [-1, 0])
def test_sglang_takes_no_prompt_at_the_edge_of_its_window(kind: str, spare: int) -> None:
    """Its longest prompt leaves seven tokens, and it ends an answer two before the end."""
    talk, longest = Talk(kind, mock_of("sglang")), WINDOW - 7
    text = "word " * (longest + 1 - spare - len_of_frame())
    if spare < 0:
        with pytest.raises(ContextLengthExceededError, match="of which a prompt may have 1,993 and both 1,998"):
            talk.chat(text, thinking="off", overflow="raise")
        assert not talk.mock.requests
    else:
        reply = talk.chat(text, thinking="off", overflow="clamp", max_tokens=1_000)
        assert (reply.usage.prompt_tokens, reply.max_tokens_sent) == (longest, 5)


def len_of_frame() -> int:
    """What a prompt has beside the repeated word."""
    return DeepSeekV4("sglang", base_url="http://a.test").count_tokens("word ", thinking="off").total


def test_a_count_that_is_exact_is_taken_at_its_word(kind: str) -> None:
    talk = Talk(kind, mock_of(), server_version="0.33.0")
    reply = talk.chat("word " * 1_500, thinking="off", max_tokens=1_000, overflow="clamp")
    assert reply.max_tokens_sent == WINDOW - (reply.usage.prompt_tokens or 0)


def test_clamp_knows_the_servers_limit_of_an_answer(kind: str) -> None:
    refusal = script.error(400, "Validation: max_tokens must be between 1 and 512")
    mock = MockProvider(refusal, default=script.text("Hello"), flavor="nvidia", window=WINDOW)
    talk = Talk(kind, mock)
    with pytest.raises(Exception, match="between 1 and 512"):
        talk.chat("Hi", max_tokens=1_000)
    reply = talk.chat("Hi", max_tokens=1_000, overflow="clamp")
    assert reply.max_tokens_sent == 512
    assert "lowered from 1,000 to 512: the server gives no more" in [repair.detail for repair in reply.repairs]


def test_a_limit_in_extra_body_is_not_touched(kind: str) -> None:
    talk = Talk(kind, mock_of())
    with pytest.raises(InvalidRequestError, match="is in extra_body"):
        talk.chat("word " * 1_500, extra_body={"max_tokens": 1_000}, overflow="clamp")
    assert not talk.mock.requests


def long_talk(turns: int = 40) -> Conversation:
    conversation = Conversation().system("Be brief.")
    for number in range(turns):
        conversation.user(f"Question {number}? " + "word " * 50).add(
            AssistantMessage(f"Answer {number}. " + "so " * 20)
        )
    return conversation.user("The last question?")


@pytest.mark.parametrize("flavor", FLAVORS)
def test_fit_shortens_and_says_so(kind: str, flavor: str) -> None:
    talk, conversation = Talk(kind, mock_of(flavor)), long_talk()
    size = len(conversation)
    reply = talk.chat(conversation, thinking="off", max_tokens=300, overflow="fit")
    assert reply.text == "Hello"
    assert (reply.usage.prompt_tokens or 0) <= 0.6 * (WINDOW - 300)
    assert reply.max_tokens_sent == 300
    [note] = [repair.detail for repair in reply.repairs if repair.kind == "fit_request_to_window"]
    sent = talk.mock.requests[0].messages
    assert note.startswith(f"{size - len(sent)} messages dropped: {reply.usage.prompt_tokens:,} tokens instead of ")
    assert note.endswith("in a window of 2,000 (asked)")
    assert [sent[0]["content"], sent[-1]["content"]] == ["Be brief.", "The last question?"]
    assert len(conversation) == size


def test_fit_leaves_what_fits(kind: str) -> None:
    talk = Talk(kind, mock_of())
    reply = talk.chat(long_talk(3), thinking="off", max_tokens=300, overflow="fit")
    assert len(talk.mock.requests[0].messages) == 8
    assert [repair.kind for repair in reply.repairs] == ["model_alias"]


def test_fit_has_its_limits(kind: str) -> None:
    talk = Talk(kind, mock_of())
    with pytest.raises(BudgetError, match="does not fit") as raised:
        talk.chat("word " * 3_000, overflow="fit", max_tokens=100)
    assert raised.value.excess is not None
    assert not talk.mock.requests


def test_a_window_is_asked_for_once(kind: str) -> None:
    talk, asked = Talk(kind, mock_of()), 0
    handle = talk.mock._backend.handle

    def see(method: str, path: str, *rest: Any) -> Any:
        nonlocal asked
        asked += path.endswith("/models")
        return handle(method, path, *rest)

    talk.mock._backend.handle = see  # type: ignore[method-assign]
    for _ in range(3):
        talk.chat("Hi", overflow="raise")
    assert asked == 1


def test_without_the_option_nothing_is_counted(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("counted")

    monkeypatch.setattr(counting, "prompt_form", never)
    talk = Talk(kind, MockProvider(default=script.text("Hello"), count_tokens=False))
    assert talk.chat("word " * 3_000).text == "Hello"
    with pytest.raises(AssertionError, match="counted"):
        talk.chat("Hi", overflow="raise")


@pytest.mark.parametrize("overflow", ["raise", "clamp", "fit"])
def test_an_agent_stays_inside_and_keeps_its_prefix(overflow: Any) -> None:
    """Each request goes on from the one before, byte for byte, but for a few cuts."""
    mock = mock_of(window=4_000)
    client, cuts, refused = DeepSeekV4(mock, server_version="0.33.0"), 0, 0
    tools = [{"name": "look", "parameters": {"type": "object"}}]
    for conversation in growing(60):
        try:
            client.chat(conversation, tools=tools, max_tokens=400, overflow=overflow)
        except ContextLengthExceededError:
            refused += 1
    bodies = [request.body["messages"] for request in mock.requests]
    cuts = sum(after[: len(before)] != before for before, after in pairwise(bodies))
    if overflow == "fit":
        assert (len(bodies), refused) == (120, 0)
        assert 3 <= cuts <= 12
    else:
        assert refused > 80
        assert cuts == 0


def test_run_tools_stays_inside() -> None:
    pages = iter(range(100))

    def look(page: int) -> str:
        """Look a page up."""
        return f"Page {page}: " + "line\n" * 150

    mock = MockProvider(
        *[script.tool_call("look", page=next(pages)) for _ in range(40)], script.text("Done."), window=4_000
    )
    run = DeepSeekV4(mock).run_tools("Read all.", [look], max_rounds=50, max_tokens=400, overflow="fit")
    assert run.reply.text == "Done."
    assert len(run.messages) == 1 + 2 * 40 + 1  # the whole history is still there
    assert len(mock.requests[-1].messages) < 40


def test_parse_stays_inside() -> None:
    mock = MockProvider(script.text('{"n": 1}'), window=WINDOW)
    parsed = DeepSeekV4(mock).parse(long_talk(), dict[str, int], max_tokens=300, overflow="fit", thinking="off")
    assert parsed.value == {"n": 1}
    assert "fit_request_to_window" in [repair.kind for repair in parsed.reply.repairs]


def test_a_large_prompt_does_not_hold_up_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted on a thread, a small one where it is."""
    where: list[str] = []
    form = counting.prompt_form

    def see(*args: Any) -> Any:
        where.append(threading.current_thread().name)
        return form(*args)

    monkeypatch.setattr(counting, "prompt_form", see)

    async def ask() -> None:
        async with AsyncDeepSeekV4(MockProvider(default=script.text("Hello"), count_tokens=False)) as client:
            await client.chat("Hi", overflow="raise")
            main = set(where)
            where.clear()
            await client.chat("word " * 60_000, overflow="raise")
            assert main == {threading.current_thread().name}
            assert where
            assert not main & set(where)

    counting.warm_up()
    asyncio.run(ask())


@pytest.mark.parametrize("overflow", ["raise", "clamp", "fit"])
def test_a_request_that_fits_is_encoded_once(overflow: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    encode = ChatCompletions.encode

    def counting(provider: ChatCompletions, request: ChatRequest, target: Target) -> EncodedChat:
        encoded = encode(provider, request, target)
        sizes.append(len(encoded.call.body or b""))
        return encoded

    monkeypatch.setattr(ChatCompletions, "encode", counting)
    mock = MockProvider(script.text("ok"), script.text("ok"))
    client = DeepSeekV4(mock, model="pro")
    client.chat("short", overflow=overflow)  # it also asks for the model and its window
    client.chat("long " * 10_000, overflow=overflow, max_tokens=10)
    assert len([size for size in sizes if size > 50_000]) == 1
