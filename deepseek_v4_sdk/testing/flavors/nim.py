"""The wire of a NIM container from the server's side: an engine's own, and NVIDIA's management routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from deepseek_v4_sdk.chat import JsonValue
from deepseek_v4_sdk.testing.flavors.base import Flavor, Refusal, refusal, same_key
from deepseek_v4_sdk.testing.flavors.nim_1 import OlderNim
from deepseek_v4_sdk.testing.flavors.served import KNOWN, ServedNames
from deepseek_v4_sdk.testing.flavors.sglang import SGLangFlavor
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from deepseek_v4_sdk.testing.script import Error

__all__ = ["NimFlavor"]

_MODEL = "deepseek-ai/deepseek-v4-pro-0813"


class _SGLang(SGLangFlavor):
    """SGLang in a container that insists on the names of its model, which SGLang itself does not."""

    def __init__(self, models: Sequence[str] | None) -> None:
        super().__init__()
        self._names = ServedNames(models)
        self.takes_known = self._names.takes_known

    def refuse(self, body: dict[str, JsonValue], window: int) -> Refusal | None:
        """As SGLang, and names that the container does not serve."""
        found = super().refuse(body, window)
        wrong = self._names.refused(body)
        if found is not None or wrong is None:
            return found
        known = ", ".join(self._names.deciding(body))
        detail = f"The model `{wrong}` does not exist. Valid aliases: {known}."
        return refusal(
            404, {"object": "error", "message": detail, "type": "NotFoundError", "param": "model", "code": 404}
        )


class NimFlavor(Flavor):
    """A container.

    Args:
        engine: The engine inside, a name or a flavor. The V4-Pro-0813 image has SGLang. "1.x" is an older
            container: it refuses unknown fields, and reads `nvext`.
        models: Its `NIM_SERVED_MODEL_NAME`: the names it serves and lists. It refuses others. Without it every alias
            and published id of V4 is served and another name refused, as a mistake; None takes any name. A flavor as
            the engine decides itself about names.
        api_key: A key that a proxy in front of it wants; by default nobody asks for one.
        ready: Whether the model is loaded. Until then `/v1/health/ready` is 503, and the proxy answers 502 to all else.
        adapter: The name of a LoRA adapter that it also lists.
    """

    name = "nim"

    def __init__(
        self,
        engine: Literal["vllm", "sglang", "1.x"] | Flavor = "sglang",
        *,
        models: Sequence[str] | None = KNOWN,
        api_key: str | None = None,
        ready: bool = True,
        adapter: str | None = None,
    ) -> None:
        self._models = ServedNames(models).names or (_MODEL,)
        served = models if models is None or adapter is None else [*models, adapter]
        self._engine = _engine(engine, served) if isinstance(engine, str) else engine
        self.takes_known = self._engine.takes_known
        self._api_key = api_key
        self._ready = ready
        self._adapter = adapter

    @property
    def engine(self) -> Flavor:
        """The engine inside."""
        return self._engine

    def admit(self, path: str, headers: Mapping[str, str]) -> Refusal | None:
        """By default it needs no key; before the model is loaded it answers only the health route."""
        if path == "/v1/health/live":
            return None
        if not self._ready:
            return Error(503, "Service is not ready.") if path == "/v1/health/ready" else Error(502, "Bad Gateway")
        return None if same_key(headers, self._api_key) else Error(401, "Unauthorized")

    def read(self, path: str, window: int) -> JsonValue:
        """Management routes, and the engine's list of models."""
        words = {"/v1/health/live": "Service is live.", "/v1/health/ready": "Service is ready."}
        if path in words:
            return {"object": "health.response", "message": words[path]}
        if path == "/v1/models":
            names = [*self._models, *([self._adapter] if self._adapter else [])]
            return {"object": "list", "data": [self._card(name, window) for name in names]}
        short = _MODEL.partition("/")[2]
        license_info: dict[str, JsonValue] = {"name": "LICENSE", "path": "/opt/nim/LICENSE", "sha": "0" * 40}
        pages: dict[str, JsonValue] = {
            "/v1/version": {"release": "2.1.5", "api": "2.1.5"},
            "/v1/license": {**license_info, "size": 0, "url": "", "type": "file", "content": ""},
            "/v1/manifest": {
                "manifest_file": "/opt/nim/etc/default/model_manifest.yaml",
                "repository": f"ngc://{short}",
            },
            "/v1/metadata": {
                "version": "2.1.5",
                "modelInfo": [{"shortName": f"{short}:hf-mock", "modelUrl": f"ngc://nim/{short}"}],
                "assetInfo": [],
                "licenseInfo": license_info,
                "repository_override": "",
                "selectedModelProfileId": "0" * 64,
            },
        }
        return pages.get(path)

    def _card(self, name: str, window: int) -> JsonValue:
        return {
            "id": name,
            "object": "model",
            "created": 1_780_000_000,
            "owned_by": self._engine.name,
            "root": _MODEL,
            "parent": None if name in self._models else self._models[0],
            "max_model_len": window,
        }


def _engine(name: str, models: Sequence[str] | None) -> Flavor:
    if name == "sglang":
        return _SGLang(models)
    return VLLMFlavor(models=models) if name == "vllm" else OlderNim(version="0.24.0", models=models)


FLAVOR = NimFlavor()
