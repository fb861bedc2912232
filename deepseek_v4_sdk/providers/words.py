"""Words of answers with the same meaning on every server: broken off, not yet, and nothing at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue

__all__ = ["BROKEN_OFF", "NO_REASONS", "PINGS", "is_empty", "is_idle_text", "is_reason", "says_wrong"]

BROKEN_OFF = frozenset(
    {
        "abort",
        "aborted",
        "cancel",
        "canceled",
        "cancelled",
        "client_disconnect",
        "connection_error",
        "disconnected",
        "error",
        "failed",
        "failure",
        "insufficient_system_resource",  # DeepSeek's API
        "internal_error",
        "internal_server_error",
        "interrupted",
        "network_error",
        "preempted",
        "server_error",
        "timed_out",
        "timeout",
    }
)
"""Finish reasons of an answer that was broken off, in lower case."""
NO_REASONS = ("null", "None")
"""Values that some write for a finish reason where there is none yet."""
PINGS = frozenset({"ping", "pong", "heartbeat", "keepalive", "keep-alive", "keep_alive"})
"""Names and types of events that only show that the server lives, in lower case."""
_NOTES = frozenset(
    {
        "accepted",
        "alive",
        "complete",
        "completed",
        "connected",
        "connecting",
        "created",
        "done",
        "finished",
        "in_progress",
        "in_queue",
        "info",
        "loading",
        "ok",
        "okay",
        "pending",
        "processing",
        "progress",
        "queue",
        "queued",
        "queueing",
        "ready",
        "running",
        "started",
        "starting",
        "submitted",
        "succeeded",
        "success",
        "successful",
        "successfully",
        "thinking",
        "waiting",
        "warming_up",
        "working",
        "成功",
        "请求成功",
        "操作成功",
    }
)
"""Words of a server that reports progress, and that nothing is wrong."""
_KINDS = ("type", "object", "event", "status", "state")
_CODES = ("code", "error_code", "err_code", "errcode", "status", "status_code", "statusCode")
_TEXTS = ("message", "msg", "error_message", "error_description", "detail", "errmsg")
_SIGNS = ("success", "ok")
_ENVELOPE = frozenset(
    {"error", "errors", "id", "object", "created", "model", "system_fingerprint", "service_tier", "request_id"}
)
_AROUND = " .!:…。!"  # characters around a word
_LONGEST_WORD = 100  # characters that may surround a word
_MOST_DIGITS = 18
_DEEPEST = 8  # values that are nested deeper count as content


def says_wrong(payload: JsonValue) -> bool:
    """Whether an object, which has no choices, reports that something is wrong; every error does, and nothing else.

    An error shows it by its `error`, by a word such as "failed", by `success: false`, or by a status or a code. A
    message or a detail shows it too, unless a code, a status or its words report that all is well.
    """
    if not isinstance(payload, dict):
        return False
    if is_reason(payload.get("error")) or is_reason(payload.get("errors")):
        return True
    words = {_word(payload.get(name)) for name in (*_KINDS, "code")}
    if any(word in BROKEN_OFF or word.endswith("error") for word in words):
        return True
    if any(payload.get(name) is False for name in _SIGNS):
        return True
    codes = [number for name in _CODES if (number := _number(payload.get(name))) is not None]
    if any(400 <= code < 600 for code in codes):
        return True
    if _is_well(payload):
        return False
    return any(not _is_vacant(payload.get(name)) for name in (*_TEXTS, *(name for name in _CODES if "code" in name)))


def is_reason(error: JsonValue) -> bool:
    """Whether a field named `error` has an error in it; some servers send the field with every event."""
    if isinstance(error, str):
        return bool(error.strip()) and _word(error) not in _NOTES and error not in NO_REASONS
    if isinstance(error, dict):
        filled = {name: value for name, value in error.items() if _number(value) != 0}
        return not _is_vacant(filled) and not (_is_well(error) and all(_fine(error.get(name)) for name in _TEXTS))
    return not _is_vacant(error) and error != 0


def is_empty(payload: JsonValue) -> bool:
    """Whether an event has nothing for the answer.

    Such are null, a number, a text or an object that only shows that the server lives or is working, and an object
    whose values are all empty. It is called for objects that report nothing wrong.
    """
    if isinstance(payload, str):
        return _word(payload) in PINGS | _NOTES or not payload.strip()
    if not isinstance(payload, dict):
        return isinstance(payload, int | float) or _is_vacant(payload)
    if all(name.lower() in PINGS for name in payload):
        return True
    if not payload.get("usage") and _is_well(payload):
        return True
    return all(name in _ENVELOPE or _is_vacant(value) for name, value in payload.items())


def is_idle_text(data: bytes) -> bool:
    """Whether the data of an event is blank, a comment, or a word that only shows that the server lives."""
    text = data[:_LONGEST_WORD].strip()
    if not text or text[:1] == b":":
        return True
    return len(data) < _LONGEST_WORD and _word(text.decode("utf-8", "replace").strip("[]<>()")) in PINGS | _NOTES


def _is_well(payload: dict[str, JsonValue]) -> bool:
    """Whether a word or a code in an object reports that all is well."""
    if any(payload.get(name) is True for name in _SIGNS):
        return True
    if any((word := _word(payload.get(name))) in PINGS or word in _NOTES for name in (*_KINDS, *_TEXTS, "code")):
        return True
    return any((code := _number(payload.get(name))) == 0 or (code or 0) // 100 == 2 for name in _CODES)


def _fine(text: JsonValue) -> bool:
    return _is_vacant(text) or _word(text) in _NOTES


def _word(value: JsonValue) -> str:
    """A text in the form of the tables above."""
    return "_".join(value.strip(_AROUND).lower().split()) if isinstance(value, str) else ""


def _number(value: JsonValue) -> int | None:
    if isinstance(value, str) and len(value) <= _MOST_DIGITS and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_vacant(value: JsonValue, depth: int = 0) -> bool:
    """Whether a value is empty, however it is wrapped."""
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, dict | list) and depth < _DEEPEST:
        return all(_is_vacant(item, depth + 1) for item in (value.values() if isinstance(value, dict) else value))
    return value is None
