"""Eight times the input costs about eight times as much: the rows of the benchmark that are easily made quadratic."""

from __future__ import annotations

import gc
from time import process_time
from typing import TYPE_CHECKING

import pytest

from tests.support.tree import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DANGEROUS = {
    ("stream", "tool calls"),
    ("stream", "bytes of an event, 100 a block"),
    ("stream", "fragments of a call's arguments"),
    ("run_tools", "calls in one answer"),
    ("Conversation.repair", "messages, all wrong"),
    ("budget.fit", "messages, half of which fit"),
    ("pack", "documents, half of which fit"),
    ("cache_report", "messages"),
    ("from_profile", "profiles, an error in the last"),
    ("from_profile", "profiles of a file that was found, a key in the last"),
    ("from_profile", "profiles that fall back to each other"),
    ("Ledger", "requests, each of a different model"),
    ("Replayer", "exchanges, normalised and backwards"),
}


def seconds(run: object) -> float:
    gc.collect()
    began = process_time()
    run()  # type: ignore[operator]
    return process_time() - began


@pytest.mark.usefixtures("small_heap")
@pytest.mark.parametrize(("name", "grows"), sorted(DANGEROUS))
def test_it_grows_as_its_input(name: str, grows: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quadratic work takes 64 times as long; 24 leaves room for a machine that is busy."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from growth_local import ROWS  # type: ignore[import-not-found]

    (row,) = (row for row in ROWS if (row.name, row.grows) == (name, grows))
    size = max(row.size // 4, 8)
    few, many = row.make(size, tmp_path), row.make(8 * size, tmp_path)
    few()  # what is loaded once
    small = min(seconds(few) for _ in range(3))
    bound = 24 * small + 0.02
    large = seconds(many)
    if large >= bound:  # a busy machine, perhaps: one more look
        large = seconds(many)
    assert large < bound, f"{small:.4f} s for {size}, {large:.4f} s for {8 * size}"
