"""Error answers of every shape, turned into the SDK's tree of errors."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar, cast

from deepseek_v4_sdk import errors
from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import JsonValue, read_json
from deepseek_v4_sdk.providers.overflow import overflow
from deepseek_v4_sdk.providers.quoted import own_words
from deepseek_v4_sdk.providers.scrub import excerpt, scrub, scrub_json, without_input
from deepseek_v4_sdk.providers.secret_forms import hide
from deepseek_v4_sdk.providers.words import is_reason, says_wrong

if TYPE_CHECKING:
    from deepseek_v4_sdk.providers.http_call import HttpCall
else:
    HttpCall = late_type("deepseek_v4_sdk.providers.http_call", "HttpCall")

__all__ = [
    "error_event",
    "headers_without_secrets",
    "http_refusal",
    "reported_error",
    "request_id_of",
    "secrets_in",
    "value_without_secrets",
    "without_secrets",
]

ErrorT = TypeVar("ErrorT", bound=errors.DeepSeekV4Error)

_CLASSES: Mapping[int, type[errors.APIError]] = {
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    402: errors.BillingError,
    403: errors.PermissionDeniedError,
    404: errors.ModelNotFoundError,
    408: errors.GatewayTimeoutError,
    410: errors.ModelRetiredError,
    429: errors.RateLimitError,
    503: errors.OverloadedError,
    504: errors.GatewayTimeoutError,
    # Cloudflare's own: no connection to the server, and no answer in time; Anthropic's and others' word for busy.
    522: errors.GatewayTimeoutError,
    524: errors.GatewayTimeoutError,
    529: errors.OverloadedError,
}
# These statuses are clear: the text decides nothing more.
_PLAIN_STATUSES = frozenset({401, 402, 403, 404, 408, 410, 429})
# Some servers report overload with another status, or inside a stream. NVIDIA's functions in the state DEGRADED answer
# 400.
_OVERLOAD = re.compile(
    r"ResourceExhausted|temporarily overloaded|total request limit reached|DEGRADED function|no healthy upstream"
)
_DATE = re.compile(r"end of life on (\d{4}-\d{2}-\d{2})")
_NOT_FOR_ACCOUNT = re.compile(r"Not found for account")
# DeepSeek's API reports it with status 400, gateways with 400 or 422.
_NO_SUCH_MODEL = re.compile(
    r"The supported API model names are .{0,500}, but you passed"
    r"|\b(?i:unknown[ _]model)\b(?! (?:parameter|field|option|argument))"
)
_NO_MODEL_CODES = frozenset({"unknown_model", "model_not_found", "model_not_exist", "invalid_model"})

# Fields that a refusal for length names.
_LONG_FIELDS = re.compile(r"(?i)$|null|none|messages?$|prompt|input|max_|.*tokens|context|body$|request")

_REMEDIES: Mapping[int, str] = {
    202: "it was accepted and is not ready, and there is no usable id to ask for it",
    401: "check the key",
    402: "check the balance of the account",
    404: "check the model's name and the base URL",
    429: "slow down, or wait",
}

_MESSAGES = ("message", "msg", "error_message", "error_description")  # where a flat error has its text
_XML_MESSAGE = re.compile(r"(?is)<message>(.{1,1000}?)</message>")
_XML_CODE = re.compile(r"(?is)<code>([^<]{1,100})</code>")
_READ = 4_000  # bytes of a body that is not JSON
_SHORTEST_KEY = 6  # a shorter text is not a secret, and may be part of any word
_SECRET_HEADER = re.compile("auth|key|token|secret|cookie|password")
_AFTER_NAME = re.compile(r'=\s*"?([^\s;,"]+)')
_MOST_DIGITS = 18  # of a number of tokens or a status; Python refuses to read very long ones


@dataclass(slots=True, eq=False)
class _ServerMessage:
    message: str
    code: str | int | None
    number: int | None = None
    may_be_length: bool = True  # the field that it names is none or one of those that make a request long


def http_refusal(
    provider: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    call: HttpCall,
    remedies: Mapping[int, str] | None = None,
) -> errors.APIError:
    """Make the error for an HTTP answer without success; `remedies` are the provider's own."""
    secrets = secrets_in(call.headers)
    parsed = excerpt(_decoded(body))
    if parsed is not None:
        reported = _server_message(parsed)
    else:
        reported = _message_in_text(headers, body)
        parsed = body.decode("utf-8", "replace").strip() or None
    if 300 <= status < 400:
        reported = _ServerMessage(f"a redirect to {headers.get('location', 'nowhere')}, which is not followed", None)
    error = _build(status, reported, parsed, secrets)
    remedy = (remedies or {}).get(status, _REMEDIES.get(status))
    if isinstance(error, errors.ModelNotFoundError):
        remedy = remedy or _REMEDIES[404]
        if (model := _model_of(call)) is not None:
            remedy = f"{remedy}: the model is {model!r}"
    if status == 404 and _NOT_FOR_ACCOUNT.search(reported.message):
        remedy = "the model exists and is not open to this account"
    if status in {504, 524} and ("accept", "application/json") in call.headers and call.method == "POST":
        remedy = "wire='stream' outlives gateways"
    if call.successors and (status == 410 or _NO_SUCH_MODEL.search(reported.message)):
        remedy = f"use {' or '.join(call.successors)}"
    message = (
        f"{provider} answered {status} to {call.method} {call.url}: {scrub(reported.message, secrets) or 'no text'}"
    )
    error.args = (f"{message} ({remedy})" if remedy else message,)
    if isinstance(error, errors.ModelRetiredError):
        error.successors = call.successors
        error.retired_on = _date_in(reported.message)
    if isinstance(error, errors.RateLimitError | errors.OverloadedError):
        error.retry_after = _retry_after(headers)
    return error.about(url=call.url, request_id=request_id_of(headers))


