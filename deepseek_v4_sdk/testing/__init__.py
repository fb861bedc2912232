"""Testing without a server: a mock provider on which the whole path of a client runs."""

from deepseek_v4_sdk.testing import faults, script
from deepseek_v4_sdk.testing.answer import Break, Part, ServerAnswer, Wait
from deepseek_v4_sdk.testing.cassettes.cassette import CassetteError, RecordedExchange, read_cassette
from deepseek_v4_sdk.testing.cassettes.matching import RequestMatch
from deepseek_v4_sdk.testing.cassettes.recorder import Recorder, RecordingTransport
from deepseek_v4_sdk.testing.cassettes.replayer import Replayer
from deepseek_v4_sdk.testing.clock import Times, VirtualClock
from deepseek_v4_sdk.testing.expectations import MockScriptError
from deepseek_v4_sdk.testing.factories import make_events, make_reply, make_run, make_usage
from deepseek_v4_sdk.testing.faults import Chaos
from deepseek_v4_sdk.testing.mock import MockProvider
from deepseek_v4_sdk.testing.prompt_tokens import Rendering
from deepseek_v4_sdk.testing.requests import MockRequest
from deepseek_v4_sdk.testing.transport import Answering, MockTransport

__all__ = [
    "Answering",
    "Break",
    "CassetteError",
    "Chaos",
    "MockProvider",
    "MockRequest",
    "MockScriptError",
    "MockTransport",
    "Part",
    "RecordedExchange",
    "Recorder",
    "RecordingTransport",
    "Rendering",
    "Replayer",
    "RequestMatch",
    "ServerAnswer",
    "Times",
    "VirtualClock",
    "Wait",
    "faults",
    "make_events",
    "make_reply",
    "make_run",
    "make_usage",
    "read_cassette",
    "script",
]
