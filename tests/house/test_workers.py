"""`--workers`: forked processes that share the tests report what one process reports."""

from __future__ import annotations

import os
from xml.etree import ElementTree as ET

import pytest

from tests.support import workers

pytestmark = pytest.mark.skipif(not workers.FORKS, reason="workers are forked on Linux only")

SUITE = """
import os
import time
import warnings
import pytest

@pytest.fixture(scope="module")
def number():
    yield os.getpid()
    assert {torn_down}

@pytest.mark.parametrize("at", range(60))
def test_passes(at, number):
    assert number == os.getpid() != {parent}

def test_prints():
    print("what it prints")
    assert 1 == 2

def test_warns():
    warnings.warn("an old name")

def test_skips():
    pytest.skip("not today")

@pytest.mark.xfail(strict=True)
def test_is_expected():
    assert False

def test_folder(tmp_path):
    assert not list(tmp_path.iterdir())
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """Run a suite of files in this process, or with workers."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(*options: str, **files: str) -> pytest.RunResult:
        pytester.makepyfile(**files)
        plugins = ("-p", "tests.support.workers", "-p", "tests.support.cost", "-p", "no:cacheprovider", "-W", "default")
        return pytester.runpytest_inprocess(*options, *plugins)

    return run


def suite(torn_down: bool = True) -> str:
    """The text of a file of tests."""
    return SUITE.format(parent=os.getpid(), torn_down=torn_down)


def test_the_outcomes_are_those_of_one_process(run, pytester: pytest.Pytester) -> None:
    result = run("--workers=3", "--junitxml=all.xml", "--cost=file", test_a=suite(), test_b=suite(), test_c=suite())
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=186, failed=3, skipped=3, xfailed=3, warnings=3)
    result.stdout.fnmatch_lines(["*what it prints*", "*assert 1 == 2*", "*UserWarning: an old name*"])
    result.stdout.re_match_lines([r" +\d+\.\d +\d+\.\d +65  test_a.py"])
    cases = ET.parse(pytester.path / "all.xml").findall(".//testcase")
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases) == 195


def test_an_error_of_a_fixture_at_its_end_is_reported(run) -> None:
    result = run("--workers=2", "-k", "passes", test_a=suite(torn_down=False), test_b=suite())
    outcomes = result.parseoutcomes()
    assert (outcomes["passed"], result.ret) == (120, pytest.ExitCode.TESTS_FAILED)
    assert outcomes["errors"] >= 1, "one for each worker that had the fixture"


def test_it_stops_after_the_first_failure(run) -> None:
    slow = "import pytest\n\n@pytest.mark.parametrize('at', range(500))\ndef test_it(at):\n    sum(range(300_000))\n"
    result = run("--workers=2", "-x", test_a="def test_it():\n    assert False\n", test_b=slow)
    assert (result.ret, result.parseoutcomes()["failed"]) == (pytest.ExitCode.TESTS_FAILED, 1)
    assert result.parseoutcomes().get("passed", 0) < 500
    result.stdout.fnmatch_lines(["*stopping after 1 failures*"])


@pytest.mark.parametrize("count", [1, 3])
def test_a_crash_fails_its_test_and_no_other(count: int, run) -> None:
    crash = "import os\n\ndef test_before(): pass\n\ndef test_crash(): os._exit(7)\n\ndef test_after(): pass\n"
    result = run(f"--workers={count}", test_a=crash, test_b=suite(), test_c=crash)
    result.assert_outcomes(passed=66, failed=3, skipped=1, xfailed=1, warnings=1)
    result.stdout.fnmatch_lines(["*ended with 7 while it ran test_a.py::test_crash*"])


def test_what_fails_outside_the_tests_is_told(run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest("def pytest_runtest_logstart(nodeid): raise OSError('no place')")
    result = run("--workers=2", test_a=suite())
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    result.stdout.fnmatch_lines(["*A worker failed outside its tests*", "*OSError: no place*"])


def test_a_test_that_hangs_fails_in_time(run) -> None:
    hangs = "import time\n\ndef test_hangs():\n    time.sleep(60)\n\ndef test_after(): pass\n"
    result = run("-p", "pytest_timeout", "--timeout=0.5", "--workers=1", test_a=hangs)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*Failed: Timeout*"])


def test_elsewhere_xdist_has_the_work(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "FORKS", False)
    result = run("-p", "xdist.plugin", "--workers=1", "-v", test_a="def test_it(): pass")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*gw0*PASSED*test_a.py::test_it*"])
