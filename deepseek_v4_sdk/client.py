"""The two clients: one set of calls, run with blocking or with awaited I/O."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self, TypeVar

from deepseek_v4_sdk.base import BaseClient
from deepseek_v4_sdk.chat import ChatOptions, Thinking
from deepseek_v4_sdk.counting import is_large
from deepseek_v4_sdk.transport.lines import AsyncLine, Line
from deepseek_v4_sdk.transport.pools import AsyncPooledTransport, PooledTransport
from deepseek_v4_sdk.transport.pumps import AsyncPump, Pump
from deepseek_v4_sdk.transport.streams import AsyncChatStream, ChatStream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Literal, Unpack

    from deepseek_v4_sdk.chat import Health, MessagesInput, ModelInfo, Reply, ToolChoice, ToolInput
    from deepseek_v4_sdk.tokens.prompts import TokenCount
    from deepseek_v4_sdk.transport.clock import Clock
    from deepseek_v4_sdk.transport.steps import Steps

__all__ = ["AsyncDeepSeekV4", "DeepSeekV4"]

T = TypeVar("T")


class DeepSeekV4(BaseClient):
    """A client for DeepSeek-V4-Pro and V4-Flash, wherever they are served.

    It is safe to share between threads. Use it in a `with` block, or `close()` it.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections this client made."""
        if not self._borrowed and self._carrier is not None:
            self._carrier.close()
            self._carrier = None

    def chat(self, messages: MessagesInput, **options: Unpack[ChatOptions]) -> Reply:
        """Ask, and wait for the whole answer. It streams inside, so that long answers survive gateways and timers work.

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
        course = self._chat(messages, options)
        return self._run(course.steps(), course.terms.clock)

    def stream(self, messages: MessagesInput, **options: Unpack[ChatOptions]) -> ChatStream:
        """Ask, and take the answer as it arrives. The request is checked now, and sent on entering the `with` block.

        Args:
            messages: As for `chat`.
            options: See `ChatOptions`.

        Raises:
            InvalidRequestError: Something is wrong with the request.
        """
        course = self._chat(messages, options)
        return ChatStream(course, Pump(course.steps(), self._line(), course.terms.clock))

    def count_tokens(
        self,
        messages: MessagesInput,
        tools: Sequence[ToolInput] | None = None,
        *,
        thinking: Thinking | None = None,
        tool_choice: ToolChoice | None = None,
        response_format: Mapping[str, object] | None = None,
        model: str | None = None,
        source: Literal["local", "server"] = "local",
    ) -> TokenCount:
        """How many tokens the prompt of a chat has: its messages and all that the server writes around them.

        Args:
            messages: As for `chat`.
            tools: The tools, as for `chat`.
            source: "local" renders and counts here, "server" asks the server, which only some can answer.
            thinking: As for `chat`.
            tool_choice: As for `chat`.
            response_format: As for `chat`; not every server shows it to the model.
            model: As for `chat`.

        Raises:
            InvalidRequestError: Something is wrong with the request.
            ConfigurationError: The server has no route that counts.
        """
        request = self._count_request(messages, tools, thinking, tool_choice, response_format, model)
        if source == "local":
            return self._count_locally(request)
        course = self._count_there(request)
        return self._run(course.steps(), course.terms.clock)

    def models(self) -> list[ModelInfo]:
        """The models that the server offers, with the window of this deployment where it tells.

        Raises:
            APIError: The server answered with an error.
            ConnectionFailedError: There was no connection.
        """
        course = self._models()
        return self._run(course.steps(), course.terms.clock)

    def health(self, *, deep: bool = False) -> Health:
        """Whether the server answers. Nothing is raised: what is wrong is in the result.

        Args:
            deep: Ask the model for a few tokens, which finds a server that is up and does not generate.
        """
        return self._run(*self._health(deep=deep))

    def wait_until_ready(self, timeout: float = 600.0) -> Health:
        """Wait until the server answers, as after starting one.

        Args:
            timeout: Seconds.

        Raises:
            PhaseTimeoutError: It did not within the time.
            AuthenticationError: It will not, with this key.
        """
        return self._run(*self._readiness(timeout))

    def _line(self) -> Line:
        return Line(self._shared())

    def _connect(self) -> PooledTransport:
        settings = self._settings
        return PooledTransport(
            tls=self.base_url.startswith("https"), proxy=settings.proxy, ca_bundle=settings.ca_bundle
        )

    def _run(self, steps: Steps[T], clock: Clock) -> T:
        return Pump(steps, self._line(), clock).run()


