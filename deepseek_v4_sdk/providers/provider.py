"""The interface of a provider, and the data that most of a provider consists of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, cast

from deepseek_v4_sdk._late_types import late_module, late_type
from deepseek_v4_sdk.chat import ChatRequest, HistoryRules, JsonValue, Message, RateLimits, Repair, Thinking, Usage
from deepseek_v4_sdk.errors import APIError
from deepseek_v4_sdk.providers.completions import Completions
from deepseek_v4_sdk.providers.grammar import EITHER, Grammar

if TYPE_CHECKING:
    import httpx

    from deepseek_v4_sdk.catalogue.models import ServedModel
    from deepseek_v4_sdk.chat.served import ModelInfo
    from deepseek_v4_sdk.providers.http_call import EncodedChat, HttpCall, Target
else:
    ServedModel = late_type("deepseek_v4_sdk.catalogue.models", "ServedModel")
    httpx = late_module("httpx")
    ModelInfo = late_type("deepseek_v4_sdk.chat.served", "ModelInfo")
    EncodedChat = late_type("deepseek_v4_sdk.providers.http_call", "EncodedChat")
    HttpCall = late_type("deepseek_v4_sdk.providers.http_call", "HttpCall")
    Target = late_type("deepseek_v4_sdk.providers.http_call", "Target")

__all__ = [
    "Lacks",
    "Note",
    "OptionRule",
    "OwnTransport",
    "Provider",
    "ProviderData",
    "Refused",
    "Renderer",
    "Rule",
    "SchemaLint",
    "Sink",
    "WrapsTransport",
    "own_transport",
    "transport_wrapper",
]

Note: TypeAlias = Callable[[ChatRequest, ServedModel | None], Repair | None]
"""Something that a caller should know about a request: gives it, or None."""


@dataclass(slots=True, eq=False)
class Refused:
    """An option that a provider does not have, with the reason and what to do instead."""

    reason: str


@dataclass(slots=True, eq=False)
class Lacks:
    """A value of an option that a provider does not have in this combination.

    Attributes:
        option: The option.
        reason: The reason, and the remedy.
        ways: The changes that each word of `on_unsupported` makes here: options and their other values.
    """

    option: str
    reason: str
    ways: Mapping[str, Mapping[str, object]] = field(default_factory=dict[str, Mapping[str, object]])


OptionRule: TypeAlias = Callable[[Any], Mapping[str, JsonValue]] | Refused
"""The rule for an option: the piece of the body that a value becomes, or the reason why there is none."""

SchemaLint: TypeAlias = Literal["grammar", "closed", "deepseek"]
"""A check of a tool's schema: the grammar of vLLM and SGLang, Dynamo's closed objects, or DeepSeek's strict mode."""

Rule: TypeAlias = Callable[[ChatRequest], str | Lacks | None]
"""A combination that a provider refuses: gives what is wrong and what to do, or None."""


