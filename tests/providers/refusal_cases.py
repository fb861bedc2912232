"""The error answers of vLLM 0.33, SGLang 0.5.23 and what stands before them: bytes, and what they mean."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deepseek_v4_sdk import errors as e

if TYPE_CHECKING:
    from deepseek_v4_sdk.errors import APIError


@dataclass(frozen=True)
class Case:
    """One error answer."""

    name: str
    provider: str
    status: int
    body: bytes
    kind: type[APIError]
    text: str
    """What a reader must find in the message."""
    code: str | int | None = None
    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    headers: dict[str, str] = field(default_factory=dict[str, str])


def vllm(name: str, status: int, kind: type[APIError], type_: str, message: str, **fields: Any) -> Case:
    """An error in vLLM's own shape: nested, the code an int that repeats the status."""
    body = {"error": {"message": message, "type": type_, "param": fields.pop("param", None), "code": status}}
    text = message.split("(parameter")[0].splitlines()[0].strip()
    return Case(name, "vllm", status, json.dumps(body).encode(), kind, text, type_, fields, JSON)


def sglang(name: str, status: int, kind: type[APIError], type_: str, message: str, **fields: Any) -> Case:
    """An error in SGLang's own shape: flat, without an `error` key."""
    body = {"object": "error", "message": message, "type": type_, "param": None, "code": status}
    return Case(name, "sglang", status, json.dumps(body).encode(), kind, message.splitlines()[0], type_, fields, JSON)


def other(provider: str, name: str, status: int, kind: type[APIError], body: str, text: str, **more: Any) -> Case:
    """An error in another shape."""
    headers = more.pop("headers", JSON)
    return Case(
        f"{provider} {name}", provider, status, body.encode(), kind, text, more.pop("code", None), more, headers
    )


JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html; charset=UTF-8"}
PLAIN = {"content-type": "text/plain; charset=utf-8"}
BAD, LONG, BUSY = e.BadRequestError, e.ContextLengthExceededError, e.OverloadedError

VLLM = (
    vllm(
        "prompt too long",
        400,
        LONG,
        "BadRequestError",
        "This model's maximum context length is 4096 tokens. However, your prompt contains 5000 input tokens, which "
        "exceeds this limit even without any output tokens. Please reduce the length of the input prompt. "
        "(parameter=input_tokens, value=5000)",
        param="input_tokens",
        limit=4096,
        prompt_tokens=5000,
        requested=None,
    ),
    vllm(
        "prompt too long, at least",
        400,
        LONG,
        "BadRequestError",
        "This model's maximum context length is 4096 tokens. However, your prompt contains at least 4097 input tokens, "
        "which exceeds this limit even without any output tokens. (parameter=input_tokens, value=4097)",
        param="input_tokens",
        limit=4096,
        prompt_tokens=4097,
    ),
    vllm(
        "prompt too long in characters",
        400,
        LONG,
        "BadRequestError",
        "This model's maximum context length is 2048 tokens. However, your prompt contains 999999 characters (more "
        "than 524288 characters, which is the upper bound for 2048 input tokens). (parameter=input_text, value=999999)",
        param="input_text",
        limit=2048,
        prompt_tokens=None,
    ),
    vllm(
        "answer longer than the window",
        400,
        LONG,
        "BadRequestError",
        "max_tokens=100000 cannot be greater than max_model_len=4096. Please request fewer output tokens. "
        "(parameter=max_tokens, value=100000)",
        param="max_tokens",
        limit=4096,
        requested=100000,
    ),
    vllm(
        "older words",
        400,
        LONG,
        "BadRequestError",
        "This model's maximum context length is 1000 tokens. However, you requested 1200 tokens (900 in the messages, "
        "300 in the completion). Please reduce the length of the messages or completion.",
        limit=1000,
        prompt_tokens=900,
        requested=1200,
    ),
    vllm("a value", 400, BAD, "BadRequestError", "temperature must be non-negative, got -1.0. (parameter=temperature)"),
    vllm("no parser", 400, BAD, "BadRequestError", '"auto" tool choice requires --enable-auto-tool-choice and more'),
    vllm("bad role", 400, BAD, "BadRequestError", "Invalid role: wizard"),
    vllm("wrong media type", 400, BAD, "Bad Request", "Unsupported Media Type: Only 'application/json' is allowed"),
    vllm(
        "unknown model", 404, e.ModelNotFoundError, "NotFoundError", "The model `x` does not exist. Valid aliases: a."
    ),
    other("vllm", "unknown path", 404, e.ModelNotFoundError, '{"detail":"Not Found"}', "Not Found"),
    other("vllm", "wrong method", 405, BAD, '{"detail":"Method Not Allowed"}', "Method Not Allowed"),
    other("vllm", "no key", 401, e.AuthenticationError, '{"error":"Unauthorized"}', "Unauthorized (check the key)"),
    vllm(
        "queue full", 503, BUSY, "Service Unavailable", "The engine is currently busy and cannot accept new requests."
    ),
    vllm("paused", 503, BUSY, "ServiceUnavailableError", "Generation is paused. Please retry after it resumes."),
    other(
        "vllm",
        "scaling",
        503,
        BUSY,
        '{"error":"The model is currently scaling. Please try again later."}',
        "The model is currently scaling.",
        retry_after=None,
    ),
    vllm("engine dead", 500, e.ServerError, "InternalServerError", "The server had an error while processing it."),
    vllm("scale-out", 403, e.PermissionDeniedError, "PermissionDeniedError", "Scale-out endpoints are disabled."),
)

