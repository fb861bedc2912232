"""Structured answers of both clients, while they arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, Unpack, overload

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.call.drivers import AsyncDriver, SyncDriver
from deepseek_v4_sdk.chat import ChatOptions, MessagesInput
from deepseek_v4_sdk.client.calls import ClientCalls
from deepseek_v4_sdk.support.option_signatures import shows_options
from deepseek_v4_sdk.transport.connection import AsyncResponseStream, ResponseStream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import TypeAdapter
    from typing_extensions import TypeForm

    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.structured import AsyncItemStream, AsyncParseStream, ItemStream, MechanismChoice, ParseStream
else:
    MechanismChoice = late_type("deepseek_v4_sdk.structured", "MechanismChoice")

__all__ = ["AsyncParseCalls", "ParseCalls"]

T = TypeVar("T")


class ParseCalls(ClientCalls):
    """The structured answers of the sync client."""

    @overload
    def stream_parse(
        self,
        messages: MessagesInput,
        schema: TypeForm[T],
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> ParseStream[T]: ...

    @overload
    def stream_parse(
        self,
        messages: MessagesInput,
        schema: TypeAdapter[T],
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> ParseStream[T]: ...

    @overload
    def stream_parse(
        self,
        messages: MessagesInput,
        schema: Mapping[str, object],
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> ParseStream[JsonValue]: ...

    @overload
    def stream_parse(
        self,
        messages: MessagesInput,
        schema: object,
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> ParseStream[object]: ...

    @shows_options("chat:ChatOptions")
    def stream_parse(
        self,
        messages: MessagesInput,
        schema: object,
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> object:
        """Request an answer of a certain shape, and take its value as it arrives.

        The request is checked now, and sent on entering the `with` block. Iterate over the `Partial`s; `parsed()` gives
        the checked value. The request is repeated only while no state was handed out.

        Args:
            messages: As for `chat`.
            schema: As for `parse`.
            mechanism: As for `parse`.
            retries: As for `parse`.
            options: See `ChatOptions`; `response_format` is set here.

        Raises:
            InvalidRequestError: Something is wrong with the request.
            UnsupportedOptionError: The server would refuse the mechanism, or the schema; the text names the keyword.
            ConfigurationError: There is no schema for the type.
        """
        from deepseek_v4_sdk.structured import ParseStream

        asked, steps, clock = self._structured(messages, schema, mechanism, retries, options, "partials")
        return ParseStream(asked, SyncDriver(steps, ResponseStream(), clock))

    @overload
    def iter_parse(
        self,
        messages: MessagesInput,
        item_type: TypeForm[T],
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> ItemStream[T]: ...

    @overload
    def iter_parse(
        self,
        messages: MessagesInput,
        item_type: TypeAdapter[T],
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> ItemStream[T]: ...

    @overload
    def iter_parse(
        self,
        messages: MessagesInput,
        item_type: Mapping[str, object],
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> ItemStream[JsonValue]: ...

    @overload
    def iter_parse(
        self,
        messages: MessagesInput,
        item_type: object,
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> ItemStream[object]: ...

    @shows_options("chat:ChatOptions")
    def iter_parse(
        self,
        messages: MessagesInput,
        item_type: object,
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> object:
        """Request a list, and take its items as they arrive: each once, in order, checked as soon as it is complete.

        The request is checked now, and sent with the first step of the loop, or on entering a `with` block.
        An item that does not match ends the loop with a `SchemaViolationError`; the request is repeated only while no
        item was handed out.

        Args:
            messages: As for `chat`. Ask for all the items.
            item_type: The type of an item, as for `parse`.
            mechanism: As for `parse`.
            retries: As for `parse`.
            options: See `ChatOptions`; `response_format` is set here.

        Raises:
            InvalidRequestError: Something is wrong with the request.
            UnsupportedOptionError: The server would refuse the mechanism, or the schema; the text names the keyword.
            ConfigurationError: There is no schema for the type.
        """
        from deepseek_v4_sdk.structured import ItemStream

        asked, steps, clock = self._structured(messages, item_type, mechanism, retries, options, "items")
        return ItemStream(asked, SyncDriver(steps, ResponseStream(), clock))


class AsyncParseCalls(ClientCalls):
    """The structured answers of the async client."""

    @overload
    def stream_parse(
        self,
        messages: MessagesInput,
        schema: TypeForm[T],
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> AsyncParseStream[T]: ...

    @overload
    def stream_parse(
        self,
        messages: MessagesInput,
        schema: TypeAdapter[T],
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> AsyncParseStream[T]: ...

    @overload
    def stream_parse(
        self,
        messages: MessagesInput,
        schema: Mapping[str, object],
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> AsyncParseStream[JsonValue]: ...

    @overload
    def stream_parse(
        self,
        messages: MessagesInput,
        schema: object,
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> AsyncParseStream[object]: ...

    @shows_options("chat:ChatOptions")
    def stream_parse(
        self,
        messages: MessagesInput,
        schema: object,
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> object:
        """Request an answer of a certain shape, and take its value as it arrives.

        The request is checked now, and sent on entering the `async with` block. Iterate over the `Partial`s; `parsed()`
        gives the checked value. The request is repeated only while no state was handed out.

        Args:
            messages: As for `chat`.
            schema: As for `parse`.
            mechanism: As for `parse`.
            retries: As for `parse`.
            options: See `ChatOptions`; `response_format` is set here.

        Raises:
            InvalidRequestError: Something is wrong with the request.
            UnsupportedOptionError: The server would refuse the mechanism, or the schema; the text names the keyword.
            ConfigurationError: There is no schema for the type.
        """
        from deepseek_v4_sdk.structured import AsyncParseStream

        asked, steps, clock = self._structured(messages, schema, mechanism, retries, options, "partials")
        return AsyncParseStream(asked, AsyncDriver(steps, AsyncResponseStream(), clock))

    @overload
    def iter_parse(
        self,
        messages: MessagesInput,
        item_type: TypeForm[T],
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> AsyncItemStream[T]: ...

    @overload
    def iter_parse(
        self,
        messages: MessagesInput,
        item_type: TypeAdapter[T],
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> AsyncItemStream[T]: ...

    @overload
    def iter_parse(
        self,
        messages: MessagesInput,
        item_type: Mapping[str, object],
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> AsyncItemStream[JsonValue]: ...

    @overload
    def iter_parse(
        self,
        messages: MessagesInput,
        item_type: object,
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> AsyncItemStream[object]: ...

    @shows_options("chat:ChatOptions")
    def iter_parse(
        self,
        messages: MessagesInput,
        item_type: object,
        *,
        mechanism: MechanismChoice = "auto",
        retries: int = 1,
        **options: Unpack[ChatOptions],
    ) -> object:
        """Request a list, and take its items as they arrive: each once, in order, checked as soon as it is complete.

        The request is checked now, and sent with the first step of the loop, or on entering an `async with` block.
        An item that does not match ends the loop with a `SchemaViolationError`; the request is repeated only while no
        item was handed out.

        Args:
            messages: As for `chat`. Ask for all the items.
            item_type: The type of an item, as for `parse`.
            mechanism: As for `parse`.
            retries: As for `parse`.
            options: See `ChatOptions`; `response_format` is set here.

        Raises:
            InvalidRequestError: Something is wrong with the request.
            UnsupportedOptionError: The server would refuse the mechanism, or the schema; the text names the keyword.
            ConfigurationError: There is no schema for the type.
        """
        from deepseek_v4_sdk.structured import AsyncItemStream

        asked, steps, clock = self._structured(messages, item_type, mechanism, retries, options, "items")
        return AsyncItemStream(asked, AsyncDriver(steps, AsyncResponseStream(), clock))
