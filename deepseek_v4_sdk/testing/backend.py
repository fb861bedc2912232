"""The mock's server: takes a request apart, takes the next step of the script, and answers in its flavor. No I/O."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import JsonValue, is_mapping, read_json, write_json
from deepseek_v4_sdk.errors import InvalidRequestError, UnsupportedOptionError
from deepseek_v4_sdk.providers import find_provider
from deepseek_v4_sdk.testing.answer import Answer, json_answer
from deepseek_v4_sdk.testing.counting import as_tokenized, count_body, encode_body
from deepseek_v4_sdk.testing.model import answer
from deepseek_v4_sdk.testing.requests import MockRequest, same_json
from deepseek_v4_sdk.testing.script import Error, Expected, Faulty, Function, ModelOutput, Raw, Step, Turn
from deepseek_v4_sdk.tokens import encode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deepseek_v4_sdk.testing.faults import Chaos, Fault
    from deepseek_v4_sdk.testing.flavors.base import Flavor

__all__ = ["Backend", "MockScriptError"]

_POLL_PATH = "/v2/nvcf/pexec/status/"


class MockScriptError(AssertionError):
    """The script and the program under test do not match."""


class Backend:
    """One mock server. It may be asked from many threads; steps are taken in the order of arrival.

    Args:
        steps: The answers, one for each chat request.
        default: What answers when they have run out; None makes that an error. Without any step and default the
            mock answers from its input.
        flavor: Whose wire it speaks.
        window: The context window it tells, in tokens.
        chaos: Faults at random, or None.
        counts: Whether it counts the tokens of prompts.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        default: Step | None,
        flavor: Flavor,
        window: int,
        chaos: Chaos | None,
        *,
        counts: bool,
    ) -> None:
        self.flavor = flavor
        self.window = window
        self.requests: list[MockRequest] = []
        self._steps = list(steps)
        self._taken = 0
        self._default = default
        self._chaos = chaos
        self._counts = counts
        self._grammar = find_provider(flavor.name).data.renderer.forces_by_grammar
        self._pending: dict[str, tuple[int, Answer]] = {}
        self._lock = threading.Lock()

    @property
    def unused(self) -> list[Step]:
        """The steps that no request has taken."""
        return self._steps[self._taken :]

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one HTTP request.

        Raises:
            MockScriptError: The script has no further step, or another request was expected.
        """
        if path in self.flavor.chat_paths:
            if method != "POST":
                return json_answer(405, {"detail": "Method Not Allowed"})
            return self._chat(path, headers, body)
        if path in self.flavor.count_paths and method == "POST":
            return self._tokenize(body)
        if method == "GET" and path.startswith(_POLL_PATH):
            return self._poll(path.removeprefix(_POLL_PATH))
        if method == "GET" and (answered := self.flavor.read(path, self.window)) is not None:
            return json_answer(200, answered) if answered != "" else Answer(200, {"content-length": "0"})
        return json_answer(404, {"detail": "Not Found"})

    def _chat(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        flavor = self.flavor
        try:
            decoded = read_json(body)
        except ValueError:
            return json_answer(400, flavor.error(400, "JSON decode error"))
        if not isinstance(decoded, dict) or not isinstance(decoded.get("messages"), list):
            missing = "1 validation error:\n  {'type': 'missing', 'loc': 'body.messages'}"
            return json_answer(400, flavor.error(400, missing))
        shown = {name: "***" if name == "authorization" else value for name, value in headers.items()}
        request = MockRequest(decoded, path, shown, flavor.thinking(decoded), flavor.dialect, self._grammar)
        try:
            prompt = self._count(request)
        except (InvalidRequestError, UnsupportedOptionError) as error:
            return json_answer(400, flavor.error(400, str(error)))
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
            step = flavor.refuse(decoded) or self._too_long(decoded, prompt) or self._next(request)
        faults = self._chaos.draw(number) if self._chaos is not None else ()
        answered, polls = self._answer(step, request, number, prompt, faults)
        if polls:
            request_id = f"{number:08x}-0000-4000-8000-000000000000"
            with self._lock:
                self._pending[request_id] = (polls, answered)
            return _accepted(request_id)
        return answered

    def _answer(
        self, step: Step, request: MockRequest, number: int, prompt: int, faults: tuple[Fault, ...]
    ) -> tuple[Answer, int]:
        """The answer that a step and its faults make, and how often it must be asked for."""
        if isinstance(step, Faulty):
            return self._answer(step.step, request, number, prompt, (*step.faults, *faults))
        if isinstance(step, Function):
            return self._answer(step.function(request), request, number, prompt, faults)
        if isinstance(step, Expected):
            return self._answer(step.then, request, number, prompt, faults)
        flavor = self.flavor
        if isinstance(step, Error):
            answered = json_answer(step.status, flavor.error(step.status, step.message))
            answered = replace(answered, headers={**answered.headers, **step.headers})
        elif isinstance(step, Raw):
            answered = Answer(step.status, step.headers, step.blocks)
        else:
            answered = self._say(self._turn(step, request), faults, request, number, prompt)
        for fault in faults:
            answered = fault.on_answer(answered, flavor)
        return answered.within_length(), max((fault.polls for fault in faults), default=0)

    def _turn(self, step: Turn | ModelOutput, request: MockRequest) -> Turn:
        thinks = request.thinking != "off"
        if isinstance(step, Turn):
            return step if thinks else step.without_reasoning()
        offered = bool(request.tools) and request.body.get("tool_choice") != "none"
        read = self.flavor.parser.read(step.output, thinking=thinks, tools=offered)
        return read + Turn(finish_reason=step.finish_reason, cuts=step.cuts)

    def _say(self, turn: Turn, faults: tuple[Fault, ...], request: MockRequest, number: int, prompt: int) -> Answer:
        for fault in faults:
            turn = fault.on_turn(turn, request.body)
        if request.streamed:
            headers = {"content-type": "text/event-stream; charset=utf-8"}
            return Answer(200, headers, tuple(self.flavor.stream(turn, request.body, number, prompt)))
        return json_answer(200, self.flavor.plain(turn, request.body, number, prompt))

    def _count(self, request: MockRequest) -> int:
        """The tokens of the prompt, by the flavor's own encoder; a rough number where counting is off."""
        if not self._counts:
            return len(write_json(request.body["messages"])) // 4 + 5
        return count_body(request.body, request.dialect, request.thinking, grammar=request.grammar)

    def _too_long(self, body: dict[str, JsonValue], prompt: int) -> Error | None:
        wanted = body.get("max_completion_tokens") or body.get("max_tokens")
        said = self.flavor.too_long(self.window, prompt, wanted if isinstance(wanted, int) else 0)
        return None if said is None else Error(400, said)

    def _tokenize(self, body: bytes) -> Answer:
        """A server's own count of a prompt: a text as it is, or a chat as it would be rendered."""
        flavor = self.flavor
        try:
            decoded = read_json(body)
        except ValueError:
            decoded = None
        if not isinstance(decoded, dict):
            return json_answer(400, flavor.error(400, "JSON decode error"))
        text = decoded.get("prompt")
        ids: list[JsonValue]
        if isinstance(text, str):
            ids = [*encode(text)]
        elif not isinstance(decoded.get("messages"), list):
            return json_answer(400, flavor.error(400, "give prompt or messages"))
        else:
            seen = as_tokenized(decoded, flavor.dialect)
            try:
                ids = [*encode_body(seen, flavor.dialect, flavor.thinking(seen))]
            except (InvalidRequestError, UnsupportedOptionError) as error:
                return json_answer(400, flavor.error(400, str(error)))
        return json_answer(200, {"count": len(ids), "max_model_len": self.window, "tokens": ids, "token_strs": None})

    def _next(self, request: MockRequest) -> Step:
        if self._taken < len(self._steps):
            step = self._steps[self._taken]
            _expect(step, request, f"request {len(self.requests)}, step {self._taken + 1} of the script")
            self._taken += 1
            return step
        if self._default is not None:
            return self._default
        if not self._steps:
            return answer(request)
        raise MockScriptError(
            f"request {len(self.requests)} came, but the script has only {len(self._steps)} steps: "
            f"add a step, or give default=\n  it said: {_summary(request)}"
        )

    def _poll(self, request_id: str) -> Answer:
        """An answer that was accepted: once more in vain, or the answer."""
        with self._lock:
            if request_id not in self._pending:
                return json_answer(404, self.flavor.error(404, "no such request"))
            left, answered = self._pending.pop(request_id)
            if left > 1:
                self._pending[request_id] = (left - 1, answered)
                return _accepted(request_id)
            return answered


