"""A key that a server repeats is shown nowhere, whichever form it has."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote

import pytest

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.errors import APIError, DeepSeekV4Error
from deepseek_v4_sdk.providers.secret_forms import hide, holds, in_base64
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.cassettes.keys import body_holds

KEY = 'k/ey+of"this\\test=é~0123456789'
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent": lambda key: quote(key, safe=""),
    "percent, lower": lambda key: "".join(f"%{byte:02x}" for byte in key.encode()),
    "percent twice": lambda key: quote(quote(key, safe=""), safe=""),
    "JSON": lambda key: json.dumps(key)[1:-1],
    "JSON in JSON": lambda key: json.dumps(json.dumps(key))[3:-3],
    "numbers": lambda key: "".join(f"\\u{ord(letter):04X}" for letter in key),
    "slashes": lambda key: key.replace("/", "\\/"),
    "base64": lambda key: b64encode(key.encode()).decode(),
    "base64 for URLs": lambda key: urlsafe_b64encode(key.encode()).decode(),
    "base64, percent": lambda key: quote(b64encode(key.encode()).decode(), safe=""),
    "base64 of a header": lambda key: b64encode(f"Bearer {key}".encode()).decode(),
    "base64 of user and key": lambda key: b64encode(f"u:{key}".encode()).decode(),
}
in_each_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
PLAIN = "key-of-the-test-0123456789"


@in_each_form
def test_it_is_found_and_hidden(form: Callable[[str], str]) -> None:
    text = f"the key {form(KEY)}, which is wrong"
    assert holds(text, (KEY,))
    hidden = hide(text, (KEY,))
    assert "<key>" in hidden
    assert hidden.startswith("the key ")
    assert hidden.endswith(", which is wrong")
    assert not holds(hidden, (KEY,))
    assert form(KEY)[-12:] not in hidden


@in_each_form
def test_the_recorder_finds_it(form: Callable[[str], str]) -> None:
    assert body_holds(f"x {form(KEY)} y".encode(), (KEY,))
    assert body_holds(json.dumps({"said": [form(KEY)]}).encode(), (KEY,))


@in_each_form
@pytest.mark.parametrize("status", [200, 400, 401])
@pytest.mark.parametrize("as_json", [True, False], ids=["JSON", "text"])
def test_no_error_shows_it(form: Callable[[str], str], status: int, as_json: bool) -> None:
    said = form(PLAIN)
    words = f"wrong key {said} sent"
    body = json.dumps({"error": {"message": words, "code": said, "param": {said: [words]}}}) if as_json else words
    kind = "application/json" if as_json else "text/plain"
    mock = MockProvider(script.raw(body, status=status, content_type=kind, headers={"x-request-id": f"id {said}"}))
    with pytest.raises(DeepSeekV4Error) as raised:
        DeepSeekV4(mock, api_key=PLAIN, max_retries=0).chat("Hi")
    error = raised.value
    shown = [str(error), repr(error), repr(getattr(error, "body", None)), str(error.request_id)]
    shown += [repr(error.code)] if isinstance(error, APIError) else []
    for text in shown:
        assert not holds(text, (PLAIN,))
        assert said not in text


@pytest.mark.parametrize(
    "text", ["", "a key", "%" * 999, "\\" * 999, "key-of-the-test-012345678", b64encode(b"k" * 99).decode()]
)
def test_nothing_else_is_hidden(text: str) -> None:
    assert hide(text, (PLAIN,)) == text
    assert not holds(text, (PLAIN,))


def test_short_secrets_have_no_form_in_base64_that_stands_in_any_text() -> None:
    assert all(len(form) >= 6 for form in in_base64("abcdef"))
    assert in_base64("ab") == ()
