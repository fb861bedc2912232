"""Programs in a process of their own that is forked from a Python which has loaded the package: it begins at once.

A Python that starts anew takes most of a second of CPU until its first chat. Where there is no fork, each program takes
it. A program runs as with `python -W error -X utf8`, and its process ends as any other: at its end, threads are
waited for, and what was left open is told.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["run_forked"]

OPTIONS = ("-W", "error", "-X", "utf8")


def run_forked(
    program: str | Path, *arguments: str, env: Mapping[str, str] | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run a file, or a text as behind `-c`; return its exit code and what it printed."""
    variables = dict(os.environ if env is None else env)
    if not hasattr(os, "fork"):
        what = [str(program)] if isinstance(program, Path) else ["-c", program]
        return subprocess.run(
            [sys.executable, *OPTIONS, *what, *arguments],
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
    asked = {
        "file": str(program) if isinstance(program, Path) else None,
        "code": str(program),
        "arguments": arguments,
        "env": variables,
        "folder": str(Path.cwd()),
    }
    with tempfile.TemporaryFile() as question, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        question.write(json.dumps(asked).encode())
        question.seek(0)
        code = Parent.running().fork([question.fileno(), out.fileno(), err.fileno()], timeout)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess([str(program)], code, out.read().decode(), err.read().decode())


class Parent:
    """The process that forks: one for each process of the suite, from the first program to the end."""

    _running: Parent | None = None

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *OPTIONS, __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        atexit.register(self.end)

    @classmethod
    def running(cls) -> Parent:
        """Return the one of this process."""
        if cls._running is None:
            cls._running = cls()
        return cls._running

    def fork(self, files: list[int], timeout: float) -> int:
        """Run the program of the first file; return its exit code, negative for a signal."""
        self._socket.settimeout(timeout)
        try:
            socket.send_fds(self._socket, [b"?"], files)
            return int(self._socket.recv(16))
        except (OSError, ValueError):
            self.end()
            raise

    def end(self) -> None:
        """End it, and what it has forked."""
        Parent._running = None
        self._socket.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def serve(place: int) -> None:
    """Fork for each request, and tell how the child has ended; in a child, run the program and return."""
    _load()
    with socket.socket(fileno=place) as requests:
        while True:
            said, files, _, _ = socket.recv_fds(requests, 1, 3)
            if not said:
                return
            child = os.fork()
            if child == 0:
                break
            for file in files:
                os.close(file)
            _, status = os.waitpid(child, 0)
            requests.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    _run(*files)


def _load() -> None:
    import deepseek_v4_sdk
    from deepseek_v4_sdk import testing

    for module in (deepseek_v4_sdk, testing):
        for name in module.__all__:
            getattr(module, name)
    deepseek_v4_sdk.DeepSeekV4("mock").chat("x")  # what is loaded by the first one
    gc.freeze()


def _run(question: int, out: int, err: int) -> None:
    with open(question, encoding="utf-8") as file:
        asked = json.load(file)
    for wanted, given in ((1, out), (2, err)):
        os.dup2(given, wanted)
        os.close(given)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["folder"])
    main = sys.modules["__main__"] = ModuleType("__main__")
    if asked["file"] is None:
        sys.argv = ["-c", *asked["arguments"]]
        sys.path[0] = ""
        exec(compile(asked["code"], "<string>", "exec"), vars(main))
    else:
        sys.argv = [asked["file"], *asked["arguments"]]
        sys.path[0] = str(Path(asked["file"]).parent)
        runpy.run_path(asked["file"], run_name="__main__")


if __name__ == "__main__":
    serve(int(sys.argv[1]))
