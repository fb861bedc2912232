"""Error answers of every shape, turned into the SDK's tree of errors."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, TypeVar, cast

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.chat import JsonValue, read_json
from deepseek_v4_sdk.providers.scrub import scrub, scrub_json

if TYPE_CHECKING:
    from deepseek_v4_sdk.providers.http_call import HttpCall

__all__ = ["error_event", "headers_without_secrets", "http_refusal", "request_id_of", "secrets_in", "without_secrets"]

ErrorT = TypeVar("ErrorT", bound=errors.DeepSeekV4Error)

_CLASSES: Mapping[int, type[errors.APIError]] = {
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    402: errors.BillingError,
    403: errors.PermissionDeniedError,
    404: errors.ModelNotFoundError,
    408: errors.GatewayTimeoutError,
    410: errors.ModelRetiredError,
    429: errors.RateLimitedError,
    503: errors.OverloadedError,
    504: errors.GatewayTimeoutError,
}
# Some say so with another status, or inside a stream.
_OVERLOAD = re.compile(r"ResourceExhausted|temporarily overloaded|total request limit reached")
_DATE = re.compile(r"end of life on (\d{4}-\d{2}-\d{2})")
_NOT_FOR_ACCOUNT = re.compile(r"Not found for account")
_NO_SUCH_MODEL = re.compile(r"The supported API model names are .{0,500}, but you passed")  # DeepSeek's API, status 400

_REMEDIES: Mapping[int, str] = {
    202: "it was accepted and is not ready, and there is no usable id to ask for it",
    401: "check the key",
    402: "check the balance of the account",
    404: "check the model's name and the base URL",
    429: "slow down, or wait",
}

# How servers say that a prompt, or a prompt and its answer, do not fit. Groups are named after the error's fields.
_TOO_LONG = (
    # vLLM 0.20-0.33
    r"maximum context length is (?P<limit>\d+) tokens\. However, your prompt contains (?:at least )?"
    r"(?P<prompt_tokens>\d+) input tokens",
    r"your prompt contains \d+ characters \(more than \d+ characters, which is the upper bound for "
    r"(?P<limit>\d+) input tokens",
    # NVIDIA Dynamo 1.6.1
    r"maximum context length is (?P<limit>\d+) tokens\. However, your messages resulted in (?P<prompt_tokens>\d+)",
    r"max_(?:completion_)?tokens=(?P<requested>\d+) cannot be greater than max_model_len=(?P<limit>\d+)",
    # older vLLM, and DeepSeek's API
    r"maximum context length is (?P<limit>\d+) tokens\. However, you requested (?P<requested>\d+) tokens "
    r"\((?P<prompt_tokens>\d+) in the messages",
    # SGLang 0.5.12-0.5.23
    r"The input \((?P<prompt_tokens>\d+) tokens\) is longer than the model's context length "
    r"\((?P<limit>\d+) tokens",
    r"exceeds the model's maximum context length of (?P<limit>\d+) tokens\. You requested a total of "
    r"(?P<requested>\d+) tokens: (?P<prompt_tokens>\d+) tokens from the input",
    r"max_completion_tokens is too large(?:: (?P<requested>\d+))?",
    # and what is left of such a text after a gateway has cut it
    r"maximum context length(?: is| of)? (?P<limit>\d+)",
    r"maximum context length|longer than the model's context length|Requested token count exceeds",
)


_SHORTEST_KEY = 6  # what is shorter is no secret, and may be part of any word
_SECRET_HEADER = re.compile("auth|key|token|secret|cookie|password")
_MOST_DIGITS = 18  # of a number of tokens or a status; Python refuses to read very long ones


@dataclass(slots=True, eq=False)
class _Said:
    message: str
    code: str | int | None
    number: int | None = None


def http_refusal(
    provider: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    call: HttpCall,
    remedies: Mapping[int, str] | None = None,
) -> errors.APIError:
    """The error that an HTTP answer without success means; `remedies` are the provider's own."""
    decoded = _decoded(body)
    said = _said(decoded) if decoded is not None else _Said(_plain_text(headers, body), None)
    if 300 <= status < 400:
        said = _Said(f"a redirect to {headers.get('location', 'nowhere')}, which is not followed", None)
    remedy = (remedies or {}).get(status, _REMEDIES.get(status))
    secrets = secrets_in(call.headers)
    message = f"{provider} answered {status} to {call.method} {call.url}: {scrub(said.message, secrets) or 'no text'}"
    if status == 404 and (model := _model_of(call)) is not None:
        remedy = f"{remedy}: the model is {model!r}"
    if status == 404 and _NOT_FOR_ACCOUNT.search(said.message):
        remedy = "the model exists and is not open to this account"
    if status == 504 and ("accept", "application/json") in call.headers and call.method == "POST":
        remedy = "wire='stream' outlives gateways"
    if call.successors and (status == 410 or _NO_SUCH_MODEL.search(said.message)):
        remedy = f"use {' or '.join(call.successors)}"
    error = _build(status, said, f"{message} ({remedy})" if remedy else message, decoded, secrets)
    if isinstance(error, errors.ModelRetiredError):
        error.successors = call.successors
        error.retired_on = _date_in(said.message)
    if isinstance(error, errors.RateLimitedError | errors.OverloadedError):
        error.retry_after = _retry_after(headers.get("retry-after"))
    return error.about(url=call.url, request_id=request_id_of(headers))


