"""A recorded exchange held against the mock: the same request, the same words of the model, and where they differ."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpx

from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.flavors.sglang import SGLangFlavor
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from tests.support.recorded import ROOT, Recording, recordings

__all__ = [
    "EXCEPTIONS",
    "OTHER_TEXT",
    "Answer",
    "answer_of",
    "compared",
    "differences",
    "mock_of",
    "recorded_answer",
    "refusal_differences",
    "refusals",
    "replayed",
    "served",
    "started",
]

WINDOW = 4096
VLLM_MODEL = "deepseek-ai/DeepSeek-V4-Flash"
SGLANG_MODEL = "deepseek-ai/DeepSeek-V4-Pro"


EXCEPTIONS = {
    ("vllm", "models"): "`root` is the path of the weights; the mock has none, and gives the name",
    ("sglang", "get_model_info"): "the real one also has some thirty keys about the weights and about embeddings",
    ("sglang", "server_info"): "the real one has every argument it was started with; the mock has six",
    ("sglang", "logprobs"): "the mock has no probabilities: `logprobs` is null",
    ("sglang", "logprobs_stream"): "the mock has no probabilities: `logprobs` is null",
}
"""Recordings that the mock does not repeat, and why."""

OTHER_TEXT = {
    "vllm": "format_unknown message_text role_missing content_number content_null part_unknown schema_format_true",
    "sglang": "format_unknown format_strict_text content_number content_null part_unknown schema_format_true",
}
"""Refusals with another text: the real one lists each form that a field may have, and what is wrong by each of them."""


@dataclass(frozen=True)
class Answer:
    """An answer, without what is another in each run."""

    status: int
    content_type: str
    body: Any
    """JSON, the list of a stream's events, or text."""


@cache
def _scripts(server: str) -> dict[str, Any]:
    scripts: dict[str, Any] = json.loads((ROOT / server / "scripts.json").read_text("utf-8"))
    return scripts


def started(server: str) -> Any:
    """The server as it was started for its recordings."""
    if server == "vllm":
        return VLLMFlavor(
            version="0.32.0", models=(VLLM_MODEL,), api_key="secret", prompt_tokens_details=True, block_size=128
        )
    if server == "sglang":
        return SGLangFlavor(model=SGLANG_MODEL, api_key="test-key", context_length=True)
    return SGLangFlavor(
        model="deepseek-v4-pro", cache_report=True, page_size=1, default_thinking=True, context_length=True
    )


def compared(server: str | None = None) -> list[Recording]:
    """The recordings that are compared: all but those of routes that the mock does not have."""
    return [each for each in recordings(server) if not each.path.endswith(("/render", "/v1/completions"))]


def session_of(recording: Recording) -> str:
    """Which of the started servers it was."""
    return "sglang with a cache report" if recording.name in {"cache_report", "queue_full"} else recording.server


@cache
def replayed() -> dict[tuple[str, str], Answer]:
    """What the mock answers to each recorded request, all asked in the order in which the real servers were asked."""
    mocks: dict[str, MockProvider] = {}
    answers: dict[tuple[str, str], Answer] = {}
    for recording in sorted(compared(), key=_when):
        session = session_of(recording)
        if session not in mocks:
            mocks[session] = mock_of(session)
        for _ in range(2 if recording.name == "cache_report" else 1):  # the first one filled the cache
            answers[recording.server, recording.name] = served(recording, mocks[session])
    return answers


def _when(recording: Recording) -> float:
    told = next(value for name, value in recording.headers if name.lower() == "date")
    return parsedate_to_datetime(told).timestamp()


def mock_of(session: str) -> MockProvider:
    """A mock whose model says what the script that the request names says."""

    def say(request: Any) -> Any:
        if session != "vllm" and request.body.get("stream") is False:
            return script.error(503, "The request queue is full.")
        server = session.split()[0]
        return script.raw_model_output(output_of(server, request.body, thinks=request.thinking != "off"))

    return MockProvider(default=script.from_function(say), flavor=started(session), window=WINDOW)


