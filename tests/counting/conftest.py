"""Each test counts from nothing: what another one has settled is forgotten."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deepseek_v4_sdk.tokens.stable_prefix import STABLE_PREFIXES


@pytest.fixture(autouse=True)
def nothing_settled() -> Iterator[None]:
    STABLE_PREFIXES.clear()
    yield
    STABLE_PREFIXES.clear()
