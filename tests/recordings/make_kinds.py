"""Asks a real server the requests of `kinds_requests` once: `python -m tests.recordings.make_kinds vllm URL KEY`.

The server's model must say what it is told, by `vllm_xargs.script_raw` or by a marker in the prompt. What is kept is
what is compared: answers without ids, times and paths, and neighbouring deltas of a stream joined.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.fidelity.kinds import kept_answer, sent
from tests.recordings.kinds_requests import cases

KEPT = Path(__file__).parent / "kinds"


def main(server: str, url: str, key: str) -> None:
    """Write what the server answers to the requests that have no answer yet."""
    file = KEPT / f"{server}.json"
    found: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    for case in cases(server):
        if case["name"] not in found:
            # A client for each: a server that falls over closes its connection.
            with httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=120) as client:
                found[case["name"]] = kept_answer(client.send(client.build_request(**sent(server, case))))
    lines = [
        f"{json.dumps(name)}:{json.dumps(answer, ensure_ascii=False, separators=(',', ':'))}"
        for name, answer in found.items()
    ]
    text = ",\n".join(lines)
    file.write_text(f"{{\n{text}\n}}\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
