"""The client with awaited I/O. Its calls are in `calls.py`; here a driver runs them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Self, TypeVar, Unpack, cast, overload

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.call.drivers import AsyncDriver, on_a_thread
from deepseek_v4_sdk.call.streams import AsyncChatStream
from deepseek_v4_sdk.chat import ChatOptions, MessagesInput, PromptOptions, Reply, Thinking, TokenCount, ToolInput
from deepseek_v4_sdk.client.mapping import AsyncMapCalls
from deepseek_v4_sdk.client.prompt_count import is_large, warm_up
from deepseek_v4_sdk.support.option_signatures import shows_options
from deepseek_v4_sdk.support.redaction import hide_headers
from deepseek_v4_sdk.transport.connection import AsyncResponseStream
from deepseek_v4_sdk.transport.direct_transport import AsyncDirectTransport
from deepseek_v4_sdk.transport.httpcore_transport import AsyncPooledTransport

if TYPE_CHECKING:
    from types import TracebackType

    from pydantic import TypeAdapter
    from typing_extensions import TypeForm

    from deepseek_v4_sdk.call.steps import Steps
    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.chat.served import Health, ModelInfo
    from deepseek_v4_sdk.client.sync_client import DeepSeekV4
    from deepseek_v4_sdk.client.tool_rounds import AsyncToolRounds
    from deepseek_v4_sdk.client.tool_streams import AsyncToolStream
    from deepseek_v4_sdk.context import ContextBudget
    from deepseek_v4_sdk.probe import ProbeReport
    from deepseek_v4_sdk.structured import MechanismChoice, Parsed
    from deepseek_v4_sdk.tools.loop_options import LoopOptions
    from deepseek_v4_sdk.tools.run import ToolRun
    from deepseek_v4_sdk.transport.clock import Clock
    from deepseek_v4_sdk.transport.connection import AsyncTransport
else:
    Health = late_type("deepseek_v4_sdk.chat.served", "Health")
    ModelInfo = late_type("deepseek_v4_sdk.chat.served", "ModelInfo")
    DeepSeekV4 = late_type("deepseek_v4_sdk.client.sync_client", "DeepSeekV4")
    AsyncToolRounds = late_type("deepseek_v4_sdk.client.tool_rounds", "AsyncToolRounds")
    AsyncToolStream = late_type("deepseek_v4_sdk.client.tool_streams", "AsyncToolStream")
    ContextBudget = late_type("deepseek_v4_sdk.context", "ContextBudget")
    ProbeReport = late_type("deepseek_v4_sdk.probe", "ProbeReport")
    MechanismChoice = late_type("deepseek_v4_sdk.structured", "MechanismChoice")
    LoopOptions = late_type("deepseek_v4_sdk.tools.loop_options", "LoopOptions")
    ToolRun = late_type("deepseek_v4_sdk.tools.run", "ToolRun")

__all__ = ["AsyncDeepSeekV4"]

T = TypeVar("T")


class AsyncDeepSeekV4(AsyncMapCalls):
    """A client for DeepSeek-V4-Pro and V4-Flash, wherever they are served, for asyncio.

    It is safe to share between tasks and event loops, in several threads too. Use it in an `async with` block, or
    `aclose()` it. The page on configuration explains its arguments.
    """

    _awaits = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections this client made."""
        for transport in self._transports.take_made():
            await cast("AsyncTransport", transport).aclose()
        for client in self._own_fallbacks:
            await cast("AsyncDeepSeekV4", client).aclose()
        if self._twin is not None:
            cast("DeepSeekV4", self._twin).close()

    def as_sync(self) -> DeepSeekV4:
        """Make the blocking client with the same settings, limits, hooks and mock, and with its own connections.

        It is the same one each time, and is closed with this one. Of a client on `transport="aiohttp"` it uses the
        default transport.

        Raises:
            ConfigurationError: This client uses an `http_client` of yours, which cannot carry blocking requests.
        """
        from deepseek_v4_sdk.client.sync_client import DeepSeekV4

        return self._twin_of(DeepSeekV4)

    def as_async(self) -> Self:
        """This client: for code that takes either kind."""
        return self

    @shows_options("chat:ChatOptions")
    async def chat(self, messages: MessagesInput, **options: Unpack[ChatOptions]) -> Reply:
        """Send a chat, and wait for the whole answer. It streams inside, so that gateways do not cut long answers.

        Args:
            messages: A text, a message, a mapping in OpenAI's form, or a sequence of these.
            options: See `ChatOptions`.

        Raises:
            InvalidRequestError: Something is wrong with the request; nothing was sent.
            APIError: The server answered with an error.
            IncompleteReplyError: The answer is not whole; `partial` has what arrived.
            ConnectionFailedError: There was no connection.
            PhaseTimeoutError: A timer ran out.
        """
        call = self._chat(messages, options)
        return await self._run(call.steps(), call.call_settings.clock)

    @shows_options("chat:ChatOptions")
    def stream(self, messages: MessagesInput, **options: Unpack[ChatOptions]) -> AsyncChatStream:
        """Send a chat, and read the answer as it arrives. The request is checked now, and sent on entering the block.

        Args:
            messages: As for `chat`.
            options: See `ChatOptions`.

        Raises:
            InvalidRequestError: Something is wrong with the request.
        """
        call = self._chat(messages, options)
        return AsyncChatStream(call, AsyncDriver(call.steps(), AsyncResponseStream(), call.call_settings.clock))

    @shows_options("tools.loop_options:LoopOptions")
    def tool_rounds(
        self, messages: MessagesInput, tools: Sequence[object], **options: Unpack[LoopOptions]
    ) -> AsyncToolRounds:
        """Let the model call tools, turn by turn.

        Use it as `async with client.tool_rounds(...) as rounds`, and iterate over the rounds with `async for`. You may
        change `rounds.messages` between two turns; at the end `rounds.run` has everything.

        Args:
            messages: As for `chat`; the loop works on a copy.
            tools: Functions, async ones too, or tools in any form. One without a function ends the loop.
            options: See `LoopOptions`: the limits of the loop, such as `max_rounds` (20) and `deadline`, `approve`,
                `on_event`, and the options of a chat.

        Raises:
            InvalidRequestError: One of the tools does not describe a tool.
            ConfigurationError: A function cannot be a tool, or a limit makes no sense.
        """
        from deepseek_v4_sdk.client.tool_rounds import AsyncToolRounds

        hide_headers(options)
        on_event = options.pop("on_event", None)
        return AsyncToolRounds(self.stream_tools(messages, tools, **options), on_event)

    @shows_options("tools.loop_options:LoopOptions")
    def stream_tools(
        self, messages: MessagesInput, tools: Sequence[object], **options: Unpack[LoopOptions]
    ) -> AsyncToolStream:
        """Let the model call tools, and see everything as it happens.

        Use it as `async with client.stream_tools(...) as run`, and iterate over its events with `async for`: those of
        every answer, and `ToolRunning`, `ToolProgress`, `ToolFinished`, `RoundFinished` and, at the end, `RunFinished`.
        Closing it ends the answer at once, and cancels and awaits async tools.

        Args:
            messages: As for `tool_rounds`.
            tools: As for `tool_rounds`.
            options: As for `tool_rounds`, without `on_event`.

        Raises:
            InvalidRequestError: One of the tools does not describe a tool.
            ConfigurationError: A function cannot be a tool, or a limit makes no sense.
        """
        from deepseek_v4_sdk.client.tool_streams import AsyncToolStream

        return AsyncToolStream(*self._begin_loop(messages, tools, options, self.stream), self._notifier)

    @shows_options("tools.loop_options:LoopOptions")
    async def run_tools(
        self, messages: MessagesInput, tools: Sequence[object], **options: Unpack[LoopOptions]
    ) -> ToolRun:
        """Let the model call tools until it answers, or until a limit is reached; `stopped` names the limit.

        Args:
            messages: As for `chat`.
            tools: As for `tool_rounds`.
            options: As for `tool_rounds`.

        Raises:
            InvalidRequestError: One of the tools does not describe a tool.
            ConfigurationError: A function cannot be a tool, or a limit makes no sense.
            DeepSeekV4Error: The request to the model failed.
        """
        hide_headers(options)
        async with self.tool_rounds(messages, tools, **options) as rounds:
            async for _ in rounds:
                pass
            return rounds.run

    @overload
    async def parse(
        self,
        messages: MessagesInput,
        schema: TypeForm[T],
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> Parsed[T]: ...

    @overload
    async def parse(
        self,
        messages: MessagesInput,
        schema: TypeAdapter[T],
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> Parsed[T]: ...

    @overload
    async def parse(
        self,
        messages: MessagesInput,
        schema: Mapping[str, object],
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> Parsed[JsonValue]: ...

    @overload
    async def parse(
        self,
        messages: MessagesInput,
        schema: object,
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> Parsed[object]: ...

    @shows_options("chat:ChatOptions")
    async def parse(
        self,
        messages: MessagesInput,
        schema: object,
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> object:
        """Request an answer of a certain shape with the server's mechanism, and check it here.

        Args:
            messages: As for `chat`.
            schema: A pydantic model, a dataclass, a `TypedDict`, any type that pydantic knows, a `TypeAdapter`, or a
                JSON Schema.
            mechanism: The way the server is held to the schema: "json_schema", "json_object" or "tool"; "auto" takes
                the first of the first two that the server has. The result names it.
            retries: Number of times that the model gets the error and answers again.
            options: See `ChatOptions`; `response_format` is set here.

        Raises:
            SchemaViolationError: The answer does not match; `path` says where, `text` is the answer.
            UnsupportedOptionError: The server would refuse the mechanism, or the schema; the text names the keyword.
            ConfigurationError: There is no schema for the type.
            IncompleteReplyError: The answer was cut, or is not whole.
            DeepSeekV4Error: The request to the model failed.
        """
        return await self._run(*self._parse(messages, schema, mechanism, retries, options))

    @shows_options("chat:PromptOptions")
    async def count_tokens(
        self,
        messages: MessagesInput,
        tools: Sequence[ToolInput] | None = None,
        *,
        model: str | None = None,
        source: Literal["local", "server"] = "local",
        schema: object = None,
        **options: Unpack[PromptOptions],
    ) -> TokenCount:
        """Count the tokens of a chat's prompt: its messages and all that the server writes around them.

        Args:
            messages: As for `chat`.
            tools: The tools, as for `chat`.
            model: As for `chat`.
            source: "local" renders and counts here (large prompts on a thread, not on the event loop), "server"
                requests the count, which only some servers offer.
            schema: The type of the answer, as for `parse`, which may write it into the prompt.
            options: See `PromptOptions`.

        Raises:
            InvalidRequestError: Something is wrong with the request.
            ConfigurationError: The server has no route that counts.
        """
        request = self._count_request(messages, tools, model, schema, options)
        if source == "server":
            call_settings = self._call_settings(request.timeout)
            return await self._run(self._endpoint.count_there(request, call_settings), call_settings.clock)
        if is_large(request):
            return await on_a_thread(self._endpoint.count_here, request)
        return self._endpoint.count_here(request)

    async def budget(
        self,
        *,
        window: int | None = None,
        model: str | None = None,
        reserve_output: int | None = None,
        reserve_reasoning: int | None = None,
        thinking: Thinking | None = None,
        low_water: float = 0.6,
        limits_file: str | os.PathLike[str] | None = None,
    ) -> ContextBudget:
        """Make a budget of this endpoint's context window: `.measure`, `.fit` and `.max_tokens_for` go by it.

        Unless the window is given, one request asks the server for it; its earlier refusals count too, and the
        catalogue for the hosted models. `window_source` names the source.

        Args:
            window: The window in tokens, where you know it.
            model: As for `chat`.
            reserve_output: Tokens kept for the answer; else 4,096, and an eighth of the window at most.
            reserve_reasoning: Tokens kept for its reasoning; else 8,192 while thinking, and an eighth at most.
            thinking: As for `chat`; for calls of the budget that name none.
            low_water: The share of the available tokens at which `fit` stops once it has to cut.
            limits_file: A JSON file that keeps the limits which servers report, from now on, for other processes and
                the next start.

        Raises:
            BudgetError: The window is not known, or the numbers leave no room for a prompt.
            ConfigurationError: The file is broken.
            APIError: The server refuses this key.
            ConnectionFailedError: There was no connection.
        """
        return await self._run(
            *self._budget(window, model, reserve_output, reserve_reasoning, thinking, low_water, limits_file)
        )

    async def models(self) -> list[ModelInfo]:
        """List the models that the server offers, with the window of this deployment where it reports one.

        Raises:
            APIError: The server answered with an error.
            ConnectionFailedError: There was no connection.
        """
        call = self._endpoint.models(self._call_settings())
        return await self._run(call.steps(), call.call_settings.clock)

    async def health(self, *, deep: bool = False) -> Health:
        """Return whether the server answers. It raises nothing: the result has the failure.

        Args:
            deep: Whether to request a few tokens from the model, which finds a server that is up and does not generate.
        """
        return await self._run(*self._health(deep=deep))

    async def wait_until_ready(self, timeout: float = 600.0) -> Health:  # noqa: ASYNC109  # a length of time to wait for
        """Wait until the server answers, as after starting one.

        Args:
            timeout: Seconds.

        Raises:
            PhaseTimeoutError: The server did not answer within the time.
            AuthenticationError: The server refuses this key.
        """
        return await self._run(*self._readiness(timeout))

    async def probe(self, *, on_question: Callable[[str], None] | None = None) -> ProbeReport:
        """Send the server a few small requests, and report its setup: which features work, and which flag is missing.

        It sends six to nine requests, with about 2,000 tokens of prompts; the report has their number. A feature that
        does not work is a finding, and raises nothing.

        Args:
            on_question: A callback that receives a few words about the next request.

        Raises:
            APIError: The server refuses this key, or does not know the model.
            ConnectionFailedError: There was no connection.
            PhaseTimeoutError: The server did not answer even the plainest request in time.
        """
        await on_a_thread(warm_up)  # prompts are counted between the questions
        return await self._run(*self._probe(on_question))

    def _connect(self) -> AsyncTransport:
        proxy, ca_bundle = self._settings.proxy, self._settings.ca_bundle
        if self._arguments.get("transport") == "aiohttp":
            from deepseek_v4_sdk.transport.aiohttp_transport import AiohttpTransport  # it needs an extra

            return AiohttpTransport(tls=self._uses_tls, proxy=proxy, ca_bundle=ca_bundle)
        if proxy is None:
            return AsyncDirectTransport(ca_bundle)
        return AsyncPooledTransport(tls=self._uses_tls, proxy=proxy, ca_bundle=ca_bundle)

    async def _run(self, steps: Steps[T], clock: Clock) -> T:
        return await AsyncDriver(steps, AsyncResponseStream(), clock).run()
