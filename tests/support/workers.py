"""A pytest plugin: with `--workers auto`, the suite collects once, and forked processes share its tests.

Each worker of pytest-xdist imports and collects the whole suite again, and sends eight messages for each test. A
forked worker has all of it at once, and sends its reports in bundles. It is for Linux only: elsewhere, threads and
system libraries do not survive a fork, and `--workers` starts the workers of xdist. So does `-n`, on each system.
"""

from __future__ import annotations

import atexit
import mmap
import os
import pickle
import selectors
import struct
import sys
import time
import traceback
import warnings
from itertools import groupby
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from _pytest.config import create_terminal_writer

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Crew", "pytest_addoption", "pytest_cmdline_main", "pytest_runtestloop", "pytest_xdist_auto_num_workers"]

FORKS = sys.platform == "linux"
CHUNK = 24
"""Tests of one file that a worker takes at once, at most."""
BUNDLE = 0.25
"""Seconds for which a worker keeps the reports of tests that passed, before it sends them."""
NUMBER = struct.Struct("=i")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--workers`."""
    parser.addoption(
        "--workers", metavar="N", help="fork N processes after the collection, or auto: two more than cores"
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Start two more workers than there are cores: tests of timers and sockets wait, and another worker goes on."""
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Leave the work to xdist where forking is not safe, and where lines are counted: pytest-cov knows its workers."""
    option = config.option
    if option.workers and (not FORKS or getattr(option, "cov_source", None)):
        if getattr(option, "numprocesses", 0) is None:
            option.numprocesses = "auto" if option.workers == "auto" else int(option.workers)
        option.workers = None


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Share the tests out, if it was asked for and there is something to share."""
    option = session.config.option
    busy = option.collectonly or option.usepdb or option.trace or getattr(option, "dist", "no") != "no"
    if not option.workers or busy or session.testsfailed or len(session.items) < 2:
        return None
    count = pytest_xdist_auto_num_workers() if option.workers == "auto" else int(option.workers)
    Crew(session, count).play()
    return True


class Crew:
    """The processes that share the tests of a session, and what they report."""

    def __init__(self, session: pytest.Session, count: int) -> None:
        self.session = session
        self.count = count
        self.hook = session.config.hook
        self.capture: Any = session.config.pluginmanager.getplugin("capturemanager")
        self.done: set[int] = set()
        self.shared = mmap.mmap(-1, NUMBER.size * (count + 1))
        """A number for each worker: the test that it runs. The last one is 1 when all of them should stop."""

    def play(self) -> None:
        """Run all tests, and report them; after a crash, other workers run what is left."""
        terminal: Any = self.session.config.pluginmanager.getplugin("terminalreporter")
        if terminal is not None:
            terminal.showfspath = False  # tests of several files end in turn
        factory: Any = getattr(self.session.config, "_tmp_path_factory", None)
        if factory is not None:
            factory.getbasetemp()
        while left := [at for at in range(len(self.session.items)) if at not in self.done]:
            before = len(self.done)
            self._round(left)
            if self.session.shouldfail:
                raise self.session.Failed(self.session.shouldfail)
            if self.session.shouldstop:
                raise self.session.Interrupted(self.session.shouldstop)
            if len(self.done) == before:
                raise RuntimeError("The workers ended before they ran a test.")

    def _round(self, left: list[int]) -> None:
        chunks = list(self._chunks(left))
        tasks, give = os.pipe()
        running: dict[int, _Connection] = {}
        self.capture.stop_global_capturing()  # each process captures into files of its own
        try:
            for place in range(min(self.count, len(chunks))):
                NUMBER.pack_into(self.shared, NUMBER.size * place, -1)
                results, report = os.pipe()
                sys.stdout.flush()
                sys.stderr.flush()
                pid = os.fork()
                if pid == 0:
                    for other in (give, results, *running):
                        os.close(other)
                    _Worker(self, place, report).work(tasks, chunks)
                os.close(report)
                running[results] = _Connection(place, pid)
            os.close(tasks)
            os.write(give, b"".join(NUMBER.pack(at) for at in range(len(chunks))))
            os.close(give)
            self.capture.start_global_capturing()
            self.capture.suspend_global_capture()
            self._listen(running)
        finally:
            for results, worker in running.items():  # only after an error
                os.kill(worker.pid, 15)
                os.waitpid(worker.pid, 0)
                os.close(results)

    def _chunks(self, left: list[int]) -> Iterator[list[int]]:
        most = max(CHUNK, len(left) // 8000)  # the numbers of all chunks fit into a pipe
        for _, file in groupby(left, lambda at: self.session.items[at].location[0]):
            tests = list(file)
            yield from (tests[at : at + most] for at in range(0, len(tests), most))

    def _listen(self, running: dict[int, _Connection]) -> None:
        with selectors.DefaultSelector() as ready:
            for results in running:
                ready.register(results, selectors.EVENT_READ)
            while running:
                for key, _ in ready.select():
                    worker = running[key.fd]
                    data = os.read(key.fd, 1 << 20)
                    for kind, said in worker.messages(data):
                        getattr(self, f"_on_{kind}")(worker, said)
                    if self.session.shouldfail or self.session.shouldstop:
                        NUMBER.pack_into(self.shared, NUMBER.size * self.count, 1)
                    if worker.ended or not data:
                        ready.unregister(key.fd)
                        os.close(key.fd)
                        del running[key.fd]
                        _, status = os.waitpid(worker.pid, 0)
                        if not worker.ended:
                            self._on_crash(worker, os.waitstatus_to_exitcode(status))

    def _on_report(self, worker: _Connection, said: tuple[int, Any]) -> None:
        at, report = said
        if isinstance(report, dict):
            report = self.hook.pytest_report_from_serializable(config=self.session.config, data=report)
        worker.reports.append(report)
        if report.when == "teardown":
            self._tell(at, worker.reports)
            worker.reports = []

    def _tell(self, at: int, reports: list[pytest.TestReport]) -> None:
        item = self.session.items[at]
        self.done.add(at)
        self.hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in reports:
            self.hook.pytest_runtest_logreport(report=report)
        self.hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def _on_warning(self, worker: _Connection, said: dict[str, Any]) -> None:
        message = warnings.WarningMessage(**said.pop("message"))
        self.hook.pytest_warning_recorded.call_historic(kwargs={"warning_message": message, **said})

    def _on_cost(self, worker: _Connection, said: Any) -> None:
        self.session.config.pluginmanager.getplugin("cost-report").add(said)

    def _on_error(self, worker: _Connection, said: str) -> None:
        raise RuntimeError(f"A worker failed outside its tests:\n{said}")

    def _on_end(self, worker: _Connection, said: None) -> None:
        worker.ended = True

    def _on_crash(self, worker: _Connection, code: int) -> None:
        (at,) = NUMBER.unpack_from(self.shared, NUMBER.size * worker.place)
        if at >= 0 and at not in self.done:
            item = self.session.items[at]
            told = f"The process of the test ended with {code} while it ran {item.nodeid}."
            self._tell(at, [pytest.TestReport(item.nodeid, item.location, {}, "failed", told, "call")])


class _Connection:
    """A worker as its parent sees it."""

    def __init__(self, place: int, pid: int) -> None:
        self.place = place
        self.pid = pid
        self.ended = False
        self.reports: list[Any] = []
        """Of the test that has not ended: the parent tells of a test when all of it is there."""
        self._read = bytearray()

    def messages(self, data: bytes) -> Iterator[tuple[str, Any]]:
        """Return the messages that are whole now."""
        self._read += data
        while len(self._read) >= NUMBER.size:
            end = NUMBER.size + NUMBER.unpack_from(self._read)[0]
            if len(self._read) < end:
                return
            bundle = pickle.loads(self._read[NUMBER.size : end])
            del self._read[:end]
            yield from bundle


class _Terminal:
    """The writer that other plugins ask for: pytest-timeout prints the stacks of a test that hangs."""

    def __init__(self, config: pytest.Config) -> None:
        self._tw = create_terminal_writer(config, os.fdopen(os.dup(2), "w"))


class _Worker:
    """The forked process: it runs tests chunk by chunk, and its reports go to the parent."""

    def __init__(self, crew: Crew, place: int, report: int) -> None:
        self.crew = crew
        self.session = crew.session
        self.place = place
        self._report = report
        self._kept: list[tuple[str, Any]] = []
        self._sent = time.monotonic()
        self._at = -1

    def work(self, tasks: int, chunks: list[list[int]]) -> NoReturn:
        """Run tests until there are no more, and end the process."""
        atexit._clear()  # what the parent will do at its own end
        try:
            self._begin()
            self._run(self._tests(tasks, chunks))
            self.session._setupstate.teardown_exact(None)
            if cost := self.session.config.pluginmanager.getplugin("cost-report"):
                self._keep("cost", cost.sums())
            self._keep("end", None)
        except BaseException:  # noqa: BLE001
            self._keep("error", traceback.format_exc())
        finally:
            self._send()
            atexit._run_exitfuncs()
            os._exit(0)

    def _begin(self) -> None:
        manager = self.session.config.pluginmanager
        if (terminal := manager.getplugin("terminalreporter")) is not None:
            manager.unregister(terminal)
            manager.register(_Terminal(self.session.config), "terminalreporter")
        nowhere = os.open(os.devnull, os.O_WRONLY)  # threads may print between tests, where nothing is captured
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        self.crew.capture.start_global_capturing()
        self.crew.capture.suspend_global_capture()
        factory: Any = getattr(self.session.config, "_tmp_path_factory", None)
        if factory is not None:
            factory._basetemp = factory.getbasetemp() / f"w{self.place}"
            factory._basetemp.mkdir(mode=0o700, exist_ok=True)
        manager.register(self, "worker")

    def _tests(self, tasks: int, chunks: list[list[int]]) -> Iterator[int]:
        while at := os.read(tasks, NUMBER.size):
            yield from chunks[NUMBER.unpack(at)[0]]

    def _run(self, tests: Iterator[int]) -> None:
        items, place, stop = self.session.items, NUMBER.size * self.place, NUMBER.size * self.crew.count
        following = next(tests, None)
        while following is not None:
            self._at, following = following, next(tests, None)
            NUMBER.pack_into(self.crew.shared, place, self._at)
            item = items[self._at]
            item.ihook.pytest_runtest_protocol(item=item, nextitem=None if following is None else items[following])
            if self.session.shouldfail or self.session.shouldstop or NUMBER.unpack_from(self.crew.shared, stop)[0]:
                return

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Report to the parent; what went wrong is not kept."""
        said: Any = report
        if report.longrepr is not None:
            said = self.crew.hook.pytest_report_to_serializable(config=self.session.config, report=report)
        self._keep("report", (self._at, said))
        if report.failed or time.monotonic() > self._sent + BUNDLE:
            self._send()

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: tuple[str, int, str] | None
    ) -> None:
        """Pass a warning on; where its class cannot leave the process, as a UserWarning."""
        if self._at < 0:
            return  # recorded before the fork: a new plugin gets it again
        message = {name: getattr(warning_message, name) for name in ("category", "filename", "lineno", "line")}
        try:
            pickle.dumps(message["category"])
        except (pickle.PicklingError, AttributeError):
            message["category"] = UserWarning
        message["message"] = str(warning_message.message)
        self._keep("warning", {"message": message, "when": when, "nodeid": nodeid, "location": location})

    def _keep(self, kind: str, said: Any) -> None:
        self._kept.append((kind, said))

    def _send(self) -> None:
        kept, self._kept, self._sent = self._kept, [], time.monotonic()
        data = pickle.dumps(kept, protocol=pickle.HIGHEST_PROTOCOL)
        data = memoryview(NUMBER.pack(len(data)) + data)
        while data:
            data = data[os.write(self._report, data) :]
