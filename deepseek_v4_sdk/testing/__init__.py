"""Testing without a server: a mock provider on which the whole path of a client runs."""

from typing import TYPE_CHECKING

from deepseek_v4_sdk._late_types import late_names
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

if TYPE_CHECKING:
    from deepseek_v4_sdk.testing.conformance.check import check_provider
    from deepseek_v4_sdk.testing.conformance.report import ProviderProblem, ProviderReport

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
    "ProviderProblem",
    "ProviderReport",
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
    "check_provider",
    "faults",
    "make_events",
    "make_reply",
    "make_run",
    "make_usage",
    "read_cassette",
    "script",
]

_LATE = {
    "check_provider": "conformance.check",
    "ProviderProblem": "conformance.report",
    "ProviderReport": "conformance.report",
}

if not TYPE_CHECKING:  # type checkers read the imports above
    __getattr__ = late_names(__name__, _LATE)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
