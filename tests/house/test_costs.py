"""What the tests may cost: the table in CONTRIBUTING.md has each folder, and the report of costs adds up."""

from __future__ import annotations

import pytest

from tests.support.cost import budgets, row_of
from tests.support.tree import ROOT


def test_each_folder_has_a_budget_and_their_sum_is_bounded() -> None:
    folders = {f"tests/{file.relative_to(ROOT / 'tests').parts[0]}" for file in (ROOT / "tests").rglob("test_*.py")}
    assert set(budgets(ROOT)) == folders
    assert sum(budgets(ROOT).values()) <= 590


TEST = "tests/transport/limits/test_a.py::test_b[c/d]"


@pytest.mark.parametrize(
    ("depth", "row"), [("folder", "tests/transport"), ("file", "tests/transport/limits/test_a.py"), ("test", TEST)]
)
def test_a_test_counts_for_its_row(depth: str, row: str) -> None:
    assert row_of(TEST, depth) == row


@pytest.mark.parametrize("options", [(), ("-p", "xdist.plugin", "-n", "1")], ids=["here", "in a worker"])
def test_the_report(options: tuple[str, ...], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (pytester.path / "CONTRIBUTING.md").write_text("| folder | CPU seconds |\n|---|---|\n| `one` | 0 |\n\n", "utf-8")
    folder = pytester.mkdir("tests") / "one"
    folder.mkdir()
    work = "from time import process_time\n\ndef test_it():\n    while process_time() < began + 0.1: pass\n"
    (folder / "test_it.py").write_text(work.replace("    while", "    began = process_time()\n    while"), "utf-8")
    result = pytester.runpytest_inprocess(
        "-p", "tests.support.cost", "-p", "no:cacheprovider", *options, "--cost=folder"
    )
    result.assert_outcomes(passed=1)
    result.stdout.re_match_lines([r" +0\.\d +\d+\.\d +1  tests/one, over its 0 s"])
