"""Refusals in words that people meet: overflow told in other ways, faults that are not the caller's, odd shapes."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from deepseek_v4_sdk import DeepSeekV4, errors
from deepseek_v4_sdk.chat import write_json
from deepseek_v4_sdk.providers import HttpCall, find_provider
from deepseek_v4_sdk.providers.scrub import scrub
from tests.support.profiles import paired
from tests.support.replay import JSON, Mode, Replay, answer, ask, async_client_for, both, client_for, hear
from tests.support.wire import DONE, chunk, finish, plain, say, sse

in_both_modes = pytest.mark.parametrize("mode", both)
in_each_wire = pytest.mark.parametrize("wire", ["stream", "plain"])
URL = "http://localhost:8000/v1/chat/completions"
KEY = "token-Zx81-private"


def refused(status: int, body: Any, provider: str = "vllm", **headers: str) -> Any:
    """The error that an HTTP answer means."""
    call = HttpCall("POST", URL, (("authorization", f"Bearer {KEY}"),), b'{"model": "m"}')
    raw = body if isinstance(body, bytes) else write_json(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return find_provider(provider).refusal(status, named, raw, call)


# The text of a refusal; the window, the prompt and what was asked for together, as far as it tells.
OVERFLOWS: dict[str, tuple[str, int | None, int | None, int | None]] = {
    "vLLM's engine": (
        "The decoder prompt (length 70000) is longer than the maximum model length of 65536.",
        65_536,
        70_000,
        None,
    ),
    "vLLM, answer and prompt": (
        "This model's maximum context length is 8192 tokens. However, you requested 1000 output tokens and your prompt "
        "contains at least 7193 input tokens, for a total of at least 8193 tokens.",
        8192,
        7193,
        8193,
    ),
    "vLLM, a router's words": (
        "This model's maximum context length is 8,192 tokens. However, your request has 9,001 input tokens.",
        8192,
        9001,
        None,
    ),
    "vLLM, the answer alone": (
        "'max_tokens' or 'max_completion_tokens' is too large: 9000. This model's maximum context length is 8192 "
        "tokens and your request has 12 input tokens (9000 > 8192 - 12).",
        8192,
        12,
        9000,
    ),
    "vLLM, exactly full": ("max_tokens must be at least 1, got 0.", None, None, None),
    "vLLM, more than full": ("max_tokens must be at least 1, got -17.", None, None, None),
    "vLLM's Rust front end": (
        "This model's maximum context length is 4096 tokens. However, your prompt fills it with 4096 input tokens, "
        "leaving no room for the answer.",
        4096,
        4096,
        None,
    ),
    "SGLang with little memory": (
        "Input length (80123 tokens) exceeds the maximum allowed length (65530 tokens). Use a shorter input or enable "
        "--allow-auto-truncate.",
        65_530,
        80_123,
        None,
    ),
    "TensorRT-LLM": (
        "`default_max_tokens` (-5) must be greater than 0, `default_max_tokens` (-5) = max_seq_len (2049) - "
        "`splited_prompt_len` (2054) - `query_token_len` (0)",
        2049,
        2054,
        None,
    ),
    "TensorRT-LLM, one batch": (
        "The sum of prompt length (20000.0), query length (0) should not exceed max_num_tokens (16384)",
        16_384,
        20_000,
        None,
    ),
    "OpenRouter": (
        "This endpoint's maximum context length is 1000 tokens. However, you requested about 1700 tokens (500 of text "
        "input, 200 of tool input, 1000 in the output).",
        1000,
        700,
        1700,
    ),
    "llama.cpp": ("request (5000 tokens) exceeds the available context size (4096 tokens)", 4096, 5000, None),
    "a gateway": ("prompt is too long: 210000 tokens > 200000 maximum", 200_000, 210_000, None),
}


@pytest.mark.parametrize("status", [400, 413, 500, 502, 503])
@pytest.mark.parametrize("text", OVERFLOWS)
def test_overflow_in_any_words_and_under_any_status(text: str, status: int) -> None:
    message, *numbers = OVERFLOWS[text]
    error = refused(status, {"error": {"message": message, "code": status}})
    assert type(error) is errors.ContextLengthExceededError
    assert [error.limit, error.prompt_tokens, error.requested] == numbers
    assert error.status_code == status


@in_both_modes
@pytest.mark.parametrize("form", ["status 500", "event", "flat event", "plain answer of status 200"])
@pytest.mark.parametrize("text", ["SGLang with little memory", "TensorRT-LLM", "vLLM, a router's words"])
def test_overflow_is_not_asked_again_and_its_window_is_learned(text: str, form: str, mode: Mode) -> None:
    message, limit, prompt, _ = OVERFLOWS[text]
    nested, flat = {"error": {"message": message, "code": 500}}, {"object": "error", "message": message, "code": 500}
    first = {
        "status 500": answer(write_json(nested), status=500, headers=JSON),
        "event": answer(sse(nested), DONE),
        "flat event": answer(sse(flat), DONE),
        "plain answer of status 200": answer(write_json(nested), headers=JSON),
    }[form]
    replay = Replay(first, first, first)
    client = (client_for if mode == "sync" else async_client_for)(replay, max_retries=2)
    error = hear(client, {}).error
    assert type(error) is errors.ContextLengthExceededError
    assert (error.limit, error.prompt_tokens) == (limit, prompt)
    assert len(replay.paths) == 1
    if isinstance(client, DeepSeekV4):
        assert client.budget().window == limit


def test_a_code_says_it_too() -> None:
    error = refused(400, {"error": {"message": "Please shorten it", "code": "context_length_exceeded"}})
    assert type(error) is errors.ContextLengthExceededError
    assert error.limit is None


@pytest.mark.parametrize(
    "text",
    ["max_tokens must be at least 1, got many", "The context of this tool is unknown", "the length of stop is 17"],
)
def test_what_only_sounds_like_overflow_is_none(text: str) -> None:
    assert type(refused(400, {"error": {"message": text}})) is errors.BadRequestError


@pytest.mark.parametrize("piece", ["1", "1,", "(1 of text input", "maximum context length ", "max_tokens=1", "(1"])
def test_a_long_refusal_is_read_at_once(piece: str) -> None:
    started = time.process_time()
    refused(400, {"error": {"message": "maximum context length " + piece * (100_000 // len(piece))}})
    assert time.process_time() - started < 5


EDGES: dict[int, tuple[type[errors.APIError], str]] = {
    520: (errors.ServerError, "Web server is returning an unknown error"),
    521: (errors.ServerError, "Web server is down"),
    522: (errors.GatewayTimeoutError, "Connection timed out"),
    523: (errors.ServerError, "Origin is unreachable"),
    524: (errors.GatewayTimeoutError, "A timeout occurred"),
    527: (errors.ServerError, "Railgun error"),
    529: (errors.OverloadedError, "Site is overloaded"),
}


@in_both_modes
@in_each_wire
@pytest.mark.parametrize("status", EDGES)
def test_statuses_of_the_edge_are_tried_again(status: int, wire: str, mode: Mode) -> None:
    kind, title = EDGES[status]
    page = f"<html><head><title>example.com | {status}: {title}</title></head></html>".encode()
    bad = answer(page, status=status, headers={"content-type": "text/html"})
    good = answer(say("Hi"), finish("stop")) if wire == "stream" else answer(plain("stop", content="Hi"), headers=JSON)
    client = (client_for if mode == "sync" else async_client_for)(Replay(bad, good), max_retries=1)
    attempts = hear(client, {"wire": wire}).answered.attempts
    assert [attempt.error for attempt in attempts] == [kind.__name__, None]
    error = ask(bad, mode=mode, wire=wire).error
    assert type(error) is kind
    assert title in str(error)
    assert title in str(error.body)


DEGRADED = "Function id '0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f': DEGRADED function cannot be invoked"


@in_both_modes
@pytest.mark.parametrize(
    "first",
    [
        answer(write_json({"status": 400, "title": "Bad Request", "detail": DEGRADED}), status=400, headers=JSON),
        answer(write_json({"error": {"message": "no healthy upstream", "code": 400}}), status=400, headers=JSON),
        answer(sse({"error": {"message": DEGRADED, "code": 400}}), DONE),
        answer(sse({"status": 400, "detail": DEGRADED}), DONE),
    ],
    ids=["problem JSON", "a proxy's words", "event", "flat event"],
)
def test_a_400_that_is_not_the_callers_mistake_is_tried_again(first: Any, mode: Mode) -> None:
    good = answer(say("Hi"), finish("stop"), DONE)
    client = (client_for if mode == "sync" else async_client_for)(
        Replay(first, good), "nvidia", max_retries=1, api_key="k"
    )
    attempts = hear(client, {}).answered.attempts
    assert [attempt.error for attempt in attempts] == ["OverloadedError", None]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (400, {"error": {"message": "Unknown model: m", "code": "unknown_model"}}),
        (400, {"error": {"message": "no such thing", "type": "model_not_found"}}),
        (422, {"message": "unknown model 'm'"}),
        (404, {"error": {"message": "no such thing", "code": "unknown_model"}}),
    ],
)
def test_an_unknown_model_under_any_status(status: int, told: Any) -> None:
    error = refused(status, told)
    assert type(error) is errors.ModelNotFoundError
    assert "the model is 'm'" in str(error)


def test_an_unknown_model_in_an_event() -> None:
    error = ask(answer(sse({"error": {"message": "Unknown model: m", "code": 400}}))).error
    assert type(error) is errors.ModelNotFoundError


# Shapes in which servers and gateways wrap a reason: the payload, the class, its status.
SHAPES: dict[str, tuple[dict[str, Any], type[errors.APIError], int | None]] = {
    "detail": ({"detail": "worker 3 died"}, errors.ServerError, None),
    "detail with a status": ({"status": 503, "detail": "worker 3 died"}, errors.OverloadedError, 503),
    "a list of details": ({"detail": [{"msg": "worker 3 died", "loc": ["body"]}]}, errors.ServerError, None),
    "code, message, no data": ({"code": 40_001, "message": "worker 3 died", "data": None}, errors.ServerError, None),
    "code that is a status": ({"code": 429, "message": "worker 3 died", "data": None}, errors.RateLimitError, 429),
    "msg": ({"success": False, "msg": "worker 3 died"}, errors.ServerError, None),
    "type error": ({"type": "error", "error": {"message": "worker 3 died"}}, errors.ServerError, None),
    "in a choice": (
        {"choices": [{"index": 0, "error": {"message": "worker 3 died", "code": 502}}]},
        errors.ServerError,
        502,
    ),
    "upstream's text": (
        {"error": {"message": "Provider returned error", "code": 502, "metadata": {"raw": "worker 3 died"}}},
        errors.ServerError,
        502,
    ),
    "upstream's JSON": (
        {"error": {"message": "Provider failed", "metadata": {"raw": '{"error": {"message": "worker 3 died"}}'}}},
        errors.ServerError,
        None,
    ),
    "upstream's XML": (
        {"error": {"message": "Provider failed", "metadata": {"raw": "<E><Message>worker 3 died</Message></E>"}}},
        errors.ServerError,
        None,
    ),
}


@in_both_modes
@pytest.mark.parametrize("shape", SHAPES)
def test_a_reason_in_any_shape_of_json(shape: str, mode: Mode) -> None:
    payload, kind, status = SHAPES[shape]
    error = ask(answer(say("Half"), sse(payload)), mode=mode).error
    assert type(error) is kind
    assert error.status_code == status
    assert "worker 3 died" in str(error)
    assert "inside the stream" in str(error)
    assert error.partial is not None
    assert error.partial.text == "Half"
    over_http = refused(400, payload)
    assert "worker 3 died" in str(over_http)


@pytest.mark.parametrize("status", [400, 503])
def test_a_reason_in_xml(status: int) -> None:
    body = b'<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Too many &lt;requests&gt;</Message></Error>'
    error = refused(status, body, content_type="application/xml")
    assert "Too many <requests>" in str(error)
    assert error.code == "SlowDown"
    assert "SlowDown" in str(error.body)


def test_overflow_that_an_upstream_told_through_a_gateway() -> None:
    raw = json.dumps({"error": {"message": OVERFLOWS["vLLM, a router's words"][0]}})
    told = {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": raw}}}
    error = refused(400, told)
    assert type(error) is errors.ContextLengthExceededError
    assert (error.limit, error.prompt_tokens) == (8192, 9001)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after_ms": "1500"}, 1.5),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25),
        ({"retry_after_ms": "soon", "retry_after": "9"}, 9.0),
        ({"retry_after_ms": "nan"}, None),
    ],
)
def test_a_wait_in_milliseconds(headers: dict[str, str], seconds: float | None) -> None:
    assert refused(429, b"", **headers).retry_after == seconds


HUGE: dict[str, Any] = {
    "a message": {"error": {"message": "x" * 4_000_000, "code": 500}},
    "no message": {"error": {str(at): "x" for at in range(300_000)}},
    "many objects": {"error": {"message": "dead", "more": [{"a": "b"}] * 500_000}},
    "many paths": {"error": {"message": "dead", "more": ["/a/b/c/d.py"] * 300_000}},
}


@pytest.mark.parametrize(("case", "form"), paired(HUGE, ["event", "status 500"]))
def test_an_error_of_megabytes_is_read_at_once(case: str, form: str) -> None:
    """What nobody would read is not looked through: the loop of an async client would stand still."""
    body = write_json(HUGE[case])
    started = time.process_time()
    error = ask(answer(b"data: " + body + b"\n\n")).error if form == "event" else refused(500, body)
    assert time.process_time() - started < 5
    assert isinstance(error, errors.ServerError)
    assert len(str(error)) < 2_000
    assert len(repr(error.body)) < 2_000_000


@pytest.mark.parametrize(
    "text",
    ["evil\nWARNING forged line", "evil\r\nx", "\x1b[2Jevil", "evil\x9b31m", "evil\u2028next", "evil\u202egnp.exe"],
)
def test_control_characters_of_a_server_are_escaped(text: str) -> None:
    error = refused(400, {"error": {"message": text}}, x_request_id="r\x1b[2J\x85")
    shown = f"{error} {error.request_id} {ask(answer(sse({'error': {'message': text}}))).error}"
    assert "evil" in shown
    assert all(character.isprintable() for character in shown)
    named = ask(answer(chunk({"content": "x"}), finish(text))).answered
    assert named.raw_finish_reason == text  # data stays as it is


@pytest.mark.parametrize(
    "text",
    [
        'File "python/sglang/srt/managers/scheduler.py", line 9',
        "file:///srv/models/v4/config.json is missing",
        r"C:\serve\models\v4\config.json is missing",
        "File '/sgl-workspace/sglang/x.py', line 9",
    ],
)
def test_paths_of_files_are_scrubbed(text: str) -> None:
    assert not any(word in scrub(text) for word in ("sglang", "models", "config", "srt", "serve"))
    assert "<path>" in scrub(text)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.AuthenticationError),
        (402, errors.BillingError),
        (403, errors.PermissionDeniedError),
        (404, errors.ModelNotFoundError),
        (429, errors.RateLimitError),
    ],
)
def test_a_status_that_says_what_is_wrong_is_believed(status: int, kind: type[errors.APIError]) -> None:
    """A prompt that is cut shorter mends neither a key nor a name."""
    for said in ("the plan's maximum context length is 8192 tokens", "prompt is too long", "no healthy upstream"):
        assert type(refused(status, {"error": {"message": said}})) is kind


@pytest.mark.parametrize(
    "words", ["maximum context length", "prompt is too long", "unknown model", "DEGRADED function"]
)
def test_what_a_server_repeats_of_the_prompt_decides_nothing(words: str) -> None:
    """Validation errors of pydantic quote it, as data and as a text."""
    detail = [{"type": "missing", "loc": ["body", "messages", 0, "content"], "msg": "Field required", "input": words}]
    for body in ({"detail": detail}, {"error": {"message": f"1 validation error: {detail}", "code": 400}}):
        assert type(refused(400, body)) is errors.BadRequestError


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Invalid 'user': string too long. Expected a maximum length of 64.", "string_above_max_length"),
        ("The name of the tool exceeds the maximum allowed length (64)", None),
        ("unknown model parameter 'depth'", None),
    ],
)
def test_a_field_that_is_wrong_is_not_the_window_nor_the_model(said: str, code: str | None) -> None:
    assert type(refused(400, {"error": {"message": said, "code": code}})) is errors.BadRequestError


@pytest.mark.parametrize(
    "header", [("cookie", f"theme=dark; session={KEY}"), ("x-auth", f'token="{KEY}", realm=a'), ("x-key", f"key={KEY}")]
)
def test_what_stands_behind_a_name_in_a_header_is_a_key_too(header: tuple[str, str]) -> None:
    call = HttpCall("POST", URL, (header,), b'{"model": "m"}')
    error: Any = find_provider("vllm").refusal(401, {}, write_json({"error": {"message": f"{KEY} has expired"}}), call)
    assert KEY not in str(error)
    assert KEY not in repr(error.body)
    assert "<key> has expired" in str(error)
