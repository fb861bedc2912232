"""The wire of build.nvidia.com from the server's side: problem JSON of the gateway in front of Dynamo's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.testing.flavors.dynamo import DynamoFlavor
from deepseek_v4_sdk.testing.script import Error, Raw

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue

__all__ = ["FLAVOR", "NvidiaFlavor"]

_LIVE = ("deepseek-ai/deepseek-v4-pro-0813", "deepseek-ai/deepseek-v4-flash-0731")
_ENDED = ("deepseek-ai/deepseek-v4-pro", "deepseek-ai/deepseek-v4-flash")
_TITLES = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 410: "Gone", 429: "Too Many Requests"}


class NvidiaFlavor(DynamoFlavor):
    """Hosted models: named ones, some of which have ended."""

    name = "nvidia"
    keys = DynamoFlavor.keys - {"thinking", "prompt_cache_key"}
    served = _LIVE[0]

    def thinking(self, body: dict[str, JsonValue]) -> str:
        """Thinking is off unless it is switched on."""
        given = body.get("chat_template_kwargs")
        kwargs = given if isinstance(given, dict) else {}
        asked = kwargs.get("thinking") is True or body.get("reasoning_effort") in {"high", "max"}
        return super().thinking(body) if asked else "off"

    def refuse(self, body: dict[str, JsonValue]) -> Error | Raw | None:
        """Ended models are 410, unknown ones plain text, unknown keys 400."""
        model = body.get("model")
        if model in _ENDED:
            detail = (
                f"The model '{model}' has reached its end of life on 2026-08-07T09:00:00Z and is no longer available."
            )
            return Error(410, detail)
        if model not in _LIVE:
            return Raw((b"404 page not found\n",), 404, {"content-type": "text/plain; charset=utf-8"})
        return super().refuse(body)

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

    def read(self, path: str, window: int) -> JsonValue:
        """The list of models, which still has those that have ended."""
        del window
        if path != "/v1/models":
            return None
        entries: list[JsonValue] = [
            {"id": name, "object": "model", "created": 1_735_790_000, "owned_by": "deepseek-ai"}
            for name in (*_LIVE, *_ENDED)
        ]
        return {"object": "list", "data": entries}


FLAVOR = NvidiaFlavor()
