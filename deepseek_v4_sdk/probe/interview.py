"""The requests of a probe, as steps; no I/O happens here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.chat import JsonValue, Reply
from deepseek_v4_sdk.chat.hooks import Hooks
from deepseek_v4_sdk.chat.served import ModelInfo
from deepseek_v4_sdk.probe.assessment import ProbeAnswers, find
from deepseek_v4_sdk.probe.questions import Question, cached, forced_tool, plain, structured, thinking, tool
from deepseek_v4_sdk.probe.remedies import RELEASE
from deepseek_v4_sdk.probe.report import ProbeReport
from deepseek_v4_sdk.providers.learned_limits import RUST

if TYPE_CHECKING:
    from deepseek_v4_sdk.call.call import Call
    from deepseek_v4_sdk.call.steps import Steps
    from deepseek_v4_sdk.chat import RequestDetails, TokenCount
    from deepseek_v4_sdk.providers import Provider, Target

__all__ = ["ProbedServer", "RequestCounter", "probe_steps"]

T = TypeVar("T")

# Errors that show nothing about the features of a server: the caller gets them like those of any other call.
_FATAL = (
    errors.ConnectionFailedError,
    errors.AuthenticationError,
    errors.PermissionDeniedError,
    errors.BillingError,
    errors.ModelNotFoundError,
    errors.ModelRetiredError,
    errors.ModelMismatchError,
    errors.ConfigurationError,
)


class RequestCounter(Hooks):
    """Counts the requests that are sent."""

    def __init__(self) -> None:
        self.requests = 0

    def on_request(self, details: RequestDetails) -> None:
        """Count one more request."""
        del details
        self.requests += 1


@dataclass(frozen=True, slots=True)
class ProbedServer:
    """The probed server, as its client knows it.

    Attributes:
        chat: Makes a chat, from its messages and options.
        models: Makes the request for the models.
        read: Makes the request for a path.
        count: Counts the prompt of a chat here.
        server: The provider and the target, as far as they are known by now.
        model: The requested model; None for the only one.
        counter: Counts the requests.
        on_question: A callback for the next request.
    """

    chat: Callable[[Any, Mapping[str, object]], Call[Any, Reply]]
    models: Callable[[], Call[Any, list[ModelInfo]]]
    read: Callable[[str], Call[Any, JsonValue]]
    count: Callable[[Any, Mapping[str, object]], TokenCount]
    server: Callable[[], tuple[Provider, Target]]
    model: str | None
    counter: RequestCounter
    on_question: Callable[[str], None]


@dataclass(slots=True)
class _Cost:
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model: str | None = None  # that answered

    def add(self, reply: Reply | None) -> None:
        if reply is not None:
            self.model = self.model or reply.model
            self.prompt_tokens += reply.usage.prompt_tokens or 0
            self.completion_tokens += reply.usage.completion_tokens or 0


def probe_steps(site: ProbedServer) -> Steps[ProbeReport]:
    """Make all requests, and draw conclusions.

    Raises:
        AuthenticationError: There is no answer without another key; likewise for the other errors of access.
        ModelNotFoundError: There is no such model, or no such server.
        ConnectionFailedError: There was no connection.
        PhaseTimeoutError: The server did not answer even the plainest request in time.
    """
    cost = _Cost()

    def ask(question: Question) -> Steps[Reply | errors.DeepSeekV4Error]:
        site.on_question(question.about)
        answer = yield from _ask(site.chat(question.messages, question.options))
        cost.add(answer if isinstance(answer, Reply) else answer.partial)
        return answer

    site.on_question("models and version")
    listed = yield from _optional(site.models())
    provider, _ = site.server()
    version = yield from _version(site)
    model_info = yield from _about_model(site, provider.data.name)
    off = yield from ask(plain())
    if isinstance(off, errors.PhaseTimeoutError):
        raise off
    high = yield from ask(thinking())
    free = yield from ask(tool())
    forced = None
    if isinstance(free, Reply) and not free.tool_calls and "DSML" not in free.text:
        forced = yield from ask(forced_tool())
    provider, target = site.server()  # by now the engine inside is known
    held = provider.data.renderer.holds_schema
    shaped = yield from ask(structured(held=held))
    again = yield from ask(cached(held=held))
    answers = ProbeAnswers(
        provider=provider,
        target=target,
        wanted=site.model,
        models=listed,
        version=version,
        model_info=model_info,
        off=off,
        high=high,
        free=free,
        forced=forced,
        shaped=shaped,
        again=again,
        counts=_counts(site),
    )
    return ProbeReport(
        provider=provider.data.name,
        base_url=target.base_url,
        model=cost.model if site.model or answers.model is None else answers.model.id,
        findings=tuple(find(answers)),
        requests=site.counter.requests,
        prompt_tokens=cost.prompt_tokens,
        completion_tokens=cost.completion_tokens,
    )


def _ask(call: Call[Any, T]) -> Steps[T | errors.DeepSeekV4Error]:
    """The answer, or the error that shows something about the server."""
    try:
        return (yield from call.steps())
    except _FATAL:
        raise
    except errors.DeepSeekV4Error as error:
        return error


def _optional(call: Call[Any, T]) -> Steps[T | errors.DeepSeekV4Error]:
    """Do the same for a route that a server, or a gateway in front of it, may lack or refuse."""
    try:
        return (yield from _ask(call))
    except (errors.PermissionDeniedError, errors.ModelNotFoundError) as error:
        return error


def _version(site: ProbedServer) -> Steps[str | errors.DeepSeekV4Error | None]:
    """The version that the server reports; None where this kind of server reports none."""
    answer: JsonValue | errors.DeepSeekV4Error = None
    provider, target = site.server()
    places = [(path, "version") for path in provider.data.about_paths]
    for path, key in [RELEASE] if provider.data.name == "nim" else places:
        answer = yield from _optional(site.read(path))
        if isinstance(answer, dict) and isinstance(version := answer.get(key), str):
            if places:
                rust = RUST if "rust_frontend_version" in answer else ""
                target.limits.learn_reported_version(target.base_url, version + rust)
            return version
    return answer if isinstance(answer, errors.DeepSeekV4Error) else None


def _about_model(site: ProbedServer, provider: str) -> Steps[Mapping[str, JsonValue]]:
    """SGLang's report about its parsers."""
    if provider != "sglang":
        return {}
    answer = yield from _optional(site.read("/model_info"))
    return answer if isinstance(answer, dict) else {}


def _counts(site: ProbedServer) -> Mapping[str, TokenCount]:
    """Count the plainest prompt at each level that the provider has."""
    provider, _ = site.server()
    question = plain()
    return {
        level: site.count(question.messages, {**question.options, "thinking": level})
        for level in provider.data.thinking
    }
