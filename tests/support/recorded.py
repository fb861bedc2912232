"""The recorded exchanges with real vLLM and SGLang servers, as typed objects."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from deepseek_v4_sdk.chat import write_json
from deepseek_v4_sdk.testing import RecordedExchange
from tests.recordings import make_sglang_index

ROOT = Path(__file__).parents[1] / "recordings"
SERVERS = ("vllm", "sglang")


@dataclass(frozen=True)
class Recording:
    """One exchange, and what a client should make of it."""

    exchange: RecordedExchange
    """As a replayer takes it."""

    server: str
    name: str
    method: str
    path: str
    request_headers: dict[str, str]
    request_body: dict[str, Any] | None
    """The JSON sent; None for a GET and for the one body that is not JSON (vllm/error_bad_json)."""
    status: int
    headers: list[tuple[str, str]]
    """As sent, but `Transfer-Encoding: chunked` no longer holds of `body`."""
    body: bytes
    http_chunks: list[bytes]
    """The body cut where the HTTP chunks ended, or whole where that is unknown."""
    expected: dict[str, Any]
    """The entry of the server's index.json; its form is told in recordings/make_sglang_index.py."""
    is_chat: bool
    streamed: bool


def recordings(server: str | None = None, *, chat: bool | None = None) -> list[Recording]:
    """All recordings, or those of one server, or only the chat completions, or only the others; ordered by name."""
    if server is not None and server not in SERVERS:
        raise ValueError(f"no recordings of {server!r}")
    return [
        recording
        for each in SERVERS
        if server in {None, each}
        for recording in _load(each)
        if chat is None or recording.is_chat is chat
    ]


@cache
def of_front(name: str) -> tuple[Recording, ...]:
    """What another vLLM answered to the requests of the first: "vllm-0.33", or "vllm-0.33-rust" (its Rust front end).

    Only the answers are kept, and what a client should make of them is joined from their bytes without the SDK.
    """
    answers: dict[str, str] = json.loads((ROOT / "fronts" / f"{name}.json").read_text("utf-8"))
    found: list[Recording] = []
    for asked in _load("vllm"):
        head, _, text = answers[asked.name].partition("\r\n\r\n")
        status_line, *lines = head.split("\r\n")
        headers = [(key, value.strip()) for key, _, value in (line.partition(":") for line in lines)]
        status, body = int(status_line.split()[1]), text.encode()
        told = make_sglang_index.outcome(status, body, "reasoning", "stop_reason") if asked.is_chat else {}
        named = {key.lower(): value for key, value in headers if key.lower() != "transfer-encoding"}
        exchange = replace(asked.exchange, status=status, headers=named, parts=(body,), place=f"{name}/{asked.name}")
        changed = replace(
            asked, exchange=exchange, status=status, headers=headers, body=body, http_chunks=[body], expected=told
        )
        found.append(replace(changed, streamed=body.startswith(b"data: ")))
    return tuple(found)


@cache
def _load(server: str) -> tuple[Recording, ...]:
    index: dict[str, dict[str, Any]] = json.loads((ROOT / server / "index.json").read_text("utf-8"))
    folders = sorted(path.parent for path in (ROOT / server).glob("*/request.json"))
    return tuple(_read(server, folder, index[folder.name]) for folder in folders)


def _read(server: str, folder: Path, expected: dict[str, Any]) -> Recording:
    request: dict[str, Any] = json.loads((folder / "request.json").read_text("utf-8"))
    head, _, body = (folder / "response.txt").read_bytes().partition(b"\r\n\r\n")
    status_line, *header_lines = head.decode("latin-1").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in header_lines)]
    meta = folder / "meta.json"
    if meta.exists():
        sizes = [size for _, size in json.loads(meta.read_text("utf-8"))["http_chunks"]]
    else:
        sizes = request.get("http_chunks", [])
    asked = request["body"] if "body" in request else request.get("body_text", "")
    exchange = RecordedExchange(
        provider=server,
        method=request["method"],
        path=request["path"],
        request_body=asked.encode() if isinstance(asked, str) else write_json(asked),
        status=int(status_line.split()[1]),
        headers={name.lower(): value for name, value in headers if name.lower() != "transfer-encoding"},
        parts=tuple(_cut(body, sizes)),
        place=f"{server}/{folder.name}",
    )
    return Recording(
        exchange=exchange,
        server=server,
        name=folder.name,
        method=request["method"],
        path=request["path"],
        request_headers=request["headers"],
        request_body=request.get("body"),
        status=int(status_line.split()[1]),
        headers=headers,
        body=body,
        http_chunks=_cut(body, sizes),
        expected=expected,
        is_chat=request["method"] == "POST" and request["path"] == "/v1/chat/completions",
        streamed=any(name.lower() == "content-type" and "text/event-stream" in value for name, value in headers),
    )


def _cut(body: bytes, sizes: list[int]) -> list[bytes]:
    chunks: list[bytes] = []
    for size in sizes:
        start = sum(map(len, chunks))
        chunks.append(body[start : start + size])
    return chunks or [body]