def _accepted(request_id: str) -> Answer:
    return Answer(202, {"nvcf-reqid": request_id, "nvcf-status": "pending-evaluation", "content-length": "0"})


def _expect(step: Step, request: MockRequest, where: str) -> None:
    """Fail when a step was meant for another request."""
    if isinstance(step, Faulty):
        return _expect(step.step, request, where)
    if not isinstance(step, Expected):
        return None
    wanted = step.predicate
    if isinstance(wanted, str):
        if wanted not in request.text:
            raise MockScriptError(f"{where}: expected a text with {wanted!r}\n  got: {_summary(request)}")
    elif is_mapping(wanted):
        wrong = [
            f"  {key}: expected {value!r}, got {request.body.get(key)!r}"
            for key, value in wanted.items()
            if not same_json(value, request.body.get(key))
        ]
        if wrong:
            raise MockScriptError("\n".join([f"{where} is not as expected:", *wrong]))
    elif callable(wanted) and not wanted(request):
        name = getattr(wanted, "__name__", "the predicate")
        raise MockScriptError(f"{where}: {name} is not true of it\n  got: {_summary(request)}")
    return None


def _summary(request: MockRequest) -> str:
    roles = ", ".join(str(message.get("role")) for message in request.messages)
    said: JsonValue = request.text[:120]
    return f"messages ({roles}), tools {request.tools}, thinking {request.thinking!r}, last user text {said!r}"
