"""`DeepSeekV4AgentsModel`: a model of OpenAI Agents on an async client of the SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from agents import AgentOutputSchemaBase, Handoff, ModelSettings, Tool, generation_span
from agents.items import ModelResponse, TResponseInputItem, TResponseStreamEvent
from agents.models.interface import Model, ModelProvider, ModelTracing
from agents.tracing import GenerationSpanData, Span
from openai.types.responses.response_prompt_param import ResponsePromptParam

from deepseek_v4_sdk import AsyncDeepSeekV4, Finished, InvalidRequestError, Reply
from deepseek_v4_sdk.integrations.common import OnRecovered, check_recovered, must_be_async
from deepseek_v4_sdk.integrations.forced import open_chat
from deepseek_v4_sdk.integrations.openai_agents.errors import raised_as_agents
from deepseek_v4_sdk.integrations.openai_agents.events import EventMaker
from deepseek_v4_sdk.integrations.openai_agents.items import output_items, to_sdk, usage_of
from deepseek_v4_sdk.integrations.openai_agents.request import (
    instructions_with,
    read_options,
    read_output,
    read_tools,
)

__all__ = ["DeepSeekV4AgentsModel", "DeepSeekV4ModelProvider"]


class DeepSeekV4AgentsModel(Model):
    """DeepSeek-V4 as a model of OpenAI Agents.

    ```python
    agent = Agent("Helper", model=DeepSeekV4AgentsModel(client=AsyncDeepSeekV4("vllm", base_url="http://localhost:8000")))
    ```

    The level of an agent is `ModelSettings(reasoning=Reasoning(effort=...))`, or
    `ModelSettings(extra_args={"thinking": "max"})`; all options of a chat may be in `extra_args`. Reasoning is in
    reasoning items, and goes back to the server with the history. Each error is of the SDK's class and of the
    framework's.

    Args:
        client: The client. The caller closes it.
        model: The model's name at the provider; None for the client's own.
        on_recovered: The action for a call that was read from markup that no server takes for a call: "auto" raises
            `LostToolCallError`, "run" passes it on.

    Raises:
        ConfigurationError: The client is not an async one.
    """

    def __init__(
        self, *, client: AsyncDeepSeekV4, model: str | None = None, on_recovered: OnRecovered = "auto"
    ) -> None:
        self._client = must_be_async(client, "DeepSeekV4AgentsModel")
        self._named = model
        self._on_recovered: OnRecovered = on_recovered

    @property
    def model(self) -> str:
        """The model of the requests."""
        return self._named or self._client.model or "deepseek-v4"

    async def get_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],  # noqa: A002  # the framework's word
        model_settings: ModelSettings,
        tools: list[Tool],
        output_schema: AgentOutputSchemaBase | None,
        handoffs: list[Handoff[Any, Any]],
        tracing: ModelTracing,
        *,
        previous_response_id: str | None = None,
        conversation_id: str | None = None,
        prompt: ResponsePromptParam | None = None,
    ) -> ModelResponse:
        """Ask, and wait for the whole answer.

        Raises:
            ModelBehaviorError: The answer is not whole.
            UserError: Something is wrong with the request; nothing was sent.
            AgentsException: The server refused the request, or there was no connection.
        """
        _refuse_kept_state(previous_response_id, conversation_id, prompt)
        with raised_as_agents(), self._span(tracing) as span:
            history, options = self._request(system_instructions, input, model_settings, tools, output_schema, handoffs)
            async with open_chat(self._client.stream, history, options) as stream:
                reply = await stream.reply()
            check_recovered(reply.tool_calls, self._on_recovered, reply)
            _note(span, reply, tracing)
            return ModelResponse(output_items(reply), usage_of(reply.usage), None, request_id=reply.request_id)

    async def stream_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],  # noqa: A002  # the framework's word
        model_settings: ModelSettings,
        tools: list[Tool],
        output_schema: AgentOutputSchemaBase | None,
        handoffs: list[Handoff[Any, Any]],
        tracing: ModelTracing,
        *,
        previous_response_id: str | None = None,
        conversation_id: str | None = None,
        prompt: ResponsePromptParam | None = None,
    ) -> AsyncIterator[TResponseStreamEvent]:
        """Ask, and take the answer as it arrives.

        Raises:
            ModelBehaviorError: The answer broke off, or is not whole.
            UserError: Something is wrong with the request; nothing was sent.
            AgentsException: The server refused the request, or there was no connection.
        """
        _refuse_kept_state(previous_response_id, conversation_id, prompt)
        with raised_as_agents(), self._span(tracing) as span:
            history, options = self._request(system_instructions, input, model_settings, tools, output_schema, handoffs)
            if "restart" in (options.get("on_interrupt") or ()):
                raise InvalidRequestError(
                    "on_interrupt='restart' restarts a broken answer, and the framework cannot take back the events "
                    "that it has: run without streaming, or leave on_interrupt out"
                )
            maker = EventMaker(self.model, self._on_recovered)
            async with open_chat(self._client.stream, history, options) as stream:
                yield maker.begin()
                async for event in stream:
                    if isinstance(event, Finished):
                        _note(span, event.reply, tracing)
                    for response_event in maker.events(event, stream.partial):
                        yield response_event

    def _request(
        self,
        system: str | None,
        items: str | list[TResponseInputItem],
        settings: ModelSettings,
        tools: list[Tool],
        output: AgentOutputSchemaBase | None,
        handoffs: list[Handoff[Any, Any]],
    ) -> tuple[list[dict[str, object]], dict[str, Any]]:
        """The messages, and the options of the chat."""
        options = read_options(settings)
        offered = read_tools(tools, handoffs)
        if offered:
            options["tools"] = offered
        else:
            options.pop("tool_choice", None)
            options.pop("parallel_tool_calls", None)
        response_format, text = read_output(output, self._client.provider_data, offers=bool(offered))
        if response_format is not None:
            options["response_format"] = response_format
        if self._named is not None:
            options.setdefault("model", self._named)
        return to_sdk(items, instructions_with(system, text)), options

    def _span(self, tracing: ModelTracing) -> Span[GenerationSpanData]:
        where = {"base_url": self._client.base_url, "provider": self._client.provider}
        return generation_span(model=self.model, model_config=where, disabled=tracing.is_disabled())


class DeepSeekV4ModelProvider(ModelProvider):
    """A provider of such models, for `RunConfig(model_provider=...)`: an agent's model is then a name at the server.

    Args:
        client: The client. The caller closes it.
        on_recovered: As for `DeepSeekV4AgentsModel`.
    """

    def __init__(self, *, client: AsyncDeepSeekV4, on_recovered: OnRecovered = "auto") -> None:
        self._client = must_be_async(client, "DeepSeekV4ModelProvider")
        self._on_recovered: OnRecovered = on_recovered

    def get_model(self, model_name: str | None) -> Model:
        """The model of that name; None for the client's own."""
        return DeepSeekV4AgentsModel(client=self._client, model=model_name, on_recovered=self._on_recovered)


def _refuse_kept_state(previous: str | None, conversation: str | None, prompt: object) -> None:
    if previous is not None or conversation is not None or prompt is not None:
        with raised_as_agents():
            raise InvalidRequestError(
                "previous_response_id, conversation_id and prompt name what OpenAI's servers keep: send the history"
            )


def _note(span: Span[GenerationSpanData], reply: Reply, tracing: ModelTracing) -> None:
    used = usage_of(reply.usage)
    span.span_data.usage = {"input_tokens": used.input_tokens, "output_tokens": used.output_tokens}
    if tracing.include_data():
        span.span_data.output = [dict(reply.message.to_dict())]