@dataclass(slots=True, eq=False, kw_only=True)
class Renderer:
    """The way in which a server makes a prompt of a conversation.

    Attributes:
        dialect: The encoder: vLLM's, or the vendor's ("recipe").
        shows_format: Whether the model is shown the response format.
        holds_schema: Whether the server holds the answer to a JSON Schema; else only to some JSON object.
        forces_by_grammar: Whether a forced call does not show in the prompt, but for the one tool of a named one.
        exact: Whether a server of a version (None where it is not known) renders exactly so.
        count_path: The route that counts the tokens of a prompt, or None.
        count_effort_at_root: Whether that route reads the effort only at the body's root.
    """

    dialect: Literal["vllm", "recipe"]
    shows_format: bool = False
    holds_schema: bool = True
    forces_by_grammar: bool = True
    exact: Callable[[str | None], bool] = lambda _: False
    count_path: str | None = None
    count_effort_at_root: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class ProviderData:
    """The properties of a server, as data.

    A field without "Default" must be given.

    Attributes:
        name: The provider's name.
        base_url: Its own address. Default: None, the caller must give one.
        base_suffixes: Endings of a given base URL that do not mean another address. Default: ("/v1",).
        hosts: The hosts its key from the environment may go to. Default: empty, the given `base_url` and no other.
        key_variables: The environment variables that may hold its key; the first one found wins. Default: empty, its
            key only comes from the arguments or the profile.
        key_hints: Variables that people take for its key, and what they hold instead. Default: empty.
        needs_key: Whether it never answers without a key. Default: False.
        chat_path: The path of chat completions, under the base URL. Default: "/v1/chat/completions".
        models_path: The path that lists models. Default: "/v1/models".
        about_paths: The paths that report its version (`version`), the newest first. Default: empty, it has none.
        memory_key: The key of that report for the longest prompt its memory holds. Default: None, it has none.
        names_itself: Whether its answers name the model that answered; else they repeat the requested name.
            Default: True.
        edge: The tokens at the end of its window that no prompt reaches, and those that no answer reaches.
            Default: (0, 0).
        health_path: The path that shows whether it is up. Default: "/health".
        thinking: The piece of the body for each thinking level; the client refuses a missing level.
        model: Whether a request must name a model: "optional", "required", or "discovered" when the server requires a
            name but has only one model, which the client then discovers. Default: "optional".
        reasoning_keys: The names under which it reads the reasoning of earlier turns.
        fills_reasoning: Whether the client sends an empty reasoning with earlier calls that have none. Default: False.
        sorts_calls_by_id: Whether its prompt puts parallel calls in the order of their ids as strings. Default: False.
        closes_cut_calls: Whether it may write a call that was cut as a whole one, with the parameters that had arrived.
            Default: True, the client then trusts no call of an answer that was cut.
        cache_block: Number of tokens in a block of its prefix cache when it serves V4 (vLLM's recipes and NVIDIA
            Dynamo's give `--block-size 256`, SGLang 0.5.23 has pages of 256 for V4). Default: None, not known.
        renderer: The way in which it makes a prompt of a conversation.
        completions: Its route for rendered prompts. Default: None, it has none.
        continues_prefix: Whether a chat goes on with a last message of the assistant that says `prefix`: with its
            text, or with its reasoning where it has no text. Default: False.
        grammar: The JSON Schemas that its grammar refuses, where it has one. Default: EITHER, what vLLM or SGLang
            refuses.
        history: Its rules for a conversation that differ from those of other servers. Default: HistoryRules().
        options: The rule for each option; the client refuses one without a rule. Default: empty.
        rules: The combinations it refuses. Default: empty.
        notes: Notes for callers. Default: empty.
        default_body: The default fields of the body. Default: empty.
        route: The path for a request where it is not always `chat_path`. Default: None.
        rate_limit_cap: The longest bound of a wait after a 429, in seconds. Default: 20.0.
        poll_url: The URL that polls for an accepted answer, when the provider's own address is used. Default: None,
            it answers at once.
        remedies: Special remedies for a status, where it has a special meaning here. Default: empty.
        limits: The known limits for one key: for all models (under `""`), or for each family of models.
            Default: empty.
        session_header: The header that names a request's conversation to a gateway in front of it. Default: None.
        schema_lints: The checks of `lint_schema` for every tool: the parts of a schema that its grammar refuses.
            Default: empty.
        strict_schema_lints: The further checks for tools with `strict=True`. Default: empty.
        probe_flags: The remedy for each feature of a probe: a flag of the server, or a line of the profile.
            Default: empty, a service that its users cannot set up.
        reads_frames: Whether `decode` treats every text alike, so that the client reads an event that differs from an
            earlier one only in its text without parsing it. Default: False; `ChatCompletions` sets it.
    """

    name: str
    base_url: str | None = None
    base_suffixes: tuple[str, ...] = ("/v1",)
    hosts: frozenset[str] = frozenset()
    key_variables: tuple[str, ...] = ()
    key_hints: Mapping[str, str] = field(default_factory=dict[str, str])
    needs_key: bool = False
    chat_path: str = "/v1/chat/completions"
    models_path: str = "/v1/models"
    about_paths: tuple[str, ...] = ()
    memory_key: str | None = None
    names_itself: bool = True
    edge: tuple[int, int] = (0, 0)
    health_path: str = "/health"
    thinking: Mapping[Thinking, Mapping[str, JsonValue]]
    model: Literal["optional", "required", "discovered"] = "optional"
    reasoning_keys: tuple[str, ...]
    fills_reasoning: bool = False
    sorts_calls_by_id: bool = False
    closes_cut_calls: bool = True
    cache_block: int | None = None
    renderer: Renderer
    completions: Completions | None = None
    continues_prefix: bool = False
    grammar: Grammar = EITHER
    history: HistoryRules = field(default_factory=HistoryRules)
    options: Mapping[str, OptionRule] = field(default_factory=dict[str, OptionRule])
    rules: tuple[Rule, ...] = ()
    notes: tuple[Note, ...] = ()
    default_body: Mapping[str, JsonValue] = field(default_factory=dict[str, "JsonValue"])
    route: Callable[[ChatRequest], str] | None = None
    rate_limit_cap: float = 20.0
    poll_url: str | None = None
    remedies: Mapping[int, str] = field(default_factory=dict[int, str])
    limits: Mapping[str, RateLimits] = field(default_factory=dict[str, "RateLimits"])
    session_header: str | None = None
    schema_lints: tuple[SchemaLint, ...] = ()
    strict_schema_lints: tuple[SchemaLint, ...] = ()
    probe_flags: Mapping[str, str] = field(default_factory=dict[str, str])
    reads_frames: bool = False


def every_level(form: Callable[[Thinking], Mapping[str, JsonValue]]) -> Mapping[Thinking, Mapping[str, JsonValue]]:
    """The thinking table of a server that has every level: the piece of the body for each."""
    levels: tuple[Thinking, ...] = ("off", "low", "high", "max")
    return {level: form(level) for level in levels}


