"""Error answers over HTTP: each shape becomes the right class, says where and what, and shows nothing private."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk.errors import AuthenticationError, BadRequestError, ServerError
from deepseek_v4_sdk.providers import HttpCall, find_provider
from tests.providers.refusal_cases import CASES, Case
from tests.support.recorded import recordings

if TYPE_CHECKING:
    from tests.support.recorded import Recording

URL = "http://localhost:8000/v1/chat/completions"
KEY = "token-Zx81-private"
CALL = HttpCall("POST", URL, (("accept", "*/*"), ("authorization", f"Bearer {KEY}")), b"{}")
BOTH = ("vllm", "sglang")


def refused(provider: str, status: int, body: bytes | str, **headers: str) -> Any:
    """The error that an answer means."""
    raw = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return find_provider(provider).refusal(status, named, raw, CALL)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.provider}-{case.name}")
def test_an_answer_becomes_the_right_error(case: Case) -> None:
    error = find_provider(case.provider).refusal(case.status, case.headers, case.body, CALL)
    assert type(error) is case.kind
    assert (error.status_code, error.code) == (case.status, case.code)
    assert {name: getattr(error, name) for name in case.fields} == case.fields
    assert str(error).startswith(f"{case.provider} answered {case.status} to POST {URL}: ")
    assert case.text in str(error)
    assert error.url == URL


REFUSALS = [recording for recording in recordings() if recording.status >= 400]


@pytest.mark.parametrize("recording", REFUSALS, ids=lambda recording: f"{recording.server}-{recording.name}")
def test_the_error_of_a_real_server_shows_no_path_of_its_machine(recording: Recording) -> None:
    headers = {name.lower(): value for name, value in recording.headers}
    error = find_provider(recording.server).refusal(recording.status, headers, recording.body, CALL)
    assert "/opt/" not in str(error) + repr(error.body)


def test_the_servers_request_id_is_kept_whatever_its_header() -> None:
    assert refused("vllm", 500, "", x_request_id="req-1").request_id == "req-1"
    assert refused("sglang", 500, "", nvcf_reqid="req-2").request_id == "req-2"
    assert refused("sglang", 500, "").request_id is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("soon", None), ("", None), ("inf", None), ("nan", None), ("1e999", None)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_seconds_that_can_be_waited(status: int, header: str, seconds: float | None) -> None:
    assert refused("vllm", status, "", retry_after=header).retry_after == seconds


@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000"])
def test_retry_after_may_be_a_date_in_any_spelling(zone: str) -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(hours=1)).replace("+0000", zone)
    assert 3590 < refused("vllm", 503, "", retry_after=when).retry_after <= 3600
    past = f"Wed, 21 Oct 2015 07:28:00 {zone}"
    assert refused("vllm", 503, "", retry_after=past).retry_after == 0.0


PROMPT = "my private question"
PYDANTIC = (
    "1 validation error:\n  {'type': 'missing', 'loc': ('body', 'model'), 'msg': 'Field required', 'input': "
    "{'messages': [{'role': 'user', 'content': 'my private question'}], 'user': 'my private question, \\'too\\''}}"
    '\n\n  File "/opt/venv/lib/python3.11/site-packages/sglang/srt/entrypoints/http_server.py", line 1870, in f\n'
    "    POST /v1/chat/completions [{'type': 'missing', 'input': {'a': [1], 'b': 'my private question'}, 'ctx': {}}]"
)
PRIVATE = [
    pytest.param(json.dumps({"object": "error", "message": PYDANTIC, "code": 400}), id="pydantic in a text"),
    pytest.param(json.dumps({"error": {"message": PYDANTIC, "code": 400}}), id="pydantic, nested"),
    pytest.param(
        json.dumps({"detail": [{"type": "missing", "loc": ["body"], "input": {"messages": [PROMPT], "b": PROMPT}}]}),
        id="FastAPI's detail",
    ),
    pytest.param(
        json.dumps({"error": f"1 validation error [type=x, input_value={{'a': '{PROMPT}'}}, input_type=dict]"}),
        id="pydantic's own words",
    ),
    pytest.param(json.dumps({"error": "bad", "input": PROMPT}), id="an input beside the error"),
    pytest.param(json.dumps({"error": f'{{"input": "say \\"{PROMPT}\\"", "x": 1}}'}), id="JSON in a text"),
]


@pytest.mark.parametrize("provider", BOTH)
@pytest.mark.parametrize("body", PRIVATE)
def test_an_error_does_not_repeat_the_prompt_or_source_paths(provider: str, body: str) -> None:
    error = refused(provider, 400, body)
    assert type(error) is BadRequestError
    for shown in (str(error), repr(error), repr(error.body)):
        assert PROMPT not in shown
        assert "site-packages" not in shown


def test_what_is_not_private_stays_readable() -> None:
    text = str(refused("sglang", 400, json.dumps({"message": PYDANTIC})))
    assert "'msg': 'Field required', 'input': <input>}" in text
    assert "POST /v1/chat/completions" in text
    kept = "Your account suspended: your organization temporarily may not use /v1/models of http://host/a/b/c"
    assert kept in str(refused("vllm", 403, json.dumps({"error": kept})))


@pytest.mark.parametrize(
    "message",
    [
        "Function not found for account 'tQ7-private_9x'",
        "organization org-private12345 has no access",
        "account id: private-778899 is over its limit",
        'Traceback: File "/app/private.py", line 1',
        "loaded /usr/lib/private/thing",
        f"key {KEY} is private",
        "Incorrect API key provided: sk-private-abcdef123",
        "nvapi-private-abcdef123 expired",
    ],
)
def test_accounts_paths_and_keys_are_taken_out(message: str) -> None:
    error = refused("vllm", 403, json.dumps({"error": {"message": message, "hint": message}}))
    assert "private" not in f"{error} {error.body}".replace("is private", "")


def test_a_key_in_a_page_or_a_plain_text_is_taken_out() -> None:
    for body in (f"no such key: {KEY}", f"<title>{KEY}</title>"):
        error = refused("sglang", 401, body)
        assert type(error) is AuthenticationError
        assert KEY not in f"{error} {error.body}"


def test_a_long_message_is_cut() -> None:
    error = refused("vllm", 500, json.dumps({"error": {"message": "x" * 100_000}}))
    assert type(error) is ServerError
    assert len(str(error)) < 1_500
    assert "(100000 characters)" in str(error)
