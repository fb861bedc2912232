"""The wire of build.nvidia.com from the server's side: problem JSON of the gateway in front of Dynamo's answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from deepseek_v4_sdk.chat import JsonValue
from deepseek_v4_sdk.testing.flavors.base import Refusal, as_uuid, refusal, wanted
from deepseek_v4_sdk.testing.flavors.dynamo import DynamoFlavor
from deepseek_v4_sdk.testing.script import Error, Raw

__all__ = ["NvidiaFlavor"]

_LIVE = ("deepseek-ai/deepseek-v4-pro-0813", "deepseek-ai/deepseek-v4-flash-0731")
_ENDED = ("deepseek-ai/deepseek-v4-pro", "deepseek-ai/deepseek-v4-flash")
_TITLES = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 410: "Gone", 429: "Too Many Requests"}
_NEWER = frozenset({"thinking", "prompt_cache_key"})


class NvidiaFlavor(DynamoFlavor):
    """Hosted models: named ones, some of which have ended.

    Args:
        api_key: The key it wants; None takes every one.
        forbidden: A key that is known and has no right, such as one of the registry: 403.
        not_yours: A model that exists, but not for this account: 404.
        requests_per_minute: How many chats it takes, by the clock of the mock: one that comes after so many others is
            429, without a waiting time. None takes all.
        accepts_newer_keys: Whether it takes `thinking` and `prompt_cache_key`, as plain Dynamo 1.6.1 does.
        wraps_errors: Whether Dynamo's errors come inside `{"error": ...}`, as some reports have them.
        default_thinking: Whether it thinks without an option in the request.
        max_tokens: The most tokens of an answer that it takes; None for Dynamo's own bound. The preview of Pro had
            16,384.
        lists_twice: Whether the list of models has one of them twice.
        reasoning_field: The name of the reasoning in its answers.
    """

    name = "nvidia"
    served = _LIVE[0]

    def __init__(
        self,
        *,
        api_key: str | None = None,
        forbidden: str | None = None,
        not_yours: str | None = None,
        requests_per_minute: int | None = None,
        accepts_newer_keys: bool = False,
        wraps_errors: bool = False,
        default_thinking: bool = False,
        max_tokens: int | None = None,
        lists_twice: bool = False,
        reasoning_field: Literal["reasoning_content", "reasoning"] = "reasoning_content",
    ) -> None:
        super().__init__(default_thinking=default_thinking, reasoning_field=reasoning_field)
        self.keys = DynamoFlavor.keys if accepts_newer_keys else DynamoFlavor.keys - _NEWER
        self._api_key = api_key
        self._forbidden = forbidden
        self._not_yours = not_yours
        self.requests_per_minute = requests_per_minute
        self._wraps_errors = wraps_errors
        self._max_tokens = max_tokens
        self._lists_twice = lists_twice

    def thinking(self, body: dict[str, JsonValue]) -> str:
        """Thinking is off unless it is switched on, or the model's default."""
        given = body.get("chat_template_kwargs")
        kwargs = given if isinstance(given, dict) else {}
        asked = kwargs.get("thinking") is True or body.get("reasoning_effort") in {"high", "max"}
        return super().thinking(body) if asked or self._default_thinking else "off"

    def admit(self, path: str, headers: Mapping[str, str]) -> Refusal | None:
        """The list of models is for all; chats want a key that has the right."""
        if path == "/v1/models":
            return None
        given = headers.get("authorization", "").removeprefix("Bearer ")
        if self._forbidden is not None and given == self._forbidden:
            return Error(403, "Authorization failed")
        return None if self._api_key is None or given == self._api_key else Error(401, "Authentication failed")

    def refuse(self, body: dict[str, JsonValue], window: int) -> Refusal | None:
        """Ended models are 410, unknown ones plain text, unknown keys 400."""
        model = body.get("model")
        if model in _ENDED:
            detail = (
                f"The model '{model}' has reached its end of life on 2026-08-07T09:00:00Z and is no longer available."
            )
            return Error(410, detail)
        if model is not None and model == self._not_yours:
            function = "00000000-0000-4000-8000-000000000000"
            return Error(404, f"Function '{function}': Not found for account 'mock'")
        if model not in _LIVE:
            return Raw((b"404 page not found\n",), 404, {"content-type": "text/plain; charset=utf-8"})
        if body.get("reasoning_effort") not in {None, "none", "high", "max"}:
            return Error(400, "Validation: reasoning_effort must be one of none, high, max")
        limit = wanted(body, "max_completion_tokens", "max_tokens")
        if self._max_tokens is not None and limit is not None and limit > self._max_tokens:
            return Error(400, f"Validation: max_tokens must be between 1 and {self._max_tokens}, got {limit}")
        found = super().refuse(body, window)
        if self._wraps_errors and isinstance(found, Error):
            return refusal(found.status, {"error": super().error(found.status, found.message)})
        return found

    def error(self, status: int, message: str) -> JsonValue:
        """Problem JSON from the gateway, Dynamo's flat form for the rest."""
        title = _TITLES.get(status)
        if title is None:
            return super().error(status, message)
        if status == 429:
            return {"status": 429, "title": title}  # no word of how long
        if status == 410:
            return {"type": "about:blank", "title": title, "status": 410, "detail": message}
        return {"status": status, "title": title, "detail": message}

    def no_such_path(self, path: str) -> Refusal | None:
        """A plain text."""
        del path
        return Raw((b"404 page not found\n",), 404, {"content-type": "text/plain; charset=utf-8"})

    def headers(self, request: Mapping[str, str], number: int) -> dict[str, str]:
        """The gateway's own number of the request."""
        return {
            **super().headers(request, number),
            "nvcf-reqid": as_uuid(number),
            "nvcf-status": "fulfilled",
        }

    def measures(self, counts: object) -> str | None:
        """None: these are nobody else's."""
        del counts
        return None

    def read(self, path: str, window: int) -> JsonValue:
        """The list of models, which still has those that have ended."""
        del window
        if path != "/v1/models":
            return None
        entries: list[JsonValue] = [
            {"id": name, "object": "model", "created": 1_735_790_000, "owned_by": "deepseek-ai"}
            for name in (*_LIVE, *_ENDED, *(_LIVE[:1] if self._lists_twice else ()))
        ]
        return {"object": "list", "data": entries}


FLAVOR = NvidiaFlavor()