def output_of(server: str, body: Any, *, thinks: bool) -> str:
    """What the model writes for a request."""
    text = json.dumps(body, ensure_ascii=False)
    if server == "vllm":
        names = re.findall(r"script:([A-Za-z0-9_.-]*[A-Za-z0-9_])", text)
        chosen = _scripts("vllm")[names[-1] if names else "default"]
        if "raw" in chosen:
            return str(chosen["raw"])
        return f"{chosen.get('reasoning', '')}</think>{chosen['content']}" if thinks else str(chosen["content"])
    names = re.findall(r"\[\[script:([a-z_>]+)\]\]", text)
    name = names[-1] if names else "default"
    if ">" in name:
        first, then = name.split(">")
        name = then if '"role": "assistant"' in text.partition("[[script:")[2] else first
    chosen = _scripts("sglang")[name]
    return str(chosen["think" if thinks else "chat"]) if isinstance(chosen, dict) else str(chosen)


def recorded_answer(recording: Recording) -> Answer:
    """What the real server answered."""
    kind = next((value for name, value in recording.headers if name.lower() == "content-type"), "")
    return answer_of(recording.status, kind, recording.body)


def served(recording: Recording, mock: MockProvider) -> Answer:
    """What the mock answers to the same request."""
    headers = {name: value for name, value in recording.request_headers.items() if name.lower() != "content-type"}
    content: Any = {}
    if recording.method == "POST":
        body = recording.request_body
        raw = b'{"model": "x", ' if body is None else json.dumps(body).encode()
        content = {"content": raw}
        headers["content-type"] = "application/json"
    with httpx.Client(transport=mock.transport, base_url="http://mock") as client:
        answer = client.request(recording.method, recording.path, headers=headers, **content)
    return answer_of(answer.status_code, answer.headers.get("content-type", ""), answer.content)


def refusals(server: str) -> list[dict[str, Any]]:
    """Odd requests, and what the real server said: its refusal, or nothing where it took them."""
    found: list[dict[str, Any]] = json.loads((ROOT / "refusals" / f"{server}.json").read_text("utf-8"))
    return found


def refusal_differences(server: str, case: dict[str, Any]) -> list[str]:
    """Where the mock answers an odd request otherwise."""
    mock = MockProvider(default=script.text("x"), flavor=started(server), window=WINDOW)
    headers = {"authorization": f"Bearer {'secret' if server == 'vllm' else 'test-key'}"}
    with httpx.Client(transport=mock.transport, base_url="http://mock") as client:
        if "body" in case:
            answer = client.post("/v1/chat/completions", json=case["body"], headers=headers)
        else:
            headers |= {"content-type": case["content_type"]} if case["content_type"] else {}
            answer = client.request(case["method"], case["path"], content=case["raw"], headers=headers)
    real = case["answer"] if isinstance(case["answer"], str) else json.dumps(case["answer"])
    mine = answer.text if answer.status_code != 200 or "raw" in case else "null"
    return differences(
        {"status": case["status"], "body": _parsed(real)}, {"status": answer.status_code, "body": _parsed(mine)}
    )


def _parsed(text: str) -> Any:
    try:
        return _settled(json.loads(text))
    except ValueError:
        return text


def answer_of(status: int, kind: str, body: bytes) -> Answer:
    text = body.decode()
    if "event-stream" in kind:
        events = [event.removeprefix("data: ") for event in text.split("\n\n") if event]
        parsed = [event if event == "[DONE]" else _settled(json.loads(event)) for event in events]
        return Answer(status, kind, _joined(parsed))
    try:
        return Answer(status, kind, _settled(json.loads(text)))
    except ValueError:
        return Answer(status, kind, text)