_INSIDE = "reported an error inside the stream"


def error_event(provider: str, payload: dict[str, JsonValue], where: str = _INSIDE) -> errors.APIError | None:
    """Make the error for an event inside a stream of status 200, or None when it is not an error.

    Known shapes: `{"error": ...}` with an object (vLLM, SGLang, OpenAI) or a text, flat `{"object": "error", ...}`, a
    flat one with only its status (Dynamo's HTTP answers), `{"detail": ...}` (FastAPI) and `{"code", "message", "data":
    null}` (gateways). An object that only reports progress is not one (`words.says_wrong`).

    Args:
        provider: The provider.
        payload: The event, or a whole answer.
        where: The name for the place in the error's text.
    """
    answers = isinstance(payload.get("choices"), list)
    wrong = is_reason(payload.get("error")) if answers else says_wrong(payload)
    return reported_error(provider, payload, where) if wrong else None


def reported_error(provider: str, payload: JsonValue, where: str = _INSIDE) -> errors.APIError:
    """Make the error for something that was sent as an error, whatever its form."""
    parsed = excerpt(payload)
    reported = _server_message(parsed) if parsed not in (None, "", {}) else _ServerMessage("", None)
    flat: JsonValue = None
    if isinstance(payload, dict):
        inner = payload.get("error")
        flat = inner.get("status") if isinstance(inner, dict) else payload.get("code") or payload.get("status")
    status = next(
        (status for item in (reported.number, reported.code, flat) if (status := _as_status(item)) is not None), None
    )
    error = _build(status, reported, parsed)
    error.args = (f"{provider} {where}: {scrub(reported.message) or 'no text'}",)
    return error


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """The server's own id of a request, from any of the known headers."""
    for name in ("x-request-id", "nvcf-reqid", "x-ds-trace-id"):
        if value := headers.get(name):
            return errors.one_line(value)
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
    """Remove from an error the keys that the server repeats."""
    if secrets := secrets_in(call.headers):
        error.args = tuple(hide(arg, secrets) if isinstance(arg, str) else arg for arg in error.args)
        if isinstance(error, errors.APIError):
            error.code = hide(error.code, secrets) if isinstance(error.code, str) else error.code
            error.body = scrub_json(cast("JsonValue", error.body), secrets)
        elif isinstance(error, errors.StreamInterruptedError) and error.body is not None:
            error.body = hide(error.body, secrets)
    return error


def headers_without_secrets(headers: Mapping[str, str], call: HttpCall) -> Mapping[str, str]:
    """Remove the keys from the headers of an answer, which replies show."""
    secrets = secrets_in(call.headers)
    return {name: hide(value, secrets) for name, value in headers.items()} if secrets else headers


def value_without_secrets(value: JsonValue, call: HttpCall) -> JsonValue:
    """Remove the keys from a JSON value that a reply keeps, names and texts."""
    secrets = secrets_in(call.headers)

    def hidden(value: JsonValue) -> JsonValue:
        if isinstance(value, str):
            return hide(value, secrets)
        if isinstance(value, list):
            return [hidden(item) for item in value]
        if isinstance(value, dict):
            return {hide(name, secrets): hidden(item) for name, item in value.items()}
        return value

    return hidden(value) if secrets else value


