"""Where the tests of this folder are skipped, and where they fail."""

from __future__ import annotations

import shutil

import pytest

from tests.limits.redis_server import found_redis


@pytest.fixture(autouse=True)
def _not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.delenv("REQUIRE_REDIS", raising=False)


def test_without_a_server_they_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")  # this alone demands nothing
    with pytest.raises(pytest.skip.Exception):
        found_redis()


def test_where_it_is_required_they_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_REDIS", "1")
    with pytest.raises(pytest.fail.Exception, match="there is no redis-server"):
        found_redis()
