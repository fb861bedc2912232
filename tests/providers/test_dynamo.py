"""Dynamo's wire: its extension object, its annotations in comments, and deltas that hold several things at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4_sdk import ReasoningDelta, TextDelta, ToolCallReady
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.exchange.sse import SSEDecoder
from deepseek_v4_sdk.providers.dynamo import AGENT_HINTS, NVEXT
from deepseek_v4_sdk.testing import script
from deepseek_v4_sdk.testing.flavors.dynamo import DynamoFlavor
from tests.providers.encoding import body_of
from tests.providers.hosted import KINDS, Network, Talk

FRAME = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
NVEXT_KEYS = """
    greed_sampling use_raw_prompt annotations backend_instance_id token_data max_thinking_tokens cache_salt extra_fields
    metadata_upload prefill_worker_id decode_worker_id dp_rank prefill_dp_rank agent_hints request_timestamp_ms
    routing_constraints router
    """
OF_OTHER_VERSIONS = ("guided_json", "cache_control", "session_control", "agent_context", "ignore_eos", "top_k")


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return f"data: {json.dumps({**FRAME, 'choices': [choice], **more})}\n\n"


def stream(*pieces: str) -> Any:
    return script.raw("".join(pieces) + "data: [DONE]\n\n")


def dynamo(kind: str, *steps: Any) -> tuple[Talk, Network]:
    network = Network(*steps, flavor=DynamoFlavor(models=None))
    return Talk(kind, "dynamo", network, base_url="http://localhost:8000", model="m"), network


class TestNvext:
    def test_it_is_sent_only_when_asked_for(self) -> None:
        assert "nvext" not in body_of("dynamo", cache_salt="a", max_tokens=5, seed=1, user="u", top_k=3)
        assert body_of("dynamo", priority=5)["nvext"] == {"agent_hints": {"priority": 5}}

    def test_the_callers_own_is_merged_with_the_option(self) -> None:
        nvext = {"agent_hints": {"osl": 1024}, "extra_fields": ["worker_id", "timing"]}
        assert body_of("dynamo", priority=5, extra_body={"nvext": nvext})["nvext"] == {
            "agent_hints": {"priority": 5, "osl": 1024},
            "extra_fields": ["worker_id", "timing"],
        }

    def test_the_closed_sets_are_those_of_the_server(self) -> None:
        assert set(NVEXT_KEYS.split()) == NVEXT
        assert {"priority", "strict_priority", "osl", "speculative_prefill", "latency_sensitivity"} == AGENT_HINTS

    @pytest.mark.parametrize("key", sorted(NVEXT - {"agent_hints"}))
    def test_what_the_server_knows_is_sent(self, key: str) -> None:
        assert body_of("dynamo", extra_body={"nvext": {key: 1}})["nvext"] == {key: 1}

    @pytest.mark.parametrize("key", OF_OTHER_VERSIONS)
    def test_what_it_refuses_is_named_before_anything_is_sent(self, key: str) -> None:
        with pytest.raises(InvalidRequestError, match=rf"extra_body\.nvext has {key}.*which Dynamo 1\.6\.1 refuses"):
            body_of("dynamo", extra_body={"nvext": {key: 1}})

    @pytest.mark.parametrize("key", ["prefix_id", "iat", "total_requests"])
    def test_hints_that_other_clients_send_are_named(self, key: str) -> None:
        with pytest.raises(InvalidRequestError, match=rf"extra_body\.nvext\.agent_hints has {key}"):
            body_of("dynamo", extra_body={"nvext": {"agent_hints": {"osl": 1, key: 1}}})

    def test_a_mistyped_key_gets_a_hint(self) -> None:
        with pytest.raises(InvalidRequestError, match="did you mean 'annotations'"):
            body_of("dynamo", extra_body={"nvext": {"anotations": ["request_id"]}})
        with pytest.raises(InvalidRequestError, match="did you mean 'priority'"):
            body_of("dynamo", extra_body={"nvext": {"agent_hints": {"priorty": 1}}})

    @pytest.mark.parametrize("kind", KINDS)
    def test_what_the_server_answers_with_is_in_raw(self, kind: str) -> None:
        worker = 2**63 + 12_345  # beyond what a float holds
        nvext = {"worker_id": {"prefill_worker_id": worker}, "timing": {"ttft_ms": 1.5}}
        talk, _ = dynamo(kind, stream(chunk({"role": "assistant", "content": "x"}), chunk({}, "stop", nvext=nvext)))
        assert talk.chat().raw["nvext"] == nvext


ANNOTATED = (
    'event: request_id\n: "8140c322-0000"\n\n',
    'event: formatted_prompt\n: "<|User|>Hi\\n"\n\n',
    "event: token_ids\n: [0, 128803]\n\n",
)


@pytest.mark.parametrize("kind", KINDS)
class TestAnnotations:
    def test_they_are_readable_and_disturb_nothing(self, kind: str) -> None:
        answer = (chunk({"role": "assistant", "content": "Hel"}), chunk({"content": "lo"}, "stop"))
        plainly, _ = dynamo(kind, stream(*answer))
        talk, _ = dynamo(kind, stream(ANNOTATED[0], answer[0], *ANNOTATED[1:], answer[1]))
        reply, without = talk.chat(), plainly.chat()
        assert reply.raw == {
            "annotations": {
                "request_id": "8140c322-0000",
                "formatted_prompt": "<|User|>Hi\n",
                "token_ids": [0, 128_803],
            }
        }
        assert "annotations" not in without.raw
        assert (reply.text, reply.finish_reason) == (without.text, without.finish_reason) == ("Hello", "stop")

    @pytest.mark.parametrize("size", [1, 2, 7, 64])
    def test_however_the_bytes_are_cut(self, kind: str, size: int) -> None:
        whole = "".join([*ANNOTATED, chunk({"content": "é"}, "stop"), "data: [DONE]\n\n"]).encode()
        blocks = [whole[place : place + size] for place in range(0, len(whole), size)]
        talk, _ = dynamo(kind, script.raw(*blocks))
        assert set(talk.chat().raw["annotations"]) == {"request_id", "formatted_prompt", "token_ids"}

    def test_one_that_is_no_json_is_kept_as_text(self, kind: str) -> None:
        talk, _ = dynamo(kind, stream("event: note\r\n: not json\r\n\r\n", chunk({"content": "x"}, "stop")))
        assert talk.chat().raw["annotations"] == {"note": "not json"}

    def test_they_do_not_count_as_the_first_event(self, kind: str) -> None:
        talk, network = dynamo(kind, script.raw(*ANNOTATED), stream(chunk({"content": "x"}, "stop")))
        assert len(talk.chat().attempts) == 2
        assert len(network.bodies) == 2


@pytest.mark.parametrize(
    "block",
    [b": keep-alive\n\n", b"event: a\n\n", b"event: a\n: c\ndata: {}\n\n", b": c\n\nevent: a\n\n", b"event: a\n:\n\n"],
)
def test_comments_alone_and_names_alone_are_no_annotations(block: bytes) -> None:
    decoder = SSEDecoder()
    decoder.feed(block)
    decoder.finish()
    assert decoder.annotations == []


CALL = {
    "index": 0,
    "id": "call_0123456789abcdef01234567",
    "type": "function",
    "function": {"name": "f", "arguments": '{"city":"Paris"}'},
}


@pytest.mark.parametrize("kind", KINDS)
class TestDeltas:
    def test_one_delta_may_hold_the_end_of_the_thought_and_the_answer(self, kind: str) -> None:
        talk, _ = dynamo(
            kind, stream(chunk({"role": "assistant", "reasoning_content": "Hm.", "content": "So"}), chunk({}, "stop"))
        )
        reply = talk.chat()
        assert (reply.reasoning, reply.text) == ("Hm.", "So")

    def test_a_whole_call_may_come_in_one_delta_with_thought_and_finish_reason(self, kind: str) -> None:
        delta = {"role": "assistant", "reasoning_content": "Hm.", "content": "", "tool_calls": [CALL]}
        talk, _ = dynamo(kind, stream(chunk(delta, "tool_calls")))
        reply = talk.chat(tools=[{"name": "f"}])
        assert [(call.name, call.parsed) for call in reply.tool_calls] == [("f", {"city": "Paris"})]
        assert (reply.reasoning, reply.text, reply.finish_reason) == ("Hm.", "", "tool_calls")

    def test_counts_may_come_with_every_chunk(self, kind: str) -> None:
        counts = [{"prompt_tokens": 9, "completion_tokens": n, "total_tokens": 9 + n} for n in (1, 2)]
        first, last = chunk({"content": "a"}, usage=counts[0]), chunk({"content": "b"}, "stop", usage=counts[1])
        talk, _ = dynamo(kind, stream(first, last))
        assert talk.chat().usage.completion_tokens == 2


def test_events_of_such_a_delta_come_in_the_order_of_thinking() -> None:
    delta = {"reasoning_content": "Hm.", "content": "So", "tool_calls": [CALL]}
    talk, _ = dynamo("sync", stream(chunk(delta, "tool_calls")))
    with talk.client.stream("x", tools=[{"name": "f"}]) as events:
        kinds = [type(event) for event in events]
    wanted = [kind for kind in kinds if kind in {ReasoningDelta, TextDelta, ToolCallReady}]
    assert wanted == [ReasoningDelta, TextDelta, ToolCallReady]
