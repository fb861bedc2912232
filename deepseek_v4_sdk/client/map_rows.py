"""The clients as a map sees them: one row becomes a chat, a structured answer, or a tool run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from deepseek_v4_sdk.batch.digest import digest_of
from deepseek_v4_sdk.batch.results import Answer
from deepseek_v4_sdk.catalogue.models import plain_name
from deepseek_v4_sdk.chat import read_messages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deepseek_v4_sdk.batch.requests import MapRequest
    from deepseek_v4_sdk.catalogue.models import Catalogue
    from deepseek_v4_sdk.catalogue.prices import PriceTable
    from deepseek_v4_sdk.chat import ChatRequest, Message, MessagesInput, Reply
    from deepseek_v4_sdk.client.async_client import AsyncDeepSeekV4
    from deepseek_v4_sdk.client.base import BaseClient
    from deepseek_v4_sdk.client.sync_client import DeepSeekV4
    from deepseek_v4_sdk.structured import Mechanism, Parsed, Shape

__all__ = ["AsyncMapRows", "MapRows"]

_OF_THE_ANSWER = ("max_rounds", "max_total_tokens", "retry_empty", "on_recovered")  # of the limits of a loop
_OF_PARSE = ("mechanism", "retries")


class _Rows:
    """The part without I/O.

    Args:
        client: The client.
        checked: Checks a chat, and fills in the defaults of the client.
        catalogue: The known models.
        prices: The client's own prices, or None.
    """

    def __init__(
        self,
        client: BaseClient,
        checked: Callable[[MessagesInput, Mapping[str, object]], ChatRequest],
        catalogue: Catalogue,
        prices: PriceTable | None,
    ) -> None:
        self._checked = checked
        self._catalogue = catalogue
        self._prices = prices
        self._flavor = client.flavor
        self._shape: tuple[object, Shape[object]] | None = None  # of the last schema: mostly all rows have one

    @property
    def price_table(self) -> PriceTable | None:
        """The client's own prices, or None."""
        return self._prices

    def messages(self, request: MapRequest) -> Sequence[Message]:
        """The messages of a row."""
        return read_messages(request.messages)

    def digest(self, request: MapRequest) -> str:
        """Hash all that decides the answer to a row.

        Raises:
            InvalidRequestError: The row is wrong.
            ConfigurationError: There is no schema for its type, or a limit makes no sense.
        """
        options, further = dict(request.options), dict[str, object]()
        if request.tools:
            from deepseek_v4_sdk.tools.loop_options import split_options

            limits, rest = split_options(options)
            options = {**rest, "tools": request.tools}
            further = {name: getattr(limits, name) for name in _OF_THE_ANSWER}
        elif request.schema is not None:
            further = {name: options.pop(name) for name in _OF_PARSE if name in options}
            further["schema"] = self._shape_of(request.schema).schema
        checked = self._checked(request.messages, options)
        return digest_of(checked, self._model(checked.model), further)

    def parsed(self, request: MapRequest, reply: Reply, mechanism: str) -> Parsed[object]:
        """Read the structured answer in a reply that was kept.

        Raises:
            ConfigurationError: There is no schema for the type.
            ValueError: The answer does not match.
        """
        from deepseek_v4_sdk.structured import parsed_again

        return parsed_again(reply, self._shape_of(request.schema), cast("Mechanism", mechanism))

    def _shape_of(self, schema: object) -> Shape[object]:
        from deepseek_v4_sdk.structured import Shape

        if self._shape is None or self._shape[0] is not schema:
            self._shape = schema, Shape(schema)
        return self._shape[1]

    def _model(self, name: str | None) -> str | None:
        """The model by its family and generation, which do not change when the rows go to another provider."""
        if name is None:
            return None
        catalogue, plain = self._catalogue, plain_name(name)
        entry = catalogue.find(self._flavor, name) or next(
            (known for known in catalogue.entries if plain_name(known.id) == plain), None
        )
        return plain if entry is None else f"{entry.family} {entry.generation}"


class MapRows(_Rows):
    """The blocking client, as a map sees it."""

    def __init__(
        self,
        client: DeepSeekV4,
        checked: Callable[[MessagesInput, Mapping[str, object]], ChatRequest],
        catalogue: Catalogue,
        prices: PriceTable | None,
    ) -> None:
        super().__init__(client, checked, catalogue, prices)
        self._client = client

    def ask(self, request: MapRequest) -> Answer:
        """Ask for the answer to a row.

        Raises:
            Exception: Anything that the call raises.
        """
        client, messages, options = self._client, request.messages, cast("Any", request.options)
        if request.tools:
            run = client.run_tools(messages, request.tools, **options)
            return Answer(reply=run.reply, run=run)
        if request.schema is not None:
            parsed = client.parse(messages, request.schema, **options)
            return Answer(reply=parsed.reply, parsed=parsed)
        return Answer(reply=client.chat(messages, **options))


class AsyncMapRows(_Rows):
    """The async client, as a map sees it."""

    def __init__(
        self,
        client: AsyncDeepSeekV4,
        checked: Callable[[MessagesInput, Mapping[str, object]], ChatRequest],
        catalogue: Catalogue,
        prices: PriceTable | None,
    ) -> None:
        super().__init__(client, checked, catalogue, prices)
        self._client = client

    async def ask(self, request: MapRequest) -> Answer:
        """Ask for the answer to a row.

        Raises:
            Exception: Anything that the call raises.
        """
        client, messages, options = self._client, request.messages, cast("Any", request.options)
        if request.tools:
            run = await client.run_tools(messages, request.tools, **options)
            return Answer(reply=run.reply, run=run)
        if request.schema is not None:
            parsed = await client.parse(messages, request.schema, **options)
            return Answer(reply=parsed.reply, parsed=parsed)
        return Answer(reply=await client.chat(messages, **options))