def secrets_in(headers: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The key that is sent with a request, and other secrets in its headers; names are in lower case."""
    sent = (value.removeprefix("Bearer ") for name, value in headers if _is_secret(name))
    return tuple(each for value in sent for each in (value, *_inside(value)) if len(each) >= _SHORTEST_KEY)


@lru_cache(maxsize=256)
def _is_secret(name: str) -> bool:
    """Whether a header of that name has a secret."""
    return _SECRET_HEADER.search(name) is not None


def _inside(value: str) -> tuple[str, ...]:
    """The secrets in a value: after names, as in a cookie; after a scheme, and the password where that is Basic."""
    scheme, found, token = value.partition(" ")
    named = tuple(_AFTER_NAME.findall(value))
    if not found:
        return named
    if scheme.lower() != "basic":
        return (token, *named)
    from base64 import b64decode  # loaded for requests with such a header

    try:
        plain = b64decode(token).decode()
    except ValueError:
        return (token,)
    return (token, plain, plain.partition(":")[2])


def _build(
    status: int | None, reported: _ServerMessage, body: JsonValue, secrets: tuple[str, ...] = ()
) -> errors.APIError:
    """Make the error without its text."""
    # The prompt or a value that a server repeats is not a reason for the refusal.
    words = own_words(without_input(reported.message))
    open_to_words = status is None or (status >= 400 and status not in _PLAIN_STATUSES)
    found = overflow(words, reported.code) if open_to_words and reported.may_be_length else None
    if found is not None:  # for any status: some send 500
        error: errors.APIError = errors.ContextLengthExceededError("")
        for name, value in found.items():
            setattr(error, name, value)
    elif open_to_words and _OVERLOAD.search(words):
        error = errors.OverloadedError("")
    elif status in {None, 400, 422} and (reported.code in _NO_MODEL_CODES or _NO_SUCH_MODEL.search(words)):
        error = errors.ModelNotFoundError("")
    elif status is None and reported.code == "overloaded_error":
        error = errors.OverloadedError("")
    else:
        error = _class_for(status)("")
    error.status_code, error.body = status, scrub_json(body, secrets)
    error.code = hide(reported.code, secrets) if isinstance(reported.code, str) else reported.code
    return error


def _class_for(status: int | None) -> type[errors.APIError]:
    if status is None:
        return errors.ServerError
    known = _CLASSES.get(status)
    if known is not None:
        return known
    return errors.BadRequestError if 400 <= status < 500 else errors.ServerError


def _decoded(body: bytes | str) -> JsonValue:
    try:
        return read_json(body)
    except ValueError:
        return None


def _server_message(body: JsonValue) -> _ServerMessage:
    """Read an error body. In the order to try: `error` object, `error` text, flat `message`, `detail`, `title`."""
    if not isinstance(body, dict):
        return _ServerMessage(str(body), None)
    inner = body.get("error")
    if isinstance(inner, str) and inner:
        return _ServerMessage(inner, None)
    source = inner if isinstance(inner, dict) else body
    message = next((value for name in (*_MESSAGES, "detail", "title") if (value := source.get(name))), None)
    if message is None:
        message = {key: value for key, value in source.items() if value is not None}
    text = message if isinstance(message, str) else str(message)
    metadata = source.get("metadata")
    if isinstance(metadata, dict) and (raw := _upstream(metadata.get("raw"))) and raw not in text:
        text = f"{text}: {raw}"  # OpenRouter's own message only reports that its provider failed
    # A code that only repeats the HTTP status (vLLM, SGLang) is less useful than the type next to it.
    code, kind = source.get("code"), source.get("type")
    named = next((word for word in (code, kind) if isinstance(word, str) and word not in {"", "about:blank"}), None)
    number = code if isinstance(code, int) and not isinstance(code, bool) else None
    field = source.get("param")
    may_be_length = not isinstance(field, str) or _LONG_FIELDS.match(field) is not None
    return _ServerMessage(text, named or number, number, may_be_length)


def _upstream(raw: JsonValue) -> str:
    """The message of a server behind a gateway, as the gateway quotes it."""
    if isinstance(raw, str):
        decoded = _decoded(raw)
        if decoded is None:
            return _message_in_text({}, raw[:_READ].encode("utf-8", "replace")).message if raw.strip() else ""
        raw = decoded
    return _server_message(raw).message if raw else ""


def _message_in_text(headers: Mapping[str, str], body: bytes) -> _ServerMessage:
    """The text of a body that is not JSON."""
    if not body.strip():
        return _ServerMessage("an empty body", None)
    text = body[:_READ].decode("utf-8", "replace").strip()
    if text[:1] == "<" and (found := _XML_MESSAGE.search(text)) is not None:
        from html import unescape  # few servers send XML

        code = _XML_CODE.search(text)
        return _ServerMessage(" ".join(unescape(found[1]).split()), code[1].strip() if code else None)
    if "html" in headers.get("content-type", "") or text[:1] == "<":
        title = re.search(r"(?is)<title[^>]*>(.*?)</title>", text)
        heading = f": {' '.join(title[1].split())}" if title else ""
        return _ServerMessage(f"a web page instead of an answer{heading}", None)
    return _ServerMessage(" ".join(text.split()), None)


def _as_status(code: JsonValue) -> int | None:
    number = int(code) if isinstance(code, str) and code.isdecimal() and len(code) <= _MOST_DIGITS else code
    return number if isinstance(number, int) and 400 <= number < 600 else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from the header that holds milliseconds, or the one that holds seconds or a date."""
    if (milliseconds := _seconds(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    if value is None:
        return None
    if (seconds := _seconds(value)) is not None:
        return seconds
    from email.utils import parsedate_to_datetime  # few servers send a date

    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:  # "-0000" means a time in UTC from an unknown place
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _seconds(text: str) -> float | None:
    """A number of seconds, at least 0."""
    try:
        number = float(text)
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None