_FREE = {"created": 0, "system_fingerprint": "*", "time": 0}
_IDS = re.compile(
    r"chatcmpl-tool-[0-9a-f]{16}|chatcmpl-[0-9a-f]{16}|call_[0-9a-f]{24}|modelperm-[0-9a-f]{16}|[0-9a-f]{32}"
)
_SOURCE = re.compile(r'File "[^"]*/sglang/')


def _settled(value: Any, key: str = "") -> Any:
    """Without ids, times and fingerprints; of ids the form stays."""
    if isinstance(value, dict):
        return {name: _settled(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_settled(item, key) for item in value]
    if key in _FREE and value is not None:
        return _FREE[key]
    if key == "id" and isinstance(value, str):
        return _IDS.sub(lambda found: re.sub(r"[0-9a-f]{16,}", "*", found[0]), value)
    if key == "message" and isinstance(value, str):
        return _SOURCE.sub('File ".../sglang/', value)
    return value


def _joined(events: list[Any]) -> list[Any]:
    """Neighbouring events that differ in nothing but how much of the same they say, as one; by choice."""
    joined: list[Any] = []
    for event in sorted(events, key=_choice_of):
        if joined and (whole := _one(joined[-1], event)) is not None:
            joined[-1] = whole
        else:
            joined.append(event)
    return joined


def _choice_of(event: Any) -> int:
    choices = event.get("choices") if isinstance(event, dict) else None
    return choices[0]["index"] if choices else 1000


_TEXTS = ("content", "reasoning", "reasoning_content")


def _one(before: Any, event: Any) -> Any:
    if not (isinstance(before, dict) and isinstance(event, dict) and before.get("choices") and event.get("choices")):
        return None
    if event.get("usage") is not None:  # the counts of each chunk are compared one by one
        return None
    first, second = before["choices"][0]["delta"], event["choices"][0]["delta"]
    if first.get("role") == "assistant" or event["choices"][0].get("finish_reason") is not None:
        return None
    told = [name for name in _TEXTS if first.get(name) and second.get(name)]
    merged = json.loads(json.dumps(before))
    delta = merged["choices"][0]["delta"]
    for name in told:
        delta[name] = first[name] + second[name]
        second = {**second, name: delta[name]}
    calls, more = first.get("tool_calls"), second.get("tool_calls")
    if calls and more and len(calls) == len(more) == 1:
        if more[0]["index"] != calls[0]["index"] or more[0]["function"].get("name") or calls[0]["function"].get("name"):
            return None
        pieces = calls[0]["function"]["arguments"] + more[0]["function"]["arguments"]
        delta["tool_calls"][0]["function"]["arguments"] = pieces
        second = {**second, "tool_calls": delta["tool_calls"]}
    elif not told:
        return None
    rest = {**event, "choices": [{**event["choices"][0], "delta": second}]}
    return merged if json.dumps(rest) == json.dumps(merged) else None


def differences(real: Any, mine: Any, where: str = "") -> list[str]:
    """Where two values differ, the order of keys included."""
    if isinstance(real, dict) and isinstance(mine, dict):
        found = [f"{where}.{key}: missing" for key in real if key not in mine]
        found += [f"{where}.{key}: not there in the real one" for key in mine if key not in real]
        if not found and list(real) != list(mine):
            found.append(f"{where}: the order of the keys is {list(mine)}, the real one {list(real)}")
        for key in real:
            if key in mine:
                found += differences(real[key], mine[key], f"{where}.{key}")
        return found
    if isinstance(real, list) and isinstance(mine, list):
        if len(real) != len(mine):
            return [f"{where}: {len(mine)} items, the real one has {len(real)}\n  {mine}\n  {real}"]
        return [
            each
            for index, pair in enumerate(zip(real, mine, strict=True))
            for each in differences(*pair, f"{where}[{index}]")
        ]
    same = type(real) is type(mine) and real == mine
    return [] if same else [f"{where}: {mine!r}, the real one {real!r}"]
