"""Runs in a process that forks meanwhile: `python -m tests.chaos.forked URL SEED FIRST LAST` prints their counts."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from deepseek_v4_sdk import DeepSeekV4
from tests.chaos.runs import Run, draw_run
from tests.chaos.test_chaos import AT_ONCE, hear
from tests.transport.forking import end, start

CHILDREN = 6


def main(url: str, seed: int, first: int, last: int) -> Counter[str]:
    """Threads of the parent play a half of the runs; children that are forked meanwhile play the others."""
    runs = [draw_run(seed, number) for number in range(first, last)]
    arguments = {"base_url": url, "api_key": "key-of-the-test", "model": "deepseek-ai/DeepSeek-V4-Pro", "limits": "off"}
    client = DeepSeekV4("vllm", **arguments, max_retries=0)
    patient = client.with_options(max_retries=2)
    counts: Counter[str] = Counter()

    def judged(run: Run) -> str:
        return hear(patient if run.number % 2 else client, run).check_completeness(run, seed, 2 * (run.number % 2))

    def child(share: list[Run], pipe: int) -> None:
        os.write(pipe, (json.dumps(Counter(map(judged, share))) + "\n").encode())

    mine, theirs = runs[::2], runs[1::2]
    back, forth = os.pipe()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        playing = [threads.submit(judged, run) for run in mine]
        time.sleep(0.05)
        children = [start(lambda place=place: child(theirs[place::CHILDREN], forth)) for place in range(CHILDREN)]
        counts.update(one.result() for one in playing)
    end(*children, within=120.0)
    os.close(forth)
    with os.fdopen(back) as told:
        for line in told:
            counts.update(json.loads(line))
    client.close()
    return counts


if __name__ == "__main__":
    address, *numbers = sys.argv[1:]
    print(json.dumps(main(address, *map(int, numbers))))