SGLANG = (
    sglang(
        "prompt too long",
        400,
        LONG,
        "BadRequestError",
        "The input (5005 tokens) is longer than the model's context length (4096 tokens).",
        limit=4096,
        prompt_tokens=5005,
        requested=None,
    ),
    sglang(
        "prompt and answer too long",
        400,
        LONG,
        "BadRequestError",
        "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of "
        "5005 tokens: 2005 tokens from the input messages and 3000 tokens for the completion. Please reduce it.",
        limit=4096,
        prompt_tokens=2005,
        requested=5005,
    ),
    sglang(
        "answer too long", 400, LONG, "BadRequestError", "max_completion_tokens is too large: 9999.", requested=9999
    ),
    sglang("no messages", 400, BAD, "BadRequestError", "Messages cannot be empty."),
    sglang("no such tool", 400, BAD, "BadRequestError", "Tool 'x' not found in tools list."),
    sglang("encoder", 400, BAD, "BadRequest", "DeepSeek-V4 reasoning_effort must be a named tier"),
    sglang("HTTP exception", 400, BAD, "400", "X-Data-Parallel-Rank must be an integer"),
    sglang("unexpected", 500, e.ServerError, "InternalServerError", "Internal server error: list index out of range"),
    sglang("queue full", 503, BUSY, "503", "The request queue is full.", retry_after=None),
    other("sglang", "no key", 401, e.AuthenticationError, '{"error":"Unauthorized"}', "Unauthorized (check the key)"),
    other("sglang", "admin path", 403, e.PermissionDeniedError, '{"error":"Forbidden"}', "Forbidden"),
    other("sglang", "unknown path", 404, e.ModelNotFoundError, '{"detail":"Not Found"}', "Not Found"),
)

GATEWAYS = tuple(
    case
    for provider in ("vllm", "sglang")
    for case in (
        other(
            provider,
            "nginx page",
            502,
            e.ServerError,
            "<html>\r\n<head><title>502 Bad  Gateway</title></head>\r\n<body>secret-host</body></html>",
            "a web page instead of an answer: 502 Bad Gateway",
            headers=HTML,
        ),
        other(provider, "empty", 504, e.GatewayTimeoutError, "", "an empty body", headers={}),
        other(
            provider,
            "problem+json",
            429,
            e.RateLimitError,
            '{"type":"urn:x:limits","title":"Too Many Requests","status":429,"detail":"5 per second"}',
            "5 per second (slow down, or wait)",
            code="urn:x:limits",
            headers={"content-type": "application/problem+json", "retry-after": "2.5"},
            retry_after=2.5,
        ),
        other(
            provider,
            "plain text",
            404,
            e.ModelNotFoundError,
            "404 page\nnot found\n",
            "404 page not found",
            headers=PLAIN,
        ),
        other(
            provider,
            "redirect",
            302,
            e.ServerError,
            "",
            "a redirect to https://login.example/sso, which is not followed",
            headers={"location": "https://login.example/sso"},
        ),
        other(provider, "half a JSON", 500, e.ServerError, '{"error":{"mess', '{"error":{"mess'),
        other(provider, "a bare list", 400, BAD, '["no","such"]', "['no', 'such']"),
        other(provider, "a bare null", 400, BAD, "null", "null"),
        other(provider, "no message", 400, BAD, '{"error":{"code":17}}', "{'code': 17}", code=17),
        other(provider, "balance", 402, e.BillingError, '{"error":{"message":"Insufficient"}}', "check the balance"),
        other(provider, "too large", 413, BAD, "", "an empty body", headers={}),
        other(provider, "timeout", 408, e.GatewayTimeoutError, "", "an empty body", headers={}),
        other(provider, "an unknown status", 599, e.ServerError, '{"message":"Overworked"}', "Overworked"),
        other(
            provider,
            "cut by a gateway",
            400,
            LONG,
            '{"error":{"message":"...maximum context length is 65536 tok"}}',
            "maximum context length is 65536",
            limit=65536,
        ),
    )
)
CASES = VLLM + SGLANG + GATEWAYS