def error_event(provider: str, payload: dict[str, JsonValue]) -> errors.APIError | None:
    """The error that an event inside a stream of status 200 means, or None when it is no error.

    Known shapes: `{"error": {...}}` (vLLM, SGLang, OpenAI), `{"error": "text"}`, flat `{"object": "error", ...}`, and
    a flat one that says no more than its status (Dynamo's and the gateway's HTTP answers).
    """
    flat = payload.get("code") or payload.get("status")
    if payload.get("error") is None and payload.get("object") != "error" and _as_status(flat) is None:
        return None
    said = _said(payload)
    inner = payload.get("error")
    told = [said.number, said.code, inner.get("status") if isinstance(inner, dict) else flat]
    status = next((status for item in told if (status := _as_status(item)) is not None), None)
    return _build(status, said, f"{provider} reported an error inside the stream: {scrub(said.message)}", payload)


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """The server's own id of a request, from whichever header it uses."""
    for name in ("x-request-id", "nvcf-reqid", "x-ds-trace-id"):
        if value := headers.get(name):
            return value
    return None


def _model_of(call: HttpCall) -> str | None:
    sent = _decoded(call.body) if call.body is not None else None
    model = sent.get("model") if isinstance(sent, dict) else None
    return model if isinstance(model, str) else None


def _date_in(message: str) -> date | None:
    found = _DATE.search(message)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def without_secrets(error: ErrorT, call: HttpCall) -> ErrorT:
    """The same error, without what a server has repeated of the keys that were sent to it."""
    if secrets := secrets_in(call.headers):
        error.args = tuple(_hidden(arg, secrets) if isinstance(arg, str) else arg for arg in error.args)
        if isinstance(error, errors.APIError):
            error.code = _hidden(error.code, secrets) if isinstance(error.code, str) else error.code
            error.body = scrub_json(cast("JsonValue", error.body), secrets)
    return error


def headers_without_secrets(headers: Mapping[str, str], call: HttpCall) -> Mapping[str, str]:
    """The same for the headers of an answer, which replies show."""
    secrets = secrets_in(call.headers)
    return {name: _hidden(value, secrets) for name, value in headers.items()} if secrets else headers


def secrets_in(headers: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The key that goes with a request, and what else its headers hold of the kind; names are in lower case."""
    sent = (value.removeprefix("Bearer ") for name, value in headers if _SECRET_HEADER.search(name))
    return tuple(value for value in sent if len(value) >= _SHORTEST_KEY)


def _hidden(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, "<key>")
    return text


def _build(
    status: int | None, said: _Said, message: str, body: JsonValue, secrets: tuple[str, ...] = ()
) -> errors.APIError:
    wrong = status is None or 400 <= status < 500
    if wrong and (found := _window(said.message)) is not None:
        error: errors.APIError = errors.ContextLengthExceededError(message)
        for name, value in found.items():
            setattr(error, name, value)
    elif _OVERLOAD.search(said.message) and status != 429:
        error = errors.OverloadedError(message)
    elif status == 400 and _NO_SUCH_MODEL.search(said.message):
        error = errors.ModelNotFoundError(message)
    else:
        error = _class_for(status)(message)
    error.status_code, error.body = status, scrub_json(body, secrets)
    error.code = _hidden(said.code, secrets) if isinstance(said.code, str) else said.code
    return error


def _class_for(status: int | None) -> type[errors.APIError]:
    if status is None:
        return errors.ServerError
    known = _CLASSES.get(status)
    if known is not None:
        return known
    return errors.BadRequestError if 400 <= status < 500 else errors.ServerError


def _window(message: str) -> dict[str, int] | None:
    for pattern in _TOO_LONG:
        if match := re.search(pattern, message):
            found = match.groupdict().items()
            return {name: int(value) for name, value in found if value is not None and len(value) <= _MOST_DIGITS}
    return None


def _decoded(body: bytes) -> JsonValue:
    try:
        return read_json(body)
    except ValueError:
        return None


def _said(body: JsonValue) -> _Said:
    """What an error body says. In the order to try: `error` object, `error` text, flat `message`, `detail`, `title`."""
    if not isinstance(body, dict):
        return _Said(str(body), None)
    inner = body.get("error")
    if isinstance(inner, str):
        return _Said(inner, None)
    source = inner if isinstance(inner, dict) else body
    message = source.get("message") or source.get("detail") or source.get("title")
    if message is None:
        message = str({key: value for key, value in source.items() if value is not None})
    # A code that only repeats the HTTP status (vLLM, SGLang) says less than the type beside it.
    code, kind = source.get("code"), source.get("type")
    named = next((word for word in (code, kind) if isinstance(word, str) and word not in {"", "about:blank"}), None)
    number = code if isinstance(code, int) and not isinstance(code, bool) else None
    return _Said(message if isinstance(message, str) else str(message), named or number, number)


def _plain_text(headers: Mapping[str, str], body: bytes) -> str:
    if not body.strip():
        return "an empty body"
    text = body[:2_000].decode("utf-8", "replace").strip()
    if "html" in headers.get("content-type", "") or text[:1] == "<":
        title = re.search(r"(?is)<title[^>]*>(.*?)</title>", text)
        said = f": {' '.join(title[1].split())}" if title else ""
        return f"a web page instead of an answer{said}"
    return " ".join(text.split())


def _as_status(code: JsonValue) -> int | None:
    number = int(code) if isinstance(code, str) and code.isdecimal() and len(code) <= _MOST_DIGITS else code
    return number if isinstance(number, int) and 400 <= number < 600 else None


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait, from a header that holds seconds or a date."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        from email.utils import parsedate_to_datetime  # few servers send a date

        try:
            when = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        if when.tzinfo is None:  # "-0000" means a time in UTC from an unknown place
            when = when.replace(tzinfo=UTC)
        seconds = (when - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None
