"""Async tests run on asyncio; one socket for all tests of a file, behind which each test puts a mock of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk.testing.server import MockServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server
