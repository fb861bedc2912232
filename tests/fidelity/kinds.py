"""The kinds of requests held against the mock: how one is sent, and what of its answer is compared."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

import httpx

from deepseek_v4_sdk.testing import MockProvider, script
from tests.fidelity.compare import SGLANG_MODEL, VLLM_MODEL, WINDOW, answer_of, differences, started
from tests.recordings.kinds_requests import cases
from tests.support.recorded import ROOT

__all__ = ["KIND_OTHERWISE", "asked", "kept_answer", "kind_differences", "sent"]


_ONE_CALL = " ".join(f"one_of_two{name}{form}" for name in ("", "_thinking", "_bare") for form in ("", "_stream"))
_WRAPPED = (
    "the stream takes a wrapper off too late, and shows a text that is not JSON; the mock shows the whole arguments"
)
_ONE_BLOCK = (
    "its grammar ends the block after the first call; the random model of the recording chose the pieces of the end "
    "(2 to 6 tokens more than the model's own), and the mock counts both calls"
)
_SAID_NOTHING = "the scripted model of the recording wrote nothing there"
KIND_OTHERWISE: dict[tuple[str, str], str] = {
    ("vllm", _ONE_CALL): _ONE_BLOCK,
    ("vllm", "wrapped_text_stream wrapped_and_more_stream"): _WRAPPED,
    ("vllm", "stop_in_markup_stream"): "it gives the name of the cut call together with an empty piece of arguments",
    ("vllm", "asked_ids"): "the mock gives no ids of tokens in answers",
    ("sglang", "value_unmarked value_unmarked_stream"): "it loses its place in a parameter that is not marked",
    ("sglang", "goes_on goes_on_thinks"): _SAID_NOTHING,
    ("sglang", "cached_plain cached_stream"): "without a cache report the mock has no cache to report",
    ("sglang", "counted_call"): "it counts a text that may be followed by a call with the line ends after it",
}
"""Requests that the mock answers otherwise, and why."""


@cache
def asked(server: str) -> list[dict[str, Any]]:
    """The requests of a server, each with its recorded answer."""
    answers: dict[str, Any] = json.loads((ROOT / "kinds" / f"{server}.json").read_text("utf-8"))
    return [case | {"answer": answers[case["name"]]} for case in cases(server)]


def sent(server: str, case: dict[str, Any]) -> dict[str, Any]:
    """A request as a client takes it."""
    path = {"method": "POST", "url": case["path"]}
    if "raw" in case:
        typed = {"content-type": case["content_type"]} if case["content_type"] else {}
        return {**path, "content": case["raw"].encode(), "headers": typed}
    body = dict(case["body"])
    told = f" [[raw:{base64.b64encode(case['output'].encode()).decode()}]]" if server == "sglang" else ""
    filled = " a" * body.pop("fill", 0)
    if "messages" in body:
        text = json.dumps(body["messages"]).replace("{say}", told).replace("{fill}", filled)
        own: dict[str, Any] = {"model": SGLANG_MODEL}
        if server == "vllm":
            own = {"model": VLLM_MODEL, "cache_salt": case["name"], "vllm_xargs": {"script_raw": case["output"]}}
        body = {**own, **body, "messages": json.loads(text)}
    return {**path, "json": body}


def kept_answer(response: httpx.Response) -> dict[str, Any]:
    """What is kept of an answer."""
    answer = answer_of(response.status_code, response.headers.get("content-type", ""), response.content)
    body = answer.body
    if isinstance(body, list):  # of a stream, what all its events have is kept once
        frames = [{key: event[key] for key in _FRAME} for event in body if isinstance(event, dict) and "id" in event]
        if frames and all(frame == frames[0] for frame in frames):
            rest = [_without_frame(event) for event in body]
            body = {"frame": frames[0], "events": rest}
    return {"status": answer.status, "content_type": answer.content_type, "body": body}


_FRAME = ("id", "object", "created", "model")


def _without_frame(event: Any) -> Any:
    return {key: value for key, value in event.items() if key not in _FRAME} if isinstance(event, dict) else event


def kind_differences(server: str, case: dict[str, Any]) -> list[str]:
    """Where the mock answers otherwise."""
    output = script.raw_model_output(case.get("output", ""))
    mock = MockProvider(default=output, flavor=started(server), window=WINDOW)
    key = "secret" if server == "vllm" else "test-key"
    with httpx.Client(transport=mock.transport, base_url="http://mock") as client:
        request = client.build_request(**sent(server, case))
        request.headers["authorization"] = f"Bearer {key}"
        mine = kept_answer(client.send(request))
    return differences(case["answer"], mine)
