"""`ChatDeepSeekV4`: LangChain's chat model on a client of the SDK."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput, ModelProfile
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, create_model, model_validator

from deepseek_v4_sdk import (
    AsyncDeepSeekV4,
    ChatOptions,
    DeepSeekV4,
    InvalidRequestError,
    Reply,
    SchemaViolationError,
    Thinking,
    count_text,
)
from deepseek_v4_sdk.chat.openai_form import thinking_of_effort
from deepseek_v4_sdk.integrations.common import OnRecovered, check_recovered
from deepseek_v4_sdk.integrations.forced import open_chat
from deepseek_v4_sdk.integrations.langchain import structured
from deepseek_v4_sdk.integrations.langchain.chunks import ChunkMaker, whole_chunk
from deepseek_v4_sdk.integrations.langchain.errors import raised_as_langchain
from deepseek_v4_sdk.integrations.langchain.messages import ai_message, to_sdk
from deepseek_v4_sdk.integrations.langchain.profile import profile_of
from deepseek_v4_sdk.integrations.langchain.request import OPTIONS, chat_options, read_tools

if TYPE_CHECKING:
    from typing import Unpack

    _WithOptions = BaseChatModel
else:
    # Each option of a chat is a field. The client checks their values before it sends anything.
    _SECRET = {"extra_headers", "extra_body"}
    _WithOptions = create_model(
        "_WithOptions",
        __base__=BaseChatModel,
        **{name: (Any, Field(default=None, exclude=name in _SECRET, repr=name not in _SECRET)) for name in OPTIONS},
    )

__all__ = ["ChatDeepSeekV4"]

_SHAPE = "answer_shape"


class ChatDeepSeekV4(_WithOptions):
    """DeepSeek-V4 as a LangChain chat model, for chains, LangGraph and Deep Agents.

    ```python
    model = ChatDeepSeekV4(client=DeepSeekV4("vllm", base_url="http://localhost:8000"), thinking="max")
    ```

    Reasoning is in `message.additional_kwargs["reasoning_content"]` and in `message.content_blocks`, and goes back to
    the server with the history. Each error is of the SDK's class and of LangChain's. There is one retry layer, that of
    the client.

    Attributes:
        client: The client, sync or async; its twin is used where LangChain needs the other form. The caller closes it.
        provider: In place of `client`: the provider that one is made for, with `base_url` and `api_key`.
        base_url: The server's address, as for `DeepSeekV4`.
        api_key: The key, as for `DeepSeekV4`.
        model: The model's name at the provider; None for the client's own.
        thinking: "off", "low", "high" or "max"; None for the client's own.
        max_retries: Number of HTTP requests that may follow the first of a call; None for the client's own.
        streaming: Whether `invoke` streams inside LangChain too, so that its handlers see each token.
        owns_client: Whether `close` and `aclose` close the client that was given.
        on_recovered: The action for a call that was read from markup that no server takes for a call: "auto" raises
            `LostToolCallError`, "run" passes it on.

    Every option of a chat is a field too: `max_tokens`, `temperature`, `top_p`, `stop`, `timeout`, `extra_body` and the
    others of `ChatOptions`, but for `metadata`, which is LangChain's word for its traces. An unknown argument is an
    error.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True, arbitrary_types_allowed=True)

    client: DeepSeekV4 | AsyncDeepSeekV4 | None = Field(default=None, exclude=True, repr=False)
    provider: str | None = None
    base_url: str | None = None
    api_key: SecretStr | None = Field(default=None, exclude=True, repr=False)
    model: str | None = Field(default=None, alias="model_name")
    thinking: Thinking | None = None
    reasoning_effort: str | None = Field(default=None, exclude=True, repr=False)
    max_retries: int | None = None
    streaming: bool = False
    on_recovered: OnRecovered = "auto"
    owns_client: bool = Field(default=False, exclude=True, repr=False)

    _used: DeepSeekV4 | AsyncDeepSeekV4 = PrivateAttr()
    _owned: bool = PrivateAttr(default=False)

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            client: DeepSeekV4 | AsyncDeepSeekV4 | None = None,
            provider: str | None = None,
            base_url: str | None = None,
            api_key: SecretStr | str | None = None,
            max_retries: int | None = None,
            reasoning_effort: str | None = None,
            streaming: bool = False,
            on_recovered: OnRecovered = "auto",
            owns_client: bool = False,
            profile: ModelProfile | None = None,
            output_version: str | None = None,
            disable_streaming: bool | str = False,
            **options: Unpack[ChatOptions],
        ) -> None: ...

    @classmethod
    def from_profile(
        cls, name: str | None = None, *, path: str | os.PathLike[str] | None = None, **options: object
    ) -> Self:
        """Make a model from a profile in a TOML file, as `DeepSeekV4.from_profile` does.

        Args:
            name: The profile; None for the default one.
            path: The file; None for the one that is found.
            options: Fields of the model that win over the profile's.

        Raises:
            ConfigurationError: The file or the profile is missing or wrong, or needs trust.
        """
        given = cast("dict[str, Any]", options)
        return cls(client=DeepSeekV4.from_profile(name, path=path), owns_client=True, **given)

    @model_validator(mode="after")
    def _connect(self) -> Self:
        if self.reasoning_effort is not None:
            if self.thinking is not None:
                raise ValueError("thinking and reasoning_effort are both given: give thinking only")
            self.thinking, self.reasoning_effort = thinking_of_effort(self.reasoning_effort), None
        changes: dict[str, Any] = {}
        if self.max_retries is not None:
            changes["max_retries"] = self.max_retries
        if self.api_key is not None:
            changes["api_key"] = self.api_key
        if self.client is not None:
            if self.provider is not None or self.base_url is not None:
                raise ValueError("client and provider or base_url are both given: the client knows its server")
            client = self.client.with_options(**changes) if changes else self.client
            self._used, self._owned = client, self.owns_client
        elif self.provider is not None:
            self._used, self._owned = DeepSeekV4(self.provider, base_url=self.base_url, **changes), True
        else:
            raise ValueError("client is missing: give client=DeepSeekV4(...), or provider='vllm' and its base_url")
        self.model = self.model or self._used.model  # for traces and for Deep Agents, which look for a name
        if self.profile is None:
            self.profile = self._resolve_model_profile()
        return self

    def close(self) -> None:
        """Close the connections of a client that this model made or owns; those of an async one need `aclose`."""
        if self._owned and isinstance(self._used, DeepSeekV4):
            self._used.close()

    async def aclose(self) -> None:
        """Close the connections of a client that this model made or owns."""
        self.close()
        if self._owned and isinstance(self._used, AsyncDeepSeekV4):
            await self._used.aclose()

    @property
    def _llm_type(self) -> str:
        return "deepseek-v4"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        given = self._used
        return {"model": self.model, "provider": given.provider, "base_url": given.base_url, **self._fields(shown=True)}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = "deepseek_v4"
        return params

    def _resolve_model_profile(self) -> ModelProfile | None:
        if getattr(self, "_used", None) is None:  # LangChain calls this before `_connect`, which calls it again
            return None
        client = self._used if self.model == self._used.model else self._used.with_options(model=self.model)
        return profile_of(client, self.model)

    def get_num_tokens(self, text: str) -> int:
        """The number of tokens of a text, counted with V4's own vocabulary."""
        return count_text(text)

    def get_num_tokens_from_messages(
        self,
        messages: list[BaseMessage],
        tools: Sequence[dict[str, object] | type | Callable[..., object] | BaseTool] | None = None,
    ) -> int:
        """The number of tokens of the prompt of these messages, rendered and counted as the server does."""
        with raised_as_langchain():
            specs = read_tools(tools, None) if tools else None
            client = self._used.as_sync()
            return client.count_tokens(to_sdk(messages), specs, thinking=self.thinking, model=self.model).total

    def bind_tools(
        self,
        tools: Sequence[dict[str, object] | type | Callable[..., object] | BaseTool],
        *,
        tool_choice: dict[str, object] | str | bool | None = None,
        strict: bool | None = None,
        **kwargs: object,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """A model that may call tools.

        Args:
            tools: Functions, tools, pydantic models, or OpenAI's mappings.
            tool_choice: "auto", "none", "any", "required", True, or the name of a tool. Where the server forces
                no calls while it thinks, the prompt instructs the model to call.
            strict: Whether the server holds arguments to the schemas.
            kwargs: Options of a chat, such as `parallel_tool_calls` and `response_format`.
        """
        if tool_choice is not None and tool_choice is not False:
            kwargs["tool_choice"] = tool_choice
        return self.bind(tools=read_tools(tools, strict), **kwargs)

    def with_structured_output(
        self,
        schema: dict[str, object] | type | None = None,
        *,
        include_raw: bool = False,
        method: structured.StructuredMethod = "auto",
        strict: bool | None = None,
        retries: int = 0,
        **kwargs: object,
    ) -> Runnable[LanguageModelInput, Any]:
        """A chain whose answers are values of a schema. The model may think, and the values are checked here.

        Args:
            schema: A pydantic model, a `TypedDict`, a dataclass, or a JSON Schema; None only for "json_mode".
            include_raw: Whether it gives a dict with `raw`, `parsed` and `parsing_error`.
            method: "json_schema" makes the server enforce the schema, or puts it into the prompt where it cannot;
                "function_calling" answers through a tool; "json_mode" makes the server enforce some JSON object; "auto"
                takes the first one that the server has.
            strict: Taken for the sake of other models: answers are always held as strictly as the server can.
            retries: Number of further requests that may follow a wrong answer; each has the error in its prompt.
            kwargs: Options of a chat.

        Raises:
            InvalidRequestError: The method does not exist, or there is no schema.
        """
        del strict
        with raised_as_langchain():
            shape = structured.read_shape(schema, method, retries)
        ls_format = {"kwargs": {"method": method}, "schema": schema}
        bound = self.bind(**{_SHAPE: shape}, ls_structured_output_format=ls_format, **kwargs)
        return structured.structured_chain(bound, include_raw=include_raw)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        del run_manager
        with raised_as_langchain():
            shape, prompt, options = self._request(messages, stop, kwargs)
            client = self._used.as_sync()
            if shape is not None:
                try:
                    parsed = client.parse(prompt, shape.schema, **self._parsing(shape), **options)
                    return _result(structured.parsed_message(parsed, shape))
                except SchemaViolationError as error:
                    return _result(structured.failed_message(error))
            with open_chat(client.stream, prompt, options) as stream:
                return _result(self._whole(stream.reply()))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        del run_manager
        with raised_as_langchain():
            shape, prompt, options = self._request(messages, stop, kwargs)
            client = self._used.as_async()
            if shape is not None:
                try:
                    parsed = await client.parse(prompt, shape.schema, **self._parsing(shape), **options)
                    return _result(structured.parsed_message(parsed, shape))
                except SchemaViolationError as error:
                    return _result(structured.failed_message(error))
            async with open_chat(client.stream, prompt, options) as stream:
                return _result(self._whole(await stream.reply()))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        with raised_as_langchain():
            shape, prompt, options = self._request(messages, stop, kwargs)
            if shape is not None:
                result = self._generate(messages, stop, run_manager, **kwargs)
                yield whole_chunk(cast("AIMessage", result.generations[0].message))
                return
            _refuse_restart(options)
            maker = ChunkMaker(self.on_recovered)
            with open_chat(self._used.as_sync().stream, prompt, options) as stream:
                for event in stream:
                    if (chunk := maker.chunk(event, stream.partial)) is not None:
                        yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        with raised_as_langchain():
            shape, prompt, options = self._request(messages, stop, kwargs)
            if shape is not None:
                result = await self._agenerate(messages, stop, run_manager, **kwargs)
                yield whole_chunk(cast("AIMessage", result.generations[0].message))
                return
            _refuse_restart(options)
            maker = ChunkMaker(self.on_recovered)
            async with open_chat(self._used.as_async().stream, prompt, options) as stream:
                async for event in stream:
                    if (chunk := maker.chunk(event, stream.partial)) is not None:
                        yield chunk

    def _fields(self, *, shown: bool = False) -> dict[str, Any]:
        """The options that the model was made with."""
        fields = type(self).model_fields
        names = [name for name in sorted(OPTIONS) if not (shown and fields[name].exclude)]
        given = {name: getattr(self, name) for name in ("thinking", *names)}
        return {name: value for name, value in given.items() if value is not None}

    def _request(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> tuple[structured.Shape | None, list[dict[str, object]], dict[str, Any]]:
        """The shape of the answer, if one is set; the messages; and the options of the chat."""
        given = {name: value for name, value in kwargs.items() if name != _SHAPE}
        # The client's model is left out of the request: a fallback has another name for its model.
        named = {} if self.model == self._used.model else {"model": self.model}
        options = chat_options({**named, **self._fields()}, stop, given)
        return kwargs.get(_SHAPE), to_sdk(messages), options

    def _parsing(self, shape: structured.Shape) -> dict[str, Any]:
        holds = self._used.provider_data.renderer.holds_schema
        return {
            "mechanism": structured.mechanism_of(shape.method, holds_schema=holds),
            "retries": shape.retries,
        }

    def _whole(self, reply: Reply) -> AIMessage:
        check_recovered(reply.tool_calls, self.on_recovered, reply)
        return ai_message(reply)


def _result(message: AIMessage) -> ChatResult:
    return ChatResult(
        generations=[ChatGeneration(message=message)],
        llm_output={"model_name": message.response_metadata["model_name"]},
    )


def _refuse_restart(options: dict[str, Any]) -> None:
    if "restart" in (options.get("on_interrupt") or ()):
        raise InvalidRequestError(
            "on_interrupt='restart' restarts a broken answer, and LangChain cannot take back the chunks that it has: "
            "call invoke, or leave on_interrupt out"
        )
