"""Two rounds with a tool by each framework, against a real server. Off by default, as the tests of `tests/interop`."""

from __future__ import annotations

import asyncio

import pytest

from tests.integrations.paths import RAN, Way, here, run
from tests.integrations.real import ANSWER, MODELS, key_of, question, server, url_of

__all__ = ["server"]

pytestmark = [pytest.mark.realserver, pytest.mark.usefixtures("allow_network")]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("framework", here())
def test_two_rounds(server: str, framework: str, stream: bool) -> None:
    RAN.clear()
    way = Way(flavor=server, url=url_of(server), ours=True, key=key_of(server), named=MODELS[server])
    assert asyncio.run(run(framework, way, question(server, "weather", city="Zürich"), stream=stream)) == ANSWER
    assert RAN == ["Zürich"]
