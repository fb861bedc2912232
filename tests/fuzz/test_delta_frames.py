"""An answer whose deltas are read by their frame is that of a client that parses every event."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk.providers import find_provider
from deepseek_v4_sdk.providers.chat_completions import ChatCompletions
from tests.exchange.meaning import all_of
from tests.fuzz.values import SOME
from tests.support.replay import Replay, answer, client_for, hear

HEAD = b'{"id":"c-1","object":"chat.completion.chunk","created":1,"model":"m",'
FRAMES = (
    HEAD + b'"choices":[{"index":0,"delta":{"content":"%b"},"logprobs":null,"finish_reason":null}]}',
    HEAD + b'"choices": [{"index": 0, "delta": {"content": "%b", "reasoning_content": null}, "finish_reason": null}]}',
    HEAD + b'"choices":[{"index":0,"delta":{"reasoning":"%b"},"finish_reason":null}],"system_fingerprint":"a"}',
    HEAD + b'"choices":[{"index":0,"delta":{"reasoning":"%b"},"finish_reason":null}],"system_fingerprint":"b"}',
    HEAD + b'"choices":[{"index":0,"delta":{"content":"one","content":"%b"},"finish_reason":null}]}',
    HEAD + b'"choices":[{"index":0,"delta":{"content":"%b","content":"two"},"finish_reason":null}]}',
    HEAD + b'"choices":[{"index":0,"delta":{"content":"%b"},"finish_reason":null,"token_ids":[1]}]}',
    HEAD + b'"choices":[{"index":0,"delta":{"content":"%b"},"finish_reason":null}],"usage":{"prompt_tokens":3}}',
    HEAD + b'"choices":[{"index":0,"delta":{"content":"a","reasoning":"%b"},"finish_reason":null}]}',
    HEAD + b'"choices":[{"index":0,"delta":{"content":"%b"},"logprobs":{"content":[{"token":"a"}]}}]}',
    HEAD + b'"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"%b"}}]}}]}',
    HEAD + b'"choices":[{"index":0,"delta":{},"finish_reason":"%b"}]}',
    b'{"note":"%b"}',
)
PIECES = (
    *(b"a", b" word", b"text", b"index", b"c-1", b"<", b"</think>"),
    *("é".encode(), "😀".encode(), "a\u200db".encode(), "\u00a0".encode()),
    *(rb"\n", rb"\"", rb"\\", rb"\/", rb"\u0041", rb"\ud83d\ude00", rb"\ud83d", rb"\ude00", rb"\x", b"\\"),
    *(b'"', b'","', b"\t", b"\x00", b"\xff", b"\xed\xa0\x80"),
    *(b'"},"finish_reason":"stop"}]}', b'","content":"more', b'"},"x":{"y":"'),
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=4).map(b"".join)


def framed(frame: bytes, text: bytes) -> bytes:
    return frame % text


# Most events have the first frame, so that there are some that are read by it.
EVENTS = st.builds(framed, st.just(FRAMES[0]) | st.sampled_from(FRAMES), TEXTS)


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """The blocks of a stream; one event may lack a byte."""
    events = draw(st.lists(EVENTS, min_size=2, max_size=12))
    if draw(st.booleans()):
        place = draw(st.integers(0, len(events) - 1))
        cut = draw(st.integers(0, len(events[place]) - 1))
        events[place] = events[place][:cut] + events[place][cut + 1 :]
    body = b"".join(b"data: " + event + b"\n\n" for event in events)
    size = draw(st.integers(1, 400))
    return [body[start : start + size] for start in range(0, len(body), size)]


def heard(blocks: list[bytes], *, frames: bool) -> tuple[object, ...]:
    provider = ChatCompletions(find_provider("vllm").data, reads_frames=frames)
    return all_of(hear(client_for(Replay(answer(*blocks)), provider, max_retries=0), {}))


@SOME
@given(streams())
def test_every_event_and_error_is_the_same(blocks: list[bytes]) -> None:
    assert heard(blocks, frames=True) == heard(blocks, frames=False)
