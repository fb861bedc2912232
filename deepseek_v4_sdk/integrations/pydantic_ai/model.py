"""`DeepSeekV4Model`: pydantic-ai's model on an async client of the SDK."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, ClassVar, cast

from pydantic_ai import RunContext
from pydantic_ai.exceptions import UserError
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse, check_allow_model_requests
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.settings import ModelSettingName, ModelSettings, ToolOrOutput
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.usage import RequestUsage

from deepseek_v4_sdk import AsyncDeepSeekV4, ChatOptions, InvalidRequestError, Thinking, Timeouts
from deepseek_v4_sdk.chat.openai_form import thinking_of_effort
from deepseek_v4_sdk.integrations.common import OnRecovered, check_recovered, must_be_async
from deepseek_v4_sdk.integrations.forced import open_chat
from deepseek_v4_sdk.integrations.pydantic_ai.errors import raised_as_pydantic_ai
from deepseek_v4_sdk.integrations.pydantic_ai.messages import PROVIDER, response, to_sdk
from deepseek_v4_sdk.integrations.pydantic_ai.stream import DeepSeekV4StreamedResponse

__all__ = ["DeepSeekV4Model", "DeepSeekV4ModelSettings"]

# Settings of pydantic-ai that are options of a chat under another name, or under the same.
_SAME = (
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "parallel_tool_calls",
    "extra_body",
    "extra_headers",
)


class DeepSeekV4ModelSettings(ModelSettings, total=False):
    """Settings of pydantic-ai, and the options that only this SDK has.

    Attributes:
        deepseek_v4_options: Options of a chat by their own names, such as `min_p`, `priority` or `overflow`.
    """

    deepseek_v4_options: ChatOptions


class DeepSeekV4Model(Model[AsyncDeepSeekV4]):
    """DeepSeek-V4 as a model of pydantic-ai.

    ```python
    agent = Agent(DeepSeekV4Model(client=AsyncDeepSeekV4("vllm", base_url="http://localhost:8000")))
    ```

    The setting `thinking` has every level: `False`, `True`, "minimal" to "xhigh", and "max". Reasoning is in thinking
    parts, and goes back to the server with the history. Each error is of the SDK's class and of pydantic-ai's.

    Args:
        client: The client. The caller closes it.
        model: The model's name at the provider; None for the client's own.
        settings: Settings of every request.
        profile: Changes of the profile, such as `context_window`.
        on_recovered: The action for a call that was read from markup that no server takes for a call: "auto" raises
            `LostToolCallError`, "run" passes it on.

    Raises:
        ConfigurationError: The client is not an async one.
    """

    unsupported_settings: ClassVar[frozenset[ModelSettingName]] = frozenset({"service_tier", "citations"})

    def __init__(
        self,
        *,
        client: AsyncDeepSeekV4,
        model: str | None = None,
        settings: ModelSettings | None = None,
        profile: ModelProfile | None = None,
        on_recovered: OnRecovered = "auto",
    ) -> None:
        self._client = must_be_async(client, "DeepSeekV4Model")
        self._named = model
        self._on_recovered: OnRecovered = on_recovered
        super().__init__(settings=settings, profile={**self._own_profile(), **(profile or {})})

    @property
    def client(self) -> AsyncDeepSeekV4:
        """The client."""
        return self._client

    @property
    def model_name(self) -> str:
        """The model of the requests."""
        return self._named or self._client.model or "deepseek-v4"

    @property
    def system(self) -> str:
        """The name in traces."""
        return PROVIDER

    @property
    def base_url(self) -> str:
        """The server's address."""
        return self._client.base_url

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Ask, and wait for the whole answer.

        Raises:
            ModelAPIError: The server refused the request, or there was no connection; of the category, with status and
                `retry_after`.
            UnexpectedModelBehavior: The answer is not whole, such as `IncompleteToolCall`.
            UserError: Something is wrong with the request; nothing was sent.
        """
        check_allow_model_requests()
        with raised_as_pydantic_ai(self.model_name):
            prompt, options = self._request(messages, model_settings, model_request_parameters)
            async with open_chat(self._client_of(model_settings).stream, prompt, options) as stream:
                reply = await stream.reply()
            check_recovered(reply.tool_calls, self._on_recovered, reply)
            return response(reply, self.base_url)

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """Ask, and take the answer as it arrives.

        Raises:
            ModelAPIError: The server refused the request, or there was no connection.
            UserError: Something is wrong with the request; nothing was sent.
        """
        del run_context
        check_allow_model_requests()
        with raised_as_pydantic_ai(self.model_name):
            prompt, options = self._request(messages, model_settings, model_request_parameters)
            if "restart" in (options.get("on_interrupt") or ()):
                raise InvalidRequestError(
                    "on_interrupt='restart' restarts a broken answer, and pydantic-ai cannot take back the parts that "
                    "it has: run without streaming, or leave on_interrupt out"
                )
            async with open_chat(self._client_of(model_settings).stream, prompt, options) as stream:
                yield DeepSeekV4StreamedResponse(
                    model_request_parameters, stream, self.model_name, self.base_url, self._on_recovered
                )

    async def count_tokens(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> RequestUsage:
        """The tokens of the prompt, rendered and counted here as the server does. Nothing is sent."""
        with raised_as_pydantic_ai(self.model_name):
            prompt, options = self._request(messages, model_settings, model_request_parameters)
            names = ("tools", "thinking", "tool_choice", "response_format", "model")
            given = {name: options[name] for name in names if name in options}
            counted = await self._client.count_tokens(prompt, **given)
        return RequestUsage(input_tokens=counted.total)

    def _own_profile(self) -> ModelProfile:
        client = self._client if self._named is None else self._client.with_options(model=self._named)
        renderer, window = client.provider_data.renderer, client.context_window
        known: ModelProfile = {} if window is None else {"context_window": window}
        return {
            **known,
            "supports_tools": True,
            "supports_thinking": True,
            "supports_json_schema_output": renderer.holds_schema,
            "supports_json_object_output": True,
            # vLLM holds the answer to a schema, and does not show it to the model.
            "native_output_requires_schema_in_instructions": not renderer.shows_format,
            "default_structured_output_mode": "tool",
            "thinking_enabled_by_default": True,
            "supports_forced_tool_choice": True,
        }

    def _client_of(self, given: ModelSettings | None) -> AsyncDeepSeekV4:
        """The client, with the number of retries that the settings name."""
        retries = {**(self.settings or {}), **(given or {})}.get("max_retries")
        return self._client if retries is None else self._client.with_options(max_retries=cast("int", retries))

    def _request(
        self, messages: list[ModelMessage], given: ModelSettings | None, parameters: ModelRequestParameters
    ) -> tuple[list[dict[str, object]], dict[str, Any]]:
        """The messages, and the options of the chat."""
        settings, parameters = self.prepare_request(given, parameters)
        history = self.prepare_messages(messages, parameters)
        instructions = self._get_instruction_parts(messages, parameters) or []
        if parameters.native_tools:
            raise InvalidRequestError("V4's servers have no native tools: give functions")
        prompt = to_sdk(history, [part.content for part in instructions if part.content])
        options: dict[str, Any] = {**_options(settings or {}), **_tools(settings or {}, parameters)}
        if self._named is not None:
            options["model"] = self._named
        if (level := _level(parameters.thinking)) is not None:
            options["thinking"] = level
        if (response_format := _response_format(parameters)) is not None:
            options["response_format"] = response_format
        return prompt, {name: value for name, value in options.items() if value is not None}


def _level(thinking: object) -> Thinking | None:
    if thinking is None:
        return None
    if isinstance(thinking, bool):
        return "high" if thinking else "off"
    return thinking_of_effort(thinking)


def _options(settings: ModelSettings) -> dict[str, Any]:
    if settings.get("logit_bias"):
        raise InvalidRequestError("logit_bias is not an option of every server: give it in extra_body")
    read: dict[str, Any] = {name: settings.get(name) for name in _SAME}
    read["stop"] = settings.get("stop_sequences") or None
    if (timeout := settings.get("timeout")) is not None:
        read["timeout"] = timeout if isinstance(timeout, int | float) else _timeouts(timeout)
    own: Any = settings.get("deepseek_v4_options") or {}
    return {**read, **own}


def _timeouts(timeout: Any) -> Timeouts:
    """A timeout of httpx's shape."""
    return Timeouts(connect=timeout.connect, idle=timeout.read)