class Sink(Protocol):
    """The receiver of an answer's decoded pieces, in the order of arrival."""

    @property
    def begun(self) -> bool:
        """Whether the id and the model of the answer are known: every event repeats them, and one is enough."""
        ...

    def begin(self, reply_id: str | None, model: str | None) -> None:
        """Set the id and the model of the answer; may be called again."""
        ...

    def reasoning(self, text: str) -> None:
        """Add a piece of reasoning, not empty."""
        ...

    def text(self, text: str) -> None:
        """Add a piece of text, not empty."""
        ...

    def call(self, index: int | None, call_id: str | None, name: str | None, arguments: str | None) -> None:
        """Add a piece of a tool call; None or empty means that the piece does not have it."""
        ...

    def logprobs(self, entries: list[JsonValue]) -> None:
        """Add log-probabilities of the tokens just decoded."""
        ...

    def finish(self, reason: str, stop_sequence: str | None) -> None:
        """Note the server's finish reason."""
        ...

    def usage(self, usage: Usage) -> None:
        """Note the server's count so far; the last one counts."""
        ...

    def other(self, key: str, value: JsonValue) -> None:
        """Add a field that has no place in a reply; those of the choice have the prefix `choice.`."""
        ...


class Provider(Protocol):
    """The API of one kind of server: how to write requests and read answers. It does no I/O.

    A provider may also have an attribute `transport` (see `OwnTransport`), which then sends its requests, or a method
    `wrap_transport` (see `WrapsTransport`), which sees them pass.
    """

    @property
    def data(self) -> ProviderData:
        """Its properties."""
        ...

    @property
    def name(self) -> str:
        """The name that replies and errors show."""
        ...

    @property
    def engine(self) -> str | None:
        """The engine inside: its own name, or that of the engine behind it; None until the server reports it."""
        ...

    @property
    def history_rules(self) -> HistoryRules:
        """The server's rules for a conversation."""
        ...

    def as_rendered(self, request: ChatRequest) -> tuple[Message, ...]:
        """The messages as the server renders them; unchanged ones are the same objects."""
        ...

    def count_call(self, request: ChatRequest, target: Target) -> HttpCall:
        """Make the HTTP request for the server's count of a chat's prompt tokens.

        Raises:
            ConfigurationError: The server has no such route.
        """
        ...

    def encode(self, request: ChatRequest, target: Target) -> EncodedChat:
        """Make the HTTP request for a chat.

        Raises:
            InvalidRequestError: This server would refuse or misread the request.
        """
        ...

    def query(self, path: str, target: Target) -> HttpCall:
        """Make the HTTP request for something to read, such as the list of models."""
        ...

    def poll(self, status: int, headers: Mapping[str, str], call: HttpCall) -> HttpCall | None:
        """The request that polls for an accepted answer, or None."""
        ...

    def discovered(self, models: list[ModelInfo]) -> Provider:
        """Return the provider for a server that lists these models."""
        ...

    def decode(self, payload: dict[str, JsonValue], sink: Sink) -> None:
        """Split one event of a stream, or a whole plain answer, into pieces.

        Raises:
            APIError: The payload says that something went wrong on the server.
            ValueError: The payload is not a part of an answer.
        """
        ...

    def models(self, payload: JsonValue) -> list[ModelInfo]:
        """Read the list of models.

        Raises:
            ValueError: It is not such a list.
        """
        ...

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes, call: HttpCall) -> APIError:
        """Make the error for an HTTP answer without success."""
        ...


class OwnTransport(Protocol):
    """A provider that sends its requests itself, as the mock does."""

    @property
    def transport(self) -> httpx.BaseTransport | httpx.AsyncBaseTransport:
        """Its transport; it must be of both kinds to serve both clients."""
        ...


class WrapsTransport(Protocol):
    """A provider that sees the requests and answers of its clients pass, as a recorder does."""

    def wrap_transport(
        self, transport: httpx.BaseTransport | httpx.AsyncBaseTransport
    ) -> httpx.BaseTransport | httpx.AsyncBaseTransport:
        """A transport that replaces a client's own transport, and uses it; it is of the same kind."""
        ...


def own_transport(provider: Provider) -> httpx.BaseTransport | httpx.AsyncBaseTransport | None:
    """Return the transport of a provider that sends its requests itself; None for others."""
    return cast("httpx.BaseTransport | httpx.AsyncBaseTransport | None", getattr(provider, "transport", None))


def transport_wrapper(
    provider: Provider,
) -> Callable[[httpx.BaseTransport | httpx.AsyncBaseTransport], httpx.BaseTransport | httpx.AsyncBaseTransport] | None:
    """Return the method with which a provider wraps a client's own transport; None for others."""
    return cast("WrapsTransport", provider).wrap_transport if hasattr(provider, "wrap_transport") else None
