"""The laws of a journal under kills: `python -m tests.batch.kills 200` kills runs of a map at random moments.

A run is a forked child, which the parent kills. The child notes on files, as a server would, which rows were sent, and
which results its loop has got. The laws:

1. A result that the loop has got is in the journal.
2. A row that the journal holds is not sent again.
3. After a kill at most as many rows as were in flight are sent again.
4. The results of the run that ends are those of a run without kills.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4
from deepseek_v4_sdk.testing import MockProvider, script

ROWS, IN_FLIGHT = 60, 8


def note(file: Path, row_id: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{row_id}\n".encode())
    os.close(descriptor)


def noted(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


def run(folder: Path, *, awaited: bool) -> dict[str, str]:
    """Map all rows, and return the texts."""

    def answer(request: Any) -> Any:
        text = str(request.body["messages"][0]["content"])
        note(folder / "sent", text)
        return script.text(f"answer to {text} " + "x" * (int(text) * 37 % 5_000))

    mock = MockProvider(default=script.from_function(answer), count_tokens=False)
    rows = [{"id": f"row-{number}", "messages": str(number)} for number in range(ROWS)]
    options: dict[str, Any] = {"concurrency": IN_FLIGHT, "journal": folder / "rows.jsonl"}
    texts: dict[str, str] = {}

    async def waiting() -> None:
        async with AsyncDeepSeekV4(mock) as client, client.map(rows, **options) as results:
            async for result in results:
                note(folder / "got", result.id.removeprefix("row-"))
                texts[result.id] = result.text

    if awaited:
        asyncio.run(waiting())
        return texts
    with DeepSeekV4(mock) as client, client.map(rows, **options) as results:
        for result in results:
            note(folder / "got", result.id.removeprefix("row-"))
            texts[result.id] = result.text
    return texts


def held(journal: Path) -> set[str]:
    """The rows of the whole lines of a journal."""
    lines = journal.read_bytes().split(b"\n")[:-1] if journal.exists() else []
    return {json.loads(line)["id"].removeprefix("row-") for line in lines}


def killed_after(folder: Path, seconds: float, *, awaited: bool) -> bool:
    """Begin a run in a child and kill it; return whether it was still running."""
    child = os.fork()
    if not child:
        try:
            run(folder, awaited=awaited)
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def main(kills: int, seed: int = 1) -> str:
    """Kill so many runs, one journal after the other, and check the laws after each kill."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "whole"
        whole.mkdir()
        begin = time.monotonic()
        expected = run(whole, awaited=False)
        length = time.monotonic() - begin
        done = journals = torn = again = 0
        while done < kills:
            folder = Path(place) / f"journal-{journals}"
            folder.mkdir()
            journals += 1
            for attempt in range(4):
                before = held(folder / "rows.jsonl")
                (folder / "sent").unlink(missing_ok=True)
                was_killed = killed_after(folder, dice.uniform(0, length / 2), awaited=bool(attempt % 2))
                after, sent = held(folder / "rows.jsonl"), noted(folder / "sent")
                assert set(noted(folder / "got")) <= after, "a result that was given out is not in the journal"
                assert not before & set(sent), "a row that the journal held was sent again"
                assert len(sent) == len(set(sent)), "a row was sent twice in one run"
                assert len(set(sent) - after) <= IN_FLIGHT, "more rows than were in flight are lost"
                assert before <= after, "the journal has lost a row"
                done, again = done + was_killed, again + len(set(sent) - after)
                torn += (folder / "rows.jsonl").exists() and not (folder / "rows.jsonl").read_bytes().endswith(b"\n")
                if done >= kills:
                    break
            before = held(folder / "rows.jsonl")
            (folder / "sent").unlink(missing_ok=True)
            assert run(folder, awaited=bool(journals % 2)) == expected, "the results differ from those without kills"
            assert not before & set(noted(folder / "sent")), "a row that the journal held was sent again"
    return f"{done} kills of {journals} journals: {again} rows were in flight, {torn} journals ended in a torn line"


if __name__ == "__main__":
    print(main(int(sys.argv[1]), *map(int, sys.argv[2:])))
