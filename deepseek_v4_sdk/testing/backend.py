"""The mock's server: takes a request apart, takes the next step of the script, and answers in its flavor. No I/O."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from deepseek_v4_sdk.chat import JsonValue, read_json, write_json
from deepseek_v4_sdk.testing.model import answer
from deepseek_v4_sdk.testing.script import Accepted, Error, Raw, Step, Turn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deepseek_v4_sdk.testing.flavors.base import Flavor

__all__ = ["Answer", "Backend", "MockRequest", "MockScriptError", "Wait"]


_POLL_PATH = "/v2/nvcf/pexec/status/"


class MockScriptError(AssertionError):
    """The script and the program under test do not match."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The server is silent for so many seconds."""

    seconds: float


Part: TypeAlias = bytes | Wait
"""A block of a body, or silence before the next."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    parts: Sequence[Part] = ()


@dataclass(frozen=True, slots=True)
class MockRequest:
    """A chat request as the mock received it.

    Attributes:
        headers: Its headers, names in lower case; the key is masked.
        body: Its body, decoded.
        path: Its path.
    """

    body: dict[str, JsonValue]
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Backend:
    """One mock server. It may be asked from many threads; steps are taken in the order of arrival.

    Args:
        steps: The answers, one for each chat request.
        default: What answers when they have run out; None makes that an error. Without any step and default the
            mock answers from its input.
        flavor: Whose wire it speaks.
        window: The context window it tells, in tokens.
    """

    def __init__(self, steps: Sequence[Step], default: Step | None, flavor: Flavor, window: int) -> None:
        self.flavor = flavor
        self.window = window
        self.requests: list[MockRequest] = []
        self._steps = list(steps)
        self._taken = 0
        self._default = default
        self._pending: dict[str, tuple[int, Answer]] = {}
        self._lock = threading.Lock()

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one HTTP request.

        Raises:
            MockScriptError: The script has no further step.
        """
        if path in self.flavor.chat_paths:
            if method != "POST":
                return _json(405, {"detail": "Method Not Allowed"})
            return self._chat(path, headers, body)
        if method == "GET" and path.startswith(_POLL_PATH):
            return self._poll(path.removeprefix(_POLL_PATH))
        if method == "GET" and (answered := self.flavor.read(path, self.window)) is not None:
            return _json(200, answered) if answered != "" else Answer(200, {"content-length": "0"})
        return _json(404, {"detail": "Not Found"})

    def _chat(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        flavor = self.flavor
        try:
            decoded = read_json(body)
        except ValueError:
            return _json(400, flavor.error(400, "JSON decode error"))
        if not isinstance(decoded, dict) or not isinstance(decoded.get("messages"), list):
            return _json(400, flavor.error(400, "1 validation error:\n  {'type': 'missing', 'loc': 'body.messages'}"))
        shown = {name: "***" if name == "authorization" else value for name, value in headers.items()}
        with self._lock:
            self.requests.append(MockRequest(decoded, path, shown))
            number = len(self.requests)
            step = flavor.refuse(decoded) or self._next(decoded)
            if isinstance(step, Accepted):
                request_id = f"{number:08x}-0000-4000-8000-000000000000"
                self._pending[request_id] = (step.polls, self._answer(step.then, decoded, number))
                return _accepted(request_id)
        return self._answer(step, decoded, number)

    def _answer(self, step: Turn | Error | Raw, body: dict[str, JsonValue], number: int) -> Answer:
        flavor = self.flavor
        if isinstance(step, Error):
            answered = _json(step.status, flavor.error(step.status, step.message))
            return Answer(answered.status, {**answered.headers, **step.headers}, answered.parts)
        if isinstance(step, Raw):
            return Answer(step.status, step.headers, step.blocks)
        turn = step if flavor.thinks(body) else Turn("", step.text, step.calls, step.finish_reason)
        if body.get("stream") is True:
            headers = {"content-type": "text/event-stream; charset=utf-8"}
            return Answer(200, headers, list(flavor.stream(turn, body, number)))
        return _json(200, flavor.plain(turn, body, number))

    def _poll(self, request_id: str) -> Answer:
        """An answer that was accepted: once more in vain, or the answer."""
        with self._lock:
            if request_id not in self._pending:
                return _json(404, self.flavor.error(404, "no such request"))
            left, answer = self._pending[request_id]
            if left > 0:
                self._pending[request_id] = (left - 1, answer)
                return _accepted(request_id)
            del self._pending[request_id]
            return answer

    def _next(self, body: dict[str, JsonValue]) -> Step:
        if self._taken < len(self._steps):
            self._taken += 1
            return self._steps[self._taken - 1]
        if self._default is not None:
            return self._default
        if not self._steps:
            return answer(body)
        raise MockScriptError(
            f"request {len(self.requests)} came, but the script has only {len(self._steps)} steps: "
            "add a step, or give default="
        )


def _accepted(request_id: str) -> Answer:
    return Answer(202, {"nvcf-reqid": request_id, "nvcf-status": "pending-evaluation", "content-length": "0"})


def _json(status: int, value: JsonValue) -> Answer:
    body = write_json(value)
    return Answer(status, {"content-type": "application/json", "content-length": str(len(body))}, [body])
