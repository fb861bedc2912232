"""Kill real servers in the middle of answers, let these go on at another server, and compare with the unbroken answer.

It starts the servers itself, one command each, and starts each again that it has killed. Every other kill takes only
the engine's process, so that its front end reports the death; the others take all processes of the server.

    python benchmarks/resume_kills.py --start 'vllm=./serve.sh {port}' --start 'vllm=./serve.sh {port}'
    python benchmarks/resume_kills.py --start 'vllm=./serve.sh {port}' --start 'sglang=python serve.py --port {port}'
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from resume_trials import Outcome, client_of, difference, meaning, options_of

from deepseek_v4_sdk import DeepSeekV4, DeepSeekV4Error, ReasoningDelta, Reply, StreamResumed, TextDelta

ENGINES = ("EngineCore", "sglang::scheduler")


class Server:
    """A server that is started by a command, and again after each kill."""

    def __init__(self, kind: str, command: str, log: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.kind, self.url = kind, f"http://127.0.0.1:{self.port}"
        self._command, self._log = shlex.split(command.format(port=self.port)), log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with Path(self._log).open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, start_new_session=True)
        ends = time.monotonic() + 600
        while time.monotonic() < ends:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=20) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(1)
            if self._process.poll() is not None:
                break
        raise SystemExit(f"{self._command} did not start: see {self._log}")

    def kill(self, *, engine: bool) -> str:
        """Kill the engine or everything; return which."""
        assert self._process is not None
        inside = [each for each in _group(self._process.pid) if engine and _title(each).startswith(ENGINES)]
        for process in inside:
            os.kill(process, signal.SIGKILL)
        if not inside:
            self.end()
        return "the engine" if inside else "the server"

    def end(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


def _group(leader: int) -> list[int]:
    """The processes of a group, and of the sessions that its members began."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if leader in (int(fields[2]), int(fields[3])):  # process group, session
                found.append(int(entry.name))
    return found


def _title(process: int) -> str:
    try:
        title = Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
    return title.removeprefix("VLLM::")


def broken(
    client: DeepSeekV4, question: str, kill_at: int, servers: list[Server], outcome: Outcome, *, engine: bool
) -> tuple[Reply, Server | None, str]:
    """An answer in the middle of which its server is killed."""
    pieces, killed, what, at = 0, None, "", 0.0
    with client.stream(question, **options_of(question)) as stream:
        for event in stream:
            if isinstance(event, StreamResumed):
                outcome.breaks += 1
                outcome.seams.append(time.monotonic() - at)
            pieces += isinstance(event, ReasoningDelta | TextDelta)
            if pieces == kill_at and killed is None:
                killed = _answering(servers)
                at, what = time.monotonic(), killed.kill(engine=engine)
        return stream.reply(), killed, what


def _answering(servers: list[Server]) -> Server:
    """The server to which this process has an open connection with an answer: the last one that was called."""
    ports = {server.port: server for server in servers}
    held: list[int] = []
    for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        port = int(fields[2].rpartition(":")[2], 16)
        if fields[3] == "01" and port in ports and _mine(fields[9]):
            held.append(port)
    return ports[held[-1]]


def _mine(inode: str) -> bool:
    wanted = f"socket:[{inode}]"
    return any(_link(each) == wanted for each in Path("/proc/self/fd").iterdir())


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def main() -> None:
    read = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    read.add_argument("--start", action="append", required=True, help="KIND=COMMAND with {port}; two of them")
    read.add_argument("--key", default="secret")
    read.add_argument("--script", default="resume_fast")
    read.add_argument("--trials", type=int, default=10)
    read.add_argument("--seed", type=int, default=1)
    read.add_argument("--model", default="deepseek-ai/DeepSeek-V4-Flash")
    read.add_argument("--log", default="servers.log")
    given = read.parse_args()
    servers = [Server(kind, command, given.log) for kind, _, command in (each.partition("=") for each in given.start)]
    question, dice, outcome = f"[[script:{given.script}]]", random.Random(given.seed), Outcome()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    try:
        for server in servers:
            server.start()
        client = client_of([(server.kind, server.url) for server in servers], given.key, given.model)
        began = time.monotonic()
        with client.stream(question, **options_of(question)) as stream:
            pieces = sum(isinstance(event, ReasoningDelta | TextDelta) for event in stream)
            whole = stream.reply()
        tokens, seconds = whole.usage.completion_tokens, time.monotonic() - began
        print(f"{given.script}: {tokens} tokens in {pieces} pieces and {seconds:.1f} s", flush=True)
        for number in range(given.trials):
            place = dice.randint(2, pieces * 9 // 10)
            client = client_of([(server.kind, server.url) for server in servers], given.key, given.model)
            try:
                reply, killed, what = broken(client, question, place, servers, outcome, engine=number % 2 == 0)
            except DeepSeekV4Error as error:
                outcome.raised.append(
                    f"{place}: {type(error).__name__}: {str(error)[:300]} {getattr(error, '__notes__', '')}"
                )
                print(f"  {number + 1}: {outcome.raised[-1]}", flush=True)
                for server in servers:
                    server.end()
                    server.start()
                continue
            if meaning(reply) == meaning(whole):
                outcome.whole += 1
            else:
                outcome.differ.append(f"{place}: {difference(whole, reply)}")
            ends = ", ".join(str(attempt.error or attempt.status) for attempt in reply.attempts)
            print(f"  {number + 1}: {what} killed at piece {place}; {outcome.whole} whole; {ends}", flush=True)
            if killed is not None:
                killed.end()
                killed.start()
    finally:
        for server in servers:
            server.end()
    print(f"{outcome.whole} of {given.trials} whole, {outcome.breaks} breaks")
    if outcome.seams:
        median, longest = statistics.median(outcome.seams), max(outcome.seams)
        print(f"from the kill to the first piece after it: median {median:.2f} s, longest {longest:.2f} s")
    for line in (*outcome.raised, *outcome.differ):
        print("  ", line)


if __name__ == "__main__":
    main()
