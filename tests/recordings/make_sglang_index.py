"""Write sglang/index.json: what a client should end up with for each recorded SGLang exchange.

The index has the form of vllm/index.json. It is joined from the raw bytes in the plainest way, without the SDK, so
that tests can hold the SDK against it. Run it as `python tests/recordings/make_sglang_index.py`; it reads the
`sglang` folder next to it and rewrites `sglang/index.json`.

An entry holds the status, the path and the recorder's note, and then

- of an error: `error`, the value of the body's `error`, or the whole body where it has none (SGLang's own errors);
- of an answer with choices: `streamed`, `choices` and `usage`. A text is null when no chunk carried a string, and ""
  when the only strings were empty. `stop_reason` is SGLang's `matched_stop`, as sent. The text of `/v1/completions`
  is listed as `content`. A stream also has `events` (`[DONE]` not counted), `done` (did `[DONE]` come last) and
  `events_with_usage`;
- of a tokenize answer: `count`;
- of anything else: nothing more.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent / "sglang"


def split_response(raw: bytes) -> tuple[int, bytes]:
    """The status and the body of a recorded response."""
    head, _, body = raw.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body


def add(old: str | None, new: str | None) -> str | None:
    """Two pieces of text joined, where null is no piece at all."""
    return old if new is None else (old or "") + new


def is_json(text: str) -> bool:
    """Whether a text parses as JSON."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def tool_call(call_id: str | None, name: str | None, arguments: str | None) -> dict[str, Any]:
    """The index form of a tool call."""
    return {"id": call_id, "name": name, "arguments": arguments, "arguments_are_json": is_json(arguments or "")}


def whole(answer: dict[str, Any], reasoning: str, stop: str) -> dict[str, Any]:
    """The entry of an answer that came as one JSON object."""
    choices: list[dict[str, Any]] = []
    for choice in answer["choices"]:
        message = choice.get("message") or {"content": choice["text"]}
        calls = [(call["id"], call["function"]) for call in message.get("tool_calls") or []]
        choices.append(
            {
                "reasoning": message.get(reasoning),
                "content": message["content"],
                "tool_calls": [tool_call(call_id, call["name"], call["arguments"]) for call_id, call in calls],
                "finish_reason": choice["finish_reason"],
                "stop_reason": choice[stop],
            }
        )
    return {"streamed": False, "choices": choices, "usage": answer["usage"]}


def joined(body: bytes, reasoning: str, stop: str) -> dict[str, Any]:
    """The entry of an answer that came as server-sent events, joined per choice and per tool call."""
    data = [block.removeprefix("data: ") for block in body.decode().split("\n\n") if block]
    events = [json.loads(item) for item in data if item != "[DONE]"]
    choices: dict[int, dict[str, Any]] = {}
    calls: dict[int, dict[int, dict[str, Any]]] = {}
    usage = None
    for event in events:
        usage = event.get("usage") or usage
        for piece in event["choices"]:
            index = piece["index"]
            empty: dict[str, Any] = {
                "reasoning": None,
                "content": None,
                "tool_calls": [],
                "finish_reason": None,
                "stop_reason": None,
            }
            choice = choices.setdefault(index, empty)
            delta = piece.get("delta") or {"content": piece.get("text")}
            choice["reasoning"] = add(choice["reasoning"], delta.get(reasoning))
            choice["content"] = add(choice["content"], delta.get("content"))
            if piece.get("finish_reason") is not None:
                choice["finish_reason"] = piece["finish_reason"]
                choice["stop_reason"] = piece.get(stop)
            for part in delta.get("tool_calls") or []:
                call = calls.setdefault(index, {}).setdefault(part["index"], {"id": None, "name": None, "args": None})
                for field, value in (
                    ("id", part.get("id")),
                    ("name", part["function"].get("name")),
                    ("args", part["function"].get("arguments")),
                ):
                    call[field] = add(call[field], value)
    for index, by_call in calls.items():
        choices[index]["tool_calls"] = [tool_call(c["id"], c["name"], c["args"]) for _, c in sorted(by_call.items())]
    return {
        "streamed": True,
        "events": len(events),
        "done": data[-1] == "[DONE]",
        "choices": [choice for _, choice in sorted(choices.items())],
        "usage": usage,
        "events_with_usage": sum(1 for event in events if event.get("usage")),
    }


def outcome(
    status: int, body: bytes, reasoning: str = "reasoning_content", stop: str = "matched_stop"
) -> dict[str, Any]:
    """What a client should end up with; the two names are those the server gives to these fields."""
    if body.startswith(b"data: "):
        return joined(body, reasoning, stop)
    answer: dict[str, Any] = json.loads(body) if body else {}
    if status != 200:
        return {"error": answer.get("error", answer)}
    if "choices" in answer:
        return whole(answer, reasoning, stop)
    return {"count": answer["count"]} if "count" in answer else {}


def build(root: Path = ROOT) -> str:
    """The text of index.json."""
    index: dict[str, Any] = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        request = json.loads((folder / "request.json").read_text("utf-8"))
        status, body = split_response((folder / "response.txt").read_bytes())
        index[folder.name] = {
            "status": status,
            "path": request["path"],
            "note": request.get("note", ""),
            **outcome(status, body),
        }
    return json.dumps(index, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    (ROOT / "index.json").write_text(build(), encoding="utf-8")