class AsyncDeepSeekV4(BaseClient):
    """A client for DeepSeek-V4-Pro and V4-Flash, wherever they are served, for asyncio.

    It is safe to share between the tasks of one event loop. Use it in an `async with` block, or `aclose()` it.
    """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections this client made."""
        if not self._borrowed and self._carrier is not None:
            await self._carrier.aclose()
            self._carrier = None

    async def chat(self, messages: MessagesInput, **options: Unpack[ChatOptions]) -> Reply:
        """Ask, and wait for the whole answer. It streams inside, so that long answers survive gateways and timers work.

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
        course = self._chat(messages, options)
        return await self._run(course.steps(), course.terms.clock)

    def stream(self, messages: MessagesInput, **options: Unpack[ChatOptions]) -> AsyncChatStream:
        """Ask, and take the answer as it arrives. The request is checked now, and sent on entering the block.

        Args:
            messages: As for `chat`.
            options: See `ChatOptions`.

        Raises:
            InvalidRequestError: Something is wrong with the request.
        """
        course = self._chat(messages, options)
        return AsyncChatStream(course, AsyncPump(course.steps(), self._line(), course.terms.clock))

    async def count_tokens(
        self,
        messages: MessagesInput,
        tools: Sequence[ToolInput] | None = None,
        *,
        thinking: Thinking | None = None,
        tool_choice: ToolChoice | None = None,
        response_format: Mapping[str, object] | None = None,
        model: str | None = None,
        source: Literal["local", "server"] = "local",
    ) -> TokenCount:
        """How many tokens the prompt of a chat has: its messages and all that the server writes around them.

        Args:
            messages: As for `chat`.
            tools: The tools, as for `chat`.
            source: "local" renders and counts here (large prompts on a thread, not on the event loop), "server" asks
                the server, which only some can answer.
            thinking: As for `chat`.
            tool_choice: As for `chat`.
            response_format: As for `chat`; not every server shows it to the model.
            model: As for `chat`.

        Raises:
            InvalidRequestError: Something is wrong with the request.
            ConfigurationError: The server has no route that counts.
        """
        request = self._count_request(messages, tools, thinking, tool_choice, response_format, model)
        if source == "server":
            course = self._count_there(request)
            return await self._run(course.steps(), course.terms.clock)
        if is_large(request):
            return await asyncio.to_thread(self._count_locally, request)
        return self._count_locally(request)

    async def models(self) -> list[ModelInfo]:
        """The models that the server offers, with the window of this deployment where it tells.

        Raises:
            APIError: The server answered with an error.
            ConnectionFailedError: There was no connection.
        """
        course = self._models()
        return await self._run(course.steps(), course.terms.clock)

    async def health(self, *, deep: bool = False) -> Health:
        """Whether the server answers. Nothing is raised: what is wrong is in the result.

        Args:
            deep: Ask the model for a few tokens, which finds a server that is up and does not generate.
        """
        return await self._run(*self._health(deep=deep))

    async def wait_until_ready(self, timeout: float = 600.0) -> Health:  # noqa: ASYNC109  # a length of time to wait for
        """Wait until the server answers, as after starting one.

        Args:
            timeout: Seconds.

        Raises:
            PhaseTimeoutError: It did not within the time.
            AuthenticationError: It will not, with this key.
        """
        return await self._run(*self._readiness(timeout))

    def _line(self) -> AsyncLine:
        return AsyncLine(self._shared())

    def _connect(self) -> AsyncPooledTransport:
        settings = self._settings
        return AsyncPooledTransport(
            tls=self.base_url.startswith("https"), proxy=settings.proxy, ca_bundle=settings.ca_bundle
        )

    async def _run(self, steps: Steps[T], clock: Clock) -> T:
        return await AsyncPump(steps, self._line(), clock).run()
