"""The table of ids: the last entry of a key counts, and a row takes 16 bytes."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk.batch import id_index
from deepseek_v4_sdk.batch.id_index import IdIndex, hash_of

_ENTRIES = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 2**64 - 1)), max_size=200)


@given(_ENTRIES)
def test_it_is_a_dict(entries: list[tuple[int, int]]) -> None:
    index, expected = IdIndex(), dict(entries)
    before, id_index._FRESH = id_index._FRESH, 3
    try:
        for key, value in entries:
            index.put(key, value)
            assert index.get(key) == value
        assert [index.get(key) for key in range(51)] == [expected.get(key) for key in range(51)]
        assert sorted(index.values()) == sorted(expected.values())
        assert [index.get(key) for key in range(51)] == [expected.get(key) for key in range(51)]
    finally:
        id_index._FRESH = before


def test_it_takes_sixteen_bytes_a_row() -> None:
    count = 20_000
    index = IdIndex()
    tracemalloc.start()
    try:
        for number in range(count):
            index.put(*hash_of(str(number)))
        sum(1 for _ in index.values())
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken / count < 17
    assert index.get(hash_of("19999")[0]) == hash_of("19999")[1]
    assert index.get(hash_of("20000")[0]) is None


def test_half_a_surrogate_pair_has_a_hash() -> None:
    assert hash_of("\ud800") != hash_of("?")
