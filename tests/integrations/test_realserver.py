"""Two rounds with a tool by each framework, against a real server. Off by default, as the tests of `tests/interop`."""

from __future__ import annotations

import asyncio

import agents
import pytest

from tests.integrations.paths import FRAMEWORKS, RAN, Path
from tests.integrations.real import ANSWER, MODELS, key_of, question, server, url_of

__all__ = ["server"]

pytestmark = [pytest.mark.realserver, pytest.mark.usefixtures("allow_network")]
agents.set_tracing_disabled(True)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_two_rounds(server: str, framework: str, stream: bool) -> None:
    RAN.clear()
    path = Path(framework, server, url_of(server), ours=True, key=key_of(server), model=MODELS[server])
    assert asyncio.run(path.run(question(server, "weather", city="Zürich"), stream=stream)) == ANSWER
    assert RAN == ["Zürich"]
