"""The content of a file of profiles, as pydantic models: they check a file, and describe it to editors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, SecretStr, Tag, ValidationError, WithJsonSchema

from deepseek_v4_sdk.chat import ControlTokens, Thinking, nearest
from deepseek_v4_sdk.providers import PROVIDER_NAMES
from deepseek_v4_sdk.providers.nim import NIMEngine

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["FileContent", "Profile", "complaints"]

_NAMES = [*PROVIDER_NAMES, "mock"]
_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

Seconds = Annotated[float, Field(gt=0)]


class TimeoutTable(BaseModel):
    """The timers, in seconds."""

    model_config = _STRICT
    connect: Seconds | None = Field(None, description="Opening the connection. Default 10.")
    first_event: Seconds | None = Field(
        None, description="Until the first event of an answer. Default 600, and 1 more for each 3,000 bytes of request."
    )
    idle: Seconds | None = Field(None, description="Silence within an answer. Default 120.")
    total: Seconds | None = Field(None, description="The whole call, retries included. Default six hours.")


class LimitsTable(BaseModel):
    """Limits to obey before the server has to refuse; a missing one is unlimited."""

    model_config = _STRICT
    requests_per_minute: Annotated[int, Field(ge=1)] | None = Field(None, description="Requests in any 60 seconds.")
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = Field(None, description="Tokens in any 60 seconds.")
    concurrency: Annotated[int, Field(ge=1)] | None = Field(None, description="Requests whose answers have not ended.")
    refusals: Annotated[int, Field(ge=1)] | None = Field(
        5, description="After so many answers 429 in a row nothing is sent for a while."
    )


Amount = Annotated[Decimal, Field(ge=0, strict=False)]
Moment = datetime | date


class PriceEntry(BaseModel):
    """The price of models, for a million tokens."""

    model_config = _STRICT
    models: list[str] = Field([], description="The ids of the models; without it all of the server's.")
    currency: str = Field("USD", description="The currency.")
    hit: Amount | None = Field(None, description="Prompt tokens from the prefix cache. Default: as the others.")
    miss: Amount = Field(description="The other prompt tokens.")
    output: Amount = Field(description="Tokens of the answer, reasoning included.")
    since: Moment | None = Field(None, description="When it began to hold, in UTC. Default: always.")
    until: Moment | None = Field(None, description="When it ended, in UTC.")
    as_of: date = Field(description="The day to which you checked it.")


def _table_or(other: str) -> Discriminator:
    return Discriminator(lambda value: "table" if isinstance(value, dict | BaseModel) else other)


class Profile(BaseModel):
    """The arguments of a client. The client itself checks values beyond their type."""

    model_config = _STRICT
    provider: Annotated[str, WithJsonSchema({"type": "string", "enum": _NAMES})] | None = Field(
        None, description="The server's API."
    )
    base_url: str | None = Field(None, description="The server's address, with or without /v1.")
    model: str | None = Field(None, description="The model to ask for where a call names none: an id, pro or flash.")
    thinking: Thinking | None = Field(None, description="The thinking level where a call gives none. Default high.")
    api_key_env: str | None = Field(None, description="The variable that holds the key.")
    api_key_file: str | None = Field(
        None, description="The file that holds the key and nothing else; read at each request, so that it may change."
    )
    api_key_command: str | list[str] | None = Field(
        None, description="A command that prints the key; run once, without a shell."
    )
    api_key: SecretStr | None = Field(None, description="The key itself. Better one of the three above.")
    timeout: (
        Annotated[
            Annotated[Seconds, Tag("seconds")] | Annotated[TimeoutTable, Tag("table")],
            _table_or("seconds"),
        ]
        | None
    ) = Field(None, description="Seconds for the whole call, or a table of timers.")
    max_retries: Annotated[int, Field(ge=0)] | None = Field(
        None, description="How many requests may follow the first of a call. Default 2."
    )
    default_headers: dict[str, str] | None = Field(None, description="Headers of every request.")
    proxy: str | None = Field(None, description="The URL of a proxy; those of the environment are not used.")
    ca_bundle: str | None = Field(None, description="A file of certificates to trust instead of the built-in ones.")
    transport: Literal["httpx", "aiohttp"] | None = Field(None, description="The HTTP library. Default httpx.")
    strict_model: bool | None = Field(
        None, description="Whether an answer of another model than the one asked for is an error."
    )
    server_version: str | None = Field(None, description="The server's version, such as 0.33.0, for exact counts.")
    flavor: Annotated[str, WithJsonSchema({"type": "string", "enum": list(PROVIDER_NAMES)})] | None = Field(
        None, description="The provider that the mock imitates. Only for provider = mock."
    )
    engine: NIMEngine | None = Field(None, description="The engine inside a NIM. Only for provider = nim.")
    endpoints: list[str] | None = Field(None, description="The addresses of several replicas, in place of base_url.")
    balance: Literal["sticky", "least_busy"] | None = Field(
        None, description="How chats are spread over replicas. Default sticky."
    )
    session_affinity: bool | None = Field(
        None, description="Whether a gateway there keeps a conversation on one worker."
    )
    limits: (
        Annotated[
            Annotated[Literal["provider", "off"], Tag("word")] | Annotated[LimitsTable, Tag("table")], _table_or("word")
        ]
        | None
    ) = Field(None, description="Limits to obey before the server has to refuse. Default provider.")
    shared_limits_env: str | None = Field(
        None, description="The variable that holds the URL of the Redis in which processes share the limits."
    )
    control_tokens: ControlTokens | None = Field(
        None, description="Treatment of V4's control tokens in texts of users and tools. Default send."
    )
    on_interrupt: Literal["raise", "restart", "resume"] | list[Literal["resume", "restart"]] | None = Field(
        None, description="The action when an answer breaks off. Default raise."
    )
    window: Annotated[int, Field(ge=1)] | None = Field(
        None, description="The context window in tokens, where you know it better than the server."
    )
    overflow: Literal["raise", "clamp", "fit"] | None = Field(
        None, description="The action when a chat exceeds the window. Default nothing; with window it is raise."
    )
    prices: list[PriceEntry] | None = Field(
        None, description="Prices of this server, for the cost of an answer; before the built-in ones."
    )
    hooks: list[str] | None = Field(
        None, description="Hooks as module:object. Only in your own file, or one that you name."
    )
    fallback: list[str] | None = Field(
        None, description="Profiles whose servers take over when this one cannot answer, in this order."
    )


class FileContent(BaseModel):
    """A file of profiles for DeepSeek-V4."""

    model_config = _STRICT
    default: str | None = Field(None, description="The profile that is taken where none is named.")
    profiles: dict[str, Profile] = Field(description="A table for each profile, such as [profiles.dev].")
    models: list[dict[str, Any]] | None = Field(None, description="Your own entries in the table of known models.")


_WANTED: Mapping[str, str] = {
    "string_type": "give a text",
    "int_type": "give a whole number",
    "int_from_float": "give a whole number",
    "float_type": "give a number",
    "bool_type": "give true or false",
    "list_type": "give a list",
    "dict_type": "give a table",
    "model_type": "give a table",
    "greater_than": "give a number above 0",
    "greater_than_equal": "give a number from {ge}",
    "finite_number": "give a number above 0",
}
_PRIVATE = {"api_key", "proxy", "default_headers", "api_key_command"}


def complaints(kind: type[BaseModel], content: object) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the errors in a table, each with its path, in one line without secrets."""
    try:
        kind.model_validate(content)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            path = tuple(part for part in details["loc"] if part not in _TAGS)
            yield path, _complaint(kind, path, details)


