"""`MockProvider`: a provider without a server, on which the whole path of a client runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.providers import Target, find_provider
from deepseek_v4_sdk.support.redaction import never_raises
from deepseek_v4_sdk.testing.answer import ServerAnswer
from deepseek_v4_sdk.testing.backend import Backend
from deepseek_v4_sdk.testing.cassettes.proxy import CheckedDelegatingProvider
from deepseek_v4_sdk.testing.expectations import MockScriptError
from deepseek_v4_sdk.testing.faults import Chaos, Fault
from deepseek_v4_sdk.testing.flavors import find_flavor
from deepseek_v4_sdk.testing.flavors.base import Flavor
from deepseek_v4_sdk.testing.flavors.served import KNOWN
from deepseek_v4_sdk.testing.requests import MockRequest
from deepseek_v4_sdk.testing.script import Faulty, Step, Turn
from deepseek_v4_sdk.testing.transport import MockTransport

__all__ = ["MockProvider"]

_EACH = tuple(name for name in KNOWN if name.endswith(("-Pro", "-Flash")))
"""The checkpoint that each alias of V4 stands for."""


class MockProvider(CheckedDelegatingProvider):
    """A provider whose server is a script. Requests and answers are real bytes in the wire of the flavor.

    One mock serves many clients and threads, sync and async. Steps are taken in the order in which requests arrive.

    Args:
        steps: The answers, one for each request, from `deepseek_v4_sdk.testing.script`. Without any, the mock answers
            from its input.
        flavor: The provider whose API it implements: a name, or a flavor of `deepseek_v4_sdk.testing.flavors`.
        default: The answer after the last step; without it that is a `MockScriptError`.
        window: The context window it reports, in tokens.
        chaos: Faults at random, on top of those of the script.
        count_tokens: Whether it counts the tokens of prompts, with V4's own format and vocabulary, and refuses what
            exceeds the window.
        at: The date and time at which each request is sent, for `reply.timing.sent_at` and `reply.cost()`; without it
            the machine's.

    In a `with` block it also checks, at the end, that every step was taken.

    Raises:
        ConfigurationError: There is no such flavor, a step is none, or `at` has no time zone.

    Attributes:
        requests: The chat requests it has received, in order.
        transport: The httpx transport that uses it, sync and async.
    """

    def __init__(
        self,
        *steps: Step | Fault,
        flavor: str | Flavor = "vllm",
        default: Step | Fault | None = None,
        window: int = 1_048_576,
        chaos: Chaos | None = None,
        count_tokens: bool = True,
        at: datetime | None = None,
    ) -> None:
        if at is not None and at.tzinfo is None:
            raise ConfigurationError("at has no time zone: give datetime(..., tzinfo=UTC)")
        spoken = find_flavor(flavor) if isinstance(flavor, str) else flavor
        script = [_as_step(step) for step in steps]
        self._backend = Backend(
            script, None if default is None else _as_step(default), spoken, window, chaos, counts=count_tokens
        )
        super().__init__(find_provider(spoken.name))
        self.transport = MockTransport(self._backend, at)

    def check_used(self) -> None:
        """Fail the test when steps of the script were not taken.

        Raises:
            MockScriptError: Some were not; the text shows them.
        """
        if unused := self._backend.unused:
            shown = "\n".join(f"  {step!r}" for step in unused)
            raise MockScriptError(f"{len(unused)} step(s) of the script were not taken:\n{shown}")

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> ServerAnswer:
        """Answer one HTTP request as the server does; for other transports.

        Raises:
            MockScriptError: The script has no step for it.
        """
        return self._backend.handle(method, path, headers, body)

    def is_heavy(self, path: str, body: bytes) -> bool:
        """Whether a request is so large that counting its prompt would hold an event loop up."""
        return self._backend.is_heavy(path, body)

    def prepare(self, path: str, body: bytes) -> None:
        """Count the prompt of a request that will be handled next; from any thread."""
        self._backend.prepare(path, body)

    @property
    def name(self) -> str:
        """The name that replies and errors show: "mock", whatever its flavor."""
        return "mock"

    @property
    def requests(self) -> list[MockRequest]:
        """The chat requests it has received, in order."""
        return self._backend.requests

    def _seen(self, target: Target) -> Target:
        """A mock of either model lists one of them, and serves the other for its alias, too."""
        target = super()._seen(target)
        if not target.served or not self._backend.flavor.takes_known:
            return target
        listed = " ".join(target.served).lower()
        other = next((name for name in _EACH if f"-{name.rpartition('-')[2].lower()}" not in listed), None)
        return target if other is None else replace(target, served=(*target.served, other))

    @never_raises
    def __repr__(self) -> str:
        return f"MockProvider(flavor={self.data.name!r}, requests={len(self.requests)})"


def _as_step(step: Step | Fault) -> Step:
    """A fault without a step breaks a short answer."""
    if isinstance(step, Fault):
        return Faulty(Turn("Let me see.", "Here I am."), (step,))
    if not isinstance(step, Step):
        raise ConfigurationError(f"a step of the script is {step!r}: give script.text(...) or another step or fault")
    return step
