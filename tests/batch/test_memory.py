"""The memory of a map: 16 bytes a finished row, and nothing that grows. `python -m tests.batch.test_memory 1000000`."""

from __future__ import annotations

import gc
import sys
import tempfile
import tracemalloc
from pathlib import Path

import pytest

from deepseek_v4_sdk.batch.settings import MapSettings
from deepseek_v4_sdk.batch.state import MapState
from tests.batch.maps import Rows, answered


def bytes_a_row(count: int, journal: Path | None) -> float:
    """Send so many rows through a map without threads, and return by how much its memory has grown since the first."""
    state = MapState(Rows(lambda request: answered()), MapSettings(concurrency=2, journal=journal), None)
    before = 0
    tracemalloc.start()
    try:
        for number in range(-500, count):
            if number == 0:
                gc.collect()
                before, _ = tracemalloc.get_traced_memory()
            row = state.admit({"id": f"row {number}", "messages": "x"})
            assert row is not None
            state.begin(row)
            state.finish(row, answered())
            assert state.take() is not None
        gc.collect()
        state._met.values()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        state.close()
    return (after - before) / count


@pytest.mark.timeout(400)  # tracing takes long on a busy machine
@pytest.mark.parametrize("journal", [False, True])
def test_sixteen_bytes_a_row(journal: bool, tmp_path: Path) -> None:
    count = 3 * 4_096 - 500  # the fresh entries are sorted in then
    assert bytes_a_row(count, tmp_path / "rows.jsonl" if journal else None) < 15.5
    # Few rows take 12 bytes each: the first ones had their place before. Many take 16, which the command shows.


if __name__ == "__main__":
    rows = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        for place in (None, Path(folder) / "rows.jsonl"):
            print(f"{rows} rows, {'no ' * (place is None)}journal: {bytes_a_row(rows, place):.1f} bytes a row")