_TAGS = {"seconds", "word", "table", "datetime", "date", "str", "list[str]", "constrained-float"}


def _complaint(kind: type[BaseModel], path: tuple[str | int, ...], details: ErrorDetails) -> str:
    name = ".".join(map(str, path))
    if details["type"] == "extra_forbidden":
        *outer, key = path
        known = _fields(kind, outer)
        where = ".".join(map(str, outer))
        holder = f"{where} has no" if where else "there is no setting"
        return f"{holder} {str(key)!r}{nearest(str(key), known)}; known: {', '.join(known)}"
    if details["type"] == "missing":
        return f"{name} is missing"
    if details["type"] == "literal_error":
        wanted = f"give {details.get('ctx', {}).get('expected')}"
    else:
        form = _WANTED.get(details["type"])
        wanted = details["msg"] if form is None else form.format_map(details.get("ctx", {}))
    if path and path[0] in _PRIVATE:
        return f"{name} is {type(details['input']).__name__}: {wanted}"
    shown = details["input"]
    text = repr(shown) if isinstance(shown, str | int | float) else type(shown).__name__
    return f"{name} is {text if len(text) < 60 else text[:57] + '...'}: {wanted}"


def _fields(kind: type[BaseModel], path: list[str | int]) -> list[str]:
    inner: dict[str, type[BaseModel]] = {"timeout": TimeoutTable, "limits": LimitsTable, "prices": PriceEntry}
    return list((inner[str(path[0])] if path else kind).model_fields)
