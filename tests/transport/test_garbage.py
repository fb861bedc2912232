"""A client that is left in a circle of references closes its connections without a warning, whatever is found first."""

from __future__ import annotations

import gc
import warnings
import weakref

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.server import MockServer
from deepseek_v4_sdk.transport.direct_transport import DirectTransport


class Circle:
    """An object that holds itself, and what it is given."""

    def __init__(self, held: object) -> None:
        self.held = held
        self.itself = self


def transports() -> list[DirectTransport]:
    return [each for each in gc.get_objects() if isinstance(each, DirectTransport)]


def test_a_circle_with_a_client() -> None:
    with MockServer(MockProvider(default=script.text("Hi."))) as server, warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        others = transports()
        client = DeepSeekV4("vllm", base_url=server.url)
        assert client.chat("Hi").text == "Hi."
        (gone,) = (weakref.ref(each) for each in transports() if all(each is not other for other in others))
        Circle(client)
        del client
        gc.collect()
    assert gone() is None
    assert [str(each.message) for each in seen] == []
