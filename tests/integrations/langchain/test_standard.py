"""LangChain's standard suites, over the mock of three servers."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from deepseek_v4_sdk.integrations.langchain import ChatDeepSeekV4
from tests.integrations.model import MODELS, model


class UnitSuite(ChatModelUnitTests):
    flavor = "vllm"

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatDeepSeekV4

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"client": model(self.flavor)}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        address = {"provider": "vllm", "base_url": "http://localhost:8000"}
        return {"VLLM_API_KEY": "a-key"}, address, address


class IntegrationSuite(ChatModelIntegrationTests):
    flavor = "vllm"

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatDeepSeekV4

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"client": model(self.flavor)}

    @property
    def standard_chat_model_params(self) -> dict[str, Any]:
        return {**super().standard_chat_model_params, "max_tokens": 1000}

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str | None:
        return MODELS[self.flavor]

    @property
    def supported_usage_metadata_details(self) -> Any:
        return {"invoke": ["reasoning_output", "cache_read_input"], "stream": ["reasoning_output", "cache_read_input"]}

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return self._invoked("Think about two numbers", stream=stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        return self._invoked("The same long text again. " * 400, stream=stream)

    def _invoked(self, text: str, *, stream: bool) -> AIMessage:
        chat = self.chat_model_class(**self.standard_chat_model_params, **self.chat_model_params)
        chat.invoke(text)
        if not stream:
            answer: Any = chat.invoke(text)
            return answer
        whole: Any = None
        for chunk in chat.stream(text):
            whole = chunk if whole is None else whole + chunk
        return whole


class TestUnitVLLM(UnitSuite):
    flavor = "vllm"


class TestUnitSGLang(UnitSuite):
    flavor = "sglang"


class TestUnitDeepSeek(UnitSuite):
    flavor = "deepseek"


class TestVLLM(IntegrationSuite):
    flavor = "vllm"


class TestSGLang(IntegrationSuite):
    flavor = "sglang"


class TestDeepSeek(IntegrationSuite):
    flavor = "deepseek"