def _tools(settings: ModelSettings, parameters: ModelRequestParameters) -> dict[str, Any]:
    """The tools that are offered, and whether one must be called."""
    functions, outputs = parameters.declared_function_tools, parameters.output_tools
    choice = settings.get("tool_choice")
    must = not parameters.allow_text_output
    if choice == "none" or choice == []:
        functions, must = [], must and bool(outputs)
    elif choice == "required":
        if not functions:
            raise UserError("tool_choice is 'required', and there is no function tool")
        outputs, must = [], True
    elif isinstance(choice, ToolOrOutput):
        functions = _named(functions, choice.function_tools)
    elif isinstance(choice, list):
        known = [*functions, *outputs]
        functions, outputs, must = _named(known, choice), [], True
    offered = [*functions, *outputs]
    if not offered:
        return {}
    tools = [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description or "",
                "parameters": tool.parameters_json_schema,
                **({} if tool.strict is None else {"strict": tool.strict}),
            },
        }
        for tool in offered
    ]
    return {"tools": tools, **({"tool_choice": "required"} if must else {})}


def _named(tools: list[ToolDefinition], names: list[str]) -> list[ToolDefinition]:
    unknown = sorted({*names} - {tool.name for tool in tools})
    if unknown:
        raise UserError(f"tool_choice names {', '.join(unknown)}: there is no such tool")
    return [tool for tool in tools if tool.name in names]


def _response_format(parameters: ModelRequestParameters) -> dict[str, Any] | None:
    """Return the option that makes the server enforce a shape; None with tools, which a grammar would forbid."""
    output = parameters.output_object
    if output is None or parameters.function_tools:
        return None
    if parameters.output_mode == "native":
        schema: dict[str, Any] = {"name": output.name or "answer", "schema": output.json_schema}
        if output.strict is not None:
            schema["strict"] = output.strict
        return {"type": "json_schema", "json_schema": schema}
    return {"type": "json_object"} if parameters.output_mode == "prompted" else None
