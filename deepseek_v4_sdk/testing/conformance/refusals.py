"""The laws for errors: each status is its class, in the server's words, and any bytes are an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.chat import read_json, write_json
from deepseek_v4_sdk.providers import HttpCall
from deepseek_v4_sdk.testing.conformance.hearing import Hearing, leaves
from deepseek_v4_sdk.testing.conformance.report import ProviderProblem
from deepseek_v4_sdk.testing.conformance.requests import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deepseek_v4_sdk.providers import Provider
    from deepseek_v4_sdk.testing.cassettes.cassette import RecordedExchange

__all__ = ["refusal_problems"]

_CLEAR: Mapping[int, type[errors.APIError]] = {
    401: errors.AuthenticationError,
    402: errors.BillingError,
    403: errors.PermissionDeniedError,
    404: errors.ModelNotFoundError,
    410: errors.ModelRetiredError,
    429: errors.RateLimitError,
    503: errors.OverloadedError,
    504: errors.GatewayTimeoutError,
}
# The text of an answer may tell more than these.
_BROAD = {400: errors.BadRequestError, 422: errors.BadRequestError, 500: errors.ServerError}
_URL = "http://provider-check.invalid/chat"
_CALL = HttpCall("POST", _URL, (("authorization", f"Bearer {KEY}"), ("x-api-key", KEY)), b"{}")
_HEADERS = {"content-type": "application/json", "retry-after": "7", "x-request-id": "req-1"}
_WORDS = "The owl is not at home"
_ODD = (
    b"",
    b"\xff\xfe",
    b"\x00",
    b"<",
    b"<title>502</title>",
    b"[]",
    b"{}",
    b'""',
    b"0",
    b"true",
    b'{"error":[]}',
    b'{"error":0}',
)
_FIRST = 40  # characters of a text of the server's that the error must show


def refusal_problems(provider: Provider, recorded: Sequence[RecordedExchange]) -> Iterator[ProviderProblem]:
    """Yield the laws that the errors of a provider break, of recorded answers and of made-up ones."""
    body = write_json({"error": {"message": f"{_WORDS}: {KEY}", "type": "owl", "code": None}})
    for status, kind in {**_CLEAR, **_BROAD}.items():
        error = _refusal(provider, status, _HEADERS, body)
        yield from _problems(f"status {status}", error, status, kind, [_WORDS])
        if isinstance(error, errors.APIError):
            yield from _details(f"status {status}", error)
    for odd in _ODD:
        for status in (100, 400, 503, 599):
            kind = _CLEAR.get(status, errors.APIError)
            yield from _problems(f"status {status}, body {odd!r}", _refusal(provider, status, {}, odd), status, kind)
    for exchange in recorded:
        status = exchange.status or 0
        error = _refusal(provider, status, exchange.headers, exchange.body)
        yield from _problems(exchange.place, error, status, _CLEAR.get(status, errors.APIError), _said(exchange.body))
    yield from _event(provider)


def _refusal(provider: Provider, status: int, headers: Mapping[str, str], body: bytes) -> Exception:
    try:
        return provider.refusal(status, headers, body, _CALL)
    except Exception as error:  # noqa: BLE001  # it is a finding
        return error


def _said(body: bytes) -> list[str]:
    """The beginnings of the texts in a body of JSON."""
    try:
        texts = [value.strip() for _, value in leaves(read_json(body)) if isinstance(value, str)]
    except ValueError:
        return []
    return [text.splitlines()[0][:_FIRST] for text in texts if " " in text]


def _problems(
    place: str,
    error: Exception,
    status: int,
    kind: type[errors.APIError],
    said: Sequence[str] = (),
) -> Iterator[ProviderProblem]:
    if not isinstance(error, errors.APIError) or not isinstance(error, kind):
        text = f"it becomes {type(error).__name__} ({error!s:.90}); return {kind.__name__} from refusal"
        yield ProviderProblem("refusals", place, text)
    elif error.status_code != status:
        yield ProviderProblem("refusals", place, f"status_code of the error is {error.status_code}; set it")
    elif said and not any(words in str(error) for words in said):
        text = f"the server's message is not in the error ({error!s:.90}); put it there"
        yield ProviderProblem("refusals", place, text)


def _details(place: str, error: errors.APIError) -> Iterator[ProviderProblem]:
    if KEY in f"{error!r} {error} {error.body!r}":
        text = "the server's answer repeats the key, and the error shows it; take it out of the text and the body"
        yield ProviderProblem("key", place, text)
    retry_after = getattr(error, "retry_after", 7)  # of the classes that have it
    if (error.url, error.request_id, retry_after) != (_URL, "req-1", 7):
        text = f"the error has url={error.url!r}, request_id={error.request_id!r}, retry_after={retry_after}"
        yield ProviderProblem("refusals", place, f"{text}; set them from the call and the headers")


def _event(provider: Provider) -> Iterator[ProviderProblem]:
    """Yield when an error inside a stream of status 200 is lost."""
    place, text = "an error event in a stream", "decode passes over it"
    try:
        Hearing().hear(provider, {"error": {"message": _WORDS, "type": "owl", "code": 503}})
    except ValueError:
        return  # the client reports that it is not a part of an answer
    except errors.APIError as error:
        if error.status_code == 503 and _WORDS in str(error):
            return
        text = f"it becomes {error!s:.90} with status_code={error.status_code}"
    except Exception as error:  # noqa: BLE001  # it is a finding
        text = f"decode ends with {type(error).__name__}: {error}"
    yield ProviderProblem("refusals", place, f"{text}; raise APIError with its code and message, or ValueError")
