"""The example that classifies, killed twice and started again: `python -m tests.batch.classified 5000`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.server import MockServer
from tests.batch.kills import held
from tests.support.tree import ROOT

MOODS = ("glad", "angry", "neutral")


def _answer(request: Any) -> Any:
    number = int(request.body["messages"][-1]["content"].split()[-1])
    return script.text(json.dumps({"value": MOODS[number % 3]}))


def _start(folder: Path, journal: Path, into: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / "classify.py"), str(folder / "reviews.txt")]
    command += ["--config", str(folder / "profiles.toml"), "--journal", str(journal)]
    with into.open("wb") as opened:
        return subprocess.Popen(command, stdout=opened, stderr=subprocess.STDOUT)


def main(rows: int) -> str:
    """Run it once undisturbed and once with two kills; the tables are equal, and nothing is sent twice."""
    mock = MockProvider(default=script.from_function(_answer), count_tokens=False)
    with tempfile.TemporaryDirectory() as place, MockServer(mock) as server:
        folder = Path(place)
        (folder / "reviews.txt").write_text("".join(f"review {number}\n" for number in range(rows)), encoding="utf-8")
        profile = f'default = "here"\n[profiles.here]\nprovider = "vllm"\nbase_url = "{server.url}"\n'
        (folder / "profiles.toml").write_text(profile, encoding="utf-8")
        begin = time.monotonic()
        assert _start(folder, folder / "whole.jsonl", folder / "whole").wait() == 0, (folder / "whole").read_text()
        seconds = time.monotonic() - begin
        journal, sent, known = folder / "killed.jsonl", len(mock.requests), set[str]()
        for share in (rows // 3, 2 * rows // 3):
            child = _start(folder, journal, folder / "killed")
            while len(held(journal)) < share and child.poll() is None:
                time.sleep(0.02)
            child.send_signal(signal.SIGKILL)
            child.wait()
            assert share <= len(held(journal)), (folder / "killed").read_text()
            assert not _texts(mock, sent) & known, "rows of the journal were sent again"
            known, sent = held(journal), len(mock.requests)
        assert _start(folder, journal, folder / "killed").wait() == 0, (folder / "killed").read_text()
        assert not _texts(mock, sent) & known, "rows of the journal were sent again"
        tables = [sorted((folder / name).read_text().splitlines()[:-1]) for name in ("whole", "killed")]
        assert len(tables[0]) == rows
        assert tables[0] == tables[1]
        summary = (folder / "killed").read_text().splitlines()[-1]
    again = len(mock.requests) - 2 * rows
    return f"{rows} rows, {seconds:.1f} s undisturbed; two kills: {again} rows in flight were sent again; {summary}"


def _texts(mock: MockProvider, since: int) -> set[str]:
    return {request.body["messages"][-1]["content"].split()[-1] for request in mock.requests[since:]}


if __name__ == "__main__":
    print(main(int(sys.argv[1])))
