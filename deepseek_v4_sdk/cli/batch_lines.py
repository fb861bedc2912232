"""OpenAI's batch format, a JSON object a line: requests and results, as `vllm run-batch` and hosted APIs have it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from deepseek_v4_sdk import InvalidRequestError
from deepseek_v4_sdk.batch import MapRequest
from deepseek_v4_sdk.chat.openai_form import is_mapping, read_chat_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepseek_v4_sdk import Reply
    from deepseek_v4_sdk.batch import MapResult

__all__ = ["URL", "id_of", "ignored_in", "parsed_line", "read_line", "result_line"]

URL = "/v1/chat/completions"
"""The only route of a batch file that a chat is sent to."""

_FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter"})


def parsed_line(line: str | bytes) -> Mapping[str, object]:
    """Decode a line.

    Raises:
        InvalidRequestError: It is not a JSON object.
    """
    try:
        value: object = json.loads(line)
    except ValueError as error:
        raise InvalidRequestError(f"the line is not JSON: {error}") from None
    if not is_mapping(value):
        raise InvalidRequestError(f"the line is {type(value).__name__}: give an object with custom_id and body")
    return value


def id_of(request: Mapping[str, object]) -> str:
    """The id of a request.

    Raises:
        InvalidRequestError: It has none.
    """
    custom_id = request.get("custom_id")
    if not isinstance(custom_id, str) or not custom_id:
        raise InvalidRequestError(f"custom_id is {custom_id!r}: give each line a different text")
    return custom_id


def read_line(request: Mapping[str, object], model: str | None = None) -> MapRequest:
    """Read a request as the gateway reads its body.

    Args:
        request: The decoded line.
        model: A model that replaces the one of the line.

    Raises:
        InvalidRequestError: Something is wrong with it.
    """
    method, url, body = request.get("method", "POST"), request.get("url", URL), request.get("body")
    if method != "POST" or url != URL:
        raise InvalidRequestError(f"the line wants {method} {url}: only POST {URL} is sent")
    read = read_chat_body(body)
    if read.stream:
        raise InvalidRequestError("stream is true: a batch has no streams; leave it out")
    options: dict[str, object] = {**read.options, "model": model or read.model}
    if read.logit_bias is not None:
        options["extra_body"] = {"logit_bias": read.logit_bias}
    tools = cast("Sequence[object]", options.pop("tools", None) or ())
    # A tool without a function ends a run after its first turn, whose calls are the answer.
    return MapRequest(read.messages, id=id_of(request), tools=tools, options=options)


def ignored_in(request: Mapping[str, object]) -> list[str]:
    """The fields of a request's body that have no effect here.

    Raises:
        InvalidRequestError: Something is wrong with it.
    """
    return read_chat_body(request.get("body")).noted.ignored


def result_line(result: MapResult) -> str:
    """Write a result as a line."""
    return json.dumps({"id": f"batch_req_{result.position}", "custom_id": result.id, **_outcome(result)}) + "\n"


def _outcome(result: MapResult) -> dict[str, object]:
    error, reply = result.error, result.reply
    request_id = next((attempt.request_id for attempt in reversed(result.attempts) if attempt.request_id), None)
    if reply is not None:
        response = {"status_code": 200, "request_id": request_id, "body": _completion(reply)}
        return {"response": response, "error": None}
    if error is None:
        return {"response": None, "error": {"code": "no_answer", "message": "there is no answer"}}
    if error.status_code is None:
        return {"response": None, "error": {"code": error.type, "message": error.message}}
    failure = {"error": {"message": error.message, "type": error.type, "code": error.status_code}}
    return {"response": {"status_code": error.status_code, "request_id": request_id, "body": failure}, "error": None}


def _completion(reply: Reply) -> dict[str, Any]:
    message: dict[str, object] = {"role": "assistant", "content": reply.text or None}
    if reply.reasoning is not None:
        message["reasoning_content"] = reply.reasoning
    if reply.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in reply.tool_calls
        ]
    known = reply.finish_reason in _FINISH_REASONS
    choice: dict[str, object] = {
        "index": 0,
        "message": message,
        "logprobs": None if reply.logprobs is None else {"content": list(reply.logprobs)},
        "finish_reason": reply.finish_reason if known else reply.raw_finish_reason,
    }
    sent_at = reply.timing.sent_at
    usage = reply.usage
    counts: dict[str, object] = {
        name: getattr(usage, name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    }
    if usage.cached_tokens is not None:
        counts["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    if usage.reasoning_tokens is not None:
        counts["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return {
        "id": reply.id,
        "object": "chat.completion",
        "created": 0 if sent_at is None else int(sent_at.timestamp()),
        "model": reply.model,
        "choices": [choice],
        "usage": counts,
    }
