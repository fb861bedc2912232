"""The mock's server: takes a request apart, takes the next step of the script, and answers in its flavor. No I/O."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import replace
from secrets import randbits
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import JsonValue, read_json
from deepseek_v4_sdk.errors import InvalidRequestError, UnsupportedOptionError
from deepseek_v4_sdk.support.forks import new_lock
from deepseek_v4_sdk.testing.answer import ServerAnswer, accepted_answer, json_answer
from deepseek_v4_sdk.testing.argument_types import properties_of
from deepseek_v4_sdk.testing.expectations import MockScriptError, expect, summary
from deepseek_v4_sdk.testing.flavors.base import JSON, STREAM, Chat, Counts, as_uuid, wanted
from deepseek_v4_sdk.testing.flavors.completions import GivenPrompt, left_of, read_prompt
from deepseek_v4_sdk.testing.generated_output import (
    GeneratedOutput,
    OutputSpan,
    rough_ends,
    say,
    within_last_call,
    without_beginning,
)
from deepseek_v4_sdk.testing.ids import own_numbers
from deepseek_v4_sdk.testing.model import answer
from deepseek_v4_sdk.testing.model_markup import spans_of, turn_of
from deepseek_v4_sdk.testing.prompt_counter import CountedPrompt, PromptCounter, rough_count
from deepseek_v4_sdk.testing.prompt_tokens import token_ends
from deepseek_v4_sdk.testing.requests import MockRequest
from deepseek_v4_sdk.testing.script import Error, Expected, Faulty, Function, ModelOutput, Raw, Step, Turn
from deepseek_v4_sdk.testing.token_routes import detokenized, tokenized

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deepseek_v4_sdk.testing.faults import Chaos, Fault
    from deepseek_v4_sdk.testing.flavors.base import Flavor

__all__ = ["Backend"]

_POLL_PATH = "/v2/nvcf/pexec/status/"
_HEAVY = 50_000
"""Bytes of a request from which on counting its prompt takes more than a few milliseconds."""


class Backend:
    """One mock server. Many threads may call it; it takes steps in the order of arrival.

    Args:
        steps: The answers, one for each chat request.
        default: The answer after the last step; None makes that an error. Without any step and default the
            mock answers from its input.
        flavor: The server whose API it implements.
        window: The context window it reports, in tokens.
        chaos: Faults at random, or None.
        counts: Whether it counts the tokens of prompts and of answers.
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
        self._engine = flavor.engine
        self._steps = list(steps)
        self._taken = 0
        # With a script ids are the same for each mock of a process. Without one, answers of two may meet.
        self._numbered_from = 0 if steps or default is not None else randbits(46)
        self._default = default
        self._chaos = chaos
        self._counts = counts
        self._prompts = PromptCounter(flavor, exact=counts)
        self._pending: dict[str, tuple[int, ServerAnswer]] = {}
        self._prepared: dict[bytes, CountedPrompt] = {}
        self._running = 0
        self._finished: Counter[str] = Counter()
        self._token_totals = Counter[str]()
        self._arrivals: deque[float] = deque()
        self._lock = new_lock()

    @property
    def unused(self) -> list[Step]:
        """The steps that no request has taken."""
        return self._steps[self._taken :]

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> ServerAnswer:
        """Answer one HTTP request.

        Raises:
            MockScriptError: The script has no further step, or another request was expected.
        """
        flavor = self.flavor
        if (refused := flavor.admit(path, headers)) is not None:
            return self._refusal(refused)
        if path in flavor.chat_paths:
            if method != "POST":
                return json_answer(405, {"detail": "Method Not Allowed"})
            return self._chat(path, headers, body)
        if method == "POST" and path == "/v1/completions" and self._engine.completions is not None:
            return self._complete(path, headers, body)
        if method == "POST" and path in self._engine.count_paths:
            return self._tokenize(path, headers, body)
        if method == "POST" and path.replace("/detokenize", "/tokenize") in self._engine.count_paths:
            return self._detokenize(path, headers, body)
        if method == "GET" and path.startswith(_POLL_PATH):
            return self._poll(path.removeprefix(_POLL_PATH))
        if method == "GET" and (found := self._get(path)) is not None:
            return found
        refused = flavor.no_such_path(path)
        return self._refusal(refused) if refused is not None else json_answer(404, {"detail": "Not Found"})

    def is_heavy(self, path: str, body: bytes) -> bool:
        """Whether counting the prompt of a request takes so long that an event loop should not do it."""
        return self._counts and len(body) > _HEAVY and path in self.flavor.chat_paths

    def prepare(self, path: str, body: bytes) -> None:
        """Count the prompt of a request ahead; from any thread. `handle` reports errors of the count."""
        del path
        try:
            decoded = read_json(body)
            if isinstance(decoded, dict) and self._engine.refuse(decoded, self.window) is None:
                self._prepared[body] = self._prompts.count(decoded)
        except (ValueError, InvalidRequestError, UnsupportedOptionError):
            return

    def _get(self, path: str) -> ServerAnswer | None:
        """The metrics, and what the flavor says about itself; None for another path."""
        if path in {"/metrics", "/v1/metrics"} and (metrics := self._engine.measures(self._measured())) is not None:
            encoded = metrics.encode()
            kind = "text/plain; version=0.0.4; charset=utf-8"
            return ServerAnswer(200, {"content-type": kind, "content-length": str(len(encoded))}, (encoded,))
        answered = self.flavor.read(path, self.window)
        if answered is None:
            return None
        return json_answer(200, answered) if answered != "" else ServerAnswer(200, {"content-length": "0"})

    def _measured(self) -> Counts:
        cache = self._prompts.cache
        with self._lock:
            return Counts(
                running=self._running,
                finished=dict(self._finished),
                prompt_tokens=self._token_totals["prompt"],
                completion_tokens=self._token_totals["completion"],
                cache_queries=cache.queries if cache is not None else 0,
                cache_hits=cache.hits if cache is not None else 0,
            )

    def _refusal(self, step: Error | Raw) -> ServerAnswer:
        if isinstance(step, Raw):
            return ServerAnswer(step.status, step.headers, step.blocks)
        answered = json_answer(step.status, self._engine.error(step.status, step.message))
        return replace(answered, headers={**answered.headers, **step.headers})

    def _chat(self, path: str, headers: Mapping[str, str], body: bytes) -> ServerAnswer:
        engine = self._engine
        decoded = self._read(headers, body)
        if decoded is None:
            return self._unreadable(path, headers, body)
        rendering = self._prompts.rendering(decoded)
        shown = {name: "***" if name == "authorization" else value for name, value in headers.items()}
        request = MockRequest(decoded, path, shown, rendering.thinking, rendering, engine.prompt_body(decoded))
        refused = self._too_many() or engine.refuse(decoded, self.window)
        prompt = CountedPrompt(0)
        if refused is None:
            try:
                prepared = self._prepared.pop(body, None)
                prompt = self._prompts.count(decoded) if prepared is None else prepared
            except (InvalidRequestError, UnsupportedOptionError) as error:
                if engine.encoder_refuses:
                    refused = Error(400, str(error))
                else:
                    prompt = rough_count(decoded)
        if refused is None and self._counts:
            refused = engine.refuse_length(decoded, self.window, prompt.size)
        with self._lock:
            if isinstance(decoded.get("messages"), list):
                self.requests.append(request)
            number = len(self.requests)
            step = refused or self._next(request)
        cached = self._prompts.look_up(prompt, decoded) if refused is None else 0
        chat = Chat(decoded, self._number(number), self.window, prompt.size, cached, prompt.ids, shown)
        faults = self._chaos.draw(number) if self._chaos is not None else ()
        answered, polls = self._answer(step, request, chat, faults)
        if polls:
            request_id = as_uuid(chat.number)
            with self._lock:
                self._pending[request_id] = (polls, answered)
            return accepted_answer(request_id)
        return self._running_until_end(answered)

    def _complete(self, path: str, headers: Mapping[str, str], body: bytes) -> ServerAnswer:
        """Answer a rendered prompt with the rest of the next step."""
        engine = self._engine
        decoded = self._read(headers, body)
        if decoded is None or engine.completions is None:
            return self._unreadable(path, headers, body)
        given = read_prompt(decoded.get("prompt"))
        refused = self._too_many() or engine.completions.refuse(decoded, given, self.window)
        given = given or GivenPrompt((), "", thinks=False, begun="")
        rendering = self._prompts.rendering_of(given)
        shown = {name: "***" if name == "authorization" else value for name, value in headers.items()}
        request = MockRequest(decoded, path, shown, rendering.thinking, rendering, given=given.text)
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
            step = refused or self._next(request)
        prompt = CountedPrompt(len(given.ids), given.ids)
        cached = self._prompts.look_up(prompt, decoded) if refused is None else 0
        chat = Chat(decoded, self._number(number), self.window, prompt.size, cached, prompt.ids, shown, given)
        answered, _ = self._answer(step, request, chat, self._chaos.draw(number) if self._chaos is not None else ())
        return self._running_until_end(answered)

    def _number(self, number: int) -> int:
        """The numbers in the ids of an answer."""
        return own_numbers() + self._numbered_from + number

    def _running_until_end(self, answered: ServerAnswer) -> ServerAnswer:
        """Count an answer as running until it has ended."""

        def end() -> None:
            with self._lock:
                self._running -= 1

        with self._lock:
            self._running += 1
        return replace(answered, ended=end)

    def _too_many(self) -> Error | None:
        """A 429 where the flavor takes only so many requests in a minute."""
        most = self._engine.requests_per_minute
        if most is None:
            return None
        now = time.monotonic()
        with self._lock:
            while self._arrivals and self._arrivals[0] < now - 60:
                self._arrivals.popleft()
            if len(self._arrivals) >= most:
                return Error(429, "Too Many Requests")
            self._arrivals.append(now)
        return None

    def _answer(
        self, step: Step, request: MockRequest, chat: Chat, faults: tuple[Fault, ...]
    ) -> tuple[ServerAnswer, int]:
        """The answer that a step and its faults make, and the number of polls it takes."""
        if isinstance(step, Faulty):
            return self._answer(step.step, request, chat, (*step.faults, *faults))
        if isinstance(step, Function):
            return self._answer(step.function(request), request, chat, faults)
        if isinstance(step, Expected):
            return self._answer(step.then, request, chat, faults)
        own = self._engine.headers(chat.headers, chat.number)
        if isinstance(step, Raw):
            answered = self._refusal(step)  # byte for byte
        elif isinstance(step, Error):
            answered = self._refusal(replace(step, headers={**own, **step.headers}))
        else:
            generated = self._generate(step, faults, request, chat)
            self._remember(generated, chat)
            route = self._engine if chat.given is None else self._engine.completions or self._engine
            if request.streamed:
                headers = {"content-type": STREAM}
                answered = ServerAnswer(200, headers | own, tuple(route.stream(generated, chat)))
            else:
                answered = json_answer(200, route.plain(generated, chat))
                answered = replace(answered, headers={**answered.headers, **own})
        for fault in faults:
            answered = fault.on_answer(answered, self._engine)
        return answered.within_length(), max((fault.polls for fault in faults), default=0)

    def _generate(
        self, step: Turn | ModelOutput, faults: tuple[Fault, ...], request: MockRequest, chat: Chat
    ) -> GeneratedOutput:
        """The model's answer to a step: a turn, or the output as the server's parser reads it."""
        engine, body = self._engine, chat.body
        thinks, cutter = request.thinking != "off", token_ends if self._counts else rough_ends
        offered = bool(request.tools) and body.get("tool_choice") != "none"
        properties = properties_of(body.get("tools"))

        def read(output: str) -> list[OutputSpan]:
            return engine.parser.read(output, thinking=thinks, tools=offered, offered=properties)

        output: str | None = None
        if isinstance(step, ModelOutput):
            output = step.output
            turn = turn_of(read(output), step.finish_reason, step.cuts)
        else:
            turn = step if thinks else step.without_reasoning()
        changed = turn
        for fault in faults:
            changed = fault.on_turn(changed, body)
        if output is None or changed != turn:
            spans = engine.shown(spans_of(changed, engine.parser.show, thinks=thinks), body)
            output = "".join(span.raw for span in spans)
        else:
            spans = None
        if chat.given is not None and engine.completions is not None:
            rest, most = left_of(output, chat.given.begun), engine.completions.limit(body, self.window, chat.prompt)
            return engine.completions.generate(rest, cutter, body, most, changed.cuts)
        given = body.get("stop")
        stops = given if isinstance(given, list) else [given]
        limit = wanted(body, "max_completion_tokens", "max_tokens")
        if self._counts:
            limit = engine.limit(body, self.window, chat.prompt)
        if any(fault.cuts_calls for fault in faults) and (within := within_last_call(output, cutter)) is not None:
            limit = within if limit is None else min(limit, within)
        begun = engine.prefix_of(body) or ""
        rest = left_of(output, begun)
        begun = output.removesuffix(rest)
        return say(
            lambda raw: without_beginning(
                engine.shown(read(begun + raw), body) if spans is None else spans, len(begun)
            ),
            rest,
            cutter,
            limit=limit,
            stops=[each for each in stops if isinstance(each, str)],
            finish_reason=changed.finish_reason,
            cuts=changed.cuts,
            keeps_stop=bool(body.get(engine.keeps_stop)),
            holds_back=engine.holds_back,
            stops_in_order=engine.stops_in_order,
        )

    def _remember(self, generated: GeneratedOutput, chat: Chat) -> None:
        """Keep what an answer adds to the cache and to the metrics."""
        self._prompts.keep(chat, generated)
        with self._lock:
            self._finished["length" if generated.finish_reason == "length" else "stop"] += 1
            self._token_totals["prompt"] += chat.prompt
            self._token_totals["completion"] += generated.completion_tokens

    def _read(self, headers: Mapping[str, str], body: bytes) -> dict[str, JsonValue] | None:
        """The body of a request, if it is what it should be."""
        if self._type_of(headers).partition(";")[0].strip() != JSON:
            return None
        try:
            decoded = read_json(body)
        except ValueError:
            return None
        return decoded if isinstance(decoded, dict) else None

    def _tokenize(self, path: str, headers: Mapping[str, str], body: bytes) -> ServerAnswer:
        decoded = self._read(headers, body)
        if decoded is None:
            return self._unreadable(path, headers, body)
        answer, refused = tokenized(self._engine, decoded, self._prompts.rendering, self.window)
        return json_answer(200, answer) if refused is None else self._refusal(refused)

    def _detokenize(self, path: str, headers: Mapping[str, str], body: bytes) -> ServerAnswer:
        decoded = self._read(headers, body) or {}
        tokens = decoded.get("tokens")
        if not isinstance(tokens, list):
            return self._unreadable(path, headers, body)
        answer, refused = detokenized(self._engine, decoded, tokens)
        return json_answer(200, answer) if refused is None else self._refusal(refused)

    def _unreadable(self, path: str, headers: Mapping[str, str], body: bytes) -> ServerAnswer:
        return self._refusal(self._engine.unreadable(path, body, self._type_of(headers)))

    def _type_of(self, headers: Mapping[str, str]) -> str:
        return headers.get("content-type", "" if self._engine.needs_type else JSON)

    def _next(self, request: MockRequest) -> Step:
        if self._taken < len(self._steps):
            step = self._steps[self._taken]
            expect(step, request, f"request {len(self.requests)}, step {self._taken + 1} of the script")
            self._taken += 1
            return step
        if self._default is not None:
            return self._default
        if not self._steps:
            return answer(request)
        raise MockScriptError(
            f"request {len(self.requests)} came, but the script has only {len(self._steps)} steps: "
            f"add a step, or give default=\n  it said: {summary(request)}"
        )

    def _poll(self, request_id: str) -> ServerAnswer:
        """The answer to a poll of an accepted request: 202 again, or the result."""
        with self._lock:
            if request_id not in self._pending:
                return json_answer(404, self._engine.error(404, "no such request"))
            left, answered = self._pending.pop(request_id)
            if left > 1:
                self._pending[request_id] = (left - 1, answered)
                return accepted_answer(request_id)
            return answered
