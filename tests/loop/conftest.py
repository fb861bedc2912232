"""What one test has learned of a server, no other one knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk.providers import LEARNED

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    LEARNED.forget()
    yield
    LEARNED.forget()
